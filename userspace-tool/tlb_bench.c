// SPDX-License-Identifier: GPL-2.0
/* Measure the rows of `umbra bench --tlb`: warm up, run, compare with what the guest must read. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"
#include "deadline.h"
#include "tlb_bench.h"

#define ROW_SECONDS	120	/* then the row has failed */
#define PAGE		4096UL
#define MIN_ACCESSES	4096UL
#define MAX_READS	BIT(20)
#define ROUNDS		16UL	/* of switches and of faults */
#define REPEATS		3
#define SPACE_B_PAGES	512UL
#define CPUID_1_ECX_PCID	BIT(17)

static u64 row_pages(const struct tlb_row *row)
{
	return row->size / PAGE;
}

static u64 max(u64 a, u64 b)
{
	return a > b ? a : b;
}

static u64 min(u64 a, u64 b)
{
	return a < b ? a : b;
}

/* One pass, in which every page is used, or several of a small set. */
static struct tlb_run row_run(const struct tlb_row *row)
{
	struct tlb_run run = {
		.base = row->guest_large ? TLB_WS_GPA : TLB_GVA,
		.size = row_pages(row),
		.cr3_a = PML4_GPA,
		.cr3_b = TLB_PML4_B,
	};

	switch (row->pattern) {
	case PATTERN_CHASE:
		run.operation = TLB_CHASE;
		run.count = max(row_pages(row), MIN_ACCESSES);
		break;
	case PATTERN_READ:
		run.operation = TLB_READ;
		run.size = row->size;
		run.count = min(max(row->size / TLB_LINE, MIN_ACCESSES), MAX_READS);
		break;
	case PATTERN_SWITCH:
		run.operation = TLB_SWITCH;
		run.count = ROUNDS;
		break;
	case PATTERN_SWITCH_PCID:
		run.operation = TLB_SWITCH_PCID;
		run.count = ROUNDS;
		run.cr3_a |= TLB_PCID_A;
		run.cr3_b |= TLB_PCID_B;
		break;
	case PATTERN_FAULT:
		run.operation = TLB_FAULT;
		run.count = ROUNDS;
		break;
	case PATTERN_UPDATE:
		run.operation = TLB_UPDATE;
		run.count = ROUNDS * row_pages(row);
		break;
	}
	return run;
}

/* What the result is divided by. */
static u64 row_operations(const struct tlb_row *row, const struct tlb_run *run)
{
	switch (row->pattern) {
	case PATTERN_SWITCH:
	case PATTERN_SWITCH_PCID:
		return 2 * run->count;
	case PATTERN_FAULT:
		return run->count * run->size;
	default:
		return run->count;
	}
}

static u64 word_at(const struct bench_vm *bench, u64 offset)
{
	return *(u64 *)(bench->vm.ram + TLB_WS_GPA + offset);
}

static void mark_pages(struct bench_vm *bench)
{
	for (u64 i = 0; i < SPACE_B_PAGES; i++)
		*(u64 *)(bench->vm.ram + TLB_WS_GPA + i * PAGE) = i + 1;
}

static u64 sum_of_pages(const struct bench_vm *bench, u64 first, u64 count)
{
	u64 sum = 0;

	for (u64 i = first; i < first + count; i++)
		sum += word_at(bench, i * PAGE);
	return sum;
}

static u64 sum_of_lines(const struct bench_vm *bench, const struct tlb_run *run)
{
	u64 sum = 0;

	for (u64 i = 0; i < run->count; i++)
		sum += word_at(bench, i * TLB_LINE % run->size);
	return sum;
}

/* The entries are exchanged in pairs, in an even number of passes or in an odd one. */
static u64 sum_of_updates(const struct bench_vm *bench, const struct tlb_run *run)
{
	u64 sum = 0;

	for (u64 i = 0; i < run->count; i++) {
		u64 page = i % run->size, pass = i / run->size;

		sum += word_at(bench, (pass % 2 ? page : page ^ 1) * PAGE);
	}
	return sum;
}

static struct outcome expected(const struct bench_vm *bench, const struct tlb_row *row,
			       const struct tlb_run *run)
{
	struct outcome want = { 0 };

	switch (row->pattern) {
	case PATTERN_CHASE:
		want.value = tlb_vm_follow(bench, 0, run->count);
		break;
	case PATTERN_READ:
		want.value = sum_of_lines(bench, run);
		break;
	case PATTERN_SWITCH:
	case PATTERN_SWITCH_PCID:
		want.value = run->count * (sum_of_pages(bench, 0, run->size) +
			     sum_of_pages(bench, SPACE_B_PAGES - run->size, run->size));
		break;
	case PATTERN_FAULT:
		want.faults = run->count * run->size;
		want.value = run->count * sum_of_pages(bench, 0, run->size);
		break;
	case PATTERN_UPDATE:
		want.value = sum_of_updates(bench, run);
		break;
	}
	return want;
}

/* What the device counts; NAN if it keeps no statistics. */
static double exits(const struct bench_vm *bench)
{
	struct stats stats = { 0 };
	const struct stat_value *stat;

	stats_read(&stats, bench->vm.vcpu);
	stat = stats_find(&stats, "exits");
	return stat ? (double)stat->value : NAN;
}

