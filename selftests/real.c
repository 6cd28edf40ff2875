// SPDX-License-Identifier: GPL-2.0
/* Real mode: instructions, exceptions, interrupts and an NMI, on CPUs that run it and on others. */
#include <string.h>

#include "lib/vm.h"
#include "guest/real.h"

static const char *part_name(char letter)
{
	switch (letter) {
	case 'c': return "calls, jumps, loops";
	case 'f': return "flags";
	case 'i': return "software interrupts";
	case 's': return "string instructions across segments";
	case 'x': return "exceptions and traps";
	case 'r': return "registers and the stack";
	case 'm': return "control registers, MSRs, CPUID";
	case 'b': return "big real mode";
	case 'I': return "the guest waits for an interrupt";
	case 'N': return "it came; the guest waits for an NMI";
	case 'W': return "it came; the guest has interrupts off";
	default: return "one came when they were on again";
	}
}

static char letter_of(const struct kvm_run *run)
{
	if (run->exit_reason != KVM_EXIT_IO || run->io.port != REAL_PORT)
		return 0;
	return *((const char *)run + run->io.data_offset);
}

/* The window opens one instruction after STI. */
static void test_window(struct vcpu *vcpu)
{
	struct kvm_interrupt irq = { .irq = REAL_IRQ };
	int ret;

	vcpu->run->request_interrupt_window = 1;
	ret = vcpu_run(vcpu);
	vcpu->run->request_interrupt_window = 0;
	if (!tap_ok(!ret && vcpu->run->exit_reason == KVM_EXIT_IRQ_WINDOW_OPEN,
		    "the interrupt window opens"))
		guest_report(vcpu, ret < 0 ? ret : GUEST_EXIT);
	tap_eq(xioctl(vcpu->fd, KVM_INTERRUPT, &irq), 0, "INTERRUPT");
}

static void send_event(struct vcpu *vcpu, char letter)
{
	struct kvm_interrupt irq = { .irq = REAL_IRQ };

	if (letter == 'I')
		must(xioctl(vcpu->fd, KVM_INTERRUPT, &irq));
	if (letter == 'N')
		must(xioctl(vcpu->fd, KVM_NMI, NULL));
	if (letter == 'W')
		test_window(vcpu);
}

static bool reaches(struct vcpu *vcpu, char letter)
{
	int ret = vcpu_run(vcpu);
	char got = ret ? 0 : letter_of(vcpu->run);
	struct kvm_regs regs;

	must(xioctl(vcpu->fd, KVM_GET_REGS, &regs));
	if (got == '!')
		tap_diag("check %llu failed", regs.rax >> 8 & 0xff);
	else if (got != letter)
		guest_report(vcpu, ret < 0 ? ret : GUEST_EXIT);
	return got == letter;
}

/* What the module does not interpret ends the run in an exit that shows the instruction. */
static void test_x87(struct vcpu *vcpu)
{
	static const uint8_t fld1[] = { 0xd9, 0xe8 };
	const struct kvm_run *run = vcpu->run;
	const uint8_t *insn = (const uint8_t *)&run->emulation_failure.insn_bytes;
	int ret = vcpu_run(vcpu);
	bool refused;

	refused = run->exit_reason == KVM_EXIT_INTERNAL_ERROR &&
		  run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION &&
		  run->emulation_failure.insn_size >= sizeof(fld1) &&
		  !memcmp(insn, fld1, sizeof(fld1));
	if (!tap_ok(!ret && (refused || letter_of(run) == REAL_X87),
		    "x87 works, or userspace is told of the instruction"))
		guest_report(vcpu, ret < 0 ? ret : GUEST_EXIT);
}

int main(void)
{
	const char *letter = REAL_TRACE;
	struct vcpu *vcpu;

	tap_start("real", 60);
	vcpu = guest_create("real", MODE_REAL);
	while (*letter && tap_ok(reaches(vcpu, *letter), "%s", part_name(*letter)))
		send_event(vcpu, *letter++);
	if (!*letter)
		test_x87(vcpu);
	guest_destroy(vcpu);
	return tap_done();
}
