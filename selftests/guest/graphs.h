/* SPDX-License-Identifier: GPL-2.0 */
/* What the guest with unusual graphs of page tables and its host agree on, beside tables.h. */
#ifndef SELFTESTS_GRAPHS_H
#define SELFTESTS_GRAPHS_H

#define GRAPHS_LEVELS	5

/* At CASES_GPA: what the guest cannot work out in every mode alike. */
struct graphs_args {
	unsigned long long low_table;		/* the last-level table for gva 0 */
	unsigned long long pde_b;		/* TABLES_GVA's level-2 entry in the other space */
	unsigned long long path[GRAPHS_LEVELS];	/* the tables on the way to gva 0, root first */
};

enum {
	GRAPHS_TWO_LEVELS,
	GRAPHS_TWO_SPACES,
	GRAPHS_DATA,
	GRAPHS_ROOT,		/* not PAE */
	GRAPHS_OWN_TABLE,
	GRAPHS_OWN_CODE,
	GRAPHS_CODE_SWAPPED,
	GRAPHS_CLEAN,
	GRAPHS_PDPTE_LOADS,	/* PAE only */
	GRAPHS_NR_OPS,
	/* Unpaged code, and its way to paging and back; arg[0]: CR3, arg[1]: CR4. */
	GRAPHS_PAGING_ON,
	GRAPHS_PAGING_OFF,
	GRAPHS_SET,		/* the entry at arg[0] = arg[1], of arg[2] bytes */
	GRAPHS_GET,		/* result[0] = the u32 at arg[0], after INVLPG if arg[1] */
};

#endif
