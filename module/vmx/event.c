// SPDX-License-Identifier: GPL-2.0
/*
 * Events into the guest and back: the VM-entry interruption information, windows, and the requeue
 * of a delivery that a VM exit interrupted. The vCPU is loaded.
 */
#include "../event.h"
#include "vmx.h"

static void write_event(struct vmx_vcpu *vmx, u32 type, u8 vector, bool has_error, u32 error,
			u8 insn_len)
{
	u32 info = INTR_INFO_VALID_MASK | type | vector;

	if (has_error) {
		vmcs_write32(VM_ENTRY_EXCEPTION_ERROR_CODE, error);
		info |= INTR_INFO_DELIVER_CODE_MASK;
	}
	if (insn_len)
		vmcs_write32(VM_ENTRY_INSTRUCTION_LEN, insn_len);
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, info);
	/* An exit in the middle of the guest's own HLT left it halted; few events may meet that. */
	if (vmx->vcpu.vm->policy.disabled_exits & KVM_X86_DISABLE_EXITS_HLT)
		vmcs_write32(GUEST_ACTIVITY_STATE, GUEST_ACTIVITY_ACTIVE);
	vmx->vcpu.ev.armed = true;
}

static void inject_exception(struct um_vcpu *vcpu)
{
	struct um_exception *exc = &vcpu->ev.exc;
	/* In real mode no error code is pushed, and asking for one fails the entry. */
	bool error = exc->has_error && (um_cr0(vcpu) & X86_CR0_PE);

	if (exc->pending)
		um_exception_deliver(vcpu);
	write_event(to_vmx(vcpu),
		    exc->soft ? INTR_TYPE_SOFT_EXCEPTION : INTR_TYPE_HARD_EXCEPTION,
		    exc->vector, error, exc->error, exc->soft ? exc->insn_len : 0);
}

static bool nmi_allowed(struct um_vcpu *vcpu)
{
	um_need(vcpu, UM_ST_INTR);
	return !vcpu->nmi_block && !vcpu->sti_block && !vcpu->movss_block;
}

static void set_windows(struct vmx_vcpu *vmx, bool irq, bool nmi)
{
	if (vmx->irq_window == irq && vmx->nmi_window == nmi)
		return;
	vmx->irq_window = irq;
	vmx->nmi_window = nmi;
	vmx_write_controls(vmx);
}

static bool inject_again(struct um_vcpu *vcpu)
{
	struct um_events *ev = &vcpu->ev;

	if (ev->exc.injected)
		inject_exception(vcpu);
	else if (ev->nmi_injected)
		write_event(to_vmx(vcpu), INTR_TYPE_NMI_INTR, UM_NMI, false, 0, 0);
	else if (ev->irq_injected)
		write_event(to_vmx(vcpu), ev->irq_soft ? INTR_TYPE_SOFT_INTR : INTR_TYPE_EXT_INTR,
			    ev->irq_vector, false, 0, ev->irq_soft ? ev->irq_insn_len : 0);
	else
		return false;
	return true;
}

/* An entry did not come about, and since then userspace may have taken the event back. */
static void disarm(struct vmx_vcpu *vmx)
{
	if (vmx->vcpu.ev.armed)
		vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
	vmx->vcpu.ev.armed = false;
}

void hw_inject(struct um_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	struct um_events *ev = &vcpu->ev;
	bool busy;

	disarm(vmx);
	busy = inject_again(vcpu);
	if (!busy && ev->exc.pending) {
		inject_exception(vcpu);
		busy = true;
	}
	/* No window either: its exit would come before the instruction to be stepped. */
	if (!ev->nmi_pending || um_debug_blocks(vcpu))
		return;
	if (!busy && nmi_allowed(vcpu)) {
		ev->nmi_pending--;
		ev->nmi_injected = true;
		write_event(to_vmx(vcpu), INTR_TYPE_NMI_INTR, UM_NMI, false, 0, 0);
	}
	if (ev->nmi_pending) {
		/*
		 * NMI-window exiting asks for no STI blocking at the entry;
		 * wait that out with the other window.
		 */
		um_need(vcpu, UM_ST_INTR);
		set_windows(vmx, vmx->irq_window || vcpu->sti_block, !vcpu->sti_block);
	}
}

void hw_request_irq_window(struct um_vcpu *vcpu, bool on)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	set_windows(vmx, on, vmx->nmi_window);
}

bool hw_irq_allowed(struct um_vcpu *vcpu)
{
	if (!(um_rflags(vcpu) & X86_EFLAGS_IF))
		return false;
	um_need(vcpu, UM_ST_INTR);
	return !vcpu->sti_block && !vcpu->movss_block;
}

