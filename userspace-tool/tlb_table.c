// SPDX-License-Identifier: GPL-2.0
/* Print what `umbra bench --tlb` measured: each row in full, then cycles side by side. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tlb_bench.h"

#define TITLE		128
/* What the emulator charges as one instruction; an assumption, of the order of recent CPUs. */
#define EXIT_CYCLES	1200.0

static void print_value(const char *name, double value)
{
	if (isnan(value))
		printf(" %s -", name);
	else
		printf(" %s %.*f", name, value < 100 ? 2 : 0, value);
}

/* A model charges instructions alone to the clock; a real CPU's has it all. */
static double total(const struct tlb_sample *s)
{
	const double *v = s->value;

	if (isnan(v[TLB_ACCESSES]))
		return v[TLB_TICKS];
	return v[TLB_TICKS] + v[TLB_CYCLES] + v[TLB_EXITS] * EXIT_CYCLES;
}

static bool is_there(const struct tlb_result *result)
{
	return result->state == MEASURED || result->state == FAILED;
}

static void print_result(const struct tlb_column *column, const struct tlb_result *result)
{
	const double *v = result->sample.value;
	double references = v[TLB_GUEST_REFS] + v[TLB_EPT_REFS];

	if (!is_there(result))
		return;
	printf("  %-13s", column->name);
	if (result->state == FAILED) {
		printf(" FAILED: %s\n", result->failure);
		return;
	}
	print_value("misses", v[TLB_MISSES]);
	print_value("references", v[TLB_GUEST_REFS]);
	print_value("+ EPT", v[TLB_EPT_REFS]);
	if (v[TLB_MISSES] >= 0.005)
		print_value("per miss", references / v[TLB_MISSES]);
	print_value("host misses", v[TLB_HOST_MISSES]);
	print_value("TLB cycles", v[TLB_CYCLES]);
	print_value("of EPT", v[TLB_EPT_CYCLES]);
	print_value("exits", v[TLB_EXITS]);
	print_value("ticks", v[TLB_TICKS]);
	print_value("total", total(&result->sample));
	putchar('\n');
}

static bool any_result(const struct tlb_columns *columns, size_t row)
{
	for (size_t i = 0; i < columns->count; i++)
		if (is_there(&columns->list[i].results[row]))
			return true;
	return false;
}

static void print_rows(const struct tlb_columns *columns)
{
	const struct tlb_row *rows;
	size_t count = tlb_rows(&rows);
	char title[TITLE];

	puts("Per access, or per switch, fault or change (\"-\": not measured):");
	for (size_t row = 0; row < count; row++) {
		if (!any_result(columns, row))
			continue;
		tlb_row_title(&rows[row], title, sizeof(title));
		puts(title);
		for (size_t i = 0; i < columns->count; i++)
			print_result(&columns->list[i], &columns->list[i].results[row]);
	}
	putchar('\n');
}

static void print_cell(const struct tlb_result *result, double value)
{
	if (result->state == FAILED)
		printf(" %14s", "FAILED");
	else if (!is_there(result) || isnan(value))
		printf(" %14s", "not measured");
	else
		printf(" %14.*f", value < 100 ? 2 : 0, value);
}

static double tlb_cycles(const struct tlb_sample *s)
{
	return s->value[TLB_CYCLES];
}

static void print_matrix(const struct tlb_columns *columns, const char *heading,
			 double (*value_of)(const struct tlb_sample *))
{
	const struct tlb_row *rows;
	size_t count = tlb_rows(&rows);
	char title[TITLE];

	printf("%-44s", heading);
	for (size_t i = 0; i < columns->count; i++)
		printf(" %14s", columns->list[i].name);
	putchar('\n');
	for (size_t row = 0; row < count; row++) {
		if (!any_result(columns, row))
			continue;
		tlb_row_title(&rows[row], title, sizeof(title));
		printf("%-44s", title);
		for (size_t i = 0; i < columns->count; i++) {
			const struct tlb_result *result = &columns->list[i].results[row];

			print_cell(result, value_of(&result->sample));
		}
		putchar('\n');
	}
	putchar('\n');
}

static void print_source(const struct tlb_columns *columns)
{
	const char *source = columns->count ? columns->list[0].source : "";

	if (*source)
		printf("What translation costs: %s.\n", source);
	else
		puts("What translation costs is not measured: no model, no counter.");
	printf("A total of a model: instructions + TLB cycles + %.0f cycles for each exit.\n\n",
	       EXIT_CYCLES);
}

void tlb_print(const struct tlb_columns *columns)
{
	print_source(columns);
	print_rows(columns);
	print_matrix(columns, "TLB cycles", tlb_cycles);
	print_matrix(columns, "Total cycles", total);
}

size_t tlb_failures(const struct tlb_columns *columns)
{
	size_t failures = 0;

	for (size_t i = 0; i < columns->count; i++)
		for (size_t row = 0; row < TLB_MAX_ROWS; row++)
			failures += columns->list[i].results[row].state == FAILED;
	return failures;
}
