// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC's registers and its priorities; pure. The owner's thread calls it, but for
 * lapic_accept() and lapic_matches(). SDM "Advanced Programmable Interrupt Controller (APIC)".
 */
#include "lapic.h"

#define VERSION			0x14
#define VERSION_EOI_SUPPRESS	BIT(24)
#define NR_LVT			6
#define LVT_STRIDE		16
#define BROADCAST		0xffu
#define X2APIC_BROADCAST	0xffffffffu
#define DFR_FLAT		0xffffffffu
#define DFR_RESERVED		0x0fffffffu
#define SPIV_RESET		0xff
#define SPIV_WRITABLE		0x3ff
#define TDCR_WRITABLE		0xb
#define PRIORITY_CLASS		0xf0
#define HIGH_BYTE		0xff000000u

/* Bits of each LVT register that software can write. SDM "Local Vector Table (LVT)". */
#define LVT_COMMON		(LAPIC_LVT_MASKED | BIT(12) | 0xff)
#define LVT_DELIVERY		0x700
#define LVT_LINT		(LVT_COMMON | LVT_DELIVERY | BIT(13) | BIT(14) | LAPIC_LVT_LEVEL)
#define LVT_MODE_PERIODIC	BIT(17)
#define LVT_MODE_DEADLINE	BIT(18)
#define LVT_EXTINT		(IRQ_EXTINT << 8)

static const u32 lvt_writable[NR_LVT] = {
	LVT_COMMON, LVT_COMMON | LVT_DELIVERY, LVT_COMMON | LVT_DELIVERY, LVT_LINT, LVT_LINT,
	LVT_COMMON,
};

/* An x2APIC's logical id follows from its id. SDM "Logical Destination Mode in x2APIC Mode". */
static u32 x2apic_ldr(u32 id)
{
	return (id >> 4) << 16 | BIT(id & 15);
}

static void set_ids(struct lapic *l)
{
	lapic_set(l, LAPIC_ID, l->x2apic ? l->id : l->id << 24);
	if (l->x2apic)
		lapic_set(l, LAPIC_LDR, x2apic_ldr(l->id));
}

void lapic_set_version(struct lapic *l)
{
	lapic_set(l, LAPIC_VERSION, VERSION | (NR_LVT - 1 + l->cmci) << 16 |
		  (l->eoi_suppress ? VERSION_EOI_SUPPRESS : 0));
}

void lapic_set_cmci(struct lapic *l, bool cmci)
{
	if (l->cmci == cmci)
		return;
	l->cmci = cmci;
	lapic_set(l, LAPIC_LVTCMCI, cmci ? LAPIC_LVT_MASKED : 0);
	lapic_set_version(l);
}

void lapic_reset(struct lapic *l, bool lint0_extint)
{
	u32 reg;

	/*
	 * The SIPI that follows an INIT is on its way already, and finds its target by the ID: that
	 * must read right all the time.
	 */
	set_ids(l);
	memset(l->regs + LAPIC_VERSION / 4, 0, LAPIC_REGS_SIZE - LAPIC_VERSION);
	set_ids(l);
	lapic_set_version(l);
	for (reg = LAPIC_LVTT; reg <= LAPIC_LVTERR; reg += LVT_STRIDE)
		lapic_set(l, reg, LAPIC_LVT_MASKED);
	if (l->cmci)
		lapic_set(l, LAPIC_LVTCMCI, LAPIC_LVT_MASKED);
	if (lint0_extint)
		lapic_set(l, LAPIC_LVT0, LVT_EXTINT);
	lapic_set(l, LAPIC_DFR, DFR_FLAT);
	lapic_set(l, LAPIC_SPIV, SPIV_RESET);
}

void lapic_set_mode(struct lapic *l, bool enabled, bool x2apic)
{
	bool was_enabled = l->enabled, was_x2apic = l->x2apic;

	WRITE_ONCE(l->enabled, enabled);
	WRITE_ONCE(l->x2apic, x2apic);
	if ((enabled && !was_enabled) || (x2apic && !was_x2apic))
		set_ids(l);
}

int lapic_highest(const struct lapic *l, u32 bank)
{
	int word;

	for (word = 7; word >= 0; word--) {
		u32 bits = lapic_get(l, bank + word * 16);

		if (bits)
			return word * 32 + fls(bits) - 1;
	}
	return -1;
}

static u32 priority(const struct lapic *l)
{
	u32 tpr = lapic_get(l, LAPIC_TPR);
	int isr = lapic_highest(l, LAPIC_ISR);
	u32 serving = isr < 0 ? 0 : isr & PRIORITY_CLASS;

	return (tpr & PRIORITY_CLASS) >= serving ? tpr & 0xff : serving;
}

int lapic_pending(const struct lapic *l)
{
	int irr = l->enabled ? lapic_highest(l, LAPIC_IRR) : -1;

	if (irr < 0 || (irr & PRIORITY_CLASS) <= (priority(l) & PRIORITY_CLASS))
		return -1;
	return irr;
}

