/* SPDX-License-Identifier: GPL-2.0 */
/* The subcommands; argv[0] is the subcommand's name, the result the exit status. */
#ifndef COMMAND_H
#define COMMAND_H

int command_info(int argc, char **argv);
int command_run(int argc, char **argv);
int command_boot(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_compare(int argc, char **argv);
int command_report(int argc, char **argv);
/* The same two with --tlb as their first argument. */
int command_bench_tlb(int argc, char **argv);
int command_report_tlb(int argc, char **argv);

#endif
