/* SPDX-License-Identifier: GPL-2.0 */
/* The 82093AA I/O APIC as a state machine; pure. The caller locks. */
#ifndef UM_IOAPIC_H
#define UM_IOAPIC_H

#include <linux/kvm.h>

#include "../types.h"
#include "irq_msg.h"

#define IOAPIC_PINS	KVM_IOAPIC_NUM_PINS
#define IOAPIC_BASE	0xfec00000ULL
#define IOAPIC_LEN	0x100

/**
 * struct ioapic - one I/O APIC
 * @deliver: send a message: how many took it
 * @redir: the redirection table
 * @irr: pins that are high, or edge-triggered ones that were not low since
 * @delivered: of these, edges that have been sent
 * @id, @select: registers
 */
struct ioapic {
	int (*deliver)(struct ioapic *io, const struct irq_msg *msg);
	u64 redir[IOAPIC_PINS];
	u32 irr, delivered;
	u32 id, select;
};

void ioapic_init(struct ioapic *io);
/* How many took it; 0: one more of the same, or none; -1: masked or still served. */
int ioapic_set_line(struct ioapic *io, unsigned int pin, bool level);
u32 ioapic_read(const struct ioapic *io, unsigned int offset);
void ioapic_write(struct ioapic *io, unsigned int offset, u32 val);
u32 ioapic_pins_of(const struct ioapic *io, u8 vector);	/* that have this vector */
/* A level-triggered interrupt of @vector has ended: one that is still high comes again. */
void ioapic_eoi(struct ioapic *io, u8 vector);
void ioapic_save(const struct ioapic *io, struct kvm_ioapic_state *state);
void ioapic_restore(struct ioapic *io, const struct kvm_ioapic_state *state);

#endif
