// SPDX-License-Identifier: GPL-2.0
/*
 * Page-modification logging: the CPU notes in a page of the vCPU's which guest pages it makes dirty
 * (SDM "Page-Modification Logging"). The buffer is the CPU's during an entry, and is emptied before
 * the vCPU is seen outside its guest.
 */
#include <linux/gfp.h>
#include "vmx.h"

#define PML_ENTRIES	(PAGE_SIZE / sizeof(u64))

int vmx_pml_init(struct vmx_vcpu *vmx)
{
	if (!hw_caps.pml)
		return 0;
	vmx->pml = (u64 *)__get_free_page(GFP_KERNEL_ACCOUNT);
	return vmx->pml ? 0 : -ENOMEM;
}

void vmx_pml_destroy(struct vmx_vcpu *vmx)
{
	free_page((unsigned long)vmx->pml);
	vmx->pml = NULL;
}

void vmx_pml_init_vmcs(struct vmx_vcpu *vmx)
{
	if (!vmx->pml)
		return;
	vmcs_write64(PML_ADDRESS, __pa(vmx->pml));
	vmcs_write16(GUEST_PML_INDEX, PML_ENTRIES - 1);
}

/* The index names the entry to be written next and counts down; below zero there is none left. */
void vmx_pml_drain(struct vmx_vcpu *vmx)
{
	u16 first = vmcs_read16(GUEST_PML_INDEX) + 1;

	if (likely(first == PML_ENTRIES) || WARN_ON_ONCE(first > PML_ENTRIES))
		return;
	um_dirty_logged(&vmx->vcpu, vmx->pml + first, PML_ENTRIES - first);
	vmcs_write16(GUEST_PML_INDEX, PML_ENTRIES - 1);
}
