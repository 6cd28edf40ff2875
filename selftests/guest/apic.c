// SPDX-License-Identifier: GPL-2.0
/* A guest that drives its local APIC: registers, timer, IPIs, and a second vCPU. */
#include "apic_regs.h"

struct apic_cpu apic_cpus[MAX_VCPUS];

u32 get(u32 reg)
{
	return apic_cpus[me()].x2apic ? rdmsr(MSR_X2APIC + reg / 16) : read32(APIC_GVA + reg);
}

void set(u32 reg, u32 val)
{
	if (apic_cpus[me()].x2apic)
		wrmsr(MSR_X2APIC + reg / 16, val);
	else
		write32(APIC_GVA + reg, val);
}

void irq_on(void)
{
	asm volatile("sti; nop" : : : "memory");
}

void irq_off(void)
{
	asm volatile("cli" : : : "memory");
}

/* Interrupts are off; one is taken inside. */
void halt(void)
{
	asm volatile("sti; hlt; cli" : : : "memory");
}

static void on_interrupt(struct trap_frame *frame)
{
	struct apic_cpu *cpu = &apic_cpus[me()];
	unsigned int vector = frame->vector;

	if (cpu->taken < sizeof(cpu->order))
		cpu->order[cpu->taken] = vector;
	cpu->taken++;
	WRITE_ONCE(cpu->counts[vector], cpu->counts[vector] + 1);
	end_interrupt();
}

static void on_spurious(struct trap_frame *frame)
{
	apic_cpus[me()].counts[frame->vector]++;
}

static void on_nmi(struct trap_frame *frame)
{
	(void)frame;
	WRITE_ONCE(apic_cpus[me()].nmis, apic_cpus[me()].nmis + 1);
}

u32 count(u8 vector)
{
	return READ_ONCE(apic_cpus[me()].counts[vector]);
}

/* False: it did not come in time. */
static bool await(u8 vector, u32 want)
{
	u64 start = rdtsc();

	irq_on();
	while (count(vector) < want && rdtsc() - start < PATIENCE)
		asm volatile("pause");
	irq_off();
	return count(vector) >= want;
}

void send(u32 dest, u32 low)
{
	if (apic_cpus[me()].x2apic) {
		wrmsr(MSR_X2APIC + REG_ICR / 16, (u64)dest << 32 | low);
		return;
	}
	set(REG_ICR2, dest << 24);
	set(REG_ICR, low);
}

static void begin(void)
{
	struct apic_cpu *cpu = &apic_cpus[me()];
	unsigned int i;

	for (i = 0; i < APIC_VECS; i++)
		trap_hooks[APIC_VEC + i] = on_interrupt;
	trap_hooks[APIC_SPURIOUS] = on_spurious;
	trap_hooks[VEC_NMI] = on_nmi;
	for (i = 0; i < 256; i++)
		cpu->counts[i] = 0;
	cpu->taken = 0;
	cpu->nmis = 0;
	cpu->x2apic = rdmsr(MSR_APIC_BASE) & BASE_X2APIC;
	set(REG_SPIV, ENABLED | APIC_SPURIOUS);
	set(REG_TPR, 0);
}

static void test_reset_values(void)
{
	GUEST_EQ(rdmsr(MSR_APIC_BASE), APIC_GPA | BASE_ENABLE | BASE_BSP);
	GUEST_EQ(get(REG_ID), 0);
	GUEST_EQ(get(REG_VERSION), 0x50014);
	GUEST_EQ(get(REG_DFR), 0xffffffff);
	GUEST_EQ(get(REG_LVTT), MASKED);
	GUEST_EQ(get(REG_LVT0), 0x700);
	GUEST_EQ(get(REG_LVTERR), MASKED);
	GUEST_EQ(get(REG_TMICT), 0);
	GUEST_EQ(get(REG_TMCCT), 0);
}

