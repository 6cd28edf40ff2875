// SPDX-License-Identifier: GPL-2.0
/*
 * System-management mode as KVM gives it: an SMI saves the registers in SMRAM, at the vCPU's SMBASE
 * in the second address space, and the handler begins there in real mode with all of memory in
 * reach; RSM loads what SMRAM then holds. The vCPU's mutex guards it; the vCPU is loaded.
 *
 * SDM "System Management Mode".
 */
#include "cpuid.h"
#include "cr.h"
#include "emulator.h"
#include "event.h"
#include "guest_debug.h"
#include "irqchip/irqchip.h"
#include "mmu.h"
#include "msr.h"
#include "smm.h"

#define SMM_ENTRY_RIP	0x8000
#define SMM_TYPE_DATA	3	/* CS too */
#define SMM_LIMIT	U32_MAX
#define SMM_CR0_CLEARED	(X86_CR0_PE | X86_CR0_EM | X86_CR0_TS | X86_CR0_PG)
#define CPUID_LM	BIT(29)	/* leaf 0x80000001, EDX */

void um_smi_post(struct um_vcpu *vcpu)
{
	um_make_request(vcpu, UM_REQ_SMI);
	um_make_request(vcpu, UM_REQ_EVENT);
	um_kick_vcpu(vcpu);
}

long um_ioc_smi(void *owner, void *arg, unsigned long uarg)
{
	um_smi_post(owner);
	return 0;
}

bool um_smi_wakes(const struct um_vcpu *vcpu)
{
	return test_bit(UM_REQ_SMI, &vcpu->requests) ||
	       (vcpu->ev.smi_pending && !um_in_smm(vcpu));
}

/*
 * All that the vCPU knows of memory is of the other address space. Each may hold tables that code
 * of the other has written unseen, so shadow tables are built anew.
 */
static void set_space(struct um_vcpu *vcpu, bool smm)
{
	vcpu->space = smm ? UM_SPACE_SMM : 0;
	if (!smm)
		vcpu->ev.smm_inside_nmi = false;
	if (vcpu->emul)
		vcpu->emul->code.page = EMUL_NO_PAGE;
	vcpu->mmu->paging_changed(vcpu, UM_PG_ALL);
	um_make_request(vcpu, UM_REQ_RELOAD_ROOT);
	/* The flushes of the meantime were of the other root. */
	um_make_request(vcpu, UM_REQ_TLB_FLUSH);
	/* An INIT may have waited for this. */
	um_make_request(vcpu, UM_REQ_EVENT);
}

void um_smm_set(struct um_vcpu *vcpu, bool smm)
{
	um_need(vcpu, UM_ST_CR3 | UM_ST_CR0 | UM_ST_CR4);
	if (um_in_smm(vcpu) != smm)
		set_space(vcpu, smm);
}

static bool is_wide(struct um_vcpu *vcpu)
{
	return um_cpuid_has(vcpu, 0x80000001, 0, CPUID_EDX, CPUID_LM);
}

static gpa_t state_gpa(const struct um_vcpu *vcpu)
{
	return um_gpa_plain(vcpu->msr.smbase + UM_SMRAM_STATE) | UM_SPACE_SMM;
}

#define SMM_STATE	(UM_ST_RIP | UM_ST_RSP | UM_ST_RFLAGS | UM_ST_CR0 | UM_ST_CR3 | \
			 UM_ST_CR4 | UM_ST_SEGS | UM_ST_DTABLES | UM_ST_DR7 | UM_ST_INTR)

static void read_regs(struct um_vcpu *vcpu, struct um_smm_regs *r)
{
	um_need(vcpu, SMM_STATE);
	memcpy(r->gpr, vcpu->gpr, sizeof(r->gpr));
	r->rip = vcpu->rip;
	r->rflags = vcpu->rflags;
	r->dr6 = vcpu->dr6;
	r->dr7 = vcpu->dr7;
	r->cr0 = vcpu->cr0;
	r->cr3 = vcpu->cr3;
	r->cr4 = vcpu->cr4;
	r->efer = vcpu->efer;
	memcpy(r->segs, vcpu->segs, sizeof(r->segs));
	r->gdt = vcpu->gdt;
	r->idt = vcpu->idt;
	r->smbase = vcpu->msr.smbase;
	r->shadow = vcpu->sti_block || vcpu->movss_block;
}

static void write_regs(struct um_vcpu *vcpu, const struct um_smm_regs *r)
{
	memcpy(vcpu->gpr, r->gpr, sizeof(r->gpr));
	vcpu->rip = r->rip;
	vcpu->dr6 = r->dr6;
	vcpu->dr7 = r->dr7;
	um_load_cr0(vcpu, r->cr0);
	vcpu->cr3 = r->cr3;
	um_load_cr4(vcpu, r->cr4);
	um_load_efer(vcpu, r->efer);
	memcpy(vcpu->segs, r->segs, sizeof(r->segs));
	vcpu->gdt = r->gdt;
	vcpu->idt = r->idt;
	vcpu->msr.smbase = r->smbase;
	vcpu->movss_block = false;
	vcpu->sti_block = r->shadow && (r->rflags & X86_EFLAGS_IF);
	um_set_rflags(vcpu, r->rflags);
	um_dirty(vcpu, SMM_STATE);
	um_cpuid_update(vcpu);
}

static struct kvm_segment smm_segment(u64 base)
{
	return (struct kvm_segment){
		.selector = base >> 4,
		.base = base,
		.limit = SMM_LIMIT,
		.type = SMM_TYPE_DATA,
		.present = 1,
		.s = 1,
		.g = 1,
	};
}

