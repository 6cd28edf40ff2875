/* SPDX-License-Identifier: GPL-2.0 */
/* Helpers of guests that edit their own page tables. */
#ifndef SELFTESTS_PARTS_TABLES_H
#define SELFTESTS_PARTS_TABLES_H

#include "../guest.h"
#include "../tables.h"

#define PTE_P		1
#define PTE_W		2
#define PTE_U		4
#define PTE_A		0x20
#define PTE_D		0x40
#define PTE_PS		0x80
#define PTE_G		0x100
#define KERNEL		(PTE_P | PTE_W)
#define VEC_PF		14
#define PAGE		4096UL
#define LARGE_GPA	0x400000UL	/* RAM that nothing else uses */

/* The arguments of the operation. */
extern unsigned int entry_size;
extern unsigned long span, pde, table, root_b, table_b, pd;

static inline unsigned long frame(unsigned int i)
{
	return SCRATCH_GPA + i * PAGE;
}

static inline unsigned long gva(unsigned int page)
{
	return TABLES_GVA + page * PAGE;
}

static inline unsigned long slot(unsigned long in_table, unsigned int index)
{
	return in_table + index * entry_size;
}

/* Reads the arguments, marks the frames, empties the tables. */
void begin_operation(void);
void set_entry(unsigned long entry, u64 pte);
u64 get_entry(unsigned long entry);
/* Sets the PTE of a page of TABLES_GVA and flushes it. */
void map(unsigned int page, u64 pte);
void flush_all(void);

void try_write(unsigned long p);
void try_read(unsigned long p);
void user_read(unsigned long p);
/* The access at CPL 0 must raise #PF with this error code. */
void expect_fault(void (*access)(unsigned long), unsigned long p, u64 error);

#endif
