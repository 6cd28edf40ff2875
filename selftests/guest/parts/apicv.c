// SPDX-License-Identifier: GPL-2.0
/* What a CPU may do for the local APIC without an exit. */
#include "../apic_regs.h"

#define IOAPIC_WINDOW	(IOAPIC_GVA + 0x10)
#define REDIR_LOW	(0x10 + 2 * APIC_LEVEL_PIN)
#define REDIR_LEVEL	0x8000u
#define REDIR_REMOTE	0x4000u
#define MANY_VEC	0x5b

static void ioapic_set(u32 reg, u32 val)
{
	write32(IOAPIC_GVA, reg);
	write32(IOAPIC_WINDOW, val);
}

static u32 ioapic_get(u32 reg)
{
	write32(IOAPIC_GVA, reg);
	return read32(IOAPIC_WINDOW);
}

static void send_self(u8 vector)
{
	if (apic_cpus[me()].x2apic)
		set(REG_SELF, vector);
	else
		send(0, ICR_SELF | vector);
}

static u64 read_cr8(void)
{
	u64 val;

	asm volatile("mov %%cr8, %0" : "=r"(val));
	return val;
}

static void write_cr8(u64 val)
{
	asm volatile("mov %0, %%cr8" : : "r"(val) : "memory");
}

static void write_tpr(u32 i)
{
	set(REG_TPR, i);
	GUEST_EQ(get(REG_TPR), i);
	GUEST_EQ(get(REG_PPR), i);
	GUEST_EQ(read_cr8(), i >> 4);
}

static void write_by_cr8(u32 i)
{
	write_cr8(i & 15);
	GUEST_EQ(read_cr8(), i & 15);
	GUEST_EQ(get(REG_TPR), (i & 15) << 4);
}

static void read_registers(void)
{
	GUEST_EQ(get(REG_VERSION), 0x50014);
	GUEST_EQ(get(REG_LDR), apic_cpus[0].x2apic);
	GUEST_EQ(get(REG_SPIV), ENABLED | APIC_SPURIOUS);
	GUEST_EQ(get(REG_IRR + 0x20), 0);
	GUEST_EQ(get(REG_ISR + 0x20), 0);
}

static void one_of_many(u64 kind, u32 i)
{
	switch (kind) {
	case APIC_MANY_TPR:
		write_tpr(i);
		break;
	case APIC_MANY_CR8:
		write_by_cr8(i);
		break;
	case APIC_MANY_SELF:
		send_self(MANY_VEC);
		break;
	case APIC_MANY_ICR:
		send(0, ICR_SELF | MANY_VEC);
		break;
	default:
		read_registers();
	}
}

static void test_many(u64 kind)
{
	bool ipis = kind == APIC_MANY_SELF || kind == APIC_MANY_ICR;
	u32 i;

	if (ipis)
		irq_on();
	for (i = 0; i < APIC_MANY_ROUNDS; i++)
		one_of_many(kind, i);
	irq_off();
	set(REG_TPR, 0);
	GUEST_EQ(count(MANY_VEC), ipis ? APIC_MANY_ROUNDS : 0);
}

static void on_level(struct trap_frame *frame)
{
	GUEST_EQ(ioapic_get(REDIR_LOW) & REDIR_REMOTE, REDIR_REMOTE);
	GUEST_CHECK(get(REG_TMR + 0x30) & BIT(APIC_LEVEL_VEC % 32));
	apic_cpus[me()].counts[frame->vector]++;
	if (count(frame->vector) == APIC_LEVELS)
		ioapic_set(REDIR_LOW, MASKED | REDIR_LEVEL | frame->vector);
	set(REG_EOI, 0);
}

static void test_level(void)
{
	u64 start = rdtsc();

	trap_hooks[APIC_LEVEL_VEC] = on_level;
	ioapic_set(REDIR_LOW + 1, 0);
	ioapic_set(REDIR_LOW, REDIR_LEVEL | APIC_LEVEL_VEC);
	irq_on();
	while (count(APIC_LEVEL_VEC) < APIC_LEVELS && rdtsc() - start < PATIENCE)
		asm volatile("pause");
	irq_off();
	GUEST_EQ(count(APIC_LEVEL_VEC), APIC_LEVELS);
	GUEST_EQ(ioapic_get(REDIR_LOW) & REDIR_REMOTE, 0);
	/* The same vector edge-triggered, as an IPI. */
	send_self(APIC_LEVEL_VEC - 1);
	irq_on();
	irq_off();
	GUEST_EQ(count(APIC_LEVEL_VEC - 1), 1);
}

