/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lazy access to the guest's registers: a cached part is read from hardware once, and only when
 * asked for. The vCPU is loaded on this CPU and its mutex is held.
 */
#ifndef UM_STATE_H
#define UM_STATE_H

#include "hw.h"
#include <asm/processor-flags.h>
#include <asm/msr-index.h>

static inline void um_need(struct um_vcpu *vcpu, u32 mask)
{
	u32 missing = mask & ~vcpu->avail;

	if (missing)
		hw_get(vcpu, missing);
}

/* The caches named by @mask hold new values: they go to hardware before the next entry. */
static inline void um_dirty(struct um_vcpu *vcpu, u32 mask)
{
	vcpu->avail |= mask;
	vcpu->dirty |= mask;
}

static inline u64 um_rip(struct um_vcpu *vcpu)
{
	um_need(vcpu, UM_ST_RIP);
	return vcpu->rip;
}

static inline void um_set_rip(struct um_vcpu *vcpu, u64 rip)
{
	vcpu->rip = rip;
	um_dirty(vcpu, UM_ST_RIP);
}

static inline u64 um_rflags(struct um_vcpu *vcpu)
{
	um_need(vcpu, UM_ST_RFLAGS);
	return vcpu->rflags;
}

static inline void um_set_rflags(struct um_vcpu *vcpu, u64 rflags)
{
	vcpu->rflags = rflags | X86_EFLAGS_FIXED;
	um_dirty(vcpu, UM_ST_RFLAGS);
}

static inline u64 um_gpr_read(struct um_vcpu *vcpu, unsigned int reg)
{
	if (reg == UM_RSP)
		um_need(vcpu, UM_ST_RSP);
	return vcpu->gpr[reg];
}

static inline void um_gpr_write(struct um_vcpu *vcpu, unsigned int reg, u64 val)
{
	vcpu->gpr[reg] = val;
	if (reg == UM_RSP)
		um_dirty(vcpu, UM_ST_RSP);
}

static inline u64 um_cr0(struct um_vcpu *vcpu)
{
	um_need(vcpu, UM_ST_CR0);
	return vcpu->cr0;
}

static inline u64 um_cr3(struct um_vcpu *vcpu)
{
	um_need(vcpu, UM_ST_CR3);
	return vcpu->cr3;
}

static inline u64 um_cr4(struct um_vcpu *vcpu)
{
	um_need(vcpu, UM_ST_CR4);
	return vcpu->cr4;
}

/* EFER changes only by an exit (LMA follows CR0.PG there too), so the cache always holds. */
static inline u64 um_efer(const struct um_vcpu *vcpu)
{
	return vcpu->efer;
}

static inline bool um_paging(struct um_vcpu *vcpu)
{
	return um_cr0(vcpu) & X86_CR0_PG;
}

/*
 * Real mode where the CPU has no unrestricted guest: only the interpreter runs it. PE is never the
 * guest's to change without an exit, so the cache holds.
 */
static inline bool um_interpreted(const struct um_vcpu *vcpu)
{
	return !(vcpu->cr0 & X86_CR0_PE) && !(vcpu->mmu_ctl.intercepts & UM_IC_UNPAGED);
}

static inline bool um_long_mode(const struct um_vcpu *vcpu)
{
	return vcpu->efer & EFER_LMA;
}

static inline bool um_64bit(struct um_vcpu *vcpu)
{
	if (!um_long_mode(vcpu))
		return false;
	if (vcpu->avail & UM_ST_SEGS)
		return vcpu->segs[UM_CS].l;
	um_need(vcpu, UM_ST_MODE);
	return vcpu->cs_l;
}

static inline unsigned int um_cpl(struct um_vcpu *vcpu)
{
	if (vcpu->avail & UM_ST_SEGS)
		return vcpu->segs[UM_SS_SEG].dpl;
	um_need(vcpu, UM_ST_MODE);
	return vcpu->cpl;
}

static inline bool um_request_pending(const struct um_vcpu *vcpu)
{
	return READ_ONCE(vcpu->requests);
}

static inline bool um_request_check(struct um_vcpu *vcpu, enum um_request req)
{
	if (!test_bit(req, &vcpu->requests))
		return false;
	clear_bit(req, &vcpu->requests);
	/* What the requester wrote before um_make_request() is seen from here on. */
	smp_mb__after_atomic();
	return true;
}

#endif
