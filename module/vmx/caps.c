// SPDX-License-Identifier: GPL-2.0
/*
 * Reads the VMX capability MSRs at load, decides the controls that every vCPU starts from and says
 * in one line why the module cannot run here. No locks: constant after load.
 */
#define pr_fmt(fmt) "umbra: " fmt

#include <linux/moduleparam.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include "caps.h"
#include "vmcs.h"
#include "../host.h"
#include "../hw.h"

struct vmx_caps vmx_caps __ro_after_init;
struct hw_caps hw_caps __ro_after_init;

static bool use_vpid = true;
module_param_named(vpid, use_vpid, bool, 0444);
MODULE_PARM_DESC(vpid, "tag translations with a VPID where the CPU can (default on)");

static bool use_unrestricted = true;
module_param_named(unrestricted_guest, use_unrestricted, bool, 0444);
MODULE_PARM_DESC(unrestricted_guest, "run unpaged guests directly where the CPU can (default on)");

static bool use_ept = true;
module_param_named(ept, use_ept, bool, 0444);
MODULE_PARM_DESC(ept, "offer the EPT backend where the CPU can (default on)");

static bool use_pml = true;
module_param_named(pml, use_pml, bool, 0444);
MODULE_PARM_DESC(pml, "log dirty pages by the CPU's page-modification logging (default on)");

static bool use_apicv = true;
module_param_named(apicv, use_apicv, bool, 0444);
MODULE_PARM_DESC(apicv, "have the CPU run local APICs where it can (default on)");

/* IA32_VMX_BASIC (SDM "Basic VMX Information"). */
#define BASIC_MEM_TYPE_SHIFT	50
#define BASIC_TRUE_CTLS		BIT_ULL(55)

/* A control word's capability MSR: low half must be 1, high half may be 1. */
static int adjust(const char *what, u32 required, u32 optional, u32 msr, u32 *result)
{
	u32 must, may, ctl = required | optional;

	rdmsr(msr, must, may);
	ctl = (ctl & may) | must;
	if (required & ~ctl) {
		pr_err("this CPU lacks %s controls %#x that Umbra needs\n", what, required & ~ctl);
		return -EOPNOTSUPP;
	}
	*result = ctl;
	return 0;
}

#define CPU_REQUIRED \
	(CPU_BASED_HLT_EXITING | CPU_BASED_CR8_LOAD_EXITING | CPU_BASED_CR8_STORE_EXITING | \
	 CPU_BASED_USE_TSC_OFFSETTING | CPU_BASED_MOV_DR_EXITING | CPU_BASED_UNCOND_IO_EXITING | \
	 CPU_BASED_MWAIT_EXITING | CPU_BASED_MONITOR_EXITING | CPU_BASED_RDPMC_EXITING | \
	 CPU_BASED_INVLPG_EXITING | CPU_BASED_CR3_LOAD_EXITING | CPU_BASED_CR3_STORE_EXITING | \
	 CPU_BASED_USE_MSR_BITMAPS)

#define CPU2_OPTIONAL \
	(SECONDARY_EXEC_ENABLE_EPT | SECONDARY_EXEC_ENABLE_VPID | \
	 SECONDARY_EXEC_UNRESTRICTED_GUEST | SECONDARY_EXEC_ENABLE_RDTSCP | \
	 SECONDARY_EXEC_ENABLE_INVPCID | VMX_CPU2_XSAVES | SECONDARY_EXEC_TSC_SCALING | \
	 SECONDARY_EXEC_ENABLE_PML | SECONDARY_EXEC_PAUSE_LOOP_EXITING | VMX_CPU2_APICV)

#define PIN_REQUIRED \
	(PIN_BASED_EXT_INTR_MASK | PIN_BASED_NMI_EXITING | PIN_BASED_VIRTUAL_NMIS)
#define EXIT_REQUIRED	(VM_EXIT_HOST_ADDR_SPACE_SIZE | VM_EXIT_SAVE_DEBUG_CONTROLS)
#define EXIT_EFER	(VM_EXIT_LOAD_IA32_EFER | VM_EXIT_SAVE_IA32_EFER)

/* The MSR that tells which controls may be 0 although they once had to be 1, if there is one. */
static u32 control_msr(u32 msr, u32 true_msr)
{
	return vmx_caps.basic & BASIC_TRUE_CTLS ? true_msr : msr;
}

