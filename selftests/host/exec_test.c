// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction emulator against the CPU: random instructions of every kind that the decoder
 * knows, with random operands and flags, run natively in a sandbox and emulated on a copy of it.
 * All registers, the defined flags and all of memory must agree.
 *
 * exec_test [SEED [CASES]]
 */
#include <asm/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "emulate/emulate.h"
#include "native.h"
#include "tap.h"

#define SANDBOX		8192u
#define MIDDLE		(SANDBOX / 2)
#define GS_BASE		0x10000u	/* added by instructions with a GS prefix */
#define FLAGS_FIXED	0x202u		/* bit 1 and IF, as user code sees them */

static u8 *sandbox;	/* what the CPU works on: below 2 GiB, between pages without access */
static u8 *code;
static u8 copy[SANDBOX];	/* what the emulator works on */
static struct native_state emulated;

static u64 seed;

static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * 0x2545f4914f6cdd1dULL;
}

static unsigned int below(unsigned int n)
{
	return (rnd() >> 32) % n;
}

/* Numbers near the limits of every size are as likely as any others. */
static u64 rnd_val(void)
{
	static const u64 edge[] = { 0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff,
		0x80000000,
				    0xffffffff, 0x7fffffffffffffff, 0x8000000000000000, ~0ULL };

	return below(3) ? rnd() : edge[below(sizeof(edge) / sizeof(edge[0]))];
}

/* How an instruction is made. */
enum {
	BYTE	= 1 << 0,	/* operand of one byte */
	MODRM	= 1 << 1,
	DIGIT	= 1 << 2,	/* ModRM.reg is template.digit */
	IMM8	= 1 << 3,
	IMMZ	= 1 << 4,	/* of the operand size, at most 4 bytes */
	IMMV	= 1 << 5,	/* of the operand size */
	MEM	= 1 << 6,	/* memory operand only */
	LOCK	= 1 << 7,	/* may be locked */
	PLUSR	= 1 << 8,	/* register in the opcode */
	MOFFS	= 1 << 9,
	STR	= 1 << 10,
	SSE	= 1 << 11,	/* template.prefix decides */
	STACK	= 1 << 12,
	BITS	= 1 << 13,	/* bit offset in a register */
	DIVIDE	= 1 << 19,	/* a quotient that fits, now and then */
	DOUBLE	= 1 << 20,	/* SHLD, SHRD */
	ALIGN	= 1 << 14,	/* to 16 bytes */
	NOSIZE	= 1 << 15,	/* no operand-size prefix */
	SHIFT	= 1 << 16,
	ANYREP	= 1 << 17,	/* REPE and REPNE differ */
	WIDE	= 1 << 18,	/* 8 or 16 bytes, aligned */
};

struct template {
	const char *name;
	u8 map;			/* 1: 0F */
	u8 opcode;
	u8 range;		/* opcodes opcode .. opcode + range */
	u8 digit;
	u8 prefix;		/* mandatory, SSE */
	u32 flags;
	u32 undefined;		/* flags that the SDM leaves undefined */
};

#define ALU(name, at, undef, lock) \
	{ name " Eb,Gb", 0, at, 0, 0, 0, BYTE | MODRM | (lock), undef }, \
	{ name " Ev,Gv", 0, at + 1, 0, 0, 0, MODRM | (lock), undef }, \
	{ name " Gb,Eb", 0, at + 2, 0, 0, 0, BYTE | MODRM, undef }, \
	{ name " Gv,Ev", 0, at + 3, 0, 0, 0, MODRM, undef }, \
	{ name " AL,Ib", 0, at + 4, 0, 0, 0, BYTE | IMMZ, undef }, \
	{ name " eAX,Iz", 0, at + 5, 0, 0, 0, IMMZ, undef }, \
	{ name " Eb,Ib", 0, 0x80, 0, at >> 3, 0, BYTE | MODRM | DIGIT | IMMZ | (lock), undef }, \
	{ name " Ev,Iz", 0, 0x81, 0, at >> 3, 0, MODRM | DIGIT | IMMZ | (lock), undef }, \
	{ name " Ev,Ib", 0, 0x83, 0, at >> 3, 0, MODRM | DIGIT | IMM8 | (lock), undef }

