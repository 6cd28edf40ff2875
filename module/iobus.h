/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Devices in the kernel by port or physical address. A bus is an array that is replaced as a whole
 * under vm->slots_lock and read under vm->srcu.
 */
#ifndef UM_IOBUS_H
#define UM_IOBUS_H

#include "irq.h"

struct um_iodev;

/**
 * struct um_iodev_ops - what a device does
 * @read: @len bytes at @where into @data; true: answered. NULL: never
 * @write: the reverse
 * @destroy: it is off the bus and nobody is inside; frees it
 *
 * read and write are called by a vCPU's thread, with vm->srcu held; they may not sleep.
 */
struct um_iodev_ops {
	bool (*read)(struct um_iodev *dev, struct um_vcpu *vcpu, u64 where, unsigned int len,
		     void *data);
	bool (*write)(struct um_iodev *dev, struct um_vcpu *vcpu, u64 where, unsigned int len,
		      const void *data);
	void (*destroy)(struct um_iodev *dev);
};

/* A device, embedded in what it belongs to. @len 0: of @start alone, accesses of any length. */
struct um_iodev {
	const struct um_iodev_ops *ops;
	u64 start;
	unsigned int len;
};

struct um_iobus {
	unsigned int count, capacity;
	unsigned int widest;	/* the longest device */
	struct um_iodev *dev[];	/* by start */
};

/* vm->slots_lock held; they sleep. add: 0, -ENOMEM, -ENOSPC. After del nobody is inside @dev. */
int um_bus_add(struct um_vm *vm, enum um_bus bus, struct um_iodev *dev);
void um_bus_del(struct um_vm *vm, enum um_bus bus, struct um_iodev *dev);
/* The devices of @vm, for who holds vm->slots_lock; NULL: none. */
struct um_iobus *um_bus_locked(struct um_vm *vm, enum um_bus bus);
void um_bus_destroy(struct um_vm *vm);	/* with all devices; nobody can reach the VM */

/* An access of the guest's. vm->srcu held. False: no device took it. */
bool um_bus_read(struct um_vcpu *vcpu, enum um_bus bus, u64 where, unsigned int len, void *data);
bool um_bus_write(struct um_vcpu *vcpu, enum um_bus bus, u64 where, unsigned int len,
		  const void *data);
/* The same for memory that is none, where the vCPU's APIC lies too. */
bool um_mmio_read(struct um_vcpu *vcpu, gpa_t gpa, unsigned int len, void *data);
bool um_mmio_write(struct um_vcpu *vcpu, gpa_t gpa, unsigned int len, const void *data);

#endif
