/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A second guest page-table walk for walk_test.c: no description of modes, one plain function
 * per format, written against the tables of SDM "Paging" with the numbers spelled out. Slow,
 * and shares no line with module/walk.c.
 */
#ifndef HOST_WALK_REF_H
#define HOST_WALK_REF_H

#include "walk.h"

#define MEM_PAGES	48
#define MEM_BYTES	(MEM_PAGES * 4096ULL)

struct ref_out {
	bool fault;
	u32 error;
	u64 gpa;
	bool w, u, x;
	unsigned int touched;		/* entries that get flags when the walk succeeds */
	u64 where[5], flags[5];
	unsigned int page_shift;
};

static inline bool ref_load(const u8 *mem, u64 gpa, unsigned int size, u64 *val)
{
	*val = 0;
	if (gpa + size > MEM_BYTES)
		return false;
	memcpy(val, mem + gpa, size);
	return true;
}

static inline struct ref_out ref_fault(struct ref_out o, u32 error)
{
	o.fault = true;
	o.error |= error;
	return o;
}

static inline void ref_touch(struct ref_out *o, u64 where, bool dirty)
{
	o->where[o->touched] = where;
	o->flags[o->touched++] = dirty ? 0x60 : 0x20;
}

static inline bool ref_any_bit(u64 value, int from, int to)
{
	for (int bit = from; bit <= to; bit++)
		if (value >> bit & 1)
			return true;
	return false;
}

/* SDM "Determination of Access Rights", item by item. */
static inline bool ref_allowed(const struct paging_desc *d, const struct ref_out *o, u32 pfec,
			       bool ac)
{
	bool write = pfec & 2, fetch = pfec & 16;

	if (!(pfec & 4)) {			/* supervisor-mode access */
		if (!o->u) {			/* to a supervisor-mode address */
			if (fetch)
				return o->x;
			if (write)
				return d->wp ? o->w : true;
			return true;
		}
		if (fetch)			/* to a user-mode address */
			return d->smep ? false : o->x;
		if (d->smap && !ac)
			return false;
		if (write)
			return d->wp ? o->w : true;
		return true;
	}
	if (!o->u)
		return false;
	if (fetch)
		return o->x;
	return write ? o->w : true;
}

static inline struct ref_out ref_check(const struct paging_desc *d, struct ref_out o, u32 pfec,
				       bool ac, int key)
{
	bool pk = false;

	if (key >= 0 && d->pke && o.u && !(pfec & 16)) {
		bool ad = d->pkru & 1u << (2 * key), wd = d->pkru & 2u << (2 * key);

		pk = ad || (wd && (pfec & 2) && (d->wp || (pfec & 4)));
	}
	if (pk || !ref_allowed(d, &o, pfec, ac))
		return ref_fault(o, pk ? 0x21 : 1);
	return o;
}

static inline struct ref_out ref_32bit(const struct paging_desc *d, const u8 *mem, u32 va,
				       u32 pfec, bool ac)
{
	struct ref_out o = { .x = true };
	u64 pde, pte, pde_at = d->root + (va >> 22) * 4, pte_at;

	o.error = (pfec & 6) | (d->smep ? pfec & 16 : 0);
	if (!ref_load(mem, pde_at, 4, &pde) || !(pde & 1))
		return ref_fault(o, 0);
	if (d->pse && (pde & 0x80)) {
		u64 high = 0;

		if (d->pse36) {
			unsigned int m = d->maxphyaddr > 40 ? 40 : d->maxphyaddr;

			if (ref_any_bit(pde, m - 19, 21))
				return ref_fault(o, 9);
			high = pde >> 13 & 0xff;
		} else if (ref_any_bit(pde, 13, 21)) {
			return ref_fault(o, 9);
		}
		o.w = pde & 2;
		o.u = pde & 4;
		o.gpa = high << 32 | (pde & 0xffc00000) | (va & 0x3fffff);
		o.page_shift = 22;
		ref_touch(&o, pde_at, pfec & 2);
		return ref_check(d, o, pfec, ac, -1);
	}
	pte_at = (pde & 0xfffff000) + (va >> 12 & 0x3ff) * 4;
	if (!ref_load(mem, pte_at, 4, &pte) || !(pte & 1))
		return ref_fault(o, 0);
	o.w = pde & pte & 2;
	o.u = pde & pte & 4;
	o.gpa = (pte & 0xfffff000) | (va & 0xfff);
	o.page_shift = 12;
	ref_touch(&o, pde_at, false);
	ref_touch(&o, pte_at, pfec & 2);
	return ref_check(d, o, pfec, ac, -1);
}

/* One 8-byte entry: false when the walk ends in a fault, whose cause goes to *error. */
static inline bool ref_entry(const struct paging_desc *d, const u8 *mem, u64 at, int level,
			     bool pae,
			     u64 *e, u32 *error)
{
	*error = 0;
	if (!ref_load(mem, at, 8, e) || !(*e & 1))
		return false;
	*error = 9;
	if (ref_any_bit(*e, d->maxphyaddr, pae ? 62 : 51) || ((*e >> 63) && !d->nxe))
		return false;
	if (*e & 0x80) {
		if (level >= 4 || (level == 3 && !d->gbpages))
			return false;
		if (level == 3 && ref_any_bit(*e, 13, 29))
			return false;
		if (level == 2 && ref_any_bit(*e, 13, 20))
			return false;
	}
	return true;
}

static inline struct ref_out ref_64bit(const struct paging_desc *d, const u8 *mem, u64 va,
				       u32 pfec, bool ac,
				       int levels, u64 table, bool pae)
{
	struct ref_out o = { .w = true, .u = true, .x = true };
	u64 e = 0;
	u32 why;
	int level;

	o.error = (pfec & 6) | (d->smep || d->nxe ? pfec & 16 : 0);
	for (level = levels; level >= 1; level--) {
		int shift = 3 + 9 * level;
		u64 at = table + (va >> shift & 0x1ff) * 8;
		bool leaf;

		if (!ref_entry(d, mem, at, level, pae, &e, &why))
			return ref_fault(o, why);
		o.w = o.w && (e & 2);
		o.u = o.u && (e & 4);
		o.x = o.x && !(e >> 63);
		leaf = level == 1 || (e & 0x80);
		ref_touch(&o, at, leaf && (pfec & 2));
		table = e & 0x000ffffffffff000;
		if (leaf) {
			u64 mask = (1ULL << shift) - 1;

			o.gpa = (table & ~mask) | (va & mask);
			o.page_shift = shift;
			break;
		}
	}
	return ref_check(d, o, pfec, ac, pae ? -1 : (int)(e >> 59 & 15));
}

static inline struct ref_out ref_walk(const struct paging_desc *d, const u8 *mem, u64 va,
				      u32 pfec, bool ac)
{
	u64 pdpte;

	switch (d->mode) {
	case PAGING_32:
		return ref_32bit(d, mem, va, pfec, ac);
	case PAGING_PAE:
		pdpte = d->pdpte[(u32)va >> 30];
		if (!(pdpte & 1)) {
			struct ref_out o = { .error = (pfec & 6) | (d->smep ||
								    d->nxe ? pfec & 16 : 0) };

			return ref_fault(o, 0);
		}
		return ref_64bit(d, mem, (u32)va, pfec, ac, 2, pdpte & 0x000ffffffffff000, true);
	case PAGING_4LEVEL:
		return ref_64bit(d, mem, va, pfec, ac, 4, d->root, false);
	default:
		return ref_64bit(d, mem, va, pfec, ac, 5, d->root, false);
	}
}

#endif