#define SHIFTS(name, digit) \
	{ name " Eb,Ib", 0, 0xc0, 0, digit, 0, BYTE | MODRM | DIGIT | IMM8 | SHIFT, 0 }, \
	{ name " Ev,Ib", 0, 0xc1, 0, digit, 0, MODRM | DIGIT | IMM8 | SHIFT, 0 }, \
	{ name " Eb,1", 0, 0xd0, 0, digit, 0, BYTE | MODRM | DIGIT | SHIFT, 0 }, \
	{ name " Ev,1", 0, 0xd1, 0, digit, 0, MODRM | DIGIT | SHIFT, 0 }, \
	{ name " Eb,CL", 0, 0xd2, 0, digit, 0, BYTE | MODRM | DIGIT | SHIFT, 0 }, \
	{ name " Ev,CL", 0, 0xd3, 0, digit, 0, MODRM | DIGIT | SHIFT, 0 }

#define UNARY(name, opcode, digit) \
	{ name " Eb", 0, opcode, 0, digit, 0, BYTE | MODRM | DIGIT | LOCK, 0 }, \
	{ name " Ev", 0, opcode + 1, 0, digit, 0, MODRM | DIGIT | LOCK, 0 }

#define MULDIV(name, digit, flags, undef) \
	{ name " Eb", 0, 0xf6, 0, digit, 0, BYTE | MODRM | DIGIT | (flags), undef }, \
	{ name " Ev", 0, 0xf7, 0, digit, 0, MODRM | DIGIT | (flags), undef }
#define MUL_UNDEF	(EMU_SF | EMU_ZF | EMU_AF | EMU_PF)
#define BT_UNDEF	(EMU_OF | EMU_SF | EMU_AF | EMU_PF)
#define BITTEST(name, opcode, digit, lock) \
	{ name " Ev,Gv", 1, opcode, 0, 0, 0, MODRM | BITS | (lock), BT_UNDEF }, \
	{ name " Ev,Ib", 1, 0xba, 0, digit, 0, MODRM | DIGIT | IMM8 | (lock), BT_UNDEF }

#define SSE_MOVE(name, prefix, opcode, flags) \
	{ name, 1, opcode, 0, 0, prefix, SSE | MODRM | MEM | NOSIZE | (flags), 0 }

