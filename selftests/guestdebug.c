// SPDX-License-Identifier: GPL-2.0
/* KVM_SET_GUEST_DEBUG: breakpoints, single steps, injected traps. */
#include <sys/ioctl.h>

#include "lib/raw.h"

#define DB_VECTOR	1
#define BP_VECTOR	3
#define DR6_INIT	0xffff0ff0ULL
#define DR6_BS		BIT_ULL(14)
#define DR6_BD		BIT_ULL(13)
#define DR7_INIT	0x400ULL
#define DR7_GD		BIT_ULL(13)
#define TF		BIT_ULL(8)
#define NOP		"\x90"
#define INT3		"\xcc"

static int debug(struct vcpu *vcpu, uint32_t control, uint64_t dr0, uint64_t dr7)
{
	struct kvm_guest_debug dbg = {
		.control = control,
		.arch.debugreg = { [0] = dr0, [7] = dr7 },
	};

	return xioctl(vcpu->fd, KVM_SET_GUEST_DEBUG, &dbg);
}

static void exits_at(struct vcpu *vcpu, uint32_t vector, uint64_t pc, uint64_t dr6,
		     const char *what)
{
	const struct kvm_debug_exit_arch *arch = &vcpu->run->debug.arch;

	if (!tap_eq(raw_run(vcpu), KVM_EXIT_DEBUG, "%s exits", what))
		return;
	tap_eq(arch->exception, vector, "%s: its vector", what);
	tap_eq(arch->pc, pc, "%s: its place", what);
	if (vector == DB_VECTOR)
		tap_eq(arch->dr6, dr6, "%s: DR6", what);
}

static void test_soft(void)
{
	struct vcpu *vcpu = raw_create_code(NOP INT3 RAW_END);
	struct kvm_regs regs;

	must(debug(vcpu, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP, 0, 0));
	exits_at(vcpu, BP_VECTOR, RAW_GPA + 1, 0, "INT3");
	regs = raw_regs(vcpu);
	regs.rip++;
	raw_set_regs(vcpu, regs);
	tap_ok(raw_run(vcpu) == KVM_EXIT_IO && raw_ended(vcpu), "the guest goes on after it");
	must(debug(vcpu, 0, 0, 0));
	raw_load_code(vcpu, INT3 RAW_END);
	tap_eq(raw_run(vcpu), KVM_EXIT_SHUTDOWN, "INT3 is the guest's when nobody debugs");
	guest_destroy(vcpu);
}

static void test_hard(void)
{
	struct vcpu *vcpu = raw_create_code(NOP NOP RAW_END);
	struct kvm_debugregs regs;

	must(debug(vcpu, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP, RAW_GPA + 1,
		   DR7_INIT | 2));
	must(xioctl(vcpu->fd, KVM_GET_DEBUGREGS, &regs));
	tap_eq(regs.dr7, DR7_INIT, "the guest's DR7 is its own");
	exits_at(vcpu, DB_VECTOR, RAW_GPA + 1, DR6_INIT | 1, "a breakpoint");
	must(xioctl(vcpu->fd, KVM_GET_DEBUGREGS, &regs));
	tap_eq(regs.dr7, DR7_INIT, "the guest's DR7 is still its own");
	must(debug(vcpu, 0, 0, 0));
	tap_ok(raw_run(vcpu) == KVM_EXIT_IO && raw_ended(vcpu), "the guest goes on after it");
	raw_load_code(vcpu, "\x0f\x21\xc0" /* mov %db0, %rax */ RAW_END);
	must(debug(vcpu, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP, 0, DR7_INIT | DR7_GD));
	exits_at(vcpu, DB_VECTOR, RAW_GPA, DR6_INIT | DR6_BD, "MOV from DR0 under GD");
	guest_destroy(vcpu);
}

static void test_steps(void)
{
	/* sti; cpuid; nop; out %al, $0x80; nop */
	struct vcpu *vcpu = raw_create_code("\xfb\x0f\xa2" NOP RAW_END NOP RAW_END);
	const uint32_t step = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP;

	must(debug(vcpu, step, 0, 0));
	exits_at(vcpu, DB_VECTOR, RAW_GPA + 1, DR6_INIT | DR6_BS, "a step over STI");
	tap_ok(!(raw_regs(vcpu).rflags & TF), "userspace's TF is not the guest's");
	exits_at(vcpu, DB_VECTOR, RAW_GPA + 3, DR6_INIT | DR6_BS, "a step over CPUID");
	exits_at(vcpu, DB_VECTOR, RAW_GPA + 4, DR6_INIT | DR6_BS, "a step over NOP");
	tap_ok(raw_run(vcpu) == KVM_EXIT_IO && raw_ended(vcpu), "OUT exits first");
	exits_at(vcpu, DB_VECTOR, RAW_GPA + 6, DR6_INIT | DR6_BS, "then its step");
	must(debug(vcpu, 0, 0, 0));
	tap_ok(raw_run(vcpu) == KVM_EXIT_IO && raw_regs(vcpu).rip == RAW_GPA + 7,
	       "without the debugger the guest runs on");
	guest_destroy(vcpu);
}

static void test_inject(void)
{
	struct vcpu *vcpu = raw_create_code(NOP RAW_END);
	struct kvm_vcpu_events set = { .flags = KVM_VCPUEVENT_VALID_PAYLOAD };

	must(enable_cap(vcpu->vm->fd, KVM_CAP_EXCEPTION_PAYLOAD, 1));
	set.exception.pending = 1;
	set.exception.nr = DB_VECTOR;
	must(xioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &set));
	tap_eq(debug(vcpu, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_INJECT_BP, 0, 0), -EBUSY,
	       "no trap can be injected while an exception waits");
	set.exception.pending = 0;
	must(xioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &set));
	tap_eq(debug(vcpu, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_INJECT_DB, 0, 0), 0,
	       "#DB is injected");
	tap_eq(raw_run(vcpu), KVM_EXIT_SHUTDOWN, "and delivered, to a guest without an IDT");
	guest_destroy(vcpu);
}

int main(void)
{
	tap_start("guestdebug", 60);
	test_soft();
	test_hard();
	test_steps();
	test_inject();
	return tap_done();
}
