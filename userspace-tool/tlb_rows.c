// SPDX-License-Identifier: GPL-2.0
/* The rows of `umbra bench --tlb`. */
#include <stdio.h>
#include <string.h>

#include "tlb_bench.h"

#define KIB	1024UL
#define GIB	(1024 * MIB)

static const u64 sizes[] = { 16 * KIB, 256 * KIB, 2 * MIB, 16 * MIB, 128 * MIB, GIB };

static const struct tlb_row others[] = {
	{ PATTERN_SWITCH, 64 * KIB, false, false },
	{ PATTERN_SWITCH, 2 * MIB, false, false },
	{ PATTERN_SWITCH_PCID, 64 * KIB, false, false },
	{ PATTERN_SWITCH_PCID, 2 * MIB, false, false },
	{ PATTERN_FAULT, 2 * MIB, false, false },
	{ PATTERN_UPDATE, 2 * MIB, false, false },
};

static struct tlb_row rows[TLB_MAX_ROWS];

/* Each size with the guest's pages of both sizes over the host's of both. */
static size_t add_pattern(size_t count, enum tlb_pattern pattern)
{
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		for (int pages = 0; pages < 4; pages++)
			rows[count++] = (struct tlb_row){ pattern, sizes[i], pages & 2, pages & 1 };
	return count;
}

size_t tlb_rows(const struct tlb_row **list)
{
	size_t count = add_pattern(0, PATTERN_CHASE);

	count = add_pattern(count, PATTERN_READ);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		rows[count++] = others[i];
	*list = rows;
	return count;
}

static const struct {
	const char *word, *title;
} patterns[] = {
	[PATTERN_CHASE] = { "chase", "pointer chase" },
	[PATTERN_READ] = { "read", "sequential reads" },
	[PATTERN_SWITCH] = { "switch", "process switch" },
	[PATTERN_SWITCH_PCID] = { "switch", "the same with PCIDs" },
	[PATTERN_FAULT] = { "fault", "guest's demand paging" },
	[PATTERN_UPDATE] = { "update", "PTE change, INVLPG, read" },
};

bool tlb_row_chosen(const struct tlb_row *row, const struct tlb_choice *choice)
{
	return row->size <= choice->limit &&
	       (!choice->only || !strcmp(patterns[row->pattern].word, choice->only));
}

void tlb_pattern_check(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		if (!strcmp(patterns[i].word, word))
			return;
	die("there is no pattern \"%s\": say chase, read, switch, fault or update", word);
}

void tlb_row_title(const struct tlb_row *row, char *title, size_t size)
{
	bool mib = row->size >= MIB;

	snprintf(title, size, "%s, %lu %s, %s over %s", patterns[row->pattern].title,
		 row->size / (mib ? MIB : KIB), mib ? "MiB" : "KiB",
		 row->guest_large ? "2M" : "4K", row->host_large ? "2M" : "4K");
}
