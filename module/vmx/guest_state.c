// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's registers between the caches of um_vcpu and the VMCS, and the controls that follow
 * from them and from the backend. The vCPU is loaded; one thread at a time.
 */
#include <asm/tlbflush.h>
#include "invalidate.h"
#include "vmx.h"

/*
 * CR0 bits that the hardware may let the guest change by itself: always, and
 * with a paging that needs no tracking.
 */
#define CR0_OWNED_ALWAYS	(X86_CR0_TS | X86_CR0_MP | X86_CR0_EM | X86_CR0_AM)
#define CR0_OWNED_PAGING	X86_CR0_WP
#define CR4_OWNED_ALWAYS	(X86_CR4_PVI | X86_CR4_DE | X86_CR4_PCE | X86_CR4_OSFXSR | \
				 X86_CR4_OSXMMEXCPT | X86_CR4_TSD | X86_CR4_FSGSBASE)
#define CR4_OWNED_PAGING	X86_CR4_PGE
#define CR4_USER_PROTECTION	(X86_CR4_SMEP | X86_CR4_SMAP)

#define INTR_STATE_KNOWN	(GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS | \
				 GUEST_INTR_STATE_NMI)

static bool tracked_paging(const struct vmx_vcpu *vmx)
{
	return vmx->vcpu.mmu_ctl.intercepts & UM_IC_PAGING;
}

/* The guest runs unpaged but the hardware must page: no unrestricted guest. */
static bool forced_paging(const struct vmx_vcpu *vmx)
{
	return !(vmx->vcpu.cr0 & X86_CR0_PG) && !(vmx->vcpu.mmu_ctl.intercepts & UM_IC_UNPAGED);
}

static void get_cr0(struct vmx_vcpu *vmx)
{
	unsigned long hw = vmcs_readl(GUEST_CR0);

	vmx->vcpu.cr0 = (vmx->vcpu.cr0 & ~vmx->cr0_owned) | (hw & vmx->cr0_owned);
}

static void get_cr4(struct vmx_vcpu *vmx)
{
	unsigned long hw = vmcs_readl(GUEST_CR4);

	vmx->vcpu.cr4 = (vmx->vcpu.cr4 & ~vmx->cr4_owned) | (hw & vmx->cr4_owned);
}

static void read_intr_state(struct vmx_vcpu *vmx)
{
	u32 state = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);

	vmx->intr_state = state;
	vmx->vcpu.sti_block = state & GUEST_INTR_STATE_STI;
	vmx->vcpu.movss_block = state & GUEST_INTR_STATE_MOV_SS;
	vmx->vcpu.nmi_block = state & GUEST_INTR_STATE_NMI;
}

static void read_dtables(struct um_vcpu *vcpu)
{
	vcpu->gdt.base = vmcs_readl(GUEST_GDTR_BASE);
	vcpu->gdt.limit = vmcs_read32(GUEST_GDTR_LIMIT);
	vcpu->idt.base = vmcs_readl(GUEST_IDTR_BASE);
	vcpu->idt.limit = vmcs_read32(GUEST_IDTR_LIMIT);
}

static void read_pdptrs(struct um_vcpu *vcpu)
{
	vcpu->pdpte[0] = vmcs_read64(GUEST_PDPTR0);
	vcpu->pdpte[1] = vmcs_read64(GUEST_PDPTR1);
	vcpu->pdpte[2] = vmcs_read64(GUEST_PDPTR2);
	vcpu->pdpte[3] = vmcs_read64(GUEST_PDPTR3);
}

static void read_sysenter(struct um_vcpu *vcpu)
{
	vcpu->msr.sysenter_cs = vmcs_read32(GUEST_SYSENTER_CS);
	vcpu->msr.sysenter_esp = vmcs_readl(GUEST_SYSENTER_ESP);
	vcpu->msr.sysenter_eip = vmcs_readl(GUEST_SYSENTER_EIP);
}

static void read_debug(struct um_vcpu *vcpu, u32 mask)
{
	/* Never another than was written: its accesses and #DB exit. */
	if ((mask & UM_ST_DR7) && !um_debug_breaks(vcpu))
		vcpu->dr7 = vmcs_readl(GUEST_DR7);
	if (mask & UM_ST_DEBUGCTL)
		vcpu->msr.debugctl = vmcs_read64(GUEST_IA32_DEBUGCTL);
}

