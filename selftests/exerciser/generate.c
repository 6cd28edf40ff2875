// SPDX-License-Identifier: GPL-2.0
/* Makes the script, step by step, in time with the model. Owned by the thread that makes it. */
#include <string.h>

#include "exerciser.h"

#define SLICE		512	/* bytes of each shared data page that one vCPU uses */
#define MAX_TRIES	4

struct access {
	enum ex_kind kind;
	uint64_t gva;
	uint32_t pfec;
	bool ac;
	unsigned int flags;
	struct walk_result r;
	enum walk_status status;
};

static unsigned int word_size(const struct ex_vcpu *v)
{
	return v->run->o.mode >= MODE_LONG ? 8 : 4;
}

/* Of an entry as the guest writes it, also while paging is off. */
static unsigned int entry_size(const struct ex_vcpu *v)
{
	return v->cr4 & CR4_PAE ? 8 : 4;
}

struct ex_op *ex_emit(struct ex_vcpu *v, enum ex_kind kind, uint64_t gva, uint64_t value)
{
	struct ex_op *op = &v->script[v->n];

	if (v->n == EX_SCRIPT_OPS)
		tap_bail("the script is too short for one step");
	memset(op, 0, sizeof(*op));
	memset(&v->expect[v->n], 0, sizeof(v->expect[0]));
	op->kind = kind;
	op->gva = gva;
	op->value = value;
	v->expect[v->n].step = v->step;
	v->expect[v->n].desc = v->desc;
	v->expect[v->n].cr4 = v->cr4;
	v->n++;
	v->now++;
	v->ops++;
	return op;
}

struct ex_expect *ex_expected(struct ex_vcpu *v)
{
	return &v->expect[v->n - 1];
}

void ex_put_entry(struct ex_vcpu *v, uint64_t gpa, uint64_t value)
{
	unsigned int size = entry_size(v), how = ex_below(v, 4);
	struct ex_op *op = ex_emit(v, EX_ENTRY, gpa, value);

	op->flags = how << EX_HOW_SHIFT | (size == 8 ? EX_LONG : 0);
	ex_store(v, gpa, size, value);
}

static void look(struct ex_vcpu *v, uint64_t gpa)
{
	unsigned int size = entry_size(v);
	struct ex_expect *e;

	ex_emit(v, EX_LOOK, gpa, 0)->flags = size == 8 ? EX_LONG : 0;
	e = ex_expected(v);
	e->check_got = true;
	e->got = ex_load(v, gpa, size);
	e->uncertain = ex_uncertain(v, gpa, size);
}

/* True if the guest may change an entry there. */
static bool is_writable(const struct ex_vcpu *v, uint64_t gpa)
{
	return ex_place(v, gpa) == EX_OWN && !ex_is_fixed(v, gpa, 8) &&
	       gpa % PAGE_SIZE < EX_CODE_OFFSET;
}

static uint64_t word_value(struct ex_vcpu *v)
{
	if (ex_one_in(v, 3))
		return v->random;
	return ex_entry(v, 1 + ex_below(v, 3), ex_one_in(v, 2));
}

static void set_kind(struct access *a, enum ex_kind kind)
{
	a->kind = kind;
	a->pfec &= PFEC_U;
	if (kind == EX_WRITE || kind == EX_XCHG)
		a->pfec |= PFEC_W;
	if (kind == EX_FETCH)
		a->pfec |= PFEC_I;
}

static bool retarget(struct access *a, uint64_t gpa)
{
	uint64_t in_page = (1ULL << a->r.page_shift) - PAGE_SIZE;

	if ((gpa ^ a->r.gpa) >> a->r.page_shift || !in_page)
		return false;
	a->gva = (a->gva & ~in_page) | (gpa & in_page);
	return true;
}

/* A large page leads to somewhere else: try to have it lead to a page that is used. */
static bool fit_large(struct ex_vcpu *v, struct access *a)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		if (retarget(a, ex_page_gpa(v->own, ex_below(v, EX_PAGES))) ||
		    retarget(a, ex_page_gpa(&v->run->arena[EX_SHARED], ex_below(v, EX_PAGES))))
			return true;
	return false;
}

