/* SPDX-License-Identifier: GPL-2.0 */
/* Hardware operations, counted by the lab's emulator; nothing else counts them. */
#ifndef HWCOUNT_H
#define HWCOUNT_H

#include "../lab/instrument/port.h"
#include "util.h"

enum { HW_COUNT = LAB_COUNTERS - LAB_EXIT_REASONS };
/* Of the LAB_OP_* of port.h. */
#define HW_INDEX(counter)	((counter) - LAB_EXIT_REASONS)

struct hwcounts {
	u64 value[HW_COUNT];
};

extern const char *const hwcount_names[HW_COUNT];

bool hwcount_present(void);
/* The port, ours from open to close. */
bool lab_port_open(void);
void lab_port_close(void);
u64 lab_command(u32 number, u32 argument);
/* All counters at one moment; all 0 where there are none. */
void hwcount_read(struct hwcounts *counts);

#endif
