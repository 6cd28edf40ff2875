/* SPDX-License-Identifier: GPL-2.0 */
/* `umbra bench --tlb`: the rows, what they measured on each device, and how that is kept. */
#ifndef TLB_BENCH_H
#define TLB_BENCH_H

#include "column.h"
#include "targets.h"
#include "tlb_vm.h"

enum tlb_pattern {
	PATTERN_CHASE, PATTERN_READ, PATTERN_SWITCH, PATTERN_SWITCH_PCID, PATTERN_FAULT,
	PATTERN_UPDATE
};

struct tlb_row {
	enum tlb_pattern pattern;
	u64 size;			/* of the working set, in bytes */
	bool guest_large, host_large;	/* 2M pages */
};

struct tlb_result {
	enum result_state state;
	struct tlb_sample sample;	/* per operation */
	char failure[FAILURE_TEXT_MAX];
};

#define TLB_MAX_ROWS	64

struct tlb_column {
	char name[COLUMN_NAME];
	int backend;
	char source[TLB_SOURCE];
	struct tlb_result results[TLB_MAX_ROWS];
};

struct tlb_columns {
	size_t count;
	struct tlb_column list[MAX_COLUMNS];
};

/* Which rows are run. */
struct tlb_choice {
	u64 limit;			/* the largest working set, in bytes */
	const char *only;		/* a pattern's word, NULL = all */
};

/* All rows; their order is that of results[]. */
size_t tlb_rows(const struct tlb_row **rows);
bool tlb_row_chosen(const struct tlb_row *row, const struct tlb_choice *choice);
/* Dies, and names what there is, if no pattern has that word. */
void tlb_pattern_check(const char *word);
void tlb_row_title(const struct tlb_row *row, char *title, size_t size);

void tlb_bench_run(const struct targets *targets, const struct tlb_choice *choice,
		   struct tlb_columns *columns);

void tlb_save(const struct tlb_columns *columns, const char *path);
void tlb_load(struct tlb_columns *columns, const char *path);
void tlb_print(const struct tlb_columns *columns);
size_t tlb_failures(const struct tlb_columns *columns);

#endif