static const struct template templates[] = {
	ALU("ADD", 0x00, 0, LOCK), ALU("OR", 0x08, EMU_AF, LOCK), ALU("ADC", 0x10, 0, LOCK),
	ALU("SBB", 0x18, 0, LOCK),
	ALU("AND", 0x20, EMU_AF, LOCK), ALU("SUB", 0x28, 0, LOCK), ALU("XOR", 0x30, EMU_AF, LOCK),
	ALU("CMP", 0x38, 0, 0),
	SHIFTS("ROL", 0), SHIFTS("ROR", 1), SHIFTS("RCL", 2), SHIFTS("RCR", 3),
	SHIFTS("SHL", 4), SHIFTS("SHR", 5), SHIFTS("SAL", 6), SHIFTS("SAR", 7),
	UNARY("INC", 0xfe, 0), UNARY("DEC", 0xfe, 1), UNARY("NOT", 0xf6, 2), UNARY("NEG", 0xf6, 3),
	MULDIV("MUL", 4, 0, MUL_UNDEF), MULDIV("IMUL", 5, 0, MUL_UNDEF),
	MULDIV("DIV", 6, DIVIDE, EMU_ARITH), MULDIV("IDIV", 7, DIVIDE, EMU_ARITH),
	{ "IMUL Gv,Ev", 1, 0xaf, 0, 0, 0, MODRM, MUL_UNDEF },
	{ "IMUL Gv,Ev,Iz", 0, 0x69, 0, 0, 0, MODRM | IMMZ, MUL_UNDEF },
	{ "IMUL Gv,Ev,Ib", 0, 0x6b, 0, 0, 0, MODRM | IMM8, MUL_UNDEF },
	{ "SHLD Ib", 1, 0xa4, 0, 0, 0, MODRM | IMM8 | SHIFT | DOUBLE, 0 },
	{ "SHLD CL", 1, 0xa5, 0, 0, 0, MODRM | SHIFT | DOUBLE, 0 },
	{ "SHRD Ib", 1, 0xac, 0, 0, 0, MODRM | IMM8 | SHIFT | DOUBLE, 0 },
	{ "SHRD CL", 1, 0xad, 0, 0, 0, MODRM | SHIFT | DOUBLE, 0 },
	{ "BSF", 1, 0xbc, 0, 0, 0, MODRM, EMU_ARITH & ~EMU_ZF }, { "BSR", 1, 0xbd, 0, 0, 0, MODRM,
		EMU_ARITH & ~EMU_ZF },
	BITTEST("BT", 0xa3, 4, 0), BITTEST("BTS", 0xab, 5, LOCK), BITTEST("BTR", 0xb3, 6, LOCK),
	BITTEST("BTC", 0xbb, 7, LOCK),
	{ "TEST Eb,Gb", 0, 0x84, 0, 0, 0, BYTE | MODRM, EMU_AF }, { "TEST Ev,Gv", 0, 0x85, 0, 0, 0,
		MODRM, EMU_AF },
	{ "TEST AL,Ib", 0, 0xa8, 0, 0, 0, BYTE | IMMZ, EMU_AF }, { "TEST eAX,Iz", 0, 0xa9, 0, 0, 0,
		IMMZ, EMU_AF },
	{ "TEST Eb,Ib", 0, 0xf6, 0, 0, 0, BYTE | MODRM | DIGIT | IMMZ, EMU_AF },
	{ "TEST Ev,Iz", 0, 0xf7, 0, 1, 0, MODRM | DIGIT | IMMZ, EMU_AF },
	{ "XCHG Eb,Gb", 0, 0x86, 0, 0, 0, BYTE | MODRM | LOCK, 0 }, { "XCHG Ev,Gv", 0, 0x87, 0, 0,
		0, MODRM | LOCK, 0 },
	{ "MOV Eb,Gb", 0, 0x88, 0, 0, 0, BYTE | MODRM, 0 }, { "MOV Ev,Gv", 0, 0x89, 0, 0, 0, MODRM,
		0 },
	{ "MOV Gb,Eb", 0, 0x8a, 0, 0, 0, BYTE | MODRM, 0 }, { "MOV Gv,Ev", 0, 0x8b, 0, 0, 0, MODRM,
		0 },
	{ "MOV AL,Ob", 0, 0xa0, 0, 0, 0, BYTE | MOFFS, 0 }, { "MOV eAX,Ov", 0, 0xa1, 0, 0, 0, MOFFS,
		0 },
	{ "MOV Ob,AL", 0, 0xa2, 0, 0, 0, BYTE | MOFFS, 0 }, { "MOV Ov,eAX", 0, 0xa3, 0, 0, 0, MOFFS,
		0 },
	{ "MOV Zb,Ib", 0, 0xb0, 0, 0, 0, BYTE | PLUSR | IMMV, 0 }, { "MOV Zv,Iv", 0, 0xb8, 0, 0, 0,
		PLUSR | IMMV, 0 },
	{ "MOV Eb,Ib", 0, 0xc6, 0, 0, 0, BYTE | MODRM | DIGIT | IMMZ, 0 },
	{ "MOV Ev,Iz", 0, 0xc7, 0, 0, 0, MODRM | DIGIT | IMMZ, 0 },
	{ "MOVSXD Gv,Ed", 0, 0x63, 0, 0, 0, MODRM | NOSIZE, 0 },
	{ "MOVZX Gv,Eb", 1, 0xb6, 0, 0, 0, MODRM, 0 }, { "MOVZX Gv,Ew", 1, 0xb7, 0, 0, 0, MODRM,
		0 },
	{ "MOVSX Gv,Eb", 1, 0xbe, 0, 0, 0, MODRM, 0 }, { "MOVSX Gv,Ew", 1, 0xbf, 0, 0, 0, MODRM,
		0 },
	{ "MOVNTI", 1, 0xc3, 0, 0, 0, MODRM | MEM | NOSIZE, 0 },
	{ "XADD Eb,Gb", 1, 0xc0, 0, 0, 0, BYTE | MODRM | LOCK, 0 }, { "XADD Ev,Gv", 1, 0xc1, 0, 0,
		0, MODRM | LOCK, 0 },
	{ "CMPXCHG Eb,Gb", 1, 0xb0, 0, 0, 0, BYTE | MODRM | LOCK, 0 },
	{ "CMPXCHG Ev,Gv", 1, 0xb1, 0, 0, 0, MODRM | LOCK, 0 },
	{ "CMPXCHG8B", 1, 0xc7, 0, 1, 0, MODRM | DIGIT | MEM | LOCK | NOSIZE | WIDE | ALIGN, 0 },
	{ "SETcc", 1, 0x90, 15, 0, 0, BYTE | MODRM, 0 }, { "CMOVcc", 1, 0x40, 15, 0, 0, MODRM, 0 },
	{ "PUSH Ev", 0, 0xff, 0, 6, 0, MODRM | DIGIT | MEM | STACK, 0 },
	{ "POP Ev", 0, 0x8f, 0, 0, 0, MODRM | DIGIT | MEM | STACK, 0 },
	{ "MOVSB", 0, 0xa4, 0, 0, 0, BYTE | STR, 0 }, { "MOVS", 0, 0xa5, 0, 0, 0, STR, 0 },
	{ "CMPSB", 0, 0xa6, 0, 0, 0, BYTE | STR | ANYREP, 0 }, { "CMPS", 0, 0xa7, 0, 0, 0, STR |
		ANYREP, 0 },
	{ "STOSB", 0, 0xaa, 0, 0, 0, BYTE | STR, 0 }, { "STOS", 0, 0xab, 0, 0, 0, STR, 0 },
	{ "LODSB", 0, 0xac, 0, 0, 0, BYTE | STR, 0 }, { "LODS", 0, 0xad, 0, 0, 0, STR, 0 },
	{ "SCASB", 0, 0xae, 0, 0, 0, BYTE | STR | ANYREP, 0 }, { "SCAS", 0, 0xaf, 0, 0, 0, STR |
		ANYREP, 0 },
	SSE_MOVE("MOVUPS load", 0, 0x10, 0), SSE_MOVE("MOVUPS store", 0, 0x11, 0),
	SSE_MOVE("MOVUPD load", 0x66, 0x10, 0), SSE_MOVE("MOVUPD store", 0x66, 0x11, 0),
	SSE_MOVE("MOVSS load", 0xf3, 0x10, 0), SSE_MOVE("MOVSS store", 0xf3, 0x11, 0),
	SSE_MOVE("MOVSD load", 0xf2, 0x10, 0), SSE_MOVE("MOVSD store", 0xf2, 0x11, 0),
	SSE_MOVE("MOVAPS load", 0, 0x28, ALIGN), SSE_MOVE("MOVAPS store", 0, 0x29, ALIGN),
	SSE_MOVE("MOVAPD load", 0x66, 0x28, ALIGN), SSE_MOVE("MOVAPD store", 0x66, 0x29, ALIGN),
	SSE_MOVE("MOVNTPS", 0, 0x2b, ALIGN), SSE_MOVE("MOVNTDQ", 0x66, 0xe7, ALIGN),
	SSE_MOVE("MOVDQA load", 0x66, 0x6f, ALIGN), SSE_MOVE("MOVDQA store", 0x66, 0x7f, ALIGN),
	SSE_MOVE("MOVDQU load", 0xf3, 0x6f, 0), SSE_MOVE("MOVDQU store", 0xf3, 0x7f, 0),
	SSE_MOVE("MOVD load", 0x66, 0x6e, 0), SSE_MOVE("MOVD store", 0x66, 0x7e, 0),
	SSE_MOVE("MOVQ load", 0xf3, 0x7e, 0), SSE_MOVE("MOVQ store", 0x66, 0xd6, 0),
};

