/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The VMX capabilities of this machine, read once at load and the same on every CPU. No locks:
 * constant afterwards.
 */
#ifndef UM_VMX_CAPS_H
#define UM_VMX_CAPS_H

#include "../types.h"

/*
 * Named differently by each kernel version. SDM "Definitions of Secondary Processor-Based
 * VM-Execution Controls" and "Basic VMX Information".
 */
#define VMX_CPU2_XSAVES		BIT(20)
/* APICv: all of it or nothing. */
#define VMX_CPU2_APICV		(SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES | \
				 SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE | \
				 SECONDARY_EXEC_APIC_REGISTER_VIRT | \
				 SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY)
#define VMX_VMCS_MEM_WB		6

/**
 * struct vmx_caps - from the VMX capability MSRs (SDM "VMX Capability Reporting Facility")
 * @basic: IA32_VMX_BASIC
 * @ept_vpid: IA32_VMX_EPT_VPID_CAP
 * @misc: IA32_VMX_MISC
 * @pin: pin-based controls that every vCPU starts from
 * @cpu: primary processor-based controls, likewise
 * @cpu2: secondary ones, likewise
 * @cpu2_allowed: secondary controls that may be set
 * @entry: VM-entry controls that every vCPU starts from
 * @exit: VM-exit controls, likewise
 * @tpr_shadow: the CPU can run guests with a TPR of their own
 * @posted: it can process posted interrupts, and acknowledge others on exit
 * @efer: entry and exit switch IA32_EFER; if not, SCE is switched by hand and NXE is the host's
 * @cr0_fixed0: bits that must be 1 in CR0 in VMX operation
 * @cr0_fixed1: bits that may be 1
 * @cr4_fixed0: the same for CR4
 * @cr4_fixed1: the same for CR4
 */
struct vmx_caps {
	u64 basic, ept_vpid, misc;
	u32 pin, cpu, cpu2, cpu2_allowed, entry, exit;
	bool tpr_shadow, posted, efer;
	u64 cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
};

extern struct vmx_caps vmx_caps;

int vmx_caps_read(void);	/* 0, or -EOPNOTSUPP/-EIO with the reason printed */

#endif
