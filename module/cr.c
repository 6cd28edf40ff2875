// SPDX-License-Identifier: GPL-2.0
/*
 * Control, extended control and debug registers as the guest writes them, with the
 * architectural checks. The vCPU's mutex is held and the vCPU is loaded; a PDPTE load needs
 * vm->srcu held too.
 *
 * SDM "Control Registers", "IA-32e Mode Operation", "PAE Paging", "Extended Control Registers".
 */
#include "cpuid.h"
#include "cr.h"
#include "irqchip/irqchip.h"
#include "mmu.h"
#include "umbra.h"

static void um_paging_changed(struct um_vcpu *vcpu, u32 what)
{
	if (what)
		vcpu->mmu->paging_changed(vcpu, what);
}

int um_load_pdptes(struct um_vcpu *vcpu, u64 cr3)
{
	u64 pdpte[4];
	unsigned int i;

	if (um_read_guest(vcpu->vm, (cr3 & UM_CR3_PAE_MASK) | vcpu->space, pdpte, sizeof(pdpte)))
		return 1;
	for (i = 0; i < ARRAY_SIZE(pdpte); i++)
		if (!um_pdpte_valid(pdpte[i], vcpu->maxphyaddr))
			return 1;
	memcpy(vcpu->pdpte, pdpte, sizeof(pdpte));
	um_dirty(vcpu, UM_ST_PDPTR);
	return 0;
}

void um_load_efer(struct um_vcpu *vcpu, u64 efer)
{
	vcpu->efer = efer;
	um_dirty(vcpu, UM_ST_EFER);
}

void um_load_cr0(struct um_vcpu *vcpu, u64 cr0)
{
	vcpu->cr0 = (cr0 & UM_CR0_DEFINED) | X86_CR0_ET;
	um_dirty(vcpu, UM_ST_CR0);
}

void um_load_cr4(struct um_vcpu *vcpu, u64 cr4)
{
	vcpu->cr4 = cr4;
	um_dirty(vcpu, UM_ST_CR4);
}

/* LMA = LME and PG: true when this write of CR0 turns IA-32e mode on or off. */
static bool um_cr0_switches_lma(struct um_vcpu *vcpu, u64 cr0)
{
	return (vcpu->efer & EFER_LME) && ((cr0 & X86_CR0_PG) != (um_cr0(vcpu) & X86_CR0_PG));
}

static bool um_cr0_allowed(struct um_vcpu *vcpu, u64 cr0)
{
	if (!um_cr0_valid(cr0))
		return false;
	if (!(cr0 & X86_CR0_PG))
		return !um_64bit(vcpu) && !(um_cr4(vcpu) & X86_CR4_PCIDE);
	if (!um_cr0_switches_lma(vcpu, cr0))
		return true;
	um_need(vcpu, UM_ST_SEGS);
	return (um_cr4(vcpu) & X86_CR4_PAE) && !vcpu->segs[UM_CS].l;
}

int um_set_cr0(struct um_vcpu *vcpu, u64 cr0)
{
	u64 old = um_cr0(vcpu);
	u64 efer = vcpu->efer;
	u32 what = 0;

	if (!um_cr0_allowed(vcpu, cr0))
		return 1;
	if (um_cr0_switches_lma(vcpu, cr0))
		efer ^= EFER_LMA;
	if (um_pae_paging(cr0, um_cr4(vcpu), efer) && ((cr0 ^ old) & UM_CR0_PDPTR)) {
		if (um_load_pdptes(vcpu, um_cr3(vcpu)))
			return 1;
		what |= UM_PG_CR3;	/* also by CD and NW, which are no paging bits */
	}

	um_load_cr0(vcpu, cr0);
	if (efer != vcpu->efer) {
		um_load_efer(vcpu, efer);
		what |= UM_PG_EFER;
	}
	if ((cr0 ^ old) & UM_CR0_PAGING)
		what |= UM_PG_CR0;
	um_paging_changed(vcpu, what);
	return 0;
}

int um_set_cr3(struct um_vcpu *vcpu, u64 cr3)
{
	bool noflush = false;

	if (um_cr4(vcpu) & X86_CR4_PCIDE) {
		noflush = cr3 & UM_CR3_NOFLUSH;
		cr3 &= ~UM_CR3_NOFLUSH;
	}
	if (um_long_mode(vcpu) && !um_cr3_fits(cr3, vcpu->maxphyaddr))
		return 1;
	if (um_pae_paging(um_cr0(vcpu), um_cr4(vcpu), vcpu->efer) && um_load_pdptes(vcpu, cr3))
		return 1;

	vcpu->cr3 = cr3;
	um_dirty(vcpu, UM_ST_CR3);
	/* Even the same value flushes: that is what guests load it for. */
	um_paging_changed(vcpu, UM_PG_CR3 | (noflush ? UM_PG_NOFLUSH : 0));
	return 0;
}

