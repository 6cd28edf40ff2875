// SPDX-License-Identifier: GPL-2.0
/*
 * What keeps a guest from the host's data, and one guest from another's, on CPUs that leak: the
 * host's own choices are followed and never weakened. The RSB, IBRS, BHI and VERW parts sit in
 * enter.S. Interrupts off; state is per CPU.
 */
#include <linux/moduleparam.h>
#include <linux/seq_file.h>
#include <asm/hardirq.h>
#include <asm/nospec-branch.h>
#include <asm/processor.h>
#include "vmx.h"

/*
 * How the L1D is flushed before an entry on a CPU with L1TF
 * (Documentation/admin-guide/hw-vuln/l1tf.rst).
 */
enum l1d_mode { L1D_AUTO, L1D_NEVER, L1D_COND, L1D_ALWAYS };

static const char * const l1d_name[] = { "auto", "never", "cond", "always" };
static char *vmentry_l1d_flush = "auto";
module_param(vmentry_l1d_flush, charp, 0444);
MODULE_PARM_DESC(vmentry_l1d_flush, "L1D flush on VM entry for L1TF: auto (follow the host), never, cond or always");

static enum l1d_mode l1d_mode __ro_after_init;

DEFINE_STATIC_KEY_FALSE(vmx_entry_mitigated);
static void *flush_pages;

#define L1D_ORDER	4			/* 64 KiB: twice the largest L1D that has L1TF */
#define L1D_BYTES	(PAGE_SIZE << L1D_ORDER)
#define CACHE_LINE	64

static enum l1d_mode host_l1d_mode(void)
{
	u64 caps = 0;

	if (!boot_cpu_has_bug(X86_BUG_L1TF))
		return L1D_NEVER;
	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl(MSR_IA32_ARCH_CAPABILITIES, caps);
	if (caps & ARCH_CAP_SKIP_VMENTRY_L1DFLUSH)
		return L1D_NEVER;
	switch (l1tf_mitigation) {
	case L1TF_MITIGATION_OFF:
		return L1D_NEVER;
	case L1TF_MITIGATION_FULL:
	case L1TF_MITIGATION_FULL_FORCE:
		return L1D_ALWAYS;
	default:
		return L1D_COND;
	}
}

int vmx_mitigation_init(void)
{
	int mode = match_string(l1d_name, ARRAY_SIZE(l1d_name), vmentry_l1d_flush);

	if (mode < 0) {
		pr_err("umbra: vmentry_l1d_flush=%s is none of auto, never, cond, always\n",
		       vmentry_l1d_flush);
		return -EINVAL;
	}
	l1d_mode = mode == L1D_AUTO ? host_l1d_mode() : mode;
	if (l1d_mode != L1D_NEVER || static_key_enabled(&mmio_stale_data_clear))
		static_branch_enable(&vmx_entry_mitigated);
	if (l1d_mode == L1D_NEVER || boot_cpu_has(X86_FEATURE_FLUSH_L1D))
		return 0;
	flush_pages = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, L1D_ORDER);
	return flush_pages ? 0 : -ENOMEM;
}

void vmx_mitigation_exit_module(void)
{
	free_pages((unsigned long)flush_pages, L1D_ORDER);
	flush_pages = NULL;
}

/* Another vCPU's branch predictions must not steer this one's. */
void vmx_mitigation_load(struct vmx_vcpu *vmx)
{
	indirect_branch_prediction_barrier();
	vmx->l1d_flush = true;
}

/*
 * Without the MSR: first touch each page for the TLB, then read every line, so
 * that the L1D holds nothing else.
 */
static noinline void flush_l1d_by_reading(void)
{
	const u8 *p = flush_pages;
	unsigned long i;

	for (i = 0; i < L1D_BYTES; i += PAGE_SIZE)
		(void)READ_ONCE(p[i]);
	/* No line is read before all pages are in the TLB. */
	rmb();
	for (i = 0; i < L1D_BYTES; i += CACHE_LINE)
		(void)READ_ONCE(p[i]);
	/* All lines are in before the entry. */
	rmb();
}

static bool l1d_wanted(struct vmx_vcpu *vmx)
{
	bool wanted = vmx->l1d_flush;

	/* L1TF takes entries of the guest's making; shadow ones hold no address while absent. */
	if (!(vmx->vcpu.mmu_ctl.intercepts & UM_IC_EPT))
		return false;
	vmx->l1d_flush = false;
	if (l1d_mode == L1D_ALWAYS)
		return true;
	/* Interrupt handlers say here that they brought host data in. */
	wanted |= kvm_get_cpu_l1tf_flush_l1d();
	kvm_clear_cpu_l1tf_flush_l1d();
	return wanted;
}

/*
 * Of the buffers that VERW clears, enter.S sees to those that any guest could sample. What is left
 * is a CPU that leaks to MMIO accesses alone: a slot may map a device, so it clears there as KVM
 * does for guests with devices.
 */
void vmx_mitigate_entry(struct vmx_vcpu *vmx)
{
	if (static_branch_unlikely(&mmio_stale_data_clear))
		x86_clear_cpu_buffers();
	if (l1d_mode == L1D_NEVER || !l1d_wanted(vmx))
		return;
	if (static_cpu_has(X86_FEATURE_FLUSH_L1D))
		native_wrmsrl(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
	else
		flush_l1d_by_reading();
}

static const char *on_off(bool on)
{
	return on ? "on" : "off";
}

void vmx_mitigation_show(struct seq_file *m)
{
	seq_printf(m, "mitigation_l1d_flush: %s%s\n", l1d_name[l1d_mode],
		   l1d_mode == L1D_NEVER ? "" : flush_pages ? " (by reading)" : " (MSR)");
	seq_printf(m, "mitigation_verw: %s\n", on_off(boot_cpu_has(X86_FEATURE_CLEAR_CPU_BUF) ||
						      boot_cpu_has(X86_FEATURE_CLEAR_CPU_BUF_VM)));
	seq_printf(m, "mitigation_mmio_stale_data: %s\n",
		   on_off(static_key_enabled(&mmio_stale_data_clear)));
	seq_printf(m, "mitigation_rsb: %s\n", boot_cpu_has(X86_FEATURE_RSB_VMEXIT) ? "fill" :
		   boot_cpu_has(X86_FEATURE_RSB_VMEXIT_LITE) ? "one entry" : "off");
	seq_printf(m, "mitigation_ibrs: %s\n", on_off(boot_cpu_has(X86_FEATURE_KERNEL_IBRS)));
	seq_printf(m, "mitigation_spec_ctrl: %s\n", boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL) ?
		   "the host's value, or the guest's own" : "off");
	seq_printf(m, "mitigation_bhi: %s\n",
		   on_off(boot_cpu_has(X86_FEATURE_CLEAR_BHB_LOOP_ON_VMEXIT)));
	seq_printf(m, "mitigation_ibpb: %s\n", on_off(boot_cpu_has(X86_FEATURE_USE_IBPB)));
	seq_printf(m, "mitigation_vmscape: %s\n",
		   on_off(boot_cpu_has(X86_FEATURE_IBPB_EXIT_TO_USER)));
}
