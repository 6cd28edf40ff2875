/* SPDX-License-Identifier: GPL-2.0 */
/* The devices that a benchmark runs on, as columns. */
#ifndef TARGETS_H
#define TARGETS_H

#include "bench.h"

struct targets {
	size_t count;
	struct target list[MAX_COLUMNS];
	struct columns columns;
};

/* One column for each backend that can be chosen on the device; how many there were. */
size_t targets_add_backends(struct targets *targets, const char *path);
/* One column from the text NAME=PATH[:ept|shadow]; dies if it cannot be had. */
void targets_add_device(struct targets *targets, const char *text);

#endif
