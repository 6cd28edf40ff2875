// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_GET_SREGS and KVM_SET_SREGS: segments, tables and control registers at once, in any
 * combination that the processor could be in. The vCPU's mutex is held and the vCPU is loaded.
 */
#include <linux/bitmap.h>

#include "cpuid.h"
#include "cr.h"
#include "event.h"
#include "mmu.h"
#include "msr.h"
#include "umbra.h"
#include "vcpu_state.h"

/* Where struct kvm_sregs keeps each segment. */
static const u16 um_sregs_offset[UM_NR_SEGS] = {
	[UM_ES] = offsetof(struct kvm_sregs, es),
	[UM_CS] = offsetof(struct kvm_sregs, cs),
	[UM_SS_SEG] = offsetof(struct kvm_sregs, ss),
	[UM_DS] = offsetof(struct kvm_sregs, ds),
	[UM_FS] = offsetof(struct kvm_sregs, fs),
	[UM_GS] = offsetof(struct kvm_sregs, gs),
	[UM_TR] = offsetof(struct kvm_sregs, tr),
	[UM_LDTR] = offsetof(struct kvm_sregs, ldt),
};

long um_ioc_get_sregs(void *owner, void *arg, unsigned long uarg)
{
	struct kvm_sregs *sregs = arg;
	struct um_vcpu *vcpu = owner;
	unsigned int i;

	um_need(vcpu, UM_ST_SEGS | UM_ST_DTABLES | UM_ST_CR0 | UM_ST_CR3 | UM_ST_CR4);
	for (i = 0; i < UM_NR_SEGS; i++)
		memcpy(arg + um_sregs_offset[i], &vcpu->segs[i], sizeof(vcpu->segs[i]));
	sregs->gdt = vcpu->gdt;
	sregs->idt = vcpu->idt;
	sregs->cr0 = vcpu->cr0;
	sregs->cr2 = vcpu->cr2;
	sregs->cr3 = vcpu->cr3;
	sregs->cr4 = vcpu->cr4;
	sregs->cr8 = vcpu->cr8;
	sregs->efer = vcpu->efer;
	sregs->apic_base = vcpu->msr.apic_base;
	if (vcpu->ev.irq_injected && !vcpu->ev.irq_soft)
		__set_bit(vcpu->ev.irq_vector, (unsigned long *)sregs->interrupt_bitmap);
	return 0;
}

static bool um_sregs_valid(struct um_vcpu *vcpu, const struct kvm_sregs *s)
{
	if ((s->efer & EFER_LME) && (s->cr0 & X86_CR0_PG)) {
		if (!(s->cr4 & X86_CR4_PAE) || !(s->efer & EFER_LMA))
			return false;
		if (!um_cr3_fits(s->cr3, vcpu->maxphyaddr))
			return false;
	} else if ((s->efer & EFER_LMA) || s->cs.l) {
		return false;
	}
	/* Reserved bits of EFER are let through, as KVM does: VM entry refuses them and says so. */
	return um_cr0_valid(s->cr0) && !(s->cr4 & ~um_cr4_guest_allowed(vcpu)) &&
	       um_apic_base_valid(vcpu, s->apic_base);
}

/* True when the meaning of the guest's page tables changed. */
static bool um_sregs_set_control(struct um_vcpu *vcpu, const struct kvm_sregs *s)
{
	u64 cr0 = um_cr0(vcpu), cr3 = um_cr3(vcpu), cr4 = um_cr4(vcpu), efer = vcpu->efer;

	um_load_efer(vcpu, s->efer);
	um_load_cr0(vcpu, s->cr0);
	um_load_cr4(vcpu, s->cr4);
	vcpu->cr3 = s->cr3;
	um_dirty(vcpu, UM_ST_CR3);
	vcpu->cr2 = s->cr2;
	um_set_cr8(vcpu, s->cr8);
	um_set_apic_base(vcpu, s->apic_base);
	um_cpuid_update(vcpu);
	return cr0 != vcpu->cr0 || cr3 != vcpu->cr3 || cr4 != vcpu->cr4 || efer != vcpu->efer;
}

