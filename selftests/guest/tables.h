/* SPDX-License-Identifier: GPL-2.0 */
/* What the guests that edit their own page tables and their host agree on. */
#ifndef SELFTESTS_TABLES_H
#define SELFTESTS_TABLES_H

/* Two neighbouring areas that one lowest-level table each maps, empty at first. */
#define TABLES_GVA	0x40000000UL
#define TABLES_FRAMES	64	/* pages at SCRATCH_GPA, frame i begins with TABLES_MARK + i */
#define TABLES_MARK	0xf0000000U
#define DEVICE_GPA	0x20000000UL	/* no slot; reads as DEVICE_VALUE */
#define DEVICE_VALUE	0x77777777U
#define TABLES_SPARE	(SCRATCH_GPA + TABLES_FRAMES * 0x1000)

/* arg[] of every operation */
enum {
	ARG_ENTRY_SIZE,
	ARG_SPAN,	/* bytes that one lowest-level table maps */
	ARG_PDE,	/* gpa of the level-2 entry for TABLES_GVA, the next follows it */
	ARG_TABLE,	/* the lowest-level table it points to */
	ARG_ROOT_B,	/* another address space, same but for TABLES_GVA */
	ARG_TABLE_B,
	ARG_PD,		/* the level-2 table that ARG_PDE is in */
};

/* Each operation is the function test_NAME() of guest/tables.c. */
enum {
	TABLES_REMAP,
	TABLES_WRITES,
	TABLES_RECURSIVE,
	TABLES_LARGE,
	TABLES_REUSE,
	TABLES_WIDTHS,
	TABLES_COPY,
	TABLES_BITS,
	TABLES_WP,
	TABLES_MMIO,
	TABLES_NR_OPS
};

/* The same of guest/spaces.c. */
enum {
	SPACES_CR3,
	SPACES_CR3_CHANGED,
	SPACES_PDE,
	SPACES_SHARED,
	SPACES_ROLES,
	SPACES_GLOBAL,
	SPACES_MANY,
	SPACES_PDPTE,	/* PAE only */
	SPACES_PCID,	/* 4 levels, and PCID and INVPCID in CPUID */
	SPACES_WINDOW,
	SPACES_ALIAS,
	SPACES_SELF,
	SPACES_ROOTS,	/* 2 levels only */
	SPACES_NR_OPS
};

#endif
