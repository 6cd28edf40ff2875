/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Dirty logging: which pages of a slot were written since userspace last asked. slots_lock guards
 * the configuration and the reading of the log; the log's bits are atomic.
 */
#ifndef UM_DIRTY_H
#define UM_DIRTY_H

#include <linux/types.h>
#include "types.h"

struct kvm_clear_dirty_log;
struct kvm_dirty_log;
struct kvm_enable_cap;
struct um_memslot;
struct um_vcpu;
struct um_vm;

/**
 * struct um_dirty_vm - how a VM logs
 * @manual: KVM_DIRTY_LOG_*: KVM_CLEAR_DIRTY_LOG alone makes pages be logged again, and a new log
 *	begins with every page set. slots_lock
 * @nr_logging: slots that log. Written under slots_lock
 */
struct um_dirty_vm {
	u64 manual;
	unsigned int nr_logging;
};

/* KVM_ENABLE_CAP; 0 or errno */
long um_dirty_set_manual(struct um_vm *vm, const struct kvm_enable_cap *cap);

/*
 * slots_lock held. The log of a slot that is not visible yet: 0 or -ENOMEM; the old one's bits for
 * a slot that moves; and, once readers know of it, have the first write to each page logged.
 */
int um_dirty_alloc(struct um_vm *vm, struct um_memslot *slot);
void um_dirty_copy(struct um_memslot *to, const struct um_memslot *from);
void um_dirty_start(struct um_vm *vm, struct um_memslot *slot);

/*
 * slots_lock held. Before readers know of a slot that logs: from then on vCPUs run as logging wants
 * it. When a slot that logged is gone.
 */
void um_dirty_begin(struct um_vm *vm);
void um_dirty_end(struct um_vm *vm);
/*
 * What vCPUs wrote up to now is in the log, and none of them still looks for a slot that its writes
 * concern. mmu_lock not held; waits for running vCPUs.
 */
void um_dirty_sync(struct um_vm *vm);

/* @gfn of @slot is written, or can be from now on. vm->srcu held; any context. */
void um_mark_dirty(struct um_vm *vm, struct um_memslot *slot, gfn_t gfn);

/* The CPU noted writes of @vcpu to these @n gpas; in guest mode, interrupts off. */
void um_dirty_logged(struct um_vcpu *vcpu, const u64 *gpas, unsigned int n);

/* The ioctls of the VM; 0 or errno */
long um_dirty_get_log(struct um_vm *vm, const struct kvm_dirty_log *log);
long um_dirty_clear_log(struct um_vm *vm, const struct kvm_clear_dirty_log *log);

#endif
