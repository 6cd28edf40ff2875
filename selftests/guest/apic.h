/* SPDX-License-Identifier: GPL-2.0 */
/* What the guest that drives its interrupt controllers and its host agree on. */
#ifndef SELFTESTS_APIC_H
#define SELFTESTS_APIC_H

#define APIC_GVA	0x40000000UL	/* three pages: the local APIC, the IOAPIC, a device */
#define APIC_GPA	0xfee00000UL
#define IOAPIC_GVA	0x40001000UL
#define IOAPIC_GPA	0xfec00000UL
#define DEVICE_GVA	0x40002000UL
#define DEVICE_GPA	0xfeb00000UL

#define APIC_VEC	0x40	/* vectors from here on have handlers that count */
#define APIC_VECS	0x40
#define APIC_SPURIOUS	0xff
#define APIC_TRAMPOLINE	0x8000	/* gpa of real-mode code, in the page of this SIPI vector */
#define APIC_STARTED	0x9000	/* where it leaves its mark */
#define APIC_ROUNDS	50
#define APIC_PV_VEC	0x5a

enum {
	APIC_REGS,	/* the registers by MMIO */
	APIC_SELF,	/* self-IPIs: order, TPR, CR8, masking */
	APIC_TIMER,	/* one-shot, periodic, masked, by MMIO */
	APIC_DEADLINE,	/* TSC-deadline mode */
	APIC_X2,	/* x2APIC registers by MSR; stays in that mode */
	APIC_WINDOW,	/* an interrupt that came while IF=0, and behind STI and MOV SS */
	APIC_SLEEP,	/* HLT until the timer, several times */
	APIC_START,	/* vCPU 0: INIT and SIPI to vCPU 1 */
	APIC_PING,	/* both: IPIs to and fro; the other one halts */
	APIC_SEND,	/* vCPU 0: each destination form, NMI */
	APIC_RECEIVE,	/* vCPU 1: takes them, until told to end */
	APIC_COST,	/* ticks of some operations into result[] */
	APIC_WAIT,	/* HLT with IF=1 until vector arg[0] came arg[1] times */
	APIC_PV_EOI,	/* from now on interrupts end in memory where offered (arg[0]), or not */
	APIC_PV_COUNT,	/* interrupts one by one; result[0]: how many ended in memory */
	APIC_PV_IPI,	/* vCPU 0: a vector to both by hypercall; vCPU 1 waits for it */
	APIC_KICK,	/* vCPU 0: wake vCPU 1 by hypercall, */
	APIC_KICKED,	/* which halts with IF=0 */
	APIC_X2ON,	/* from now on in x2APIC mode */
	APIC_MANY,	/* arg[0] of APIC_MANY_*, APIC_MANY_ROUNDS times */
	APIC_LEVEL,	/* an IOAPIC's line that stays high, until APIC_LEVELS interrupts */
	APIC_OFF,	/* switched off by software it takes no self-IPI */
	APIC_LEAVE,	/* self-IPIs wait behind IF, with a TPR */
	APIC_SERVING,	/* one is in service: those wait until its end, then come by priority */
	APIC_BLOCKED,	/* one waits with IF=1, and does not come */
	APIC_UNBLOCKED,	/* and comes */
	APIC_POST,	/* vCPU 0: an IPI to vCPU 1, APIC_MANY_ROUNDS times */
	APIC_SPIN,	/* which takes them without a pause */
	APIC_HOLE,	/* nothing answers where an xAPIC would be */
	APIC_COVERED,	/* memory is there: a word is copied to the next, plus 1 */
};

#define APIC_MANY_ROUNDS	200
#define APIC_LEVELS		20
#define APIC_LEVEL_PIN		20
#define APIC_LEVEL_VEC		0x63
#define APIC_LEAVE_TPR		0x20
#define APIC_LEAVE_VEC		0x41	/* and 0x51 of userspace, */
#define APIC_LEAVE_HIGH		0x61
#define APIC_SERVING_VEC	0x71

/*
 * arg[0] of APIC_MANY: the TPR by its register, by CR8; self-IPIs by a register of their own, if
 * there is one, by the ICR; reads
 */
enum {
	APIC_MANY_TPR, APIC_MANY_CR8, APIC_MANY_SELF, APIC_MANY_ICR, APIC_MANY_READ, APIC_MANY_KINDS
};

/* result[] of APIC_COST */
enum { APIC_COST_SELF, APIC_COST_TPR, APIC_COST_DEADLINE, APIC_COST_PORT, APIC_COSTS };

#endif
