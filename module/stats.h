/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters of a vCPU and of a VM. Each has one writer (the vCPU's thread; for a VM, who holds
 * mmu_lock) and is read without a lock.
 */
#ifndef UM_STATS_H
#define UM_STATS_H

#include "types.h"

/*
 * X(name): one exit cause each; a PF exit counts under its true cause, and
 * every exit counts exactly once.
 */
#define UM_EXIT_CAUSES(X) \
	X(intr) X(nmi) X(exception) X(cpuid) X(hlt) X(vmcall) X(rdmsr) X(wrmsr) \
	X(cr0) X(cr3) X(cr4) X(cr8) X(dr) X(io) X(mmio) X(ept_violation) X(ept_misconfig) \
	X(irq_window) X(nmi_window) X(invlpg) X(invpcid) X(wbinvd) X(xsetbv) X(pause) \
	X(preempt_timer) X(triple_fault) X(task_switch) X(desc_table) X(entry_failed) \
	X(other) X(eoi) X(apic_access) X(apic_write) X(pml_full) X(pf_guest) X(pf_hidden) \
	X(pf_write_track)

#define UM_VCPU_COUNTERS(X) \
	X(entries) X(exits) X(fast_exits) X(user_exits) X(tlb_flush) X(tlb_flush_tag) \
	X(tlb_flush_gva) X(insn_emulated) X(guest_faults_injected) X(cr3_cached) X(cr3_miss) \
	X(prefetched) X(irq_injections) X(pv_eois)

#define UM_VM_COUNTERS(X) \
	X(mmu_zapped) X(mmu_unsync) X(mmu_resync) X(mmu_parallel) X(mmu_shrunk) \
	X(remote_tlb_flush) X(audits) X(audit_broken)

/* What is there now, rather than what happened. */
#define UM_VM_GAUGES(X) \
	X(mmu_table_bytes) X(mmu_rmap_bytes) X(mmu_pages) \
	X(pages_mapped_4k) X(pages_mapped_2m) X(pages_mapped_1g)

#define UM_STAT_FIELD(name) u64 name;
struct um_vcpu_stats {
	struct {
		UM_EXIT_CAUSES(UM_STAT_FIELD)
	} exit;
	UM_VCPU_COUNTERS(UM_STAT_FIELD)
};

struct um_vm_stats {
	UM_VM_COUNTERS(UM_STAT_FIELD)
	UM_VM_GAUGES(UM_STAT_FIELD)
};

#endif
