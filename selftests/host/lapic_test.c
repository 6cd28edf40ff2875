// SPDX-License-Identifier: GPL-2.0
/* The local APIC's registers, priorities and destinations. */
#include <pthread.h>

#include "irqchip/lapic.h"
#include "tap.h"

static u32 page[1024];

static struct lapic fresh(u32 id, bool x2apic)
{
	struct lapic l = { .regs = page, .id = id };

	lapic_set_mode(&l, true, x2apic);
	lapic_reset(&l, id == 0);
	lapic_write(&l, LAPIC_SPIV, LAPIC_SPIV_ENABLED | 0xff);
	return l;
}

/* Against the definition: scan all vectors from the top. */
static int pending_slowly(const struct lapic *l)
{
	int isr = -1, v;
	u32 tpr = lapic_get(l, LAPIC_TPR), ppr;

	for (v = 0; v < 256; v++)
		if (lapic_test_vector(l, LAPIC_ISR, v))
			isr = v;
	ppr = isr >= 0 && (isr & 0xf0) > (tpr & 0xf0) ? isr & 0xf0 : tpr & 0xff;
	for (v = 255; v >= 0; v--)
		if (lapic_test_vector(l, LAPIC_IRR, v))
			return (v & 0xf0) > (ppr & 0xf0) ? v : -1;
	return -1;
}

static void test_random(void)
{
	struct lapic l = fresh(0, false);
	bool good = true;
	u32 seed = 1;
	int i, v;

	for (i = 0; i < 200000 && good; i++) {
		seed = seed * 1103515245 + 12345;
		switch (seed >> 28) {
		case 0 ... 6:
			lapic_accept(&l, seed >> 16, seed & 0x100);
			good &= lapic_test_vector(&l, LAPIC_TMR, seed >> 16) == !!(seed & 0x100);
			break;
		case 7 ... 9:
			v = lapic_pending(&l);
			if (v >= 0)
				lapic_ack(&l, v);
			break;
		case 10 ... 13:
			lapic_eoi(&l);
			break;
		default:
			lapic_write(&l, LAPIC_TPR, (seed >> 16) & 0xff);
		}
		good &= lapic_pending(&l) == pending_slowly(&l);
	}
	ok(good, "random interrupts: what is pending follows the priorities (%d steps)", i);
}

static void test_eoi(void)
{
	struct lapic l = fresh(0, false);

	ok(lapic_eoi(&l) == -1, "an EOI with nothing in service");
	lapic_accept(&l, 0x40, false);
	lapic_ack(&l, lapic_pending(&l));
	lapic_accept(&l, 0x90, false);
	ok(lapic_pending(&l) == 0x90, "a higher class interrupts");
	lapic_ack(&l, 0x90);
	ok(lapic_eoi(&l) == 0x90 && lapic_eoi(&l) == 0x40, "EOIs in the order of priority");
	lapic_write(&l, LAPIC_SPIV, 0xff);
	ok(!lapic_accept(&l, 0x50, false), "switched off by software it takes nothing");
	ok(lapic_get(&l, LAPIC_LVT0) & LAPIC_LVT_MASKED, "and its LVT is masked");
	lapic_set_mode(&l, false, false);
	ok(lapic_pending(&l) == -1, "switched off by IA32_APIC_BASE nothing is pending");
}

static bool reaches(const struct lapic *l, u32 dest, bool logical)
{
	struct irq_msg msg = { .dest = dest, .logical = logical, .ipi = true };

	return lapic_matches(l, &msg, true);
}

static void test_xapic_destinations(void)
{
	struct lapic l = fresh(3, false);

	ok(reaches(&l, 3, false) && !reaches(&l, 2, false), "physical");
	ok(reaches(&l, 0xff, false) && reaches(&l, 0xff, true), "broadcast");
	lapic_write(&l, LAPIC_LDR, 0x24u << 24);
	ok(reaches(&l, 4, true) && reaches(&l, 0x20, true) && !reaches(&l, 0x10, true),
	   "logical, flat: any bit");
	lapic_write(&l, LAPIC_DFR, 0);
	ok(reaches(&l, 0x24, true) && !reaches(&l, 0x14, true) && !reaches(&l, 0x22, true),
	   "logical, cluster: the cluster and any bit");
	lapic_write(&l, LAPIC_ID, 9u << 24);
	ok(reaches(&l, 9, false) && !reaches(&l, 3, false), "a changed id");
	lapic_set_mode(&l, false, false);
	ok(!reaches(&l, 9, false), "one that is off is never addressed");
}

