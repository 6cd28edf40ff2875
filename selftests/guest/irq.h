/* SPDX-License-Identifier: GPL-2.0 */
/* What the guest that takes interrupts and its host agree on. */
#ifndef SELFTESTS_IRQ_H
#define SELFTESTS_IRQ_H

#define IRQ_FIRST	0x40
#define IRQ_COUNT	16
#define IRQ_PORT	0x99
#define IRQ_LOOPS	50
#define IRQ_ROUNDS	100

enum {
	IRQ_WINDOW,	/* sync with IF=0, then STI; NOP; NOP */
	IRQ_WINDOW_SS,	/* the same with MOV SS after STI */
	IRQ_LOOP,	/* with IF=1, OUT in a loop */
	IRQ_HALT,	/* STI; HLT */
	IRQ_SPIN,	/* with IF=1, spin until an interrupt came */
	IRQ_NMI,	/* sync, then a few instructions with IF=0 */
	IRQ_NMI_NESTED,	/* the same; the NMI handler syncs too */
	IRQ_NMI_SLOW,	/* sync IRQ_ROUNDS times; each NMI takes many exits */
	IRQ_SOFT,	/* sync, then raise vector arg[0] by an instruction */
};

/* result[] at the end of an operation */
enum {
	IRQ_RES_TOTAL,	/* interrupts taken */
	IRQ_RES_VECTOR,	/* the last one */
	IRQ_RES_IP,	/* where it hit */
	IRQ_RES_LABEL,	/* where it had to hit, known from the first sync on */
	IRQ_RES_NMIS,
	IRQ_RES_DEPTH,	/* NMI handlers that ran at once, at most */
};

/* parts/irq.S */
void window_sti(void);
void window_ss(void);
extern const char window_sti_ip[], window_ss_ip[];

#endif