/* Each vCPU has its own part of every shared data page; shared tables are only read. */
static bool fit_shared(struct ex_vcpu *v, struct access *a)
{
	unsigned int page = ex_page_index(a->r.gpa - v->run->arena[EX_SHARED].gpa);
	uint64_t slice = v->id * SLICE, low = a->gva % PAGE_SIZE;

	if (a->kind == EX_FETCH)
		return false;
	if (page < EX_TABLES) {
		if (a->kind == EX_READ)
			return false;
		set_kind(a, EX_READ);
		return true;
	}
	if (low - slice < SLICE)
		return false;
	a->gva = (a->gva & -PAGE_SIZE) | slice | low % SLICE;
	return true;
}

enum fit { FITS, CHANGED, UNFIT };

/* Can the access that succeeds be made, and its result be known? Else change it, or give up. */
static enum fit fit(struct ex_vcpu *v, struct access *a)
{
	bool data = a->kind != EX_FETCH;

	switch (ex_place(v, a->r.gpa)) {
	case EX_OWN:
		if (!(a->pfec & PFEC_W) || !ex_is_fixed(v, a->r.gpa, 8))
			return FITS;
		set_kind(a, EX_READ);
		return CHANGED;
	case EX_SHARED_PAGE:
		return fit_shared(v, a) ? CHANGED : FITS;
	case EX_FIXED:
		if (a->kind == EX_READ)
			return FITS;
		set_kind(a, EX_READ);
		a->gva &= -PAGE_SIZE;
		return data ? CHANGED : UNFIT;
	case EX_MMIO:
		if (!data || !ex_one_in(v, 3))
			return UNFIT;
		if (a->kind != EX_XCHG)
			return FITS;
		set_kind(a, EX_READ);
		return CHANGED;
	default:
		return a->r.page_shift > 12 && fit_large(v, a) ? CHANGED : UNFIT;
	}
}

/* Until the access has one possible result; false: leave it. */
static bool prepare(struct ex_vcpu *v, struct access *a)
{
	unsigned int i;

	for (i = 0; i < 2 * MAX_TRIES; i++) {
		enum ex_fresh fresh;
		enum fit how = FITS;

		a->status = ex_probe(v, a->gva, a->pfec, a->ac, &a->r);
		if (v->foreign)
			return false;
		if (a->status == WALK_OK)
			how = fit(v, a);
		if (how == UNFIT)
			return false;
		if (how == CHANGED)
			continue;
		fresh = ex_fresh(v, a->gva, &a->r);
		a->flags &= ~EX_RETRY;
		if (fresh == EX_IS_FRESH)
			return true;
		v->stale++;
		if (fresh == EX_IS_NARROW && ex_one_in(v, 2)) {
			a->flags |= EX_RETRY;
			return true;
		}
		if (fresh == EX_IS_STALE && ex_one_in(v, 4))
			return false;
		ex_control_flush(v, a->gva);
	}
	return false;
}

static void expect_success(struct ex_vcpu *v, struct access *a, struct ex_op *op)
{
	struct ex_expect *e = ex_expected(v);
	unsigned int size = word_size(v);

	if (ex_place(v, a->r.gpa) == EX_MMIO) {
		e->mmio = true;
		e->mmio_gpa = a->r.gpa;
		e->got = ex_mmio_value(a->r.gpa);
	} else if (a->kind != EX_FETCH) {
		e->got = ex_load(v, a->r.gpa, size);
		e->uncertain = ex_uncertain(v, a->r.gpa, size);
	}
	if (size == 4)
		e->got = (uint32_t)e->got;
	e->check_got = a->kind == EX_READ || a->kind == EX_XCHG;
	if (a->pfec & PFEC_W && !e->mmio)
		ex_store(v, a->r.gpa, size, op->value);
}

