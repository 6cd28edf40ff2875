// SPDX-License-Identifier: GPL-2.0
/* Print what translation costs per operation of the benchmark. */
#include <math.h>
#include <stdio.h>

#include "bench.h"
#include "table.h"

static void print_value(double value)
{
	if (isnan(value))
		printf(" %14s", "not measured");
	else
		printf(" %14.2f", value < 0 ? 0 : value);
}

static void print_row(const struct columns *columns, enum row_id row, enum tlb_value value)
{
	printf("%-26s", bench_rows[row].title);
	for (size_t i = 0; i < columns->count; i++) {
		const struct result *result = &columns->list[i]->results[row];

		print_value(result->has_tlb ? result->tlb.value[value] : NAN);
	}
	putchar('\n');
}

bool table_has_tlb(const struct columns *columns)
{
	for (size_t i = 0; i < columns->count; i++)
		for (int row = 0; row < ROW_COUNT; row++)
			if (columns->list[i]->results[row].has_tlb)
				return true;
	return false;
}

static void print_section(const struct columns *columns, const char *heading, enum tlb_value value)
{
	printf("%-26s", heading);
	for (size_t i = 0; i < columns->count; i++)
		printf(" %14s", columns->list[i]->name);
	putchar('\n');
	for (int row = 0; row < ROW_COUNT; row++)
		if (columns_show(columns, row))
			print_row(columns, row, value);
	putchar('\n');
}

void table_print_tlb(const struct columns *columns)
{
	if (!table_has_tlb(columns))
		return;
	print_section(columns, "TLB misses in the guest", TLB_MISSES);
	print_section(columns, "TLB cycles, all told", TLB_CYCLES);
}
