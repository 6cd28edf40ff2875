// SPDX-License-Identifier: GPL-2.0
/* What KVM offers beside the local APIC: the end of an interrupt in memory, hypercalls. */
#include "../apic_regs.h"

#define MSR_PV_EOI	0x4b564d04
#define HC_KICK_CPU	5
#define HC_SEND_IPI	10

/* Bit 0: the interrupt in service may be ended by clearing it. */
static u32 offered[MAX_VCPUS];

static long hypercall(long nr, long b, long c, long d, long si)
{
	long ret;

	asm volatile("vmcall" : "=a"(ret) : "a"(nr), "b"(b), "c"(c), "d"(d), "S"(si) : "memory");
	return ret;
}

static bool ended_in_memory(void)
{
	bool was;

	asm volatile("btrl $0, %0" : "+m"(offered[me()]), "=@ccc"(was));
	return was;
}

void end_interrupt(void)
{
	struct apic_cpu *cpu = &apic_cpus[me()];

	if (cpu->pv && ended_in_memory())
		cpu->ended++;
	else
		set(REG_EOI, 0);
}

static void test_pv_eoi(bool on)
{
	unsigned long flag = (unsigned long)&offered[me()];

	apic_cpus[me()].pv = on;
	wrmsr(MSR_PV_EOI, on ? flag | 1 : 0);
	GUEST_EQ(rdmsr(MSR_PV_EOI), on ? flag | 1 : 0);
}

/* In service, its own end in memory does not let one of its class in before the handler is done. */
static void on_same_class(struct trap_frame *frame)
{
	(void)frame;
	GUEST_EQ(READ_ONCE(offered[0]) & 1, 1);
	GUEST_CHECK(get(REG_ISR + 0x20) & BIT(0x1c));
	send(0, ICR_SELF | 0x5d);
	GUEST_EQ(READ_ONCE(offered[0]) & 1, 0);
	GUEST_EQ(count(0x5d), 0);
	end_interrupt();
}

static void test_pv_count(void)
{
	struct apic_cpu *cpu = &apic_cpus[0];
	unsigned int i;

	cpu->ended = 0;
	for (i = 1; i <= APIC_ROUNDS; i++) {
		send(0, ICR_SELF | APIC_PV_VEC);
		irq_on();
		irq_off();
		GUEST_EQ(count(APIC_PV_VEC), i);
	}
	GUEST_EQ(get(REG_ISR + 0x20), 0);
	GUEST_EQ(get(REG_PPR), 0);
	shared()->result[0] = cpu->ended;
	trap_hooks[0x5c] = on_same_class;
	send(0, ICR_SELF | 0x5c);
	irq_on();
	irq_off();
	GUEST_EQ(count(0x5d), 1);
	GUEST_EQ(get(REG_ISR + 0x20), 0);
}

static void await_ready(void)
{
	u64 start = rdtsc();

	while (!READ_ONCE(apic_cpus[1].ready) && rdtsc() - start < PATIENCE)
		asm volatile("pause");
	GUEST_CHECK(READ_ONCE(apic_cpus[1].ready));
}

static void test_pv_ipi(void)
{
	if (me()) {
		WRITE_ONCE(apic_cpus[1].ready, 1);
		while (!count(APIC_PV_VEC))
			halt();
		WRITE_ONCE(apic_cpus[1].ready, 0);
		return;
	}
	await_ready();
	GUEST_EQ(hypercall(HC_SEND_IPI, 3, 0, 0, APIC_PV_VEC), 2);
	irq_on();
	irq_off();
	GUEST_EQ(count(APIC_PV_VEC), 1);
	/* Nobody has the ids 64 to 66; a logical destination is refused. */
	GUEST_EQ(hypercall(HC_SEND_IPI, 0, 7, 0, APIC_PV_VEC), 0);
	GUEST_CHECK(hypercall(HC_SEND_IPI, 3, 0, 0, ICR_LOGICAL | APIC_PV_VEC) < 0);
}

static void test_kick(void)
{
	await_ready();
	GUEST_EQ(hypercall(HC_KICK_CPU, 0, 1, 0, 0), 0);
}

static void test_kicked(void)
{
	WRITE_ONCE(apic_cpus[1].ready, 1);
	asm volatile("cli; hlt" : : : "memory");
	WRITE_ONCE(apic_cpus[1].ready, 0);
}

void test_pv(u64 op)
{
	switch (op) {
	case APIC_PV_EOI:
		test_pv_eoi(shared()->arg[0]);
		break;
	case APIC_PV_COUNT:
		test_pv_count();
		break;
	case APIC_PV_IPI:
		test_pv_ipi();
		break;
	case APIC_KICK:
		test_kick();
		break;
	case APIC_KICKED:
		test_kicked();
		break;
	default:
		test_apicv(op);
	}
}
