// SPDX-License-Identifier: GPL-2.0
/* Instructions that userspace leaves to the CPU: KVM_CAP_X86_DISABLE_EXITS beyond HLT. */
#include <cpuid.h>
#include <unistd.h>

#include "lib/raw.h"
#include "lib/stats.h"

#define HAS_MONITOR	BIT(3)	/* CPUID.1:ECX */
#define HAS_ARAT	BIT(2)	/* CPUID.6:EAX */

/* 1000 times, in RBX. RAX is an address; the store to it ends the wait before it begins. */
#define TIMES(insn, back)	"\xbb\xe8\x03\x00\x00" insn "\xff\xcb\x75" back RAW_END
#define MWAITS		TIMES("\x0f\x01\xc8\x89\x18\x0f\x01\xc9", "\xf4")
#define PAUSES		TIMES("\xb9\x00\x04\x00\x00\xf3\x90\xe2\xfc", "\xf3")
#define ROUNDS		1000

static const uint32_t cstates[] = { 0x660, 0x3fc, 0x3fd, 0x3fe };

static struct vcpu *create(uint64_t off, const char *code, size_t size)
{
	struct vm *vm = vm_create();
	struct kvm_regs regs;
	struct vcpu *vcpu;

	if (off)
		must(enable_cap(vm->fd, KVM_CAP_X86_DISABLE_EXITS, off));
	vcpu = vcpu_create(vm, 0);
	vcpu_set_mode(vcpu, MODE_LONG);
	raw_load(vcpu, code, size);
	regs = raw_regs(vcpu);
	regs.rax = RAW_DATA;
	raw_set_regs(vcpu, regs);
	return vcpu;
}

/* How often the guest exited: KVM counts all exits together. */
static uint64_t exits(struct vcpu *vcpu, const char *cause)
{
	uint64_t val;

	return stat_read(vcpu->fd, "exits", &val) ? val : stat_value(vcpu->fd, cause);
}

/* The exits of this code, which must come to its end; ~0 if it does not. */
static uint64_t cost(uint64_t off, const char *cause, const char *code, size_t size)
{
	struct vcpu *vcpu = create(off, code, size);
	uint64_t n = ~0ULL;

	if (raw_run(vcpu) == KVM_EXIT_IO && raw_ended(vcpu))
		n = exits(vcpu, cause);
	guest_destroy(vcpu);
	return n;
}

static bool mwait_works(void)
{
	unsigned int a, b, c, d, arat;

	__cpuid(6, arat, b, c, d);
	__cpuid(1, a, b, c, d);
	return (c & HAS_MONITOR) && (arat & HAS_ARAT);
}

static uint64_t offered(void)
{
	struct vm *vm = vm_create();
	uint64_t mask = xioctl_val(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_X86_DISABLE_EXITS);

	vm_destroy(vm);
	return mask;
}

static void test_offer(void)
{
	struct vcpu *vcpu = create(0, RAW_END, sizeof(RAW_END) - 1);
	uint64_t want = KVM_X86_DISABLE_EXITS_HLT | KVM_X86_DISABLE_EXITS_PAUSE |
			KVM_X86_DISABLE_EXITS_CSTATE;

	if (mwait_works())
		want |= KVM_X86_DISABLE_EXITS_MWAIT;
	tap_eq(offered(), want, "HLT, PAUSE, CSTATE; MWAIT where the CPU has it and ARAT");
	tap_eq(enable_cap(vcpu->vm->fd, KVM_CAP_X86_DISABLE_EXITS, 1 << 4), -EINVAL,
	       "an unknown one is refused");
	tap_eq(enable_cap(vcpu->vm->fd, KVM_CAP_X86_DISABLE_EXITS,
			  KVM_X86_DISABLE_VALID_EXITS), 0,
	       "all that are known are taken, when there is a vCPU too");
	tap_ok(raw_run(vcpu) == KVM_EXIT_IO && raw_ended(vcpu), "which runs on");
	guest_destroy(vcpu);
}

static void test_mwait(void)
{
	uint64_t n = cost(0, "exits_other", MWAITS, sizeof(MWAITS) - 1);

	tap_ok(n >= 2 * ROUNDS && n != ~0ULL, "MONITOR and MWAIT exit: %llu times",
	       (unsigned long long)n);
	if (!(offered() & KVM_X86_DISABLE_EXITS_MWAIT)) {
		tap_skip("not offered", "MONITOR and MWAIT without exits");
		return;
	}
	n = cost(KVM_X86_DISABLE_EXITS_MWAIT, "exits_other", MWAITS, sizeof(MWAITS) - 1);
	tap_ok(n < ROUNDS / 2, "or not: %llu exits", (unsigned long long)n);
}

static void test_pause(void)
{
	uint64_t n = cost(0, "exits_pause", PAUSES, sizeof(PAUSES) - 1), without;

	without = cost(KVM_X86_DISABLE_EXITS_PAUSE, "exits_pause", PAUSES, sizeof(PAUSES) - 1);
	tap_diag("a million PAUSEs: %llu exits, then %llu", (unsigned long long)n,
		 (unsigned long long)without);
	tap_ok(n != ~0ULL && without != ~0ULL, "loops of PAUSE end");
	if (n < ROUNDS / 10)
		tap_skip("here they hardly ever exit", "loops of PAUSE do not exit");
	else
		tap_ok(without < n / 4, "loops of PAUSE do not exit");
}

/* Without an IDT the #GP is a shutdown. */
static int read_msr(uint64_t off, uint32_t msr)
{
	struct vcpu *vcpu = create(off, RDMSR RAW_END, sizeof(RDMSR RAW_END) - 1);
	struct kvm_regs regs = raw_regs(vcpu);
	int r;

	regs.rcx = msr;
	raw_set_regs(vcpu, regs);
	r = raw_run(vcpu);
	guest_destroy(vcpu);
	return r;
}

static void test_cstate(void)
{
	unsigned int i;

	for (i = 0; i < sizeof(cstates) / sizeof(*cstates); i++) {
		tap_eq(read_msr(0, cstates[i]), KVM_EXIT_SHUTDOWN, "MSR %#x: #GP", cstates[i]);
		tap_eq(read_msr(KVM_X86_DISABLE_EXITS_CSTATE, cstates[i]), KVM_EXIT_IO,
		       "CSTATE: the CPU's own");
	}
}

int main(void)
{
	tap_start("exitsoff", 60);
	test_offer();
	test_mwait();
	test_pause();
	test_cstate();
	return tap_done();
}
