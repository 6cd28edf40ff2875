// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's IA32_SPEC_CTRL and its commands to the predictors and the L1D. A guest that never
 * wrote the MSR runs with the host's value, which nobody has to switch; one that did gets its own,
 * which enter.S loads and stores. The vCPU's mutex guards all of it.
 */
#include "../cpuid.h"
#include "../msr_spec.h"
#include "vmx.h"

#define CPUID_FEATURES		7
#define CPUID_SPECULATION	2	/* subleaf */

static u64 host_bits __ro_after_init;	/* that the CPU's IA32_SPEC_CTRL has */

void vmx_spec_ctrl_init(void)
{
	u32 subleafs, ebx, ecx, edx, speculation = 0;

	if (!boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL))
		return;
	cpuid_count(CPUID_FEATURES, 0, &subleafs, &ebx, &ecx, &edx);
	if (subleafs >= CPUID_SPECULATION)
		cpuid_count(CPUID_FEATURES, CPUID_SPECULATION, &subleafs, &ebx, &ecx, &speculation);
	host_bits = um_spec_ctrl_bits(edx, speculation);
}

int vmx_spec_ctrl_get(struct vmx_vcpu *vmx, u64 *val)
{
	*val = vmx->entry.spec_ctrl;
	return !host_bits;
}

int vmx_spec_ctrl_set(struct vmx_vcpu *vmx, u64 val)
{
	if (!host_bits || (val & ~host_bits))
		return 1;
	vmx->entry.spec_ctrl = val;
	if (val && !(vmx->entry.flags & VMX_SPEC_CTRL_OWN)) {
		vmx->entry.flags |= VMX_SPEC_CTRL_OWN;
		um_make_request(&vmx->vcpu, UM_REQ_MSR_FILTER);
	}
	return 0;
}

/* A command does its work on this CPU; a guest that gives one will give more. */
static int give(struct vmx_vcpu *vmx, u32 index, u64 val, u64 defined, bool *passed)
{
	if (val & ~defined)
		return 1;
	if (!val)
		return 0;
	wrmsrl(index, val);
	if (!*passed) {
		*passed = true;
		um_make_request(&vmx->vcpu, UM_REQ_MSR_FILTER);
	}
	return 0;
}

int vmx_spec_command(struct vmx_vcpu *vmx, u32 index, u64 val)
{
	if (index == MSR_IA32_PRED_CMD)
		return boot_cpu_has(X86_FEATURE_IBPB) ?
		       give(vmx, index, val, PRED_CMD_IBPB, &vmx->passes_pred_cmd) : 1;
	return boot_cpu_has(X86_FEATURE_FLUSH_L1D) ?
	       give(vmx, index, val, L1D_FLUSH, &vmx->passes_flush_cmd) : 1;
}

/*
 * Writes of SPEC_CTRL pass only if the guest may set whatever the CPU would let it. Then what it
 * wrote last is read back after each exit.
 */
bool vmx_spec_ctrl_passes(struct vmx_vcpu *vmx, bool write)
{
	bool passes = (vmx->entry.flags & VMX_SPEC_CTRL_OWN) && vmx->vcpu.cpuid->spec_ctrl;

	if (write)
		passes = passes && vmx->vcpu.cpuid->spec_ctrl == host_bits;
	return passes;
}
