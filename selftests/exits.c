// SPDX-License-Identifier: GPL-2.0
/* Exits that end or stop a guest, hypercalls, KVM_TRANSLATE. */
#include <errno.h>
#include <string.h>

#include "lib/pgtable.h"
#include "guest/exits.h"

#define NO_HYPERCALL	(-1000L)	/* -KVM_ENOSYS */
#define NOT_ALLOWED	(-1L)		/* -KVM_EPERM */
#define UNBACKED_GPA	0x10000000UL
#define NONCANONICAL	BIT(62)
#define ENTRY_BAD_STATE	0x80000021
#define VEC_UD		6
#define VEC_PF		14

static const enum guest_mode modes[] = { MODE_PROT, MODE_PSE, MODE_PAE, MODE_LONG };

/* The guest with two more pages: one without a slot behind it, for CPL 3 too, and one absent. */
static struct vcpu *exits_guest(enum guest_mode mode)
{
	struct vcpu *vcpu = guest_create("exits", mode);
	struct pgtable pt = { vcpu->vm, mode, 0, TABLES_END - 16 * PAGE_SIZE };
	struct kvm_sregs sregs;

	must(xioctl(vcpu->fd, KVM_GET_SREGS, &sregs));
	pt.root = sregs.cr3;
	if (mode >= MODE_PSE)
		pt_map(&pt, UNBACKED_GPA, UNBACKED_GPA, PTE_P | PTE_W | PTE_U, 1);
	return vcpu;
}

static void test_hypercall(enum guest_mode mode)
{
	struct vcpu *vcpu = exits_guest(mode);
	uint64_t mask = mode < MODE_LONG ? 0xffffffff : ~0ULL;

	guest_start_op(vcpu, EXITS_VMCALL);
	tap_eq(vcpu->shared->result[0], NO_HYPERCALL & mask, "%s: an unknown VMCALL",
	       mode_name(mode));
	if (mode != MODE_PROT) {
		tap_eq(guest_start_op(vcpu, EXITS_VMCALL_USER), GUEST_DONE, "%s: VMCALL at CPL 3",
		       mode_name(mode));
		tap_eq(vcpu->shared->result[0], NOT_ALLOWED & mask, "%s: is not allowed",
		       mode_name(mode));
	}
	guest_destroy(vcpu);
}

static void test_hlt(enum guest_mode mode)
{
	struct vcpu *vcpu = exits_guest(mode);

	tap_ok(guest_start_op(vcpu, EXITS_HLT) == GUEST_EXIT &&
	       vcpu->run->exit_reason == KVM_EXIT_HLT, "%s: HLT is an exit", mode_name(mode));
	tap_eq(guest_run(vcpu), GUEST_DONE, "%s: the guest goes on after it", mode_name(mode));
	guest_destroy(vcpu);
}

static void test_triple_fault(enum guest_mode mode)
{
	struct vcpu *vcpu = exits_guest(mode);

	tap_ok(guest_start_op(vcpu, EXITS_TRIPLE_FAULT) == GUEST_EXIT &&
	       vcpu->run->exit_reason == KVM_EXIT_SHUTDOWN, "%s: a triple fault is SHUTDOWN",
	       mode_name(mode));
	vm_load(vcpu->vm, "exits", mode);
	vcpu_set_mode(vcpu, mode);
	guest_start_op(vcpu, EXITS_VMCALL);
	tap_ok(vcpu->run->exit_reason == KVM_EXIT_IO, "%s: the vCPU can be set up anew",
	       mode_name(mode));
	guest_destroy(vcpu);
}

static void test_jump(enum guest_mode mode)
{
	struct vcpu *vcpu = exits_guest(mode);
	int outcome;

	vcpu->shared->arg[0] = UNBACKED_GPA;
	outcome = guest_start_op(vcpu, EXITS_JUMP);
	if (!tap_ok(outcome == GUEST_EXIT && vcpu->run->exit_reason == KVM_EXIT_INTERNAL_ERROR &&
		    vcpu->run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION,
		    "%s: a jump to memory that is not there is INTERNAL_ERROR", mode_name(mode)))
		guest_report(vcpu, outcome);
	guest_destroy(vcpu);
}

static void test_user_jump(enum guest_mode mode)
{
	struct vcpu *vcpu = exits_guest(mode);
	int outcome;

	vcpu->shared->arg[0] = UNBACKED_GPA;
	outcome = guest_start_op(vcpu, EXITS_USER_JUMP);
	if (outcome != GUEST_DONE)
		guest_report(vcpu, outcome);
	tap_eq(vcpu->shared->result[0], VEC_UD, "%s: the same at CPL 3 is the guest's #UD",
	       mode_name(mode));
	vcpu->shared->arg[0] = UNBACKED_GPA + PAGE_SIZE;
	guest_start_op(vcpu, EXITS_USER_JUMP);
	tap_eq(vcpu->shared->result[0], VEC_PF, "%s: to an absent page, its #PF", mode_name(mode));
	guest_destroy(vcpu);
}

static void test_bad_state(void)
{
	struct vcpu *vcpu = exits_guest(MODE_LONG);
	struct kvm_sregs good, bad;
	int outcome;

	must(xioctl(vcpu->fd, KVM_GET_SREGS, &good));
	bad = good;
	bad.gdt.base = NONCANONICAL;
	must(xioctl(vcpu->fd, KVM_SET_SREGS, &bad));
	outcome = guest_start_op(vcpu, EXITS_VMCALL);
	if (!tap_ok(outcome == GUEST_EXIT && vcpu->run->exit_reason == KVM_EXIT_FAIL_ENTRY,
		    "a state that the CPU refuses is FAIL_ENTRY"))
		guest_report(vcpu, outcome);
	tap_eq(vcpu->run->fail_entry.hardware_entry_failure_reason, ENTRY_BAD_STATE,
	       "with the CPU's reason");
	must(xioctl(vcpu->fd, KVM_SET_SREGS, &good));
	guest_test(vcpu, EXITS_VMCALL, "mended, the guest runs");
	guest_destroy(vcpu);
}

static void translate(struct vcpu *vcpu, uint64_t gva, bool valid, uint64_t gpa)
{
	struct kvm_translation tr = { .linear_address = gva };

	tap_ok(!xioctl(vcpu->fd, KVM_TRANSLATE, &tr) && tr.valid == valid &&
	       (!valid || tr.physical_address == gpa), "TRANSLATE %#lx", gva);
}

static void test_translate(enum guest_mode mode)
{
	struct vcpu *vcpu = exits_guest(mode);

	tap_diag("%s", mode_name(mode));
	translate(vcpu, 0x12345, true, 0x12345);
	translate(vcpu, 0x654321, true, 0x654321);
	translate(vcpu, UNBACKED_GPA + 8, true, UNBACKED_GPA + 8);
	translate(vcpu, UNBACKED_GPA + PAGE_SIZE, mode == MODE_PROT, UNBACKED_GPA + PAGE_SIZE);
	translate(vcpu, 0xc0000000, mode == MODE_PROT, 0xc0000000);
	guest_destroy(vcpu);
}

int main(void)
{
	size_t i;

	tap_start("exits", 120);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		test_hypercall(modes[i]);
		test_hlt(modes[i]);
		test_triple_fault(modes[i]);
		test_jump(modes[i]);
		if (modes[i] != MODE_PROT)
			test_user_jump(modes[i]);
		test_translate(modes[i]);
	}
	test_bad_state();
	return tap_done();
}
