// SPDX-License-Identifier: GPL-2.0
/*
 * Registers that travel in the shared page with KVM_RUN (KVM_CAP_SYNC_REGS). The vCPU's mutex is
 * held; userspace may change the page at any time, so each part is copied before it is looked at.
 */
#include "event.h"
#include "sync_regs.h"
#include "umbra.h"
#include "vcpu_state.h"

static int sync_sregs(struct um_vcpu *vcpu, struct kvm_sregs sregs)
{
	int idx = srcu_read_lock(&vcpu->vm->srcu);
	int r = um_ioc_set_sregs(vcpu, &sregs, 0);

	srcu_read_unlock(&vcpu->vm->srcu, idx);
	return r;
}

static int sync_events(struct um_vcpu *vcpu, struct kvm_vcpu_events events)
{
	return um_ioc_set_vcpu_events(vcpu, &events, 0);
}

static int sync_dirty(struct um_vcpu *vcpu, struct kvm_run *run)
{
	struct kvm_sync_regs *s = &run->s.regs;

	if (run->kvm_dirty_regs & KVM_SYNC_X86_REGS) {
		struct kvm_regs regs = s->regs;

		um_ioc_set_regs(vcpu, &regs, 0);
		run->kvm_dirty_regs &= ~(u64)KVM_SYNC_X86_REGS;
	}
	if (run->kvm_dirty_regs & KVM_SYNC_X86_SREGS) {
		if (sync_sregs(vcpu, s->sregs))
			return -EINVAL;
		run->kvm_dirty_regs &= ~(u64)KVM_SYNC_X86_SREGS;
	}
	if (run->kvm_dirty_regs & KVM_SYNC_X86_EVENTS) {
		if (sync_events(vcpu, s->events))
			return -EINVAL;
		run->kvm_dirty_regs &= ~(u64)KVM_SYNC_X86_EVENTS;
	}
	return 0;
}

int um_sync_regs_in(struct um_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	int r;

	if ((run->kvm_valid_regs | run->kvm_dirty_regs) & ~(u64)KVM_SYNC_X86_VALID_FIELDS)
		return -EINVAL;
	if (!run->kvm_dirty_regs)
		return 0;
	um_vcpu_load(vcpu);
	r = sync_dirty(vcpu, run);
	um_vcpu_put(vcpu);
	return r;
}

void um_sync_regs_out(struct um_vcpu *vcpu)
{
	struct kvm_sync_regs *s = &vcpu->run->s.regs;
	u64 valid = vcpu->run->kvm_valid_regs;

	um_vcpu_load(vcpu);
	if (valid & KVM_SYNC_X86_REGS)
		um_ioc_get_regs(vcpu, &s->regs, 0);
	if (valid & KVM_SYNC_X86_SREGS) {
		struct kvm_sregs sregs = {};

		um_ioc_get_sregs(vcpu, &sregs, 0);
		s->sregs = sregs;
	}
	if (valid & KVM_SYNC_X86_EVENTS) {
		struct kvm_vcpu_events events = {};

		um_ioc_get_vcpu_events(vcpu, &events, 0);
		s->events = events;
	}
	um_vcpu_put(vcpu);
}
