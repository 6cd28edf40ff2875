// SPDX-License-Identifier: GPL-2.0
/*
 * The VM-execution, entry and exit controls of a vCPU: what never changes, and what follows its
 * backend and mode. The vCPU is loaded.
 */
#include "vmx.h"

/*
 * #DB and #AC loops in the guest must not hold the CPU (CVE-2015-5307,
 * CVE-2015-8104); #MC is the host's; #UD may be another vendor's hypercall.
 */
#define EXCEPTIONS_ALWAYS (BIT(UM_DB) | BIT(UM_AC) | BIT(UM_MC) | BIT(UM_UD))

/*
 * TSC ticks: PAUSEs this close belong to one loop, and a loop this long may be in vain (SDM
 * "Pause-Loop Exiting").
 */
#define SPIN_GAP	128
#define SPIN_WINDOW	4096

static void update(u32 *shadow, u32 val, unsigned long field)
{
	if (*shadow == val)
		return;
	*shadow = val;
	vmcs_write32(field, val);
}

static u32 cpu_controls(const struct vmx_vcpu *vmx)
{
	u32 ic = vmx->vcpu.mmu_ctl.intercepts, ctl = vmx_caps.cpu;
	u32 off = vmx->vcpu.vm->policy.disabled_exits;

	if (!(ic & UM_IC_CR3))
		ctl &= ~(CPU_BASED_CR3_LOAD_EXITING | CPU_BASED_CR3_STORE_EXITING);
	if (!(ic & UM_IC_INVLPG))
		ctl &= ~CPU_BASED_INVLPG_EXITING;
	if (off & KVM_X86_DISABLE_EXITS_HLT)
		ctl &= ~CPU_BASED_HLT_EXITING;
	if (off & KVM_X86_DISABLE_EXITS_MWAIT)
		ctl &= ~(CPU_BASED_MWAIT_EXITING | CPU_BASED_MONITOR_EXITING);
	if (vmx->irq_window)
		ctl |= CPU_BASED_INTR_WINDOW_EXITING;
	if (vmx->nmi_window)
		ctl |= CPU_BASED_NMI_WINDOW_EXITING;
	return vmx_apicv_cpu(vmx, ctl);
}

static u32 cpu2_controls(struct vmx_vcpu *vmx)
{
	u32 ic = vmx->vcpu.mmu_ctl.intercepts, ctl = vmx_caps.cpu2 | vmx_apicv_cpu2(vmx);

	if (vmx->vcpu.vm->policy.disabled_exits & KVM_X86_DISABLE_EXITS_PAUSE)
		ctl &= ~SECONDARY_EXEC_PAUSE_LOOP_EXITING;
	if (!vmx->vcpu.root.tag)
		ctl &= ~SECONDARY_EXEC_ENABLE_VPID;
	if (ic & UM_IC_EPT)
		ctl |= SECONDARY_EXEC_ENABLE_EPT;
	if (ic & UM_IC_UNPAGED)
		ctl |= SECONDARY_EXEC_UNRESTRICTED_GUEST;
	if (ic & UM_IC_PML)
		ctl |= SECONDARY_EXEC_ENABLE_PML;
	if (hw_caps.invpcid && um_cpuid_has(&vmx->vcpu, 7, 0, 1, BIT(10)))
		ctl |= SECONDARY_EXEC_ENABLE_INVPCID;
	return ctl;
}

