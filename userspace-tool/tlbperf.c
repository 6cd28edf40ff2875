// SPDX-License-Identifier: GPL-2.0
/*
 * TLB misses and walk cycles of this thread and of the guests that it runs, from the performance
 * counters of a real CPU. Event numbers: Intel's event lists ("perfmon"), per microarchitecture.
 */
#include <cpuid.h>
#include <linux/perf_event.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tlbcount.h"

#define EVENT(code, umask)	((code) | (umask) << 8)
#define CACHE_MISS(op)		(PERF_COUNT_HW_CACHE_DTLB | (op) << 8 | \
				 PERF_COUNT_HW_CACHE_RESULT_MISS << 16)
#define FAMILY_6		6

static struct {
	const char *name;
	enum tlb_value value;
	u32 type;
	u64 config;
	int fd;
} events[] = {
	{ "dTLB load misses", TLB_MISSES, PERF_TYPE_HW_CACHE,
	  CACHE_MISS(PERF_COUNT_HW_CACHE_OP_READ), -1 },
	{ "dTLB store misses", TLB_MISSES, PERF_TYPE_HW_CACHE,
	  CACHE_MISS(PERF_COUNT_HW_CACHE_OP_WRITE), -1 },
	/* DTLB_LOAD_MISSES and DTLB_STORE_MISSES: WALK_DURATION, later WALK_PENDING. */
	{ "load walk cycles", TLB_CYCLES, PERF_TYPE_RAW, EVENT(0x08, 0x10), -1 },
	{ "store walk cycles", TLB_CYCLES, PERF_TYPE_RAW, EVENT(0x49, 0x10), -1 },
	/* EPT.WALK_CYCLES, later EPT.WALK_PENDING. */
	{ "EPT walk cycles", TLB_EPT_CYCLES, PERF_TYPE_RAW, EVENT(0x4f, 0x10), -1 },
};

/* From Haswell to Comet Lake the raw events above mean what their names say. */
static bool raw_events_known(void)
{
	static const u8 models[] = {
		0x3c, 0x3f, 0x45, 0x46,		/* Haswell */
		0x3d, 0x47, 0x4f, 0x56,		/* Broadwell */
		0x4e, 0x5e, 0x55, 0x8e, 0x9e,	/* Skylake and its kin */
		0xa5, 0xa6,			/* Comet Lake */
	};
	u32 eax, ebx, ecx, edx, model;

	if (!__get_cpuid(0, &eax, &ebx, &ecx, &edx) || ebx != signature_INTEL_ebx)
		return false;
	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || (eax >> 8 & 0xf) != FAMILY_6)
		return false;
	model = (eax >> 12 & 0xf0) | (eax >> 4 & 0xf);
	return memchr(models, model, sizeof(models));
}

static int open_event(u32 type, u64 config)
{
	struct perf_event_attr attr = { .type = type, .size = sizeof(attr), .config = config };

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

bool tlbperf_open(char *source)
{
	size_t length = 0;

	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		if (events[i].type == PERF_TYPE_RAW && !raw_events_known())
			continue;
		events[i].fd = open_event(events[i].type, events[i].config);
		if (events[i].fd < 0)
			continue;
		length += snprintf(source + length, TLB_SOURCE - length, "%s%s",
				   length ? ", " : "this CPU's counters: ", events[i].name);
	}
	return length;
}

/* A sum of which one part is missing is not measured. */
void tlbperf_read(struct tlb_sample *sample)
{
	u64 count;

	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		sample->value[events[i].value] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		if (events[i].fd < 0 || read(events[i].fd, &count, sizeof(count)) != sizeof(count))
			sample->value[events[i].value] += NAN;
		else
			sample->value[events[i].value] += count;
	}
}
