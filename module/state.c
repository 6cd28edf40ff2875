// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU's registers as a whole: their state after RESET, the paging state that they describe,
 * and the ioctls for the general and debug registers. The vCPU's mutex guards them.
 */
#include "cpuid.h"
#include "cr.h"
#include "irqchip/irqchip.h"
#include "mmu.h"
#include "msr.h"
#include "umbra.h"
#include "vcpu_state.h"

/* SDM "Processor State After Reset". */
#define UM_RESET_CR0		(X86_CR0_ET | X86_CR0_NW | X86_CR0_CD)
#define UM_RESET_RIP		0xfff0
#define UM_RESET_CS_SELECTOR	0xf000
#define UM_RESET_CS_BASE	0xffff0000
#define UM_RESET_RDX		0x600	/* family 6, until CPUID says more */
#define UM_RESET_LIMIT		0xffff

/* Segment types. SDM "Code- and Data-Segment Descriptor Types", "System Descriptor Types". */
#define UM_TYPE_LDT		2
#define UM_TYPE_DATA		3
#define UM_TYPE_CODE		11
#define UM_TYPE_TSS_BUSY	11

void __init um_state_init(void)
{
	um_cpuid_setup();
	um_msr_setup();
}

static struct kvm_segment um_reset_segment(u8 type, bool system)
{
	return (struct kvm_segment){
		.limit = UM_RESET_LIMIT,
		.type = type,
		.present = 1,
		.s = !system,
	};
}

static void um_reset_segments(struct um_vcpu *vcpu)
{
	struct kvm_segment *segs = vcpu->segs;
	unsigned int i;

	for (i = 0; i < UM_NR_SEGS; i++)
		segs[i] = um_reset_segment(UM_TYPE_DATA, false);
	segs[UM_CS] = um_reset_segment(UM_TYPE_CODE, false);
	segs[UM_CS].selector = UM_RESET_CS_SELECTOR;
	segs[UM_CS].base = UM_RESET_CS_BASE;
	segs[UM_TR] = um_reset_segment(UM_TYPE_TSS_BUSY, true);
	segs[UM_LDTR] = um_reset_segment(UM_TYPE_LDT, true);
	vcpu->gdt = (struct kvm_dtable){ .limit = UM_RESET_LIMIT };
	vcpu->idt = (struct kvm_dtable){ .limit = UM_RESET_LIMIT };
}

/* What RESET and INIT have in common. */
static void um_reset_registers(struct um_vcpu *vcpu)
{
	memset(vcpu->gpr, 0, sizeof(vcpu->gpr));
	vcpu->gpr[UM_RDX] = UM_RESET_RDX;
	vcpu->rip = UM_RESET_RIP;
	vcpu->rflags = X86_EFLAGS_FIXED;
	vcpu->cr2 = 0;
	vcpu->cr3 = 0;
	vcpu->cr4 = 0;
	vcpu->cr8 = 0;
	vcpu->efer = 0;
	memset(vcpu->pdpte, 0, sizeof(vcpu->pdpte));
	memset(vcpu->db, 0, sizeof(vcpu->db));
	vcpu->dr6 = UM_DR6_INIT;
	vcpu->dr7 = UM_DR7_FIXED;
	vcpu->sti_block = false;
	vcpu->movss_block = false;
	vcpu->nmi_block = false;
	vcpu->ev = (struct um_events){};
	um_reset_segments(vcpu);
}

static void um_reset_done(struct um_vcpu *vcpu)
{
	um_dirty(vcpu, UM_ST_ALL);
	um_cpuid_update(vcpu);
	vcpu->mmu->paging_changed(vcpu, UM_PG_ALL);
}

void um_vcpu_reset(struct um_vcpu *vcpu)
{
	um_reset_registers(vcpu);
	vcpu->cr0 = UM_RESET_CR0;
	vcpu->xcr0 = XFEATURE_MASK_FP;
	vcpu->pkru = 0;
	vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
	um_msr_reset(vcpu);
	um_tsc_init(vcpu);
	um_tsc_sync(vcpu, 0);
	um_reset_done(vcpu);
}

/* MSRs, the FPU's state and the caches stay. SDM "Processor State After Reset". */
void um_vcpu_init(struct um_vcpu *vcpu)
{
	const struct kvm_cpuid_entry2 *leaf1 = vcpu->cpuid->leaf1;

	/* What is kept of the VMCS has to be at hand: all is written back. */
	um_need(vcpu, UM_ST_CR0 | UM_ST_PAT | UM_ST_SYSENTER);
	um_reset_registers(vcpu);
	if (leaf1)
		vcpu->gpr[UM_RDX] = leaf1->eax;
	vcpu->cr0 = X86_CR0_ET | (vcpu->cr0 & (X86_CR0_NW | X86_CR0_CD));
	vcpu->msr.debugctl = 0;
	vcpu->msr.smi_count = 0;
	um_lapic_reset(vcpu);
	um_reset_done(vcpu);
	um_make_request(vcpu, UM_REQ_TLB_FLUSH);
}

