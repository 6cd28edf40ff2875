// SPDX-License-Identifier: GPL-2.0
/*
 * The buses: which device in the kernel answers an access. vm->slots_lock guards changes, vm->srcu
 * readers.
 */
#include <linux/overflow.h>
#include <linux/slab.h>

#include "iobus.h"
#include "irqchip/irqchip.h"
#include "umbra.h"

#define UM_MAX_IODEVS	65536

/* The first device that may reach @where: the array is sorted, and none is longer than widest. */
static unsigned int first_near(const struct um_iobus *bus, u64 where)
{
	unsigned int low = 0, high = bus->count;
	u64 from = where > bus->widest ? where - bus->widest : 0;

	while (low < high) {
		unsigned int mid = (low + high) / 2;

		if (bus->dev[mid]->start < from)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool covers(const struct um_iodev *dev, u64 where, unsigned int len)
{
	if (!dev->len)
		return dev->start == where;
	return where + len <= dev->start + dev->len;
}

static struct um_iobus *bus_of(struct um_vcpu *vcpu, enum um_bus bus)
{
	return srcu_dereference(vcpu->vm->irq.bus[bus], &vcpu->vm->srcu);
}

bool um_bus_read(struct um_vcpu *vcpu, enum um_bus nr, u64 where, unsigned int len, void *data)
{
	const struct um_iobus *bus = bus_of(vcpu, nr);
	unsigned int i;

	if (!bus)
		return false;
	for (i = first_near(bus, where); i < bus->count && bus->dev[i]->start <= where; i++) {
		struct um_iodev *dev = bus->dev[i];

		if (covers(dev, where, len) && dev->ops->read &&
		    dev->ops->read(dev, vcpu, where, len, data))
			return true;
	}
	return false;
}

bool um_bus_write(struct um_vcpu *vcpu, enum um_bus nr, u64 where, unsigned int len,
		  const void *data)
{
	const struct um_iobus *bus = bus_of(vcpu, nr);
	unsigned int i;

	if (!bus)
		return false;
	for (i = first_near(bus, where); i < bus->count && bus->dev[i]->start <= where; i++) {
		struct um_iodev *dev = bus->dev[i];

		if (covers(dev, where, len) && dev->ops->write(dev, vcpu, where, len, data))
			return true;
	}
	return false;
}

bool um_mmio_read(struct um_vcpu *vcpu, gpa_t gpa, unsigned int len, void *data)
{
	gpa = um_gpa_plain(gpa);
	if (vcpu->irq.lapic && um_lapic_mmio_read(vcpu, gpa, len, data))
		return true;
	return um_bus_read(vcpu, UM_BUS_MMIO, gpa, len, data);
}

bool um_mmio_write(struct um_vcpu *vcpu, gpa_t gpa, unsigned int len, const void *data)
{
	gpa = um_gpa_plain(gpa);
	if (vcpu->irq.lapic && um_lapic_mmio_write(vcpu, gpa, len, data))
		return true;
	return um_bus_write(vcpu, UM_BUS_MMIO, gpa, len, data);
}

struct um_iobus *um_bus_locked(struct um_vm *vm, enum um_bus nr)
{
	return rcu_dereference_protected(vm->irq.bus[nr], lockdep_is_held(&vm->slots_lock));
}

static void append(struct um_iobus *bus, struct um_iodev *dev)
{
	bus->dev[bus->count++] = dev;
	bus->widest = max(bus->widest, dev->len);
}

/*
 * An array for @count devices: the one that the last change left over, if it is large enough. A
 * removal always finds it so.
 */
static struct um_iobus *bus_get(struct um_vm *vm, enum um_bus nr, unsigned int count)
{
	struct um_iobus *bus = vm->irq.bus_spare[nr];

	if (bus && bus->capacity >= count) {
		vm->irq.bus_spare[nr] = NULL;
		bus->count = 0;
		bus->widest = 0;
		return bus;
	}
	bus = kvzalloc(struct_size(bus, dev, count), GFP_KERNEL_ACCOUNT);
	if (bus)
		bus->capacity = count;
	return bus;
}

/* No reader knows the old array after this. */
static void publish(struct um_vm *vm, enum um_bus nr, struct um_iobus *old, struct um_iobus *bus)
{
	rcu_assign_pointer(vm->irq.bus[nr], bus);
	if (!old)
		return;
	synchronize_srcu_expedited(&vm->srcu);
	kvfree(vm->irq.bus_spare[nr]);
	vm->irq.bus_spare[nr] = old;
}

int um_bus_add(struct um_vm *vm, enum um_bus nr, struct um_iodev *dev)
{
	struct um_iobus *old = um_bus_locked(vm, nr), *bus;
	unsigned int i, count = old ? old->count : 0;

	if (count >= UM_MAX_IODEVS)
		return -ENOSPC;
	bus = bus_get(vm, nr, count + 1);
	if (!bus)
		return -ENOMEM;
	for (i = 0; i < count && old->dev[i]->start <= dev->start; i++)
		append(bus, old->dev[i]);
	append(bus, dev);
	for (; i < count; i++)
		append(bus, old->dev[i]);
	publish(vm, nr, old, bus);
	return 0;
}

void um_bus_del(struct um_vm *vm, enum um_bus nr, struct um_iodev *dev)
{
	struct um_iobus *old = um_bus_locked(vm, nr), *bus = NULL;
	unsigned int i;

	if (old->count > 1) {
		bus = bus_get(vm, nr, old->count - 1);
		for (i = 0; i < old->count; i++)
			if (old->dev[i] != dev)
				append(bus, old->dev[i]);
	}
	publish(vm, nr, old, bus);
}

void um_bus_destroy(struct um_vm *vm)
{
	enum um_bus nr;
	unsigned int i;

	for (nr = 0; nr < UM_NR_BUSES; nr++) {
		struct um_iobus *bus = rcu_dereference_raw(vm->irq.bus[nr]);

		for (i = 0; bus && i < bus->count; i++)
			if (bus->dev[i]->ops->destroy)
				bus->dev[i]->ops->destroy(bus->dev[i]);
		kvfree(bus);
		kvfree(vm->irq.bus_spare[nr]);
	}
}
