/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The local APIC's registers as a state machine; pure, builds in userspace. The owner's thread
 * writes it; IRR and TMR alone are also changed by whoever delivers, atomically.
 */
#ifndef UM_LAPIC_H
#define UM_LAPIC_H

#include "../types.h"
#include "irq_msg.h"

#ifdef __KERNEL__
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/compiler.h>
#endif

/* Offsets of the registers in the page. SDM "Local APIC Register Address Map". */
enum lapic_reg {
	LAPIC_ID	= 0x020,
	LAPIC_VERSION	= 0x030,
	LAPIC_TPR	= 0x080,
	LAPIC_ARBPRI	= 0x090,
	LAPIC_PPR	= 0x0a0,
	LAPIC_EOI	= 0x0b0,
	LAPIC_LDR	= 0x0d0,
	LAPIC_DFR	= 0x0e0,
	LAPIC_SPIV	= 0x0f0,
	LAPIC_ISR	= 0x100,
	LAPIC_TMR	= 0x180,
	LAPIC_IRR	= 0x200,
	LAPIC_ESR	= 0x280,
	LAPIC_LVTCMCI	= 0x2f0,
	LAPIC_ICR	= 0x300,
	LAPIC_ICR2	= 0x310,
	LAPIC_LVTT	= 0x320,
	LAPIC_LVTTHMR	= 0x330,
	LAPIC_LVTPC	= 0x340,
	LAPIC_LVT0	= 0x350,
	LAPIC_LVT1	= 0x360,
	LAPIC_LVTERR	= 0x370,
	LAPIC_TMICT	= 0x380,
	LAPIC_TMCCT	= 0x390,
	LAPIC_TDCR	= 0x3e0,
	LAPIC_SELF_IPI	= 0x3f0,
};

#define LAPIC_REGS_SIZE		0x400	/* of struct kvm_lapic_state too */
#define LAPIC_STRIDE		16	/* from a register to the next */
#define LAPIC_LVT_MASKED	BIT(16)
#define LAPIC_LVT_MODE_SHIFT	17
#define LAPIC_LVT_LEVEL		BIT(15)
#define LAPIC_SPIV_ENABLED	BIT(8)
#define LAPIC_SPIV_NO_BROADCAST	BIT(12)	/* an EOI is not told to the IOAPICs */
#define LAPIC_ICR_BUSY		BIT(12)

/* The timer's mode, in LVTT. */
enum lapic_timer_mode { LAPIC_ONESHOT, LAPIC_PERIODIC, LAPIC_DEADLINE };

/* What a register write asks of the rest of the machine. */
#define LAPIC_FX_EVENT		BIT(0)	/* an interrupt may have become deliverable */
#define LAPIC_FX_EOI		BIT(1)
#define LAPIC_FX_IPI		BIT(2)	/* lapic_icr_msg() says which */
#define LAPIC_FX_TIMER_STOP	BIT(3)	/* into or out of TSC-deadline mode */
#define LAPIC_FX_TIMER_COUNT	BIT(4)	/* it starts anew, from TMICT */
#define LAPIC_FX_TIMER_DIVIDE	BIT(5)	/* the divisor has changed */
#define LAPIC_FX_TPR		BIT(6)
#define LAPIC_FX_ENABLE		BIT(7)	/* software may have switched it on or off */

/**
 * struct lapic - one local APIC
 * @regs: the register page, as software sees it; IRR and TMR are atomic
 * @id: of the vCPU: the x2APIC id, and the xAPIC id after RESET
 * @enabled: IA32_APIC_BASE enables it
 * @x2apic: it is in x2APIC mode
 * @deadline_offered: CPUID offers the timer's TSC-deadline mode
 * @cmci: there is an LVT register for corrected machine checks
 * @eoi_suppress: software may suppress the broadcast of EOIs
 */
struct lapic {
	u32 *regs;
	u32 id;
	bool enabled, x2apic;
	bool deadline_offered, cmci, eoi_suppress;
};

#ifdef __KERNEL__
static inline void lapic_or(u32 *word, u32 mask)
{
	atomic_or(mask, (atomic_t *)word);
}