#define NR_TEMPLATES	(sizeof(templates) / sizeof(templates[0]))

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

/* Emulation on the copy. */

static int out_of_sandbox(struct emu_ctx *c, u64 la, unsigned int len)
{
	if (la - (u64)sandbox <= SANDBOX - len)
		return EMU_OK;
	c->fault = (struct emu_fault){ .vector = UM_PF, .cr2 = la };
	return EMU_FAULT;
}

static int op_read(struct emu_ctx *c, u64 la, void *data, unsigned int len, bool rmw)
{
	int r = out_of_sandbox(c, la, len);

	if (!r)
		memcpy(data, copy + (la - (u64)sandbox), len);
	return r;
}

static int op_write(struct emu_ctx *c, u64 la, const void *data, unsigned int len)
{
	int r = out_of_sandbox(c, la, len);

	if (!r)
		memcpy(copy + (la - (u64)sandbox), data, len);
	return r;
}

static int op_exchange(struct emu_ctx *c, u64 la, const void *old, const void *new,
		       unsigned int len)
{
	int r = out_of_sandbox(c, la, len);

	if (r)
		return r;
	if (memcmp(copy + (la - (u64)sandbox), old, len))
		return EMU_RETRY;
	return op_write(c, la, new, len);
}

static void op_segment(struct emu_ctx *c, unsigned int seg, struct emu_segment *s)
{
	*s = (struct emu_segment){ .base = seg == UM_GS ? GS_BASE : 0, .limit = ~0u, .db = true,
		.type = 3 };
}