static int read_controls(void)
{
	struct vmx_caps *c = &vmx_caps;
	int r;

	r = adjust("pin-based", PIN_REQUIRED, PIN_BASED_POSTED_INTR,
		   control_msr(MSR_IA32_VMX_PINBASED_CTLS, MSR_IA32_VMX_TRUE_PINBASED_CTLS),
		   &c->pin);
	if (!r)
		r = adjust("primary processor-based", CPU_REQUIRED,
			   CPU_BASED_ACTIVATE_SECONDARY_CONTROLS | CPU_BASED_TPR_SHADOW,
			   control_msr(MSR_IA32_VMX_PROCBASED_CTLS,
				       MSR_IA32_VMX_TRUE_PROCBASED_CTLS),
			   &c->cpu);
	c->tpr_shadow = c->cpu & CPU_BASED_TPR_SHADOW;
	c->cpu &= ~CPU_BASED_TPR_SHADOW;
	if (!r && (c->cpu & CPU_BASED_ACTIVATE_SECONDARY_CONTROLS))
		r = adjust("secondary processor-based", 0, CPU2_OPTIONAL,
			   MSR_IA32_VMX_PROCBASED_CTLS2, &c->cpu2_allowed);
	if (!r)
		r = adjust("VM-exit", EXIT_REQUIRED, EXIT_EFER | VM_EXIT_ACK_INTR_ON_EXIT,
			   control_msr(MSR_IA32_VMX_EXIT_CTLS, MSR_IA32_VMX_TRUE_EXIT_CTLS),
			   &c->exit);
	if (!r)
		r = adjust("VM-entry", VM_ENTRY_LOAD_DEBUG_CONTROLS, VM_ENTRY_LOAD_IA32_EFER,
			   control_msr(MSR_IA32_VMX_ENTRY_CTLS, MSR_IA32_VMX_TRUE_ENTRY_CTLS),
			   &c->entry);
	c->posted = (c->pin & PIN_BASED_POSTED_INTR) && (c->exit & VM_EXIT_ACK_INTR_ON_EXIT);
	c->pin &= ~PIN_BASED_POSTED_INTR;
	c->exit &= ~VM_EXIT_ACK_INTR_ON_EXIT;
	return r;
}

/*
 * The first CPUs with VMX cannot switch EFER. None of them has EPT, and shadow
 * tables ask for NXE alone.
 */
static int check_efer(void)
{
	struct vmx_caps *c = &vmx_caps;
	u64 efer;

	c->efer = (c->exit & EXIT_EFER) == EXIT_EFER && (c->entry & VM_ENTRY_LOAD_IA32_EFER);
	if (c->efer)
		return 0;
	c->exit &= ~EXIT_EFER;
	c->entry &= ~VM_ENTRY_LOAD_IA32_EFER;
	rdmsrl(MSR_EFER, efer);
	if (efer & EFER_NX)
		return 0;
	pr_err("this CPU cannot switch EFER: boot the kernel without noexec=off\n");
	return -EOPNOTSUPP;
}

/* What EPT and VPID cannot be used without (IA32_VMX_EPT_VPID_CAP, low and high half). */
#define EPT_REQUIRED \
	(VMX_EPT_PAGE_WALK_4_BIT | VMX_EPTP_WB_BIT | VMX_EPT_INVEPT_BIT | \
	 VMX_EPT_EXTENT_CONTEXT_BIT)
#define VPID_REQUIRED \
	(VMX_VPID_INVVPID_BIT | VMX_VPID_EXTENT_SINGLE_CONTEXT_BIT | \
	 VMX_VPID_EXTENT_INDIVIDUAL_ADDR_BIT | VMX_VPID_EXTENT_GLOBAL_CONTEXT_BIT)

static bool has_all(u32 word, u32 bits)
{
	return (word & bits) == bits;
}