static noinline void read_other(struct vmx_vcpu *vmx, u32 mask)
{
	struct um_vcpu *vcpu = &vmx->vcpu;

	if (mask & UM_ST_CR0)
		get_cr0(vmx);
	if (mask & UM_ST_CR3)
		vcpu->cr3 = vmcs_readl(GUEST_CR3);
	if (mask & UM_ST_CR4)
		get_cr4(vmx);
	if (mask & UM_ST_SEGS)
		vmx_read_segs(vmx);
	if (mask & UM_ST_DTABLES)
		read_dtables(vcpu);
	if (mask & UM_ST_PDPTR)
		read_pdptrs(vcpu);
	if (mask & UM_ST_SYSENTER)
		read_sysenter(vcpu);
	if (mask & (UM_ST_DR7 | UM_ST_DEBUGCTL))
		read_debug(vcpu, mask);
}

/* What nearly every exit that reaches the core wants; the rest is read out of line. */
#define READ_OFTEN	(UM_ST_RIP | UM_ST_RSP | UM_ST_RFLAGS | UM_ST_INTR | UM_ST_MODE)

static void read_state(struct vmx_vcpu *vmx, u32 mask)
{
	struct um_vcpu *vcpu = &vmx->vcpu;

	if (mask & UM_ST_RIP)
		vcpu->rip = vmcs_readl(GUEST_RIP);
	if (mask & UM_ST_RSP)
		vcpu->gpr[UM_RSP] = vmcs_readl(GUEST_RSP);
	if (mask & UM_ST_RFLAGS) {
		vcpu->rflags = vmcs_readl(GUEST_RFLAGS);
		if (um_debug_steps(vcpu))
			vcpu->rflags &= ~X86_EFLAGS_TF;
	}
	if (mask & UM_ST_INTR)
		read_intr_state(vmx);
	if (mask & UM_ST_MODE)
		vmx_read_mode(vmx);
	if (mask & ~READ_OFTEN)
		read_other(vmx, mask);
}

void hw_get(struct um_vcpu *vcpu, u32 mask)
{
	bool loaded = vcpu->loaded;

	if (!loaded)
		um_vcpu_load(vcpu);
	read_state(to_vmx(vcpu), mask);
	vcpu->avail |= mask;
	if (!loaded)
		um_vcpu_put(vcpu);
}

static void put_cr0(struct vmx_vcpu *vmx)
{
	struct um_vcpu *vcpu = &vmx->vcpu;
	unsigned long owned = CR0_OWNED_ALWAYS, hw;

	hw = (vcpu->cr0 & ~(X86_CR0_NW | X86_CR0_CD)) | X86_CR0_NE;
	if (tracked_paging(vmx))
		hw |= X86_CR0_WP;
	else
		owned |= CR0_OWNED_PAGING;
	if (!(vcpu->mmu_ctl.intercepts & UM_IC_UNPAGED))
		hw |= X86_CR0_PE | X86_CR0_PG;
	vmcs_writel(GUEST_CR0, hw);
	vmcs_writel(CR0_READ_SHADOW, vcpu->cr0);
	if (owned != vmx->cr0_owned) {
		vmx->cr0_owned = owned;
		vmcs_writel(CR0_GUEST_HOST_MASK, ~owned);
	}
}

/*
 * Bits of CR4 that the hardware gets while it walks other tables than the
 * guest's: the guest's own, but for how tables are read.
 */
static unsigned long shadow_cr4(const struct vmx_vcpu *vmx, unsigned long cr4)
{
	cr4 &= ~(X86_CR4_PGE | X86_CR4_PCIDE | X86_CR4_PSE | X86_CR4_LA57);
	if (vmx->vcpu.mmu_ctl.intercepts & UM_IC_EPT)
		return (cr4 & ~X86_CR4_PAE) | X86_CR4_PSE;
	cr4 |= X86_CR4_PAE;
	if (vmx->vcpu.root.levels == 5)
		cr4 |= X86_CR4_LA57;
	return cr4;
}

static void put_cr4(struct vmx_vcpu *vmx)
{
	struct um_vcpu *vcpu = &vmx->vcpu;
	unsigned long owned = CR4_OWNED_ALWAYS, hw = vcpu->cr4 & ~X86_CR4_MCE;

	hw |= X86_CR4_VMXE | (cr4_read_shadow() & X86_CR4_MCE);
	if (tracked_paging(vmx))
		hw = shadow_cr4(vmx, hw);
	else
		owned |= CR4_OWNED_PAGING;
	if (forced_paging(vmx))
		hw &= ~CR4_USER_PROTECTION;
	owned &= um_cr4_guest_allowed(vcpu);
	vmcs_writel(GUEST_CR4, hw);
	vmcs_writel(CR4_READ_SHADOW, vcpu->cr4);
	if (owned != vmx->cr4_owned) {
		vmx->cr4_owned = owned;
		vmcs_writel(CR4_GUEST_HOST_MASK, ~owned);
	}
}

