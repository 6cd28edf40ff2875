// SPDX-License-Identifier: GPL-2.0
/* Print hardware operations per operation: all columns, then where ours need more than others. */
#include <stdio.h>

#include "bench.h"
#include "table.h"

#define NOISE	0.05	/* a timer interrupt here and there */

/* Tens to a thousand cycles each on hardware, one tick here: none may be needed more often. */
static const u32 dear[] = {
	HW_INDEX(LAB_OP_EXITS), HW_INDEX(LAB_OP_VMREAD), HW_INDEX(LAB_OP_VMWRITE),
	HW_INDEX(LAB_OP_RDMSR), HW_INDEX(LAB_OP_WRMSR), HW_INDEX(LAB_OP_XSAVE),
	HW_INDEX(LAB_OP_XRSTOR), HW_INDEX(LAB_OP_INVEPT), HW_INDEX(LAB_OP_INVVPID),
	HW_INDEX(LAB_OP_MSR_LIST),
};

static u32 print_operations(const struct result *result)
{
	u32 printed = 0;

	for (size_t i = 0; i < HW_COUNT; i++) {
		if (i == HW_INDEX(LAB_OP_INSTRUCTIONS) || result->hardware[i] < NOISE)
			continue;
		printf(" %s %.2f", hwcount_names[i], result->hardware[i]);
		printed++;
	}
	return printed;
}

static void print_result(const char *name, const struct result *result)
{
	if (result->state != MEASURED)
		return;
	printf("  %-16s", name);
	if (!result->has_hardware)
		puts(" not measured");
	else
		puts(print_operations(result) ? "" : " none");
}

static u32 print_excess(const struct column *ours, const struct column *other, enum row_id row)
{
	const struct result *a = &ours->results[row], *b = &other->results[row];
	u32 found = 0;

	for (size_t i = 0; i < ARRAY_SIZE(dear); i++) {
		double mine = a->hardware[dear[i]], theirs = b->hardware[dear[i]];

		if (mine <= theirs + NOISE)
			continue;
		printf("%s needs more than %s: %s, %s %.2f against %.2f\n", ours->name,
		       other->name, bench_rows[row].title, hwcount_names[dear[i]], mine, theirs);
		found++;
	}
	return found;
}

static void print_pair(const struct column *ours, const struct column *other)
{
	u32 found = 0, rows = 0;

	for (int row = 0; row < ROW_COUNT; row++) {
		if (!ours->results[row].has_hardware || !other->results[row].has_hardware)
			continue;
		found += print_excess(ours, other, row);
		rows++;
	}
	if (rows && !found)
		printf("%s needs no more hardware operations than %s on any of %u rows\n",
		       ours->name, other->name, rows);
}

void table_print_hardware(const struct columns *columns)
{
	puts("Hardware operations per operation (counted by the lab's emulator):");
	for (int row = 0; row < ROW_COUNT; row++) {
		if (!columns_show(columns, row))
			continue;
		puts(bench_rows[row].title);
		for (size_t i = 0; i < columns->count; i++)
			print_result(columns->list[i]->name, &columns->list[i]->results[row]);
	}
	putchar('\n');
	for (size_t i = 0; i < columns->count; i++)
		for (size_t k = 0; k < columns->count; k++)
			if (columns->list[i]->ours && !columns->list[k]->ours &&
			    columns->list[i]->backend == columns->list[k]->backend)
				print_pair(columns->list[i], columns->list[k]);
}
