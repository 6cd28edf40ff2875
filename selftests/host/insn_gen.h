/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Draws random instructions from the templates of insn_list.h, and registers with which their
 * memory operands lie in the sandbox.
 */
#ifndef HOST_INSN_GEN_H
#define HOST_INSN_GEN_H

#include "insn_list.h"
#include "native.h"
#include "rnd.h"

#define SANDBOX		8192u
#define MIDDLE		(SANDBOX / 2)
#define GS_BASE		0x10000u	/* added by instructions with a GS prefix */
#define FLAGS_FIXED	0x202u		/* bit 1 and IF, as user code sees them */

static u8 *sandbox;	/* below 2 GiB, between pages without access */
static u8 *code;

#define NR_EDGES	15

/* Numbers near the limits of every size are as likely as any others. */
static u64 rnd_val(void)
{
	static const u64 edge[NR_EDGES] = { 0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff,
		0x7fffffff,
		0x80000000,
				    0xffffffff, 0x7fffffffffffffff, 0x8000000000000000, ~0ULL };

	return below(3) ? rnd() : edge[below(NR_EDGES)];
}

/* The instruction under construction. */
struct gen {
	const struct template *t;
	struct native_state *s;
	u8 bytes[24];
	unsigned int len;
	u8 rex;
	bool opsize, adsize, gs, lock;
	u8 rep;
	unsigned int size;
	u8 modrm[6];		/* with SIB and displacement */
	unsigned int modrm_len;
	int rip_disp_at;	/* offset in modrm of a RIP-relative displacement, -1: none */
	u64 target;
};

static void put(struct gen *g, const void *bytes, unsigned int n)
{
	memcpy(g->bytes + g->len, bytes, n);
	g->len += n;
}

static void put8(struct gen *g, u8 byte)
{
	put(g, &byte, 1);
}

static u64 pick_target(const struct gen *g)
{
	u64 where = (u64)sandbox + MIDDLE - 64 + below(128);

	/* Now and then misaligned although it must not be: both must refuse. */
	if ((g->t->flags & ALIGN) && below(8))
		where &= ~15ULL;
	return where - (g->gs ? GS_BASE : 0);
}

/* Values that make @base + @index * 2^@scale + @disp the target, modulo 2^32 with a 67 prefix. */
static s32 place_registers(struct gen *g, int base, int index, unsigned int scale, s32 disp)
{
	u64 *gpr = g->s->gpr, junk = g->adsize ? rnd() << 32 : 0;

	if (base < 0 && index < 0)
		return g->target;
	if (base < 0 || base == index) {
		gpr[index] = below(1024) + junk;
		return (s32)(g->target - ((u64)(u32)gpr[index] << scale) -
			     (base < 0 ? 0 : (u32)gpr[index]));
	}
	if (index >= 0)
		gpr[index] = below(1 << 16) + junk;
	gpr[base] = g->target - disp - (index < 0 ? 0 : (u64)(u32)gpr[index] << scale);
	gpr[base] = g->adsize ? (u32)gpr[base] + junk : gpr[base];
	return disp;
}

static void modrm_append(struct gen *g, s32 disp, unsigned int size)
{
	memcpy(g->modrm + g->modrm_len, &disp, size);
	g->modrm_len += size;
}

static void gen_sib(struct gen *g, unsigned int mod, s32 disp)
{
	unsigned int scale = below(4);
	int base = below(16), index = below(16);

	if (index == UM_RSP)
		index = -1;
	if (mod == 0 && (base & 7) == UM_RBP)
		base = -1;
	if (base >= 0 && base == index)
		mod = 2;
	disp = place_registers(g, base, index, scale, disp);
	g->modrm[0] |= mod << 6 | 4;
	g->modrm[1] = scale << 6 | ((index < 0 ? 4 : index) & 7) << 3 | ((base < 0 ? 5 : base) & 7);
	g->modrm_len = 2;
	if (base >= 8)
		g->rex |= 0x41;
	if (index >= 8)
		g->rex |= 0x42;
	if (base < 0)
		modrm_append(g, disp, 4);
	else if (mod)
		modrm_append(g, disp, mod == 1 ? 1 : 4);
}

static void gen_memory(struct gen *g)
{
	unsigned int mod = below(3);
	int base = below(16);
	s32 disp = mod == 0 ? 0 : mod == 1 ? (s8)rnd() : (s32)(rnd() & 0xffffff);

	g->target = pick_target(g);
	g->modrm_len = 1;
	if (below(2) || (base & 7) == UM_RSP) {
		gen_sib(g, mod, disp);
	} else if (mod == 0 && (base & 7) == UM_RBP) {
		g->modrm[0] |= 5;
		g->rip_disp_at = 1;
		modrm_append(g, 0, 4);
	} else {
		place_registers(g, base, -1, 0, disp);
		g->modrm[0] |= mod << 6 | (base & 7);
		if (base >= 8)
			g->rex |= 0x41;
		if (mod)
			modrm_append(g, disp, mod == 1 ? 1 : 4);
	}
}

static unsigned int gen_modrm(struct gen *g)
{
	unsigned int reg = g->t->flags & DIGIT ? g->t->digit : below(16);

	if (reg >= 8)
		g->rex |= 0x44;
	g->modrm[0] = (reg & 7) << 3;
	if (!(g->t->flags & MEM) && !below(4)) {
		unsigned int rm = below(16);

		if (rm >= 8)
			g->rex |= 0x41;
		g->modrm[0] |= 0xc0 | (rm & 7);
		g->modrm_len = 1;
	} else {
		gen_memory(g);
		g->lock = (g->t->flags & LOCK) && !(g->t->opcode & 2 && g->t->opcode < 0x40 &&
						    !g->t->map) && !below(3);
	}
	return reg;
}

