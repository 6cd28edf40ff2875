// SPDX-License-Identifier: GPL-2.0
/* Helpers of guests that edit their own page tables; begin_operation() sets the variables. */
#include "tables.h"

unsigned int entry_size;
unsigned long span, pde, table, root_b, table_b, pd;

void set_entry(unsigned long entry, u64 pte)
{
	write_entry(entry, pte, entry_size);
}

u64 get_entry(unsigned long entry)
{
	return read_entry(entry, entry_size);
}

void map(unsigned int page, u64 pte)
{
	set_entry(slot(table, page), pte);
	flush_gva(gva(page));
}

void flush_all(void)
{
	write_cr3(read_cr3());
}

void begin_operation(void)
{
	unsigned int i;

	entry_size = shared()->arg[ARG_ENTRY_SIZE];
	span = shared()->arg[ARG_SPAN];
	pde = shared()->arg[ARG_PDE];
	table = shared()->arg[ARG_TABLE];
	root_b = shared()->arg[ARG_ROOT_B];
	table_b = shared()->arg[ARG_TABLE_B];
	pd = shared()->arg[ARG_PD];
	for (i = 0; i < TABLES_FRAMES; i++)
		write32(frame(i), TABLES_MARK + i);
	memset((void *)table, 0, PAGE);
	memset((void *)table_b, 0, PAGE);
	set_entry(pde, table | KERNEL | PTE_U);
	set_entry(slot(pde, 1), 0);
	flush_all();
}

void try_write(unsigned long p)
{
	write32(p, 0xdeadbeef);
}

void try_read(unsigned long p)
{
	read32(p);
}

void expect_fault(void (*access)(unsigned long), unsigned long p, u64 error)
{
	GUEST_EQ(try_call(access, p), true);
	GUEST_EQ(this_cpu()->trap.vector, VEC_PF);
	GUEST_EQ(this_cpu()->trap.error, error);
	GUEST_EQ(this_cpu()->trap.cr2, p);
}

void __user_text user_read(unsigned long p)
{
	read32(p);
}
