/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What translation costs: from the cost model of the lab's emulator, or from the performance
 * counters of a real CPU. What neither tells is NAN: not measured.
 */
#ifndef TLBCOUNT_H
#define TLBCOUNT_H

#include "util.h"

enum tlb_value {
	TLB_ACCESSES,		/* the guest's, data */
	TLB_MISSES,		/* the guest's, data and fetches; on a real CPU of this thread */
	TLB_GUEST_REFS,		/* entries that its walks read */
	TLB_EPT_REFS,
	TLB_HOST_MISSES,	/* outside of the guest */
	TLB_CYCLES,		/* of walks and L2 TLB lookups, in the guest and outside */
	TLB_EPT_CYCLES,
	TLB_EXITS,		/* counted by the device, not here */
	TLB_TICKS,
	TLB_VALUES
};

struct tlb_sample {
	double value[TLB_VALUES];
};

#define TLB_SOURCE	200

/* Where the numbers come from, with the latencies that they assume; "" if from nowhere. */
const char *tlbcount_source(void);
void tlbcount_read(struct tlb_sample *sample);
/* *sample holds an earlier reading, and then what happened since. */
void tlbcount_since(struct tlb_sample *sample);

/* The performance counters of a real CPU (tlbperf.c). */
bool tlbperf_open(char *source);
void tlbperf_read(struct tlb_sample *sample);

#endif
