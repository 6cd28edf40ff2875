/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the library share among themselves. */
#ifndef SELFTESTS_IMAGES_H
#define SELFTESTS_IMAGES_H

#include "vm.h"

/* The table of guest programs, which the Makefile makes. */
extern const struct image images[], images_end[];

int vcpu_set_supported_cpuid(int vcpu_fd);

#endif
