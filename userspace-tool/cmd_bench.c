// SPDX-License-Identifier: GPL-2.0
/* `umbra bench` and `umbra report`: cost tables, measured or from saved columns. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "table.h"
#include "targets.h"

struct bench_options {
	struct targets targets;
	u64 iterations, rows;
	const char *csv, *save;
};

static const char bench_usage[] =
	"usage: umbra bench [--device NAME=PATH[:ept|shadow]]... [--iterations N]\n"
	"                   [--only ROW[,ROW]...] [--csv FILE] [--save FILE]\n"
	"       umbra bench --tlb ...";
static const char report_usage[] =
	"usage: umbra report [--csv FILE] SAVED...\n"
	"       umbra report --tlb SAVED...";

static u64 parse_rows(const char *text)
{
	char *list = xasprintf("%s", text), *rest = list, *id;
	u64 rows = 0;
	int row;

	while ((id = strsep(&rest, ","))) {
		for (row = 0; row < ROW_COUNT && strcmp(id, bench_rows[row].id); row++)
			;
		if (row == ROW_COUNT)
			die("\"%s\" is no row: --csv shows their names", id);
		rows |= BIT(row);
	}
	free(list);
	return rows;
}

static struct bench_options parse_bench_options(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "iterations", required_argument, NULL, 'n' },
		{ "only", required_argument, NULL, 'o' },
		{ "csv", required_argument, NULL, 'c' },
		{ "save", required_argument, NULL, 's' },
		{ }
	};
	struct bench_options o = { .iterations = DEFAULT_ITERATIONS, .rows = ALL_ROWS };
	int option;

	if (!access(DEFAULT_DEVICE, F_OK))
		targets_add_backends(&o.targets, DEFAULT_DEVICE);
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (option) {
		case 'd':
			targets_add_device(&o.targets, optarg);
			break;
		case 'n':
			o.iterations = parse_number(optarg, "--iterations", 10, 10000000);
			break;
		case 'o':
			o.rows = parse_rows(optarg);
			break;
		case 'c':
			o.csv = optarg;
			break;
		case 's':
			o.save = optarg;
			break;
		default:
			die("%s", bench_usage);
		}
	}
	if (optind != argc)
		die("%s", bench_usage);
	if (!o.targets.count)
		die("nothing to measure: there is no %s (make insmod), and no --device was given",
		    DEFAULT_DEVICE);
	return o;
}

static int verdict(const struct columns *columns)
{
	size_t failures = columns_failures(columns);

	table_print_budgets(columns);
	if (failures) {
		printf("Verdict: FAILED, %zu rows gave wrong results\n", failures);
		return EXIT_ABNORMAL;
	}
	printf("Verdict: all rows of all %zu columns gave the right results\n", columns->count);
	return 0;
}

static bool asks_for_tlb(int argc, char **argv)
{
	return argc > 1 && !strcmp(argv[1], "--tlb");
}

int command_bench(int argc, char **argv)
{
	struct bench_options o;
	struct columns *columns = &o.targets.columns;

	if (asks_for_tlb(argc, argv))
		return command_bench_tlb(argc, argv);
	o = parse_bench_options(argc, argv);
	bench_run_all(o.targets.list, o.targets.count, o.iterations, o.rows);
	table_print_costs(columns);
	table_print_counters(columns);
	table_print_hardware(columns);
	table_print_tlb(columns);
	table_print_ratios(columns);
	if (o.csv)
		table_write_csv(columns, o.csv);
	if (o.save)
		columns_save(columns, o.save);
	return verdict(columns);
}

int command_report(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "csv", required_argument, NULL, 'c' },
		{ }
	};
	struct columns columns = { 0 };
	const char *csv = NULL;
	int option;

	if (asks_for_tlb(argc, argv))
		return command_report_tlb(argc, argv);
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option != 'c')
			die("%s", report_usage);
		csv = optarg;
	}
	if (optind == argc)
		die("%s", report_usage);
	for (int i = optind; i < argc; i++)
		columns_load(&columns, argv[i]);
	table_print_costs(&columns);
	table_print_counters(&columns);
	table_print_hardware(&columns);
	table_print_tlb(&columns);
	table_print_ratios(&columns);
	if (csv)
		table_write_csv(&columns, csv);
	return verdict(&columns);
}
