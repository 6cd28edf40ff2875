// SPDX-License-Identifier: GPL-2.0
/* Measure rows: warm up, check what the guest must see, then the median of repeated runs. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "deadline.h"
#include "hwcount.h"

#define REPEATS		3
#define ROW_SECONDS	30	/* then the row has failed */
#define WARM_UP		32
#define CHECK_COUNT	64
#define MIN_CREATIONS	4
#define MAX_TOUCHES	12000		/* what fits into the RAM of bench_vm.c */
#define TABLE_PAGES	512UL		/* that one table maps */
#define NOISE		0.01		/* events per operation that are not worth a word */
#define PAGE		4096UL
#define GIB		BIT(30)

/* What a number of operations took. */
struct sample {
	u64 ticks;
	struct hwcounts hardware;
	struct tlb_sample tlb;
};

static u64 row_count(enum row_id id, u64 iterations)
{
	u64 touches = iterations * 4, creations = iterations / 100;

	/* Whole tables, so that what they take can be told for a page. */
	if (bench_rows[id].operation == OP_TOUCH || id == ROW_READ_SHARED)
		return (touches < MAX_TOUCHES ? touches : MAX_TOUCHES) / TABLE_PAGES * TABLE_PAGES;
	if (id == ROW_CREATE_VM)
		return creations > MIN_CREATIONS ? creations : MIN_CREATIONS;
	if (bench_rows[id].machine == BENCH_TWO_VCPUS)
		return iterations / 10;
	return iterations;
}

static int check_outcome(struct bench_vm *bench, const struct outcome *want,
			 const struct outcome *got)
{
	if (got->value != want->value)
		return bench_fail(bench, "the guest read %#lx in place of %#lx", got->value,
				  want->value);
	if (got->faults != want->faults)
		return bench_fail(bench, "the guest took %lu faults and interrupts in place of %lu",
				  got->faults, want->faults);
	if (got->io_exits != want->io_exits || got->mmio_exits != want->mmio_exits)
		return bench_fail(bench, "%lu IO and %lu MMIO exits in place of %lu and %lu",
				  got->io_exits, got->mmio_exits, want->io_exits,
				  want->mmio_exits);
	if (got->signals != want->signals)
		return bench_fail(bench, "the eventfd was raised %lu times in place of %lu",
				  got->signals, want->signals);
	return 0;
}

/* Each page must hold the mark that the guest put into it. */
static int check_touched(struct bench_vm *bench, u64 gpa, u64 count)
{
	for (u64 i = 0; i < count; i++)
		if (*(u64 *)(bench->vm.ram + gpa + i * PAGE) != count - i)
			return bench_fail(bench, "touched page %lu does not hold its mark", i);
	return 0;
}

static void start_counting(struct sample *sample)
{
	hwcount_read(&sample->hardware);
	tlbcount_read(&sample->tlb);
}

static void stop_counting(struct sample *sample)
{
	struct hwcounts after;

	tlbcount_since(&sample->tlb);
	hwcount_read(&after);
	for (size_t i = 0; i < HW_COUNT; i++)
		sample->hardware.value[i] = after.value[i] - sample->hardware.value[i];
}

static int run_checked(struct bench_vm *bench, const struct bench_row *row, u64 count,
		       u64 gpa, struct sample *sample)
{
	struct outcome want = { 0 }, got;

	start_counting(sample);
	if (bench_vm_run(bench, row->operation, count, gpa + row->touch_offset, &got,
			 &sample->ticks))
		return -1;
	stop_counting(sample);
	if (count)
		row->expect(bench, count, &want);
	if (check_outcome(bench, &want, &got))
		return -1;
	return row->operation == OP_TOUCH ? check_touched(bench, gpa, count) : 0;
}

/* A translation that outlives its page would make the row quick: demand the faults. */
static int check_unmapping(struct bench_vm *bench)
{
	struct outcome got, want = {
		.value = CHECK_COUNT / 2 * (TEST_FRAME_X + TEST_FRAME_Y),
		.faults = CHECK_COUNT,
	};
	u64 ticks;

	if (bench_vm_run(bench, OP_CHECK_UNMAP, CHECK_COUNT, 0, &got, &ticks))
		return -1;
	return check_outcome(bench, &want, &got);
}