static bool um_cr4_allowed(struct um_vcpu *vcpu, u64 cr4)
{
	u64 old = um_cr4(vcpu);

	if (cr4 & ~um_cr4_guest_allowed(vcpu))
		return false;
	if (um_long_mode(vcpu) && (!(cr4 & X86_CR4_PAE) || ((cr4 ^ old) & X86_CR4_LA57)))
		return false;
	if ((cr4 & X86_CR4_PCIDE) && !(old & X86_CR4_PCIDE))
		return um_long_mode(vcpu) && !(um_cr3(vcpu) & X86_CR3_PCID_MASK);
	return true;
}

int um_set_cr4(struct um_vcpu *vcpu, u64 cr4)
{
	u64 changed = um_cr4(vcpu) ^ cr4;

	if (!um_cr4_allowed(vcpu, cr4))
		return 1;
	if (um_pae_paging(um_cr0(vcpu), cr4, vcpu->efer) && (changed & UM_CR4_PDPTR) &&
	    um_load_pdptes(vcpu, um_cr3(vcpu)))
		return 1;

	um_load_cr4(vcpu, cr4);
	if (changed & (X86_CR4_OSXSAVE | X86_CR4_PKE))
		um_cpuid_update(vcpu);
	um_paging_changed(vcpu, changed & UM_CR4_PAGING ? UM_PG_CR4 : 0);
	return 0;
}

int um_set_cr8(struct um_vcpu *vcpu, u64 cr8)
{
	if (cr8 > 15)
		return 1;
	vcpu->cr8 = cr8;
	if (vcpu->irq.lapic)
		um_lapic_set_tpr(vcpu, cr8 << 4);
	return 0;
}

/* LMA is not writable: it keeps its value. */
static void um_change_efer(struct um_vcpu *vcpu, u64 efer)
{
	u64 changed;

	efer = (efer & ~(u64)EFER_LMA) | (vcpu->efer & EFER_LMA);
	changed = efer ^ vcpu->efer;
	if (!changed)
		return;
	um_load_efer(vcpu, efer);
	um_paging_changed(vcpu, changed & UM_EFER_PAGING ? UM_PG_EFER : 0);
}

int um_set_efer(struct um_vcpu *vcpu, u64 efer)
{
	if (efer & ~um_efer_guest_allowed(vcpu))
		return 1;
	if (um_paging(vcpu) && ((efer ^ vcpu->efer) & EFER_LME))
		return 1;
	um_change_efer(vcpu, efer);
	return 0;
}

int um_set_efer_host(struct um_vcpu *vcpu, u64 efer)
{
	if (efer & ~(u64)UM_EFER_DEFINED)
		return 1;
	um_change_efer(vcpu, efer);
	return 0;
}

/* SDM "Extended Control Registers (Including XCR0)": which components need which others. */
static bool um_xcr0_valid(u64 xcr0, u64 supported)
{
	if (!(xcr0 & XFEATURE_MASK_FP) || (xcr0 & ~(supported | XFEATURE_MASK_FP)))
		return false;
	if ((xcr0 & XFEATURE_MASK_YMM) && !(xcr0 & XFEATURE_MASK_SSE))
		return false;
	if (!(xcr0 & XFEATURE_MASK_AVX512))
		return true;
	return (xcr0 & XFEATURE_MASK_YMM) && (xcr0 & XFEATURE_MASK_AVX512) == XFEATURE_MASK_AVX512;
}

int um_set_xcr0(struct um_vcpu *vcpu, u32 index, u64 val)
{
	if (index || !um_xcr0_valid(val, vcpu->cpuid->xcr0))
		return 1;
	if (vcpu->xcr0 == val)
		return 0;
	vcpu->xcr0 = val;
	um_cpuid_update(vcpu);
	return 0;
}

/* DR4 and DR5 are DR6 and DR7 unless CR4.DE makes them undefined. */
int um_set_dr(struct um_vcpu *vcpu, unsigned int nr, u64 val)
{
	if (nr >= 4 && nr < 6 && (um_cr4(vcpu) & X86_CR4_DE))
		return 2;
	if (nr >= 4 && val >> 32)
		return 1;
	um_need(vcpu, UM_ST_DR7);
	if (nr < 4)
		vcpu->db[nr] = val;
	else if (nr & 1)
		vcpu->dr7 = (val & UM_DR7_WRITABLE) | UM_DR7_FIXED;
	else
		vcpu->dr6 = (val & UM_DR6_WRITABLE) | UM_DR6_INIT;
	/* One mark for all of them: what the CPU holds is loaded anew. */
	um_dirty(vcpu, UM_ST_DR7);
	return 0;
}

u64 um_get_dr(struct um_vcpu *vcpu, unsigned int nr)
{
	if (nr < 4)
		return vcpu->db[nr];
	if (!(nr & 1))
		return vcpu->dr6;
	um_need(vcpu, UM_ST_DR7);
	return vcpu->dr7;
}