void lapic_ack(struct lapic *l, u8 vector)
{
	lapic_andnot(lapic_word(l, LAPIC_IRR, vector), BIT(vector % 32));
	*lapic_word(l, LAPIC_ISR, vector) |= BIT(vector % 32);
}

bool lapic_serves_only(const struct lapic *l, u8 vector)
{
	return lapic_highest(l, LAPIC_ISR) == vector && lapic_highest(l, LAPIC_IRR) < 0;
}

int lapic_eoi(struct lapic *l)
{
	int vector = lapic_highest(l, LAPIC_ISR);

	if (vector >= 0)
		*lapic_word(l, LAPIC_ISR, vector) &= ~BIT(vector % 32);
	return vector;
}

bool lapic_trigger(struct lapic *l, u8 vector, bool level)
{
	u32 *tmr = lapic_word(l, LAPIC_TMR, vector), bit = BIT(vector % 32);

	if (!READ_ONCE(l->enabled) || !lapic_sw_enabled(l))
		return false;
	if (level && !(READ_ONCE(*tmr) & bit))
		lapic_or(tmr, bit);
	else if (!level && (READ_ONCE(*tmr) & bit))
		lapic_andnot(tmr, bit);
	return true;
}

bool lapic_accept(struct lapic *l, u8 vector, bool level)
{
	if (!lapic_trigger(l, vector, level))
		return false;
	lapic_or(lapic_word(l, LAPIC_IRR, vector), BIT(vector % 32));
	return true;
}

static bool matches_physical(const struct lapic *l, u32 dest)
{
	/* Ids that an xAPIC cannot express are reached as if it were an x2APIC. */
	if (l->x2apic || l->id > BROADCAST)
		return dest == l->id;
	return dest == lapic_get(l, LAPIC_ID) >> 24;
}

static bool matches_logical(const struct lapic *l, u32 dest)
{
	u32 ldr = lapic_get(l, LAPIC_LDR);

	if (l->x2apic)
		return ldr >> 16 == dest >> 16 && (ldr & dest & 0xffff);
	ldr >>= 24;
	switch (lapic_get(l, LAPIC_DFR)) {
	case DFR_FLAT:
		return ldr & dest;
	case DFR_RESERVED:
		return ldr >> 4 == dest >> 4 && (ldr & dest & 0xf);
	default:
		return false;
	}
}

bool lapic_matches(const struct lapic *l, const struct irq_msg *msg, bool fixed_broadcast)
{
	u32 dest = msg->dest;

	if (!READ_ONCE(l->enabled))
		return false;
	if (fixed_broadcast && !msg->ipi && dest == BROADCAST && l->x2apic)
		return true;
	if (dest == (l->x2apic ? X2APIC_BROADCAST : BROADCAST))
		return true;
	return msg->logical ? matches_logical(l, dest) : matches_physical(l, dest);
}

struct irq_msg lapic_icr_msg(const struct lapic *l, u32 low, u32 high)
{
	return (struct irq_msg) {
		.dest = l->x2apic ? high : high >> 24,
		.vector = low,
		.delivery = (low >> 8) & 7,
		.logical = low & BIT(11),
		.assert = low & BIT(14),
		.level = low & BIT(15),
		.shorthand = (low >> 18) & 3,
		.ipi = true,
	};
}

/* Those that only one of the modes has. SDM "x2APIC Register Address Space". */
static bool mode_has(const struct lapic *l, u32 reg)
{
	switch (reg) {
	case LAPIC_ARBPRI:
	case LAPIC_DFR:
	case LAPIC_ICR2:
		return !l->x2apic;
	case LAPIC_LVTCMCI:
		return l->cmci;
	default:
		return true;
	}
}

int lapic_read(const struct lapic *l, u32 reg, u32 *val)
{
	switch (reg) {
	case LAPIC_ID:
	case LAPIC_VERSION:
	case LAPIC_TPR:
	case LAPIC_ARBPRI:
	case LAPIC_LDR:
	case LAPIC_DFR:
	case LAPIC_SPIV:
	case LAPIC_ISR ... LAPIC_ESR:
	case LAPIC_LVTCMCI:
	case LAPIC_ICR ... LAPIC_TMCCT:
	case LAPIC_TDCR:
		*val = lapic_get(l, reg);
		break;
	case LAPIC_PPR:
		*val = priority(l);
		break;
	default:
		return 1;
	}
	return !mode_has(l, reg);
}

