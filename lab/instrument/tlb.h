/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The cost model of one CPU's translations: TLBs and paging-structure caches of a real size, fed
 * with accesses and invalidations. It knows nothing of the emulator; tables are asked for.
 */
#ifndef LAB_TLB_H
#define LAB_TLB_H

#include "walk.h"

#include "lru.h"
#include "port.h"

/* Which mappings a CPU may use now (SDM "Caching Translation Information"). */
struct tlb_space {
	Bit64u ep4ta;		/* 0: no EPT, linear mappings */
	Bit32u vpid, pcid;

	bool operator==(const struct tlb_space &other) const
	{
		return ep4ta == other.ep4ta && vpid == other.vpid && pcid == other.pcid;
	}
};

#define TLB_GUEST_PHYSICAL	0x10000U	/* in place of a VPID */
#define TLB_ANY_PCID		0xffffffffU

/* A translation, or a pointer to a table. */
struct tlb_entry {
	Bit64u number;		/* of the page, or of what the table maps */
	struct tlb_space space;
	unsigned char level;	/* 1 = a 4K page or an entry that maps one */
	bool valid, global;
	bool writable;		/* and dirty: writes need no walk */
};

struct tlb_line {
	Bit64u number;
	bool valid;
};

/* The tables as they are in memory now. A linear walk's steps tell gpa and hpa of each entry. */
struct tlb_tables {
	struct walk (*linear)(void *cpu, Bit64u laddr);
	struct walk (*ept)(void *cpu, Bit64u gpa);
	void *cpu;
};

typedef Bit64u tlb_counts[LAB_TLB_COUNTERS];

/* The last page that was found, on the way that needs no search. */
struct tlb_last {
	bool valid, writable;
	Bit64u page;
	struct tlb_space space;
};

struct tlb {
	const struct geometry *geometry;
	struct lru<struct tlb_entry> first[2][PAGE_SIZES];	/* data, fetches */
	struct lru<struct tlb_entry> second[PAGE_SIZES];
	struct lru<struct tlb_entry> tables[TABLE_LEVELS], ept_tables[TABLE_LEVELS];
	struct lru<struct tlb_line> lines[CACHE_LEVELS];
	struct tlb_last last[2];
};

struct tlb_access {
	struct tlb_space space;
	Bit64u laddr;
	bool write, fetch;
};

void tlb_init(struct tlb *tlb, const struct geometry *geometry);
/* One access, at the linear address of @a. */
void tlb_access(struct tlb *tlb, const struct tlb_access *a, const struct tlb_tables *tables,
		Bit64u *counts);
/* An access that ended in a fault: what the walk has cost until then. */
void tlb_fault(struct tlb *tlb, const struct tlb_access *a, const struct tlb_tables *tables,
	       Bit64u *counts);
/* Data that passes through the caches and displaces table entries there. */
void tlb_touch_line(struct tlb *tlb, Bit64u hpa);

/* Invalidations. */
void tlb_flush_address(struct tlb *tlb, Bit32u vpid, Bit32u pcid, Bit64u laddr, bool keep_global);
void tlb_flush_vpid(struct tlb *tlb, Bit32u vpid, Bit32u pcid, bool keep_global);
void tlb_flush_all_vpids(struct tlb *tlb);	/* but 0 */
void tlb_flush_ept(struct tlb *tlb, bool single, Bit64u ep4ta);
void tlb_flush_gpa(struct tlb *tlb, Bit64u ep4ta, Bit64u gpa);
void tlb_flush_everything(struct tlb *tlb);

#endif
