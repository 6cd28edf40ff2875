// SPDX-License-Identifier: GPL-2.0
/* A guest that drives the PICs, the IOAPIC and the PIT, with one vCPU in xAPIC mode. */
#include "guest.h"
#include "chips.h"

#define APIC_EOI	0xb0
#define APIC_TPR	0x80
#define APIC_SPIV	0xf0
#define APIC_TMR	0x180
#define APIC_LVT0	0x350
#define SPIV_ON		(0x100u | APIC_SPURIOUS)
#define LVT_EXTINT	0x700u
#define LVT_MASKED	0x10000u

#define IOAPIC_SELECT	IOAPIC_GVA
#define IOAPIC_WINDOW	(IOAPIC_GVA + 0x10)
#define REDIR(pin)	(0x10 + 2 * (pin))
#define REDIR_LEVEL	0x8000u
#define REDIR_MASKED	0x10000u
#define REDIR_REMOTE	0x4000u

#define PIC_MASTER	0x20
#define PIC_SLAVE	0xa0
#define PIC_EOI		0x20
#define PIT_CH0		0x40
#define PIT_CH2		0x42
#define PIT_CONTROL	0x43
#define PORT_SPEAKER	0x61
#define PATIENCE	400000000ULL

static u32 counts[256];
static bool eoi_pic;

static u32 count(u8 vector)
{
	return READ_ONCE(counts[vector]);
}

static u32 ioapic_get(u32 reg)
{
	write32(IOAPIC_SELECT, reg);
	return read32(IOAPIC_WINDOW);
}

static void ioapic_set(u32 reg, u32 val)
{
	write32(IOAPIC_SELECT, reg);
	write32(IOAPIC_WINDOW, val);
}

static void on_interrupt(struct trap_frame *frame)
{
	WRITE_ONCE(counts[frame->vector], counts[frame->vector] + 1);
	if (eoi_pic) {
		if (frame->vector >= CHIPS_PIC_BASE + 8)
			outb(PIC_SLAVE, PIC_EOI);
		outb(PIC_MASTER, PIC_EOI);
	} else {
		write32(APIC_GVA + APIC_EOI, 0);
	}
}

/* The device behind the line is content after a few times: its driver tells it so. */
static void on_level(struct trap_frame *frame)
{
	WRITE_ONCE(counts[frame->vector], counts[frame->vector] + 1);
	GUEST_EQ(ioapic_get(REDIR(CHIPS_PIN)) & REDIR_REMOTE, REDIR_REMOTE);
	GUEST_EQ(read32(APIC_GVA + APIC_TMR + 0x30) >> (CHIPS_LEVEL_VEC % 32) & 1, 1);
	if (count(frame->vector) == CHIPS_REPEATS)
		guest_sync();
	write32(APIC_GVA + APIC_EOI, 0);
}

static void irq_window(void)
{
	asm volatile("sti; nop; nop; cli" : : : "memory");
}

static bool await(u8 vector, u32 want)
{
	u64 start = rdtsc();

	asm volatile("sti" : : : "memory");
	while (count(vector) < want && rdtsc() - start < PATIENCE)
		asm volatile("pause");
	asm volatile("cli" : : : "memory");
	return count(vector) >= want;
}

static void begin(void)
{
	unsigned int i;

	for (i = 0; i < 256; i++)
		counts[i] = 0;
	for (i = APIC_VEC; i < APIC_VEC + APIC_VECS; i++)
		trap_hooks[i] = on_interrupt;
	eoi_pic = false;
	write32(APIC_GVA + APIC_SPIV, SPIV_ON);
	write32(APIC_GVA + APIC_TPR, 0);
	write32(APIC_GVA + APIC_LVT0, LVT_MASKED);
	for (i = 0; i < 24; i++)
		ioapic_set(REDIR(i), REDIR_MASKED);
}

static void test_ioapic(void)
{
	GUEST_EQ(ioapic_get(1), 0x170011);
	ioapic_set(0, 0xffffffff);
	GUEST_EQ(ioapic_get(0), 0x0f000000);
	GUEST_EQ(ioapic_get(2), 0x0f000000);
	ioapic_set(0, 0);
	GUEST_EQ(ioapic_get(REDIR(23)), REDIR_MASKED);
	/* Status and remote IRR are read-only. */
	ioapic_set(REDIR(7), 0xffffffff);
	GUEST_EQ(ioapic_get(REDIR(7)) & 0x1ffff, 0x1afff);
	ioapic_set(REDIR(7) + 1, 0xffffffff);
	GUEST_EQ(ioapic_get(REDIR(7) + 1), 0xffffffff);
	ioapic_set(REDIR(7) + 1, 0);
	ioapic_set(REDIR(7), REDIR_MASKED);
	GUEST_EQ(ioapic_get(REDIR(24)), 0xffffffff);
	write32(IOAPIC_SELECT, 0x1234);
	GUEST_EQ(read32(IOAPIC_SELECT), 0x34);
}