static int write_lvt(struct lapic *l, u32 reg, u32 val)
{
	u32 mask = reg == LAPIC_LVTCMCI ? LVT_COMMON | LVT_DELIVERY :
					  lvt_writable[(reg - LAPIC_LVTT) / LVT_STRIDE];
	bool was_deadline = lapic_timer_mode(l) == LAPIC_DEADLINE;

	if (!lapic_sw_enabled(l))
		val |= LAPIC_LVT_MASKED;
	if (reg == LAPIC_LVTT)
		mask |= LVT_MODE_PERIODIC | (l->deadline_offered ? LVT_MODE_DEADLINE : 0);
	lapic_set(l, reg, val & mask);
	if ((lapic_timer_mode(l) == LAPIC_DEADLINE) != was_deadline) {
		lapic_set(l, LAPIC_TMICT, 0);
		return LAPIC_FX_TIMER_STOP;
	}
	return reg == LAPIC_LVT0 ? LAPIC_FX_EVENT : 0;
}

static int write_spiv(struct lapic *l, u32 val)
{
	u32 mask = SPIV_WRITABLE, reg;

	if (l->eoi_suppress)
		mask |= LAPIC_SPIV_NO_BROADCAST;
	lapic_set(l, LAPIC_SPIV, val & mask);
	if (!(val & LAPIC_SPIV_ENABLED))
		for (reg = LAPIC_LVTT; reg <= LAPIC_LVTERR; reg += LVT_STRIDE)
			lapic_set(l, reg, lapic_get(l, reg) | LAPIC_LVT_MASKED);
	if (l->cmci && !(val & LAPIC_SPIV_ENABLED))
		lapic_set(l, LAPIC_LVTCMCI, lapic_get(l, LAPIC_LVTCMCI) | LAPIC_LVT_MASKED);
	return LAPIC_FX_ENABLE | LAPIC_FX_EVENT;
}

static int write_tpr(struct lapic *l, u32 val)
{
	lapic_set(l, LAPIC_TPR, val & 0xff);
	return LAPIC_FX_TPR | LAPIC_FX_EVENT;
}

/* The ids are fixed in x2APIC mode, and DFR does not exist. */
static int write_xapic(struct lapic *l, u32 reg, u32 val)
{
	if (l->x2apic)
		return -EINVAL;
	if (reg == LAPIC_DFR)
		lapic_set(l, reg, val | DFR_RESERVED);
	else
		lapic_set(l, reg, val & HIGH_BYTE);
	return 0;
}

static int write_timer(struct lapic *l, u32 reg, u32 val)
{
	if (reg == LAPIC_TMICT) {
		if (lapic_timer_mode(l) == LAPIC_DEADLINE)
			return 0;
		lapic_set(l, reg, val);
		return LAPIC_FX_TIMER_COUNT;
	}
	lapic_set(l, reg, val & TDCR_WRITABLE);
	return LAPIC_FX_TIMER_DIVIDE;
}

static int write_icr(struct lapic *l, u32 val)
{
	lapic_set(l, LAPIC_ICR, val & ~LAPIC_ICR_BUSY);
	return LAPIC_FX_IPI;
}

int lapic_write(struct lapic *l, u32 reg, u32 val)
{
	switch (reg) {
	case LAPIC_EOI:
		return LAPIC_FX_EOI;
	case LAPIC_ICR:
		return write_icr(l, val);
	case LAPIC_TPR:
		return write_tpr(l, val);
	case LAPIC_ID:
	case LAPIC_LDR:
	case LAPIC_DFR:
	case LAPIC_ICR2:
		return write_xapic(l, reg, val);
	case LAPIC_SPIV:
		return write_spiv(l, val);
	case LAPIC_LVTCMCI:
		return l->cmci ? write_lvt(l, reg, val) : -EINVAL;
	case LAPIC_LVTT:
	case LAPIC_LVTTHMR:
	case LAPIC_LVTPC:
	case LAPIC_LVT0:
	case LAPIC_LVT1:
	case LAPIC_LVTERR:
		return write_lvt(l, reg, val);
	case LAPIC_TMICT:
	case LAPIC_TDCR:
		return write_timer(l, reg, val);
	case LAPIC_ESR:
		return l->x2apic && val ? -EINVAL : 0;
	case LAPIC_SELF_IPI:
		return l->x2apic ? write_icr(l, (val & 0xff) | IRQ_SELF << 18) : -EINVAL;
	default:
		return -EINVAL;
	}
}

void lapic_save(const struct lapic *l, u32 *state, bool wide_ids)
{
	memcpy(state, l->regs, LAPIC_REGS_SIZE);
	state[LAPIC_PPR / 4] = priority(l);
	if (l->x2apic && !wide_ids)
		state[LAPIC_ID / 4] = l->id << 24;
}

int lapic_restore(struct lapic *l, const u32 *state, bool wide_ids)
{
	if (l->x2apic && wide_ids && state[LAPIC_ID / 4] != l->id)
		return -EINVAL;
	memcpy(l->regs, state, LAPIC_REGS_SIZE);
	if (l->x2apic)
		set_ids(l);
	lapic_set_version(l);
	return 0;
}
