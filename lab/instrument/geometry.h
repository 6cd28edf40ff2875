/* SPDX-License-Identifier: GPL-2.0 */
/* Sizes and latencies of the CPUs that the cost model knows. */
#ifndef LAB_GEOMETRY_H
#define LAB_GEOMETRY_H

#define PAGE_SIZES	3	/* 4K, 2M, 1G */
#define TABLE_LEVELS	3	/* entries above the leaf that are cached: PDE, PDPTE, PML4E */
#define CACHE_LEVELS	3

/* ways = entries: fully associative; entries = 0: there is none. */
struct array_size {
	unsigned int entries, ways;
};

struct geometry {
	const char *name;
	struct array_size data[PAGE_SIZES], fetch[PAGE_SIZES];
	struct array_size second[PAGE_SIZES];	/* [1] with 0 entries: 2M pages live in [0] */
	struct array_size tables[TABLE_LEVELS], ept_tables[TABLE_LEVELS];
	struct array_size lines[CACHE_LEVELS];	/* caches, of 64-byte lines */
	unsigned int second_hit;		/* cycles of an L2 TLB hit */
	unsigned int reference[CACHE_LEVELS + 1];	/* cycles; the last: memory */
};

extern const struct geometry geometries[];
extern const unsigned int geometry_count;

/* NULL if nothing has that name. */
const struct geometry *geometry_find(const char *name);

#endif
