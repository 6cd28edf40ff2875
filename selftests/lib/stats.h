/* SPDX-License-Identifier: GPL-2.0 */
/* Counters of KVM_GET_STATS_FD. */
#ifndef SELFTESTS_LIB_STATS_H
#define SELFTESTS_LIB_STATS_H

#include <stdint.h>

#define NO_STAT		UINT64_MAX

/* Of a VM or a vCPU; NO_STAT if there is none of that name. */
uint64_t stat_read(int fd, const char *name);

#endif