static void test_regs(void)
{
	test_reset_values();
	set(REG_TPR, 0xabc);
	GUEST_EQ(get(REG_TPR), 0xbc);
	GUEST_EQ(get(REG_PPR), 0xbc);
	set(REG_TPR, 0);
	set(REG_LDR, 0x12345678);
	GUEST_EQ(get(REG_LDR), 0x12000000);
	set(REG_LDR, 0);
	set(REG_DFR, 0);
	GUEST_EQ(get(REG_DFR), 0x0fffffff);
	set(REG_DFR, 0xffffffff);
	set(REG_LVTT, 0xffffffff & ~DEADLINE);
	GUEST_EQ(get(REG_LVTT), 0x310ff);
	set(REG_LVTPC, 0xffffffff);
	GUEST_EQ(get(REG_LVTPC), 0x117ff);
	set(REG_LVT0, 0xffffffff);
	GUEST_EQ(get(REG_LVT0), 0x1f7ff);
	set(REG_LVTERR, 0xffffffff);
	GUEST_EQ(get(REG_LVTERR), 0x110ff);
	set(REG_TDCR, 0xffffffff);
	GUEST_EQ(get(REG_TDCR), 0xb);
	set(REG_ESR, 1);
	GUEST_EQ(get(REG_ESR), 0);
	set(REG_ICR2, 0xffffffff);
	GUEST_EQ(get(REG_ICR2), 0xff000000);
	/* By the byte. */
	GUEST_EQ(read8(APIC_GVA + REG_VERSION), 0x14);
	GUEST_EQ(read8(APIC_GVA + REG_VERSION + 2), 5);
	set(REG_SPIV, APIC_SPURIOUS);
	set(REG_LVT0, 0x700);
	GUEST_EQ(get(REG_LVT0), MASKED | 0x700);
	set(REG_SPIV, ENABLED | APIC_SPURIOUS);
	GUEST_EQ(get(REG_LVT0), MASKED | 0x700);
}

static void test_priority(void)
{
	send(0, ICR_SELF | ICR_ASSERT | 0x41);
	send(0, ICR_SELF | ICR_ASSERT | 0x61);
	send(0, ICR_SELF | ICR_ASSERT | 0x51);
	GUEST_EQ(get(REG_IRR + 0x20), 0x20002);
	GUEST_EQ(get(REG_IRR + 0x30), 0x2);
	GUEST_EQ(apic_cpus[0].taken, 0);
	irq_on();
	irq_off();
	GUEST_EQ(apic_cpus[0].taken, 3);
	GUEST_EQ(apic_cpus[0].order[0], 0x61);
	GUEST_EQ(apic_cpus[0].order[1], 0x51);
	GUEST_EQ(apic_cpus[0].order[2], 0x41);
	GUEST_EQ(get(REG_IRR + 0x20), 0);
	GUEST_EQ(get(REG_ISR + 0x20), 0);
}

static void write_tpr_by_cr8(unsigned long val)
{
	asm volatile("mov %0, %%cr8" : : "r"(val) : "memory");
}

static unsigned long read_cr8(void)
{
	unsigned long val;

	asm volatile("mov %%cr8, %0" : "=r"(val));
	return val;
}

static void test_tpr(void)
{
	set(REG_TPR, 0x50);
	GUEST_EQ(read_cr8(), 5);
	send(0, ICR_SELF | 0x5f);
	irq_on();
	GUEST_EQ(count(0x5f), 0);
	write_tpr_by_cr8(4);
	asm volatile("nop");
	GUEST_EQ(count(0x5f), 1);
	GUEST_EQ(get(REG_TPR), 0x40);
	write_tpr_by_cr8(15);
	send(0, ICR_SELF | 0x7f);
	GUEST_EQ(count(0x7f), 0);
	set(REG_TPR, 0);
	asm volatile("nop");
	GUEST_EQ(count(0x7f), 1);
	irq_off();
	GUEST_EQ(read_cr8(), 0);
}

/* While a handler has not ended its interrupt, the same class waits and a higher one comes. */
static void on_nested(struct trap_frame *frame)
{
	(void)frame;
	GUEST_EQ(get(REG_ISR + 0x20), 0x10);
	GUEST_EQ(get(REG_PPR), 0x40);
	send(0, ICR_SELF | 0x45);
	send(0, ICR_SELF | 0x55);
	irq_on();
	irq_off();
	GUEST_EQ(count(0x55), 1);
	GUEST_EQ(count(0x45), 0);
	end_interrupt();
}

static void test_nested(void)
{
	trap_hooks[0x44] = on_nested;
	send(0, ICR_SELF | 0x44);
	irq_on();
	irq_off();
	GUEST_EQ(count(0x45), 1);
	GUEST_EQ(get(REG_PPR), 0);
}

static void test_self(void)
{
	test_priority();
	test_tpr();
	test_nested();
	/* To its own id, and to all. */
	send(0, 0x46);
	send(apic_cpus[0].x2apic ? 0xffffffff : 0xff, 0x47);
	irq_on();
	irq_off();
	GUEST_EQ(count(0x46), 1);
	GUEST_EQ(count(0x47), 1);
	/* A disabled APIC takes nothing. */
	set(REG_SPIV, APIC_SPURIOUS);
	send(0, ICR_SELF | 0x48);
	set(REG_SPIV, ENABLED | APIC_SPURIOUS);
	irq_on();
	irq_off();
	GUEST_EQ(count(0x48), 0);
}

