/* SPDX-License-Identifier: GPL-2.0 */
/* What the two halves of the cost model's connection to Bochs share. */
#ifndef LAB_COST_SPACE_H
#define LAB_COST_SPACE_H

#include "tlb.h"
#include "cost.h"

extern struct tlb cost_tlbs[BX_MAX_SMP_THREADS_SUPPORTED];

/* What the CPU translates through at this moment. */
struct tlb_space cost_space(const BX_CPU_C *cpu);

#endif
