// SPDX-License-Identifier: GPL-2.0
/* Single instructions as a 64-bit guest sees them: faults, control registers, CPUID, TSC, traps. */
#include <string.h>
#include <unistd.h>

#include "lib/pgtable.h"
#include "guest/insn.h"
#include "guest/step.h"

static void test_tsc(struct vcpu *vcpu)
{
	guest_test(vcpu, INSN_TSC, "the TSC never goes back");
	usleep(10000);
	guest_test(vcpu, INSN_TSC_LATER, "and goes on while the guest does not run");
}

static void test_cpuid_leaf(struct vcpu *vcpu, uint32_t leaf, uint32_t subleaf, uint32_t mask_ecx)
{
	unsigned long long *res = vcpu->shared->result;
	bool good;

	vcpu->shared->arg[0] = leaf;
	vcpu->shared->arg[1] = subleaf;
	good = guest_start_op(vcpu, INSN_CPUID) == GUEST_DONE &&
	       res[4] == cpuid_value(leaf, subleaf, CPUID_EAX) &&
	       res[5] == cpuid_value(leaf, subleaf, CPUID_EBX) &&
	       (res[6] & mask_ecx) == (cpuid_value(leaf, subleaf, CPUID_ECX) & mask_ecx) &&
	       res[7] == cpuid_value(leaf, subleaf, CPUID_EDX);
	if (!tap_ok(good, "CPUID leaf %#x.%u is what was set", leaf, subleaf))
		tap_diag("guest: %#llx %#llx %#llx %#llx", res[4], res[5], res[6], res[7]);
}

static void test_cpuid(struct vcpu *vcpu)
{
	unsigned long long *res = vcpu->shared->result;

	/* ECX of leaf 1 mirrors CR4.OSXSAVE, that of leaf 7 CR4.PKE. */
	test_cpuid_leaf(vcpu, 0, 0, ~0u);
	test_cpuid_leaf(vcpu, 7, 0, ~(1u << 4));
	test_cpuid_leaf(vcpu, 0x80000001, 0, ~0u);
	test_cpuid_leaf(vcpu, 0x80000008, 0, ~0u);
	vcpu->shared->arg[0] = 1;
	tap_ok(guest_start_op(vcpu, INSN_CPUID) == GUEST_DONE &&
	       !(res[6] & 1u << 27), "CPUID.OSXSAVE is clear while CR4.OSXSAVE is");
	tap_ok(res[4] == cpuid_value(1, 0, CPUID_EAX), "CPUID gives the signature");
}

static void test_set_cpuid(void)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[2];
	} cpuid = {
		.head.nent = 2,
		.entry = {
			{ .function = 0, .eax = 1, .ebx = 0x72626d55, .ecx = 0x5473, .edx = 0x61 },
			{ .function = 1, .eax = 0x6f1, .edx = 0x078bfbff },
		},
	};
	struct vcpu *vcpu = guest_create("insn", MODE_LONG);
	unsigned long long *res = vcpu->shared->result;

	tap_eq(xioctl(vcpu->fd, KVM_SET_CPUID2, &cpuid), 0, "SET_CPUID2 of two leaves");
	vcpu->shared->arg[0] = 1;
	tap_ok(guest_start_op(vcpu, INSN_CPUID) == GUEST_DONE && res[0] == 1 &&
	       res[1] == 0x72626d55 && res[2] == 0x5473 && res[3] == 0x61 && res[4] == 0x6f1,
	       "the guest sees them");
	vcpu->shared->arg[0] = 5;
	tap_ok(guest_start_op(vcpu, INSN_CPUID) == GUEST_DONE && res[4] == 0x6f1,
	       "a leaf past the last gives the last one's values, as on Intel CPUs");
	guest_destroy(vcpu);
}

static void test_cr_bits(struct vcpu *vcpu)
{
	int outcome = guest_start_op(vcpu, INSN_CR_BITS);

	if (outcome == GUEST_SYNC)
		outcome = guest_run(vcpu);
	tap_eq(outcome, GUEST_DONE, "control register bits, CLTS, SMSW, LMSW");
}