static void test_oneshot(void)
{
	u32 first, second;

	set(REG_TDCR, TDCR_BY_1);
	set(REG_LVTT, 0x70);
	/* Long enough for a host that takes its time. */
	set(REG_TMICT, 500000000);
	first = get(REG_TMCCT);
	second = get(REG_TMCCT);
	GUEST_CHECK(first && first <= 500000000);
	GUEST_CHECK(second <= first);
	set(REG_TMICT, 2000000);
	GUEST_CHECK(await(0x70, 1));
	GUEST_EQ(get(REG_TMCCT), 0);
	GUEST_EQ(get(REG_TMICT), 2000000);
}

static void test_timer(void)
{
	test_oneshot();
	/* KVM starts one that has ended once more when the divisor changes. */
	set(REG_TMICT, 0);
	set(REG_TDCR, TDCR_BY_16);
	set(REG_LVTT, PERIODIC | 0x71);
	set(REG_TMICT, 300000);
	GUEST_CHECK(get(REG_TMCCT) <= 300000);
	GUEST_CHECK(await(0x71, 4));
	/* Masked it runs on in silence. */
	set(REG_LVTT, PERIODIC | MASKED | 0x72);
	GUEST_EQ(await(0x72, 1), false);
	set(REG_LVTT, PERIODIC | 0x73);
	GUEST_CHECK(await(0x73, 2));
	set(REG_TMICT, 0);
	GUEST_EQ(get(REG_TMCCT), 0);
	GUEST_EQ(count(0x70), 1);
}

static void test_deadline(void)
{
	u64 when;

	set(REG_LVTT, 0x74);
	set(REG_TMICT, 1000000000);
	set(REG_LVTT, DEADLINE | 0x74);
	GUEST_EQ(get(REG_LVTT), DEADLINE | 0x74);
	GUEST_EQ(get(REG_TMICT), 0);
	GUEST_EQ(rdmsr(MSR_DEADLINE), 0);
	when = rdtsc() + 300000;
	wrmsr(MSR_DEADLINE, when);
	GUEST_EQ(rdmsr(MSR_DEADLINE), when);
	GUEST_CHECK(await(0x74, 1));
	GUEST_CHECK(rdtsc() >= when);
	GUEST_EQ(rdmsr(MSR_DEADLINE), 0);
	/* The past: at once. */
	wrmsr(MSR_DEADLINE, 1);
	GUEST_CHECK(await(0x74, 2));
	/* Taken back. */
	wrmsr(MSR_DEADLINE, ~0ULL);
	wrmsr(MSR_DEADLINE, rdtsc() + 2000000);
	wrmsr(MSR_DEADLINE, 0);
	GUEST_EQ(await(0x74, 3), false);
	set(REG_TMICT, 5);
	GUEST_EQ(get(REG_TMICT), 0);
	set(REG_LVTT, MASKED);
}

static void msr_read(unsigned long msr)
{
	rdmsr(msr);
}

static void msr_write_1(unsigned long msr)
{
	wrmsr(msr, 1);
}

static void msr_write_wide(unsigned long msr)
{
	wrmsr(msr, 1ULL << 32);
}

static void set_base(unsigned long flags)
{
	wrmsr(MSR_APIC_BASE, APIC_GPA | BASE_BSP | flags);
}

static void test_x2_faults(void)
{
	GUEST_EQ(try_call(msr_read, MSR_X2APIC + REG_DFR / 16), true);
	GUEST_EQ(try_call(msr_read, MSR_X2APIC + REG_ICR2 / 16), true);
	GUEST_EQ(try_call(msr_read, MSR_X2APIC + REG_EOI / 16), true);
	GUEST_EQ(try_call(msr_read, MSR_X2APIC + 0x40), true);
	GUEST_EQ(try_call(msr_write_1, MSR_X2APIC + REG_ID / 16), true);
	GUEST_EQ(try_call(msr_write_1, MSR_X2APIC + REG_LDR / 16), true);
	GUEST_EQ(try_call(msr_write_1, MSR_X2APIC + REG_ESR / 16), true);
	GUEST_EQ(try_call(msr_write_wide, MSR_X2APIC + REG_TPR / 16), true);
	GUEST_EQ(try_call(set_base, BASE_ENABLE), true);
	GUEST_EQ(try_call(set_base, BASE_X2APIC), true);
}

