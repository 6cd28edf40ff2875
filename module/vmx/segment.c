// SPDX-License-Identifier: GPL-2.0
/*
 * Segment registers between struct kvm_segment and the VMCS. The vCPU is loaded.
 */
#include "vmx.h"

#define SEG_FIELDS(name) {			\
	.selector = GUEST_##name##_SELECTOR,	\
	.base = GUEST_##name##_BASE,		\
	.limit = GUEST_##name##_LIMIT,		\
	.ar = GUEST_##name##_AR_BYTES,		\
}

static const struct {
	u16 selector, base, limit, ar;
} fields[UM_NR_SEGS] = {
	[UM_ES] = SEG_FIELDS(ES), [UM_CS] = SEG_FIELDS(CS),
	[UM_SS_SEG] = SEG_FIELDS(SS), [UM_DS] = SEG_FIELDS(DS),
	[UM_FS] = SEG_FIELDS(FS), [UM_GS] = SEG_FIELDS(GS),
	[UM_TR] = SEG_FIELDS(TR), [UM_LDTR] = SEG_FIELDS(LDTR),
};

/* Access rights as the VMCS has them (SDM "Guest Register State"). */
#define SEG_AR_S		BIT(4)
#define SEG_AR_DPL_SHIFT	5
#define SEG_AR_P		BIT(7)
#define SEG_AR_AVL		BIT(12)
#define SEG_AR_L		BIT(13)
#define SEG_AR_DB		BIT(14)
#define SEG_AR_G		BIT(15)
#define SEG_AR_UNUSABLE	BIT(16)

#define SEG_TYPE_ACCESSED	BIT(0)
#define SEG_TYPE_READABLE	BIT(1)
#define SEG_TYPE_CODE		BIT(3)

static void unpack_ar(struct kvm_segment *seg, u32 ar)
{
	seg->unusable = !!(ar & SEG_AR_UNUSABLE);
	seg->type = ar & 15;
	seg->s = !!(ar & SEG_AR_S);
	seg->dpl = (ar >> SEG_AR_DPL_SHIFT) & 3;
	/*
	 * An unusable segment's P bit need not survive in the VMCS; KVM
	 * reports it as absent too.
	 */
	seg->present = !seg->unusable;
	seg->avl = !!(ar & SEG_AR_AVL);
	seg->l = !!(ar & SEG_AR_L);
	seg->db = !!(ar & SEG_AR_DB);
	seg->g = !!(ar & SEG_AR_G);
}

static u32 pack_ar(const struct kvm_segment *seg)
{
	u32 ar = seg->type & 15;

	if (seg->unusable || !seg->present)
		ar |= SEG_AR_UNUSABLE;
	if (seg->s)
		ar |= SEG_AR_S;
	ar |= (seg->dpl & 3) << SEG_AR_DPL_SHIFT;
	if (seg->present)
		ar |= SEG_AR_P;
	if (seg->avl)
		ar |= SEG_AR_AVL;
	if (seg->l)
		ar |= SEG_AR_L;
	if (seg->db)
		ar |= SEG_AR_DB;
	if (seg->g)
		ar |= SEG_AR_G;
	return ar;
}

/*
 * The two facts of the segments that most exits need: is this 64-bit
 * code, and at which privilege.
 */
void vmx_read_mode(struct vmx_vcpu *vmx)
{
	vmx->vcpu.cs_l = vmcs_read32(GUEST_CS_AR_BYTES) & SEG_AR_L;
	vmx->vcpu.cpl = (vmcs_read32(GUEST_SS_AR_BYTES) >> SEG_AR_DPL_SHIFT) & 3;
}

/* A far jump may have loaded another segment since. */
static void unfit(const struct vmx_fitted *f, struct kvm_segment *seg)
{
	if (f->on && seg->selector == f->hw.selector && seg->type == f->hw.type &&
	    seg->base == f->hw.base && seg->limit == f->hw.limit)
		*seg = f->guest;
}

void vmx_read_segs(struct vmx_vcpu *vmx)
{
	unsigned int i;

	for (i = 0; i < UM_NR_SEGS; i++) {
		struct kvm_segment *seg = &vmx->vcpu.segs[i];

		seg->selector = vmcs_read16(fields[i].selector);
		seg->base = vmcs_readl(fields[i].base);
		seg->limit = vmcs_read32(fields[i].limit);
		unpack_ar(seg, vmcs_read32(fields[i].ar));
	}
	unfit(&vmx->cs, &vmx->vcpu.segs[UM_CS]);
	unfit(&vmx->ss, &vmx->vcpu.segs[UM_SS_SEG]);
}

/*
 * Protected mode whose CS and SS still come from real mode: only an unrestricted guest may have a
 * CS of a data type and an RPL that is not the CPL (SDM "Checks on Guest Segment Registers").
 * Elsewhere both are as after a far jump.
 */
static bool needs_fit(struct vmx_vcpu *vmx)
{
	return !(vmx->ctl.cpu2 & SECONDARY_EXEC_UNRESTRICTED_GUEST) &&
	       (um_cr0(&vmx->vcpu) & X86_CR0_PE) && !(um_rflags(&vmx->vcpu) & X86_EFLAGS_VM);
}

static void fit(struct vmx_fitted *f, const struct kvm_segment *seg, u8 cpl)
{
	f->guest = *seg;
	f->hw = *seg;
	f->hw.selector = (seg->selector & ~SEGMENT_RPL_MASK) | cpl;
	f->hw.type |= SEG_TYPE_ACCESSED;
}

static void fit_code_and_stack(struct vmx_vcpu *vmx)
{
	const struct kvm_segment *segs = vmx->vcpu.segs;
	u8 cpl = segs[UM_SS_SEG].dpl;

	fit(&vmx->cs, &segs[UM_CS], cpl);
	fit(&vmx->ss, &segs[UM_SS_SEG], cpl);
	if (!(segs[UM_CS].type & SEG_TYPE_CODE)) {
		vmx->cs.hw.type = SEG_TYPE_CODE | SEG_TYPE_READABLE | SEG_TYPE_ACCESSED;
		vmx->cs.hw.dpl = cpl;
	}
}

static const struct kvm_segment *hw_segment(const struct vmx_vcpu *vmx, unsigned int i)
{
	if (i == UM_CS && vmx->cs.on)
		return &vmx->cs.hw;
	if (i == UM_SS_SEG && vmx->ss.on)
		return &vmx->ss.hw;
	return &vmx->vcpu.segs[i];
}

void vmx_write_segs(struct vmx_vcpu *vmx)
{
	unsigned int i;

	vmx->cs.on = needs_fit(vmx);
	vmx->ss.on = vmx->cs.on;
	if (vmx->cs.on)
		fit_code_and_stack(vmx);
	for (i = 0; i < UM_NR_SEGS; i++) {
		const struct kvm_segment *seg = hw_segment(vmx, i);
		u32 ar = pack_ar(seg);

		/*
		 * Code and data segments that are loaded are accessed; userspace may leave
		 * the bit out, and the entry checks of an unrestricted guest want it (SDM
		 * "Checks on Guest Segment Registers").
		 */
		if (i != UM_TR && i != UM_LDTR && !(ar & SEG_AR_UNUSABLE))
			ar |= SEG_TYPE_ACCESSED;
		vmcs_write16(fields[i].selector, seg->selector);
		vmcs_writel(fields[i].base, seg->base);
		vmcs_write32(fields[i].limit, seg->limit);
		vmcs_write32(fields[i].ar, ar);
	}
}