int exit_irq_window(struct vmx_vcpu *vmx)
{
	set_windows(vmx, false, vmx->nmi_window);
	if (vmx->vcpu.irq.window)
		um_make_request(&vmx->vcpu, UM_REQ_EVENT);
	return 1;
}

int exit_nmi_window(struct vmx_vcpu *vmx)
{
	set_windows(vmx, vmx->irq_window, false);
	return 1;
}

/*
 * Only these exits can come in the middle of a delivery (SDM "Information for
 * VM Exits During Event Delivery").
 */
static bool may_interrupt_delivery(u32 reason)
{
	return reason == EXIT_REASON_EXCEPTION_NMI || reason == EXIT_REASON_EPT_VIOLATION ||
	       reason == EXIT_REASON_EPT_MISCONFIG || reason == EXIT_REASON_TASK_SWITCH ||
	       reason == EXIT_REASON_PML_FULL || reason == EXIT_REASON_APIC_ACCESS;
}

static void requeue_exception(struct um_exception *exc, u32 info, bool soft)
{
	exc->injected = true;
	exc->soft = soft;
	exc->vector = info & VECTORING_INFO_VECTOR_MASK;
	exc->has_error = info & VECTORING_INFO_DELIVER_CODE_MASK;
	if (exc->has_error)
		exc->error = vmcs_read32(IDT_VECTORING_ERROR_CODE);
	if (soft)
		exc->insn_len = vmcs_read32(VM_EXIT_INSTRUCTION_LEN);
}

static void requeue(struct um_events *ev, struct um_vcpu *vcpu, u32 info)
{
	u32 type = info & VECTORING_INFO_TYPE_MASK;

	switch (type) {
	case INTR_TYPE_NMI_INTR:
		ev->nmi_injected = true;
		/*
		 * The NMI was not delivered, so it does not block the one that
		 * is injected in its place.
		 */
		um_need(vcpu, UM_ST_INTR);
		vcpu->nmi_block = false;
		um_dirty(vcpu, UM_ST_INTR);
		break;
	case INTR_TYPE_SOFT_EXCEPTION:
	case INTR_TYPE_HARD_EXCEPTION:
		requeue_exception(&ev->exc, info, type == INTR_TYPE_SOFT_EXCEPTION);
		break;
	case INTR_TYPE_SOFT_INTR:
		ev->irq_insn_len = vmcs_read32(VM_EXIT_INSTRUCTION_LEN);
		fallthrough;
	case INTR_TYPE_EXT_INTR:
		ev->irq_injected = true;
		ev->irq_soft = type == INTR_TYPE_SOFT_INTR;
		ev->irq_vector = info & VECTORING_INFO_VECTOR_MASK;
		break;
	}
}

/*
 * An IRET that faulted had already ended NMI blocking (SDM "Information About
 * NMI Unblocking Due to IRET").
 */
static void restore_nmi_block(struct vmx_vcpu *vmx)
{
	bool unblocked;

	if (vmx->exit_reason == EXIT_REASON_EXCEPTION_NMI)
		unblocked = (vmx_intr_info(vmx) & INTR_INFO_UNBLOCK_NMI) &&
			    (vmx_intr_info(vmx) & INTR_INFO_VECTOR_MASK) != UM_DF;
	else
		unblocked = (vmx->exit_reason == EXIT_REASON_EPT_VIOLATION ||
			     vmx->exit_reason == EXIT_REASON_PML_FULL) &&
			    (vmx_exit_qual(vmx) & INTR_INFO_UNBLOCK_NMI);
	if (!unblocked)
		return;
	um_need(&vmx->vcpu, UM_ST_INTR);
	vmx->vcpu.nmi_block = true;
	um_dirty(&vmx->vcpu, UM_ST_INTR);
}

void vmx_requeue_events(struct vmx_vcpu *vmx)
{
	struct um_events *ev = &vmx->vcpu.ev;
	u32 info = 0;

	/* An entry that failed delivered nothing; an exit that was answered at once came after. */
	if (vmx->exit_reason != VMX_EXIT_NONE &&
	    (vmx->exit_reason & VMX_EXIT_REASONS_FAILED_VMENTRY))
		return;
	vmx->vcpu.ev.armed = false;
	ev->exc.injected = false;
	ev->nmi_injected = false;
	ev->irq_injected = false;
	if (!may_interrupt_delivery(vmx->exit_reason))
		return;
	info = vmx_idt_info(vmx);
	if (info & VECTORING_INFO_VALID_MASK)
		requeue(ev, &vmx->vcpu, info);
	else
		restore_nmi_block(vmx);
}
