// SPDX-License-Identifier: GPL-2.0
/*
 * Accesses to control and debug registers. A MOV to CR3 that hits a cached root is
 * answered in the inner loop.
 */
#include "../audit.h"
#include "../cr.h"
#include "vmx.h"

/* SDM "Exit Qualification for Control-Register Accesses". */
enum { CR_MOV_TO, CR_MOV_FROM, CR_CLTS, CR_LMSW };

static unsigned int cr_number(unsigned long qual)
{
	return qual & 15;
}

static unsigned int cr_access(unsigned long qual)
{
	return (qual >> 4) & 3;
}

static unsigned int cr_gpr(unsigned long qual)
{
	return (qual >> 8) & 15;
}

/* A guest without INVPCID flushes its TLB by changing PGE and nothing else. */
static bool cr4_fast(struct vmx_vcpu *vmx, u64 cr4)
{
	struct um_vcpu *vcpu = &vmx->vcpu;

	if ((um_cr4(vcpu) ^ cr4) != X86_CR4_PGE || (cr4 & ~um_cr4_guest_allowed(vcpu)) ||
	    !vcpu->mmu->invlpg || !vcpu->mmu->invlpg(vcpu, 0, true, true))
		return false;
	vcpu->stats.exit.cr4++;
	um_load_cr4(vcpu, cr4);
	um_audit_vcpu(vcpu);
	return vmx_skip_fast(vmx);
}

bool exit_cr_fast(struct vmx_vcpu *vmx)
{
	struct um_vcpu *vcpu = &vmx->vcpu;
	unsigned long qual = vmx_exit_qual(vmx);

	if (cr_access(qual) != CR_MOV_TO || !vcpu->mmu->cr3_fast)
		return false;
	if (cr_number(qual) == 4)
		return cr4_fast(vmx, um_gpr_read(vcpu, cr_gpr(qual)));
	if (cr_number(qual) != 3 ||
	    !vcpu->mmu->cr3_fast(vcpu, um_gpr_read(vcpu, cr_gpr(qual))))
		return false;
	vcpu->stats.exit.cr3++;
	vcpu->stats.cr3_cached++;
	um_audit_vcpu(vcpu);
	return vmx_skip_fast(vmx);
}

static int done(struct um_vcpu *vcpu, int fault)
{
	if (fault) {
		um_queue_gp(vcpu);
		return 1;
	}
	return vmx_skip(vcpu);
}

/*
 * Without an in-kernel APIC userspace holds the TPR: it is told when the guest
 * lowers it, as on KVM.
 */
static int mov_to_cr8(struct um_vcpu *vcpu, u64 val)
{
	u64 old = vcpu->cr8;
	int r = done(vcpu, um_set_cr8(vcpu, val));

	if (r != 1 || vcpu->cr8 >= old || vcpu->irq.lapic)
		return r;
	vcpu->run->exit_reason = KVM_EXIT_SET_TPR;
	return 0;
}

static int mov_to_cr(struct um_vcpu *vcpu, unsigned int cr, u64 val)
{
	switch (cr) {
	case 0:
		vcpu->stats.exit.cr0++;
		return done(vcpu, um_set_cr0(vcpu, val));
	case 3:
		vcpu->stats.exit.cr3++;
		vcpu->stats.cr3_miss++;
		return done(vcpu, um_set_cr3(vcpu, val));
	case 4:
		vcpu->stats.exit.cr4++;
		return done(vcpu, um_set_cr4(vcpu, val));
	case 8:
		vcpu->stats.exit.cr8++;
		return mov_to_cr8(vcpu, val);
	}
	um_queue_exception(vcpu, UM_UD);
	return 1;
}

static int mov_from_cr(struct um_vcpu *vcpu, unsigned int cr, unsigned int reg)
{
	if (cr == 3) {
		vcpu->stats.exit.cr3++;
		um_gpr_write(vcpu, reg, um_cr3(vcpu));
	} else {
		vcpu->stats.exit.cr8++;
		um_gpr_write(vcpu, reg, vcpu->cr8);
	}
	return vmx_skip(vcpu);
}

int exit_cr(struct vmx_vcpu *vmx)
{
	struct um_vcpu *vcpu = &vmx->vcpu;
	unsigned long qual = vmx_exit_qual(vmx);
	u64 cr0, val;

	switch (cr_access(qual)) {
	case CR_MOV_TO:
		val = um_gpr_read(vcpu, cr_gpr(qual));
		if (!um_64bit(vcpu))
			val = (u32)val;
		return mov_to_cr(vcpu, cr_number(qual), val);
	case CR_MOV_FROM:
		return mov_from_cr(vcpu, cr_number(qual), cr_gpr(qual));
	case CR_CLTS:
		vcpu->stats.exit.cr0++;
		return done(vcpu, um_set_cr0(vcpu, um_cr0(vcpu) & ~X86_CR0_TS));
	default:
		/* LMSW changes the low four bits and cannot clear PE. */
		vcpu->stats.exit.cr0++;
		cr0 = um_cr0(vcpu);
		val = (qual >> 16) & 15;
		return done(vcpu, um_set_cr0(vcpu, (cr0 & ~0xeULL) | val));
	}
}

/* SDM "Exit Qualification for MOV DR": register, direction, general register. */
int exit_dr(struct vmx_vcpu *vmx)
{
	struct um_vcpu *vcpu = &vmx->vcpu;
	unsigned long qual = vmx_exit_qual(vmx);
	unsigned int dr = qual & 7, reg = cr_gpr(qual);
	u64 val;
	int r;

	if (um_cpl(vcpu)) {
		um_queue_gp(vcpu);
		return 1;
	}
	if ((dr == 4 || dr == 5) && (um_cr4(vcpu) & X86_CR4_DE)) {
		um_queue_exception(vcpu, UM_UD);
		return 1;
	}
	um_need(vcpu, UM_ST_DR7);
	if (unlikely(um_debug_dr7(vcpu) & UM_DR7_GD)) {
		if (um_debug_breaks(vcpu))
			return um_exit_debug(vcpu, UM_DB, UM_DR6_BD);
		um_queue_db(vcpu, UM_DR6_BD);
		return 1;
	}
	if (qual & BIT(4)) {
		um_gpr_write(vcpu, reg, um_get_dr(vcpu, dr));
		return vmx_skip(vcpu);
	}
	val = um_gpr_read(vcpu, reg);
	if (!um_64bit(vcpu))
		val = (u32)val;
	r = um_set_dr(vcpu, dr, val);
	if (r == 2) {
		um_queue_exception(vcpu, UM_UD);
		return 1;
	}
	return done(vcpu, r);
}
