// SPDX-License-Identifier: GPL-2.0
/* `umbra bench --tlb` and `umbra report --tlb`: what translation costs on each backend. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "command.h"
#include "tlb_bench.h"

#define DEFAULT_LIMIT_MIB	128

static const char bench_usage[] =
	"usage: umbra bench --tlb [--device NAME=PATH[:ept|shadow]]... [--limit MIB]\n"
	"                   [--only chase|read|switch|fault|update] [--save FILE]";
static const char report_usage[] = "usage: umbra report --tlb SAVED...";

static int verdict(const struct tlb_columns *columns)
{
	size_t failures = tlb_failures(columns);

	if (failures) {
		printf("Verdict: FAILED, %zu results are wrong or missing\n", failures);
		return EXIT_ABNORMAL;
	}
	printf("Verdict: all guests of all %zu columns read the right values\n", columns->count);
	return 0;
}

int command_bench_tlb(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "tlb", no_argument, NULL, 't' },
		{ "device", required_argument, NULL, 'd' },
		{ "limit", required_argument, NULL, 'l' },
		{ "only", required_argument, NULL, 'o' },
		{ "save", required_argument, NULL, 's' },
		{ }
	};
	struct tlb_choice choice = { .limit = DEFAULT_LIMIT_MIB * MIB };
	struct tlb_columns *columns = xcalloc(1, sizeof(*columns));
	struct targets targets = { 0 };
	const char *save = NULL;
	int option;

	if (!access(DEFAULT_DEVICE, F_OK))
		targets_add_backends(&targets, DEFAULT_DEVICE);
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option == 'd')
			targets_add_device(&targets, optarg);
		else if (option == 'l')
			choice.limit = parse_number(optarg, "--limit", 2, 1024) * MIB;
		else if (option == 'o')
			tlb_pattern_check(choice.only = optarg);
		else if (option == 's')
			save = optarg;
		else if (option != 't')
			die("%s", bench_usage);
	}
	if (optind != argc)
		die("%s", bench_usage);
	if (!targets.count)
		die("nothing to measure: there is no %s (make insmod), and no --device was given",
		    DEFAULT_DEVICE);
	tlb_bench_run(&targets, &choice, columns);
	tlb_print(columns);
	if (save)
		tlb_save(columns, save);
	return verdict(columns);
}

int command_report_tlb(int argc, char **argv)
{
	struct tlb_columns *columns = xcalloc(1, sizeof(*columns));

	if (argc < 3)
		die("%s", report_usage);
	for (int i = 2; i < argc; i++)
		tlb_load(columns, argv[i]);
	tlb_print(columns);
	return verdict(columns);
}