static void look_at_path(struct ex_vcpu *v, const struct access *a)
{
	unsigned int level;

	if (v->desc.mode == PAGING_NONE)
		return;
	for (level = a->r.top; level >= a->r.level && level <= a->r.top; level--) {
		uint64_t gpa = ex_entry_gpa(v, &a->r, level, a->gva);

		if (ex_place(v, gpa) == EX_OWN)
			look(v, gpa);
	}
}

static void perform(struct ex_vcpu *v, struct access *a)
{
	struct ex_op *op = ex_emit(v, a->kind, a->gva, word_value(v));
	struct ex_expect *e = ex_expected(v);

	op->flags = a->flags;
	e->access = true;
	v->accesses++;
	a->status = ex_touch(v, a->gva, a->pfec, a->ac, &a->r);
	e->walk = a->r;
	if (a->status == WALK_OK) {
		expect_success(v, a, op);
	} else {
		e->vector = VEC_PF;
		e->error = a->r.error_code;
		e->cr2 = a->gva;
		v->faults++;
	}
	if (ex_one_in(v, 4))
		look_at_path(v, a);
}

static void access(struct ex_vcpu *v, uint64_t page)
{
	static const enum ex_kind kinds[] = {
		EX_READ, EX_READ, EX_READ, EX_WRITE, EX_WRITE, EX_WRITE, EX_XCHG, EX_FETCH,
	};
	struct access a = { .gva = page };

	set_kind(&a, kinds[ex_below(v, ARRAY_SIZE(kinds))]);
	a.gva |= a.kind == EX_FETCH ? EX_CODE_OFFSET : ex_offset(v);
	if (ex_one_in(v, 3)) {
		a.flags = EX_USER;
		a.pfec |= PFEC_U;
	} else if (ex_one_in(v, 2)) {
		a.flags = EX_AC;
		a.ac = true;
	}
	if (prepare(v, &a))
		perform(v, &a);
}

/* Opens the way to gva from where the walk ends: entries above it may be exchanged, too. */
static void repair(struct ex_vcpu *v, uint64_t gva)
{
	struct walk_result r;
	unsigned int i;

	for (i = 0; i < 6; i++) {
		enum walk_status status = ex_probe(v, gva, PFEC_U | PFEC_W, true, &r);
		unsigned int level = r.level;

		if (v->desc.mode == PAGING_NONE || (status == WALK_OK && !v->foreign))
			return;
		if (v->desc.mode == PAGING_PAE && level == 3) {
			uint64_t gpa = (v->cr3 & ~31ULL) + walk_index(&v->desc, 3, gva) * 8;

			ex_put_entry(v, gpa, ex_entry(v, 3, true));
			ex_control_cr3(v, v->cr3);
			continue;
		}
		while (level < r.top && (!is_writable(v, ex_entry_gpa(v, &r, level, gva)) ||
					 ex_one_in(v, 6)))
			level++;
		if (!is_writable(v, ex_entry_gpa(v, &r, level, gva)))
			return;
		ex_put_entry(v, ex_entry_gpa(v, &r, level, gva), ex_entry(v, level, true));
	}
}

static uint64_t mutated(struct ex_vcpu *v, uint64_t gpte, unsigned int level)
{
	static const uint64_t flags[] = {
		PTE_P, PTE_W, PTE_W, PTE_U, PTE_U, PTE_A, PTE_D, PTE_G, PTE_PS, BIT(3), BIT(4),
	};
	unsigned int i = ex_below(v, ARRAY_SIZE(flags) + 7);

	if (i < ARRAY_SIZE(flags))
		return gpte ^ flags[i];
	switch (i - ARRAY_SIZE(flags)) {
	case 0:
		return entry_size(v) == 8 ? gpte ^ PTE_NX : gpte ^ PTE_W;
	case 1:
		return gpte & ~(PTE_A | PTE_D);
	case 2:
		return (gpte | PTE_W | PTE_U) & ~PTE_NX;
	case 3:
		return gpte ^ 1ULL << ex_below(v, 8 * entry_size(v));
	default:
		return ex_entry(v, level, false);
	}
}

