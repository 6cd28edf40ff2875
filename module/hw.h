/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Seam: what the core asks of the processor's virtualisation extension. Implemented by vmx/, bound
 * at link time.
 *
 * "Loaded" below: between um_vcpu_load() and um_vcpu_put(). The vCPU's state is on the CPU that the
 * thread runs on; the preempt notifier calls hw_put() and hw_load() when the thread is scheduled
 * out and in. One thread at a time has a vCPU: who holds vcpu->mutex, or creates or destroys it.
 */
#ifndef UM_HW_H
#define UM_HW_H

#include "irq.h"
#include "types.h"

struct um_vcpu;
struct um_vm;
struct seq_file;

/**
 * struct hw_caps - what this CPU can do, less what parameters turn off; constant after load
 * @ept: EPT with four-level walks, WB tables and single-context INVEPT
 * @ept_ad: accessed and dirty flags in EPT entries; never without @unrestricted
 * @ept_2m: 2 MiB leaves
 * @ept_1g: 1 GiB leaves
 * @ept_exec_only: entries with X and no R
 * @ept_5level: five-level EPT
 * @vpid: VPID with every type of INVVPID that is used
 * @unrestricted: unrestricted guest
 * @pml: page-modification logging
 * @invpcid: the guest may be given INVPCID
 * @rdtscp: the guest may be given RDTSCP and RDPID
 * @xsaves: the guest may be given XSAVES
 * @tsc_scaling: the guest's TSC may run at another rate
 * @apicv: the CPU runs a vCPU's local APIC: its registers, and the delivery of interrupts; never
 *	without @unrestricted, since nothing of it reaches interpreted code
 * @posted: the CPU takes what is posted to an APIC that it runs, without an exit
 * @pf_rsvd: an spte with reserved address bits faults: the CPU's MAXPHYADDR is below 52
 * @host_maxphyaddr: physical address width in bits, as the host's kernel uses it
 *
 * Source: SDM "VMX Capability Reporting Facility".
 */
struct hw_caps {
	bool ept, ept_ad, ept_2m, ept_1g, ept_exec_only, ept_5level;
	bool vpid, unrestricted, pml, invpcid, rdtscp, xsaves, tsc_scaling;
	bool apicv, posted;
	bool pf_rsvd;
	u8 host_maxphyaddr;
};

extern struct hw_caps hw_caps;
extern const size_t hw_vcpu_size;	/* bytes; of the structure whose first member is um_vcpu */

/*
 * Load: read and check capabilities, allocate per-CPU regions. 0; -EOPNOTSUPP or -EINVAL after one
 * line in the log that says why not; -ENOMEM. Sleeps.
 */
int hw_init(void);
void hw_exit(void);
/* VMXON here; interrupts off. 0, -EBUSY: somebody else is in VMX operation, -EIO: refused. */
int hw_cpu_enable(void);
/* VMCLEAR whatever is active on this CPU, then VMXOFF; interrupts off, any context. Idempotent. */
void hw_cpu_disable(void);
void hw_show_info(struct seq_file *m);	/* "key: value" lines: capabilities and mitigations */

/* The hardware's part of a vCPU. 0 or -ENOMEM; sleeps; loads the vCPU for a while. */
int hw_vcpu_init(struct um_vcpu *vcpu);
void hw_vcpu_destroy(struct um_vcpu *vcpu);	/* not loaded; may interrupt its last CPU */
/* The vCPU's state onto this CPU; preemption off, interrupts on. May wait for another CPU's. */
void hw_load(struct um_vcpu *vcpu);
/* Host registers that VM exit does not restore come back; preemption off, perhaps interrupts. */
void hw_put(struct um_vcpu *vcpu);

/**
 * hw_enter - one VM entry and the VM exit that follows
 * @vcpu: loaded; interrupts off
 *
 * Writes the caches in vcpu->dirty first; after the exit vcpu->avail names those that still hold.
 * The first entry of an outer turn switches host state, which hw_leave() undoes.
 *
 * Return: false when the entry failed: hw_handle_exit() tells userspace how.
 */
bool hw_enter(struct um_vcpu *vcpu);

