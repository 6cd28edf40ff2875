/* SPDX-License-Identifier: GPL-2.0 */
/* Writes of the guest that userspace wants to see later, many at once: KVM_CAP_COALESCED_MMIO. */
#ifndef UM_COALESCED_H
#define UM_COALESCED_H

#include <linux/list.h>
#include <linux/spinlock.h>

struct kvm_coalesced_mmio_ring;
struct page;
struct um_vm;

struct um_coalesced {
	spinlock_t lock;	/* the ring has one producer at a time */
	struct kvm_coalesced_mmio_ring *ring;	/* a page, once somebody wants it; cmpxchg */
	struct list_head zones;	/* slots_lock */
};

void um_coalesced_init(struct um_vm *vm);
void um_coalesced_destroy(struct um_vm *vm);	/* after its buses */
struct page *um_coalesced_page(struct um_vm *vm);	/* the ring for mmap; NULL: no memory */
/* KVM_REGISTER_COALESCED_MMIO and its undoing */
long um_coalesced_register(void *owner, void *arg, unsigned long uarg);
long um_coalesced_unregister(void *owner, void *arg, unsigned long uarg);

#endif
