/* SPDX-License-Identifier: GPL-2.0 */
/* Print columns: costs, ratios and budgets, exits by cause, hardware operations, CSV. */
#ifndef TABLE_H
#define TABLE_H

#include "column.h"

void table_print_costs(const struct columns *columns);
void table_print_meanings(void);
void table_print_counters(const struct columns *columns);
/* Ours against the other devices on the same backend; silent where there is no pair. */
void table_print_ratios(const struct columns *columns);
/* VMREADs, VMWRITEs, MSR accesses and the like per operation, of all columns. */
void table_print_hardware(const struct columns *columns);
/* Of the TLB model or of performance counters; silent where neither is there. */
bool table_has_tlb(const struct columns *columns);
void table_print_tlb(const struct columns *columns);
void table_print_budgets(const struct columns *columns);
void table_write_csv(const struct columns *columns, const char *path);

#endif
