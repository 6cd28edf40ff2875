/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Control and debug registers: the architectural rules as pure checks, and loads that skip
 * them. The vCPU's mutex is held.
 */
#ifndef UM_CR_H
#define UM_CR_H

#include "umbra.h"

/* CR0 bits that are defined; the others read as 0. SDM "Control Registers". */
#define UM_CR0_DEFINED	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_ET | \
			 X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | X86_CR0_NW | X86_CR0_CD | \
			 X86_CR0_PG)
/* A change of these reloads the PDPTEs. SDM "PDPTE Registers". */
#define UM_CR0_PDPTR	(X86_CR0_CD | X86_CR0_NW | X86_CR0_PG)
#define UM_CR4_PDPTR	(X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PSE | X86_CR4_SMEP)
/* What the meaning of a guest page table hangs on. */
#define UM_CR0_PAGING	(X86_CR0_PG | X86_CR0_WP)
#define UM_CR4_PAGING	(X86_CR4_PSE | X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PCIDE | \
			 X86_CR4_SMEP | X86_CR4_SMAP | X86_CR4_PKE | X86_CR4_LA57)
#define UM_EFER_PAGING	(EFER_NX | EFER_LMA)
#define UM_EFER_DEFINED	(EFER_SCE | EFER_LME | EFER_LMA | EFER_NX)

#define UM_CR3_NOFLUSH	BIT_ULL(63)
/* A PAE CR3 names a 32-byte table below 4 GiB. */
#define UM_CR3_PAE_MASK	GENMASK_ULL(31, 5)

/* Debug registers. SDM "Debug Registers". */
#define UM_DR6_BD	BIT_ULL(13)
#define UM_DR6_BS	BIT_ULL(14)
#define UM_DR6_BT	BIT_ULL(15)
#define UM_DR6_RTM	BIT_ULL(16)
#define UM_DR6_TRAPS	GENMASK_ULL(3, 0)
#define UM_DR6_INIT	0xffff0ff0ULL	/* reserved or active-low bits read as 1 */
#define UM_DR6_WRITABLE	(UM_DR6_TRAPS | UM_DR6_BD | UM_DR6_BS | UM_DR6_BT)
#define UM_DR7_GD	BIT_ULL(13)
#define UM_DR7_FIXED	BIT_ULL(10)
#define UM_DR7_WRITABLE	(GENMASK_ULL(31, 16) | UM_DR7_GD | BIT_ULL(11) | GENMASK_ULL(9, 0))

/*
 * DR6 after a #DB for the reasons @bits: B0 to B3 are replaced, the others accumulate; RTM is
 * active low.
 */
static inline u64 um_dr6_after(u64 dr6, u64 bits)
{
	bits &= UM_DR6_WRITABLE | UM_DR6_RTM;
	return ((dr6 & ~UM_DR6_TRAPS) | bits | UM_DR6_INIT) & ~(bits & UM_DR6_RTM);
}

/* CR0 by itself: MOV to CR0 and KVM_SET_SREGS refuse the same values. */
static inline bool um_cr0_valid(u64 cr0)
{
	if (cr0 >> 32)
		return false;
	if ((cr0 & X86_CR0_NW) && !(cr0 & X86_CR0_CD))
		return false;
	return !(cr0 & X86_CR0_PG) || (cr0 & X86_CR0_PE);
}

static inline bool um_cr3_fits(u64 cr3, unsigned int maxphyaddr)
{
	return !(cr3 >> maxphyaddr);
}

static inline bool um_pae_paging(u64 cr0, u64 cr4, u64 efer)
{
	return (cr0 & X86_CR0_PG) && (cr4 & X86_CR4_PAE) && !(efer & EFER_LMA);
}

/* A PDPTE that is present may not have reserved bits. SDM "PDPTE Registers". */
static inline bool um_pdpte_valid(u64 pdpte, unsigned int maxphyaddr)
{
	u64 reserved = GENMASK_ULL(63, maxphyaddr) | GENMASK_ULL(8, 5) | GENMASK_ULL(2, 1);

	return !(pdpte & 1) || !(pdpte & reserved);
}

static inline u64 um_sign_extend(u64 where, unsigned int bits)
{
	return (s64)(where << (64 - bits)) >> (64 - bits);
}

static inline bool um_canonical(u64 where, unsigned int bits)
{
	return um_sign_extend(where, bits) == where;
}

static inline unsigned int um_linear_bits(struct um_vcpu *vcpu)
{
	return um_cr4(vcpu) & X86_CR4_LA57 ? 57 : 48;
}

/* Loads without the guest's checks, for userspace. They tell neither the backend nor CPUID. */
void um_load_cr0(struct um_vcpu *vcpu, u64 cr0);
void um_load_cr4(struct um_vcpu *vcpu, u64 cr4);
void um_load_efer(struct um_vcpu *vcpu, u64 efer);
/*
 * Userspace writes EFER as an MSR: no order is asked for; the backend is told. 0, or 1:
 * reserved bits.
 */
int um_set_efer_host(struct um_vcpu *vcpu, u64 efer);

#endif
