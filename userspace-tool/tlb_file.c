// SPDX-License-Identifier: GPL-2.0
/* Keep what `umbra bench --tlb` measured in text files, so that several runs make one table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlb_bench.h"

#define MAGIC	"umbra-bench-tlb 1"

void tlb_save(const struct tlb_columns *columns, const char *path)
{
	FILE *out = fopen(path, "we");

	if (!out)
		die_errno("cannot write %s", path);
	fputs(MAGIC "\n", out);
	for (size_t i = 0; i < columns->count; i++) {
		const struct tlb_column *column = &columns->list[i];

		fprintf(out, "column %s %s\nsource %s\n", column->name,
			backend_name(column->backend), column->source);
		for (size_t row = 0; row < TLB_MAX_ROWS; row++) {
			const struct tlb_result *result = &column->results[row];

			if (result->state == FAILED)
				fprintf(out, "failed %zu %s\n", row, result->failure);
			if (result->state != MEASURED)
				continue;
			fprintf(out, "row %zu", row);
			for (int v = 0; v < TLB_VALUES; v++)
				fprintf(out, " %.4f", result->sample.value[v]);
			fputc('\n', out);
		}
	}
	if (fclose(out))
		die_errno("cannot write %s", path);
}

static struct tlb_column *new_column(struct tlb_columns *columns, const char *rest,
				     const char *path)
{
	struct tlb_column *column = &columns->list[columns->count];
	char backend[16];

	if (columns->count == MAX_COLUMNS || sscanf(rest, "%31s %15s", column->name, backend) != 2)
		die("%s is damaged: \"column %s\"", path, rest);
	column->backend = backend_parse(backend);
	columns->count++;
	return column;
}

static bool load_values(struct tlb_sample *sample, char *text)
{
	for (int v = 0; v < TLB_VALUES; v++) {
		char *end;

		sample->value[v] = strtod(text, &end);
		if (end == text)
			return false;
		text = end;
	}
	return true;
}

static bool load_result(struct tlb_column *column, const char *key, char *rest)
{
	char *end;
	size_t row = strtoul(rest, &end, 10);

	if (end == rest || row >= TLB_MAX_ROWS)
		return false;
	if (!strcmp(key, "row")) {
		column->results[row].state = MEASURED;
		return load_values(&column->results[row].sample, end);
	}
	column->results[row].state = FAILED;
	snprintf(column->results[row].failure, FAILURE_TEXT_MAX, "%s", end);
	return !strcmp(key, "failed");
}

void tlb_load(struct tlb_columns *columns, const char *path)
{
	FILE *in = fopen(path, "re");
	struct tlb_column *column = NULL;
	char line[512], *rest, *key;

	if (!in)
		die_errno("cannot open %s", path);
	if (!fgets(line, sizeof(line), in) || strcmp(line, MAGIC "\n"))
		die("%s was not saved by umbra bench --tlb --save", path);
	while (fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\n")] = '\0';
		rest = line;
		key = strsep(&rest, " ");
		if (!strcmp(key, "column") && rest)
			column = new_column(columns, rest, path);
		else if (!strcmp(key, "source") && rest && column)
			snprintf(column->source, TLB_SOURCE, "%s", rest);
		else if (!rest || !column || !load_result(column, key, rest))
			die("%s is damaged, or from another version", path);
	}
	fclose(in);
}
