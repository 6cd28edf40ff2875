// SPDX-License-Identifier: GPL-2.0
/* Two vCPUs that reach each other by their local APICs. */
#include "../apic_regs.h"

static u32 stop;

static bool started(u32 mark)
{
	u64 start = rdtsc();

	while (read32(APIC_STARTED) != mark && rdtsc() - start < PATIENCE)
		asm volatile("pause");
	return read32(APIC_STARTED) == mark;
}

/* The trampoline adds its CS to the mark. */
void test_start(void)
{
	u32 code = APIC_TRAMPOLINE >> 12;

	write32(APIC_STARTED, 0);
	send(1, ICR_STARTUP | code);
	GUEST_EQ(started(code << 8), false);
	send(1, ICR_INIT | ICR_ASSERT);
	send(1, ICR_STARTUP | code);
	GUEST_EQ(started(code << 8), true);
	/* A second SIPI finds it running. */
	write32(APIC_STARTED, 0);
	send(1, ICR_STARTUP | code);
	GUEST_EQ(started(code << 8), false);
	send(1, ICR_INIT | ICR_ASSERT);
	send(1, ICR_STARTUP | code);
	GUEST_EQ(started(code << 8), true);
}

/* Each waits in HLT for the other's; vCPU 0 begins. */
void test_ping(void)
{
	unsigned int i, other = !me();

	WRITE_ONCE(apic_cpus[me()].ready, 1);
	while (!READ_ONCE(apic_cpus[other].ready))
		asm volatile("pause");
	for (i = 1; i <= APIC_ROUNDS; i++) {
		if (!me())
			send(other, 0x50);
		while (count(0x50) < i)
			halt();
		if (me())
			send(other, 0x50);
	}
	WRITE_ONCE(apic_cpus[me()].ready, 0);
	while (READ_ONCE(apic_cpus[other].ready))
		asm volatile("pause");
}

void test_receive(void)
{
	set(REG_LDR, 2 << 24);
	WRITE_ONCE(apic_cpus[1].ready, 1);
	while (!READ_ONCE(stop))
		halt();
	WRITE_ONCE(apic_cpus[1].ready, 0);
}

static bool arrives(unsigned int cpu, u8 vector, u32 want)
{
	u64 start = rdtsc();

	while (READ_ONCE(apic_cpus[cpu].counts[vector]) != want && rdtsc() - start < PATIENCE)
		asm volatile("pause");
	return READ_ONCE(apic_cpus[cpu].counts[vector]) == want;
}

void test_send(void)
{
	u64 start = rdtsc();

	set(REG_LDR, 1 << 24);
	while (!READ_ONCE(apic_cpus[1].ready) && rdtsc() - start < PATIENCE)
		asm volatile("pause");
	send(1, 0x52);
	GUEST_CHECK(arrives(1, 0x52, 1));
	send(2, ICR_LOGICAL | 0x53);
	GUEST_CHECK(arrives(1, 0x53, 1));
	send(3, ICR_LOGICAL | 0x54);
	send(0, ICR_ALL | 0x55);
	irq_on();
	irq_off();
	GUEST_CHECK(arrives(1, 0x54, 1) && arrives(0, 0x54, 1));
	GUEST_CHECK(arrives(1, 0x55, 1) && arrives(0, 0x55, 1));
	send(0, ICR_OTHERS | 0x56);
	GUEST_CHECK(arrives(1, 0x56, 1));
	GUEST_EQ(count(0x56), 0);
	/* Nobody has these ids. */
	send(7, 0x57);
	send(0x80, ICR_LOGICAL | 0x57);
	/* One of both. */
	send(3, ICR_LOGICAL | ICR_LOWEST | 0x58);
	irq_on();
	irq_off();
	start = rdtsc();
	while (!READ_ONCE(apic_cpus[1].counts[0x58]) && !count(0x58) && rdtsc() - start < PATIENCE)
		asm volatile("pause");
	GUEST_EQ(READ_ONCE(apic_cpus[1].counts[0x58]) + count(0x58), 1);
	send(1, ICR_NMI | ICR_ASSERT);
	start = rdtsc();
	while (!READ_ONCE(apic_cpus[1].nmis) && rdtsc() - start < PATIENCE)
		asm volatile("pause");
	GUEST_EQ(READ_ONCE(apic_cpus[1].nmis), 1);
	GUEST_EQ(READ_ONCE(apic_cpus[1].counts[0x57]), 0);
	WRITE_ONCE(stop, 1);
	send(1, 0x59);
	start = rdtsc();
	while (READ_ONCE(apic_cpus[1].ready) && rdtsc() - start < PATIENCE)
		asm volatile("pause");
	GUEST_EQ(READ_ONCE(apic_cpus[1].ready), 0);
}
