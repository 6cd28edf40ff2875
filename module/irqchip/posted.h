/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where interrupts wait for a local APIC whose register page the CPU may be using. Anybody posts;
 * the owner merges, and the CPU does where it processes posted interrupts.
 */
#ifndef UM_POSTED_H
#define UM_POSTED_H

#include <linux/atomic.h>
#include <linux/types.h>

struct irq_msg;
struct um_lapic;

#define POSTED_ON	0	/* bit of posted.control: there are requests, and the owner knows */

/**
 * struct posted - a posted-interrupt descriptor (SDM "Posted-Interrupt Processing")
 * @requests: one bit for each vector; atomic
 * @control: POSTED_ON; atomic
 * @held: vectors whose end somebody waits for: the CPU must be told so first, so the owner alone
 *	merges them; atomic
 * @holding: there are any; written after @held
 */
struct posted {
	unsigned long requests[4];
	unsigned long control;
	unsigned long reserved[3];
	/* Ours. */
	unsigned long held[4];
	bool holding;
};

/* As lapic_accept(). Any thread. */
bool posted_accept(struct um_lapic *l, const struct irq_msg *msg);
/* What waits goes to IRR. The owner's. */
void posted_take(struct um_lapic *l);

static inline bool posted_waits(const struct posted *p)
{
	return test_bit(POSTED_ON, &p->control) || READ_ONCE(p->holding);
}

#endif