static inline void lapic_andnot(u32 *word, u32 mask)
{
	atomic_andnot(mask, (atomic_t *)word);
}
#else
/* One thread runs there. */
#define READ_ONCE(x)		(x)
#define WRITE_ONCE(x, val)	((x) = (val))

static inline void lapic_or(u32 *word, u32 mask)
{
	__sync_fetch_and_or(word, mask);
}

static inline void lapic_andnot(u32 *word, u32 mask)
{
	__sync_fetch_and_and(word, ~mask);
}

static inline int fls(u32 word)
{
	return word ? 32 - __builtin_clz(word) : 0;
}
#endif

static inline u32 lapic_get(const struct lapic *l, u32 reg)
{
	return READ_ONCE(l->regs[reg / 4]);
}

static inline void lapic_set(struct lapic *l, u32 reg, u32 val)
{
	WRITE_ONCE(l->regs[reg / 4], val);
}

/* The word that holds @vector in ISR, TMR or IRR. */
static inline u32 *lapic_word(const struct lapic *l, u32 bank, u8 vector)
{
	return &l->regs[(bank + (vector / 32) * 16) / 4];
}

static inline bool lapic_test_vector(const struct lapic *l, u32 bank, u8 vector)
{
	return READ_ONCE(*lapic_word(l, bank, vector)) & BIT(vector % 32);
}

static inline bool lapic_sw_enabled(const struct lapic *l)
{
	return lapic_get(l, LAPIC_SPIV) & LAPIC_SPIV_ENABLED;
}

static inline enum lapic_timer_mode lapic_timer_mode(const struct lapic *l)
{
	return (lapic_get(l, LAPIC_LVTT) >> LAPIC_LVT_MODE_SHIFT) & 3;
}

/* Ticks of the bus for each of the timer's, a power of two. SDM "Divide Configuration Register". */
static inline u32 lapic_timer_divisor(const struct lapic *l)
{
	u32 tdcr = lapic_get(l, LAPIC_TDCR);

	return 1u << ((((tdcr & 3) | ((tdcr & 8) >> 1)) + 1) & 7);
}

/* RESET, or INIT, which keeps the mode. */
void lapic_reset(struct lapic *l, bool lint0_extint);
/* IA32_APIC_BASE's bits 11 and 10. */
void lapic_set_mode(struct lapic *l, bool enabled, bool x2apic);
void lapic_set_version(struct lapic *l);
void lapic_set_cmci(struct lapic *l, bool cmci);

/* 0, or 1: there is no such register. @reg is a multiple of 16. TMCCT is the timer's. */
int lapic_read(const struct lapic *l, u32 reg, u32 *val);
/* LAPIC_FX_*, or -EINVAL: no such register, or in this mode. */
int lapic_write(struct lapic *l, u32 reg, u32 val);
/* What the ICR, with the destination @high, asks for. */
struct irq_msg lapic_icr_msg(const struct lapic *l, u32 low, u32 high);

/* The highest vector whose priority lets it through now; -1: none. */
int lapic_pending(const struct lapic *l);
void lapic_ack(struct lapic *l, u8 vector);	/* the processor takes it */
bool lapic_serves_only(const struct lapic *l, u8 vector);	/* and nothing else waits */
int lapic_eoi(struct lapic *l);			/* the vector that ends; -1: none was in service */
/* The highest of the 256 vectors in @bank; -1: none is there. */
int lapic_highest(const struct lapic *l, u32 bank);
/* A fixed interrupt arrives; false: the APIC is off. Any thread. trigger: all but IRR. */
bool lapic_trigger(struct lapic *l, u8 vector, bool level);
bool lapic_accept(struct lapic *l, u8 vector, bool level);
/* Is the APIC one that @msg addresses? @fixed_broadcast: 0xff means all for x2APICs too. */
bool lapic_matches(const struct lapic *l, const struct irq_msg *msg, bool fixed_broadcast);

/* KVM_GET_LAPIC and KVM_SET_LAPIC; set: 0 or -EINVAL. @wide_ids: x2APIC ids have 32 bits there. */
void lapic_save(const struct lapic *l, u32 *state, bool wide_ids);
int lapic_restore(struct lapic *l, const u32 *state, bool wide_ids);

#endif