static int compare_ticks(const void *a, const void *b)
{
	u64 x = ((const struct sample *)a)->ticks, y = ((const struct sample *)b)->ticks;

	return x < y ? -1 : x > y;
}

static struct sample median(struct sample *samples, size_t count)
{
	qsort(samples, count, sizeof(*samples), compare_ticks);
	return samples[count / 2];
}

static int run_repeated(struct bench_vm *bench, const struct bench_row *row, u64 count,
			struct sample *sample)
{
	struct sample samples[REPEATS];

	for (int i = 0; i < REPEATS; i++)
		if (run_checked(bench, row, count, 0, &samples[i]))
			return -1;
	*sample = median(samples, REPEATS);
	return 0;
}

static int warm_up(const struct target *target, struct bench_vm *bench,
		   const struct bench_row *row)
{
	struct sample sample;

	if (row->measure)
		return row->measure(target, bench, 1, &sample.ticks);
	if (row->operation == OP_MAP_UNMAP && check_unmapping(bench))
		return -1;
	return run_checked(bench, row, WARM_UP, TOUCH_GPA, &sample);
}

static u64 difference(u64 full, u64 empty)
{
	return full > empty ? full - empty : 0;
}

static bool fresh_pages(const struct bench_row *row)
{
	return row->operation == OP_TOUCH || row->operation == OP_READ_SHARED;
}

/* The run's cost less that of a run that does nothing. */
static int measure_guest(struct bench_vm *bench, const struct bench_row *row, u64 count,
			 struct sample *sample)
{
	struct sample empty, full;

	if (run_repeated(bench, row, 0, &empty))
		return -1;
	/* A page is fresh only once. */
	if (fresh_pages(row)) {
		if (row->operation == OP_READ_SHARED &&
		    run_checked(bench, &bench_rows[ROW_TOUCH], count, TOUCH_GPA + 2 * MIB, &full))
			return -1;
		if (run_checked(bench, row, count, TOUCH_GPA + 2 * MIB, &full))
			return -1;
	} else if (run_repeated(bench, row, count, &full)) {
		return -1;
	}
	sample->ticks = difference(full.ticks, empty.ticks);
	for (size_t i = 0; i < HW_COUNT; i++)
		sample->hardware.value[i] = difference(full.hardware.value[i],
						       empty.hardware.value[i]);
	for (size_t i = 0; i < TLB_VALUES; i++)
		sample->tlb.value[i] = full.tlb.value[i] - empty.tlb.value[i];
	return 0;
}

static int measure_host(const struct target *target, struct bench_vm *bench,
			const struct bench_row *row, u64 count, struct sample *sample)
{
	struct sample samples[REPEATS];

	for (int i = 0; i < REPEATS; i++) {
		start_counting(&samples[i]);
		if (row->measure(target, bench, count, &samples[i].ticks))
			return -1;
		stop_counting(&samples[i]);
	}
	*sample = median(samples, REPEATS);
	return 0;
}

static void read_all_stats(struct stats *stats, const struct bench_vm *bench)
{
	stats->count = 0;
	stats_read(stats, bench->vm.fd);
	stats_read(stats, bench->vm.vcpu);
}

static void record_counters(struct result *result, const struct stats *before,
			    const struct stats *after, u64 operations)
{
	result->has_counters = after->count;
	for (size_t i = 0; i < after->count && i < before->count; i++) {
		u64 change = after->values[i].value - before->values[i].value;
		double per_operation = (double)change / operations;
		struct counter *counter = &result->counters[result->counter_count];

		if (!after->values[i].cumulative || per_operation < NOISE ||
		    result->counter_count == MAX_COUNTERS)
			continue;
		strcpy(counter->name, after->values[i].name);
		counter->per_operation = per_operation;
		result->counter_count++;
	}
}

static u64 stat_or_0(const struct stats *stats, const char *name)
{
	const struct stat_value *stat = stats_find(stats, name);

	return stat ? stat->value : 0;
}

static u64 table_bytes(const struct stats *stats)
{
	return stat_or_0(stats, "mmu_table_bytes") + stat_or_0(stats, "mmu_rmap_bytes");
}

