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

#include "insn_gen.h"
#include "tap.h"

static u8 copy[SANDBOX];	/* what the emulator works on */
static struct native_state emulated;
static int refuse_after;	/* accesses until one must wait for userspace; negative: none */

/* Emulation on the copy. */

static int touch(struct emu_ctx *c, u64 la, unsigned int len)
{
	if (la - (u64)sandbox <= SANDBOX - len)
		return refuse_after-- ? EMU_OK : EMU_EXIT;
	c->fault = (struct emu_fault){ .vector = UM_PF, .cr2 = la };
	return EMU_FAULT;
}

static int op_read(struct emu_ctx *c, u64 la, void *data, unsigned int len, bool rmw)
{
	int r = touch(c, la, len);

	if (!r)
		memcpy(data, copy + (la - (u64)sandbox), len);
	return r;
}

static int op_write(struct emu_ctx *c, u64 la, const void *data, unsigned int len)
{
	int r = touch(c, la, len);

	if (!r)
		memcpy(copy + (la - (u64)sandbox), data, len);
	return r;
}

static int op_exchange(struct emu_ctx *c, u64 la, const void *old, const void *new,
		       unsigned int len)
{
	int r = touch(c, la, len);

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

static void op_vec_get(struct emu_ctx *c, unsigned int reg, void *data, unsigned int len)
{
	memcpy(data, emulated.xmm[reg], len);
}

static void op_vec_set(struct emu_ctx *c, unsigned int reg, const void *data, unsigned int len,
		       bool clear)
{
	if (clear)
		memset(emulated.xmm[reg], 0, sizeof(emulated.xmm[reg]));
	memcpy(emulated.xmm[reg], data, len);
}

static bool op_pause(struct emu_ctx *c)
{
	return !below(4);
}

static const struct emu_ops ops = {
	.read = op_read, .write = op_write, .exchange = op_exchange, .segment = op_segment,
	.vec_get = op_vec_get, .vec_set = op_vec_set, .pause = op_pause,
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
	refuse_after = below(2) ? -1 : (int)below(3);
	do {
		struct native_state before = emulated;
		u64 rflags = c.rflags;

		r = emu_exec(&c);
		/* Nothing may have changed when an instruction has to be run again as a whole. */
		if (r == EMU_EXIT && !(c.insn.flags & EMU_REP) &&
		    (c.rflags != rflags || memcmp(&before, &emulated, sizeof(before))))
			return EMU_FAIL;
	} while (r == EMU_PARTIAL || r == EMU_EXIT);
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
	bool good;
	int sig, r;

	while (!generate(&g, t, &before) || undefined_result(&g, &before))
		;
	emulated = before;
	native_state = before;
	memcpy(copy, sandbox, SANDBOX);
	memcpy(code, g.bytes, g.len);
	sig = native_run(code, g.len);
	r = emulate(&g, &len);
	if (sig)
		good = r == EMU_FAULT;
	else
		good = r == EMU_OK && len == g.len && same_state(undefined_flags(&g, &before));
	if (good)
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
	unsigned long cases = 150000, i;
	unsigned long per;
	unsigned int t;

	if (argc > 2)
		cases = strtoul(argv[2], NULL, 0);

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
	add_families();
	per = cases / nr_templates + 1;
	for (t = 0; t < nr_templates; t++) {
		unsigned long failed = 0;

		for (i = 0; i < per && failed < 3; i++)
			failed += !run_case(&templates[t]);
		ok(!failed, "%s as the CPU does it", templates[t].name);
	}
	return tap_done();
}
