// SPDX-License-Identifier: GPL-2.0
/*
 * The search for stale translations: each guest access is looked up in what its CPU may have
 * cached. If that would answer it otherwise than the tables do, an invalidation is missing.
 */
#include "duty.h"
#include "stale.h"

bool stale_enabled;
unsigned char stale_watched[WATCHED_PAGES];
unsigned int stale_cpu;

struct cpu_cache caches[BX_MAX_SMP_THREADS_SUPPORTED];

void stale_init(void)
{
	const char *mode = getenv("UMBRA_LAB_TLB");

	stale_enabled = mode && !strcmp(mode, "stale");
}

static mappings &physical_mappings(BX_CPU_C *cpu)
{
	struct tag tag = { current_ep4ta(cpu), PHYSICAL_VPID, 0 };

	return caches[cpu->bx_cpuid].tags[tag];
}

/* Linear mappings, or combined ones behind EPT. */
static mappings &linear_mappings(BX_CPU_C *cpu)
{
	struct tag tag = { current_ep4ta(cpu), current_vpid(cpu), current_pcid(cpu) };

	return caches[cpu->bx_cpuid].tags[tag];
}

/* A write through an entry whose dirty flag is clear makes the CPU walk again. */
static bool answers(const struct use *u, unsigned int rights, bool dirty)
{
	return (rights & u->need) == u->need && (!u->write || dirty);
}

static bool agrees(const struct use *u, const struct cached *c, unsigned int level,
		   const struct walk *fresh)
{
	if (!fresh->complete || (fresh->rights & u->need) != u->need)
		return false;
	/* Nobody but EPT's user relies on dirty flags that the CPU sets. */
	if (u->physical && u->write && !fresh->dirty)
		return false;
	return fresh->address == (c->target | (u->address & level_mask(level)));
}

/* A cached pointer to a table, against the entry that the walk found at that place. */
static bool table_agrees(const struct use *u, const struct cached *c, unsigned int level,
			 const struct walk *fresh)
{
	for (unsigned int i = 0; i < fresh->count; i++) {
		const struct walk_step *step = &fresh->steps[i];
		bool leaf = i == fresh->count - 1 && fresh->complete;

		if (step->level == level)
			return !leaf && (step->entry & FRAME_MASK) == c->target &&
			       (c->rights & u->need & ~step->rights) == 0;
	}
	return false;
}

/* True: @c may be used as it is, and stays. False: it is to be replaced. */
static bool excused(const struct use *u, const char *kind, const struct cached *c, bool leaf,
		    const struct walk *fresh)
{
	enum duty duty = duty_of(u, c, leaf);

	if (duty == DUTY_MODULE)
		report_stale(u, kind, c, fresh);
	caches[u->cpu->bx_cpuid].in_window |= duty == DUTY_NOT_YET;
	return duty == DUTY_NOT_YET;
}

/* False: a pointer is stale, and may be so for now. */
static bool check_tables(const struct use *u, mappings &m, const struct walk *fresh)
{
	for (unsigned int level = 2; level <= WALK_LEVELS; level++) {
		mappings::iterator it = m.find(table_key(u->address, level));

		if (it == m.end() || table_agrees(u, &it->second, level, fresh))
			continue;
		return !excused(u, u->physical ? "EPT paging-structure cache" :
				"paging-structure cache", &it->second, false, fresh);
	}
	return true;
}

static void watch(const struct walk *w)
{
	for (unsigned int i = 0; i < w->count; i++)
		stale_watched[(w->steps[i].hpa >> PAGE_SHIFT) % WATCHED_PAGES] = 1;
}

/* One translation through tables that belong to the module. True if the tables allow it. */
static bool translate(const struct use *u, mappings &m, const struct walk *fresh)
{
	unsigned int level;
	const struct cached *leaf = cache_find_leaf(m, u->address, &level);
	bool allowed = fresh->complete && (fresh->rights & u->need) == u->need;

	if (leaf && answers(u, leaf->rights, leaf->dirty)) {
		if (agrees(u, leaf, level, fresh))
			return true;
		if (excused(u, u->physical ? "guest-physical mapping" : "linear mapping", leaf,
			    true, fresh))
			return allowed;
	} else if (!check_tables(u, m, fresh)) {
		return allowed;
	}
	/* What the CPU finds now takes its place; a fault evicts. */
	cache_drop_leaf(m, u->address);
	cache_drop_tables(m, u->address);
	if (!allowed)
		return false;
	cache_add_walk(m, u->address, fresh);
	watch(fresh);
	/* The CPU sets the flag on its way. */
	if (u->write)
		cache_find_leaf(m, u->address, &level)->dirty = true;
	return true;
}

static unsigned int physical_need(const struct use *u)
{
	return u->exec ? RIGHT_EXEC : u->write ? RIGHT_READ | RIGHT_WRITE : RIGHT_READ;
}

/*
 * The lookup comes before Bochs' own walk, so a page that this access has written once, a table that
 * maps itself, does not show its dirty flag yet.
 */
