// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_SET_GUEST_DEBUG and the exits that it asks for. The vCPU's mutex guards what userspace
 * chose; the vCPU is loaded.
 */
#include "cr.h"
#include "event.h"
#include "guest_debug.h"

#define UM_INT3_BYTES	1

static bool um_exception_waits(const struct um_vcpu *vcpu)
{
	return vcpu->ev.exc.pending || test_bit(UM_REQ_TRIPLE_FAULT, &vcpu->requests);
}

static void um_debug_set_breakpoints(struct um_vcpu *vcpu, const u64 *debugreg)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vcpu->guest_db); i++)
		vcpu->guest_db[i] = debugreg[i];
	vcpu->guest_dr7 = (debugreg[7] & UM_DR7_WRITABLE) | UM_DR7_FIXED;
}

long um_ioc_set_guest_debug(void *owner, void *arg, unsigned long uarg)
{
	const struct kvm_guest_debug *dbg = arg;
	struct um_vcpu *vcpu = owner;

	if (dbg->control & (KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP)) {
		if (um_exception_waits(vcpu))
			return -EBUSY;
		if (dbg->control & KVM_GUESTDBG_INJECT_DB)
			um_queue_exception(vcpu, UM_DB);
		else
			um_queue_soft(vcpu, UM_BP, UM_INT3_BYTES);
	}
	/* Read while the old choice says whose TF and DR7 the hardware has. */
	um_need(vcpu, UM_ST_RFLAGS | UM_ST_DR7 | UM_ST_CR0);
	vcpu->guest_debug = dbg->control & KVM_GUESTDBG_ENABLE ? dbg->control : 0;
	clear_bit(UM_REQ_STEPPED, &vcpu->requests);
	if (um_debug_breaks(vcpu))
		um_debug_set_breakpoints(vcpu, dbg->arch.debugreg);
	/* It may have held interrupts back. */
	um_make_request(vcpu, UM_REQ_EVENT);
	/* CR0 brings the exception bitmap along. */
	um_dirty(vcpu, UM_ST_RFLAGS | UM_ST_DR7 | UM_ST_CR0);
	return 0;
}

int um_exit_debug(struct um_vcpu *vcpu, u32 vector, u64 bits)
{
	struct kvm_run *run = vcpu->run;

	um_need(vcpu, UM_ST_RIP | UM_ST_SEGS | UM_ST_DR7);
	run->exit_reason = KVM_EXIT_DEBUG;
	run->debug.arch = (struct kvm_debug_exit_arch){
		.exception = vector,
		.pc = vcpu->rip + (um_64bit(vcpu) ? 0 : vcpu->segs[UM_CS].base),
		.dr6 = bits | UM_DR6_INIT,
		.dr7 = um_debug_dr7(vcpu),
	};
	return 0;
}
