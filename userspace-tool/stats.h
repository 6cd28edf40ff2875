/* SPDX-License-Identifier: GPL-2.0 */
/* Read the binary statistics (KVM_GET_STATS_FD) of a VM or vCPU. */
#ifndef STATS_H
#define STATS_H

#include "util.h"

#define STATS_NAME	40
#define STATS_MAX	160

struct stat_value {
	char name[STATS_NAME];
	bool cumulative;
	u64 value;
};

struct stats {
	size_t count;		/* 0 where the device has no statistics */
	struct stat_value values[STATS_MAX];
};

/* Adds the scalar statistics of one VM or vCPU file descriptor. */
void stats_read(struct stats *stats, int fd);
const struct stat_value *stats_find(const struct stats *stats, const char *name);

#endif