/* Changes one entry on the way to gva. */
static void mutate(struct ex_vcpu *v, uint64_t gva)
{
	struct walk_result r;
	unsigned int level;
	uint64_t gpa;

	ex_probe(v, gva, 0, false, &r);
	if (v->desc.mode == PAGING_NONE || r.level > r.top)
		return;
	level = r.level + ex_below(v, r.top - r.level + 1);
	gpa = ex_entry_gpa(v, &r, level, gva);
	if (!is_writable(v, gpa))
		return;
	ex_put_entry(v, gpa, mutated(v, ex_load(v, gpa, entry_size(v)), level));
}

static uint64_t random_word(struct ex_vcpu *v, unsigned int first_page, unsigned int size)
{
	unsigned int page = first_page + ex_below(v, EX_PAGES - first_page);

	return ex_page_gpa(v->own, page) + ex_below(v, EX_CODE_OFFSET / size) * size;
}

static void change_anything(struct ex_vcpu *v)
{
	uint64_t gpa = random_word(v, 0, entry_size(v));

	if (is_writable(v, gpa))
		ex_put_entry(v, gpa, ex_entry(v, 1 + ex_below(v, 3), ex_one_in(v, 2)));
}

/* A string instruction: some entries go from one table to another, or are cleared. */
static void move_entries(struct ex_vcpu *v)
{
	unsigned int bytes = 8 + 8 * ex_below(v, 24), word = word_size(v), i;
	uint64_t to = random_word(v, EX_ROOTS, 8), from = random_word(v, EX_ROOTS, 8);
	bool copy = !ex_one_in(v, 4);

	if (to % PAGE_SIZE + bytes > EX_CODE_OFFSET || from % PAGE_SIZE + bytes > EX_CODE_OFFSET ||
	    to / PAGE_SIZE == from / PAGE_SIZE)
		return;
	for (i = 0; copy && i < bytes; i += word)
		if (ex_uncertain(v, from + i, word))
			return;
	ex_emit(v, copy ? EX_COPY : EX_FILL, to, copy ? from : 0)->bytes = bytes;
	for (i = 0; i < bytes; i += word)
		ex_store(v, to + i, word, copy ? ex_load(v, from + i, word) : 0);
}

/* One of the shared tables is written by one vCPU while all others are out of the guest. */
void ex_share(struct ex_vcpu *v)
{
	struct ex_arena *shared = &v->run->arena[EX_SHARED];
	unsigned int i, size = entry_size(v);

	for (i = 0; i < 40; i++)
		ex_put_entry(v, ex_page_gpa(shared, ex_below(v, EX_TABLES)) +
			     ex_below(v, EX_CODE_OFFSET / size) * size, ex_shared_entry(v));
}

static void invalidate(struct ex_vcpu *v)
{
	if (ex_one_in(v, 2))
		ex_control_invlpg(v, ex_gva(v));
	else
		ex_control_flush(v, ex_gva(v));
}

void ex_step(struct ex_vcpu *v)
{
	unsigned int what = ex_below(v, 100);
	uint64_t gva = ex_gva(v);

	if (v->must_flush)
		ex_control_flush_all(v);
	v->must_flush = false;
	if (what < 25) {
		repair(v, gva);
		access(v, gva);
	} else if (what < 40) {
		mutate(v, gva);
		if (ex_one_in(v, 2))
			access(v, gva);
	} else if (what < 46) {
		change_anything(v);
	} else if (what < 50) {
		move_entries(v);
	} else if (what < 55) {
		ex_control_random(v);
	} else if (what < 60) {
		ex_control_root(v, ex_below(v, 8));
	} else if (what < 65) {
		invalidate(v);
	} else if (what < 68) {
		look(v, random_word(v, 0, entry_size(v)));
	} else {
		access(v, gva);
	}
	v->step++;
}
