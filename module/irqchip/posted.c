// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts for an APIC that the CPU runs: they are posted, not written to its page, which the CPU
 * may be using. And what that CPU has to know besides the page. Posting needs no lock; the rest is
 * the owner's.
 */
#include <linux/bitmap.h>

#include "posted.h"
#include "vlapic.h"

#define VECTORS		256

bool posted_accept(struct um_lapic *l, const struct irq_msg *msg)
{
	struct posted *p = l->posted;

	if (!lapic_trigger(&l->regs, msg->vector, msg->level))
		return false;
	if (um_chip_waits(l->vcpu, msg)) {
		set_bit(msg->vector, p->held);
		/* Pairs with take_held(). */
		smp_store_release(&p->holding, true);
		vlapic_post(l->vcpu);
		return true;
	}
	set_bit(msg->vector, p->requests);
	/* Full barriers: pairs with posted_take(). Who set it before has told the owner. */
	if (!test_and_set_bit(POSTED_ON, &p->control))
		um_apicv_notify(l->vcpu);
	return true;
}

static void merge(struct lapic *regs, unsigned int word, unsigned long bits)
{
	lapic_or(lapic_word(regs, LAPIC_IRR, word * 64), bits);
	lapic_or(lapic_word(regs, LAPIC_IRR, word * 64 + 32), bits >> 32);
}

static void take_held(struct um_lapic *l)
{
	unsigned long bits;
	unsigned int i;

	/* Pairs with posted_accept(): a vector that is not taken leaves the flag set. */
	smp_store_mb(l->posted->holding, false);
	for (i = 0; i < ARRAY_SIZE(l->posted->held); i++) {
		bits = xchg(&l->posted->held[i], 0);
		if (!bits)
			continue;
		merge(&l->regs, i, bits);
		l->exits_new |= bits & ~l->exits[i];
		l->exits[i] |= bits;
	}
}

void posted_take(struct um_lapic *l)
{
	struct posted *p = l->posted;
	unsigned int i;

	if (test_bit(POSTED_ON, &p->control)) {
		clear_bit(POSTED_ON, &p->control);
		/* A request that is not seen below finds the bit clear, and tells us. */
		smp_mb__after_atomic();
		for (i = 0; i < ARRAY_SIZE(p->requests); i++)
			if (READ_ONCE(p->requests[i]))
				merge(&l->regs, i, xchg(&p->requests[i], 0));
	}
	if (READ_ONCE(p->holding))
		take_held(l);
}

void um_lapic_merge(struct um_vcpu *vcpu)
{
	vlapic_take_posted(vcpu->irq.lapic);
}

bool um_lapic_sw_enabled(const struct um_vcpu *vcpu)
{
	return lapic_sw_enabled(&vcpu->irq.lapic->regs);
}

const void *um_lapic_page(const struct um_vcpu *vcpu)
{
	return vcpu->irq.lapic->regs.regs;
}

const void *um_lapic_descriptor(const struct um_vcpu *vcpu)
{
	return vcpu->irq.lapic->posted;
}

void um_lapic_moved(struct um_vcpu *vcpu)
{
	struct um_lapic *l = vcpu->irq.lapic;
	unsigned int i;

	if (!l->posted)
		return;
	vlapic_note_regs(l);
	l->serving_new = true;
	l->exits_new = true;
	for (i = 0; i < ARRAY_SIZE(l->exits); i++)
		l->exits[i] = lapic_get(&l->regs, LAPIC_TMR + 2 * i * 16) |
			      (u64)lapic_get(&l->regs, LAPIC_TMR + (2 * i + 1) * 16) << 32;
	um_chip_awaited(vcpu, l->exits);
}

const u64 *um_lapic_new_exits(struct um_vcpu *vcpu)
{
	struct um_lapic *l = vcpu->irq.lapic;

	if (!l->exits_new)
		return NULL;
	l->exits_new = false;
	return (const u64 *)l->exits;
}

u8 um_lapic_requested(const struct um_vcpu *vcpu)
{
	return max(lapic_highest(&vcpu->irq.lapic->regs, LAPIC_IRR), 0);
}

int um_lapic_new_serving(struct um_vcpu *vcpu)
{
	struct um_lapic *l = vcpu->irq.lapic;

	if (!l->serving_new)
		return -1;
	l->serving_new = false;
	return max(lapic_highest(&l->regs, LAPIC_ISR), 0);
}

void um_lapic_ended(struct um_vcpu *vcpu, u8 vector)
{
	struct um_lapic *l = vcpu->irq.lapic;

	vlapic_tell_end(l, vector);
	if (um_chip_hears(vcpu, vector))
		return;
	__clear_bit(vector, l->exits);
	l->exits_new = true;
	um_make_request(vcpu, UM_REQ_EVENT);
}
