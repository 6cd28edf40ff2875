// SPDX-License-Identifier: GPL-2.0
/* A guest that reads and writes its machine-check registers and takes what they signal. */
#include "apic.h"
#include "guest.h"
#include "mce.h"

#define VEC_NMI		2
#define VEC_MC		18
#define CR4_MCE		BIT(6)
#define APIC_VERSION	0x30
#define APIC_EOI	0xb0
#define APIC_SPIV	0xf0
#define APIC_LVT_CMCI	0x2f0
#define APIC_ENABLED	0x100
#define LVT_MASKED	0x10000
#define SPINS		1000

static u64 got;
static unsigned int nmis, interrupts;

static void do_read(unsigned long msr)
{
	got = rdmsr(msr);
}

static void do_write(unsigned long msr)
{
	wrmsr(msr, shared()->arg[1]);
}

static void access(void (*fn)(unsigned long msr))
{
	bool faulted = try_call(fn, shared()->arg[0]);

	shared()->result[MCE_RES_FAULT] = faulted ? this_cpu()->trap.vector : 0;
	shared()->result[MCE_RES_VALUE] = got;
}

static void on_machine_check(struct trap_frame *frame)
{
	unsigned long long *result = shared()->result;
	u32 bank = MCE_BASE + 4 * shared()->arg[1];

	(void)frame;
	result[MCE_RES_TAKEN]++;
	result[MCE_RES_MCG] = rdmsr(MCE_STATUS);
	result[MCE_RES_STATUS] = rdmsr(bank + 1);
	result[MCE_RES_ADDR] = rdmsr(bank + 2);
	result[MCE_RES_MISC] = rdmsr(bank + 3);
}

static void test_take(void)
{
	shared()->result[MCE_RES_TAKEN] = 0;
	trap_hooks[VEC_MC] = on_machine_check;
	write_cr4(shared()->arg[0] ? read_cr4() | CR4_MCE : read_cr4() & ~CR4_MCE);
	guest_sync();
}

static void on_interrupt(struct trap_frame *frame)
{
	(void)frame;
	WRITE_ONCE(interrupts, interrupts + 1);
	write32(APIC_GVA + APIC_EOI, 0);
}

static void on_nmi(struct trap_frame *frame)
{
	(void)frame;
	WRITE_ONCE(nmis, nmis + 1);
}

static void test_cmci(void)
{
	unsigned int i;

	trap_hooks[MCE_VEC] = on_interrupt;
	trap_hooks[VEC_NMI] = on_nmi;
	interrupts = 0;
	nmis = 0;
	write32(APIC_GVA + APIC_SPIV, APIC_ENABLED | APIC_SPURIOUS);
	write32(APIC_GVA + APIC_LVT_CMCI, shared()->arg[0]);
	guest_sync();
	asm volatile("sti" : : : "memory");
	for (i = 0; i < SPINS && !READ_ONCE(interrupts); i++)
		asm volatile("pause");
	asm volatile("cli" : : : "memory");
	shared()->result[MCE_RES_TAKEN] = interrupts;
	shared()->result[MCE_RES_NMIS] = nmis;
	write32(APIC_GVA + APIC_LVT_CMCI, LVT_MASKED);
}

void guest_main(u64 op)
{
	switch (op) {
	case MCE_READ:
		access(do_read);
		break;
	case MCE_WRITE:
		access(do_write);
		break;
	case MCE_TAKE:
		test_take();
		break;
	case MCE_CMCI:
		test_cmci();
		break;
	case MCE_VERSION:
		shared()->result[0] = read32(APIC_GVA + APIC_VERSION);
		break;
	}
}