static void record_tables(struct result *result, const struct stats *before,
			  const struct stats *after, u64 pages)
{
	result->has_tables = stats_find(after, "mmu_table_bytes");
	result->tables_per_gib = (table_bytes(after) - table_bytes(before)) * (GIB / PAGE) / pages;
}

static void record_sample(struct result *result, const struct sample *sample, u64 count)
{
	result->state = MEASURED;
	result->ticks = (double)sample->ticks / count;
	result->has_hardware = hwcount_present();
	for (size_t i = 0; i < HW_COUNT; i++)
		result->hardware[i] = (double)sample->hardware.value[i] / count;
	result->has_tlb = *tlbcount_source();
	for (size_t i = 0; i < TLB_VALUES; i++)
		result->tlb.value[i] = sample->tlb.value[i] / count;
}

static int measure_prepared(const struct target *target, struct bench_vm *bench, enum row_id id,
			    u64 count)
{
	const struct bench_row *row = &bench_rows[id];
	struct result *result = &target->column->results[id];
	u64 runs = fresh_pages(row) ? 1 : REPEATS;
	struct stats before, after;
	struct sample sample;
	int failed;

	if (warm_up(target, bench, row))
		return -1;
	read_all_stats(&before, bench);
	if (row->measure)
		failed = measure_host(target, bench, row, count, &sample);
	else
		failed = measure_guest(bench, row, count, &sample);
	if (failed)
		return -1;
	read_all_stats(&after, bench);
	if (id != ROW_CREATE_VM) {	/* its VMs are gone, and their counters */
		record_counters(result, &before, &after, count * runs);
	}
	if (row->operation == OP_TOUCH)
		record_tables(result, &before, &after, count);
	record_sample(result, &sample, count);
	return 0;
}

static int measure_row(const struct target *target, struct bench_vm *bench, enum row_id id,
		       u64 count)
{
	const struct bench_row *row = &bench_rows[id];
	int ret = row->prepare ? row->prepare(bench) : 0;

	if (!ret)
		ret = measure_prepared(target, bench, id, count);
	if (row->finish)
		row->finish(bench);
	return ret;
}

static void fail_row(struct result *result, const char *failure)
{
	result->state = FAILED;
	snprintf(result->failure, sizeof(result->failure), "%s", failure);
}

static bool can_measure(const struct bench_row *row)
{
	return row->machine != BENCH_TWO_VCPUS || sysconf(_SC_NPROCESSORS_ONLN) > 1;
}

static void run_row(const struct target *targets, size_t count, enum row_id id, u64 iterations)
{
	enum bench_machine machine = bench_rows[id].machine;
	struct bench_vm *vms = xcalloc(count, sizeof(*vms));
	bool *alive = xcalloc(count, sizeof(*alive));

	for (size_t i = 0; i < count; i++)
		alive[i] = !bench_vm_create(&vms[i], targets[i].device, targets[i].backend,
					    machine);
	for (size_t i = 0; i < count; i++) {
		deadline_start(ROW_SECONDS);
		if (!alive[i] || measure_row(&targets[i], &vms[i], id, row_count(id, iterations)))
			fail_row(&targets[i].column->results[id], vms[i].failure);
		deadline_stop();
	}
	for (size_t i = 0; i < count; i++)
		if (alive[i])
			bench_vm_destroy(&vms[i]);
	free(vms);
	free(alive);
}

void bench_run_all(const struct target *targets, size_t count, u64 iterations, u64 rows)
{
	bool progress = isatty(STDERR_FILENO);

	for (int row = 0; row < ROW_COUNT; row++) {
		if (!(rows & BIT(row)))
			continue;
		for (size_t i = 0; i < count; i++)
			targets[i].column->results[row].state = NOT_MEASURED;
		if (!can_measure(&bench_rows[row]))
			continue;
		if (progress)
			fprintf(stderr, "\r%2d of %d: %-40s", row + 1, ROW_COUNT,
				bench_rows[row].title);
		run_row(targets, count, row, iterations);
	}
	if (progress)
		fprintf(stderr, "\r%60s\r", "");
}