static void test_xsetbv(struct vcpu *vcpu)
{
	int outcome;

	if (!cpuid_has(1, 0, CPUID_ECX, 26) || !cpuid_has(1, 0, CPUID_ECX, 28)) {
		tap_skip("no XSAVE with AVX in CPUID", "XSETBV");
		return;
	}
	outcome = guest_start_op(vcpu, INSN_XSETBV);
	if (outcome == GUEST_SYNC)
		outcome = guest_run(vcpu);
	tap_eq(outcome, GUEST_DONE, "XSETBV: good and bad values");
}

/* Without an APIC in the kernel, userspace hears of a lower task priority. */
static void test_cr8(struct vcpu *vcpu)
{
	int outcome = guest_start_op(vcpu, INSN_CR8);
	bool told = outcome == GUEST_EXIT && vcpu->run->exit_reason == KVM_EXIT_SET_TPR;

	if (!tap_ok(told && vcpu->run->cr8 == 2, "a lower CR8 is an exit"))
		guest_report(vcpu, outcome);
	if (told)
		outcome = guest_run(vcpu);
	tap_eq(outcome, GUEST_DONE, "CR8 holds what was written");
}

/* Devices that answer nothing: the trap after their instruction is what counts. */
static int run_through_io(struct vcpu *vcpu, uint64_t op)
{
	int outcome = guest_start_op(vcpu, op);

	while (outcome == GUEST_SYNC ||
	       (outcome == GUEST_EXIT && (vcpu->run->exit_reason == KVM_EXIT_IO ||
					  vcpu->run->exit_reason == KVM_EXIT_MMIO)))
		outcome = guest_run(vcpu);
	return outcome;
}

static void test_step(uint64_t op, const char *what)
{
	struct vcpu *vcpu = guest_create("step", MODE_LONG);
	struct pgtable pt = { vcpu->vm, MODE_LONG, 0, TABLES_END - 16 * PAGE_SIZE };
	struct kvm_sregs sregs;
	int outcome;

	must(xioctl(vcpu->fd, KVM_GET_SREGS, &sregs));
	pt.root = sregs.cr3;
	pt_map(&pt, STEP_DEVICE_GPA, STEP_DEVICE_GPA, PTE_P | PTE_W, 1);
	outcome = run_through_io(vcpu, op);
	if (!tap_ok(outcome == GUEST_DONE, "%s", what))
		guest_report(vcpu, outcome);
	guest_destroy(vcpu);
}

int main(void)
{
	struct vcpu *vcpu;

	tap_start("insn", 120);
	vcpu = guest_create("insn", MODE_LONG);
	test_tsc(vcpu);
	guest_test(vcpu, INSN_MSR_FAULTS, "RDMSR and WRMSR fault where they must");
	guest_test(vcpu, INSN_CR_FAULTS, "bad control register values are #GP");
	test_cr_bits(vcpu);
	test_cpuid(vcpu);
	vcpu->shared->arg[0] = cpuid_has(1, 0, CPUID_ECX, 26);	/* XSETBV */
	guest_test(vcpu, INSN_PRIVILEGED, "privileged instructions at CPL 3 are #GP");
	guest_test(vcpu, INSN_UNDEFINED, "what CPUID does not offer is #UD");
	guest_test(vcpu, INSN_EXCEPTIONS, "exceptions arrive with their error codes");
	guest_test(vcpu, INSN_ALIGNMENT, "#AC arrives at CPL 3 only, if asked for");
	test_xsetbv(vcpu);
	test_cr8(vcpu);
	guest_destroy(vcpu);
	test_set_cpuid();
	test_step(STEP_INSN, "TF traps after each instruction that exits");
	test_step(STEP_MMIO_READ, "TF traps after each read of MMIO");
	if (dev_is_umbra())
		test_step(STEP_MMIO_WRITE, "TF traps after each write to MMIO");
	else
		tap_skip("KVM loses this trap", "TF traps after each write to MMIO");
	test_step(STEP_MOV_SS, "MOV SS holds the trap back by one instruction");
	test_step(STEP_BREAKPOINTS, "data breakpoints and ICEBP");
	return tap_done();
}