static void test_x2apic_destinations(void)
{
	struct lapic l = fresh(0x1234, true);
	struct irq_msg msi = { .dest = 0xff };

	ok(lapic_get(&l, LAPIC_ID) == 0x1234, "x2APIC: the id is the vCPU's");
	ok(lapic_get(&l, LAPIC_LDR) == (0x123u << 16 | 1u << 4), "x2APIC: the logical id follows");
	ok(reaches(&l, 0x1234, false) && !reaches(&l, 0x34, false), "x2APIC: physical");
	ok(reaches(&l, 0xffffffff, false) && !reaches(&l, 0xff, false), "x2APIC: broadcast");
	ok(reaches(&l, 0x123u << 16 | 0xffff, true) && !reaches(&l, 0x124u << 16 | 0x10, true),
	   "x2APIC: logical");
	ok(lapic_matches(&l, &msi, true) && !lapic_matches(&l, &msi, false),
	   "x2APIC: 0xff of a message is all, unless that quirk is off");
	ok(lapic_write(&l, LAPIC_ID, 0) < 0 && lapic_write(&l, LAPIC_DFR, 0) < 0 &&
	   lapic_write(&l, LAPIC_ICR2, 0) < 0 && lapic_write(&l, LAPIC_ESR, 1) < 0,
	   "x2APIC: what cannot be written");
}

static void test_icr(void)
{
	struct lapic l = fresh(1, false);
	struct irq_msg msg = lapic_icr_msg(&l, 0xc4934, 0x05000000);

	ok(msg.dest == 5 && msg.vector == 0x34 && msg.delivery == IRQ_LOWEST && msg.logical &&
	   msg.assert && !msg.level && msg.shorthand == IRQ_ALL_BUT_SELF, "an ICR's fields");
	ok(lapic_write(&l, LAPIC_ICR, 0x1040) == LAPIC_FX_IPI &&
	   lapic_get(&l, LAPIC_ICR) == 0x40, "it is never busy");
}

static void test_state(void)
{
	struct lapic l = fresh(5, true);
	u32 state[256];

	lapic_save(&l, state, false);
	ok(state[LAPIC_ID / 4] == 5u << 24, "saved with an id of 8 bits");
	state[LAPIC_LVTT / 4] = 0x31;
	ok(!lapic_restore(&l, state, false) && lapic_get(&l, LAPIC_LVTT) == 0x31 &&
	   lapic_get(&l, LAPIC_ID) == 5, "restored");
	ok(lapic_restore(&l, state, true) == -EINVAL, "another vCPU's state is refused");
	lapic_save(&l, state, true);
	ok(state[LAPIC_ID / 4] == 5 && !lapic_restore(&l, state, true), "with an id of 32 bits");
}

static void test_timer(void)
{
	static const u32 want[] = { 2, 4, 8, 16, 32, 64, 128, 1 };
	struct lapic l = fresh(0, false);
	bool good = true;
	u32 i;

	for (i = 0; i < 8; i++) {
		lapic_write(&l, LAPIC_TDCR, (i & 3) | (i & 4) << 1);
		good &= lapic_timer_divisor(&l) == want[i];
	}
	ok(good, "the timer's divisors");
	lapic_write(&l, LAPIC_LVTT, 0x70030);
	ok(lapic_timer_mode(&l) == LAPIC_PERIODIC, "no TSC-deadline mode unless offered");
	l.deadline_offered = true;
	lapic_write(&l, LAPIC_TMICT, 100);
	ok(lapic_write(&l, LAPIC_LVTT, 0x40030) == LAPIC_FX_TIMER_STOP &&
	   !lapic_get(&l, LAPIC_TMICT), "into TSC-deadline mode the timer stops");
	ok(!lapic_write(&l, LAPIC_TMICT, 100) && !lapic_get(&l, LAPIC_TMICT),
	   "there the initial count is not written");
}

static void *reset_often(void *arg)
{
	int i;

	for (i = 0; i < 500000; i++)
		lapic_reset(arg, false);
	lapic_set_mode(arg, false, false);
	return NULL;
}

/* The SIPI behind an INIT looks for its target while that is reset. */
static void test_id_stays(void)
{
	const struct irq_msg msg = { .dest = 3, .delivery = IRQ_STARTUP };
	struct lapic l = fresh(3, false);
	unsigned long lost = 0;
	pthread_t thread;

	pthread_create(&thread, NULL, reset_often, &l);
	while (READ_ONCE(l.enabled))
		lost += !lapic_matches(&l, &msg, true) && READ_ONCE(l.enabled);
	pthread_join(thread, NULL);
	ok(!lost, "the ID can be read while an INIT is carried out");
}

int main(void)
{
	test_id_stays();
	test_random();
	test_eoi();
	test_xapic_destinations();
	test_x2apic_destinations();
	test_icr();
	test_state();
	test_timer();
	return tap_done();
}
