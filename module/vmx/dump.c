// SPDX-License-Identifier: GPL-2.0
/*
 * A failed VM entry explained. The vCPU is loaded.
 */
#include "vmx.h"

void vmx_explain_failure(struct vmx_vcpu *vmx)
{
	pr_warn_ratelimited("umbra: VM entry failed: reason %#x, VM-instruction error %u, qualification %#lx\n",
			    vmx->exit_reason, vmcs_read32(VM_INSTRUCTION_ERROR), vmcs_readl(EXIT_QUALIFICATION));
}
