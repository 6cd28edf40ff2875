// SPDX-License-Identifier: GPL-2.0
/*
 * PV EOI: while a vCPU serves an interrupt whose end concerns nobody else, a bit in its memory says
 * so. The guest that clears it has ended the interrupt, without an exit. The bit is looked at, and
 * the offer taken back, before anything else depends on what is in service, and before userspace
 * looks. The vCPU's thread alone does that; vm->srcu is held where memory is touched.
 */
#include "irqchip/irqchip.h"
#include "pv.h"

#define PV_EOI_ALIGN	4

static gpa_t flag_gpa(const struct um_vcpu *vcpu)
{
	return um_gpa_given(vcpu->pv.eoi & ~(u64)KVM_MSR_ENABLED);
}

int um_pv_eoi_write(struct um_vcpu *vcpu, u64 val)
{
	gpa_t gpa = um_gpa_given(val & ~(u64)KVM_MSR_ENABLED);

	if (gpa & (PV_EOI_ALIGN - 1))
		return 1;
	if ((val & KVM_MSR_ENABLED) && !um_slot_find(vcpu->vm, gpa_to_gfn(gpa)))
		return 1;
	um_pv_eoi_settle(vcpu);
	vcpu->pv.eoi = val;
	return 0;
}

void um_pv_eoi_offer(struct um_vcpu *vcpu, u8 vector)
{
	static const u8 offered = KVM_PV_EOI_ENABLED;
	int idx;

	if (!um_lapic_serves_only(vcpu, vector))
		return;
	idx = srcu_read_lock(&vcpu->vm->srcu);
	vcpu->pv.eoi_offered = !um_write_guest(vcpu->vm, flag_gpa(vcpu), &offered, 1);
	srcu_read_unlock(&vcpu->vm->srcu, idx);
}

void um_pv_eoi_settle(struct um_vcpu *vcpu)
{
	u8 flag;

	if (!vcpu->pv.eoi_offered)
		return;
	vcpu->pv.eoi_offered = false;
	if (um_read_guest(vcpu->vm, flag_gpa(vcpu), &flag, 1))
		return;
	if (!(flag & KVM_PV_EOI_ENABLED)) {
		vcpu->stats.pv_eois++;
		um_lapic_eoi(vcpu);
		return;
	}
	flag &= ~KVM_PV_EOI_ENABLED;
	um_write_guest(vcpu->vm, flag_gpa(vcpu), &flag, 1);
}
