// SPDX-License-Identifier: GPL-2.0
/* The cost model of one CPU's translations: hits, misses, and what a walk has to read. */
#include "tlb.h"

#define LINE_SHIFT	6
#define TWO_DIMENSIONS(space)	((space).ep4ta != 0)

static Bit64u number_of(Bit64u address, unsigned int level)
{
	return address >> level_shift(level);
}

void tlb_init(struct tlb *tlb, const struct geometry *g)
{
	tlb->geometry = g;
	for (unsigned int i = 0; i < PAGE_SIZES; i++) {
		tlb->first[0][i].resize(g->data[i]);
		tlb->first[1][i].resize(g->fetch[i]);
		tlb->second[i].resize(g->second[i]);
	}
	for (unsigned int i = 0; i < TABLE_LEVELS; i++) {
		tlb->tables[i].resize(g->tables[i]);
		tlb->ept_tables[i].resize(g->ept_tables[i]);
	}
	for (unsigned int i = 0; i < CACHE_LEVELS; i++)
		tlb->lines[i].resize(g->lines[i]);
	tlb->last[0].valid = tlb->last[1].valid = false;
}

/* Where the line was: 0 to CACHE_LEVELS. Then it is in all of them. */
static unsigned int find_line(struct tlb *tlb, Bit64u hpa)
{
	struct tlb_line line = { hpa >> LINE_SHIFT, true };
	unsigned int level;

	for (level = 0; level < CACHE_LEVELS; level++)
		if (tlb->lines[level].find(line.number, [&](const struct tlb_line &l) {
			return l.number == line.number;
		}))
			break;
	for (unsigned int i = 0; i < level; i++)
		tlb->lines[i].insert(line);
	return level;
}

void tlb_touch_line(struct tlb *tlb, Bit64u hpa)
{
	find_line(tlb, hpa);
}

static void reference(struct tlb *tlb, Bit64u hpa, bool ept, Bit64u *counts)
{
	unsigned int level = find_line(tlb, hpa);

	counts[ept ? LAB_TLB_EPT_REFERENCES : LAB_TLB_GUEST_REFERENCES]++;
	counts[LAB_TLB_REFERENCES_L1 + level]++;
	counts[LAB_TLB_CYCLES] += tlb->geometry->reference[level];
	if (ept)
		counts[LAB_TLB_EPT_CYCLES] += tlb->geometry->reference[level];
}

static struct tlb_entry *find_entry(struct lru<struct tlb_entry> &array,
				    const struct tlb_space &space, Bit64u address,
				    unsigned int level)
{
	Bit64u number = number_of(address, level);

	return array.find(number, [&](const struct tlb_entry &e) {
		return e.number == number && e.level == level &&
		       e.space.vpid == space.vpid && e.space.ep4ta == space.ep4ta &&
		       (e.global || e.space.pcid == space.pcid);
	});
}

/* In place of one for the same page, which allowed less. */
static void put_entry(struct lru<struct tlb_entry> &array, const struct tlb_entry &e)
{
	struct tlb_entry *old = find_entry(array, e.space, e.number << level_shift(e.level),
					   e.level);

	if (old)
		*old = e;
	else
		array.insert(e);
}

/* Pages of 2M share the array of 4K pages where they have none. */
static struct lru<struct tlb_entry> &second_of(struct tlb *tlb, unsigned int level)
{
	return tlb->second[level == 2 && !tlb->geometry->second[1].entries ? 0 : level - 1];
}

static struct lru<struct tlb_entry> &first_of(struct tlb *tlb, bool fetch, unsigned int level)
{
	return tlb->first[fetch][level - 1];
}

static struct tlb_entry *find_second(struct tlb *tlb, const struct tlb_space &space,
				     Bit64u address)
{
	for (unsigned int level = 1; level <= PAGE_SIZES; level++) {
		struct tlb_entry *e = find_entry(second_of(tlb, level), space, address, level);

		if (e)
			return e;
	}
	return NULL;
}

