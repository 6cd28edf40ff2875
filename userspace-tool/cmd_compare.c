// SPDX-License-Identifier: GPL-2.0
/* `umbra compare`: the same guest on each backend side by side, then what each costs. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "deadline.h"
#include "image.h"
#include "machine.h"
#include "table.h"
#include "targets.h"

#define COMPARE_ITERATIONS	500
#define DEMO_RAM		(16 * MIB)
#define DEMO_SECONDS		60

/* One VM of the demonstration, with what it wrote. */
struct demo {
	const char *name;
	struct machine machine;
	char *text;
	size_t text_size, printed;
	bool ended;
};

static void demo_start(struct demo *demo, const struct target *target)
{
	struct vm_config config = {
		.device = target->device, .backend = target->backend, .ram_size = DEMO_RAM };
	struct file guest = { (u8 *)demo_guest, demo_guest_end - demo_guest };
	struct image image;

	demo->name = target->column->name;
	demo->machine.until = "\n";
	machine_init(&demo->machine, &config);
	demo->machine.console = open_memstream(&demo->text, &demo->text_size);
	if (!demo->machine.console)
		die("out of memory");
	image = image_load(&demo->machine.vm, &guest, ENTRY_64);
	if (cpu_set_mode(&demo->machine.vm, ENTRY_64, image.entry, STACK_TOP))
		die_errno("cannot set the vCPU's registers");
	bench_tables_write(&demo->machine.vm);
}

/* Run until the guest has written one more line. */
static void demo_advance(struct demo *demo)
{
	enum machine_state state;

	if (demo->ended)
		return;
	state = machine_advance(&demo->machine);
	demo->ended = state != MACHINE_SEEN;
	if (state == MACHINE_TIMED_OUT)
		demo->machine.status = EXIT_TIMEOUT;
	machine_await_again(&demo->machine);
	fflush(demo->machine.console);
	if (demo->text_size == demo->printed)
		return;
	printf("  %-13s| %s", demo->name, demo->text + demo->printed);
	demo->printed = demo->text_size;
}

static bool all_ended(const struct demo *demos, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!demos[i].ended)
			return false;
	return true;
}

static bool same_end(const struct demo *a, const struct demo *b)
{
	return !a->machine.status && !b->machine.status && a->text_size == b->text_size &&
	       !memcmp(a->text, b->text, a->text_size);
}

/* True if every VM ended well and wrote the same. */
static bool demonstrate(const struct targets *targets)
{
	size_t count = targets->count;
	struct demo *demos = xcalloc(count, sizeof(*demos));
	bool same = true;

	printf("The same guest in %zu VM%s of one process, line by line in turn:\n", count,
	       count == 1 ? "" : "s");
	for (size_t i = 0; i < count; i++)
		demo_start(&demos[i], &targets->list[i]);
	deadline_start(DEMO_SECONDS);
	while (!all_ended(demos, count))
		for (size_t i = 0; i < count; i++)
			demo_advance(&demos[i]);
	deadline_stop();
	for (size_t i = 0; i < count; i++)
		same &= same_end(&demos[0], &demos[i]);
	for (size_t i = 0; i < count; i++) {
		fclose(demos[i].machine.console);
		free(demos[i].text);
		machine_destroy(&demos[i].machine);
	}
	free(demos);
	puts(same ? "All ended well with identical output.\n" :
		    "FAILED: they did not all end well with identical output.\n");
	return same;
}

static void print_dearer(const struct column *a, const struct column *b)
{
	const char *separator = "";

	printf("%s costs over 10 %% more than %s on: ", a->name, b->name);
	for (int row = 0; row < ROW_COUNT; row++) {
		const struct result *cost_a = &a->results[row], *cost_b = &b->results[row];

		if (cost_a->state != MEASURED || cost_b->state != MEASURED ||
		    cost_a->ticks <= cost_b->ticks * 1.1)
			continue;
		printf("%s%s", separator, bench_rows[row].title);
		separator = "; ";
	}
	puts(*separator ? "" : "no row");
}

static int verdict(const struct columns *columns, bool same)
{
	size_t failures = columns_failures(columns);

	if (columns->count == 2) {
		print_dearer(columns->list[0], columns->list[1]);
		print_dearer(columns->list[1], columns->list[0]);
	}
	table_print_budgets(columns);
	if (!same || failures) {
		printf("Verdict: FAILED, %s and %zu rows gave wrong results\n",
		       same ? "output identical" : "output differs", failures);
		return EXIT_ABNORMAL;
	}
	printf("Verdict: %zu backend%s ran the same guest to the same result, all rows right\n",
	       columns->count, columns->count == 1 ? "" : "s");
	return 0;
}

int command_compare(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "iterations", required_argument, NULL, 'n' },
		{ }
	};
	static const char usage[] = "usage: umbra compare [--device PATH] [--iterations N]";
	const char *path = DEFAULT_DEVICE;
	u64 iterations = COMPARE_ITERATIONS;
	struct targets targets = { 0 };
	bool same;
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option == 'd')
			path = optarg;
		else if (option == 'n')
			iterations = parse_number(optarg, "--iterations", 10, 10000000);
		else
			die("%s", usage);
	}
	if (optind != argc)
		die("%s", usage);
	if (!targets_add_backends(&targets, path))
		targets_add_device(&targets, xasprintf("only=%s", path));
	same = demonstrate(&targets);
	bench_run_all(targets.list, targets.count, iterations, ALL_ROWS);
	table_print_costs(&targets.columns);
	table_print_meanings();
	return verdict(&targets.columns, same);
}