static void gen_string(struct gen *g)
{
	u64 *gpr = g->s->gpr;
	u64 junk = g->adsize ? rnd() << 32 : 0;

	gpr[UM_RSI] = (u64)sandbox + MIDDLE - 512 + below(1024) - (g->gs ? GS_BASE : 0) + junk;
	gpr[UM_RDI] = (u64)sandbox + MIDDLE - 512 + below(1024) + junk;
	if (!below(4))
		return;
	g->rep = g->t->flags & ANYREP && below(2) ? 0xf2 : 0xf3;
	gpr[UM_RCX] = 1 + below(below(4) ? 8 : 128);
	gpr[UM_RCX] += junk;
}

static unsigned int operand_size(const struct gen *g)
{
	if (g->t->flags & BYTE)
		return 1;
	if (g->rex & 8)
		return 8;
	if (g->t->flags & STACK)
		return g->opsize ? 2 : 8;
	return g->opsize ? 2 : 4;
}

/*
 * A register's bit offset must stay in the sandbox; the register may also be the base of the
 * address.
 */
static bool bit_offset_fits(struct gen *g, unsigned int reg)
{
	s64 offset;

	if (!(g->t->flags & BITS) || (g->modrm[0] >> 6) == 3)
		return true;
	offset = emu_sext(g->s->gpr[reg], g->size);
	return offset > -8 * 2048 && offset < 8 * 2048;
}

static void gen_registers(struct gen *g)
{
	unsigned int i;

	for (i = 0; i < UM_NR_GPRS; i++)
		g->s->gpr[i] = rnd_val();
	for (i = 0; i < 16; i++) {
		g->s->xmm[i][0] = rnd();
		g->s->xmm[i][1] = rnd();
	}
	g->s->rflags = (rnd() & EMU_ARITH) | FLAGS_FIXED;
	if (!below(4))
		g->s->rflags |= EMU_DF;
	if (g->t->flags & BITS)
		for (i = 0; i < UM_NR_GPRS; i++)
			g->s->gpr[i] = (s64)below(32768) - 16384;
	if (!below(2))	/* so that CMPXCHG finds what it expects */
		g->s->gpr[UM_RAX] = rnd_val() & 3;
	if (g->t->flags & STACK)
		g->s->gpr[UM_RSP] = (u64)sandbox + MIDDLE + 8 * below(16);
}

static void gen_prefixes(struct gen *g)
{
	static const u8 ignored[] = { 0x26, 0x2e, 0x36, 0x3e };
	u8 p[8];
	unsigned int n = 0, i;

	if (g->opsize)
		p[n++] = 0x66;
	if (g->adsize)
		p[n++] = 0x67;
	if (g->gs)
		p[n++] = 0x65;
	if (g->lock)
		p[n++] = 0xf0;
	if (g->rep)
		p[n++] = g->rep;
	if (g->t->prefix)
		p[n++] = g->t->prefix;
	if (!g->gs && !below(8))
		p[n++] = ignored[below(4)];
	for (i = n; i > 1; i--) {	/* in any order */
		unsigned int j = below(i);
		u8 swap = p[j];

		p[j] = p[i - 1];
		p[i - 1] = swap;
	}
	put(g, p, n);
	if (g->rex)
		put8(g, g->rex);
}

static void gen_immediate(struct gen *g)
{
	u64 imm = rnd_val();
	unsigned int f = g->t->flags;

	if (f & IMM8)
		put(g, &imm, 1);
	else if (f & IMMZ)
		put(g, &imm, g->size < 4 ? g->size : 4);
	else if (f & IMMV)
		put(g, &imm, g->size);
}

/* False: an unlucky draw, try again. */
static bool generate(struct gen *g, const struct template *t, struct native_state *s)
{
	unsigned int reg = 0;
	int disp_at = 0;

	*g = (struct gen){ .t = t, .s = s, .rip_disp_at = -1 };
	g->opsize = !(t->flags & (BYTE | NOSIZE)) && !below(4);
	g->adsize = !below(6);
	g->gs = !below(8);
	if (!below(3))
		g->rex = 0x40 | (below(2) << 3);
	gen_registers(g);
	if (t->flags & MODRM)
		reg = gen_modrm(g);
	if (t->flags & STR)
		gen_string(g);
	if ((t->flags & DIVIDE) && below(4))
		s->gpr[UM_RDX] = below(2) ? below(256) : -(u64)below(256);
	if ((t->flags & STACK) && (g->modrm[0] >> 6) != 3 &&
	    s->gpr[UM_RSP] - (u64)sandbox > SANDBOX)
		return false;	/* RSP is the base with a displacement */
	if ((t->flags & PLUSR) && below(2))
		g->rex |= 0x41;
	g->size = operand_size(g);
	if (!bit_offset_fits(g, reg))
		return false;

	gen_prefixes(g);
	if (t->map)
		put8(g, 0x0f);
	put8(g, t->opcode + (t->range ? below(t->range + 1) : t->flags & PLUSR ? below(8) : 0));
	disp_at = g->len + g->rip_disp_at;
	put(g, g->modrm, g->modrm_len);
	if (t->flags & MOFFS) {
		g->target = pick_target(g);
		put(g, &g->target, g->adsize ? 4 : 8);
	}
	gen_immediate(g);
	if (g->rip_disp_at >= 0) {
		s32 disp = g->target - ((u64)code + g->len);

		memcpy(g->bytes + disp_at, &disp, 4);
	}
	return g->len <= EMU_MAX_LEN;
}

#endif
