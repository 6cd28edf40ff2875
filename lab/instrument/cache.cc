// SPDX-License-Identifier: GPL-2.0
/* Everything that one CPU may have cached of the translations that guests used, and evictions. */
#include "cache.h"

#define LARGEST_PAGE	3

struct cached *cache_find_leaf(mappings &m, Bit64u address, unsigned int *level)
{
	for (*level = 1; *level <= LARGEST_PAGE; ++*level) {
		mappings::iterator it = m.find(leaf_key(address, *level));

		if (it != m.end())
			return &it->second;
	}
	return NULL;
}

void cache_drop_leaf(mappings &m, Bit64u address)
{
	for (unsigned int level = 1; level <= LARGEST_PAGE; level++)
		m.erase(leaf_key(address, level));
}

void cache_drop_tables(mappings &m, Bit64u address)
{
	for (unsigned int level = 2; level <= WALK_LEVELS; level++)
		m.erase(table_key(address, level));
}

void cache_add_walk(mappings &m, Bit64u address, const struct walk *w)
{
	for (unsigned int i = 0; i < w->count; i++) {
		const struct walk_step *step = &w->steps[i];
		bool leaf = i == w->count - 1;
		struct cached c = {};

		c.source = step->hpa;
		c.entry = step->entry;
		c.target = leaf ? w->address & ~level_mask(w->level) : step->entry & FRAME_MASK;
		c.rights = leaf ? w->rights : step->rights;
		c.dirty = w->dirty;
		c.global = leaf && w->global;
		m[leaf ? leaf_key(address, w->level) : table_key(address, step->level)] = c;
	}
}

void cache_invept(struct cpu_cache *cache, bool single, Bit64u ep4ta)
{
	for (auto &tagged : cache->tags)
		if (tagged.first.ep4ta && (!single || tagged.first.ep4ta == ep4ta))
			tagged.second.clear();
}

static bool is_of(const struct tag &tag, Bit32u vpid, Bit32u pcid)
{
	return tag.vpid == vpid && (pcid == PCID_ANY || tag.pcid == pcid);
}

static void drop_unglobal(mappings &m)
{
	for (mappings::iterator it = m.begin(); it != m.end();)
		it = it->second.global ? std::next(it) : m.erase(it);
}

void cache_drop_vpid(struct cpu_cache *cache, Bit32u vpid, Bit32u pcid, bool keep_global)
{
	for (auto &tagged : cache->tags) {
		if (!is_of(tagged.first, vpid, pcid))
			continue;
		if (keep_global)
			drop_unglobal(tagged.second);
		else
			tagged.second.clear();
	}
}

void cache_drop_all_vpids(struct cpu_cache *cache)
{
	for (auto &tagged : cache->tags)
		if (tagged.first.vpid && tagged.first.vpid != PHYSICAL_VPID)
			tagged.second.clear();
}

void cache_drop_address(struct cpu_cache *cache, Bit32u vpid, Bit32u pcid, Bit64u laddr,
			bool keep_global)
{
	unsigned int level;

	for (auto &tagged : cache->tags) {
		const struct cached *leaf;

		if (!is_of(tagged.first, vpid, pcid))
			continue;
		leaf = cache_find_leaf(tagged.second, laddr, &level);
		if (!leaf || !keep_global || !leaf->global)
			cache_drop_leaf(tagged.second, laddr);
		cache_drop_tables(tagged.second, laddr);
	}
}
