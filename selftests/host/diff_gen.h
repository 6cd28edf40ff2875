/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random bytes that the decoder takes for an instruction, and registers with which its operands lie
 * in the window of diff_world.h, mostly near the edge of a page.
 */
#ifndef HOST_DIFF_GEN_H
#define HOST_DIFF_GEN_H

#include "diff_world.h"

struct test_case {
	unsigned int bits;
	u8 bytes[EMU_MAX_LEN];
	struct emu_insn insn;
	u64 rip;		/* an offset in CS outside 64-bit code */
	u64 la;			/* where it is */
};

#define NR_EDGES	12

static u64 rnd_val(void)
{
	static const u64 edge[NR_EDGES] = { 0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0x7fffffff,
		0x80000000, 0x7fffffffffffffff, 0x8000000000000000, ~0ULL };

	return below(3) ? rnd() : edge[below(NR_EDGES)];
}

static unsigned int gen_prefixes(struct test_case *t)
{
	static const u8 prefix[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x65, 0x66, 0x66, 0x66,
				     0x67, 0x67, 0xf0, 0xf0, 0xf2, 0xf3 };
	unsigned int n = 0;

	while (n < 5 && one_in(3))
		t->bytes[n++] = prefix[below(sizeof(prefix))];
	if (t->bits == 64 && one_in(2))
		t->bytes[n++] = 0x40 | below(16);
	return n;
}

/* The opcodes of vector moves, which few random bytes would hit. */
static u8 vector_opcode(void)
{
	static const u8 op[] = { 0x10, 0x11, 0x12, 0x13, 0x16, 0x17, 0x28, 0x29, 0x2b, 0x6e, 0x6f,
				 0x7e, 0x7f, 0xd6, 0xe7, 0xf0 };

	return op[below(sizeof(op))];
}

/* A far call or jump through memory. */
static unsigned int gen_far(struct test_case *t, unsigned int n)
{
	t->bytes[n] = 0xff;
	t->bytes[n + 1] = (t->bytes[n + 1] & 0xc7) | (one_in(2) ? 3 : 5) << 3;
	return n;
}

static unsigned int gen_opcode(struct test_case *t, unsigned int n)
{
	if (one_in(64))
		return gen_far(t, n);
	switch (below(12)) {
	case 0 ... 5:
		return n;	/* one byte, as drawn */
	case 6:
		t->bytes[n++] = 0xc5;
		t->bytes[n++] = (one_in(8) ? 0 : 0x78) | (rnd() & 0x87) |
				(t->bits == 64 ? 0 : 0xc0);
		t->bytes[n] = vector_opcode();
		return n;
	case 7:
		t->bytes[n++] = 0xc4;
		t->bytes[n++] = (rnd() & 0xe0) | (t->bits == 64 ? 0 : 0xc0) | 1;
		t->bytes[n++] = (one_in(8) ? 0 : 0x78) | (rnd() & 0x87);
		t->bytes[n] = vector_opcode();
		return n;
	case 8:
		t->bytes[n++] = 0x0f;
		t->bytes[n++] = 0x38;
		t->bytes[n] = one_in(3) ? 0x2a : 0xf0 | below(2);
		return n;
	case 9:
		t->bytes[n++] = 0x0f;
		t->bytes[n] = vector_opcode();
		return n;
	default:
		t->bytes[n++] = 0x0f;
		return n;
	}
}

/* What runs in user code, and does the same on every CPU. */
static bool comparable(const struct test_case *t)
{
	const struct emu_insn *i = &t->insn;
	bool prefix66 = memchr(t->bytes, 0x66, i->len);

	if (i->op >= EMU_SYSTEM || i->op == EMU_INS || i->op == EMU_OUTS)
		return false;
	/* The thread's own data is behind FS; AMD has no far pointer of 10 bytes. */
	if ((i->dst.kind == EMU_K_SREG && i->dst.reg == UM_FS) || i->op == EMU_LFS)
		return false;
	if ((i->op == EMU_JMP_FAR || i->op == EMU_CALL_FAR || i->op >= EMU_LES) &&
	    i->op <= EMU_LGS && i->size == 8)
		return false;
	if (i->op == EMU_BSWAP && i->size == 2)
		return false;
	/* AMD's MOVSXD reads 4 bytes even so. */
	if (i->op == EMU_MOVSX && i->size == 2 && i->src.size == 2)
		return false;
	/* AMD's RET adds to ESP on a stack of 16 bits too. */
	if (i->op == EMU_RET_FAR && i->imm && t->bits != 64 && !segs[UM_SS_SEG].db)
		return false;
	/* AMD's LOOPE and LOOPNE heed these, and CLFLUSH's page is not looked at here. */
	if ((i->op == EMU_LOOP && (i->flags & EMU_REP)) ||
	    (i->op == EMU_NOP && i->src.kind == EMU_K_MEM))
		return false;
	/* AMD's near branches have 16 bits with that prefix, Intel's do not. */
	if (t->bits == 64 && prefix66 &&
	    (i->op == EMU_CALL || i->op == EMU_RET || i->op == EMU_JMP || i->op == EMU_JCC ||
	     i->op == EMU_LOOP))
		return false;
	/* The upper half of a pushed selector's slot. */
	return !(i->op == EMU_PUSH && i->src.kind == EMU_K_SREG && i->size == 4);
}

