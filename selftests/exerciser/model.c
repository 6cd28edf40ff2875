// SPDX-License-Identifier: GPL-2.0
/*
 * What the guest's memory should hold, the walk through it, and which translations may be cached
 * that no longer hold (SDM "Caching Translation Information"). Owned by the thread that makes the
 * script.
 */
#include <string.h>

#include "exerciser.h"

#define A_BIT		PTE_A
/* Where the VM keeps pages of its own, and the APIC's registers: no device of ours. */
#define OWNED_GPA	0xf0000000ULL
#define OWNED_END	0x100000000ULL
#define ENTRY_ADDRESS	0x000ffffffffff000ULL

uint64_t ex_page_gpa(const struct ex_arena *arena, unsigned int page)
{
	if (page < EX_NEAR)
		return arena->gpa + page * PAGE_SIZE;
	return arena->gpa + EX_ARENA_SIZE / 2 + (page - EX_NEAR) * PAGE_SIZE;
}

/* EX_PAGES: none that is used. */
unsigned int ex_page_index(uint64_t offset)
{
	uint64_t page = offset / PAGE_SIZE, far = EX_ARENA_SIZE / 2 / PAGE_SIZE;

	if (page < EX_NEAR)
		return page;
	return page >= far && page < far + EX_FAR ? page - far + EX_NEAR : EX_PAGES;
}

static struct ex_arena *arena_of(const struct ex_vcpu *v, uint64_t gpa)
{
	struct ex_arena *arena = v->own;

	if (gpa - arena->gpa >= EX_ARENA_SIZE)
		arena = &v->run->arena[EX_SHARED];
	if (gpa - arena->gpa >= EX_ARENA_SIZE ||
	    ex_page_index(gpa - arena->gpa) == EX_PAGES)
		return NULL;
	return arena;
}

enum ex_place ex_place(const struct ex_vcpu *v, uint64_t gpa)
{
	const struct ex_arena *arena = arena_of(v, gpa);

	if (arena)
		return arena == v->own ? EX_OWN : EX_SHARED_PAGE;
	if (gpa >= EX_FIXED_GPA && gpa < TABLES_END)
		return EX_FIXED;
	if (gpa < EX_RAM_END || (gpa >= OWNED_GPA && gpa < OWNED_END))
		return EX_FOREIGN;
	return EX_MMIO;
}

uint8_t *ex_model_at(const struct ex_vcpu *v, uint64_t gpa)
{
	struct ex_arena *arena = arena_of(v, gpa);

	/* The identity map does not change: A and D are set in it from the beginning. */
	return arena ? arena->model + (gpa - arena->gpa) : v->run->vm->mem + gpa;
}

uint64_t ex_load(const struct ex_vcpu *v, uint64_t gpa, unsigned int size)
{
	uint64_t value = 0;

	memcpy(&value, ex_model_at(v, gpa), size);
	return value;
}

static unsigned int word_of(uint64_t gpa)
{
	return gpa % PAGE_SIZE / 4;
}

/* The bits of the bytes at gpa that a denied access may have set: A of entries on its way. */
uint64_t ex_uncertain(const struct ex_vcpu *v, uint64_t gpa, unsigned int size)
{
	struct ex_arena *arena = arena_of(v, gpa);
	uint64_t bits = 0;
	unsigned int page;

	if (!arena)
		return 0;
	page = ex_page_index(gpa - arena->gpa);
	if (arena->maybe[page][word_of(gpa)])
		bits |= A_BIT;
	if (size == 8 && arena->maybe[page][word_of(gpa) + 1])
		bits |= A_BIT << 32;
	return bits;
}

static void set_maybe(const struct ex_vcpu *v, uint64_t gpa, unsigned int size, bool maybe)
{
	struct ex_arena *arena = arena_of(v, gpa);
	unsigned int page;

	if (!arena)
		return;
	page = ex_page_index(gpa - arena->gpa);
	arena->maybe[page][word_of(gpa)] = maybe;
	if (size == 8 && !maybe)
		arena->maybe[page][word_of(gpa) + 1] = false;
}

/*
 * The same page with more rights: who has the old one cached faults, which drops it. Not U: what it
 * gives to users it takes from a supervisor under SMAP and SMEP.
 */
static bool widens(uint64_t old, uint64_t new, unsigned int size)
{
	uint64_t nx = size == 8 ? PTE_NX : 0, more = PTE_W | PTE_A | PTE_D;

	return !((old ^ new) & ~(more | nx)) && !(old & ~new & more) && !(new & ~old & nx);
}