static void write_efer(struct vmx_vcpu *vmx)
{
	u64 efer = vmx->vcpu.efer;

	if (!vmx_caps.efer) {
		vmx_load_sce(vmx);
		return;
	}
	if (tracked_paging(vmx))
		efer |= EFER_NX;
	/*
	 * With paging on in hardware LME must equal LMA (SDM "Checks on Guest
	 * Control Registers...").
	 */
	if (forced_paging(vmx))
		efer &= ~EFER_LME;
	vmcs_write64(GUEST_IA32_EFER, efer);
}

u64 vmx_eptp(hpa_t root)
{
	return root | VMX_EPTP_MT_WB | VMX_EPTP_PWL_4 |
	       (hw_caps.ept_ad ? VMX_EPTP_AD_ENABLE_BIT : 0);
}

/*
 * The hardware's tag changes with each cached root; the tables behind an EPT
 * root may be new at an old address.
 */
static void write_root(struct vmx_vcpu *vmx)
{
	struct um_vcpu *vcpu = &vmx->vcpu;
	bool ept = vcpu->mmu_ctl.intercepts & UM_IC_EPT;

	if (ept) {
		if (vcpu->root.hpa != vmx->hw_root)
			vmcs_write64(EPT_POINTER, vmx_eptp(vcpu->root.hpa));
		if (vcpu->mmu_ctl.intercepts & UM_IC_CR3)
			vmcs_writel(GUEST_CR3, vcpu->root.cr3);
	} else if (vcpu->root.hpa != vmx->hw_root) {
		vmcs_writel(GUEST_CR3, vcpu->root.hpa);
	}
	vmx->hw_root = vcpu->root.hpa;
	if (hw_caps.vpid && vcpu->root.tag != vmx->hw_tag) {
		bool untagged = !vcpu->root.tag || !vmx->hw_tag;

		vmx->hw_tag = vcpu->root.tag;
		vmcs_write16(VIRTUAL_PROCESSOR_ID, vcpu->root.tag);
		/*
		 * When all tags are in use a root has none: enabled, a
		 * VPID of 0 fails the entry.
		 */
		if (unlikely(untagged))
			vmx_write_controls(vmx);
	}
}

static void write_pdptrs(struct um_vcpu *vcpu)
{
	if (!(vcpu->mmu_ctl.intercepts & UM_IC_EPT))
		return;
	vmcs_write64(GUEST_PDPTR0, vcpu->pdpte[0]);
	vmcs_write64(GUEST_PDPTR1, vcpu->pdpte[1]);
	vmcs_write64(GUEST_PDPTR2, vcpu->pdpte[2]);
	vmcs_write64(GUEST_PDPTR3, vcpu->pdpte[3]);
}

static void write_intr_state(struct vmx_vcpu *vmx)
{
	u32 state = vmx->intr_state & ~INTR_STATE_KNOWN;

	if (vmx->vcpu.sti_block)
		state |= GUEST_INTR_STATE_STI;
	if (vmx->vcpu.movss_block)
		state |= GUEST_INTR_STATE_MOV_SS;
	if (vmx->vcpu.nmi_block)
		state |= GUEST_INTR_STATE_NMI;
	vmx->intr_state = state;
	vmcs_write32(GUEST_INTERRUPTIBILITY_INFO, state);
}

static void write_tsc(struct vmx_vcpu *vmx)
{
	vmcs_write64(TSC_OFFSET, vmx->vcpu.tsc_offset);
	if (!hw_caps.tsc_scaling || vmx->tsc_ratio == vmx->vcpu.tsc_ratio)
		return;
	vmx->tsc_ratio = vmx->vcpu.tsc_ratio;
	vmcs_write64(TSC_MULTIPLIER, vmx->tsc_ratio);
}