static bool has_memory(const struct emu_insn *i)
{
	return i->dst.kind == EMU_K_MEM || i->src.kind == EMU_K_MEM;
}

static bool decode(struct test_case *t)
{
	return emu_decode(&t->insn, t->bytes, sizeof(t->bytes), t->bits) == EMU_DECODED;
}

static u64 segment_base(const struct test_case *t, unsigned int seg)
{
	return t->bits == 64 && seg < UM_FS ? 0 : segs[seg].base;
}

static u64 pick_target(const struct test_case *t, unsigned int seg)
{
	u64 edge = FIRST + below(4) * PAGE, la = (u64)window;

	if (one_in(64))
		return rnd_val();	/* not canonical, or beyond a limit */
	la += below(3) ? edge - 40 + below(80) : FIRST + below(LAST - FIRST);
	return (one_in(2) ? la & ~31ULL : la) - segment_base(t, seg);
}

/* An address without registers lies in the bytes themselves. False: not found. */
static bool patch_displacement(struct test_case *t, u64 ea)
{
	unsigned int size = t->insn.asize == 2 ? 2 : 4, at;
	u64 disp = t->insn.base == EMU_REG_RIP ? ea - t->rip - t->insn.len : ea;

	if (t->insn.dst.kind != EMU_K_NONE && (t->bytes[0] & 0xfc) == 0xa0)
		size = t->insn.asize;	/* moffs */
	for (at = 1; at + size <= t->insn.len; at++)
		if (!memcmp(t->bytes + at, &t->insn.disp, size)) {
			memcpy(t->bytes + at, &disp, size);
			return decode(t);
		}
	return false;
}

static void set_low(u64 *reg, u64 val, unsigned int size)
{
	*reg = (*reg & ~emu_mask(size)) | (val & emu_mask(size));
}

static bool place_memory(struct test_case *t, u64 *gpr)
{
	const struct emu_insn *i = &t->insn;
	u64 ea = pick_target(t, i->seg), index;

	if (i->base == EMU_REG_RIP || (i->base == EMU_REG_NONE && i->index == EMU_REG_NONE))
		return patch_displacement(t, ea);
	if (i->base == EMU_REG_NONE) {
		set_low(&gpr[i->index], (ea - i->disp) >> i->scale, i->asize);
		return true;
	}
	index = i->index == EMU_REG_NONE ? 0 : gpr[i->index] << i->scale;
	if (i->index == i->base)
		set_low(&gpr[i->base], (ea - i->disp) / (1 + (1 << i->scale)), i->asize);
	else
		set_low(&gpr[i->base], ea - i->disp - index, i->asize);
	return true;
}

static void place_others(struct test_case *t, u64 *gpr)
{
	const struct emu_insn *i = &t->insn;

	if (i->op >= EMU_MOVS && i->op <= EMU_SCAS) {
		set_low(&gpr[UM_RSI], pick_target(t, i->seg), i->asize);
		set_low(&gpr[UM_RDI], pick_target(t, UM_ES), i->asize);
		set_low(&gpr[UM_RCX], below(below(4) ? 6 : 64), i->asize);
	}
	if (i->op == EMU_LOOP)
		set_low(&gpr[UM_RCX], below(3), i->asize);
	if (i->op == EMU_XLAT)
		set_low(&gpr[UM_RBX], pick_target(t, i->seg) - (u8)gpr[UM_RAX], i->asize);
	if (i->flags & EMU_USES_RSP)
		gpr[UM_RSP] = pick_target(t, UM_SS_SEG) & ~(one_in(2) ? 7 : 0);
	if (t->bits != 64 && !segs[UM_SS_SEG].db && one_in(2))
		gpr[UM_RSP] |= rnd() << 16;
	if (i->op == EMU_LEAVE || i->op == EMU_ENTER)
		gpr[UM_RBP] = pick_target(t, UM_SS_SEG);
	if (i->op >= EMU_BT && i->op <= EMU_BTC && i->src.kind == EMU_K_REG)
		gpr[i->src.reg] = emu_sext(rnd() & 0x1ffff, 2);
	if (i->op >= EMU_DIV && i->op <= EMU_IDIV && one_in(2))
		gpr[UM_RDX] = one_in(2) ? 0 : ~0ULL;
}

static u16 pick_selector(void)
{
	if (one_in(4))
		return below(NR_GDT + 4) << 3 | below(4);
	return (one_in(2) ? LDT_SPARE + below(NR_LDT + 2 - LDT_SPARE) : below(LDT_SPARE)) << 3 | 4 |
	       (one_in(8) ? below(4) : 3);
}

