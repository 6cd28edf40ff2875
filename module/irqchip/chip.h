/* SPDX-License-Identifier: GPL-2.0 */
/* A VM's interrupt controllers besides its local APICs, and the routes to all of them. */
#ifndef UM_CHIP_H
#define UM_CHIP_H

#include <linux/rcupdate.h>
#include <linux/spinlock.h>

#include "ioapic.h"
#include "irqchip.h"
#include "pic.h"
#include "../iobus.h"
#include "../umbra.h"

#define UM_NR_CHIPS	3	/* KVM_IRQCHIP_*: the PICs and the IOAPIC */
#define UM_NO_GSI	(-1)

/* Where a GSI leads; immutable once published. */
struct irq_route {
	u32 gsi;
	u32 type;		/* KVM_IRQ_ROUTING_* */
	union {
		struct kvm_irq_routing_irqchip pin;	/* of the PICs, 0 to 15 */
		struct kvm_irq_routing_msi msi;
	};
};

/**
 * struct irq_routes - all routes of a VM; replaced as a whole under vm->lock, read under RCU
 * @rcu: to free it by
 * @gsi_of: the GSI that leads to a pin, or UM_NO_GSI
 * @level_vectors: split: vectors of level-triggered MSIs of the pins that userspace emulates
 * @nr_gsis: one more than the highest
 * @first: for each GSI, and one behind the last, where its routes begin in @route
 * @route: by GSI
 */
struct irq_routes {
	struct rcu_head rcu;
	s16 gsi_of[UM_NR_CHIPS][IOAPIC_PINS];
	DECLARE_BITMAP(level_vectors, 256);
	u32 nr_gsis;
	u32 *first;
	struct irq_route route[];
};

/* A range of the PICs' ports. */
struct chip_port {
	struct um_iodev dev;
	struct um_irqchip *chip;
};

/**
 * struct um_irqchip - see above
 * @vm: whose it is
 * @split: userspace emulates all but the local APICs
 * @reserved_pins: split: GSIs below this are the pins of userspace's IOAPIC
 * @lock: guards @pic, @ioapic and the sources; taken with interrupts off, in any context
 * @pic_sources, @ioapic_sources: who holds the line high: bits UM_IRQ_*
 * @edge_acks: somebody waits for the end of edge-triggered interrupts too
 * @pic_ports, @ioapic_mmio: on the buses
 * @routes: see there
 */
struct um_irqchip {
	struct um_vm *vm;
	bool split;
	u32 reserved_pins;
	raw_spinlock_t lock;
	struct pic pic;
	struct ioapic ioapic;
	u8 pic_sources[PIC_PINS], ioapic_sources[IOAPIC_PINS];
	atomic_t edge_acks;
	struct chip_port pic_ports[3];
	struct um_iodev ioapic_mmio;
	struct irq_routes __rcu *routes;
};

/* chip_io.c: put the controllers on the buses. vm->slots_lock held. 0 or errno, undone */
int um_chip_register(struct um_irqchip *chip);
/* A line of a controller. As pic_set_line(), ioapic_set_line(). */
int um_chip_set_pin(struct um_irqchip *chip, const struct kvm_irq_routing_irqchip *pin,
		    unsigned int source, bool level);
/* The PIC changed under the lock: wake who serves it, tell whose interrupts ended. Unlocks. */
void um_chip_unlock_pic(struct um_irqchip *chip, unsigned long flags) __releases(&chip->lock);

/* routing.c. default: vm->lock held */
int um_routes_init(struct um_irqchip *chip);
void um_routes_destroy(struct um_irqchip *chip);
/* The interrupt of a pin has ended: tell who waits for its GSI. */
void um_routes_acked(struct um_irqchip *chip, unsigned int nr, unsigned int pin);

#endif
