// SPDX-License-Identifier: GPL-2.0
/* What translation costs, from the cost model of the lab's emulator if there is one. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "hwcount.h"
#include "tlbcount.h"

enum source { UNKNOWN, NOWHERE, MODEL, PERF };

static char source_text[TLB_SOURCE];

static u64 latency(u32 which)
{
	return lab_command(LAB_TLB_LATENCY, which);
}

static bool find_model(void)
{
	char name[2 * sizeof(u64) + 1] = "";
	u64 start, rest;

	if (!lab_port_open())
		return false;
	start = lab_command(LAB_TLB_GEOMETRY, 0);
	if (start != LAB_ERROR) {
		memcpy(name, &start, sizeof(start));
		rest = name[sizeof(start) - 1] ? lab_command(LAB_TLB_GEOMETRY, sizeof(start)) : 0;
		memcpy(name + sizeof(start), &rest, sizeof(rest));
		snprintf(source_text, sizeof(source_text),
			 "a model of %s; cycles: L2 TLB %lu, entry in L1 cache %lu, L2 %lu, L3 %lu, memory %lu",
			 name, latency(0), latency(1), latency(2), latency(3), latency(4));
	}
	lab_port_close();
	return start != LAB_ERROR;
}

static enum source find_source(void)
{
	static enum source source;

	if (source == UNKNOWN)
		source = find_model() ? MODEL : tlbperf_open(source_text) ? PERF : NOWHERE;
	return source;
}

const char *tlbcount_source(void)
{
	find_source();
	return source_text;
}

static double read_event(u32 event)
{
	return lab_command(LAB_TLB_READ, event);
}

static void read_model(struct tlb_sample *sample)
{
	double *v = sample->value;

	if (!lab_port_open())
		return;
	lab_command(LAB_LATCH, 0);
	lab_command(LAB_TLB_SELECT, LAB_TLB_GUESTS);
	v[TLB_ACCESSES] = read_event(LAB_TLB_ACCESSES);
	v[TLB_MISSES] = read_event(LAB_TLB_MISSES) + read_event(LAB_TLB_FETCH_MISSES);
	v[TLB_GUEST_REFS] = read_event(LAB_TLB_GUEST_REFERENCES);
	v[TLB_EPT_REFS] = read_event(LAB_TLB_EPT_REFERENCES);
	v[TLB_CYCLES] = read_event(LAB_TLB_CYCLES);
	v[TLB_EPT_CYCLES] = read_event(LAB_TLB_EPT_CYCLES);
	lab_command(LAB_TLB_SELECT, LAB_TLB_HOST);
	v[TLB_HOST_MISSES] = read_event(LAB_TLB_MISSES) + read_event(LAB_TLB_FETCH_MISSES);
	v[TLB_CYCLES] += read_event(LAB_TLB_CYCLES);
	lab_port_close();
}

void tlbcount_read(struct tlb_sample *sample)
{
	for (int i = 0; i < TLB_VALUES; i++)
		sample->value[i] = NAN;
	if (find_source() == MODEL)
		read_model(sample);
	if (find_source() == PERF)
		tlbperf_read(sample);
	sample->value[TLB_TICKS] = read_tsc();
}

void tlbcount_since(struct tlb_sample *sample)
{
	double now = read_tsc();
	struct tlb_sample after;

	tlbcount_read(&after);
	after.value[TLB_TICKS] = now;
	for (int i = 0; i < TLB_VALUES; i++)
		sample->value[i] = after.value[i] - sample->value[i];
}
