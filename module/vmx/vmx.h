/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of vmx/ share: the VMX part of a vCPU. Its owner is the thread
 * that has the vCPU loaded.
 */
#ifndef UM_VMX_H
#define UM_VMX_H

#include <linux/jump_label.h>
#include <linux/percpu.h>
#include <asm/nospec-branch.h>
#include "../umbra.h"
#include "../guest_debug.h"
#include "../mmu.h"
#include "vmcs.h"
#include "caps.h"

/* Which exit-information fields have been read since the exit; each is read at most once. */
#define VMX_INFO_QUAL	BIT(0)
#define VMX_INFO_INTR	BIT(1)
#define VMX_INFO_GPA	BIT(2)
#define VMX_INFO_LEN	BIT(3)
#define VMX_INFO_INTRB	BIT(4)	/* the interruptibility state, raw */
#define VMX_INFO_ERROR	BIT(5)	/* the error code of the exception */
#define VMX_INFO_IDT	BIT(6)	/* the event whose delivery the exit broke into */

#define VMX_EXIT_NONE	(~0u)		/* nothing to handle: no entry took place */
#define VMX_EXIT_VMFAIL	(~1u)		/* VMLAUNCH or VMRESUME itself failed */

/* Controls as they stand in the VMCS, so that only changes are written. */
struct vmx_controls {
	u32 pin, cpu, cpu2, entry, exit;
	u32 exceptions;
	u32 pf_mask, pf_match;
};

/* Host registers that VM exit does not restore by itself; see host_state.c. */
struct vmx_host {
	unsigned long cr3, cr4, fs_base, kernel_gs_base;
	u16 fs_sel, gs_sel, ldt_sel, ds_sel, es_sel;
	u64 debugctl;
	struct desc_ptr gdt;	/* this CPU's, with its true limit */
	bool switched;		/* FS, GS and the syscall MSRs are the guest's; until hw_put() */
	bool entered;		/* XCR0, PKRU, debug registers are the guest's; until hw_leave() */
	bool dr_loaded, xcr0_loaded, pkru_loaded;
	u32 pkru;
};

/* A segment that the entry checks want otherwise than the guest has it; segment.c. */
struct vmx_fitted {
	bool on;
	struct kvm_segment guest, hw;
};

/* What enter.S uses: it knows the offsets. */
struct vmx_entry {
	unsigned long host_rsp;	/* as in the VMCS; enter.S keeps it */
	u64 spec_ctrl;		/* the guest's IA32_SPEC_CTRL */
	u32 flags;		/* VMX_SPEC_CTRL_* */
};

#define VMX_SPEC_CTRL_OWN	BIT(0)	/* the guest's is not the host's: load it, restore */
#define VMX_SPEC_CTRL_PASSED	BIT(1)	/* the guest writes it without an exit: store it */

struct vmx_vcpu {
	struct um_vcpu vcpu;	/* first: the core allocates hw_vcpu_size bytes */
	struct vmcs_hdr *vmcs;
	/* vmcs.c: the CPU's list of active VMCSs; interrupts off on that CPU */
	struct list_head on_cpu;
	int active_cpu;		/* where the VMCS is active, -1: nowhere (clear) */
	bool launched;
	struct vmx_entry entry;
	unsigned long *msr_bitmap;
	u64 *pml;		/* pml.c: NULL without PML */
	const u32 *apic_page;	/* apicv.c: the APIC's registers, NULL: not the CPU's to run */

	u32 exit_reason;	/* full 32 bits, or VMX_EXIT_* */
	u32 info_valid;
	unsigned long exit_qual;
	u32 intr_info, intr_error, idt_info, insn_len, intr_state;
	gpa_t exit_gpa;

	struct vmx_controls ctl;
	unsigned long cr0_owned, cr4_owned;	/* guest-owned bits, as in the VMCS masks */
	hpa_t hw_root;		/* as in EPTP or GUEST_CR3 */
	u16 hw_tag;
	u64 tsc_ratio;		/* as in the VMCS, 0: none yet */
	struct vmx_fitted cs, ss;
	bool irq_window, nmi_window;
	struct vmx_host host;
	bool l1d_flush;		/* mitigation.c: host data may lie in the L1D */
	bool passes_pred_cmd, passes_flush_cmd;	/* the guest's writes need no exit; spec_ctrl.c */
};

static inline struct vmx_vcpu *to_vmx(struct um_vcpu *vcpu)
{
	return container_of(vcpu, struct vmx_vcpu, vcpu);
}

static inline unsigned long vmx_exit_qual(struct vmx_vcpu *vmx)
{
	if (!(vmx->info_valid & VMX_INFO_QUAL)) {
		vmx->exit_qual = vmcs_readl(EXIT_QUALIFICATION);
		vmx->info_valid |= VMX_INFO_QUAL;
	}
	return vmx->exit_qual;
}