static void op_xmm_get(struct emu_ctx *c, unsigned int reg, void *data)
{
	memcpy(data, emulated.xmm[reg], 16);
}

static void op_xmm_set(struct emu_ctx *c, unsigned int reg, const void *data)
{
	memcpy(emulated.xmm[reg], data, 16);
}

static bool op_pause(struct emu_ctx *c)
{
	return !below(4);
}

static const struct emu_ops ops = {
	.read = op_read, .write = op_write, .exchange = op_exchange, .segment = op_segment,
	.xmm_get = op_xmm_get, .xmm_set = op_xmm_set, .pause = op_pause,
};

static int emulate(const struct gen *g, unsigned int *decoded_len)
{
	struct emu_ctx c = {
		.ops = &ops, .gpr = emulated.gpr, .rip = (u64)code, .rflags = emulated.rflags,
		.bits = 64, .va_bits = 48, .protected = true,
	};
	int r;

	if (emu_decode(&c.insn, g->bytes, g->len, 64) != EMU_DECODED)
		return EMU_FAIL;
	*decoded_len = c.insn.len;
	do {
		r = emu_exec(&c);
	} while (r == EMU_PARTIAL);
	emulated.rflags = c.rflags;
	return r;
}

static unsigned int shift_count(const struct gen *g, const struct native_state *before)
{
	unsigned int count = 1;

	if (g->t->flags & IMM8)
		count = g->bytes[g->len - 1];
	else if (g->t->opcode >= 0xd2 || (g->t->flags & DOUBLE))
		count = before->gpr[UM_RCX];
	return count & (g->size == 8 ? 63 : 31);
}

/* SHLD and SHRD by more than the operand's size: the SDM defines nothing. */
static bool undefined_result(const struct gen *g, const struct native_state *before)
{
	return (g->t->flags & DOUBLE) && shift_count(g, before) > 8 * g->size;
}

