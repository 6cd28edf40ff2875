/* SPDX-License-Identifier: GPL-2.0 */
/* A swap device for tests: a RAM disk, if the kernel has one or its module lies beside the test. */
#ifndef SELFTESTS_SWAP_H
#define SELFTESTS_SWAP_H

#include <stdbool.h>

bool swap_on(void);
void swap_off(void);
/* KiB of this process's memory that are out. */
unsigned long swapped(void);

#endif
