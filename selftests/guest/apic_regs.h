/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of the guest that drives its local APIC share. */
#ifndef SELFTESTS_APIC_REGS_H
#define SELFTESTS_APIC_REGS_H

#include "apic.h"
#include "guest.h"

#define REG_ID		0x20
#define REG_VERSION	0x30
#define REG_TPR		0x80
#define REG_PPR		0xa0
#define REG_EOI		0xb0
#define REG_LDR		0xd0
#define REG_DFR		0xe0
#define REG_SPIV	0xf0
#define REG_ISR		0x100
#define REG_TMR		0x180
#define REG_IRR		0x200
#define REG_ESR		0x280
#define REG_ICR		0x300
#define REG_ICR2	0x310
#define REG_LVTT	0x320
#define REG_LVTPC	0x340
#define REG_LVT0	0x350
#define REG_LVTERR	0x370
#define REG_TMICT	0x380
#define REG_TMCCT	0x390
#define REG_TDCR	0x3e0
#define REG_SELF	0x3f0

#define MASKED		0x10000u
#define PERIODIC	0x20000u
#define DEADLINE	0x40000u
#define ENABLED		0x100u
#define ICR_ASSERT	0x4000u
#define ICR_LOGICAL	0x800u
#define ICR_SELF	0x40000u
#define ICR_ALL		0x80000u
#define ICR_OTHERS	0xc0000u
#define ICR_LOWEST	0x100u
#define ICR_NMI		0x400u
#define ICR_INIT	0x500u
#define ICR_STARTUP	0x600u
#define TDCR_BY_1	0xbu
#define TDCR_BY_16	0x3u

#define MSR_APIC_BASE	0x1b
#define MSR_DEADLINE	0x6e0
#define MSR_X2APIC	0x800
#define BASE_X2APIC	0x400u
#define BASE_BSP	0x100u
#define BASE_ENABLE	0x800u
#define VEC_NMI		2
#define PATIENCE	400000000ULL	/* TSC ticks */

/* Per vCPU; changed by handlers. */
struct apic_cpu {
	u32 counts[256];	/* interrupts by vector */
	u8 order[16];		/* the first of them */
	u32 taken, nmis;
	u32 ready;
	bool x2apic, pv;
	u32 ended;		/* interrupts without a write to EOI */
};

extern struct apic_cpu apic_cpus[MAX_VCPUS];

u32 get(u32 reg);
void set(u32 reg, u32 val);
void send(u32 dest, u32 low);
void irq_on(void);
void irq_off(void);
void halt(void);	/* interrupts are off; one is taken inside */
u32 count(u8 vector);

/* parts/apic_pv.c */
void end_interrupt(void);	/* in memory, if that is on and offered */
void test_pv(u64 op);

/* parts/apicv.c */
void test_apicv(u64 op);

/* parts/apic.c */
void test_start(void);
void test_ping(void);
void test_receive(void);
void test_send(void);

static inline unsigned int me(void)
{
	return this_cpu()->id;
}

#endif
