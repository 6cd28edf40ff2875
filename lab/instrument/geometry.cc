// SPDX-License-Identifier: GPL-2.0
/*
 * Sizes and latencies of the CPUs that the cost model knows. Where each figure comes from, and
 * which are assumptions because Intel publishes none: Documentation/tlb.rst, "Geometries".
 */
#include <string.h>

#include "geometry.h"

#define KIB_LINES(kib)	((kib) * 1024 / 64)

const struct geometry geometries[] = {
	{
		"haswell",
		/* Optimization manual, "TLB Parameters of the Haswell Microarchitecture". */
		{ { 64, 4 }, { 32, 4 }, { 4, 4 } },
		{ { 128, 4 }, { 8, 8 }, { 0, 0 } },
		{ { 1024, 8 }, { 0, 0 }, { 0, 0 } },
		/* Assumed. */
		{ { 32, 4 }, { 4, 4 }, { 2, 2 } },
		{ { 32, 4 }, { 4, 4 }, { 2, 2 } },
		/* The same manual, "Cache Parameters" of Haswell; L3 as in an i7-4770. */
		{ { KIB_LINES(32), 8 }, { KIB_LINES(256), 8 }, { KIB_LINES(8192), 16 } },
		8,
		{ 4, 11, 34, 230 },
	},
	{
		"skylake-x",
		/* Optimization manual, "TLB Parameters of the Skylake Client Microarchitecture". */
		{ { 64, 4 }, { 32, 4 }, { 4, 4 } },
		{ { 128, 8 }, { 8, 8 }, { 0, 0 } },
		{ { 1536, 12 }, { 0, 0 }, { 16, 4 } },
		/* Assumed. */
		{ { 32, 4 }, { 4, 4 }, { 2, 2 } },
		{ { 32, 4 }, { 4, 4 }, { 2, 2 } },
		/* The same manual, "Cache Comparison" of the Skylake server; L3 as in an i7-7820X. */
		{ { KIB_LINES(32), 8 }, { KIB_LINES(1024), 16 }, { KIB_LINES(11264), 11 } },
		9,
		{ 4, 14, 70, 260 },
	},
};

const unsigned int geometry_count = sizeof(geometries) / sizeof(geometries[0]);

const struct geometry *geometry_find(const char *name)
{
	for (unsigned int i = 0; i < geometry_count; i++)
		if (!strcmp(geometries[i].name, name))
			return &geometries[i];
	return NULL;
}
