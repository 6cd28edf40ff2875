// SPDX-License-Identifier: GPL-2.0
/*
 * Coalesced MMIO and port writes: noted in a ring that userspace reads at its next exit. The zones
 * belong to vm->slots_lock; vm->coalesced.lock lets one vCPU write to the ring at a time.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "iobus.h"
#include "umbra.h"

struct um_coalesced_zone {
	struct um_iodev dev;
	struct um_vm *vm;
	struct list_head list;
	bool pio;
};

static struct kvm_coalesced_mmio_ring *um_coalesced_ring(struct um_vm *vm)
{
	struct kvm_coalesced_mmio_ring *ring = READ_ONCE(vm->coalesced.ring), *other;

	if (ring)
		return ring;
	ring = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!ring)
		return NULL;
	other = cmpxchg(&vm->coalesced.ring, NULL, ring);
	if (!other)
		return ring;
	free_page((unsigned long)ring);
	return other;
}

struct page *um_coalesced_page(struct um_vm *vm)
{
	struct kvm_coalesced_mmio_ring *ring = um_coalesced_ring(vm);

	return ring ? virt_to_page(ring) : NULL;
}

/* Userspace owns @first, and may write anything anywhere: no index is used unchecked. */
static bool um_coalesced_push(struct um_vm *vm, const struct kvm_coalesced_mmio *entry)
{
	struct kvm_coalesced_mmio_ring *ring = vm->coalesced.ring;
	u32 last = READ_ONCE(ring->last), next = (last + 1) % KVM_COALESCED_MMIO_MAX;

	if (last >= KVM_COALESCED_MMIO_MAX || next == READ_ONCE(ring->first))
		return false;
	ring->coalesced_mmio[last] = *entry;
	/* The entry is there before userspace is told; pairs with its read barrier. */
	smp_store_release(&ring->last, next);
	return true;
}

static bool um_coalesced_write(struct um_iodev *dev, struct um_vcpu *vcpu, u64 where,
			       unsigned int len, const void *data)
{
	struct um_coalesced_zone *zone = container_of(dev, struct um_coalesced_zone, dev);
	struct kvm_coalesced_mmio entry = { .phys_addr = where, .len = len, .pio = zone->pio };
	bool done;

	if (len > sizeof(entry.data))
		return false;
	memcpy(entry.data, data, len);
	spin_lock(&zone->vm->coalesced.lock);
	done = um_coalesced_push(zone->vm, &entry);
	spin_unlock(&zone->vm->coalesced.lock);
	return done;
}

static void um_coalesced_free(struct um_iodev *dev)
{
	struct um_coalesced_zone *zone = container_of(dev, struct um_coalesced_zone, dev);

	list_del(&zone->list);
	kfree(zone);
}

static const struct um_iodev_ops um_coalesced_ops = {
	.write = um_coalesced_write,
	.destroy = um_coalesced_free,
};

static enum um_bus um_zone_bus(bool pio)
{
	return pio ? UM_BUS_PIO : UM_BUS_MMIO;
}

static long um_zone_add(struct um_vm *vm, const struct kvm_coalesced_mmio_zone *user)
{
	struct um_coalesced_zone *zone = kzalloc(sizeof(*zone), GFP_KERNEL_ACCOUNT);
	long r;

	if (!zone)
		return -ENOMEM;
	zone->dev = (struct um_iodev){
		.ops = &um_coalesced_ops,
		.start = user->addr,
		.len = user->size,
	};
	zone->vm = vm;
	zone->pio = user->pio;
	mutex_lock(&vm->slots_lock);
	r = um_bus_add(vm, um_zone_bus(zone->pio), &zone->dev);
	if (!r)
		list_add(&zone->list, &vm->coalesced.zones);
	mutex_unlock(&vm->slots_lock);
	if (r)
		kfree(zone);
	return r;
}

long um_coalesced_register(void *owner, void *arg, unsigned long uarg)
{
	const struct kvm_coalesced_mmio_zone *user = arg;
	struct um_vm *vm = owner;

	if (user->pio > 1)
		return -EINVAL;
	if (!user->size)
		return 0;
	return um_coalesced_ring(vm) ? um_zone_add(vm, user) : -ENOMEM;
}

static bool um_zone_holds(const struct um_coalesced_zone *zone,
			  const struct kvm_coalesced_mmio_zone *user)
{
	u64 offset = user->addr - zone->dev.start;

	return zone->pio == user->pio && user->addr >= zone->dev.start &&
	       offset <= zone->dev.len && user->size <= zone->dev.len - offset;
}

/* All zones in which the given one lies. */
long um_coalesced_unregister(void *owner, void *arg, unsigned long uarg)
{
	const struct kvm_coalesced_mmio_zone *user = arg;
	struct um_coalesced_zone *zone, *next;
	struct um_vm *vm = owner;

	if (user->pio > 1)
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	list_for_each_entry_safe(zone, next, &vm->coalesced.zones, list) {
		if (!um_zone_holds(zone, user))
			continue;
		um_bus_del(vm, um_zone_bus(zone->pio), &zone->dev);
		um_coalesced_free(&zone->dev);
	}
	mutex_unlock(&vm->slots_lock);
	return 0;
}

void um_coalesced_init(struct um_vm *vm)
{
	spin_lock_init(&vm->coalesced.lock);
	INIT_LIST_HEAD(&vm->coalesced.zones);
}

void um_coalesced_destroy(struct um_vm *vm)
{
	free_page((unsigned long)vm->coalesced.ring);
}