static struct tlb_entry *find_first(struct tlb *tlb, const struct tlb_access *a)
{
	for (unsigned int level = 1; level <= PAGE_SIZES; level++) {
		struct tlb_entry *e = find_entry(first_of(tlb, a->fetch, level), a->space,
						 a->laddr, level);

		if (e)
			return e;
	}
	return NULL;
}

/* The first step that has to be read; what is above it is cached. */
static unsigned int skip_cached(struct lru<struct tlb_entry> *caches,
				const struct tlb_space &space, Bit64u address,
				const struct walk *w)
{
	for (unsigned int i = w->count; i-- > 1;) {
		unsigned int level = w->steps[i - 1].level;

		if (level - 2 < TABLE_LEVELS && find_entry(caches[level - 2], space, address, level))
			return i;
	}
	return 0;
}

/* Entries above the leaf are present; the last step may be what ended the walk. */
static void cache_table(struct lru<struct tlb_entry> *caches, const struct tlb_space &space,
			Bit64u address, const struct walk *w, unsigned int step)
{
	struct tlb_entry e = {};

	e.level = w->steps[step].level;
	if (step + 1 == w->count || e.level - 2 >= TABLE_LEVELS)
		return;
	e.number = number_of(address, e.level);
	e.space = space;
	e.valid = true;
	put_entry(caches[e.level - 2], e);
}

/* A page that no array holds in its size is cached in pieces of the next one. */
static unsigned int cacheable_level(unsigned int level, unsigned int entries)
{
	return level == PAGE_SIZES && !entries ? level - 1 : level;
}

/* From gpa to hpa. 0 if EPT does not map it, else the level of the mapping. */
static unsigned int walk_second_dimension(struct tlb *tlb, Bit64u ep4ta, Bit64u gpa,
					  const struct tlb_tables *tables, Bit64u *counts,
					  bool write, bool *writable)
{
	struct tlb_space space = { ep4ta, TLB_GUEST_PHYSICAL, 0 };
	struct tlb_entry *found = find_second(tlb, space, gpa), e = {};
	struct walk w;

	if (found && (found->writable || !write)) {
		*writable = found->writable;
		return found->level;
	}
	w = tables->ept(tables->cpu, gpa);
	for (unsigned int i = skip_cached(tlb->ept_tables, space, gpa, &w); i < w.count; i++) {
		reference(tlb, w.steps[i].hpa, true, counts);
		cache_table(tlb->ept_tables, space, gpa, &w, i);
	}
	if (!w.complete)
		return 0;
	e.level = cacheable_level(w.level, tlb->geometry->second[PAGE_SIZES - 1].entries);
	e.number = number_of(gpa, e.level);
	e.space = space;
	e.valid = true;
	*writable = e.writable = (w.rights & RIGHT_WRITE) && (w.dirty || write);
	put_entry(second_of(tlb, e.level), e);
	return w.level;
}

/* With EPT's accessed and dirty flags a use of a table is a write; it makes no difference here. */
static bool read_guest_step(struct tlb *tlb, const struct tlb_access *a, const struct walk *w,
			    unsigned int step, const struct tlb_tables *tables, Bit64u *counts)
{
	bool writable;

	if (TWO_DIMENSIONS(a->space) &&
	    !walk_second_dimension(tlb, a->space.ep4ta, w->steps[step].gpa, tables, counts, false,
				   &writable))
		return false;
	reference(tlb, w->steps[step].hpa, false, counts);
	cache_table(tlb->tables, a->space, a->laddr, w, step);
	return true;
}

