// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction emulator against the CPU, on random bytes: whatever the decoder takes for an
 * instruction that user code may run is emulated on a copy of memory and then run by the CPU, in
 * 64-, 32- and 16-bit code, with segments of all kinds and pages that are absent or read-only.
 * Registers, flags, memory, the next instruction, and a fault's vector, error code and address must
 * agree.
 *
 * diff_test [SEED [CASES]]
 */
#include "diff_gen.h"
#include "tap.h"

#define SEGMENTS_HOLD	256	/* cases */

struct counts {
	unsigned long run, faults, skipped, failed;
};

static struct test_case test;
static struct emu_ctx ctx;
static struct cpu_state before;

static u32 shift_undefined(const struct emu_insn *i, unsigned int count)
{
	u32 mask = count != 1 ? EMU_OF : 0;

	if (!count)
		return 0;
	if (i->op >= EMU_SHL)
		mask |= EMU_AF | (count >= 8 * i->size ? EMU_CF : 0);
	return mask;
}

static unsigned int shift_count(const struct emu_insn *i)
{
	bool imm = i->src.kind == EMU_K_IMM || (i->flags & EMU_HAS_IMM);

	return (imm ? i->imm : before.gpr[UM_RCX]) & (i->size == 8 ? 63 : 31);
}

/* The flags that the SDM leaves undefined. */
static u32 undefined_flags(const struct emu_insn *i)
{
	switch (i->op) {
	case EMU_OR:
	case EMU_AND:
	case EMU_XOR:
	case EMU_TEST:
		return EMU_AF;
	case EMU_ROL ... EMU_SAR:
	case EMU_SHLD ... EMU_SHRD:
		return shift_undefined(i, shift_count(i));
	case EMU_BT ... EMU_BTC:
		return EMU_OF | EMU_SF | EMU_AF | EMU_PF;
	case EMU_MUL ... EMU_IMUL:
	case EMU_IMUL_REG:
		return EMU_SF | EMU_ZF | EMU_AF | EMU_PF;
	case EMU_DIV ... EMU_IDIV:
		return EMU_ARITH;
	case EMU_BSF ... EMU_BSR:
		return EMU_ARITH & ~(u32)EMU_ZF;
	}
	return 0;
}

/* SHLD and SHRD by more than the operand's size. */
static bool undefined_result(const struct emu_insn *i)
{
	return (i->op == EMU_SHLD || i->op == EMU_SHRD) && shift_count(i) > 8 * i->size;
}

static int emulate(void)
{
	int r;

	emulated = before;
	ctx = (struct emu_ctx){
		.ops = &world_ops, .insn = test.insn, .gpr = emulated.gpr, .rip = test.rip,
		.rflags = before.rflags, .bits = test.bits, .cpl = 3, .va_bits = 48,
		.protected = true, .long_mode = true, .align_check = before.rflags & EMU_AC,
	};
	wild = false;
	long_code = test.bits == 64;
	do {
		r = emu_exec(&ctx);
	} while (r == EMU_PARTIAL);
	emulated.rflags = ctx.rflags;
	emulated.rip = r == EMU_FAULT ? test.rip : ctx.jumped ? ctx.target :
							      test.rip + test.insn.len;
	return r;
}

static void run_native(void)
{
	memcpy((void *)test.la, test.bytes, test.insn.len);
	cpu_state = before;
	cpu_run();
	memset((void *)test.la, 0xcc, test.insn.len);
}

static bool same_registers(void)
{
	bool wide = test.bits == 64 && segs[UM_CS].selector == CPU_CS64;
	unsigned int i, nr = wide ? UM_NR_GPRS : UM_R8;
	u64 mask = emu_mask(wide ? 8 : 4);

	for (i = 0; i < nr; i++)
		if ((cpu_state.gpr[i] ^ emulated.gpr[i]) & mask)
			return false;
	return !memcmp(cpu_state.ymm, emulated.ymm, sizeof(emulated.ymm));
}

static bool same_flags(bool faulted)
{
	u64 mask = EMU_ARITH | EMU_DF | EMU_AC | EMU_NT | EMU_ID | EMU_IOPL | EMU_IF;

	if (!faulted)
		mask &= ~(u64)undefined_flags(&test.insn);
	return !((cpu_state.rflags ^ emulated.rflags) & mask);
}

/*
 * Where CPUs differ in what they check first, or the SDM does not say: two operands, a push or the
 * target, the stack of an outer level, alignment or the segment.
 */
static bool any_fault(const struct emu_insn *i)
{
	switch (i->op) {
	case EMU_CMPS:
	case EMU_CALL:
	case EMU_CALL_FAR:
	case EMU_RET_FAR:
	case EMU_IRET:
	case EMU_SSE_MOVA:
		return true;
	}
	return false;
}

static bool same_fault(void)
{
	if (any_fault(&test.insn))
		return true;
	if (cpu_fault.vector != ctx.fault.vector || cpu_fault.error != ctx.fault.error)
		return false;
	return cpu_fault.vector != UM_PF || cpu_fault.cr2 == ctx.fault.cr2;
}

/* Retired: the breakpoint that follows, or a fetch where there is no code. */
static bool arrived(void)
{
	if (cpu_fault.vector == UM_BP)
		return cpu_state.rip == emulated.rip + 1;
	if (segments_changed)	/* the target is outside the code, or the stack is of no use */
		return ctx.jumped && cpu_state.rip == emulated.rip;
	return ctx.jumped && cpu_fault.vector == UM_PF && cpu_state.rip == emulated.rip;
}

/* Linux's return to the handler has cleared the RPL of null selectors. */
static bool same_selector(u16 cpu, u16 sel)
{
	return cpu == sel || (!cpu && sel <= 3);
}

