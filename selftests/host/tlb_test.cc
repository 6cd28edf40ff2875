// SPDX-License-Identifier: GPL-2.0
/*
 * The lab's cost model of translations (lab/instrument/tlb.cc): known access patterns, with hits,
 * misses and references that were worked out by hand.
 */
#include <initializer_list>
#include <string.h>

#include "tlb.h"
#include "tap.h"

#define KIB	1024ULL
#define PAGE	(4 * KIB)
#define LARGE	(2 * KIB * KIB)
#define GIGA	(KIB * KIB * KIB)
#define FAR	(512 * GIGA)	/* what one entry of the top table maps */
#define BASE	(16 * FAR)

/* Tables that exist only as numbers. */
struct world {
	unsigned int guest_level, ept_level;	/* of the pages */
	bool apart;	/* the guest's tables are in parts of EPT that share nothing */
	bool paging, global;
};

static struct world world;
static struct tlb tlb;
static tlb_counts counts;
static struct tlb_space space;

static Bit64u table_gpa(Bit64u laddr, unsigned int level)
{
	Bit64u table = laddr >> level_shift(level + 1);

	if (world.apart)
		return (level + 1) * FAR + table * PAGE;
	return LARGE + (level * 32 + table % 32) * PAGE;
}

static void add_step(struct walk *w, Bit64u table, Bit64u address, unsigned int level)
{
	struct walk_step *step = &w->steps[w->count++];

	step->level = level;
	step->gpa = step->hpa = table + (address >> level_shift(level)) % 512 * 8;
}

static struct walk linear(void *, Bit64u laddr)
{
	struct walk w = {};

	w.complete = w.dirty = true;
	w.rights = RIGHT_READ | RIGHT_WRITE | RIGHT_EXEC;
	w.address = laddr;
	w.level = 1;
	if (!world.paging)
		return w;
	for (unsigned int level = 4; level >= world.guest_level; level--)
		add_step(&w, table_gpa(laddr, level), laddr, level);
	w.level = world.guest_level;
	w.global = world.global;
	return w;
}

static struct walk ept(void *, Bit64u gpa)
{
	struct walk w = {};

	w.complete = w.dirty = true;
	w.rights = RIGHT_READ | RIGHT_WRITE | RIGHT_EXEC;
	w.address = gpa;
	for (unsigned int level = 4; level >= world.ept_level; level--)
		add_step(&w, 64 * FAR + (gpa >> level_shift(level + 1)) * PAGE, gpa, level);
	w.level = world.ept_level;
	return w;
}

static const struct tlb_tables tables = { linear, ept, NULL };

static void start(const char *geometry, unsigned int guest_level, unsigned int ept_level)
{
	world = (struct world){ guest_level, ept_level, false, true, false };
	space = (struct tlb_space){ ept_level ? PAGE : 0, 1, 0 };
	tlb_init(&tlb, geometry_find(geometry));
	memset(counts, 0, sizeof(counts));
}

static void access(Bit64u laddr, bool write = false, bool fetch = false)
{
	struct tlb_access a = { space, laddr, write, fetch };

	tlb_access(&tlb, &a, &tables, counts);
}

static void pages(Bit64u start, unsigned int count, Bit64u step = PAGE)
{
	for (unsigned int i = 0; i < count; i++)
		access(start + i * step);
}

static void forget_counts(void)
{
	memset(counts, 0, sizeof(counts));
}

static void expect(unsigned int counter, Bit64u want, const char *what)
{
	if (!ok(counts[counter] == want, "%s: %llu", what, want))
		printf("# it is %llu\n", counts[counter]);
}

static void expect_data(Bit64u l1, Bit64u l2, Bit64u misses, const char *what)
{
	printf("# %s\n", what);
	expect(LAB_TLB_ACCESSES, l1 + l2 + misses, "accesses");
	expect(LAB_TLB_L1_HITS, l1, "L1 hits");
	expect(LAB_TLB_L2_HITS, l2, "L2 hits");
	expect(LAB_TLB_MISSES, misses, "misses");
}

static void expect_references(Bit64u guest, Bit64u ept, const char *what)
{
	printf("# %s\n", what);
	expect(LAB_TLB_GUEST_REFERENCES, guest, "guest references");
	expect(LAB_TLB_EPT_REFERENCES, ept, "EPT references");
}

