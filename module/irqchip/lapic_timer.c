// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC's timer on a high-resolution timer of the host, which fires in hard interrupt
 * context. All else is called by the vCPU's thread; the inner loop is allowed to.
 */
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/timex.h>
#include <asm/msr.h>

#include "vlapic.h"

#define BUS_CYCLE_NS	1
/* Periods shorter than this would keep the host busy with nothing else. */
#define MIN_PERIOD_NS	(200 * NSEC_PER_USEC)
#define MAX_DELAY_NS	(S64_MAX / 4)

static enum hrtimer_restart expired(struct hrtimer *timer)
{
	struct um_lapic *l = container_of(timer, struct um_lapic, timer);

	WRITE_ONCE(l->deadline, 0);
	vlapic_local(l, LAPIC_LVTT);
	if (lapic_timer_mode(&l->regs) != LAPIC_PERIODIC)
		return HRTIMER_NORESTART;
	/* A one-shot that became periodic may have had a shorter one. */
	hrtimer_forward_now(timer, ns_to_ktime(max_t(u64, READ_ONCE(l->period_ns), MIN_PERIOD_NS)));
	return HRTIMER_RESTART;
}

void vlapic_timer_init(struct um_lapic *l)
{
	hrtimer_init(&l->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	l->timer.function = expired;
}

void vlapic_timer_stop(struct um_lapic *l)
{
	hrtimer_cancel(&l->timer);
	WRITE_ONCE(l->deadline, 0);
	l->period_ns = 0;
}

static u64 count_to_ns(const struct um_lapic *l, u32 count)
{
	return (u64)count * BUS_CYCLE_NS * lapic_timer_divisor(&l->regs);
}

static u64 period(const struct um_lapic *l)
{
	u64 ns = count_to_ns(l, lapic_get(&l->regs, LAPIC_TMICT));

	if (lapic_timer_mode(&l->regs) == LAPIC_PERIODIC && ns)
		ns = max_t(u64, ns, MIN_PERIOD_NS);
	return ns;
}

static void start_in(struct um_lapic *l, u64 ns)
{
	hrtimer_start(&l->timer, ktime_add_ns(ktime_get(), ns), HRTIMER_MODE_ABS_HARD);
}

/* In @ns from now a turn ends, of which each takes l->period_ns. */
static void run(struct um_lapic *l, u64 ns)
{
	if (ns)
		start_in(l, ns);
}

void vlapic_timer_start(struct um_lapic *l)
{
	hrtimer_cancel(&l->timer);
	WRITE_ONCE(l->period_ns, period(l));
	run(l, l->period_ns);
}

static u64 remaining(const struct um_lapic *l)
{
	s64 ns = ktime_to_ns(ktime_sub(hrtimer_get_expires(&l->timer), ktime_get()));

	return ns > 0 ? ns : 0;
}

void vlapic_timer_rescale(struct um_lapic *l)
{
	u64 old = l->period_ns, left;

	if (!old || lapic_timer_mode(&l->regs) == LAPIC_DEADLINE)
		return;
	left = min(remaining(l), old);
	hrtimer_cancel(&l->timer);
	WRITE_ONCE(l->period_ns, period(l));
	run(l, mul_u64_u64_div_u64(left, l->period_ns, old));
}

u32 vlapic_timer_count(struct um_lapic *l)
{
	u64 ns;

	if (!l->period_ns || lapic_timer_mode(&l->regs) == LAPIC_DEADLINE)
		return 0;
	ns = remaining(l);
	if (ns > l->period_ns)
		ns = l->period_ns;
	return ns / (BUS_CYCLE_NS * lapic_timer_divisor(&l->regs));
}

void vlapic_timer_restore(struct um_lapic *l, u32 tmcct)
{
	u64 left = count_to_ns(l, tmcct);

	if (lapic_timer_mode(&l->regs) == LAPIC_DEADLINE)
		return;
	WRITE_ONCE(l->period_ns, period(l));
	if (!l->period_ns)
		return;
	if (!left && lapic_timer_mode(&l->regs) == LAPIC_ONESHOT)
		return;		/* it has ended already */
	run(l, left && left < l->period_ns ? left : l->period_ns);
}

static bool deadline_mode(const struct um_lapic *l)
{
	return l->regs.enabled && lapic_timer_mode(&l->regs) == LAPIC_DEADLINE;
}

u64 um_lapic_deadline(struct um_vcpu *vcpu)
{
	const struct um_lapic *l = vcpu->irq.lapic;

	return l && deadline_mode(l) ? READ_ONCE(l->deadline) : 0;
}

/* The guest may name any time: nothing here overflows, nor does a division. */
static u64 ticks_to_ns(u64 ticks, u32 khz)
{
	u64 ms = ticks / khz;

	if (ms >= MAX_DELAY_NS / NSEC_PER_MSEC)
		return MAX_DELAY_NS;
	return ms * NSEC_PER_MSEC + ticks % khz * NSEC_PER_MSEC / khz;
}

void um_lapic_set_deadline(struct um_vcpu *vcpu, u64 tsc)
{
	struct um_lapic *l = vcpu->irq.lapic;
	u64 now;

	if (!l || !deadline_mode(l))
		return;
	hrtimer_cancel(&l->timer);
	WRITE_ONCE(l->deadline, tsc);
	if (!tsc)
		return;
	now = um_guest_tsc(vcpu, rdtsc());
	if (tsc <= now) {
		WRITE_ONCE(l->deadline, 0);
		vlapic_local(l, LAPIC_LVTT);
		return;
	}
	start_in(l, ticks_to_ns(tsc - now, vcpu->tsc_khz) + 1);
}