static void derive_hw_caps(void)
{
	u32 c2 = vmx_caps.cpu2_allowed;
	u32 ev = vmx_caps.ept_vpid, vv = vmx_caps.ept_vpid >> 32;

	hw_caps.unrestricted = use_unrestricted && (c2 & SECONDARY_EXEC_UNRESTRICTED_GUEST);
	hw_caps.ept = use_ept && vmx_caps.efer && (c2 & SECONDARY_EXEC_ENABLE_EPT) &&
		      has_all(ev, EPT_REQUIRED);
	/*
	 * With these flags a walk's reads count as writes (SDM "EPT Violations"); the table that
	 * serves unpaged code is read-only.
	 */
	hw_caps.ept_ad = hw_caps.ept && hw_caps.unrestricted && (ev & VMX_EPT_AD_BIT);
	hw_caps.ept_2m = hw_caps.ept && (ev & VMX_EPT_2MB_PAGE_BIT);
	hw_caps.ept_1g = hw_caps.ept && (ev & VMX_EPT_1GB_PAGE_BIT);
	hw_caps.ept_exec_only = hw_caps.ept && (ev & VMX_EPT_EXECUTE_ONLY_BIT);
	hw_caps.ept_5level = hw_caps.ept && (ev & VMX_EPT_PAGE_WALK_5_BIT);
	hw_caps.vpid = use_vpid && (c2 & SECONDARY_EXEC_ENABLE_VPID) && has_all(vv, VPID_REQUIRED);
	hw_caps.pml = use_pml && hw_caps.ept_ad && (c2 & SECONDARY_EXEC_ENABLE_PML);
	hw_caps.apicv = use_apicv && hw_caps.unrestricted && hw_caps.ept && vmx_caps.tpr_shadow &&
			has_all(c2, VMX_CPU2_APICV);
	use_apicv = hw_caps.apicv;	/* for who looks at the parameter */
	hw_caps.posted = hw_caps.apicv && vmx_caps.posted && HOST_POSTED_VECTOR;
	hw_caps.rdtscp = c2 & SECONDARY_EXEC_ENABLE_RDTSCP;
	hw_caps.invpcid = c2 & SECONDARY_EXEC_ENABLE_INVPCID;
	hw_caps.xsaves = c2 & VMX_CPU2_XSAVES;
	hw_caps.tsc_scaling = c2 & SECONDARY_EXEC_TSC_SCALING;
	hw_caps.host_maxphyaddr = boot_cpu_data.x86_phys_bits;
	hw_caps.pf_rsvd = cpuid_eax(0x80000008) % 256 < 52;
	vmx_caps.cpu2 = c2 & (SECONDARY_EXEC_ENABLE_RDTSCP | SECONDARY_EXEC_PAUSE_LOOP_EXITING |
			      SECONDARY_EXEC_TSC_SCALING);
	if (hw_caps.vpid)
		vmx_caps.cpu2 |= SECONDARY_EXEC_ENABLE_VPID;
}

static int check_usable(void)
{
	u64 feat;

	if (!boot_cpu_has(X86_FEATURE_VMX)) {
		pr_err("this CPU (or virtual machine) has no VMX: use a machine with Intel VT-x, or the lab (make run)\n");
		return -EOPNOTSUPP;
	}
	if (rdmsrl_safe(MSR_IA32_FEAT_CTL, &feat) ||
	    (feat & (FEAT_CTL_LOCKED | FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX)) !=
	    (FEAT_CTL_LOCKED | FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX)) {
		pr_err("VMX is locked off by the firmware: enable \"Intel Virtualization Technology\" in its setup\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

int vmx_caps_read(void)
{
	struct vmx_caps *c = &vmx_caps;
	int r = check_usable();

	if (r)
		return r;
	rdmsrl(MSR_IA32_VMX_BASIC, c->basic);
	if (((c->basic >> BASIC_MEM_TYPE_SHIFT) & 15) != VMX_VMCS_MEM_WB) {
		pr_err("this CPU wants its VMCS in uncached memory, which Umbra does not do\n");
		return -EOPNOTSUPP;
	}
	rdmsrl(MSR_IA32_VMX_MISC, c->misc);
	rdmsrl(MSR_IA32_VMX_CR0_FIXED0, c->cr0_fixed0);
	rdmsrl(MSR_IA32_VMX_CR0_FIXED1, c->cr0_fixed1);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED0, c->cr4_fixed0);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED1, c->cr4_fixed1);
	r = read_controls();
	if (!r)
		r = check_efer();
	if (r)
		return r;
	if (c->cpu2_allowed & (SECONDARY_EXEC_ENABLE_EPT | SECONDARY_EXEC_ENABLE_VPID))
		rdmsrl(MSR_IA32_VMX_EPT_VPID_CAP, c->ept_vpid);
	derive_hw_caps();
	return 0;
}
