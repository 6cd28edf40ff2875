// SPDX-License-Identifier: GPL-2.0
/* The host's side of the protocol on UCALL_PORT. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "vm.h"

int vcpu_run(struct vcpu *vcpu)
{
	return xioctl_val(vcpu->fd, KVM_RUN, 0);
}

const char *exit_name(uint32_t reason)
{
	static const char * const names[] = {
		[KVM_EXIT_UNKNOWN] = "UNKNOWN", [KVM_EXIT_EXCEPTION] = "EXCEPTION",
		[KVM_EXIT_IO] = "IO", [KVM_EXIT_DEBUG] = "DEBUG", [KVM_EXIT_HLT] = "HLT",
		[KVM_EXIT_MMIO] = "MMIO", [KVM_EXIT_IRQ_WINDOW_OPEN] = "IRQ_WINDOW_OPEN",
		[KVM_EXIT_SHUTDOWN] = "SHUTDOWN", [KVM_EXIT_FAIL_ENTRY] = "FAIL_ENTRY",
		[KVM_EXIT_INTR] = "INTR", [KVM_EXIT_INTERNAL_ERROR] = "INTERNAL_ERROR",
	};

	return reason < ARRAY_SIZE(names) && names[reason] ? names[reason] : "other";
}

/* The word of the guest if this exit is one, else GUEST_EXIT. */
static int ucall_of(const struct kvm_run *run)
{
	const uint8_t *data = (const uint8_t *)run + run->io.data_offset;
	uint32_t word;

	if (run->exit_reason != KVM_EXIT_IO || run->io.port != UCALL_PORT ||
	    run->io.direction != KVM_EXIT_IO_OUT || run->io.size != 4)
		return GUEST_EXIT;
	memcpy(&word, data, sizeof(word));
	return word;
}

static void report_trap(const struct guest_trap *trap)
{
	tap_diag("guest: unexpected vector %llu, error %#llx, cr2 %#llx, ip %#llx, flags %#llx",
		 trap->vector, trap->error, trap->cr2, trap->ip, trap->flags);
}

static void report_exit(const struct kvm_run *run)
{
	tap_diag("exit %u (%s)", run->exit_reason, exit_name(run->exit_reason));
	if (run->exit_reason == KVM_EXIT_MMIO)
		tap_diag("MMIO: gpa %#llx len %u write %u", run->mmio.phys_addr, run->mmio.len,
			 run->mmio.is_write);
	if (run->exit_reason == KVM_EXIT_IO)
		tap_diag("IO: port %#x size %u count %u direction %u", run->io.port,
			 run->io.size, run->io.count, run->io.direction);
	if (run->exit_reason == KVM_EXIT_FAIL_ENTRY)
		tap_diag("FAIL_ENTRY: reason %#llx",
			 run->fail_entry.hardware_entry_failure_reason);
	if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		tap_diag("INTERNAL_ERROR: suberror %u, %u words: %#llx %#llx",
			 run->internal.suberror, run->internal.ndata, run->internal.data[0],
			 run->internal.data[1]);
}

static void report_word(const struct guest_shared *sh, int word)
{
	if (word == GUEST_FAILED)
		tap_diag("guest: line %llu: %.127s: got %#llx, expected %#llx", sh->fail_line,
			 sh->fail_text, sh->fail_got, sh->fail_want);
	if (word == GUEST_TRAPPED)
		report_trap(&sh->trap);
}

void guest_report(struct vcpu *vcpu, int outcome)
{
	struct kvm_regs regs;

	if (outcome < 0)
		tap_diag("KVM_RUN: %s", strerror(-outcome));
	if (outcome == GUEST_EXIT)
		report_exit(vcpu->run);
	if (outcome != GUEST_EXIT && outcome >= 0)
		return;
	if (!xioctl(vcpu->fd, KVM_GET_REGS, &regs))
		tap_diag("rip %#llx rsp %#llx rflags %#llx", regs.rip, regs.rsp, regs.rflags);
}

int guest_run(struct vcpu *vcpu)
{
	int ret = vcpu_run(vcpu);
	int word;

	if (ret < 0)
		return ret;
	word = ucall_of(vcpu->run);
	report_word(vcpu->shared, word);
	return word;
}

int guest_start_op(struct vcpu *vcpu, uint64_t op)
{
	vcpu->shared->op = op;
	return guest_run(vcpu);
}

bool guest_test(struct vcpu *vcpu, uint64_t op, const char *what, ...)
{
	char name[200];
	va_list args;
	int outcome;

	va_start(args, what);
	vsnprintf(name, sizeof(name), what, args);
	va_end(args);
	outcome = guest_start_op(vcpu, op);
	if (outcome < 0 || outcome == GUEST_EXIT || outcome == GUEST_SYNC)
		guest_report(vcpu, outcome);
	return tap_ok(outcome == GUEST_DONE, "%s", name);
}