static inline u32 vmx_intr_info(struct vmx_vcpu *vmx)
{
	if (!(vmx->info_valid & VMX_INFO_INTR)) {
		vmx->intr_info = vmcs_read32(VM_EXIT_INTR_INFO);
		vmx->info_valid |= VMX_INFO_INTR;
	}
	return vmx->intr_info;
}

static inline u32 vmx_intr_error(struct vmx_vcpu *vmx)
{
	if (!(vmx->info_valid & VMX_INFO_ERROR)) {
		vmx->intr_error = vmcs_read32(VM_EXIT_INTR_ERROR_CODE);
		vmx->info_valid |= VMX_INFO_ERROR;
	}
	return vmx->intr_error;
}

static inline u32 vmx_idt_info(struct vmx_vcpu *vmx)
{
	if (!(vmx->info_valid & VMX_INFO_IDT)) {
		vmx->idt_info = vmcs_read32(IDT_VECTORING_INFO_FIELD);
		vmx->info_valid |= VMX_INFO_IDT;
	}
	return vmx->idt_info;
}

static inline gpa_t vmx_exit_gpa(struct vmx_vcpu *vmx)
{
	if (!(vmx->info_valid & VMX_INFO_GPA)) {
		vmx->exit_gpa = vmcs_read64(GUEST_PHYSICAL_ADDRESS) | vmx->vcpu.space;
		vmx->info_valid |= VMX_INFO_GPA;
	}
	return vmx->exit_gpa;
}

static inline u32 vmx_insn_len(struct vmx_vcpu *vmx)
{
	if (!(vmx->info_valid & VMX_INFO_LEN)) {
		vmx->insn_len = vmcs_read32(VM_EXIT_INSTRUCTION_LEN);
		vmx->info_valid |= VMX_INFO_LEN;
	}
	return vmx->insn_len;
}

/* Past the instruction that exited: as um_skip_insn(). */
static inline int vmx_skip(struct um_vcpu *vcpu)
{
	return um_skip_insn(vcpu, vmx_insn_len(to_vmx(vcpu)));
}

/* vmcs.c */
int vmx_cpu_init(void);		/* per-CPU regions */
void vmx_cpu_exit(void);
void vmx_vmcs_activate(struct vmx_vcpu *vmx);	/* make it current here; preemption off */
void vmx_vmcs_clear(struct vmx_vcpu *vmx);	/* VMCLEAR where it is active; may IPI */

/* enter.S: false on VMfail. @flags: VMX_ENTER_* */
#define VMX_ENTER_RESUME_BIT	0
#define VMX_ENTER_RESUME	BIT(VMX_ENTER_RESUME_BIT)
bool vmx_enter_guest(u64 *gpr, struct vmx_entry *entry, unsigned long flags);
void vmx_exit_point(void);

/* guest_state.c */
void vmx_sync(struct vmx_vcpu *vmx);		/* dirty caches into the VMCS */

/* controls.c */
void vmx_init_vmcs(struct vmx_vcpu *vmx);	/* all that never changes */
void vmx_write_controls(struct vmx_vcpu *vmx);	/* recompute and write what changed */
void vmx_write_exceptions(struct vmx_vcpu *vmx);

/* segment.c */
void vmx_read_segs(struct vmx_vcpu *vmx);
void vmx_read_mode(struct vmx_vcpu *vmx);
void vmx_write_segs(struct vmx_vcpu *vmx);

/* host_state.c */
void vmx_host_init(void);			/* once, at load */
void vmx_host_cpu_init(void);			/* per CPU, at hw_cpu_enable() */
void vmx_host_cpu_exit(void);			/* per CPU, at hw_cpu_disable() */
/* host fields of the current VMCS: the same on every CPU, and those that belong to the CPU */
void vmx_host_constants(void);
void vmx_host_cpu_fields(struct vmx_vcpu *vmx, int cpu);
/* before the first entry after hw_load(); interrupts off */
void vmx_switch_to_guest(struct vmx_vcpu *vmx);
void vmx_switch_to_host(struct vmx_vcpu *vmx);	/* hw_put() */
/* before the first entry of an outer turn and after its last exit; interrupts off */
void vmx_enter_prepare(struct vmx_vcpu *vmx);
void vmx_leave_restore(struct vmx_vcpu *vmx);
/* where entry cannot load EFER: its SCE; preemption off */
void vmx_load_sce(struct vmx_vcpu *vmx);
void vmx_uret_set(unsigned int slot, u64 val);	/* preemption off */
enum vmx_uret { URET_STAR, URET_LSTAR, URET_CSTAR, URET_SFMASK, URET_TSC_AUX, URET_EFER, URET_NR };

/* event.c */
/* after an exit that may have interrupted a delivery */
void vmx_requeue_events(struct vmx_vcpu *vmx);

/* pml.c */
int vmx_pml_init(struct vmx_vcpu *vmx);		/* 0 or -ENOMEM */
void vmx_pml_destroy(struct vmx_vcpu *vmx);
void vmx_pml_init_vmcs(struct vmx_vcpu *vmx);
/* the pages written since the last call go to the dirty log; interrupts off */
void vmx_pml_drain(struct vmx_vcpu *vmx);

