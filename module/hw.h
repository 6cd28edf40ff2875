/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Seam: what the core asks of the processor's virtualisation extension. Implemented by vmx/, bound at link time.
 *
 * "Loaded" below: between hw_load() and hw_put() on this CPU with preemption under the preempt notifier's control.
 */
#ifndef UM_HW_H
#define UM_HW_H

#include "types.h"

struct um_vcpu;
struct um_vm;
struct seq_file;

/**
 * struct hw_caps - what this CPU can do, read once at load
 * @ept: EPT with 4-level walks, WB tables and INVEPT
 * @ept_ad: accessed and dirty flags in EPT entries
 * @ept_2m: 2 MiB leaves; @ept_1g: 1 GiB leaves; @ept_exec_only: entries with X and no R
 * @ept_5level: five-level EPT
 * @vpid: VPID with INVVPID of single context and individual address
 * @unrestricted: unrestricted guest
 * @pml: page-modification logging
 * @invpcid: the guest may be given INVPCID; @rdtscp: and RDTSCP/RDPID; @xsaves
 * @tsc_scaling
 * @host_maxphyaddr: physical address width of the host in bits
 * @pf_rsvd: an spte with reserved bits faults (MAXPHYADDR < 52)
 */
struct hw_caps {
	bool ept, ept_ad, ept_2m, ept_1g, ept_exec_only, ept_5level;
	bool vpid, unrestricted, pml, invpcid, rdtscp, xsaves, tsc_scaling;
	bool pf_rsvd;
	u8 host_maxphyaddr;
};

extern struct hw_caps hw_caps;
extern const size_t hw_vcpu_size;	/* of the structure that embeds um_vcpu as its first member */

int hw_init(void);			/* read and check capabilities, allocate per-CPU regions. Prints the one line that says why not */
void hw_exit(void);
int hw_cpu_enable(void);		/* VMXON here; interrupts off. -EBUSY: somebody else is in VMX operation */
void hw_cpu_disable(void);		/* clear what is loaded, VMXOFF here; interrupts off. Idempotent */
void hw_show_info(struct seq_file *m);	/* "key: value" lines: capabilities and mitigations */

int hw_vcpu_init(struct um_vcpu *vcpu);
void hw_vcpu_destroy(struct um_vcpu *vcpu);
void hw_load(struct um_vcpu *vcpu);	/* preemption off */
void hw_put(struct um_vcpu *vcpu);	/* preemption off: the host's registers that VM exit does not restore come back */

/* One entry, one exit; interrupts off, loaded. Writes dirty state first. False: the entry failed, hw_handle_exit() says how. */
bool hw_enter(struct um_vcpu *vcpu);
/* Interrupts still off: true when the exit was answered and the guest may be re-entered at once. */
bool hw_handle_exit_fast(struct um_vcpu *vcpu);
/* After the inner loop, interrupts off: #MC, NMI already taken, requeue of an interrupted delivery; restore host state. */
void hw_leave(struct um_vcpu *vcpu);
/* An exit waits for hw_handle_exit(): the fast handler did not answer it. */
bool hw_exit_pending(struct um_vcpu *vcpu);
/* Interrupts on; vm->srcu held. 1: re-enter, 0: to userspace, <0: errno. */
int hw_handle_exit(struct um_vcpu *vcpu);

void hw_get(struct um_vcpu *vcpu, u32 mask);	/* UM_ST_* from hardware into the caches; loaded */
/* Before entry, interrupts on: hand the hardware what vcpu->ev holds, arm windows. */
void hw_inject(struct um_vcpu *vcpu);
void hw_request_irq_window(struct um_vcpu *vcpu, bool on);
bool hw_irq_allowed(struct um_vcpu *vcpu);	/* an external interrupt could be injected now */

/* MSRs that hardware switches (FS, GS, KERNEL_GS base, SYSENTER, PAT, syscall MSRs...): 0, or 1 = not such an MSR. Loaded. */
int hw_msr_get(struct um_vcpu *vcpu, u32 index, u64 *val);
int hw_msr_set(struct um_vcpu *vcpu, u32 index, u64 val);

/* Which translations to drop, on this CPU. Loaded or interrupts off. */
enum hw_flush {
	HW_FLUSH_ALL,		/* everything of this vCPU: its EPT root (INVEPT) and all its tags (INVVPID) */
	HW_FLUSH_TAG,		/* one tag's linear and combined mappings */
	HW_FLUSH_GVA,		/* one address under one tag */
};
void hw_flush(struct um_vcpu *vcpu, enum hw_flush what, u16 tag, gva_t gva);
void hw_flush_ept(hpa_t root);		/* INVEPT single-context for the EPT root @root; interrupts off, this CPU */
u16 hw_tag_alloc(void);			/* a VPID nobody uses, 0: none left (or no VPID) */
void hw_tag_free(u16 tag);		/* flushed on every CPU before it is given out again */

#endif
