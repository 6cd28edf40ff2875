// SPDX-License-Identifier: GPL-2.0
/* What one device and backend cost, row by row; saved to and loaded from text files. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "column.h"
#include "vm.h"

#define MAGIC	"umbra-bench 1"

struct column *columns_add(struct columns *columns, const char *name, int backend, bool ours)
{
	struct column *column = xcalloc(1, sizeof(*column));

	if (columns->count == MAX_COLUMNS)
		die("more than %d columns", MAX_COLUMNS);
	if (!*name || strlen(name) >= sizeof(column->name) || strpbrk(name, " \t,\n"))
		die("\"%s\" is no column name: one word of up to %d characters", name,
		    COLUMN_NAME - 1);
	for (size_t i = 0; i < columns->count; i++)
		if (!strcmp(columns->list[i]->name, name))
			die("there are two columns named \"%s\"", name);
	strcpy(column->name, name);
	column->backend = backend;
	column->ours = ours;
	columns->list[columns->count++] = column;
	return column;
}

bool columns_show(const struct columns *columns, enum row_id row)
{
	for (size_t i = 0; i < columns->count; i++)
		if (columns->list[i]->results[row].state != NOT_CHOSEN)
			return true;
	return false;
}

size_t columns_failures(const struct columns *columns)
{
	size_t failures = 0;

	for (size_t i = 0; i < columns->count; i++)
		for (int row = 0; row < ROW_COUNT; row++)
			failures += columns->list[i]->results[row].state == FAILED;
	return failures;
}

static void save_result(FILE *out, const char *id, const struct result *result)
{
	if (result->state == NOT_MEASURED)
		fprintf(out, "unmeasured %s\n", id);
	if (result->state == MEASURED)
		fprintf(out, "cost %s %.2f\n", id, result->ticks);
	if (result->state == FAILED)
		fprintf(out, "failed %s %s\n", id, result->failure);
	if (result->has_counters)
		fprintf(out, "counted %s\n", id);
	for (size_t i = 0; i < result->counter_count; i++)
		fprintf(out, "counter %s %s %.4f\n", id, result->counters[i].name,
			result->counters[i].per_operation);
	if (result->has_tables)
		fprintf(out, "tables %s %lu\n", id, result->tables_per_gib);
	for (size_t i = 0; i < HW_COUNT && result->has_hardware; i++)
		fprintf(out, "hardware %s %s %.4f\n", id, hwcount_names[i], result->hardware[i]);
	for (size_t i = 0; i < TLB_VALUES && result->has_tlb; i++)
		fprintf(out, "tlb %s %zu %.4f\n", id, i, result->tlb.value[i]);
}

void columns_save(const struct columns *columns, const char *path)
{
	FILE *out = fopen(path, "we");

	if (!out)
		die_errno("cannot write %s", path);
	fputs(MAGIC "\n", out);
	for (size_t i = 0; i < columns->count; i++) {
		const struct column *column = columns->list[i];

		fprintf(out, "column %s %s %s\n", column->name, backend_name(column->backend),
			column->ours ? "ours" : "other");
		for (int row = 0; row < ROW_COUNT; row++)
			save_result(out, bench_rows[row].id, &column->results[row]);
	}
	if (fclose(out))
		die_errno("cannot write %s", path);
}

static struct column *load_column(struct columns *columns, const char *rest, const char *path)
{
	char name[COLUMN_NAME], backend[16], owner[16];

	if (sscanf(rest, "%31s %15s %15s", name, backend, owner) != 3)
		die("%s is damaged: \"column %s\"", path, rest);
	return columns_add(columns, name, backend_parse(backend), !strcmp(owner, "ours"));
}

static bool load_hardware(struct result *result, const char *value)
{
	char name[STATS_NAME];
	double count;

	if (sscanf(value, "%39s %lf", name, &count) != 2)
		return false;
	for (size_t i = 0; i < HW_COUNT; i++) {
		if (strcmp(name, hwcount_names[i]))
			continue;
		result->has_hardware = true;
		result->hardware[i] = count;
		return true;
	}
	return false;
}

static bool load_tlb(struct result *result, const char *text)
{
	double value;
	size_t i;

	if (sscanf(text, "%zu %lf", &i, &value) != 2 || i >= TLB_VALUES)
		return false;
	result->has_tlb = true;
	result->tlb.value[i] = value;
	return true;
}

static bool load_value(struct result *result, const char *key, const char *value)
{
	struct counter *counter = &result->counters[result->counter_count];

	if (!strcmp(key, "cost")) {
		result->state = MEASURED;
		result->ticks = strtod(value, NULL);
		return true;
	}
	if (!strcmp(key, "unmeasured")) {
		result->state = NOT_MEASURED;
		return true;
	}
	if (!strcmp(key, "failed")) {
		result->state = FAILED;
		snprintf(result->failure, sizeof(result->failure), "%s", value);
		return true;
	}
	if (!strcmp(key, "counted")) {
		result->has_counters = true;
		return true;
	}
	if (!strcmp(key, "tables")) {
		result->has_tables = true;
		result->tables_per_gib = strtoull(value, NULL, 10);
		return true;
	}
	if (!strcmp(key, "hardware"))
		return load_hardware(result, value);
	if (!strcmp(key, "tlb"))
		return load_tlb(result, value);
	if (strcmp(key, "counter") || result->counter_count == MAX_COUNTERS)
		return false;
	result->counter_count++;
	return sscanf(value, "%39s %lf", counter->name, &counter->per_operation) == 2;
}

static void load_line(struct column *column, char *key, char *rest, const char *path)
{
	char *id = strsep(&rest, " ");

	for (int row = 0; column && row < ROW_COUNT; row++) {
		if (strcmp(id, bench_rows[row].id))
			continue;
		if (!load_value(&column->results[row], key, rest ?: ""))
			break;
		return;
	}
	die("%s is damaged, or from another version: \"%s %s\"", path, key, id);
}

void columns_load(struct columns *columns, const char *path)
{
	FILE *in = fopen(path, "re");
	struct column *column = NULL;
	char line[256], *rest, *key;

	if (!in)
		die_errno("cannot open %s", path);
	if (!fgets(line, sizeof(line), in) || strcmp(line, MAGIC "\n"))
		die("%s was not saved by umbra bench --save", path);
	while (fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\n")] = '\0';
		rest = line;
		key = strsep(&rest, " ");
		if (!rest)
			die("%s is damaged: \"%s\"", path, line);
		if (!strcmp(key, "column"))
			column = load_column(columns, rest, path);
		else
			load_line(column, key, rest, path);
	}
	fclose(in);
}
