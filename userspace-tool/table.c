// SPDX-License-Identifier: GPL-2.0
/* Print columns: costs, ratios and budgets, exits by cause, CSV. */
#include <string.h>

#include "bench.h"
#include "table.h"

static double row_budget(enum row_id id, int backend)
{
	const struct bench_row *row = &bench_rows[id];

	return backend == UM_BACKEND_SHADOW ? row->budget_shadow : row->budget_ept;
}

static void print_cost(const struct result *result)
{
	if (result->state == MEASURED)
		printf(" %14.0f", result->ticks);
	else
		printf(" %14s", result->state == FAILED ? "FAILED" : "not measured");
}

/* Extrapolated from the pages that the row touched. */
static void print_table_memory(const struct columns *columns, enum row_id id, const char *title)
{
	printf("%-26s", title);
	for (size_t i = 0; i < columns->count; i++) {
		const struct result *result = &columns->list[i]->results[id];

		if (result->has_tables)
			printf(" %10lu KiB", result->tables_per_gib >> 10);
		else
			printf(" %14s", "not measured");
	}
	putchar('\n');
}

/* No counter of this program sees them, and an emulator does not charge them by itself. */
static void print_unmeasurable(const struct columns *columns)
{
	printf("%-26s", "TLB misses, page walks");
	for (size_t i = 0; i < columns->count; i++)
		printf(" %14s", "not measured");
	putchar('\n');
}

static void print_failures(const struct columns *columns)
{
	for (size_t i = 0; i < columns->count; i++) {
		const struct column *column = columns->list[i];

		for (int row = 0; row < ROW_COUNT; row++)
			if (column->results[row].state == FAILED)
				printf("FAILED: %s, %s: %s\n", column->name,
				       bench_rows[row].title, column->results[row].failure);
	}
}

void table_print_costs(const struct columns *columns)
{
	printf("Cost per operation in TSC ticks (in the emulated machine: instructions).\n\n%-26s",
	       "operation");
	for (size_t i = 0; i < columns->count; i++)
		printf(" %14s", columns->list[i]->name);
	putchar('\n');
	for (int row = 0; row < ROW_COUNT; row++) {
		if (!columns_show(columns, row))
			continue;
		printf("%-26s", bench_rows[row].title);
		for (size_t i = 0; i < columns->count; i++)
			print_cost(&columns->list[i]->results[row]);
		putchar('\n');
	}
	print_table_memory(columns, ROW_TOUCH, "tables per GiB, guest's 2M");
	print_table_memory(columns, ROW_TOUCH_SMALL, "tables per GiB, guest's 4K");
	if (!table_has_tlb(columns))
		print_unmeasurable(columns);
	putchar('\n');
	print_failures(columns);
}

void table_print_meanings(void)
{
	puts("What each row means:");
	for (int row = 0; row < ROW_COUNT; row++)
		printf("  %-26s %s\n", bench_rows[row].title, bench_rows[row].meaning);
	putchar('\n');
}

static void print_result_counters(const char *name, const struct result *result)
{
	if (result->state != MEASURED)
		return;
	printf("  %-16s", name);
	if (!result->has_counters)
		fputs(" not measured", stdout);
	else if (!result->counter_count)
		fputs(" none", stdout);
	for (size_t i = 0; i < result->counter_count; i++)
		printf(" %s %.2f", result->counters[i].name, result->counters[i].per_operation);
	putchar('\n');
}

void table_print_counters(const struct columns *columns)
{
	puts("Exits and events by cause, per operation (KVM_GET_STATS_FD):");
	for (int row = 0; row < ROW_COUNT; row++) {
		if (!columns_show(columns, row))
			continue;
		puts(bench_rows[row].title);
		for (size_t i = 0; i < columns->count; i++)
			print_result_counters(columns->list[i]->name,
					      &columns->list[i]->results[row]);
	}
	putchar('\n');
}

static void print_ratio_row(enum row_id id, const struct result *ours, const struct result *other,
			    int backend)
{
	double budget = row_budget(id, backend);

	if (ours->state != MEASURED || other->state != MEASURED) {
		printf("%-26s %14s\n", bench_rows[id].title, "not measured");
		return;
	}
	printf("%-26s %14.0f %14.0f", bench_rows[id].title, ours->ticks, other->ticks);
	if (other->ticks > 0)
		printf(" %8.2f", ours->ticks / other->ticks);
	else
		printf(" %8s", "-");
	if (budget > 0)
		printf(" %10.0f %s", budget, ours->ticks <= budget ? "within" : "over");
	putchar('\n');
}

static void print_pair_summary(const struct column *ours, const struct column *other)
{
	unsigned int rows = 0, no_dearer = 0;

	for (int row = 0; row < ROW_COUNT; row++) {
		const struct result *a = &ours->results[row], *b = &other->results[row];

		if (a->state != MEASURED || b->state != MEASURED)
			continue;
		rows++;
		no_dearer += a->ticks <= b->ticks;
	}
	printf("%s costs no more than %s on %u of %u rows\n\n", ours->name, other->name, no_dearer,
	       rows);
}

static void print_pair(const struct column *ours, const struct column *other)
{
	printf("%s against %s\n%-26s %14s %14s %8s %10s\n", ours->name, other->name, "operation",
	       ours->name, other->name, "ratio", "budget");
	for (int row = 0; row < ROW_COUNT; row++)
		if (ours->results[row].state != NOT_CHOSEN)
			print_ratio_row(row, &ours->results[row], &other->results[row],
					ours->backend);
	print_pair_summary(ours, other);
}

void table_print_ratios(const struct columns *columns)
{
	for (size_t i = 0; i < columns->count; i++)
		for (size_t k = 0; k < columns->count; k++)
			if (columns->list[i]->ours && !columns->list[k]->ours &&
			    columns->list[i]->backend == columns->list[k]->backend)
				print_pair(columns->list[i], columns->list[k]);
}

void table_print_budgets(const struct columns *columns)
{
	for (size_t i = 0; i < columns->count; i++) {
		const struct column *column = columns->list[i];
		unsigned int rows = 0, within = 0;

		for (int row = 0; row < ROW_COUNT; row++) {
			double budget = row_budget(row, column->backend);

			if (!column->ours || column->results[row].state != MEASURED || !budget)
				continue;
			rows++;
			within += column->results[row].ticks <= budget;
		}
		if (rows)
			printf("%s: %u of %u rows are within their budgets\n", column->name, within,
			       rows);
	}
}

void table_write_csv(const struct columns *columns, const char *path)
{
	FILE *out = fopen(path, "we");

	if (!out)
		die_errno("cannot write %s", path);
	fputs("operation", out);
	for (size_t i = 0; i < columns->count; i++)
		fprintf(out, ",%s", columns->list[i]->name);
	fputs(",budget-ept,budget-shadow\n", out);
	for (int row = 0; row < ROW_COUNT; row++) {
		if (!columns_show(columns, row))
			continue;
		fputs(bench_rows[row].id, out);
		for (size_t i = 0; i < columns->count; i++) {
			const struct result *result = &columns->list[i]->results[row];

			if (result->state == MEASURED)
				fprintf(out, ",%.2f", result->ticks);
			else
				fputc(',', out);
		}
		fprintf(out, ",%.0f,%.0f\n", bench_rows[row].budget_ept,
			bench_rows[row].budget_shadow);
	}
	if (fclose(out))
		die_errno("cannot write %s", path);
}