static void test_x2(void)
{
	GUEST_EQ(try_call(msr_read, MSR_X2APIC + REG_ID / 16), true);
	set_base(BASE_ENABLE | BASE_X2APIC);
	apic_cpus[0].x2apic = true;
	GUEST_EQ(read32(APIC_GVA + REG_VERSION), 0xffffffff);
	GUEST_EQ(get(REG_ID), 0);
	GUEST_EQ(get(REG_LDR), 1);
	GUEST_EQ(get(REG_VERSION), 0x50014);
	test_x2_faults();
	wrmsr(MSR_X2APIC + REG_SELF / 16, 0x49);
	irq_on();
	irq_off();
	GUEST_EQ(count(0x49), 1);
	send(0, 0x4a);
	GUEST_EQ(rdmsr(MSR_X2APIC + REG_ICR / 16), 0x4a);
	irq_on();
	irq_off();
	GUEST_EQ(count(0x4a), 1);
	send(0xffffffff, 0x4b);
	send(1, ICR_LOGICAL | 0x4c);
	send(2, ICR_LOGICAL | 0x4d);
	irq_on();
	irq_off();
	GUEST_EQ(count(0x4b), 1);
	GUEST_EQ(count(0x4c), 1);
	GUEST_EQ(count(0x4d), 0);
}

static void test_window(void)
{
	unsigned int i;

	for (i = 0; i < APIC_ROUNDS; i++) {
		send(0, ICR_SELF | 0x4e);
		GUEST_EQ(count(0x4e), i);
		asm volatile("sti; nop; cli" : : : "memory");
		GUEST_EQ(count(0x4e), i + 1);
	}
	/* STI and MOV SS each hold it off for one instruction. */
	send(0, ICR_SELF | 0x4e);
	asm volatile("sti; cli" : : : "memory");
	GUEST_EQ(count(0x4e), APIC_ROUNDS);
	asm volatile("mov %%ss, %%eax; sti; nop; cli" : : : "eax", "memory");
	GUEST_EQ(count(0x4e), APIC_ROUNDS + 1);
}

static void test_sleep(void)
{
	unsigned int i;

	set(REG_TDCR, TDCR_BY_1);
	set(REG_LVTT, 0x75);
	for (i = 1; i <= 5; i++) {
		set(REG_TMICT, i * 400000);
		while (count(0x75) < i)
			halt();
		GUEST_EQ(get(REG_TMCCT), 0);
	}
	/* One that is there already lets HLT pass. */
	send(0, ICR_SELF | 0x4f);
	halt();
	GUEST_EQ(count(0x4f), 1);
}

#define COST_LOOPS	1000

/* Sets @field to the ticks of one round of what follows. */
#define MEASURE(field, action)							\
	do {									\
		u64 start = rdtsc();						\
		int round;							\
										\
		for (round = 0; round < COST_LOOPS; round++)			\
			action;							\
		shared()->result[field] = (rdtsc() - start) / COST_LOOPS;	\
	} while (0)

static void test_cost(void)
{
	irq_on();
	MEASURE(APIC_COST_SELF, send(me(), ICR_SELF | 0x5a));
	irq_off();
	GUEST_EQ(count(0x5a), COST_LOOPS);
	MEASURE(APIC_COST_TPR, set(REG_TPR, 0));
	set(REG_LVTT, DEADLINE | 0x74);
	MEASURE(APIC_COST_DEADLINE, wrmsr(MSR_DEADLINE, start + 100000000));
	wrmsr(MSR_DEADLINE, 0);
	set(REG_LVTT, MASKED);
	MEASURE(APIC_COST_PORT, inb(0x21));
}

static void test_wait(u8 vector, u32 want)
{
	while (count(vector) < want)
		halt();
}

void guest_main(u64 op)
{
	if (op == APIC_REGS) {
		test_regs();
		return;
	}
	begin();
	switch (op) {
	case APIC_SELF:
		test_self();
		break;
	case APIC_TIMER:
		test_timer();
		break;
	case APIC_DEADLINE:
		test_deadline();
		break;
	case APIC_X2:
		test_x2();
		break;
	case APIC_WINDOW:
		test_window();
		break;
	case APIC_SLEEP:
		test_sleep();
		break;
	case APIC_START:
		test_start();
		break;
	case APIC_PING:
		test_ping();
		break;
	case APIC_SEND:
		test_send();
		break;
	case APIC_RECEIVE:
		test_receive();
		break;
	case APIC_COST:
		test_cost();
		break;
	case APIC_WAIT:
		test_wait(shared()->arg[0], shared()->arg[1]);
		break;
	default:
		test_pv(op);
	}
}
