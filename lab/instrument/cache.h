/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything that one CPU may have cached of the translations that guests used: unbounded, so that
 * only what the architecture demands evicts (SDM "Caching Translation Information").
 */
#ifndef LAB_CACHE_H
#define LAB_CACHE_H

#include <map>
#include <unordered_map>

#include "walk.h"

/* One cached translation or pointer to a table, and the entry that it was made from. */
struct cached {
	Bit64u target;		/* hpa of the page or table */
	Bit64u gpa;		/* a combined mapping's, else 0 */
	Bit64u source;		/* hpa of the entry */
	Bit64u entry;		/* as it was */
	Bit64u root;		/* a combined mapping's: guest_root() */
	Bit64u invalidated;	/* when the guest last invalidated it itself (duty.cc) */
	unsigned int rights;
	bool dirty, global;
};

/* Mappings of one kind and tag; keys are page numbers with level and kind. */
typedef std::unordered_map<Bit64u, struct cached> mappings;

/*
 * A guest-physical mapping is tagged with the EP4TA alone, a linear one with VPID and PCID, a
 * combined one with all three (SDM "Information That May Be Cached").
 */
struct tag {
	Bit64u ep4ta;		/* 0: linear mapping */
	Bit32u vpid, pcid;	/* PHYSICAL_VPID: guest-physical mapping */

	bool operator<(const struct tag &other) const
	{
		if (ep4ta != other.ep4ta)
			return ep4ta < other.ep4ta;
		return vpid != other.vpid ? vpid < other.vpid : pcid < other.pcid;
	}
};

#define PHYSICAL_VPID	0x10000U

struct cpu_cache {
	std::map<struct tag, mappings> tags;
	/* Of the access in progress: it uses what may be stale for now, and evicts nothing. */
	bool in_window;
	Bit64u dirtied[WALK_LEVELS + 1];	/* pages that it sets EPT's dirty flag of */
	unsigned int nr_dirtied;
};

extern struct cpu_cache caches[BX_MAX_SMP_THREADS_SUPPORTED];

static inline Bit32u current_vpid(BX_CPU_C *cpu)
{
	return cpu->vmcs.vmexec_ctrls2.VPID_ENABLE() ? cpu->vmcs.vpid : 0;
}

static inline Bit32u current_pcid(BX_CPU_C *cpu)
{
	return cpu->cr4.get_PCIDE() ? cpu->cr3 & 0xfff : 0;
}

static inline Bit64u current_ep4ta(BX_CPU_C *cpu)
{
	return cpu->vmcs.vmexec_ctrls2.EPT_ENABLE() ? cpu->vmcs.eptptr & FRAME_MASK : 0;
}

/* What tells the guest's address spaces from each other, beside the PCID. */
static inline Bit64u guest_root(BX_CPU_C *cpu)
{
	if (!cpu->cr0.get_PG())
		return ~0ULL;
	return cpu->cr4.get_PCIDE() ? cpu->cr3 & FRAME_MASK : cpu->cr3;
}

static inline Bit64u leaf_key(Bit64u address, unsigned int level)
{
	return address >> level_shift(level) << 4 | level;
}

static inline Bit64u table_key(Bit64u address, unsigned int level)
{
	return leaf_key(address, level) | 8;
}

struct cached *cache_find_leaf(mappings &m, Bit64u address, unsigned int *level);
void cache_drop_leaf(mappings &m, Bit64u address);
void cache_drop_tables(mappings &m, Bit64u address);
void cache_add_walk(mappings &m, Bit64u address, const struct walk *w);

/* What instructions and events evict; PCID_ANY stands for all. */
#define PCID_ANY	0xffffffffU
void cache_invept(struct cpu_cache *cache, bool single, Bit64u ep4ta);
void cache_drop_vpid(struct cpu_cache *cache, Bit32u vpid, Bit32u pcid, bool keep_global);
void cache_drop_all_vpids(struct cpu_cache *cache);
void cache_drop_address(struct cpu_cache *cache, Bit32u vpid, Bit32u pcid, Bit64u laddr,
			bool keep_global);

#endif