/* Which flags may differ. */
static u32 undefined_flags(const struct gen *g, const struct native_state *before)
{
	unsigned int count;

	if (!(g->t->flags & SHIFT))
		return g->t->undefined;
	count = shift_count(g, before);
	if (!count)
		return 0;
	if (g->t->flags & DOUBLE)
		return EMU_AF | (count != 1 ? EMU_OF : 0);
	return (g->t->digit >= 4 ? EMU_AF : 0) | (count != 1 ? EMU_OF : 0) |
	       (g->t->digit >= 4 && count >= 8 * g->size ? EMU_CF : 0);
}

static void dump(const struct gen *g, const struct native_state *before)
{
	unsigned int i;

	printf("# %s:", g->t->name);
	for (i = 0; i < g->len; i++)
		printf(" %02x", g->bytes[i]);
	printf("\n# flags before %llx cpu %llx emulated %llx\n", (unsigned long long)before->rflags,
	       (unsigned long long)native_state.rflags, (unsigned long long)emulated.rflags);
	for (i = 0; i < UM_NR_GPRS; i++)
		if (native_state.gpr[i] != emulated.gpr[i])
			printf("# r%u before %llx cpu %llx emulated %llx\n", i,
			       (unsigned long long)before->gpr[i],
			       (unsigned long long)native_state.gpr[i],
			       (unsigned long long)emulated.gpr[i]);
	for (i = 0; i < SANDBOX; i++)
		if (sandbox[i] != copy[i])
			printf("# memory +%x cpu %02x emulated %02x\n", i, sandbox[i], copy[i]);
}

static bool same_state(u32 undefined)
{
	u32 flags = (EMU_ARITH | EMU_DF) & ~undefined;

	return !memcmp(native_state.gpr, emulated.gpr, sizeof(emulated.gpr)) &&
	       !memcmp(native_state.xmm, emulated.xmm, sizeof(emulated.xmm)) &&
	       !((native_state.rflags ^ emulated.rflags) & flags) && !memcmp(sandbox, copy,
									     SANDBOX);
}

/* A CPU that faults leaves the registers to the handler as they were; so must the emulator. */
static bool run_case(const struct template *t)
{
	struct native_state before;
	struct gen g;
	unsigned int len = 0;
	int sig, r;

	while (!generate(&g, t, &before) || undefined_result(&g, &before))
		;
	emulated = before;
	native_state = before;
	memcpy(copy, sandbox, SANDBOX);
	memcpy(code, g.bytes, g.len);
	sig = native_run(code, g.len);
	r = emulate(&g, &len);
	if (sig ? r == EMU_FAULT : r == EMU_OK && len == g.len &&
	    same_state(undefined_flags(&g, &before)))
		return true;
	printf("# signal %d, emulator %d, length %u of %u\n", sig, r, len, g.len);
	dump(&g, &before);
	return false;
}

static void *map_low(size_t size, int prot)
{
	void *p = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return p;
}

int main(int argc, char **argv)
{
	unsigned long cases = argc > 2 ? strtoul(argv[2], NULL, 0) : 150000, i;
	unsigned long per = cases / NR_TEMPLATES + 1;
	unsigned int t;

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (u64)time(NULL) * 2 + 1;
	printf("# seed %llu\n", (unsigned long long)seed);
	code = map_low(4096, PROT_READ | PROT_WRITE | PROT_EXEC);
	sandbox = map_low(SANDBOX + 2 * 4096, PROT_NONE);
	sandbox += 4096;
	mprotect(sandbox, SANDBOX, PROT_READ | PROT_WRITE);
	for (i = 0; i < SANDBOX; i++)
		sandbox[i] = below(4) ? rnd() : 0;
	syscall(SYS_arch_prctl, ARCH_SET_GS, (unsigned long)GS_BASE);
	native_init();
	for (t = 0; t < NR_TEMPLATES; t++) {
		unsigned long failed = 0;

		for (i = 0; i < per && failed < 3; i++)
			failed += !run_case(&templates[t]);
		ok(!failed, "%s as the CPU does it", templates[t].name);
	}
	return tap_done();
}