static void test_edge(void)
{
	ioapic_set(REDIR(CHIPS_HIGH_PIN), CHIPS_EDGE_VEC);
	guest_sync();
	GUEST_EQ(count(CHIPS_EDGE_VEC), 0);
	irq_window();
	GUEST_EQ(count(CHIPS_EDGE_VEC), 1);
	ioapic_set(REDIR(CHIPS_HIGH_PIN), REDIR_MASKED | CHIPS_EDGE_VEC);
	guest_sync();
	irq_window();
	ioapic_set(REDIR(CHIPS_HIGH_PIN), CHIPS_EDGE_VEC);
	irq_window();
	GUEST_EQ(count(CHIPS_EDGE_VEC), 1);
}

static void test_level(void)
{
	trap_hooks[CHIPS_LEVEL_VEC] = on_level;
	ioapic_set(REDIR(CHIPS_PIN), REDIR_MASKED | REDIR_LEVEL | CHIPS_LEVEL_VEC);
	guest_sync();
	irq_window();
	GUEST_EQ(count(CHIPS_LEVEL_VEC), 0);
	/* It is still high when the mask goes. */
	ioapic_set(REDIR(CHIPS_PIN), REDIR_LEVEL | CHIPS_LEVEL_VEC);
	irq_window();
	GUEST_EQ(count(CHIPS_LEVEL_VEC), CHIPS_REPEATS);
	GUEST_EQ(ioapic_get(REDIR(CHIPS_PIN)) & REDIR_REMOTE, 0);
}

static void init_pic(u16 master_mask, u16 slave_mask)
{
	outb(PIC_MASTER, 0x11);
	outb(PIC_MASTER + 1, CHIPS_PIC_BASE);
	outb(PIC_MASTER + 1, 4);
	outb(PIC_MASTER + 1, 1);
	outb(PIC_SLAVE, 0x11);
	outb(PIC_SLAVE + 1, CHIPS_PIC_BASE + 8);
	outb(PIC_SLAVE + 1, 2);
	outb(PIC_SLAVE + 1, 1);
	outb(PIC_MASTER + 1, master_mask);
	outb(PIC_SLAVE + 1, slave_mask);
	write32(APIC_GVA + APIC_LVT0, LVT_EXTINT);
	eoi_pic = true;
}

static void test_pic(void)
{
	u8 slave = CHIPS_PIC_BASE + CHIPS_SLAVE_IRQ;

	init_pic(0, 0);
	GUEST_EQ(inb(PIC_MASTER + 1), 0);
	guest_sync();
	outb(PIC_MASTER, 0x0a);
	GUEST_EQ(inb(PIC_MASTER), 1 << CHIPS_PIN);
	irq_window();
	GUEST_EQ(count(CHIPS_PIC_BASE + CHIPS_PIN), 1);
	outb(PIC_MASTER, 0x0b);
	GUEST_EQ(inb(PIC_MASTER), 0);
	guest_sync();
	irq_window();
	GUEST_EQ(count(slave), 1);
	GUEST_EQ(count(CHIPS_PIC_BASE + CHIPS_PIN), 1);
	outb(PIC_MASTER + 1, 0xff);
	guest_sync();
	irq_window();
	GUEST_EQ(count(CHIPS_PIC_BASE + CHIPS_PIN), 1);
	GUEST_EQ(inb(PIC_MASTER + 1), 0xff);
	/* The PIC remembers the edge; a mask in LVT0 keeps it away too. */
	write32(APIC_GVA + APIC_LVT0, LVT_MASKED | LVT_EXTINT);
	outb(PIC_MASTER + 1, 0);
	irq_window();
	GUEST_EQ(count(CHIPS_PIC_BASE + CHIPS_PIN), 1);
	write32(APIC_GVA + APIC_LVT0, LVT_EXTINT);
	/* KVM looks at the PIC again only when that says something new. */
	outb(PIC_MASTER + 1, 0xff);
	outb(PIC_MASTER + 1, 0);
	irq_window();
	GUEST_EQ(count(CHIPS_PIC_BASE + CHIPS_PIN), 2);
	outb(0x4d0, 0xff);
	GUEST_EQ(inb(0x4d0), 0xf8);
	outb(0x4d0, 0);
	outb(PIC_MASTER + 1, 0xff);
	outb(PIC_SLAVE + 1, 0xff);
}

static u16 latched(u16 port, u8 command)
{
	u16 low;

	outb(PIT_CONTROL, command);
	low = inb(port);
	return low | inb(port) << 8;
}

