// SPDX-License-Identifier: GPL-2.0
/*
 * The shadow page-table entry as a type: its three states, what a leaf grants, when a change needs
 * no flush. Only the bits that hardware sees are checked, against the SDM's "Paging" tables.
 */
#include "mmu_shadow/spte.h"
#include "tap.h"

#define PHYS_WIDTH	46
#define ADDRESS_BITS	(((1ULL << 52) - 1) & ~0xfffULL)
#define RESERVED_BITS	(ADDRESS_BITS & ~((1ULL << PHYS_WIDTH) - 1))
#define GLOBAL_BIT	BIT_ULL(8)
#define MEMTYPE_BITS	(BIT_ULL(3) | BIT_ULL(4))
#define PFN		0x12345ULL
#define KEY		(11ULL << 59)

static void test_states(void)
{
	spte_t unknown = spte_unknown(true), silent = spte_unknown(false);
	spte_t leaf = spte_leaf(PFN, UM_LEVEL_4K, ACC_ALL, 0);

	ok((unknown.val & 1) && (unknown.val & RESERVED_BITS) == RESERVED_BITS,
	   "an unknown entry is present with reserved bits set");
	ok(!(silent.val & 1) && silent.val,
	   "without reserved bits it is not present, and not absent");
	ok(spte_is_unknown(unknown) && spte_is_unknown(silent) && !spte_is_unknown(spte_absent()) &&
	   !spte_is_unknown(leaf), "unknown is told from absent and present");
	ok(!spte_absent().val && spte_is_absent(spte_absent()) && !spte_is_absent(unknown) &&
	   !spte_is_absent(silent) && !spte_is_absent(leaf), "absent is zero and nothing else is");
	ok(spte_is_present(leaf) && !spte_is_present(unknown) && !spte_is_present(silent) &&
	   !spte_is_present(spte_absent()), "present is told from both");
	ok(spte_is_present(spte_leaf(0, UM_LEVEL_4K, 0, 0)),
	   "a leaf of frame 0 without rights is present");
}

static bool grants_exactly(u8 access, unsigned int level)
{
	spte_t spte = spte_leaf(PFN << 9, level, access, KEY);

	return !!(spte.val & (1ULL << 1)) == !!(access & ACC_W) &&
	       !!(spte.val & (1ULL << 2)) == !!(access & ACC_U) &&
	       !(spte.val >> 63) == !!(access & ACC_X) &&
	       !!(spte.val & (1ULL << 7)) == (level > UM_LEVEL_4K) &&
	       !(spte.val & (GLOBAL_BIT | MEMTYPE_BITS)) &&
	       (spte.val >> 59 & 15) == 11 && spte_key(spte) == KEY &&
	       spte_access(spte) == access && spte_pfn(spte) == PFN << 9 &&
	       spte_is_leaf(spte, level);
}

static void test_leaves(void)
{
	spte_t leaf = spte_leaf(PFN, UM_LEVEL_4K, ACC_ALL, 0);
	bool right = true;
	u8 access;

	for (access = 0; access <= ACC_ALL; access++)
		right = right && grants_exactly(access, UM_LEVEL_4K) &&
			grants_exactly(access, UM_LEVEL_2M);
	ok(right, "a leaf grants what it is asked to, under its key, not global, write-back");
	ok(!spte_is_unknown(spte_leaf(PFN, UM_LEVEL_4K, ACC_ALL, 15ULL << 59)),
	   "no key makes a leaf look unknown");
	ok(spte_accessed(leaf) && !spte_accessed(spte_make_old(leaf)),
	   "a leaf is born accessed and can be made old");
	ok(!spte_writable(spte_make_readonly(leaf)) && spte_pfn(spte_make_readonly(leaf)) == PFN,
	   "it can be made read-only");
}

static void test_tables(void)
{
	spte_t table = spte_table(PFN << 12);

	ok(spte_is_present(table) && !spte_is_leaf(table, UM_LEVEL_2M) &&
	   spte_hpa(table) == PFN << 12,
	   "a link is present and no leaf");
	ok(spte_access(table) == ACC_ALL, "a link grants everything: its leaves decide");
	ok(spte_pdpte(PFN << 12) == (PFN << 12 | 1), "a PDPTE has no bit but P");
}

static void test_changes(void)
{
	spte_t ro = spte_leaf(PFN, 1, ACC_U | ACC_X, 0), rw = spte_leaf(PFN, 1, ACC_ALL, 0);

	ok(spte_widens(ro, rw) && spte_widens(rw, rw),
	   "more rights to the same frame need no flush");
	ok(!spte_widens(rw, ro), "less rights do");
	ok(!spte_widens(ro, spte_leaf(PFN + 1, 1, ACC_ALL, 0)), "another frame does");
	ok(!spte_widens(ro, spte_leaf(PFN, 1, ACC_ALL, KEY)), "another protection key does");
	ok(!spte_widens(rw, spte_leaf(PFN, 1, ACC_W | ACC_X, 0)), "user to supervisor does");
	ok(!spte_widens(spte_leaf(PFN, 1, ACC_W | ACC_X, 0), rw),
	   "supervisor to user does: SMEP and SMAP forbid what was allowed");
}

static void test_holds(void)
{
	ok(spte_access_holds(ACC_U | ACC_X, ACC_ALL),
	   "a leaf may be read-only where the guest's entry is not");
	ok(!spte_access_holds(ACC_ALL, ACC_U | ACC_X),
	   "but not writable where that is read-only");
	ok(!spte_access_holds(ACC_W | ACC_X, ACC_ALL) &&
	   !spte_access_holds(ACC_ALL, ACC_W | ACC_X),
	   "user must be exact");
	ok(!spte_access_holds(ACC_W | ACC_U, ACC_ALL) &&
	   !spte_access_holds(ACC_ALL, ACC_W | ACC_U),
	   "execute must be exact");
}

static void test_index(void)
{
	gva_t gva = 5UL << 39 | 6UL << 30 | 7UL << 21 | 8UL << 12 | 9;

	ok(spte_index(gva, 4) == 5 && spte_index(gva, 3) == 6 && spte_index(gva, 2) == 7 &&
	   spte_index(gva, 1) == 8, "each level has its nine bits of the address");
	ok(spte_index(~0UL, 5) == 511, "and none more");
}

int main(void)
{
	test_states();
	test_leaves();
	test_tables();
	test_changes();
	test_holds();
	test_index();
	return tap_done();
}
