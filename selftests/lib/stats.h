/* SPDX-License-Identifier: GPL-2.0 */
/* The counters of a VM or vCPU (KVM_GET_STATS_FD). */
#ifndef SELFTESTS_STATS_H
#define SELFTESTS_STATS_H

#include <stdbool.h>
#include <stdint.h>

/* Does the device count this for a VM or vCPU of fd? *value: how much. */
bool stat_read(int fd, const char *name, uint64_t *value);
/* The same for counters that must be there. */
uint64_t stat_value(int fd, const char *name);

#endif