static void test_pit(void)
{
	u16 first, second;

	init_pic(0xfe, 0xff);
	/* Channel 0, both bytes, mode 2, about 100 Hz. */
	outb(PIT_CONTROL, 0x34);
	outb(PIT_CH0, 0x9c);
	outb(PIT_CH0, 0x2e);
	GUEST_CHECK(await(CHIPS_PIC_BASE, 5));
	first = latched(PIT_CH0, 0x00);
	GUEST_CHECK(first <= 0x2e9c);
	/* Mode 0: once. */
	outb(PIT_CONTROL, 0x30);
	counts[CHIPS_PIC_BASE] = 0;
	outb(PIT_CH0, 0x00);
	outb(PIT_CH0, 0x10);
	first = latched(PIT_CH0, 0x00);
	second = latched(PIT_CH0, 0x00);
	GUEST_CHECK(first <= 0x1000 && second <= first);
	GUEST_CHECK(await(CHIPS_PIC_BASE, 1));
	GUEST_EQ(await(CHIPS_PIC_BASE, 3), false);
	/* Read-back: the status says mode 0, both bytes. */
	outb(PIT_CONTROL, 0xe2);
	GUEST_EQ(inb(PIT_CH0) & 0x3f, 0x30);
	outb(PIC_MASTER + 1, 0xff);
}

static void test_speaker(void)
{
	u64 start = rdtsc();

	outb(PORT_SPEAKER, 0);
	GUEST_EQ(inb(PORT_SPEAKER) & 3, 0);
	outb(PIT_CONTROL, 0xb0);
	outb(PIT_CH2, 0x00);
	outb(PIT_CH2, 0x10);
	outb(PORT_SPEAKER, 1);
	GUEST_EQ(inb(PORT_SPEAKER) & 3, 1);
	while (!(inb(PORT_SPEAKER) & 0x20) && rdtsc() - start < PATIENCE)
		;
	GUEST_EQ(inb(PORT_SPEAKER) & 0x20, 0x20);
	outb(PORT_SPEAKER, 2);
	GUEST_EQ(inb(PORT_SPEAKER) & 3, 2);
}

static void test_wait(u32 want, bool level)
{
	u8 vector = level ? CHIPS_LEVEL_VEC : CHIPS_EDGE_VEC;

	trap_hooks[CHIPS_LEVEL_VEC] = on_interrupt;
	ioapic_set(REDIR(CHIPS_PIN), vector | (level ? REDIR_LEVEL : 0));
	guest_sync();
	while (count(vector) < want)
		asm volatile("sti; hlt; cli" : : : "memory");
	GUEST_EQ(count(vector), want);
}

static void test_writes(void)
{
	outb(CHIPS_PORT, 1);
	outb(CHIPS_PORT, 2);
	outw(CHIPS_PORT, 1);
	outb(CHIPS_PORT + 1, 7);
	outb(CHIPS_PORT + 1, 8);
	outl(CHIPS_PORT + 2, 7);
	write32(DEVICE_GVA, 5);
	write32(DEVICE_GVA, 6);
	write8(DEVICE_GVA + 8, 1);
	write32(DEVICE_GVA + 8, 2);
	write64(DEVICE_GVA + 8, 3);
	asm volatile("rep outsb" : : "d"(CHIPS_PORT + 4), "S"("xyz"), "c"(3) : "memory");
	outb(CHIPS_PORT + 15, 0);
}

static void test_msi(void)
{
	trap_hooks[CHIPS_LEVEL_VEC] = on_interrupt;
	guest_sync();
	while (count(CHIPS_LEVEL_VEC) < 1)
		asm volatile("sti; hlt; cli" : : : "memory");
	guest_sync();
}

static void test_extint(void)
{
	write32(APIC_GVA + APIC_LVT0, LVT_EXTINT);
	eoi_pic = false;
	guest_sync();
	while (count(CHIPS_EDGE_VEC) < 1)
		asm volatile("sti; hlt; cli" : : : "memory");
}

void guest_main(u64 op)
{
	if (op != CHIPS_WRITES && op != CHIPS_MSI && op != CHIPS_EXTINT)
		begin();
	write32(APIC_GVA + APIC_SPIV, SPIV_ON);
	trap_hooks[CHIPS_EDGE_VEC] = on_interrupt;
	switch (op) {
	case CHIPS_IOAPIC:
		test_ioapic();
		break;
	case CHIPS_EDGE:
		test_edge();
		break;
	case CHIPS_LEVEL:
		test_level();
		break;
	case CHIPS_PIC:
		test_pic();
		break;
	case CHIPS_PIT:
		test_pit();
		break;
	case CHIPS_SPEAKER:
		test_speaker();
		break;
	case CHIPS_WAIT:
		test_wait(shared()->arg[0], shared()->arg[1]);
		break;
	case CHIPS_WRITES:
		test_writes();
		break;
	case CHIPS_MSI:
		test_msi();
		break;
	case CHIPS_EXTINT:
		test_extint();
		break;
	}
}