static bool same_segments(void)
{
	unsigned int i;

	for (i = UM_ES; i < UM_FS; i++)
		if (!same_selector(cpu_sel[i], segs[i].selector))
			return false;
	return same_selector(cpu_gs, segs[UM_GS].selector);
}

static bool agree(int r)
{
	/* AMD has popped some registers, or pushed its return address. */
	bool popped = r == EMU_FAULT && test.insn.op == EMU_POPA;
	bool pushed = r == EMU_FAULT && (test.insn.op == EMU_CALL || test.insn.op == EMU_CALL_FAR);

	if (!same_segments() || !same_flags(r == EMU_FAULT) || (!popped && !same_registers()) ||
	    (!pushed && memcmp(window + FIRST, copy + FIRST, LAST - FIRST)))
		return false;
	memcpy(copy + FIRST, window + FIRST, LAST - FIRST);
	if (r == EMU_FAULT)
		return cpu_state.rip == test.rip && same_fault();
	return r == EMU_OK && arrived();
}

static void dump(int r)
{
	unsigned int i;

	printf("# %u-bit", test.bits);
	for (i = 0; i < test.insn.len; i++)
		printf(" %02x", test.bytes[i]);
	printf(" op %u result %d\n# cpu: vector %u error %llx cr2 %llx rip %llx flags %llx\n",
	       test.insn.op, r, cpu_fault.vector, (unsigned long long)cpu_fault.error,
	       (unsigned long long)cpu_fault.cr2, (unsigned long long)cpu_state.rip,
	       (unsigned long long)cpu_state.rflags);
	printf("# emulated: vector %u error %x cr2 %llx rip %llx flags %llx; window %llx\n",
	       ctx.fault.vector, ctx.fault.error, (unsigned long long)ctx.fault.cr2,
	       (unsigned long long)emulated.rip, (unsigned long long)emulated.rflags,
	       (unsigned long long)window);
	printf("# flags before %llx\n", (unsigned long long)before.rflags);
	for (i = 0; i < UM_NR_GPRS; i++)
		printf("# r%u before %llx cpu %llx emulated %llx%s\n", i,
		       (unsigned long long)before.gpr[i], (unsigned long long)cpu_state.gpr[i],
		       (unsigned long long)emulated.gpr[i],
		       cpu_state.gpr[i] != emulated.gpr[i] ? " !" : "");
	for (i = FIRST; i < LAST; i++)
		if (window[i] != copy[i])
			printf("# memory +%x cpu %02x emulated %02x\n", i, window[i], copy[i]);
	for (i = 0; i < UM_NR_SEGS - 2; i++)
		printf("# segment %u base %llx limit %x type %x db %d\n", i,
		       (unsigned long long)segs[i].base, segs[i].limit, segs[i].type, segs[i].db);
}

/* Jumps into the instruction itself would run what nobody decoded. */
static bool jumps_into_itself(void)
{
	u64 target = emulated.rip + segs[UM_CS].base;

	return ctx.jumped && target - test.la + sizeof(u64) < test.insn.len + sizeof(u64);
}

/*
 * AMD pushes before it looks at a call's target: that must not go astray either. A call into 64-bit
 * code uses all of RSP, of which the kernel's own bits are above a stack pointer of 16 bits.
 */
static bool pushes_astray(void)
{
	const struct emu_segment *ss = &segs_before[UM_SS_SEG];
	u64 rsp = before.gpr[UM_RSP];
	u64 la = long_code ? rsp : (rsp & emu_mask(ss->db ? 4 : 2)) + ss->base;

	if (test.insn.op != EMU_CALL && test.insn.op != EMU_CALL_FAR)
		return false;
	return !harmless(la - 64) || !harmless(la) || (test.bits != 64 && long_code && !ss->db);
}

static void run_case(struct counts *n)
{
	int r;

	reset_segments();
	while (!generate(&test, &before) || undefined_result(&test.insn))
		;
	r = emulate();
	if (wild || r == EMU_FAIL || jumps_into_itself() || pushes_astray()) {
		memcpy(copy + FIRST, window + FIRST, LAST - FIRST);
		n->skipped++;
		return;
	}
	run_native();
	n->run++;
	n->faults += r == EMU_FAULT;
	if (agree(r))
		return;
	n->failed++;
	if (n->failed <= 3)
		dump(r);
	memcpy(copy + FIRST, window + FIRST, LAST - FIRST);
}

static void test_bits(unsigned int bits, unsigned long cases)
{
	struct counts n = { 0 };

	test.bits = bits;
	while (n.run < cases && n.failed < 20) {
		if (n.run % SEGMENTS_HOLD == 0) {
			random_segments(bits);
			fill_memory();
		}
		run_case(&n);
	}
	cpu_load_data(0, 0, 0);
	ok(!n.failed && n.faults > cases / 100,
	   "%u-bit code as the CPU runs it: %lu cases, %lu faults, %lu not run", bits, n.run,
	   n.faults, n.skipped);
}

/* Every instruction that is emulated (AVX2 came with the last of them), and small segments. */
static bool cpu_suffices(void)
{
	struct user_desc small = { .entry_number = LDT_SPARE, .limit = 1 };

	return __builtin_cpu_supports("avx2") && cpu_set_ldt(&small);
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 0) : 200000;

	if (!cpu_suffices()) {
		ok(true, "code as the CPU runs it # SKIP no AVX2, or no 16-bit segments");
		return tap_done();
	}
	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 77;
	setvbuf(stdout, NULL, _IOLBF, 0);	/* should it crash */
	printf("# seed %llu\n", (unsigned long long)seed);
	make_world();
	test_bits(64, count / 2);
	test_bits(32, count / 4);
	test_bits(16, count / 4);
	return tap_done();
}