/* The first access: nothing is cached, every level is read. */
static void test_cold(void)
{
	start("haswell", 1, 0);
	access(BASE);
	expect_data(0, 0, 1, "cold, one dimension");
	expect_references(4, 0, "4K page");
	expect(LAB_TLB_REFERENCES_MEMORY, 4, "from memory");
	expect(LAB_TLB_CYCLES, 8 + 4 * 230, "cycles: L2 TLB, then memory");
	access(BASE + 8);
	expect(LAB_TLB_L1_HITS, 1, "the second access hits");
	expect(LAB_TLB_CYCLES, 8 + 4 * 230, "for nothing");

	start("haswell", 2, 0);
	access(BASE);
	expect_references(3, 0, "2M page");
	start("haswell", 3, 0);
	access(BASE);
	expect_references(2, 0, "1G page");
}

/* 4 entries of the guest, each behind 4 of EPT, and 4 for the page itself. */
static void test_two_dimensions(void)
{
	start("haswell", 1, 1);
	world.apart = true;
	access(BASE);
	expect_references(4, 20, "two dimensions that share nothing: 24");
	/* EPT's top entries of the four tables are neighbours in one line. */
	expect(LAB_TLB_REFERENCES_L1, 3, "entries in a line that was read");
	expect(LAB_TLB_CYCLES, 8 + 21 * 230 + 3 * 4, "cycles");
	expect(LAB_TLB_EPT_CYCLES, 17 * 230 + 3 * 4, "of them for EPT");

	start("haswell", 1, 2);
	world.apart = true;
	access(BASE);
	expect_references(4, 15, "2M pages of EPT");

	start("haswell", 2, 2);
	world.apart = true;
	access(BASE);
	expect_references(3, 12, "2M pages of both");

	/*
	 * The four tables are 4K pages of one 2M region: EPT's upper levels are read once for them,
	 * then one entry each; the page, far away, takes 4 more.
	 */
	start("haswell", 1, 1);
	access(BASE);
	expect_references(4, 4 + 3 + 4, "tables side by side");

	/* The PDE is cached, so no table is looked up in EPT; EPT's own PDE is cached too. */
	forget_counts();
	access(BASE + PAGE);
	expect_references(1, 1, "the next page");

	start("haswell", 1, 1);
	world.paging = false;
	access(BASE);
	expect_references(0, 4, "no paging: EPT alone");
}

/* The smaller of both pages is what an entry maps. */
static void test_sizes(void)
{
	start("haswell", 2, 1);
	pages(BASE, 8);
	expect_data(0, 0, 8, "2M page of the guest over 4K pages: 8 entries");
	start("haswell", 1, 2);
	pages(BASE, 8);
	expect_data(0, 0, 8, "4K pages over a 2M page");
	start("haswell", 2, 2);
	pages(BASE, 8);
	expect_data(7, 0, 1, "2M over 2M: one entry");
	start("haswell", 3, 2);
	pages(BASE, 512, PAGE);
	expect_data(511, 0, 1, "1G over 2M: one of 2M");
	start("haswell", 3, 0);
	pages(BASE, 8, LARGE);
	expect_data(7, 0, 1, "1G: one entry");
	forget_counts();
	pages(BASE + GIGA, 4, GIGA);
	pages(BASE, 1);
	expect_data(0, 0, 5, "five pages of 1G in four entries, and no L2 for them");
	start("skylake-x", 3, 0);
	pages(BASE, 5, GIGA);
	forget_counts();
	pages(BASE, 1);
	expect_data(0, 1, 0, "Skylake's L2 has room for 1G pages");
}