/* apicv.c */
void vmx_apicv_msrs(struct vmx_vcpu *vmx);	/* the APIC's part of the MSR bitmap */
u32 vmx_apicv_cpu(const struct vmx_vcpu *vmx, u32 ctl);		/* @ctl as APICv wants it */
u32 vmx_apicv_cpu2(const struct vmx_vcpu *vmx);
void vmx_apicv_init_vmcs(struct vmx_vcpu *vmx);
void vmx_apicv_leave(struct vmx_vcpu *vmx);	/* what the core keeps of the registers */

/* irq.S: code, of this many bytes for each vector */
#define VMX_IRQ_STUB_SIZE	16
extern const u8 vmx_irq_stubs[];

/* tag.c */
int vmx_tags_init(void);
void vmx_tags_exit(void);

/* mitigation.c */
int vmx_mitigation_init(void);
void vmx_mitigation_exit_module(void);
void vmx_mitigation_load(struct vmx_vcpu *vmx);	/* another vCPU ran here last; preemption off */
void vmx_mitigate_entry(struct vmx_vcpu *vmx);
void vmx_mitigation_show(struct seq_file *m);
/* this CPU and the host's choice ask for vmx_mitigate_entry() */
DECLARE_STATIC_KEY_FALSE(vmx_entry_mitigated);

/* Right before an entry; interrupts off. */
static inline void vmx_mitigation_enter(struct vmx_vcpu *vmx)
{
	if (static_branch_unlikely(&vmx_entry_mitigated))
		vmx_mitigate_entry(vmx);
}

/*
 * Right after the exit: the guest may have trained the predictor against this thread's own
 * userspace (VMSCAPE).
 */
static inline void vmx_mitigation_exit(void)
{
	if (cpu_feature_enabled(X86_FEATURE_IBPB_EXIT_TO_USER))
		this_cpu_write(x86_ibpb_exit_to_user, true);
}

/* spec_ctrl.c: 0, or 1: there is no such MSR or value */
void vmx_spec_ctrl_init(void);
int vmx_spec_ctrl_get(struct vmx_vcpu *vmx, u64 *val);
int vmx_spec_ctrl_set(struct vmx_vcpu *vmx, u64 val);
int vmx_spec_command(struct vmx_vcpu *vmx, u32 index, u64 val);
bool vmx_spec_ctrl_passes(struct vmx_vcpu *vmx, bool write);

/* dump.c */
void vmx_explain_failure(struct vmx_vcpu *vmx);	/* one rate-limited dmesg line: rule and field */

/* Exit handlers. Fast: interrupts off, true = re-enter. Slow: 1 re-enter, 0 to user, <0 errno. */
bool vmx_skip_fast(struct vmx_vcpu *vmx);
bool exit_cpuid_fast(struct vmx_vcpu *vmx);
bool exit_vmcall_fast(struct vmx_vcpu *vmx);
bool exit_rdmsr_fast(struct vmx_vcpu *vmx);
bool exit_wrmsr_fast(struct vmx_vcpu *vmx);
bool exit_cr_fast(struct vmx_vcpu *vmx);
bool exit_invlpg_fast(struct vmx_vcpu *vmx);
bool exit_exception_fast(struct vmx_vcpu *vmx);
bool exit_apic_fast(struct vmx_vcpu *vmx);
int exit_vmcall(struct vmx_vcpu *vmx);
int exit_rdmsr(struct vmx_vcpu *vmx);
int exit_wrmsr(struct vmx_vcpu *vmx);
int exit_cr(struct vmx_vcpu *vmx);
int exit_dr(struct vmx_vcpu *vmx);
int exit_invlpg(struct vmx_vcpu *vmx);
int exit_invpcid(struct vmx_vcpu *vmx);
int exit_io(struct vmx_vcpu *vmx);
int exit_hlt(struct vmx_vcpu *vmx);
int exit_xsetbv(struct vmx_vcpu *vmx);
int exit_ud(struct vmx_vcpu *vmx);
int exit_undefined(struct vmx_vcpu *vmx);	/* the exception */
int exit_mwait(struct vmx_vcpu *vmx);
int exit_skip(struct vmx_vcpu *vmx);
int exit_pause(struct vmx_vcpu *vmx);
int exit_gp(struct vmx_vcpu *vmx);
int exit_exception(struct vmx_vcpu *vmx);
int exit_ept_violation(struct vmx_vcpu *vmx);
int exit_ept_misconfig(struct vmx_vcpu *vmx);
/* An access that no memory answers; see exit_mem.c. Sleeps. 1, 0 or errno, as hw_handle_exit() */
int vmx_emulate_access(struct um_vcpu *vcpu, gpa_t gpa, bool hint);
int exit_apic_access(struct vmx_vcpu *vmx);
int exit_task_switch(struct vmx_vcpu *vmx);
int exit_triple_fault(struct vmx_vcpu *vmx);
int exit_irq_window(struct vmx_vcpu *vmx);
int exit_nmi_window(struct vmx_vcpu *vmx);

#endif