static void poke(u64 la, const void *data, unsigned int len)
{
	u64 offset = la - (u64)window;

	if (offset < FIRST || offset > READ_ONLY - len)
		return;
	memcpy(window + offset, data, len);
	memcpy(copy + offset, data, len);
}

/* A far pointer into the code, with a selector that may do. */
static void poke_far(const struct test_case *t, u64 la, u16 sel)
{
	bool flat = t->bits == 64 || sel == CPU_CS64;
	u64 offset = below(CODE_SIZE) + (flat && one_in(2) ? (u64)code : 0);

	poke(la, &offset, t->insn.size);
	poke(la + t->insn.size, &sel, sizeof(sel));
}

/* A call into 64-bit code pushes without the base of SS. */
static void place_far_call(struct test_case *t, u64 la, u64 *gpr)
{
	poke_far(t, la, CPU_CS64);
	if (t->bits != 64 && one_in(2))
		gpr[UM_RSP] += segment_base(t, UM_SS_SEG);
}

/* Selectors where the instruction will look for them. */
static void place_selectors(struct test_case *t, const struct emu_ctx *c, u64 *gpr)
{
	struct emu_insn *i = &t->insn;
	u64 la = emu_effective_address(c) + segment_base(t, i->seg);
	unsigned int size = t->bits == 64 ? 8 : segs[UM_SS_SEG].db ? 4 : 2;
	u64 stack = (gpr[UM_RSP] & emu_mask(size)) + segment_base(t, UM_SS_SEG);
	u16 sel = pick_selector();

	if (i->dst.kind == EMU_K_SREG) {
		poke(i->op == EMU_POP ? stack : la, &sel, sizeof(sel));
		if (i->src.kind == EMU_K_REG)
			set_low(&gpr[i->src.reg], sel, 2);
	} else if (i->op == EMU_RET_FAR || i->op == EMU_IRET) {
		poke_far(t, stack, sel);
		sel = one_in(2) ? CPU_SS : pick_selector();
		poke(stack + 4 * i->size, &sel, sizeof(sel));
	} else if (i->src.kind == EMU_K_MEM && (i->op == EMU_JMP_FAR || i->op == EMU_CALL_FAR ||
						(i->op >= EMU_LES && i->op <= EMU_LGS))) {
		poke_far(t, la, sel);
		if (i->op == EMU_CALL_FAR && one_in(4))
			place_far_call(t, la, gpr);
	}
}

/* So that CMPXCHG finds what it expects, half of the time. */
static void expect_memory(const struct test_case *t, const struct emu_ctx *c, u64 *gpr)
{
	u64 ea = emu_effective_address(c) + segment_base(t, t->insn.seg) - (u64)window;

	if (t->insn.dst.kind != EMU_K_MEM || ea >= WINDOW - 16 || one_in(2))
		return;
	if (t->insn.op == EMU_CMPXCHG) {
		memcpy(&gpr[UM_RAX], copy + ea, 8);
	} else if (t->insn.op == EMU_CMPXCHG8B) {
		memcpy(&gpr[UM_RAX], copy + ea, t->insn.size / 2);
		memcpy(&gpr[UM_RDX], copy + ea + t->insn.size / 2, t->insn.size / 2);
	}
}

static void random_registers(struct cpu_state *s)
{
	unsigned int i;

	for (i = 0; i < UM_NR_GPRS; i++)
		s->gpr[i] = rnd_val();
	for (i = 0; i < 64; i++)
		s->ymm[i / 4][i % 4] = rnd();
	s->rflags = (rnd() & (EMU_ARITH | EMU_DF)) | EMU_FIXED | EMU_IF;
	if (one_in(6))
		s->rflags |= EMU_AC;
}

/* False: an unlucky draw. */
static bool generate(struct test_case *t, struct cpu_state *s)
{
	struct emu_ctx c;
	unsigned int n;

	for (n = 0; n < sizeof(t->bytes); n++)
		t->bytes[n] = rnd();
	n = gen_prefixes(t);
	n = gen_opcode(t, n);
	if (one_in(2))		/* memory operands are what this is about */
		t->bytes[n + 1] &= 0xbf;
	t->la = (u64)code + CODE_AT + below(64);
	t->rip = t->bits == 64 ? t->la : t->la - segs[UM_CS].base;
	if (!decode(t) || !comparable(t))
		return false;
	random_registers(s);
	if (t->insn.size == 32)		/* AMD wants them aligned to 16 bytes alone */
		s->rflags &= ~(u64)EMU_AC;
	place_others(t, s->gpr);
	if (has_memory(&t->insn) && !place_memory(t, s->gpr))
		return false;
	c = (struct emu_ctx){ .insn = t->insn, .gpr = s->gpr, .rip = t->rip, .bits = t->bits };
	expect_memory(t, &c, s->gpr);
	place_selectors(t, &c, s->gpr);
	s->rip = t->rip;
	return true;
}

#endif
