// SPDX-License-Identifier: GPL-2.0
/*
 * The exit table: for each basic exit reason its handler and the counter it falls under.
 * Handlers run with the vCPU loaded; the slow ones with interrupts on, and with vm->srcu
 * held where the table says so.
 */
#include "vmx.h"

struct exit_desc {
	int (*handle)(struct vmx_vcpu *vmx);
	u16 stat;		/* offset in um_vcpu_stats */
	bool mem;		/* reaches guest memory: wants vm->srcu */
};

#define STAT(name) offsetof(struct um_vcpu_stats, exit.name)

static int exit_resume(struct vmx_vcpu *vmx)
{
	return 1;
}

static int exit_interrupt(struct vmx_vcpu *vmx)
{
	struct um_vcpu *vcpu = &vmx->vcpu;

	if (vcpu->mmu->doubt)
		vcpu->mmu->doubt(vcpu, true);
	return 1;
}

static const struct exit_desc exits[] = {
	[EXIT_REASON_EXCEPTION_NMI] = { exit_exception, STAT(exception), true },
	[EXIT_REASON_EXTERNAL_INTERRUPT] = { exit_interrupt, STAT(intr) },
	[EXIT_REASON_TRIPLE_FAULT] = { exit_triple_fault, STAT(triple_fault) },
	[EXIT_REASON_INTERRUPT_WINDOW] = { exit_irq_window, STAT(irq_window) },
	[EXIT_REASON_NMI_WINDOW] = { exit_nmi_window, STAT(nmi_window) },
	[EXIT_REASON_TASK_SWITCH] = { exit_task_switch, STAT(task_switch) },
	[EXIT_REASON_CPUID] = { exit_gp, STAT(cpuid) },	/* CPUID faulting */
	[EXIT_REASON_HLT] = { exit_hlt, STAT(hlt) },
	[EXIT_REASON_INVD] = { exit_skip, STAT(wbinvd) },
	[EXIT_REASON_INVLPG] = { exit_invlpg, STAT(invlpg), true },
	[EXIT_REASON_VMCALL] = { exit_vmcall, STAT(vmcall) },
	[EXIT_REASON_RDPMC] = { exit_gp, STAT(other) },
	[EXIT_REASON_CR_ACCESS] = { exit_cr, STAT(cr0), true },
	[EXIT_REASON_DR_ACCESS] = { exit_dr, STAT(dr) },
	[EXIT_REASON_IO_INSTRUCTION] = { exit_io, STAT(io) },
	[EXIT_REASON_MSR_READ] = { exit_rdmsr, STAT(rdmsr), true },
	[EXIT_REASON_MSR_WRITE] = { exit_wrmsr, STAT(wrmsr), true },
	[EXIT_REASON_MWAIT_INSTRUCTION] = { exit_mwait, STAT(other) },
	[EXIT_REASON_MONITOR_INSTRUCTION] = { exit_mwait, STAT(other) },
	[EXIT_REASON_PAUSE_INSTRUCTION] = { exit_pause, STAT(pause) },
	[EXIT_REASON_EPT_VIOLATION] = { exit_ept_violation, STAT(ept_violation), true },
	[EXIT_REASON_APIC_ACCESS] = { exit_apic_access, STAT(apic_access), true },
	[EXIT_REASON_EPT_MISCONFIG] = { exit_ept_misconfig, STAT(ept_misconfig), true },
	[EXIT_REASON_WBINVD] = { exit_skip, STAT(wbinvd) },
	[EXIT_REASON_PML_FULL] = { exit_resume, STAT(pml_full) },
	[EXIT_REASON_XSETBV] = { exit_xsetbv, STAT(xsetbv) },
	[EXIT_REASON_INVPCID] = { exit_invpcid, STAT(invpcid), true },
	[EXIT_REASON_VMCLEAR] = { exit_ud, STAT(other) },
	[EXIT_REASON_VMLAUNCH] = { exit_ud, STAT(other) },
	[EXIT_REASON_VMPTRLD] = { exit_ud, STAT(other) },
	[EXIT_REASON_VMPTRST] = { exit_ud, STAT(other) },
	[EXIT_REASON_VMREAD] = { exit_ud, STAT(other) },
	[EXIT_REASON_VMRESUME] = { exit_ud, STAT(other) },
	[EXIT_REASON_VMWRITE] = { exit_ud, STAT(other) },
	[EXIT_REASON_VMOFF] = { exit_ud, STAT(other) },
	[EXIT_REASON_VMON] = { exit_ud, STAT(other) },
	[EXIT_REASON_INVEPT] = { exit_ud, STAT(other) },
	[EXIT_REASON_INVVPID] = { exit_ud, STAT(other) },
	[EXIT_REASON_VMFUNC] = { exit_ud, STAT(other) },
	[EXIT_REASON_ENCLS] = { exit_ud, STAT(other) },
	[EXIT_REASON_RDRAND] = { exit_ud, STAT(other) },
	[EXIT_REASON_RDSEED] = { exit_ud, STAT(other) },
};

