// SPDX-License-Identifier: GPL-2.0
/*
 * Load, enter, leave and put: the path of every VM entry. Interrupts are off from
 * vmx_enter_prepare() to hw_leave(); no lock is taken.
 */
#include "../host.h"
#include "invalidate.h"
#include "vmx.h"

/* State the guest can change without an exit; the rest of the caches stays valid across entries. */
#define GUEST_CHANGES		(UM_ST_RIP | UM_ST_RSP | UM_ST_RFLAGS | UM_ST_CR0 | UM_ST_CR4 | \
				 UM_ST_SEGS | UM_ST_DTABLES | UM_ST_INTR | UM_ST_SYSENTER | \
				 UM_ST_MODE)
#define GUEST_CHANGES_EPT	(UM_ST_CR3 | UM_ST_PDPTR)

void hw_load(struct um_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	int cpu = smp_processor_id();

	vmx_vmcs_activate(vmx);
	if (vcpu->cpu == cpu)
		return;
	vmx_host_cpu_fields(vmx, cpu);
	/* Translations cached here before the vCPU went elsewhere missed the flushes since. */
	um_make_request(vcpu, UM_REQ_TLB_FLUSH);
	vcpu->cpu = cpu;
}

void hw_put(struct um_vcpu *vcpu)
{
	vmx_switch_to_host(to_vmx(vcpu));
}

/* Nothing here may be traced: RCU and lockdep believe that this is the guest already. */
static noinstr bool enter_guest(struct vmx_vcpu *vmx)
{
	struct um_vcpu *vcpu = &vmx->vcpu;
	bool entered;

	host_guest_state_enter();
	if (vcpu->cr2 != native_read_cr2())
		native_write_cr2(vcpu->cr2);
	entered = vmx_enter_guest(vcpu->gpr, &vmx->entry, vmx->launched ? VMX_ENTER_RESUME : 0);
	vcpu->cr2 = native_read_cr2();
	host_guest_state_exit();
	return entered;
}

bool hw_enter(struct um_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	bool entered;

	if (!vmx->host.entered)
		vmx_enter_prepare(vmx);
	if (vcpu->dirty)
		vmx_sync(vmx);
	vmx_mitigation_enter(vmx);
	entered = enter_guest(vmx);
	vmx_mitigation_exit();
	vmx->info_valid = 0;
	if (unlikely(!entered)) {
		vmx->exit_reason = VMX_EXIT_VMFAIL;
		return false;
	}
	vcpu->avail &= ~GUEST_CHANGES;
	if (!(vcpu->mmu_ctl.intercepts & UM_IC_CR3))
		vcpu->avail &= ~GUEST_CHANGES_EPT;
	vmx->exit_reason = vmcs_read32(VM_EXIT_REASON);
	if (unlikely(vmx->exit_reason & VMX_EXIT_REASONS_FAILED_VMENTRY))
		return false;	/* and a VMCS that never launched still wants VMLAUNCH */
	vmx->launched = true;
	return true;
}

#define INTR_INFO_EVENT	(INTR_INFO_INTR_TYPE_MASK | INTR_INFO_VECTOR_MASK)

/*
 * The handler runs as if the NMI had come by itself: before any IRET could end
 * the blocking of further NMIs.
 */
static void leave_nmi(struct vmx_vcpu *vmx)
{
	u32 info = vmx_intr_info(vmx);

	if (!(info & INTR_INFO_VALID_MASK))
		return;
	if ((info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_NMI_INTR)
		host_run_nmi();
	else if ((info & INTR_INFO_EVENT) == (INTR_TYPE_HARD_EXCEPTION | UM_MC))
		host_machine_check();
}

void hw_leave(struct um_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 reason = vmx->exit_reason;

	if (!vmx->host.entered)
		return;
	if (vcpu->mmu_ctl.intercepts & UM_IC_PML)
		vmx_pml_drain(vmx);
	if (reason == EXIT_REASON_EXCEPTION_NMI)
		leave_nmi(vmx);
	else if ((reason & 0xffff) == EXIT_REASON_MCE_DURING_VMENTRY)
		host_machine_check();
	if (vmx->apic_page)
		vmx_apicv_leave(vmx);
	vmx_leave_restore(vmx);
	vmx_requeue_events(vmx);
}

void hw_flush_ept(hpa_t root)
{
	vmx_invept(VMX_EPT_EXTENT_CONTEXT, vmx_eptp(root));
}

static void flush_all(struct um_vcpu *vcpu)
{
	vcpu->stats.tlb_flush++;
	/* What the guest's tables made of it goes with the root, whatever the tag. */
	if (vcpu->mmu_ctl.intercepts & UM_IC_EPT)
		hw_flush_ept(vcpu->root.hpa);
	/*
	 * A backend that tags its roots has many tags for one vCPU; flushing
	 * all contexts costs others refills only.
	 */
	else if (hw_caps.vpid)
		vmx_invvpid_all();
}

void hw_flush(struct um_vcpu *vcpu, enum hw_flush what, u16 tag, gva_t gva)
{
	if (what == HW_FLUSH_ALL) {
		flush_all(vcpu);
	} else if (tag && what == HW_FLUSH_TAG) {
		vcpu->stats.tlb_flush_tag++;
		vmx_invvpid(VMX_VPID_EXTENT_SINGLE_CONTEXT, tag, 0);
	} else if (tag) {
		vcpu->stats.tlb_flush_gva++;
		vmx_invvpid(VMX_VPID_EXTENT_INDIVIDUAL_ADDR, tag, gva);
	}
}