/**
 * hw_handle_exit_fast - answer the exit in the inner loop, if it needs nothing from the host kernel
 * @vcpu: loaded; interrupts off
 *
 * Takes no lock but by trylock, sleeps not, touches no user memory, SRCU or FPU; bounded work.
 *
 * Return: true: answered, the guest may be entered again. False: nothing is done yet.
 */
bool hw_handle_exit_fast(struct um_vcpu *vcpu);

/*
 * After the inner loop, interrupts still off: run the host's NMI or machine-check handler if that
 * ended the guest, restore host state, keep an event whose delivery the exit interrupted.
 */
void hw_leave(struct um_vcpu *vcpu);
/*
 * After hw_leave(), interrupts still off: run the host's handler of the interrupt that ended the
 * guest, if the CPU has acknowledged that.
 */
void hw_interrupt(struct um_vcpu *vcpu);
/* An exit waits for hw_handle_exit(): the fast handler did not answer it. */
bool hw_exit_pending(struct um_vcpu *vcpu);

/**
 * hw_handle_exit - handle the exit that is pending
 * @vcpu: loaded; interrupts on, vm->srcu held for reading; sleeps
 *
 * Return: 1: enter the guest again; 0: to userspace, vcpu->run says why; negative: KVM_RUN's errno.
 */
int hw_handle_exit(struct um_vcpu *vcpu);

/* Read what @mask (UM_ST_*) names from hardware into the caches; loads the vCPU if it is not. */
void hw_get(struct um_vcpu *vcpu, u32 mask);
/* Before an entry, interrupts on, loaded: hand the hardware what vcpu->ev holds, arm windows. */
void hw_inject(struct um_vcpu *vcpu);
/* Exit as soon as the guest can take an external interrupt, or not any more; loaded. */
void hw_request_irq_window(struct um_vcpu *vcpu, bool on);
bool hw_irq_allowed(struct um_vcpu *vcpu);	/* the guest would take an interrupt now */

/*
 * hw_caps.apicv, loaded. mode: from the next entry on the CPU runs the APIC whose register page is
 * @page and whose posted-interrupt descriptor is @posted, or does not. status: the highest vectors
 * requested and in service, 0: none; @serving -1: as the CPU knows. eoi_exits: the end of these 256
 * vectors exits.
 */
void hw_apic_mode(struct um_vcpu *vcpu, enum hw_apic mode, const void *page, const void *posted);
void hw_apic_status(struct um_vcpu *vcpu, u8 requested, int serving);
void hw_apic_eoi_exits(struct um_vcpu *vcpu, const u64 *vectors);

/*
 * MSRs that are in the VMCS or in the CPU while the guest runs: the bases of FS, GS and KERNEL_GS,
 * SYSENTER, SYSCALL's, TSC_AUX. 0, or 1: not such an MSR. Loaded. No check of the value.
 */
int hw_msr_get(struct um_vcpu *vcpu, u32 index, u64 *val);
int hw_msr_set(struct um_vcpu *vcpu, u32 index, u64 val);

/* The MSRs that the guest reaches without an exit, as the VM's filter allows. vm->srcu held. */
void hw_msr_intercepts(struct um_vcpu *vcpu);

/* Which translations to drop. */
enum hw_flush {
	HW_FLUSH_ALL,		/* all that this vCPU may have: of its EPT root, or of every tag */
	HW_FLUSH_TAG,		/* linear and combined mappings under one tag */
	HW_FLUSH_GVA,		/* those of one address under one tag */
};

/*
 * On this CPU; the thread cannot migrate. Flushes by tag do nothing for tag 0: without VPID each
 * entry and exit flushes. SDM "Operations that Invalidate Cached Mappings".
 */
void hw_flush(struct um_vcpu *vcpu, enum hw_flush what, u16 tag, gva_t gva);
void hw_flush_ept(hpa_t root);		/* this CPU, interrupts off: everything under an EPT root */

/*
 * Tags (VPIDs), for a backend to give to its roots. alloc: 1 to 65535, 0: none left or no VPID.
 * What CPUs have cached under it for who had it before is the backend's to flush. Both sleep.
 */
u16 hw_tag_alloc(void);
void hw_tag_free(u16 tag);

#endif
