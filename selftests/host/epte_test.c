// SPDX-License-Identifier: GPL-2.0
/*
 * The EPT entry type: what its constructors make, and that every change touches only what it
 * names.
 */
#include "ept/epte.h"
#include "tap.h"

#define PFN_2M	0x12345600ULL
#define RWX	EPTE_RIGHTS

static void test_constructors(void)
{
	epte_t none = epte_none(), table = epte_table(0x7000);
	epte_t leaf = epte_leaf(0x42, 1, RWX, EPT_WB);
	epte_t ro = epte_leaf(0x42, 1, EPTE_R | EPTE_X, EPT_WB);
	epte_t large = epte_leaf(PFN_2M, 2, RWX, EPT_WB);

	ok(epte_is_none(none) && !epte_is_leaf(none) && !epte_is_table(none),
	   "none is neither leaf nor table");
	ok(table.raw == 0x7007, "a table is its address and all rights");
	ok(epte_is_table(table) && !epte_is_leaf(table) && epte_hpa(table) == 0x7000,
	   "a table is told from a leaf");
	/* RWX | WB << 3 | IPAT | A | D | ours. */
	ok(leaf.raw == 0x42b77, "a writable 4K leaf: WB, IPAT, A and D (0x%llx)",
	   (unsigned long long)leaf.raw);
	ok(ro.raw == 0x42975, "a read-only 4K leaf has no D (0x%llx)", (unsigned long long)ro.raw);
	ok(large.raw == (PFN_2M << 12 | 0xbf7), "a 2M leaf has bit 7");
	ok(epte_leaf(1, 1, RWX, EPT_UC).raw == 0x1b07, "UC leaves the guest's PAT in force");
	ok(epte_pfn(large) == PFN_2M && epte_is_leaf(large), "the pfn comes back");
	ok(epte_pfn(epte_leaf((1ULL << 40) - 1, 1, RWX, EPT_WB)) == (1ULL << 40) - 1,
	   "the widest pfn fits");
}

static void test_permits(void)
{
	static const struct {
		u64 rights;
		u32 pfec;
		bool allowed;
	} cases[] = {
		{ 0, 0, false }, { EPTE_R, 0, true }, { EPTE_R, PFEC_W, false }, { EPTE_R,
			PFEC_I, false },
		{ EPTE_R | EPTE_W, PFEC_W, true }, { EPTE_R | EPTE_W, PFEC_I, false },
		{ EPTE_R | EPTE_X, PFEC_I, true }, { EPTE_R | EPTE_X, PFEC_W, false },
		{ RWX, PFEC_W, true }, { RWX, PFEC_I, true }, { RWX, PFEC_P | PFEC_U, true },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		epte_t leaf = epte_leaf(7, 1, cases[i].rights, EPT_WB);
		bool allowed = epte_permits(leaf, cases[i].pfec);

		ok(allowed == cases[i].allowed, "rights %llu, access 0x%x",
		   (unsigned long long)cases[i].rights, cases[i].pfec);
	}
	ok(!epte_permits(epte_none(), 0), "an absent entry allows nothing");
}

static void test_changes(void)
{
	epte_t leaf = epte_leaf(0x42, 1, RWX, EPT_WB), ro = epte_make_readonly(leaf);
	epte_t old_ad = epte_make_old(leaf, true), old = epte_make_old(leaf, false);

	ok(ro.raw == (leaf.raw & ~(EPTE_W | EPTE_D)) && !epte_writable(ro),
	   "read-only loses W and D alone");
	ok(old_ad.raw == (leaf.raw & ~EPTE_A), "with A flags aging clears A alone");
	ok(epte_accessed(leaf, true) && !epte_accessed(old_ad, true), "A tells young from old");
	ok(epte_permits(old_ad, PFEC_W), "and takes no right");
	ok(!epte_permits(old, 0) && epte_is_leaf(old) && epte_pfn(old) == 0x42,
	   "without A flags an old leaf has no rights but keeps its page");
	ok(epte_accessed(leaf, false) && !epte_accessed(old, false), "rights tell young from old");
	ok(epte_is_leaf(epte_make_old(epte_leaf(0, 1, RWX, EPT_UC), false)),
	   "an old leaf of pfn 0 is no absent entry");
}

static bool children_match(unsigned int level, u64 rights)
{
	epte_t leaf = epte_leaf(level == 3 ? 0x40000 * 5ULL : PFN_2M, level, rights, EPT_WB);
	u64 step = um_level_pages(level - 1);
	unsigned int i;

	for (i = 0; i < 512; i++) {
		epte_t want = epte_leaf(epte_pfn(leaf) + i * step, level - 1, rights, EPT_WB);

		if (!epte_equal(epte_child(leaf, level, i), want))
			return false;
	}
	return true;
}

static void test_split(void)
{
	epte_t aged = epte_make_old(epte_leaf(PFN_2M, 2, RWX, EPT_WB), false);

	ok(children_match(2, RWX), "a 2M leaf splits into its 4K leaves");
	ok(children_match(2, EPTE_R), "a read-only 2M leaf splits into read-only ones");
	ok(children_match(3, RWX), "a 1G leaf splits into its 2M leaves");
	ok(!epte_permits(epte_child(aged, 2, 3), 0), "an aged leaf splits into aged ones");
}

int main(void)
{
	test_constructors();
	test_permits();
	test_changes();
	test_split();
	return tap_done();
}
