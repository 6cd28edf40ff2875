// SPDX-License-Identifier: GPL-2.0
/* `umbra`: choose the subcommand. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "util.h"

static const struct command {
	const char *name, *summary;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "info", "what this CPU, its host and the module can do", command_info },
	{ "run", "run a bare guest, flat or ELF", command_run },
	{ "boot", "boot a Linux kernel", command_boot },
	{ "compare", "the same guest on EPT and on shadow paging, side by side", command_compare },
	{ "bench", "cost per operation of each backend and of other KVM devices", command_bench },
	{ "report", "one table with ratios from columns saved by bench", command_report },
};

static void print_help(FILE *out)
{
	fputs("usage: umbra COMMAND ...\n\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
	fputs("\nA command with a wrong option prints its usage; umbra(1) has the details.\n", out);
}

int main(int argc, char **argv)
{
	if (argc < 2 || !strcmp(argv[1], "help") || !strcmp(argv[1], "--help")) {
		print_help(argc < 2 ? stderr : stdout);
		return argc < 2 ? EXIT_ABNORMAL : 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	print_help(stderr);
	die("unknown command \"%s\"", argv[1]);
}
