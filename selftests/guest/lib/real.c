// SPDX-License-Identifier: GPL-2.0
/* What cpu.c is for the other modes: a real-mode guest needs no tables. */
#include "lib.h"

void cpu_init(unsigned long id)
{
	(void)id;
}