void vmx_write_exceptions(struct vmx_vcpu *vmx)
{
	const struct um_mmu_ctl *mc = &vmx->vcpu.mmu_ctl;
	u32 bitmap = EXCEPTIONS_ALWAYS;

	if (vmx->vcpu.guest_debug & KVM_GUESTDBG_USE_SW_BP)
		bitmap |= BIT(UM_BP);
	if (mc->intercepts & UM_IC_PF) {
		if (mc->pf_bit)
			bitmap |= BIT(UM_PF);
		update(&vmx->ctl.pf_mask, mc->pf_mask, PAGE_FAULT_ERROR_CODE_MASK);
		update(&vmx->ctl.pf_match, mc->pf_match, PAGE_FAULT_ERROR_CODE_MATCH);
	} else {
		/* Bit 14 clear, mask and match equal: no #PF exits. */
		update(&vmx->ctl.pf_mask, 0, PAGE_FAULT_ERROR_CODE_MASK);
		update(&vmx->ctl.pf_match, 0, PAGE_FAULT_ERROR_CODE_MATCH);
	}
	update(&vmx->ctl.exceptions, bitmap, EXCEPTION_BITMAP);
}

void vmx_write_controls(struct vmx_vcpu *vmx)
{
	u32 entry = vmx_caps.entry;

	if (vmx->vcpu.efer & EFER_LMA)
		entry |= VM_ENTRY_IA32E_MODE;
	update(&vmx->ctl.entry, entry, VM_ENTRY_CONTROLS);
	update(&vmx->ctl.cpu, cpu_controls(vmx), CPU_BASED_VM_EXEC_CONTROL);
	if (vmx_caps.cpu & CPU_BASED_ACTIVATE_SECONDARY_CONTROLS)
		update(&vmx->ctl.cpu2, cpu2_controls(vmx), SECONDARY_VM_EXEC_CONTROL);
	vmx_write_exceptions(vmx);
}

static void init_guest_constants(void)
{
	vmcs_write64(VMCS_LINK_POINTER, ~0ULL);
	vmcs_write32(GUEST_ACTIVITY_STATE, GUEST_ACTIVITY_ACTIVE);
	vmcs_write32(GUEST_INTERRUPTIBILITY_INFO, 0);
	vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS, 0);
	vmcs_write64(GUEST_IA32_DEBUGCTL, 0);
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
	vmcs_write32(VM_ENTRY_EXCEPTION_ERROR_CODE, 0);
	vmcs_write32(VM_ENTRY_INSTRUCTION_LEN, 0);
}

void vmx_init_vmcs(struct vmx_vcpu *vmx)
{
	init_guest_constants();
	vmcs_write32(PIN_BASED_VM_EXEC_CONTROL, vmx_caps.pin);
	vmcs_write32(VM_EXIT_CONTROLS, vmx_caps.exit);
	vmcs_write32(CR3_TARGET_COUNT, 0);
	vmcs_write32(VM_EXIT_MSR_STORE_COUNT, 0);
	vmcs_write32(VM_EXIT_MSR_LOAD_COUNT, 0);
	vmcs_write32(VM_ENTRY_MSR_LOAD_COUNT, 0);
	vmcs_write64(MSR_BITMAP, __pa(vmx->msr_bitmap));
	vmx_pml_init_vmcs(vmx);
	vmx_apicv_init_vmcs(vmx);
	vmcs_write32(PAGE_FAULT_ERROR_CODE_MASK, 0);
	vmcs_write32(PAGE_FAULT_ERROR_CODE_MATCH, 0);
	if (vmx_caps.cpu2 & SECONDARY_EXEC_PAUSE_LOOP_EXITING) {
		vmcs_write32(PLE_GAP, SPIN_GAP);
		vmcs_write32(PLE_WINDOW, SPIN_WINDOW);
	}
	vmx_host_constants();
	/* No value equals these, so the first computation writes them all. */
	memset(&vmx->ctl, 0xff, sizeof(vmx->ctl));
	vmx->ctl.pf_mask = 0;
	vmx->ctl.pf_match = 0;
	vmx->cr0_owned = ~0UL;
	vmx->cr4_owned = ~0UL;
	vmx->hw_root = UM_INVALID_HPA;
	vmx->hw_tag = 0;
	if (hw_caps.vpid)
		vmcs_write16(VIRTUAL_PROCESSOR_ID, 0);
}