/* SDM "SMI Handler Execution Environment". */
static void enter_regs(struct um_smm_regs *r, bool wide)
{
	unsigned int i;

	r->cr0 &= ~(u64)SMM_CR0_CLEARED;
	r->cr4 = 0;
	r->efer = wide ? 0 : r->efer & ~(u64)EFER_LMA;
	r->idt = (struct kvm_dtable){};
	for (i = UM_ES; i <= UM_GS; i++)
		r->segs[i] = smm_segment(i == UM_CS ? r->smbase : 0);
	r->rip = SMM_ENTRY_RIP;
	r->rflags = X86_EFLAGS_FIXED;
	r->dr7 = UM_DR7_FIXED;
	r->shadow = false;
}

/* Without memory there the state is lost, as KVM has it. */
static void enter(struct um_vcpu *vcpu)
{
	u8 area[UM_SMRAM_BYTES] = {};
	bool wide = is_wide(vcpu);
	struct um_smm_regs r = {};
	int idx = srcu_read_lock(&vcpu->vm->srcu);

	read_regs(vcpu, &r);
	um_smm_save(&r, area, wide);
	set_space(vcpu, true);
	if (!um_write_guest(vcpu->vm, state_gpa(vcpu), area, sizeof(area)))
		um_mmu_gpa_written(vcpu->vm, state_gpa(vcpu), sizeof(area));
	vcpu->ev.smm_inside_nmi = vcpu->nmi_block;
	vcpu->nmi_block = true;
	enter_regs(&r, wide);
	write_regs(vcpu, &r);
	srcu_read_unlock(&vcpu->vm->srcu, idx);
}

/* A vCPU that waits to be started does not, and a halted one wakes up. */
static bool takes_smi(const struct um_vcpu *vcpu)
{
	return vcpu->mp_state == KVM_MP_STATE_RUNNABLE ||
	       vcpu->mp_state == KVM_MP_STATE_HALTED ||
	       vcpu->mp_state == KVM_MP_STATE_AP_RESET_HOLD;
}

/* What an entry delivers was there first, and userspace's single step goes on. */
static bool smi_allowed(const struct um_vcpu *vcpu)
{
	const struct um_events *ev = &vcpu->ev;

	return takes_smi(vcpu) && !um_in_smm(vcpu) && !ev->exc.pending && !ev->exc.injected &&
	       !ev->irq_injected && !ev->nmi_injected && !um_debug_blocks(vcpu);
}

void um_smi_serve(struct um_vcpu *vcpu)
{
	if (!vcpu->ev.smi_pending || !smi_allowed(vcpu))
		return;
	vcpu->ev.smi_pending = false;
	vcpu->msr.smi_count++;
	vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
	enter(vcpu);
}

/* A processor cannot be in every state that SMRAM may hold; then it shuts down. */
static bool regs_valid(struct um_vcpu *vcpu, const struct um_smm_regs *r)
{
	bool long_mode = r->efer & EFER_LMA;

	if (!um_cr0_valid(r->cr0) || (r->cr4 & ~um_cr4_guest_allowed(vcpu)) ||
	    (r->efer & ~um_efer_guest_allowed(vcpu)) || (r->dr6 | r->dr7) >> 32)
		return false;
	if (!long_mode)
		return !(r->cr4 & X86_CR4_PCIDE) && !r->segs[UM_CS].l;
	return (r->cr4 & X86_CR4_PAE) && um_cr3_fits(r->cr3, vcpu->maxphyaddr);
}

static bool restore(struct um_vcpu *vcpu, struct um_smm_regs *r)
{
	r->efer &= ~(u64)EFER_LMA;
	if ((r->efer & EFER_LME) && (r->cr0 & X86_CR0_PG))
		r->efer |= EFER_LMA;
	if (!regs_valid(vcpu, r))
		return false;
	r->dr6 = (r->dr6 & UM_DR6_WRITABLE) | UM_DR6_INIT;
	r->dr7 = (r->dr7 & UM_DR7_WRITABLE) | UM_DR7_FIXED;
	write_regs(vcpu, r);
	return !um_pae_paging(r->cr0, r->cr4, r->efer) || !um_load_pdptes(vcpu, r->cr3);
}

int um_rsm(struct um_vcpu *vcpu)
{
	u8 area[UM_SMRAM_BYTES];
	struct um_smm_regs r;

	if (um_read_guest(vcpu->vm, state_gpa(vcpu), area, sizeof(area)))
		return um_exit_internal_error(vcpu, KVM_INTERNAL_ERROR_EMULATION, 0, NULL);
	read_regs(vcpu, &r);
	if (!vcpu->ev.smm_inside_nmi)
		vcpu->nmi_block = false;
	set_space(vcpu, false);
	um_smm_restore(&r, area, is_wide(vcpu));
	if (!restore(vcpu, &r))
		um_make_request(vcpu, UM_REQ_TRIPLE_FAULT);
	return 1;
}

int um_smm_msr_read(struct um_vcpu *vcpu, u32 index, u64 *val, bool host)
{
	if (index == MSR_SMI_COUNT) {
		*val = vcpu->msr.smi_count;
		return 0;
	}
	*val = vcpu->msr.smbase;
	return !host;
}

int um_smm_msr_write(struct um_vcpu *vcpu, u32 index, u64 val, bool host)
{
	if (!host)
		return 1;
	if (index == MSR_SMI_COUNT)
		vcpu->msr.smi_count = val;
	else
		vcpu->msr.smbase = val;
	return 0;
}