static enum paging_mode um_paging_mode(struct um_vcpu *vcpu)
{
	u64 cr4 = um_cr4(vcpu);

	if (!um_paging(vcpu))
		return PAGING_NONE;
	if (um_long_mode(vcpu))
		return cr4 & X86_CR4_LA57 ? PAGING_5LEVEL : PAGING_4LEVEL;
	return cr4 & X86_CR4_PAE ? PAGING_PAE : PAGING_32;
}

/* The top table's gpa: without PCID, PCD and PWT, and within what the mode can name. */
static gpa_t um_paging_root(struct um_vcpu *vcpu, enum paging_mode mode)
{
	switch (mode) {
	case PAGING_32:
		return (u32)um_cr3(vcpu) & UM_PAGE_MASK;
	case PAGING_4LEVEL:
	case PAGING_5LEVEL:
		return um_cr3(vcpu) & UM_PAGE_MASK & GENMASK_ULL(vcpu->maxphyaddr - 1, 0);
	default:
		return 0;
	}
}

void um_fill_paging_desc(struct um_vcpu *vcpu, struct paging_desc *d)
{
	u64 cr4 = um_cr4(vcpu);

	*d = (struct paging_desc){
		.mode = um_paging_mode(vcpu),
		.maxphyaddr = vcpu->maxphyaddr,
		.nxe = um_efer(vcpu) & EFER_NX,
		.wp = um_cr0(vcpu) & X86_CR0_WP,
		.smep = cr4 & X86_CR4_SMEP,
		.smap = cr4 & X86_CR4_SMAP,
		.pse = cr4 & X86_CR4_PSE,
		.pse36 = vcpu->cpuid->pse36,
		.gbpages = vcpu->cpuid->gbpages,
		.pke = cr4 & X86_CR4_PKE,
		.pkru = vcpu->pkru,
		.space = vcpu->space,
	};
	d->root = um_paging_root(vcpu, d->mode) | d->space;
	if (d->mode == PAGING_PAE) {
		um_need(vcpu, UM_ST_PDPTR);
		memcpy(d->pdpte, vcpu->pdpte, sizeof(d->pdpte));
	}
}

/* The order of struct kvm_regs. */
static const u8 um_regs_order[UM_NR_GPRS] = {
	UM_RAX, UM_RBX, UM_RCX, UM_RDX, UM_RSI, UM_RDI, UM_RSP, UM_RBP,
	UM_R8, UM_R9, UM_R10, UM_R11, UM_R12, UM_R13, UM_R14, UM_R15,
};

static_assert(offsetof(struct kvm_regs, rip) == UM_NR_GPRS * sizeof(u64));

long um_ioc_get_regs(void *owner, void *arg, unsigned long uarg)
{
	struct um_vcpu *vcpu = owner;
	struct kvm_regs *regs = arg;
	u64 *reg = arg;
	unsigned int i;

	um_need(vcpu, UM_ST_RIP | UM_ST_RSP | UM_ST_RFLAGS);
	for (i = 0; i < UM_NR_GPRS; i++)
		reg[i] = vcpu->gpr[um_regs_order[i]];
	regs->rip = vcpu->rip;
	regs->rflags = vcpu->rflags;
	return 0;
}

long um_ioc_set_regs(void *owner, void *arg, unsigned long uarg)
{
	const struct kvm_regs *regs = arg;
	struct um_vcpu *vcpu = owner;
	const u64 *reg = arg;
	unsigned int i;

	for (i = 0; i < UM_NR_GPRS; i++)
		vcpu->gpr[um_regs_order[i]] = reg[i];
	vcpu->rip = regs->rip;
	vcpu->rflags = regs->rflags | X86_EFLAGS_FIXED;
	um_dirty(vcpu, UM_ST_RIP | UM_ST_RSP | UM_ST_RFLAGS);
	/* It belonged to the instruction that was at the old RIP. */
	vcpu->ev.exc.pending = false;
	um_make_request(vcpu, UM_REQ_EVENT);
	return 0;
}

long um_ioc_get_debugregs(void *owner, void *arg, unsigned long uarg)
{
	struct kvm_debugregs *regs = arg;
	struct um_vcpu *vcpu = owner;
	unsigned int i;

	um_need(vcpu, UM_ST_DR7);
	for (i = 0; i < ARRAY_SIZE(vcpu->db); i++)
		regs->db[i] = vcpu->db[i];
	regs->dr6 = vcpu->dr6;
	regs->dr7 = vcpu->dr7;
	return 0;
}

long um_ioc_set_debugregs(void *owner, void *arg, unsigned long uarg)
{
	const struct kvm_debugregs *regs = arg;
	struct um_vcpu *vcpu = owner;
	unsigned int i;

	if (regs->flags || regs->dr6 >> 32 || regs->dr7 >> 32)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(vcpu->db); i++)
		vcpu->db[i] = regs->db[i];
	vcpu->dr6 = regs->dr6;
	vcpu->dr7 = regs->dr7;
	um_dirty(vcpu, UM_ST_DR7);
	return 0;
}
