/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An EPT entry as a type: constructors, predicates and the changes an entry may undergo, and
 * nothing that touches memory. Pure, builds in userspace. No locks. Source: SDM "Format of EPT
 * Paging-Structure Entries".
 */
#ifndef UM_EPTE_H
#define UM_EPTE_H

#include "../types.h"

typedef struct {
	u64 raw;
} epte_t;

#define EPTE_R		BIT_ULL(0)
#define EPTE_W		BIT_ULL(1)
#define EPTE_X		BIT_ULL(2)
#define EPTE_RIGHTS	(EPTE_R | EPTE_W | EPTE_X)
#define EPTE_MEMTYPE	(7ULL << 3)
#define EPTE_IGNORE_PAT	BIT_ULL(6)
#define EPTE_LARGE	BIT_ULL(7)
#define EPTE_A		BIT_ULL(8)
#define EPTE_D		BIT_ULL(9)
#define EPTE_HPA	((BIT_ULL(52) - 1) & ~(BIT_ULL(UM_PAGE_SHIFT) - 1))
/* Ours, ignored by hardware: the entry is a leaf, also while aging has taken all its rights. */
#define EPTE_LEAF	BIT_ULL(11)

#define EPT_MEMTYPE_SHIFT	3
enum ept_memtype { EPT_UC = 0, EPT_WB = 6 };

#define EPTE_LOW_BITS	(EPTE_RIGHTS | EPTE_MEMTYPE | EPTE_IGNORE_PAT | EPTE_LARGE | EPTE_A | \
			 EPTE_D | EPTE_LEAF)

static_assert(sizeof(epte_t) == 8, "an EPT entry has 8 bytes");
static_assert((EPTE_LOW_BITS & EPTE_HPA) == 0, "flags overlap the address");
static_assert(EPT_WB << EPT_MEMTYPE_SHIFT <= EPTE_MEMTYPE, "memory type overflows its field");

static inline epte_t epte_none(void)
{
	return (epte_t){ 0 };
}

/* Rights are taken away in the leaves alone, so a table grants all. */
static inline epte_t epte_table(hpa_t table)
{
	return (epte_t){ table | EPTE_RIGHTS };
}

/*
 * A leaf with A set, since it is made for an access, and D if it may be written, so that
 * hardware has no flag to update. Without A/D flags these bits are ignored. WB memory ignores
 * the guest's PAT: no device of the host's does DMA past the caches here.
 */
static inline epte_t epte_leaf(u64 pfn, unsigned int level, u64 rights, enum ept_memtype type)
{
	u64 raw = pfn << UM_PAGE_SHIFT | rights | EPTE_LEAF | EPTE_A;

	raw |= (u64)type << EPT_MEMTYPE_SHIFT;
	if (type == EPT_WB)
		raw |= EPTE_IGNORE_PAT;
	if (level > UM_LEVEL_4K)
		raw |= EPTE_LARGE;
	if (rights & EPTE_W)
		raw |= EPTE_D;
	return (epte_t){ raw };
}

static inline bool epte_is_none(epte_t epte)
{
	return !epte.raw;
}

/*
 * There is no memory: the access exits as a misconfiguration, since W without R is one on every CPU
 * (SDM "EPT Misconfigurations"). All address bits are set, so that speculation finds nothing there
 * (L1TF).
 */
static inline epte_t epte_mmio(void)
{
	return (epte_t){ EPTE_W | EPTE_HPA };
}

static inline bool epte_is_leaf(epte_t epte)
{
	return epte.raw & EPTE_LEAF;
}

static inline bool epte_is_table(epte_t epte)
{
	return (epte.raw & (EPTE_LEAF | EPTE_R)) == EPTE_R;
}

/* Nothing is mapped: absent, or known to be no memory. */
static inline bool epte_is_empty(epte_t epte)
{
	return !(epte.raw & (EPTE_LEAF | EPTE_R));
}

static inline bool epte_equal(epte_t a, epte_t b)
{
	return a.raw == b.raw;
}

/* Of the table or the page that the entry points to. */
static inline hpa_t epte_hpa(epte_t epte)
{
	return epte.raw & EPTE_HPA;
}

static inline u64 epte_pfn(epte_t epte)
{
	return epte_hpa(epte) >> UM_PAGE_SHIFT;
}

static inline bool epte_writable(epte_t epte)
{
	return epte.raw & EPTE_W;
}

/* Does the leaf allow the access @pfec? */
static inline bool epte_permits(epte_t epte, u32 pfec)
{
	u64 need = EPTE_R;

	if (pfec & PFEC_W)
		need |= EPTE_W;
	if (pfec & PFEC_I)
		need |= EPTE_X;
	return (epte.raw & need) == need;
}

static inline epte_t epte_make_readonly(epte_t epte)
{
	return (epte_t){ epte.raw & ~(EPTE_W | EPTE_D) };
}

/* Hardware sets D, and logs it under PML, at the next write. */
static inline epte_t epte_make_clean(epte_t epte)
{
	return (epte_t){ epte.raw & ~EPTE_D };
}

static inline bool epte_dirty(epte_t epte)
{
	return epte.raw & EPTE_D;
}

static inline bool epte_is_large(epte_t epte)
{
	return epte.raw & EPTE_LARGE;
}

/*
 * Without A flags an entry counts as accessed while it has rights: the next access faults and
 * gives them back.
 */
static inline bool epte_accessed(epte_t epte, bool ad)
{
	return epte.raw & (ad ? EPTE_A : EPTE_RIGHTS);
}

static inline epte_t epte_make_old(epte_t epte, bool ad)
{
	return (epte_t){ epte.raw & ~(ad ? EPTE_A : EPTE_RIGHTS) };
}

/* The @index-th entry of the table that replaces the large leaf @epte of @level. */
static inline epte_t epte_child(epte_t epte, unsigned int level, unsigned int index)
{
	u64 raw = epte.raw + ((u64)index << um_level_shift(level - 1));

	if (level - 1 == UM_LEVEL_4K)
		raw &= ~EPTE_LARGE;
	return (epte_t){ raw };
}

#endif
