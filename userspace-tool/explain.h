/* SPDX-License-Identifier: GPL-2.0 */
/* Say in words why a vCPU stopped, with its registers. */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include <stdio.h>

#include "vm.h"

void explain_registers(FILE *out, const struct vm *vm);
void explain_exit(FILE *out, const struct vm *vm);
/* One line, in a static buffer. */
const char *explain_exit_short(const struct vm *vm);

#endif