static int run_checked(struct bench_vm *bench, const struct tlb_row *row,
		       const struct tlb_run *run, struct tlb_sample *sample)
{
	struct outcome want = expected(bench, row, run), got;
	double exits_before = exits(bench);

	tlbcount_read(sample);
	if (tlb_vm_run(bench, run, &got))
		return -1;
	tlbcount_since(sample);
	sample->value[TLB_EXITS] = exits(bench) - exits_before;
	if (run->count && (got.value != want.value || got.faults != want.faults))
		return bench_fail(bench, "the guest read %#lx with %lu faults, not %#lx with %lu",
				  got.value, got.faults, want.value, want.faults);
	return 0;
}

/* The quickest of several: the one that no interrupt came into. */
static int run_best(struct bench_vm *bench, const struct tlb_row *row,
		    const struct tlb_run *run, struct tlb_sample *best)
{
	struct tlb_sample sample;

	if (run_checked(bench, row, run, best))
		return -1;
	for (int i = 1; i < REPEATS; i++) {
		if (run_checked(bench, row, run, &sample))
			return -1;
		if (sample.value[TLB_TICKS] < best->value[TLB_TICKS])
			*best = sample;
	}
	return 0;
}

/* The run's cost less that of a run that does nothing. */
static int measure(struct bench_vm *bench, const struct tlb_row *row, struct tlb_sample *sample)
{
	struct tlb_run run = row_run(row), nothing = run;
	struct tlb_sample empty;

	nothing.count = 0;
	if (row->pattern == PATTERN_CHASE)
		tlb_vm_chain(bench, row_pages(row));
	if (row->pattern > PATTERN_READ)
		mark_pages(bench);
	if (run_checked(bench, row, &run, sample) || run_best(bench, row, &nothing, &empty) ||
	    run_best(bench, row, &run, sample))
		return -1;
	for (int i = 0; i < TLB_VALUES; i++) {
		sample->value[i] = (sample->value[i] - empty.value[i]) / row_operations(row, &run);
		if (sample->value[i] < 0)	/* an interrupt's, while nothing was run */
			sample->value[i] = 0;
	}
	return 0;
}

static void fail_row(struct tlb_result *result, const struct bench_vm *bench)
{
	result->state = FAILED;
	strcpy(result->failure, bench->failure);
}

static void measure_row(struct bench_vm *bench, const struct tlb_row *row,
			struct tlb_result *result)
{
	deadline_start(ROW_SECONDS);
	if (measure(bench, row, &result->sample))
		fail_row(result, bench);
	else
		result->state = MEASURED;
	deadline_stop();
}

/* Patterns that only read can share a VM; the others leave its tables changed. */
static bool shares_vm(const struct tlb_row *row)
{
	return row->pattern <= PATTERN_READ;
}

static void run_shared(const struct target *target, bool host_large,
		       const struct tlb_choice *choice, struct tlb_result *results)
{
	struct bench_vm bench;
	const struct tlb_row *rows;
	size_t count = tlb_rows(&rows);
	bool tried = false, failed = false;

	for (size_t i = 0; i < count; i++) {
		if (!shares_vm(&rows[i]) || rows[i].host_large != host_large ||
		    !tlb_row_chosen(&rows[i], choice))
			continue;
		if (!tried)
			failed = tlb_vm_create(&bench, target->device, target->backend,
					       choice->limit, host_large);
		tried = true;
		if (failed)
			fail_row(&results[i], &bench);
		else
			measure_row(&bench, &rows[i], &results[i]);
	}
	if (tried && !failed)
		bench_vm_destroy(&bench);
}

/* A device may keep PCIDs from its guests. */
static bool row_possible(const struct tlb_row *row, const struct target *target)
{
	struct kvm_cpuid2 *cpuid;
	bool pcid = false;

	if (row->pattern != PATTERN_SWITCH_PCID)
		return true;
	cpuid = device_cpuid(target->device);
	for (u32 i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == 1)
			pcid = cpuid->entries[i].ecx & CPUID_1_ECX_PCID;
	free(cpuid);
	return pcid;
}

static void run_alone(const struct target *target, const struct tlb_row *row,
		      struct tlb_result *result)
{
	struct bench_vm bench;

	if (tlb_vm_create(&bench, target->device, target->backend, SPACE_B_PAGES * PAGE, false)) {
		fail_row(result, &bench);
		return;
	}
	measure_row(&bench, row, result);
	bench_vm_destroy(&bench);
}

void tlb_bench_run(const struct targets *targets, const struct tlb_choice *choice,
		   struct tlb_columns *columns)
{
	const struct tlb_row *rows;
	size_t count = tlb_rows(&rows);

	for (size_t t = 0; t < targets->count; t++) {
		const struct target *target = &targets->list[t];
		struct tlb_column *column = &columns->list[columns->count++];

		strcpy(column->name, target->column->name);
		strcpy(column->source, tlbcount_source());
		column->backend = target->column->backend;
		run_shared(target, false, choice, column->results);
		run_shared(target, true, choice, column->results);
		for (size_t i = 0; i < count; i++)
			if (!shares_vm(&rows[i]) && tlb_row_chosen(&rows[i], choice) &&
			    row_possible(&rows[i], target))
				run_alone(target, &rows[i], &column->results[i]);
	}
}
