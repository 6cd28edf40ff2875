/* SPDX-License-Identifier: GPL-2.0 */
/* What the guest that edits its own page tables and its host agree on. */
#ifndef SELFTESTS_TABLES_H
#define SELFTESTS_TABLES_H

/* Two neighbouring areas that one lowest-level table each maps, empty at first. */
#define TABLES_GVA	0x40000000UL
#define TABLES_FRAMES	64	/* pages at SCRATCH_GPA, frame i begins with TABLES_MARK + i */
#define TABLES_MARK	0xf0000000U
#define TABLES_MMIO	0x20000000UL	/* no slot; reads as TABLES_MMIO_VALUE */
#define TABLES_MMIO_VALUE 0x77777777U
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

/* Operation tables_NAME of the guest is test_NAME(). */
#define TABLES_OPS(X)									\
	X(remap, "PTE changes followed by INVLPG")					\
	X(writes, "writes through changing PTEs reach the right frames")		\
	X(cr3, "two address spaces in turn")						\
	X(cr3_changed, "the other address space changed meanwhile")			\
	X(pde, "a level-2 entry moves to another table")				\
	X(shared, "one table under two level-2 entries")				\
	X(roles, "one table under entries with different rights")			\
	X(recursive, "a table that maps itself")					\
	X(large, "a large page becomes a table and back")				\
	X(reuse, "a table becomes data and a table again")				\
	X(widths, "PTEs written in parts and with odd instructions")			\
	X(copy, "whole tables copied and cleared by string instructions")		\
	X(bits, "A and D bits come back after the guest clears them")			\
	X(wp, "write protection holds after a write with CR0.WP clear")			\
	X(global, "global pages, flushed by CR4.PGE")					\
	X(mmio, "a PTE alternates between RAM and MMIO")				\
	X(many, "many tables, more than a small cache holds")

#define TABLES_ENUM(op, what) tables_##op,
enum { TABLES_OPS(TABLES_ENUM) TABLES_NR_OPS };

#endif
