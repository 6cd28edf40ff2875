// SPDX-License-Identifier: GPL-2.0
/*
 * The interpreter of real mode on random code: every access goes where segments and limits say,
 * nothing is committed when one fails, and it never jumps beyond the limit of CS.
 *
 * real_test [SEED [ROUNDS]]
 */
#include <stdlib.h>
#include <time.h>

#include "emulate/emulate.h"
#include "tap.h"

#define MEMORY		0x110000	/* what 20 bits and a carry reach */
#define REAL_LIMIT	0xffff

static u8 memory[MEMORY];
static struct emu_segment segs[UM_NR_SEGS];
static u64 seed;
static int refuse_after;	/* accesses until one must wait for userspace; negative: none */
static bool segment_changed;

static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * 0x2545f4914f6cdd1dULL >> 8;
}

static int touch(u64 la, unsigned int len)
{
	if (la > MEMORY - len)
		abort();
	return refuse_after-- ? EMU_OK : EMU_EXIT;
}

static int op_read(struct emu_ctx *c, u64 la, void *data, unsigned int len, bool rmw)
{
	int r = touch(la, len);

	if (!r)
		memcpy(data, memory + la, len);
	return r;
}

static int op_write(struct emu_ctx *c, u64 la, const void *data, unsigned int len)
{
	int r = touch(la, len);

	if (!r)
		memcpy(memory + la, data, len);
	return r;
}

static int op_exchange(struct emu_ctx *c, u64 la, const void *old, const void *new,
		       unsigned int len)
{
	return op_write(c, la, new, len);
}

static int op_probe(struct emu_ctx *c, u64 la, unsigned int len)
{
	return touch(la, len);
}

static void op_segment(struct emu_ctx *c, unsigned int seg, struct emu_segment *s)
{
	*s = segs[seg];
}

static void op_set_selector(struct emu_ctx *c, unsigned int seg, u16 sel)
{
	segs[seg].selector = sel;
	segs[seg].base = sel << 4;
	segment_changed = true;
}

static int op_in(struct emu_ctx *c, u16 port, unsigned int size, unsigned int ahead, void *data)
{
	memset(data, 0, size);
	return EMU_OK;
}

static int op_out(struct emu_ctx *c, u16 port, unsigned int size, const void *data)
{
	return EMU_OK;
}

static void op_vec_get(struct emu_ctx *c, unsigned int reg, void *data, unsigned int len)
{
	memset(data, 0, len);
}

static void op_vec_set(struct emu_ctx *c, unsigned int reg, const void *data, unsigned int len,
		       bool clear)
{
}

static bool op_pause(struct emu_ctx *c)
{
	return false;
}

static const struct emu_ops ops = {
	.read = op_read, .write = op_write, .exchange = op_exchange, .probe = op_probe,
	.segment = op_segment, .set_selector = op_set_selector, .in = op_in, .out = op_out,
	.vec_get = op_vec_get, .vec_set = op_vec_set, .pause = op_pause,
};

static void random_state(struct emu_ctx *c, u64 *gpr)
{
	unsigned int i;

	for (i = 0; i < UM_NR_GPRS; i++)
		gpr[i] = i < UM_R8 ? rnd() & (rnd() % 4 ? REAL_LIMIT : 0xffffffff) : 0;
	gpr[UM_RCX] &= 0xff;
	for (i = 0; i < UM_NR_SEGS; i++) {
		u16 sel = rnd();

		segs[i] = (struct emu_segment){ .base = sel << 4, .limit = REAL_LIMIT,
						.selector = sel, .type = 3 };
	}
	*c = (struct emu_ctx){ .ops = &ops, .gpr = gpr, .rip = rnd() & REAL_LIMIT, .bits = 16,
			       .va_bits = 48, .real = true, .idt_limit = 0x3ff,
			       .rflags = (rnd() & 0xfd5) | 2 };
	refuse_after = rnd() % 2 ? -1 : (int)(rnd() % 5);
	segment_changed = false;
}

/* What one instruction left behind breaks no rule. REP may have done some of its iterations. */
static bool rules_kept(const struct emu_ctx *c, const u64 *before, u64 flags, int r)
{
	if (c->jumped && r == EMU_OK && c->target > REAL_LIMIT)
		return false;
	if (r == EMU_OK || r == EMU_PARTIAL || (c->insn.op >= EMU_MOVS && c->insn.op <= EMU_OUTS))
		return true;
	return !segment_changed && c->rflags == flags &&
	       !memcmp(c->gpr, before, UM_NR_GPRS * sizeof(*before));
}

static void test_random(unsigned long rounds)
{
	unsigned long i, done = 0, failed = 0;
	u64 gpr[UM_NR_GPRS], before[UM_NR_GPRS], flags;
	u8 code[EMU_MAX_LEN];
	struct emu_ctx c;
	unsigned int j;
	int r = EMU_OK;

	for (i = 0; i < rounds; i++) {
		random_state(&c, gpr);
		for (j = 0; j < sizeof(code); j++)
			code[j] = rnd();
		if (emu_decode(&c.insn, code, sizeof(code), 16) != EMU_DECODED)
			continue;
		memcpy(before, gpr, sizeof(before));
		flags = c.rflags;
		r = emu_exec(&c);
		if (!rules_kept(&c, before, flags, r))
			break;
		done += r == EMU_OK;
		failed += r != EMU_OK;
	}
	if (i < rounds)
		printf("# result %d of %02x %02x %02x %02x %02x %02x\n", r, code[0], code[1],
		       code[2], code[3], code[4], code[5]);
	ok(i == rounds && done > rounds / 8 && failed > rounds / 64,
	   "random code: %lu instructions retired, %lu did not", done, failed);
}

static void test_interrupts(unsigned long rounds)
{
	u64 gpr[UM_NR_GPRS], sp;
	struct emu_ctx c;
	unsigned long i;
	int r = EMU_OK;

	for (i = 0; i < rounds; i++) {
		u16 ip = rnd(), frame[3] = { 0 };
		u8 vector = rnd();

		random_state(&c, gpr);
		refuse_after = -1;
		sp = rnd() & 0xfffe;
		gpr[UM_RSP] = sp;
		r = emu_interrupt(&c, vector, ip);
		if (r != EMU_OK || (gpr[UM_RSP] & REAL_LIMIT) != ((sp - 6) & REAL_LIMIT))
			break;
		sp = (sp - 6) & REAL_LIMIT;
		memcpy(frame, memory + segs[UM_SS_SEG].base + sp, 2);
		if (frame[0] != ip || (c.rflags & (BIT(8) | BIT(9))))
			break;
	}
	ok(i == rounds, "%lu interrupts push their frame and clear IF and TF", i);
	c.idt_limit = 8 * 4 - 2;
	ok(emu_interrupt(&c, 7, 0) == EMU_FAULT && c.fault.vector == UM_GP,
	   "a vector beyond the table's limit is #GP");
}

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 0) : 300000;

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (u64)time(NULL) * 2 + 1;
	printf("# seed %llu\n", (unsigned long long)seed);
	test_random(rounds);
	test_interrupts(1000);
	return tap_done();
}