static void um_sregs_set_segments(struct um_vcpu *vcpu, const struct kvm_sregs *s)
{
	unsigned int i;

	for (i = 0; i < UM_NR_SEGS; i++) {
		struct kvm_segment *seg = &vcpu->segs[i];

		memcpy(seg, (const void *)s + um_sregs_offset[i], sizeof(*seg));
		seg->padding = 0;
	}
	vcpu->gdt = (struct kvm_dtable){ .base = s->gdt.base, .limit = s->gdt.limit };
	vcpu->idt = (struct kvm_dtable){ .base = s->idt.base, .limit = s->idt.limit };
	um_dirty(vcpu, UM_ST_SEGS | UM_ST_DTABLES);
}

static void um_set_pdptes(struct um_vcpu *vcpu, const u64 *pdptes)
{
	memcpy(vcpu->pdpte, pdptes, sizeof(vcpu->pdpte));
	um_dirty(vcpu, UM_ST_PDPTR);
}

/* @pdptes: the guest's, NULL: those that its memory holds. */
static long um_sregs_set(struct um_vcpu *vcpu, const struct kvm_sregs *s, const u64 *pdptes)
{
	bool changed;

	if (!um_sregs_valid(vcpu, s))
		return -EINVAL;
	changed = um_sregs_set_control(vcpu, s);
	um_sregs_set_segments(vcpu, s);
	if (um_pae_paging(vcpu->cr0, vcpu->cr4, vcpu->efer)) {
		/* Memory may be filled in later, so bad PDPTEs are no error: the old ones stay. */
		if (!pdptes)
			um_load_pdptes(vcpu, vcpu->cr3);
		else
			um_set_pdptes(vcpu, pdptes);
		changed = true;
	}
	if (changed)
		vcpu->mmu->paging_changed(vcpu, UM_PG_ALL);
	return 0;
}

long um_ioc_set_sregs(void *owner, void *arg, unsigned long uarg)
{
	const struct kvm_sregs *s = arg;
	struct um_vcpu *vcpu = owner;
	unsigned int vector;
	long r = um_sregs_set(vcpu, s, NULL);

	if (r)
		return r;
	vector = find_first_bit((const unsigned long *)s->interrupt_bitmap, KVM_NR_INTERRUPTS);
	if (vector < KVM_NR_INTERRUPTS)
		um_queue_irq(vcpu, vector);
	return 0;
}

/* Both structures begin alike, up to the interrupt bitmap of the older one. */
static_assert(offsetof(struct kvm_sregs, interrupt_bitmap) == offsetof(struct kvm_sregs2, flags));

long um_ioc_get_sregs2(void *owner, void *arg, unsigned long uarg)
{
	struct kvm_sregs2 *s2 = arg;
	struct um_vcpu *vcpu = owner;
	struct kvm_sregs s = {};

	um_ioc_get_sregs(vcpu, &s, 0);
	memcpy(s2, &s, offsetof(struct kvm_sregs, interrupt_bitmap));
	if (!um_pae_paging(s.cr0, s.cr4, s.efer))
		return 0;
	um_need(vcpu, UM_ST_PDPTR);
	memcpy(s2->pdptrs, vcpu->pdpte, sizeof(s2->pdptrs));
	s2->flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
	return 0;
}

long um_ioc_set_sregs2(void *owner, void *arg, unsigned long uarg)
{
	const struct kvm_sregs2 *s2 = arg;
	struct um_vcpu *vcpu = owner;
	bool pdptes = s2->flags & KVM_SREGS2_FLAGS_PDPTRS_VALID;
	struct kvm_sregs s = {};
	unsigned int i;

	if (s2->flags & ~KVM_SREGS2_FLAGS_PDPTRS_VALID)
		return -EINVAL;
	if (pdptes && !um_pae_paging(s2->cr0, s2->cr4, s2->efer))
		return -EINVAL;
	for (i = 0; pdptes && i < ARRAY_SIZE(s2->pdptrs); i++)
		if (!um_pdpte_valid(s2->pdptrs[i], vcpu->maxphyaddr))
			return -EINVAL;
	memcpy(&s, s2, offsetof(struct kvm_sregs, interrupt_bitmap));
	return um_sregs_set(vcpu, &s, pdptes ? s2->pdptrs : NULL);
}
