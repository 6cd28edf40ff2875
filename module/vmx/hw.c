// SPDX-License-Identifier: GPL-2.0
/*
 * The hw.h seam's beginning and end: module-wide set-up, and the life of a vCPU's hardware state.
 */
#include <linux/seq_file.h>
#include <linux/slab.h>
#include "../host.h"
#include "../msr.h"
#include "invalidate.h"
#include "vmx.h"

const size_t hw_vcpu_size = sizeof(struct vmx_vcpu);

static_assert(offsetof(struct vmx_vcpu, vcpu) == 0);
/* enter.S counts registers in enum um_gpr's order. */
static_assert(offsetof(struct um_vcpu, gpr) == 0);
/* And knows this. */
static_assert(offsetof(struct vmx_entry, host_rsp) == 0);
static_assert(offsetof(struct vmx_entry, spec_ctrl) == 8);
static_assert(offsetof(struct vmx_entry, flags) == 16);

int hw_init(void)
{
	int r = vmx_caps_read();

	if (r)
		return r;
	r = vmx_mitigation_init();
	if (r)
		return r;
	vmx_host_init();
	vmx_spec_ctrl_init();
	r = vmx_tags_init();
	if (r)
		goto no_tags;
	r = vmx_cpu_init();
	if (r)
		goto no_cpus;
	return 0;

no_cpus:
	vmx_tags_exit();
no_tags:
	vmx_mitigation_exit_module();
	return r;
}

void hw_exit(void)
{
	vmx_cpu_exit();
	vmx_tags_exit();
	vmx_mitigation_exit_module();
}

static const char *yes_no(bool yes)
{
	return yes ? "yes" : "no";
}

void hw_show_info(struct seq_file *m)
{
	seq_printf(m, "ept: %s\n", yes_no(hw_caps.ept));
	seq_printf(m, "ept_ad: %s\n", yes_no(hw_caps.ept_ad));
	seq_printf(m, "ept_2m: %s\n", yes_no(hw_caps.ept_2m));
	seq_printf(m, "ept_1g: %s\n", yes_no(hw_caps.ept_1g));
	seq_printf(m, "vpid: %s\n", yes_no(hw_caps.vpid));
	seq_printf(m, "unrestricted_guest: %s\n", yes_no(hw_caps.unrestricted));
	seq_printf(m, "pml: %s\n", yes_no(hw_caps.pml));
	seq_printf(m, "apicv: %s\n", yes_no(hw_caps.apicv));
	seq_printf(m, "posted_interrupts: %s\n", yes_no(hw_caps.posted));
	seq_printf(m, "rdtscp: %s\n", yes_no(hw_caps.rdtscp));
	seq_printf(m, "invpcid: %s\n", yes_no(hw_caps.invpcid));
	seq_printf(m, "tsc_scaling: %s\n", yes_no(hw_caps.tsc_scaling));
	seq_printf(m, "maxphyaddr: %u\n", hw_caps.host_maxphyaddr);
	vmx_mitigation_show(m);
}

int hw_vcpu_init(struct um_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmx->active_cpu = -1;
	vcpu->cpu = -1;
	vmx->exit_reason = VMX_EXIT_NONE;
	vmx->vmcs = vmcs_alloc(NUMA_NO_NODE, GFP_KERNEL_ACCOUNT);
	if (!vmx->vmcs)
		return -ENOMEM;
	vmx->msr_bitmap = (unsigned long *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!vmx->msr_bitmap || vmx_pml_init(vmx)) {
		free_page((unsigned long)vmx->msr_bitmap);
		vmcs_free(vmx->vmcs);
		return -ENOMEM;
	}
	um_msr_filter_serve(vcpu);
	um_vcpu_load(vcpu);
	vmx_init_vmcs(vmx);
	um_vcpu_put(vcpu);
	return 0;
}

void hw_vcpu_destroy(struct um_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (!vmx->vmcs)
		return;
	vmx_vmcs_clear(vmx);
	vmx_pml_destroy(vmx);
	free_page((unsigned long)vmx->msr_bitmap);
	vmcs_free(vmx->vmcs);
	vmx->vmcs = NULL;
}