static bool being_dirtied(const struct cpu_cache *cache, Bit64u gpa)
{
	for (unsigned int i = 0; i < cache->nr_dirtied; i++)
		if (cache->dirtied[i] >> PAGE_SHIFT == gpa >> PAGE_SHIFT)
			return true;
	return false;
}

static bool translate_gpa(const struct use *linear, Bit64u gpa, bool table, struct walk *fresh)
{
	struct cpu_cache *cache = &caches[linear->cpu->bx_cpuid];
	struct use u = *linear;

	u.physical = true;
	u.address = gpa;
	if (table) {	/* with accessed and dirty flags, every use of a table is a write */
		u.write = linear->cpu->vmcs.eptptr & (1 << 6);
		u.exec = false;
	}
	u.need = physical_need(&u);
	*fresh = walk_ept(u.cpu, gpa);
	if (u.write && being_dirtied(cache, gpa))
		fresh->dirty = true;
	else if (u.write && cache->nr_dirtied <= WALK_LEVELS)
		cache->dirtied[cache->nr_dirtied++] = gpa;
	return translate(&u, physical_mappings(u.cpu), fresh);
}

static const struct use *table_user;

static bool translate_table_gpa(BX_CPU_C *cpu, Bit64u gpa, Bit64u *hpa)
{
	struct walk fresh;

	if (!translate_gpa(table_user, gpa, true, &fresh))
		return false;
	*hpa = fresh.address;
	return true;
}

/* The guest would have flushed, had it loaded its root itself. */
static bool root_agrees(const struct use *u, const struct cached *c, unsigned int level,
			struct walk *guest)
{
	if (c->global || c->root == guest_root(u->cpu) || !duty_root_was_set(u->cpu))
		return true;
	table_user = u;
	*guest = walk_linear(u->cpu, u->laddr, translate_table_gpa);
	return guest->complete && (guest->rights & u->need) == u->need &&
	       guest->address == (c->gpa | (u->address & level_mask(level)));
}

/* Both dimensions in one mapping. The guest's part is the guest's business: only EPT is judged. */
static bool combined_answers(const struct use *u, mappings &m)
{
	unsigned int level;
	const struct cached *leaf = cache_find_leaf(m, u->address, &level);
	struct use physical = *u;
	struct walk fresh;

	if (!leaf || !answers(u, leaf->rights, leaf->dirty) ||
	    (u->write && !(leaf->rights & RIGHT_WRITE)))
		return false;
	physical.physical = true;
	physical.address = leaf->gpa | (u->address & level_mask(level));
	physical.need = physical_need(u);
	fresh = walk_ept(u->cpu, physical.address);
	if (agrees(&physical, leaf, level, &fresh)) {
		if (root_agrees(u, leaf, level, &fresh))
			return true;
		report_stale(u, "combined mapping of another root", leaf, &fresh);
		cache_drop_leaf(m, u->address);
		return false;
	}
	if (excused(&physical, "combined mapping", leaf, true, &fresh))
		return true;
	cache_drop_leaf(m, u->address);
	return false;
}

static void add_combined(const struct use *u, mappings &m, const struct walk *guest,
			 const struct walk *ept)
{
	unsigned int level = guest->level < ept->level ? guest->level : ept->level;
	struct cached c = {};

	c.target = ept->address & ~level_mask(level);
	c.gpa = guest->address & ~level_mask(level);
	c.source = ept->steps[ept->count - 1].hpa;
	c.entry = ept->steps[ept->count - 1].entry;
	c.rights = guest->rights & (ept->rights | RIGHT_USER);
	c.dirty = u->write || (guest->dirty && ept->dirty);
	c.global = guest->global;
	c.root = guest_root(u->cpu);
	cache_drop_leaf(m, u->address);
	m[leaf_key(u->address, level)] = c;
}

static void access_two_dimensions(const struct use *u)
{
	mappings &m = linear_mappings(u->cpu);
	struct walk guest, ept;

	if (combined_answers(u, m))
		return;
	table_user = u;
	guest = walk_linear(u->cpu, u->laddr, translate_table_gpa);
	if (!guest.complete || (guest.rights & u->need) != u->need)
		return;
	if (translate_gpa(u, guest.address, false, &ept))
		add_combined(u, m, &guest, &ept);
}

void stale_access(BX_CPU_C *cpu, Bit64u laddr, bool user, unsigned int rw)
{
	struct use u = {};
	struct walk fresh;

	caches[cpu->bx_cpuid].in_window = false;
	caches[cpu->bx_cpuid].nr_dirtied = 0;
	u.cpu = cpu;
	u.laddr = u.address = laddr;
	u.write = rw & 1;
	u.exec = rw == BX_EXECUTE;
	u.user = user;
	u.need = RIGHT_READ | (user ? RIGHT_USER : 0) | (u.exec ? RIGHT_EXEC : 0) |
		 (u.write && (user || cpu->cr0.get_WP()) ? RIGHT_WRITE : 0);
	if (current_ep4ta(cpu)) {
		access_two_dimensions(&u);
		return;
	}
	fresh = walk_linear(cpu, laddr, NULL);
	translate(&u, linear_mappings(cpu), &fresh);
}
