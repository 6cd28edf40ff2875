// SPDX-License-Identifier: GPL-2.0
/*
 * Exceptions and EPT violations: page faults go to the vCPU's memory backend, the
 * rest back to the guest.
 */
#include "../audit.h"
#include "../mmio.h"
#include "vmx.h"

static bool delivering(const struct um_vcpu *vcpu)
{
	return vcpu->ev.exc.injected || vcpu->ev.irq_injected || vcpu->ev.nmi_injected;
}

/*
 * An access of the delivery of an event is not the instruction's: it can only be tried again, if
 * what stopped it was the tracking of a page table. @hint: @gpa is where the access itself went.
 */
int vmx_emulate_access(struct um_vcpu *vcpu, gpa_t gpa, bool hint)
{
	u64 data[2] = { to_vmx(vcpu)->exit_reason, 0 };

	if (likely(!delivering(vcpu)))
		return um_emulate(vcpu, gpa, hint);
	if (um_give_back(vcpu, gpa))
		return 1;
	return um_exit_internal_error(vcpu, KVM_INTERNAL_ERROR_DELIVERY_EV, ARRAY_SIZE(data), data);
}

/* What a fault that cannot be served means for KVM_RUN. */
static int fault_error(struct um_vcpu *vcpu, const struct um_fault *f)
{
	if (f->err != -EHWPOISON)
		return f->err;
	um_pfn_poisoned(vcpu->vm, gpa_to_gfn(f->gpa));
	return 1;	/* the signal ends KVM_RUN before the next entry */
}

static int serve_fault(struct um_vcpu *vcpu, struct um_fault *f)
{
	enum um_fault_result r = vcpu->mmu->fault(vcpu, f);

	um_audit_vcpu(vcpu);
	switch (r) {
	case UM_FAULT_RETRY:
		return 1;
	case UM_FAULT_EMULATE:
		return vmx_emulate_access(vcpu, f->gpa, f->gpa_valid);
	case UM_FAULT_GUEST:
		um_queue_pf(vcpu, f->gva, f->pfec);
		return 1;
	default:
		return fault_error(vcpu, f);
	}
}

/* SDM "Exit Qualification for EPT Violations". */
#define EPT_QUAL_READ		BIT(0)
#define EPT_QUAL_WRITE		BIT(1)
#define EPT_QUAL_FETCH		BIT(2)
#define EPT_QUAL_PRESENT	(BIT(3) | BIT(4) | BIT(5))
#define EPT_QUAL_GVA_VALID	BIT(7)
#define EPT_QUAL_GVA_TRANSLATED	BIT(8)	/* the access itself, not one to a guest page table */

/* @cause counted the exit; an access to no memory falls under its own. */
static int ept_fault(struct vmx_vcpu *vmx, u32 pfec, bool hint, u64 *cause)
{
	struct um_vcpu *vcpu = &vmx->vcpu;
	struct um_fault f = { .gpa = vmx_exit_gpa(vmx), .gpa_valid = true, .pfec = pfec };
	enum um_fault_result r;

	r = vcpu->mmu->fault(vcpu, &f);
	um_audit_vcpu(vcpu);
	if (likely(r == UM_FAULT_RETRY))
		return 1;
	if (r != UM_FAULT_EMULATE)
		return r == UM_FAULT_ERROR ? fault_error(vcpu, &f) : 1;
	vcpu->stats.exit.mmio++;
	(*cause)--;
	return vmx_emulate_access(vcpu, f.gpa, hint);
}

int exit_ept_violation(struct vmx_vcpu *vmx)
{
	unsigned long qual = vmx_exit_qual(vmx);
	u32 pfec = 0;

	if (qual & EPT_QUAL_WRITE)
		pfec |= PFEC_W;
	if (qual & EPT_QUAL_FETCH)
		pfec |= PFEC_I;
	if (qual & EPT_QUAL_PRESENT)
		pfec |= PFEC_P;
	return ept_fault(vmx, pfec, qual & EPT_QUAL_GVA_TRANSLATED,
			 &vmx->vcpu.stats.exit.ept_violation);
}

/*
 * The backend marked what was no memory. If it is now, it is mapped as for a read: what the access
 * was, the next fault says.
 */
