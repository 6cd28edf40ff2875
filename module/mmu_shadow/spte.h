/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A shadow page-table entry as a type: what hardware walks while a guest runs on shadow paging.
 * Pure, builds in userspace; entries in live tables are guarded by vm->mmu_lock.
 *
 * Every entry is in one of three states:
 *   present    a translation or a link to a lower table;
 *   absent     all zero: the guest's own entry is not present, so the fault goes straight to the
 *              guest. Only in a table whose guest page is write-tracked;
 *   unknown    not shadowed yet: present with every address bit set, so the access faults with RSVD
 *              and exits. It names no frame that exists (L1TF). Where a CPU has no reserved address
 *              bit, P is clear and every page fault exits.
 */
#ifndef UM_SHADOW_SPTE_H
#define UM_SHADOW_SPTE_H

#include "../walk.h"

#define SPTE_ENTRIES	512

#define SPTE_P		BIT_ULL(0)
#define SPTE_W		BIT_ULL(1)
#define SPTE_U		BIT_ULL(2)
#define SPTE_A		BIT_ULL(5)
#define SPTE_D		BIT_ULL(6)
#define SPTE_PS		BIT_ULL(7)
#define SPTE_CLAIMED	BIT_ULL(9)	/* ignored by hardware */
#define SPTE_KEY	GPTE_KEY	/* protection key, as in the guest's leaf */
#define SPTE_NX		BIT_ULL(63)
#define SPTE_ADDR	(((1ULL << 52) - 1) & ~(u64)(UM_PAGE_SIZE - 1))

/* The global bit and the memory-type bits are never copied from the guest: none has a name here. */

typedef struct {
	u64 val;
} spte_t;

/* An entry that is not shadowed yet; @reserved: the CPU faults on reserved address bits. */
static inline spte_t spte_unknown(bool reserved)
{
	return (spte_t){ SPTE_ADDR | (reserved ? SPTE_P : 0) };
}

/* Unknown, and about to become a leaf: who made it so owns it. */
static inline spte_t spte_claimed(spte_t unknown)
{
	return (spte_t){ unknown.val | SPTE_CLAIMED };
}

static inline bool spte_is_claimed(spte_t spte)
{
	return (spte.val & (SPTE_ADDR | SPTE_CLAIMED)) == (SPTE_ADDR | SPTE_CLAIMED);
}

static inline spte_t spte_absent(void)
{
	return (spte_t){ 0 };
}

static inline bool spte_is_absent(spte_t spte)
{
	return !spte.val;
}

static inline bool spte_is_unknown(spte_t spte)
{
	return (spte.val & SPTE_ADDR) == SPTE_ADDR;
}

static inline bool spte_is_present(spte_t spte)
{
	return !spte_is_absent(spte) && !spte_is_unknown(spte);
}

/* @spte is present. */
static inline bool spte_is_leaf(spte_t spte, unsigned int level)
{
	return level == UM_LEVEL_4K || (spte.val & SPTE_PS);
}

static inline bool spte_equal(spte_t a, spte_t b)
{
	return a.val == b.val;
}

static inline hpa_t spte_hpa(spte_t spte)
{
	return spte.val & SPTE_ADDR;
}

static inline u64 spte_pfn(spte_t spte)
{
	return spte_hpa(spte) >> UM_PAGE_SHIFT;
}

static inline u8 spte_access(spte_t spte)
{
	return ((spte.val & SPTE_W) ? ACC_W : 0) | ((spte.val & SPTE_U) ? ACC_U : 0) |
	       ((spte.val & SPTE_NX) ? 0 : ACC_X);
}

static inline u64 spte_key(spte_t spte)
{
	return spte.val & SPTE_KEY;
}

/*
 * A leaf, @key in its place. A is set at once, which spares the hardware's locked update, and so is
 * D when the page may be written: the host learns of both when the page is mapped.
 */
static inline spte_t spte_leaf(u64 pfn, unsigned int level, u8 access, u64 key)
{
	u64 val = key | pfn << UM_PAGE_SHIFT | SPTE_P | SPTE_A;

	if (level > UM_LEVEL_4K)
		val |= SPTE_PS;
	if (access & ACC_W)
		val |= SPTE_W | SPTE_D;
	if (access & ACC_U)
		val |= SPTE_U;
	if (!(access & ACC_X))
		val |= SPTE_NX;
	return (spte_t){ val };
}

/*
 * A link to the table at @hpa. It grants everything: the leaves carry the rights inherited from all
 * levels.
 */
static inline spte_t spte_table(hpa_t hpa)
{
	return (spte_t){ hpa | SPTE_P | SPTE_W | SPTE_U | SPTE_A };
}

/* A PDPTE register's image: hardware refuses any other bit (SDM "PDPTE Registers"). */
static inline u64 spte_pdpte(hpa_t hpa)
{
	return hpa | SPTE_P;
}

static inline spte_t spte_make_readonly(spte_t spte)
{
	return (spte_t){ spte.val & ~(SPTE_W | SPTE_D) };
}

static inline spte_t spte_make_old(spte_t spte)
{
	return (spte_t){ spte.val & ~SPTE_A };
}

static inline bool spte_writable(spte_t spte)
{
	return spte.val & SPTE_W;
}

static inline bool spte_accessed(spte_t spte)
{
	return spte.val & SPTE_A;
}

/*
 * True when an access that @old allows is one that @new allows too, to the same frame: no flush is
 * needed.
 */
static inline bool spte_widens(spte_t old, spte_t new)
{
	return spte_pfn(old) == spte_pfn(new) &&
	       !((old.val ^ new.val) & (SPTE_PS | SPTE_KEY)) &&
	       !(spte_access(old) & ~spte_access(new) & (ACC_W | ACC_X)) &&
	       (spte_access(old) & ACC_U) == (spte_access(new) & ACC_U);
}

/*
 * True when a leaf that allows @have is still right for a guest entry that now grants @granted (D
 * counted in). It may allow less by not being writable; user or supervisor and execute must be
 * exact, or a fault would be lost.
 */
static inline bool spte_access_holds(u8 have, u8 granted)
{
	u8 exact = ACC_U | ACC_X;

	return (have & exact) == (granted & exact) && !(have & ~granted & ACC_W);
}

/* Index of @gva's entry in a shadow table at @level. */
static inline unsigned int spte_index(gva_t gva, unsigned int level)
{
	return (gva >> um_level_shift(level)) & (SPTE_ENTRIES - 1);
}

#endif