static void mark(struct ex_vcpu *v, uint64_t gpa, unsigned int size, uint64_t old, uint64_t new)
{
	struct ex_arena *arena = arena_of(v, gpa);
	unsigned int page = ex_page_index(gpa - arena->gpa), word = word_of(gpa), i;

	/* Absent entries are not cached. */
	if (!(old & PTE_P) || old == new || v->desc.mode == PAGING_NONE)
		return;
	for (i = word; i < word + size / 4; i++) {
		if (widens(old, new, size))
			arena->widened[page][i] = v->now;
		else
			arena->changed[page][i] = v->now;
	}
}

/* Any store of the guest's, naturally aligned, of up to eight bytes. */
void ex_store(struct ex_vcpu *v, uint64_t gpa, unsigned int size, uint64_t value)
{
	unsigned int entry = v->desc.mode == PAGING_32 ? 4 : 8;
	uint64_t first = gpa & ~(entry - 1ULL), old[2], at;
	unsigned int i;

	for (i = 0, at = first; at < gpa + size; at += entry, i++)
		old[i] = ex_load(v, at, entry);
	memcpy(ex_model_at(v, gpa), &value, size);
	set_maybe(v, gpa, size, false);
	for (i = 0, at = first; at < gpa + size; at += entry, i++)
		mark(v, at, entry, old[i], ex_load(v, at, entry));
}

/* The entries of a root that map the fixed part; they must stay. */
bool ex_is_fixed(const struct ex_vcpu *v, uint64_t gpa, unsigned int size)
{
	uint64_t offset = gpa - v->own->gpa, in_page = offset % PAGE_SIZE;
	unsigned int root = offset / PAGE_SIZE;

	(void)size;
	if (root >= EX_ROOTS)
		return false;
	if (v->run->o.mode >= MODE_LONG)
		return in_page < 8;
	/* Two-level roots, then pages of four PAE roots. */
	if (root < EX_ROOTS / 2)
		return in_page < 32;
	return in_page < 128 && in_page % 32 < 8;
}

/* What may be out of reach for a moment can be no table: who walks could not read it. */
static bool out_of_reach(const struct ex_vcpu *v, uint64_t gpa)
{
	uint64_t page = gpa % EX_ARENA_SIZE / PAGE_SIZE;

	return v->run->o.storm && page >= EX_PURE && page < EX_NEAR;
}

static int model_read(void *ctx, gpa_t gpa, unsigned int size, u64 *val)
{
	struct ex_vcpu *v = ctx;

	switch (ex_place(v, gpa)) {
	case EX_SHARED_PAGE:
		/* What other vCPUs write there is not known. */
		if (ex_page_index(gpa - v->run->arena[EX_SHARED].gpa) >= EX_TABLES)
			v->foreign = true;
		fallthrough;
	case EX_OWN:
		v->foreign |= out_of_reach(v, gpa);
		fallthrough;
	case EX_FIXED:
		*val = ex_load(v, gpa, size);
		return 0;
	case EX_FOREIGN:
		v->foreign = true;
		return -EFAULT;
	default:
		/*
		 * No entry, so absent; but on EPT what hardware's walk reads there can be taken for
		 * the access itself, also by KVM.
		 */
		v->foreign |= !v->run->umbra || mmu_wanted() != MMU_SHADOW;
		return -EFAULT;
	}
}

static int model_update(void *ctx, gpa_t gpa, unsigned int size, u64 old, u64 new)
{
	struct ex_vcpu *v = ctx;

	(void)old;
	memcpy(ex_model_at(v, gpa), &new, size);
	return 0;
}

uint64_t ex_entry_gpa(const struct ex_vcpu *v, const struct walk_result *r, unsigned int level,
		      uint64_t gva)
{
	if (v->desc.mode < PAGING_4LEVEL)
		gva = (uint32_t)gva;
	return r->table[level] +
	       walk_index(&v->desc, level, gva) * walk_entry_size(&v->desc);
}

/* Would the walk set A or D where another vCPU may look at the same time? */
static bool updates_shared(const struct ex_vcpu *v, uint64_t gva, uint32_t pfec,
			   const struct walk_result *r)
{
	unsigned int level;

	for (level = r->top; level >= r->level; level--) {
		uint64_t need = PTE_A | (level == r->level && pfec & PFEC_W ? PTE_D : 0);

		if (ex_place(v, ex_entry_gpa(v, r, level, gva)) != EX_OWN &&
		    (r->gpte[level] & need) != need)
			return true;
	}
	return false;
}