static void test_off(void)
{
	set(REG_SPIV, APIC_SPURIOUS);
	send_self(MANY_VEC);
	set(REG_SPIV, ENABLED | APIC_SPURIOUS);
	irq_on();
	irq_off();
	GUEST_EQ(count(MANY_VEC), 0);
	send_self(MANY_VEC);
	irq_on();
	irq_off();
	GUEST_EQ(count(MANY_VEC), 1);
}

static void test_leave(void)
{
	set(REG_TPR, APIC_LEAVE_TPR);
	send_self(APIC_LEAVE_VEC);
	send_self(APIC_LEAVE_HIGH);
}

static void test_serving(void)
{
	struct apic_cpu *cpu = &apic_cpus[0];

	GUEST_EQ(get(REG_PPR), APIC_SERVING_VEC & 0xf0);
	irq_on();
	irq_off();
	GUEST_EQ(cpu->taken, 0);
	set(REG_EOI, 0);
	irq_on();
	irq_off();
	GUEST_EQ(cpu->taken, 3);
	GUEST_EQ(cpu->order[0], APIC_LEAVE_HIGH);
	GUEST_EQ(cpu->order[1], 0x51);
	GUEST_EQ(cpu->order[2], APIC_LEAVE_VEC);
	GUEST_EQ(get(REG_PPR), 0);
}

static void test_blocked(bool blocked)
{
	u32 i;

	if (blocked)
		send_self(MANY_VEC);
	irq_on();
	for (i = 0; i < 100; i++)
		asm volatile("pause");
	irq_off();
	GUEST_EQ(count(MANY_VEC), !blocked);
}

static void test_post(void)
{
	u64 start = rdtsc();
	u32 i;

	while (!READ_ONCE(apic_cpus[1].ready) && rdtsc() - start < PATIENCE)
		asm volatile("pause");
	for (i = 1; i <= APIC_MANY_ROUNDS; i++) {
		send(1, MANY_VEC);
		while (READ_ONCE(apic_cpus[1].counts[MANY_VEC]) < i && rdtsc() - start < PATIENCE)
			asm volatile("nop");
	}
	GUEST_EQ(READ_ONCE(apic_cpus[1].counts[MANY_VEC]), APIC_MANY_ROUNDS);
}

static void test_spin(void)
{
	u64 start = rdtsc();

	WRITE_ONCE(apic_cpus[1].ready, 1);
	irq_on();
	while (count(MANY_VEC) < APIC_MANY_ROUNDS && rdtsc() - start < PATIENCE)
		asm volatile("nop");
	irq_off();
	WRITE_ONCE(apic_cpus[1].ready, 0);
	GUEST_EQ(count(MANY_VEC), APIC_MANY_ROUNDS);
}

void test_apicv(u64 op)
{
	switch (op) {
	case APIC_X2ON:
		wrmsr(MSR_APIC_BASE, APIC_GPA | BASE_BSP | BASE_ENABLE | BASE_X2APIC);
		break;
	case APIC_MANY:
		test_many(shared()->arg[0]);
		break;
	case APIC_LEVEL:
		test_level();
		break;
	case APIC_OFF:
		test_off();
		break;
	case APIC_LEAVE:
		test_leave();
		break;
	case APIC_SERVING:
		test_serving();
		break;
	case APIC_BLOCKED:
	case APIC_UNBLOCKED:
		test_blocked(op == APIC_BLOCKED);
		break;
	case APIC_POST:
		test_post();
		break;
	case APIC_SPIN:
		test_spin();
		break;
	case APIC_HOLE:
		write32(APIC_GVA + REG_TPR, 0);
		GUEST_EQ(read32(APIC_GVA + REG_TPR), 0xffffffff);
		break;
	case APIC_COVERED:
		write32(APIC_GVA + 4, read32(APIC_GVA) + 1);
		break;
	}
}