/* True with the mapping in *e if the walk came to its end. */
static bool walk_tables(struct tlb *tlb, const struct tlb_access *a,
			const struct tlb_tables *tables, Bit64u *counts, struct tlb_entry *e)
{
	struct walk w = tables->linear(tables->cpu, a->laddr);
	unsigned int level, ept_level;
	bool writable = true;

	for (unsigned int i = skip_cached(tlb->tables, a->space, a->laddr, &w); i < w.count; i++)
		if (!read_guest_step(tlb, a, &w, i, tables, counts))
			return false;
	if (!w.complete)
		return false;
	level = w.count ? w.level : PAGE_SIZES;	/* without paging EPT alone decides */
	if (TWO_DIMENSIONS(a->space)) {
		ept_level = walk_second_dimension(tlb, a->space.ep4ta, w.address, tables, counts,
						  a->write, &writable);
		if (!ept_level)
			return false;
		level = std::min(level, ept_level);
	}
	e->level = level;
	e->number = number_of(a->laddr, level);
	e->space = a->space;
	e->valid = true;
	e->global = w.global;
	e->writable = a->write || (writable && w.dirty && (w.rights & RIGHT_WRITE));
	return true;
}

static void fill_first(struct tlb *tlb, const struct tlb_access *a, struct tlb_entry e)
{
	unsigned int entries = a->fetch ? tlb->geometry->fetch[PAGE_SIZES - 1].entries :
					  tlb->geometry->data[PAGE_SIZES - 1].entries;

	e.level = cacheable_level(e.level, entries);
	e.number = number_of(a->laddr, e.level);
	put_entry(first_of(tlb, a->fetch, e.level), e);
}

static void remember(struct tlb *tlb, const struct tlb_access *a, bool writable)
{
	struct tlb_last *last = &tlb->last[a->fetch];

	last->valid = true;
	last->writable = writable;
	last->page = a->laddr >> PAGE_SHIFT;
	last->space = a->space;
}

/* Counters of data are followed by those of fetches. */
static Bit64u *count_of(Bit64u *counts, const struct tlb_access *a, unsigned int data_counter)
{
	return &counts[data_counter + (a->fetch ? LAB_TLB_FETCHES - LAB_TLB_ACCESSES : 0)];
}

static void miss(struct tlb *tlb, const struct tlb_access *a, const struct tlb_tables *tables,
		 Bit64u *counts)
{
	struct tlb_entry e = {};

	++*count_of(counts, a, LAB_TLB_MISSES);
	counts[LAB_TLB_CYCLES] += tlb->geometry->second_hit;	/* it was asked first */
	if (!walk_tables(tlb, a, tables, counts, &e))
		return;
	/* A 1G page that has no place of its own lives in the first level alone. */
	if (e.level < PAGE_SIZES || tlb->geometry->second[PAGE_SIZES - 1].entries)
		put_entry(second_of(tlb, e.level), e);
	fill_first(tlb, a, e);
	remember(tlb, a, e.writable);
}

void tlb_access(struct tlb *tlb, const struct tlb_access *a, const struct tlb_tables *tables,
		Bit64u *counts)
{
	const struct tlb_last *last = &tlb->last[a->fetch];
	const struct tlb_entry *e;

	++*count_of(counts, a, LAB_TLB_ACCESSES);
	if (last->valid && last->page == a->laddr >> PAGE_SHIFT && last->space == a->space &&
	    (last->writable || !a->write)) {
		++*count_of(counts, a, LAB_TLB_L1_HITS);
		return;
	}
	tlb->last[a->fetch].valid = false;
	e = find_first(tlb, a);
	if (e && (e->writable || !a->write)) {
		++*count_of(counts, a, LAB_TLB_L1_HITS);
		remember(tlb, a, e->writable);
		return;
	}
	e = find_second(tlb, a->space, a->laddr);
	if (e && (e->writable || !a->write)) {
		++*count_of(counts, a, LAB_TLB_L2_HITS);
		counts[LAB_TLB_CYCLES] += tlb->geometry->second_hit;
		fill_first(tlb, a, *e);
		remember(tlb, a, e->writable);
		return;
	}
	miss(tlb, a, tables, counts);
}

void tlb_fault(struct tlb *tlb, const struct tlb_access *a, const struct tlb_tables *tables,
	       Bit64u *counts)
{
	struct tlb_entry e;

	counts[LAB_TLB_FAULTS]++;
	counts[LAB_TLB_CYCLES] += tlb->geometry->second_hit;
	walk_tables(tlb, a, tables, counts, &e);
}
