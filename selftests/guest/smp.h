/* SPDX-License-Identifier: GPL-2.0 */
/* What the guest with two vCPUs and its host agree on. */
#ifndef SELFTESTS_SMP_H
#define SELFTESTS_SMP_H

#define SMP_GVA		0x40000000UL	/* one lowest-level table maps it */
#define SMP_LOOPS	1000
#define SMP_ROUNDS	100
#define SMP_FRAMES	16	/* pages at SCRATCH_GPA that many entries map */
#define SMP_ENTRIES	256	/* of the table that SMP_FAULTS uses, each vCPU half of them */

enum {
	SMP_COUNT,	/* both add to one counter */
	SMP_XCHG,	/* both take turns under a lock of their own making */
	SMP_TABLE_COUNT,	/* as COUNT, with the counter in a live page table */
	SMP_SHOOTDOWN,	/* vCPU 0 changes a PTE, vCPU 1 flushes and must see the change */
	SMP_PRESENT,	/* vCPU 0 maps a page, vCPU 1 must see it without a flush */
	SMP_DIRTY,	/* vCPU 0 clears D and W, vCPU 1 writes: no write after the flush */
	SMP_TOGETHER,	/* both really run at once: they wait for each other */
	SMP_FAULTS,	/* both fault on pages of one table, elsewhere and at the same place */
};

/* arg[]: the same for both vCPUs */
enum { SMP_ARG_TABLE, SMP_ARG_ENTRY_SIZE };

#endif