static int entry_failed(struct vmx_vcpu *vmx, u64 reason)
{
	struct kvm_run *run = vmx->vcpu.run;

	vmx->vcpu.stats.exit.entry_failed++;
	vmx_explain_failure(vmx);
	run->exit_reason = KVM_EXIT_FAIL_ENTRY;
	run->fail_entry.hardware_entry_failure_reason = reason;
	run->fail_entry.cpu = vmx->vcpu.cpu;
	return 0;
}

/* Out of line: its array would have a stack protector on every exit. */
static noinline int unexpected(struct vmx_vcpu *vmx)
{
	u64 data[2] = { vmx->exit_reason, vmx->vcpu.cpu };

	return um_exit_internal_error(&vmx->vcpu, KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON,
				      ARRAY_SIZE(data), data);
}

static void count(struct vmx_vcpu *vmx, const struct exit_desc *d)
{
	(*(u64 *)((char *)&vmx->vcpu.stats + d->stat))++;
}

static int handle_with_memory(struct vmx_vcpu *vmx, const struct exit_desc *d)
{
	struct srcu_struct *srcu = &vmx->vcpu.vm->srcu;
	int idx = srcu_read_lock(srcu), r = d->handle(vmx);

	srcu_read_unlock(srcu, idx);
	return r;
}

bool hw_exit_pending(struct um_vcpu *vcpu)
{
	return to_vmx(vcpu)->exit_reason != VMX_EXIT_NONE;
}

int hw_handle_exit(struct um_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 reason = vmx->exit_reason;

	if (unlikely(reason == VMX_EXIT_VMFAIL))
		return entry_failed(vmx, vmcs_read32(VM_INSTRUCTION_ERROR));
	if (unlikely(reason & VMX_EXIT_REASONS_FAILED_VMENTRY))
		return entry_failed(vmx, reason);
	reason &= 0xffff;
	vmx->l1d_flush = true;
	if (unlikely(reason >= ARRAY_SIZE(exits) || !exits[reason].handle)) {
		vcpu->stats.exit.other++;
		return unexpected(vmx);
	}
	/* CR accesses and exceptions are counted by their handlers, which know the cause. */
	if (reason != EXIT_REASON_CR_ACCESS && reason != EXIT_REASON_EXCEPTION_NMI)
		count(vmx, &exits[reason]);
	if (exits[reason].mem)
		return handle_with_memory(vmx, &exits[reason]);
	return exits[reason].handle(vmx);
}

/*
 * A comparison chain, most frequent first: an indirect jump costs a retpoline
 * where the host has those.
 */
static bool handle_fast(struct vmx_vcpu *vmx)
{
	switch (vmx->exit_reason) {
	case EXIT_REASON_CPUID:
		return exit_cpuid_fast(vmx);
	case EXIT_REASON_CR_ACCESS:
		return exit_cr_fast(vmx);
	case EXIT_REASON_INVLPG:
		return exit_invlpg_fast(vmx);
	case EXIT_REASON_EXCEPTION_NMI:
		return exit_exception_fast(vmx);
	case EXIT_REASON_MSR_READ:
		return exit_rdmsr_fast(vmx);
	case EXIT_REASON_MSR_WRITE:
		return exit_wrmsr_fast(vmx);
	case EXIT_REASON_VMCALL:
		return exit_vmcall_fast(vmx);
	default:
		return vmx->apic_page && exit_apic_fast(vmx);
	}
}

bool hw_handle_exit_fast(struct um_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vcpu->stats.exits++;
	if (!handle_fast(vmx))
		return false;
	/* Answered: there is nothing left for hw_handle_exit(), whatever ends the inner loop. */
	vmx->exit_reason = VMX_EXIT_NONE;
	vcpu->stats.fast_exits++;
	return true;
}