/* 64 entries in 16 sets of 4; consecutive pages fill one set after the other. */
static void test_replacement(void)
{
	start("haswell", 1, 0);
	pages(BASE, 64);
	forget_counts();
	pages(BASE, 64);
	expect_data(64, 0, 0, "64 pages fit");

	/* The 65th shares a set with pages 0, 16, 32, 48: five in turn over four ways never hit. */
	pages(BASE + 64 * PAGE, 1);
	forget_counts();
	pages(BASE, 65);
	expect_data(60, 5, 0, "65 do not");
	expect(LAB_TLB_CYCLES, 5 * 8, "cycles of L2 hits");

	start("haswell", 1, 0);
	pages(BASE, 1024);
	forget_counts();
	pages(BASE, 1024);
	expect_data(0, 1024, 0, "1024 pages fit into L2");
	start("haswell", 1, 0);
	pages(BASE, 1024 + 128);
	forget_counts();
	pages(BASE, 1024 + 128);
	expect_data(0, 0, 1024 + 128, "nine in turn over eight ways");
	expect_references(1024 + 128, 0, "with three PDEs cached, one entry each");
	start("skylake-x", 1, 0);
	pages(BASE, 1024 + 128);
	forget_counts();
	pages(BASE, 1024 + 128);
	expect_data(0, 1024 + 128, 0, "Skylake's 1536 have room");
}

/* The latest use counts, not the entry's age. */
static void test_lru(void)
{
	start("haswell", 2, 0);
	/* 32 entries in 8 sets: these four are one set. */
	for (unsigned int i : { 0, 8, 16, 24, 0, 32, 0 })
		access(BASE + i * LARGE);
	expect_data(2, 0, 5, "an entry in use stays");
	forget_counts();
	access(BASE + 8 * LARGE);
	expect_data(0, 1, 0, "the one least used went, to L2");
}

/* One page of each 2M, 1G, 512G: 4, 32 4-way, 2 entries of the caches. */
static void test_table_caches(void)
{
	start("haswell", 1, 0);
	pages(BASE, 32, LARGE);
	tlb_flush_vpid(&tlb, 9, TLB_ANY_PCID, false);
	forget_counts();
	pages(BASE + PAGE, 32, LARGE);
	expect_references(32, 0, "32 PDEs are cached");
	forget_counts();
	pages(BASE + 32 * LARGE, 8, LARGE);
	expect_references(8 * 2, 0, "a new PDE: PDPTE cached, PDE and PTE read");
	start("haswell", 1, 0);
	pages(BASE, 4, GIGA);
	expect_references(4 + 3 * 3, 0, "new PDPTEs: PML4E cached");
	pages(BASE, 3, FAR);
	forget_counts();
	access(BASE + 5 * GIGA);
	expect_references(4, 0, "the third PML4E pushed the first one out");
}

static void test_writes(void)
{
	start("haswell", 1, 1);
	access(BASE, true);
	access(BASE, true);
	access(BASE);
	expect_data(2, 0, 1, "a written page");
}

static void test_fetches(void)
{
	start("haswell", 1, 0);
	access(BASE);
	access(BASE, false, true);
	expect(LAB_TLB_FETCHES, 1, "a fetch");
	expect(LAB_TLB_FETCH_L2_HITS, 1, "finds in L2 what data brought");
	access(BASE, false, true);
	expect(LAB_TLB_FETCH_L1_HITS, 1, "then in L1");
	expect(LAB_TLB_ACCESSES, 1, "data is counted apart");
	start("haswell", 2, 0);
	for (unsigned int i = 0; i < 18; i++)
		access(BASE + i % 9 * LARGE, false, true);
	expect(LAB_TLB_FETCH_L2_HITS, 9, "nine pages of 2M over eight entries");
}

static void test_caches(void)
{
	start("haswell", 1, 0);
	access(BASE);
	forget_counts();
	access(BASE + PAGE);
	expect(LAB_TLB_REFERENCES_L1, 1, "its PTE is in the line that was read");
	expect(LAB_TLB_CYCLES, 8 + 4, "cycles");
	for (Bit64u i = 0; i < 512; i++)
		tlb_touch_line(&tlb, 1024 * FAR + i * 64);
	forget_counts();
	access(BASE + 2 * PAGE);
	expect(LAB_TLB_REFERENCES_L2, 1, "32 KiB of data pushed it into L2");
	expect(LAB_TLB_CYCLES, 8 + 11, "cycles");
}

static void test_faults(void)
{
	struct tlb_access a;

	start("haswell", 1, 0);
	a = (struct tlb_access){ space, BASE, false, false };
	tlb_fault(&tlb, &a, &tables, counts);
	expect(LAB_TLB_FAULTS, 1, "a fault");
	expect_references(4, 0, "costs a walk");
	access(BASE);
	expect_data(0, 0, 1, "and leaves no page");
}

