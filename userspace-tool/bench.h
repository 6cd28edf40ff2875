/* SPDX-License-Identifier: GPL-2.0 */
/* The rows of the benchmark: what they do, what they may cost, and how they are measured. */
#ifndef BENCH_H
#define BENCH_H

#include "bench_vm.h"
#include "column.h"

#define DEFAULT_ITERATIONS	2000

/* Where a column's VMs come from. */
struct target {
	int device;
	int backend;		/* to choose with KVM_ENABLE_CAP, 0 = the device has no choice */
	struct column *column;
};

struct bench_row {
	const char *id;		/* in files */
	const char *title;
	const char *meaning;
	double budget_ept;	/* ticks per operation, 0 = none set */
	double budget_shadow;
	int operation;		/* OP_* of the guest, -1: no guest runs */
	/* What a correct hypervisor must make of `count` operations. */
	void (*expect)(const struct bench_vm *vm, u64 count, struct outcome *outcome);
	/* In place of the guest operation. */
	int (*measure)(const struct target *target, struct bench_vm *vm, u64 count, u64 *ticks);
	u64 touch_offset;	/* OP_TOUCH: from the gpa of a page to the gva to touch it at */
	enum bench_machine machine;
	/* Before the operations, after them: what the row needs of the VM. 0 or -1. */
	int (*prepare)(struct bench_vm *bench);
	void (*finish)(struct bench_vm *bench);
};

#define ALL_ROWS	(~0ULL)

extern const struct bench_row bench_rows[ROW_COUNT];

/*
 * Every row of the mask `rows` (bit: enum row_id) on every target; within a row all targets' VMs
 * exist side by side.
 */
void bench_run_all(const struct target *targets, size_t count, u64 iterations, u64 rows);

#endif
