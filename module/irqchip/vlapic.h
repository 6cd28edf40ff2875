/* SPDX-License-Identifier: GPL-2.0 */
/* A vCPU's local APIC: the registers, the timer, and what messages left for its thread. */
#ifndef UM_VLAPIC_H
#define UM_VLAPIC_H

#include <linux/hrtimer.h>

#include "irqchip.h"
#include "lapic.h"
#include "posted.h"
#include "../umbra.h"

#define VLAPIC_INIT	0	/* bits of pending */
#define VLAPIC_SIPI	1

/**
 * struct um_lapic - see above; the vCPU's mutex guards what is not said to be atomic
 * @regs: the registers
 * @vcpu: whose it is
 * @timer: fires in hard interrupt context
 * @period_ns: one turn of the timer, 0: it never started
 * @deadline: IA32_TSC_DEADLINE; the timer clears it
 * @pending: VLAPIC_*; atomic
 * @sipi_vector: of the last SIPI; written before its bit in @pending
 * @nmis: not yet taken; atomic
 * @unhalted: the guest woke it by hypercall; set by others, cleared by the owner
 * @extint: split: the vector of userspace's PIC, -1: none
 * @ended: split: the vector whose end userspace's IOAPIC has to hear of
 * @posted: where interrupts wait for @regs; NULL: nowhere, the CPU never has those
 * @exits: vectors of whose end the CPU, while it runs @regs, has to tell
 * @exits_new: it does not know @exits yet
 * @serving_new: what is in service has changed behind its back
 * @known: an xAPIC that the CPU runs: the registers after the last write that was heard of
 */
struct um_lapic {
	struct lapic regs;
	struct um_vcpu *vcpu;
	struct hrtimer timer;
	u64 period_ns;
	u64 deadline;
	unsigned long pending;
	u8 sipi_vector;
	atomic_t nmis;
	bool unhalted;
	int extint;
	u8 ended;
	struct posted *posted;
	unsigned long exits[4];
	bool exits_new, serving_new;
	u32 known[LAPIC_REGS_SIZE / LAPIC_STRIDE];
};

/* lapic_vcpu.c: an interrupt has left ISR: tell who waits for that */
void vlapic_tell_end(struct um_lapic *l, u8 vector);

/* What others have posted counts from here on. */
static inline void vlapic_take_posted(struct um_lapic *l)
{
	if (l->posted && posted_waits(l->posted))
		posted_take(l);
}

/* Of writes to the page of an xAPIC that the CPU runs we hear when they have been made. */
static inline void vlapic_note_regs(struct um_lapic *l)
{
	unsigned int i;

	if (l->vcpu->irq.hw_apic != HW_APIC_XAPIC)
		return;
	for (i = 0; i < ARRAY_SIZE(l->known); i++)
		l->known[i] = lapic_get(&l->regs, i * LAPIC_STRIDE);
}

/* deliver.c */
void vlapic_post(struct um_vcpu *vcpu);	/* its thread looks for events; any context */
int vlapic_accept(struct um_lapic *l, const struct irq_msg *msg);	/* 1: taken, 0: not */
void vlapic_local(struct um_lapic *l, u32 lvt);	/* what the LVT register says happens */

/* chip.c: an interrupt ended in @vcpu's APIC; @broadcast: the IOAPICs are told */
void um_chip_ended(struct um_vcpu *vcpu, u8 vector, bool level, bool broadcast);

/* chip.c: somebody waits for the end of the interrupt that @vcpu serves, or that arrives */
bool um_chip_hears(struct um_vcpu *vcpu, u8 vector);
bool um_chip_waits(struct um_vcpu *vcpu, const struct irq_msg *msg);
/* chip.c: add the vectors whose end somebody awaits although they are edge-triggered */
void um_chip_awaited(struct um_vcpu *vcpu, unsigned long *vectors);

/* lapic_timer.c: the owner's calls */
void vlapic_timer_init(struct um_lapic *l);
void vlapic_timer_stop(struct um_lapic *l);
void vlapic_timer_start(struct um_lapic *l);	/* from TMICT */
void vlapic_timer_rescale(struct um_lapic *l);	/* the divisor changed */
u32 vlapic_timer_count(struct um_lapic *l);	/* TMCCT */
/* After SET_LAPIC: go on from the current count that was given. */
void vlapic_timer_restore(struct um_lapic *l, u32 tmcct);

#endif