static void write_rarely_used(struct vmx_vcpu *vmx, u32 dirty)
{
	struct um_vcpu *vcpu = &vmx->vcpu;

	if (dirty & UM_ST_DTABLES) {
		vmcs_writel(GUEST_GDTR_BASE, vcpu->gdt.base);
		vmcs_write32(GUEST_GDTR_LIMIT, vcpu->gdt.limit);
		vmcs_writel(GUEST_IDTR_BASE, vcpu->idt.base);
		vmcs_write32(GUEST_IDTR_LIMIT, vcpu->idt.limit);
	}
	if (dirty & UM_ST_SYSENTER) {
		vmcs_write32(GUEST_SYSENTER_CS, vcpu->msr.sysenter_cs);
		vmcs_writel(GUEST_SYSENTER_ESP, vcpu->msr.sysenter_esp);
		vmcs_writel(GUEST_SYSENTER_EIP, vcpu->msr.sysenter_eip);
	}
	if (dirty & UM_ST_DR7)
		vmcs_writel(GUEST_DR7, um_debug_dr7(vcpu));
	if (dirty & UM_ST_DEBUGCTL)
		vmcs_write64(GUEST_IA32_DEBUGCTL, vcpu->msr.debugctl);
	if (dirty & UM_ST_TSC)
		write_tsc(vmx);
}

/* What CS and SS may be depends on whether the guest is unrestricted. */
static void write_controls(struct vmx_vcpu *vmx)
{
	u32 old = vmx->ctl.cpu2;

	vmx_write_controls(vmx);
	if (!((vmx->ctl.cpu2 ^ old) & SECONDARY_EXEC_UNRESTRICTED_GUEST))
		return;
	um_need(&vmx->vcpu, UM_ST_SEGS);
	um_dirty(&vmx->vcpu, UM_ST_SEGS);
}

/* Paging state and the backend decide controls, CR0, CR4, EFER and the root together. */
static void write_paging(struct vmx_vcpu *vmx, u32 dirty)
{
	struct um_vcpu *vcpu = &vmx->vcpu;

	if (dirty & UM_ST_MMU) {
		um_need(vcpu, UM_ST_CR0 | UM_ST_CR3 | UM_ST_CR4 | UM_ST_PDPTR);
		dirty |= UM_ST_CR0 | UM_ST_CR4 | UM_ST_EFER;
		write_root(vmx);
		if (vcpu->mmu_ctl.intercepts & UM_IC_EPT) {
			um_need(vcpu, UM_ST_PDPTR);
			dirty |= UM_ST_CR3 | UM_ST_PDPTR;
		}
	}
	if (dirty & (UM_ST_MMU | UM_ST_EFER | UM_ST_CR0))
		write_controls(vmx);
	if (dirty & UM_ST_CR0)
		put_cr0(vmx);
	if (dirty & UM_ST_CR4)
		put_cr4(vmx);
	if (dirty & UM_ST_EFER)
		write_efer(vmx);
	if ((dirty & UM_ST_CR3) && !(vcpu->mmu_ctl.intercepts & UM_IC_CR3))
		vmcs_writel(GUEST_CR3, vcpu->cr3);
	if (dirty & UM_ST_PDPTR)
		write_pdptrs(vcpu);
}

void vmx_sync(struct vmx_vcpu *vmx)
{
	struct um_vcpu *vcpu = &vmx->vcpu;
	u32 dirty = vcpu->dirty;

	if (dirty & UM_ST_RIP)
		vmcs_writel(GUEST_RIP, vcpu->rip);
	if (dirty & UM_ST_RSP)
		vmcs_writel(GUEST_RSP, vcpu->gpr[UM_RSP]);
	if (dirty & UM_ST_RFLAGS)
		vmcs_writel(GUEST_RFLAGS,
			    vcpu->rflags | (um_debug_steps(vcpu) ? X86_EFLAGS_TF : 0));
	if (dirty & UM_ST_INTR)
		write_intr_state(vmx);
	if ((dirty & (UM_ST_MMU | UM_ST_ROOT)) == UM_ST_ROOT)
		write_root(vmx);
	if (dirty & (UM_ST_MMU | UM_ST_CR0 | UM_ST_CR3 | UM_ST_CR4 | UM_ST_EFER | UM_ST_PDPTR))
		write_paging(vmx, dirty);
	if (vcpu->dirty & UM_ST_SEGS)	/* the new controls may ask for it */
		vmx_write_segs(vmx);
	if (dirty & (UM_ST_DTABLES | UM_ST_SYSENTER | UM_ST_DR7 | UM_ST_DEBUGCTL | UM_ST_TSC))
		write_rarely_used(vmx, dirty);
	vcpu->dirty = 0;
}