int exit_ept_misconfig(struct vmx_vcpu *vmx)
{
	struct um_vcpu *vcpu = &vmx->vcpu;
	gpa_t gpa = vmx_exit_gpa(vmx);

	if (!um_mmio_known(vcpu, gpa))
		return ept_fault(vmx, 0, true, &vcpu->stats.exit.ept_misconfig);
	vcpu->stats.exit.mmio++;
	vcpu->stats.exit.ept_misconfig--;
	return vmx_emulate_access(vcpu, gpa, true);
}

/*
 * What the interruption information of a plain #PF reads (SDM "Information for
 * VM Exits Due to Vectored Events").
 */
#define PAGE_FAULT_INFO	(INTR_INFO_VALID_MASK | INTR_TYPE_HARD_EXCEPTION | \
			 INTR_INFO_DELIVER_CODE_MASK | UM_PF)

static struct um_fault page_fault_of(struct vmx_vcpu *vmx)
{
	struct um_vcpu *vcpu = &vmx->vcpu;
	struct um_fault f = {
		.gva = vmx_exit_qual(vmx),
		.gva_valid = true,
		.pfec = vmx_intr_error(vmx),
	};

	/* AC allows a supervisor's explicit access to user pages under SMAP. */
	if (!(f.pfec & PFEC_U) && (vcpu->cr4 & X86_CR4_SMAP))
		f.smap_override = um_rflags(vcpu) & X86_EFLAGS_AC;
	return f;
}

static int page_fault(struct vmx_vcpu *vmx)
{
	struct um_fault f = page_fault_of(vmx);

	return serve_fault(&vmx->vcpu, &f);
}

/*
 * A page fault that the backend can serve in the inner loop. Not one that broke into the delivery
 * of an event, or into an IRET from an NMI: there is more to restore before the next entry.
 */
bool exit_exception_fast(struct vmx_vcpu *vmx)
{
	struct um_vcpu *vcpu = &vmx->vcpu;
	struct um_fault f;

	if (vmx_intr_info(vmx) != PAGE_FAULT_INFO || !vcpu->mmu->fault_fast)
		return false;
	if (vmx_idt_info(vmx) & VECTORING_INFO_VALID_MASK)
		return false;
	vmx->l1d_flush = true;
	f = page_fault_of(vmx);
	um_audit_vcpu(vcpu);
	return vcpu->mmu->fault_fast(vcpu, &f);
}

/*
 * The exit qualification holds what DR6 would get (SDM "Exit
 * Qualification for Debug Exceptions").
 */
#define DB_QUAL_DR6	(BIT(0) | BIT(1) | BIT(2) | BIT(3) | BIT(13) | BIT(14))

int exit_exception(struct vmx_vcpu *vmx)
{
	struct um_vcpu *vcpu = &vmx->vcpu;
	u32 info = vmx_intr_info(vmx);
	u8 vector = info & INTR_INFO_VECTOR_MASK;

	if ((info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_NMI_INTR) {
		vcpu->stats.exit.nmi++;
		return 1;	/* hw_leave() ran the host's handler */
	}
	if (vector == UM_PF)
		return page_fault(vmx);
	vcpu->stats.exit.exception++;
	switch (vector) {
	case UM_MC:
		return 1;	/* hw_leave() too */
	case UM_UD:
		return exit_undefined(vmx);
	case UM_BP:
		return um_exit_debug(vcpu, UM_BP, 0);
	case UM_DB:
		if (um_debug_owns_db(vcpu))
			return um_exit_debug(vcpu, UM_DB, vmx_exit_qual(vmx) & DB_QUAL_DR6);
		/*
		 * ICEBP traps: RIP belongs after it, but the exit comes before
		 * (SDM "Instructions That Cause VM Exits").
		 */
		if ((info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_PRIV_SW_EXCEPTION)
			vmx_skip(vcpu);
		um_queue_db(vcpu, vmx_exit_qual(vmx) & DB_QUAL_DR6);
		return 1;
	case UM_AC:
		um_queue_exception_err(vcpu, UM_AC, vmx_intr_error(vmx));
		return 1;
	default:
		um_queue_exception(vcpu, vector);
		return 1;
	}
}