/* Did the walk take the words with code for entries? Setting A would change the instruction. */
static bool takes_code(const struct ex_vcpu *v, uint64_t gva, const struct walk_result *r)
{
	unsigned int level;

	for (level = r->top; level >= r->level && level <= r->top; level--)
		if (ex_entry_gpa(v, r, level, gva) % PAGE_SIZE >= EX_CODE_OFFSET)
			return true;
	return false;
}

enum walk_status ex_probe(struct ex_vcpu *v, uint64_t gva, uint32_t pfec, bool ac,
			  struct walk_result *r)
{
	static const struct walk_ops ops = { .read = model_read };
	enum walk_status status;

	v->foreign = false;
	status = walk_guest(&v->desc, gva, pfec, ac, &ops, v, r);
	if (v->desc.mode == PAGING_NONE)
		return status;
	if (status == WALK_OK)
		v->foreign |= updates_shared(v, gva, pfec, r);
	v->foreign |= takes_code(v, gva, r);
	return status;
}

/* A fault may leave A set in every present entry on its way, or not. */
static void note_fault(struct ex_vcpu *v, uint64_t gva, const struct walk_result *r)
{
	unsigned int level;

	for (level = r->top; level >= r->level && level <= r->top; level--) {
		uint64_t gpte = r->gpte[level], gpa = ex_entry_gpa(v, r, level, gva);

		if ((gpte & PTE_P) && !(gpte & PTE_A) && ex_place(v, gpa) == EX_OWN)
			set_maybe(v, gpa, 4, true);
	}
}

enum walk_status ex_touch(struct ex_vcpu *v, uint64_t gva, uint32_t pfec, bool ac,
			  struct walk_result *r)
{
	static const struct walk_ops ops = { .read = model_read, .cmpxchg = model_update };
	enum walk_status status = walk_guest(&v->desc, gva, pfec, ac, &ops, v, r);
	unsigned int level;

	if (v->desc.mode == PAGING_NONE)
		return status;
	if (status != WALK_OK)
		note_fault(v, gva, r);
	for (level = r->top; status == WALK_OK && level >= r->level; level--)
		set_maybe(v, ex_entry_gpa(v, r, level, gva), 4, false);
	return status;
}

/* When the translation of gva was last dropped for sure: of this PCID, or (global) of all. */
static uint32_t dropped(const struct ex_vcpu *v, uint64_t gva, bool global)
{
	uint32_t when = v->flushed_all;
	unsigned int i;

	if (!global && v->flushed[v->pcid] > when)
		when = v->flushed[v->pcid];
	for (i = 0; i < EX_INVLPGS; i++) {
		const struct ex_invlpg *inv = &v->invlpg[i];

		if (inv->when > when && inv->page == gva / PAGE_SIZE &&
		    (global ? inv->global : inv->pcid == v->pcid))
			when = inv->when;
	}
	return when;
}

/*
 * May a translation of gva be cached that differs from what the walk found? It was made by a walk
 * that began at the same root and, as long as no entry on the present way changed since the last
 * invalidation, went the same way.
 */
enum ex_fresh ex_fresh(const struct ex_vcpu *v, uint64_t gva, const struct walk_result *r)
{
	uint32_t since, since_global;
	enum ex_fresh fresh = EX_IS_FRESH;
	unsigned int level;

	if (v->desc.mode == PAGING_NONE)
		return EX_IS_FRESH;
	since = dropped(v, gva, false);
	if (v->root_changed[v->pcid] > since)
		return EX_IS_STALE;
	since_global = v->cr4 & CR4_PGE ? dropped(v, gva, true) : since;
	if ((v->cr4 & CR4_PGE) && v->global_changed > since_global)
		return EX_IS_STALE;
	if (since_global < since)
		since = since_global;
	for (level = r->top; level >= r->level && level <= r->top; level--) {
		uint64_t gpa = ex_entry_gpa(v, r, level, gva);
		unsigned int page = ex_page_index(gpa - v->own->gpa);

		if (ex_place(v, gpa) != EX_OWN)
			continue;
		if (v->own->changed[page][word_of(gpa)] > since)
			return EX_IS_STALE;
		if (v->own->widened[page][word_of(gpa)] > since)
			fresh = EX_IS_NARROW;
	}
	return fresh;
}

uint64_t ex_mmio_value(uint64_t gpa)
{
	return (gpa ^ gpa >> 12) * 0x9e3779b97f4a7c15ULL;
}
