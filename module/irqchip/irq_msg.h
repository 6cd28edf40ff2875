/* SPDX-License-Identifier: GPL-2.0 */
/* An interrupt on its way to local APICs, as IPIs, MSIs and redirection entries describe it. */
#ifndef UM_IRQ_MSG_H
#define UM_IRQ_MSG_H

#include "../types.h"

/* SDM "Interrupt Command Register (ICR)": delivery modes and shorthands. */
enum irq_delivery {
	IRQ_FIXED, IRQ_LOWEST, IRQ_SMI, IRQ_REMOTE_READ, IRQ_NMI, IRQ_INIT, IRQ_STARTUP, IRQ_EXTINT,
};

enum irq_shorthand { IRQ_NO_SHORTHAND, IRQ_SELF, IRQ_ALL, IRQ_ALL_BUT_SELF };

/**
 * struct irq_msg - one interrupt message
 * @dest: whom it addresses
 * @vector: the interrupt
 * @delivery: enum irq_delivery
 * @shorthand: enum irq_shorthand, of IPIs
 * @logical: @dest is a logical one
 * @level: level-triggered: the EOI is broadcast
 * @assert: the level is high
 * @lowest: one of those addressed is to take it, besides IRQ_LOWEST
 * @ipi: a processor sent it
 * @pin: it comes from a pin of the IOAPIC
 */
struct irq_msg {
	u32 dest;
	u8 vector, delivery, shorthand;
	bool logical, level, assert, lowest, ipi, pin;
};

#endif
