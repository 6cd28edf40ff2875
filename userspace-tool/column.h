/* SPDX-License-Identifier: GPL-2.0 */
/* What one device and backend cost, row by row; saved to and loaded from text files. */
#ifndef COLUMN_H
#define COLUMN_H

#include <stdio.h>

#include "bench_vm.h"
#include "hwcount.h"
#include "stats.h"
#include "tlbcount.h"

#define COLUMN_NAME	32
#define MAX_COLUMNS	12
#define MAX_COUNTERS	24

enum row_id {
	ROW_CPUID, ROW_VMCALL, ROW_RDMSR, ROW_IMMEDIATE_EXIT, ROW_PORT_OUT,
	ROW_MMIO_WRITE, ROW_MMIO_READ, ROW_TOUCH, ROW_TOUCH_SMALL, ROW_READ_SHARED, ROW_SWITCH_CR3,
	ROW_CHANGE_PTE, ROW_CHANGE_YOUNG, ROW_MAP_UNMAP, ROW_GUEST_FAULT, ROW_CREATE_VM,
	ROW_TOGGLE_WP, ROW_TOGGLE_PGE, ROW_TSC_ADJUST, ROW_INTERRUPT, ROW_MSI, ROW_IRQFD,
	ROW_IOEVENTFD_PIO, ROW_IOEVENTFD_MMIO, ROW_SELF_IPI, ROW_EOI, ROW_DEADLINE,
	ROW_ARM_DEADLINE, ROW_PIC_READ, ROW_IOAPIC_READ, ROW_TWO_VMS, ROW_IPI_RUNNING,
	ROW_IPI_HALTED, ROW_COUNT
};

enum result_state { NOT_CHOSEN, NOT_MEASURED, MEASURED, FAILED };

struct counter {
	char name[STATS_NAME];
	double per_operation;
};

struct result {
	enum result_state state;
	double ticks;			/* per operation */
	char failure[FAILURE_TEXT_MAX];
	bool has_counters;		/* the device keeps statistics */
	size_t counter_count;
	struct counter counters[MAX_COUNTERS];
	bool has_tables;
	u64 tables_per_gib;		/* bytes of tables and reverse map for 1 GiB of 4K pages */
	bool has_hardware;
	double hardware[HW_COUNT];	/* hardware operations per operation */
	bool has_tlb;
	struct tlb_sample tlb;		/* per operation */
};

struct column {
	char name[COLUMN_NAME];
	int backend;			/* UM_BACKEND_* that the column ran on */
	bool ours;			/* Umbra; otherwise a device to compare with */
	struct result results[ROW_COUNT];
};

struct columns {
	size_t count;
	struct column *list[MAX_COLUMNS];
};

struct column *columns_add(struct columns *columns, const char *name, int backend, bool ours);
void columns_save(const struct columns *columns, const char *path);
void columns_load(struct columns *columns, const char *path);
/* Some column has a word to say about the row. */
bool columns_show(const struct columns *columns, enum row_id row);
size_t columns_failures(const struct columns *columns);

#endif
