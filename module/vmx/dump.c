// SPDX-License-Identifier: GPL-2.0
/*
 * A failed VM entry explained in dmesg: the hardware's reason, and the rule and field that our own
 * checker finds broken. The vCPU is loaded.
 */
#define pr_fmt(fmt) "umbra: " fmt

#include <linux/ratelimit.h>
#include "check.h"
#include "vmx.h"

static void read_controls(struct entry_view *v, const struct vmx_vcpu *vmx)
{
	v->pin = vmcs_read32(PIN_BASED_VM_EXEC_CONTROL);
	v->cpu = vmx->ctl.cpu;
	v->cpu2 = v->cpu & CPU_BASED_ACTIVATE_SECONDARY_CONTROLS ? vmx->ctl.cpu2 : 0;
	v->entry = vmx->ctl.entry;
	v->exit = vmcs_read32(VM_EXIT_CONTROLS);
	v->exceptions = vmx->ctl.exceptions;
	v->intr_info = vmcs_read32(VM_ENTRY_INTR_INFO_FIELD);
	v->intr_error = vmcs_read32(VM_ENTRY_EXCEPTION_ERROR_CODE);
	v->insn_len = vmcs_read32(VM_ENTRY_INSTRUCTION_LEN);
	if (v->cpu2 & SECONDARY_EXEC_ENABLE_EPT)
		v->eptp = vmcs_read64(EPT_POINTER);
	if (v->cpu2 & SECONDARY_EXEC_ENABLE_VPID)
		v->vpid = vmcs_read16(VIRTUAL_PROCESSOR_ID);
}

static void read_registers(struct entry_view *v)
{
	v->cr0 = vmcs_readl(GUEST_CR0);
	v->cr3 = vmcs_readl(GUEST_CR3);
	v->cr4 = vmcs_readl(GUEST_CR4);
	if (vmx_caps.efer)
		v->efer = vmcs_read64(GUEST_IA32_EFER);
	else if (v->entry & VM_ENTRY_IA32E_MODE)
		v->efer = EFER_LMA | EFER_LME;	/* as the entry would set it */
	v->dr7 = vmcs_readl(GUEST_DR7);
	v->debugctl = vmcs_read64(GUEST_IA32_DEBUGCTL);
	v->rip = vmcs_readl(GUEST_RIP);
	v->rflags = vmcs_readl(GUEST_RFLAGS);
	v->sysenter_esp = vmcs_readl(GUEST_SYSENTER_ESP);
	v->sysenter_eip = vmcs_readl(GUEST_SYSENTER_EIP);
	v->gdtr_base = vmcs_readl(GUEST_GDTR_BASE);
	v->idtr_base = vmcs_readl(GUEST_IDTR_BASE);
	v->gdtr_limit = vmcs_read32(GUEST_GDTR_LIMIT);
	v->idtr_limit = vmcs_read32(GUEST_IDTR_LIMIT);
	v->activity = vmcs_read32(GUEST_ACTIVITY_STATE);
	v->intr_state = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);
	v->pending_dbg = vmcs_readl(GUEST_PENDING_DBG_EXCEPTIONS);
	v->link = vmcs_read64(VMCS_LINK_POINTER);
}

static void read_segments(struct entry_view *v)
{
	unsigned int i;

	/*
	 * Each of the four fields' encodings grows by 2 from one segment to the
	 * next, in enum um_seg's order but for TR.
	 */
	for (i = 0; i < UM_NR_SEGS; i++) {
		unsigned int step = 2 * (i == UM_TR ? 7 : i == UM_LDTR ? 6 : i);

		v->seg[i].sel = vmcs_read_raw(GUEST_ES_SELECTOR + step);
		v->seg[i].base = vmcs_read_raw(GUEST_ES_BASE + step);
		v->seg[i].limit = vmcs_read_raw(GUEST_ES_LIMIT + step);
		v->seg[i].ar = vmcs_read_raw(GUEST_ES_AR_BYTES + step);
	}
}

static void read_view(struct entry_view *v, const struct vmx_vcpu *vmx)
{
	unsigned int i;

	memset(v, 0, sizeof(*v));
	read_controls(v, vmx);
	read_registers(v);
	read_segments(v);
	for (i = 0; (v->cpu2 & SECONDARY_EXEC_ENABLE_EPT) && i < 4; i++)
		v->pdpte[i] = vmcs_read_raw(GUEST_PDPTR0 + 2 * i);
	v->cr0_fixed0 = vmx_caps.cr0_fixed0;
	v->cr0_fixed1 = vmx_caps.cr0_fixed1;
	v->cr4_fixed0 = vmx_caps.cr4_fixed0;
	v->cr4_fixed1 = vmx_caps.cr4_fixed1;
	v->zero_len = vmx_caps.misc & VMX_MISC_ZERO_LEN_INS;
	v->maxphyaddr = hw_caps.host_maxphyaddr;
}

void vmx_explain_failure(struct vmx_vcpu *vmx)
{
	static DEFINE_RATELIMIT_STATE(limit, DEFAULT_RATELIMIT_INTERVAL, DEFAULT_RATELIMIT_BURST);
	bool vmfail = vmx->exit_reason == VMX_EXIT_VMFAIL;
	u32 reason = vmfail ? vmcs_read32(VM_INSTRUCTION_ERROR) : vmx->exit_reason & 0xffff;
	const char *kind = vmfail ? "VM-instruction error" : "exit reason";
	struct entry_fault fault;
	struct entry_view view;

	if (!__ratelimit(&limit))
		return;
	read_view(&view, vmx);
	if (vmx_check_entry(&view, &fault))
		pr_warn("VM entry failed (%s %u): %s: %s (SDM \"%s\")\n", kind, reason,
			fault.field, fault.rule, fault.section);
	else
		pr_warn("VM entry failed (%s %u, qualification %#lx): no broken rule found\n",
			kind, reason, vmcs_readl(EXIT_QUALIFICATION));
}