/* What one access costs after the invalidation that was done. */
static void after(Bit64u misses, const char *what)
{
	forget_counts();
	access(BASE);
	ok(counts[LAB_TLB_MISSES] == misses, "%s: %s", what, misses ? "gone" : "kept");
}

static void fill(unsigned int ept_level, bool global)
{
	start("haswell", 1, ept_level);
	world.global = global;
	access(BASE);
}

static void test_invalidations(void)
{
	fill(0, false);
	tlb_flush_address(&tlb, 1, 0, BASE + 5, false);
	after(1, "INVLPG of the page");
	expect_references(4, 0, "no table is remembered");
	fill(0, false);
	tlb_flush_address(&tlb, 1, 0, BASE + PAGE, false);
	after(0, "INVLPG of another page");
	fill(0, false);
	tlb_flush_address(&tlb, 1, 5, BASE, false);
	after(0, "INVPCID of an address, other PCID");
	fill(0, true);
	tlb_flush_address(&tlb, 1, 0, BASE, true);
	after(0, "INVPCID of an address, global");
	fill(0, true);
	tlb_flush_address(&tlb, 1, 5, BASE, false);
	after(1, "INVLPG, global, other PCID");
	fill(0, false);
	tlb_flush_vpid(&tlb, 1, 0, true);
	after(1, "MOV to CR3");
	fill(0, true);
	tlb_flush_vpid(&tlb, 1, 0, true);
	after(0, "MOV to CR3, global");
	fill(0, false);
	tlb_flush_vpid(&tlb, 1, 3, true);
	after(0, "MOV to CR3, other PCID");
	fill(0, true);
	tlb_flush_vpid(&tlb, 1, TLB_ANY_PCID, false);
	after(1, "MOV to CR4");
	fill(0, false);
	tlb_flush_vpid(&tlb, 2, TLB_ANY_PCID, false);
	after(0, "INVVPID, other VPID");
	fill(0, false);
	tlb_flush_all_vpids(&tlb);
	after(1, "INVVPID of all");
	fill(0, false);
	tlb_flush_ept(&tlb, false, 0);
	after(0, "INVEPT of all, linear mapping");
	fill(1, false);
	tlb_flush_ept(&tlb, true, PAGE);
	after(1, "INVEPT");
	expect_references(4, 11, "nothing of EPT is left");
	fill(1, false);
	tlb_flush_ept(&tlb, true, 2 * PAGE);
	after(0, "INVEPT, other EP4TA");
	fill(1, false);
	tlb_flush_vpid(&tlb, 1, TLB_ANY_PCID, false);
	after(1, "INVVPID, combined mapping");
	expect_references(4, 0, "guest-physical mappings stay");
	fill(1, false);
	tlb_flush_gpa(&tlb, PAGE, BASE);
	after(0, "EPT violation of another address");
	tlb_flush_address(&tlb, 1, 0, BASE, false);
	after(1, "EPT violation of this one");
	expect_references(4, 4, "its guest-physical mapping went");
}

static void test_tags(void)
{
	fill(0, false);
	space.pcid = 1;
	after(1, "another PCID's");
	space.pcid = 0;
	after(0, "its own");
	space.vpid = 2;
	after(1, "another VPID's");
	fill(0, true);
	space.pcid = 1;
	after(0, "another PCID's, global");
	space.vpid = 2;
	after(1, "another VPID's, global");
	fill(1, false);
	space.ep4ta = 2 * PAGE;
	after(1, "another EP4TA's");
	space.ep4ta = PAGE;
	space.vpid = 2;
	forget_counts();
	access(BASE);
	expect_references(4, 0, "guest-physical mappings have no VPID");
}

int main(void)
{
	test_cold();
	test_two_dimensions();
	test_sizes();
	test_replacement();
	test_lru();
	test_table_caches();
	test_writes();
	test_fetches();
	test_caches();
	test_faults();
	test_invalidations();
	test_tags();
	ok(!geometry_find("pentium"), "an unknown geometry is not found");
	return tap_done();
}
