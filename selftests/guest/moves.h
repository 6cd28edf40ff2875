/* SPDX-License-Identifier: GPL-2.0 */
/* What the guest that turns its paging on and off without end and its host agree on. */
#ifndef SELFTESTS_MOVES_H
#define SELFTESTS_MOVES_H

#define MOVES_GPA	0x40000000UL	/* a slot; each vCPU has pages of its own there */
#define MOVES_GVA	0x50000000UL	/* where a vCPU that pages finds them */
#define MOVES_PAGES	16		/* of each vCPU */
/* Of a vCPU's part of a table: an entry for each of its pages, then one that another vCPU reads. */
#define MOVES_ENTRIES	32
#define MOVES_POSTED	MOVES_PAGES

/* The only operation: until the u32 at STOP is set. result[0] counts complete rounds. */
enum {
	MOVES_ARG_STOP,
	MOVES_ARG_FLAGS,
	MOVES_ARG_ROOT,		/* for CR3 */
	MOVES_ARG_CR4,		/* while paging is on */
	MOVES_ARG_PDE,		/* gpa of the vCPU's own level-2 entry for MOVES_GVA */
	MOVES_ARG_TABLE,	/* two last-level tables that all vCPUs share */
	MOVES_ARG_TABLE_B,
	MOVES_ARG_ENTRY_SIZE,
};

#define MOVES_TURNS	1	/* this vCPU pages by turns; without, it never does */
#define MOVES_LOSES	2	/* a page may come back as zeros */

#endif
