// SPDX-License-Identifier: GPL-2.0
/*
 * Every kind of access through every kind of page-table entry, in each paging mode: the guest acts,
 * a small model of the architecture says what must come out (SDM, "Paging").
 */
#include <stdio.h>
#include <string.h>

#include "lib/pgtable.h"
#include "guest/paging.h"

#define ERR_P		1
#define ERR_W		2
#define ERR_U		4
#define ERR_RSVD	8
#define ERR_I		16
#define ERR_PK		32
#define VEC_PF		14
#define TEST_GVA	0x40001000UL
/* In 4-level mode: an entry of its own at every level, unlike the identity map's. */
#define LONG_GVA	0x8040001000UL
#define LARGE_GPA	0x400000UL
#define MAX_CASES	(CASES_SIZE / sizeof(struct paging_case))
#define RIGHTS		(PTE_P | PTE_W | PTE_U)
#define PTE_KEY(key)	((uint64_t)(key) << 59)
#define NO_ACCESS(key)	(1U << (2 * (key)))
#define NO_WRITE(key)	(2U << (2 * (key)))

struct setup {
	struct vcpu *vcpu;
	enum guest_mode mode;
	int leaf;			/* level of the entry that maps the page */
	struct paging_case base;	/* all rights, entries of all levels */
	struct paging_case *cases;
	unsigned int count;
	char what[64];
};

static int maxphyaddr = 36;

static bool nx_possible(enum guest_mode mode)
{
	return mode >= MODE_PAE;
}

/* Bits that must be 0 in a present entry. */
static uint64_t reserved_bits(const struct setup *s, int level, uint64_t flags)
{
	uint64_t phys = (BIT_ULL(52) - 1) & ~((1ULL << maxphyaddr) - 1);
	uint64_t large = pt_page_size(s->mode, level) - 1;

	if (s->mode == MODE_PSE)
		return level == 2 && s->leaf == 2 ? 1ULL << 21 : 0;
	if (s->mode == MODE_PAE && level == 3)
		return 0;	/* checked when CR3 is loaded, no case writes them wrong */
	if (s->mode == MODE_PAE)
		phys |= 0x7ff0000000000000ULL;
	if (!(flags & CASE_NXE))
		phys |= PTE_NX;
	if (level >= 4)
		phys |= PTE_PS;
	if (level > 1 && level == s->leaf)
		phys |= large & ~0x1fffULL;
	return phys;
}

/* By the key of a user page. */
static bool key_denies(const struct setup *s, const struct paging_case *c)
{
	unsigned int key = c->entry[s->leaf - 1] >> 59 & 15;

	if (!(c->flags & CASE_PKE) || s->mode < MODE_LONG || c->access == ACCESS_FETCH)
		return false;
	if (c->pkru & NO_ACCESS(key))
		return true;
	return c->pkru & NO_WRITE(key) && c->access == ACCESS_WRITE &&
	       c->flags & (CASE_USER | CASE_WP);
}

/* The error code, or -1 if the access succeeds. */
static int model(const struct setup *s, const struct paging_case *c)
{
	bool user = c->flags & CASE_USER, write = c->access == ACCESS_WRITE;
	bool fetch = c->access == ACCESS_FETCH, nxe = nx_possible(s->mode) && c->flags & CASE_NXE;
	int error = (write ? ERR_W : 0) | (user ? ERR_U : 0) |
		    (fetch && (nxe || c->flags & CASE_SMEP) ? ERR_I : 0);
	uint64_t rights = PTE_W | PTE_U, nx = 0;
	int level;

	for (level = pt_levels(s->mode); level >= s->leaf; level--) {
		uint64_t pte = c->entry[level - 1];

		if (!(pte & PTE_P))
			return error;
		if (pte & reserved_bits(s, level, c->flags))
			return error | ERR_P | ERR_RSVD;
		if (s->mode == MODE_PAE && level == 3)
			continue;
		rights &= pte;
		nx |= pte & PTE_NX;
	}
	if (rights & PTE_U && key_denies(s, c))
		error |= ERR_PK;
	if (user && !(rights & PTE_U))
		return error | ERR_P;
	if (write && !(rights & PTE_W) && (user || c->flags & CASE_WP))
		return error | ERR_P;
	if (fetch && nxe && nx)
		return error | ERR_P;
	if (!user && rights & PTE_U && fetch && c->flags & CASE_SMEP)
		return error | ERR_P;
	if (!user && rights & PTE_U && !fetch && c->flags & CASE_SMAP && !(c->flags & CASE_AC))
		return error | ERR_P;
	return error & ERR_PK ? error | ERR_P : -1;
}

/* Accessed and dirty bits after a success; after a fault D must not have appeared. */
static bool bits_right(const struct setup *s, const struct paging_case *c, bool success)
{
	int level;

	for (level = pt_levels(s->mode); level >= s->leaf; level--) {
		uint64_t before = c->entry[level - 1], after = c->after[level - 1];
		bool root = s->mode == MODE_PAE && level == 3;
		uint64_t want = before;

		if (success && !root)
			want |= PTE_A;
		if (success && level == s->leaf && c->access == ACCESS_WRITE)
			want |= PTE_D;
		if (after != want && (success || root || after != (before | PTE_A)))
			return false;
	}
	return true;
}

static bool check_case(const struct setup *s, const struct paging_case *c)
{
	int want = model(s, c), level;
	bool good = c->faulted == (want >= 0) && bits_right(s, c, want < 0);

	if (want >= 0)
		good = good && c->vector == VEC_PF && (int)c->error == want && c->cr2 == c->gva;
	if (good)
		return true;
	tap_diag("access %llu flags %#llx gva %#llx, expected error %d", c->access, c->flags,
		 c->gva, want);
	tap_diag("  faulted %llu vector %llu error %#llx cr2 %#llx", c->faulted, c->vector,
		 c->error, c->cr2);
	for (level = pt_levels(s->mode); level >= s->leaf; level--)
		tap_diag("  level %d entry at %#llx: %#llx, afterwards %#llx", level,
			 c->entry_gpa[level - 1], c->entry[level - 1], c->after[level - 1]);
	return false;
}

static void run_cases(struct setup *s, const char *group)
{
	struct vcpu *vcpu = s->vcpu;
	unsigned int i, bad = 0;
	int outcome;

	vcpu->shared->arg[0] = s->count;
	vcpu->shared->arg[1] = pt_entry_size(s->mode);
	outcome = guest_start_op(vcpu, PAGING_RUN);
	if (outcome != GUEST_DONE)
		guest_report(vcpu, outcome);
	for (i = 0; outcome == GUEST_DONE && i < s->count && bad < 5; i++)
		bad += !check_case(s, &s->cases[i]);
	tap_ok(outcome == GUEST_DONE && !bad && s->count, "%s: %s, %u cases", s->what, group,
	       s->count);
	s->count = 0;
}

static struct paging_case *add_case(struct setup *s, unsigned int access, uint64_t flags)
{
	struct paging_case *c = &s->cases[s->count++];

	if (s->count > MAX_CASES)
		tap_bail("too many cases");
	*c = s->base;
	c->access = access;
	c->flags = flags;
	return c;
}

/* Adds each access by each privilege, with and without WP, through these entries. */
static void add_accesses(struct setup *s, uint64_t flags, int level, uint64_t pte)
{
	unsigned int access, user, wp;

	for (access = ACCESS_READ; access <= ACCESS_FETCH; access++)
		for (user = 0; user <= CASE_USER; user += CASE_USER)
			for (wp = 0; wp <= CASE_WP; wp += CASE_WP)
				add_case(s, access, flags | user | wp)->entry[level - 1] = pte;
}

static uint64_t leaf_pte(const struct setup *s)
{
	return s->base.entry[s->leaf - 1];
}

static void test_rights(struct setup *s)
{
	uint64_t nx_flag = nx_possible(s->mode) ? PTE_NX : 0;
	int level;

	for (level = s->leaf; level <= pt_levels(s->mode); level++) {
		uint64_t pte = s->base.entry[level - 1] & ~RIGHTS, rights;

		if (s->mode == MODE_PAE && level == 3)
			break;
		for (rights = 0; rights <= RIGHTS; rights++) {
			if ((rights & ~RIGHTS) || !(rights & PTE_P))
				continue;
			add_accesses(s, CASE_NXE, level, pte | rights);
			if (nx_flag)
				add_accesses(s, CASE_NXE, level, pte | rights | nx_flag);
		}
		add_accesses(s, CASE_NXE, level, pte);
		run_cases(s, level == s->leaf ? "rights in the leaf" : "rights above the leaf");
	}
}

static void test_supervisor_protection(struct setup *s, const char *name, uint64_t flag)
{
	uint64_t pte = leaf_pte(s);
	uint64_t ac;

	for (ac = 0; ac <= CASE_AC; ac += CASE_AC) {
		add_accesses(s, flag | ac | CASE_NXE, s->leaf, pte);
		add_accesses(s, flag | ac, s->leaf, pte);
		add_accesses(s, flag | ac | CASE_NXE, s->leaf, pte & ~PTE_U);
		add_accesses(s, flag | ac | CASE_NXE, s->leaf, pte & ~PTE_W);
		add_accesses(s, flag | ac | CASE_NXE, s->leaf, pte & ~(PTE_W | PTE_U));
		add_accesses(s, flag | ac | CASE_NXE, s->leaf, pte & ~PTE_P);
	}
	run_cases(s, name);
}

static void test_smep_smap(struct setup *s)
{
	bool smep = cpuid_has(7, 0, CPUID_EBX, 7), smap = cpuid_has(7, 0, CPUID_EBX, 20);

	if (smep)
		test_supervisor_protection(s, "SMEP", CASE_SMEP);
	else
		tap_skip("not in CPUID", "%s: SMEP", s->what);
	if (smap)
		test_supervisor_protection(s, "SMAP", CASE_SMAP);
	else
		tap_skip("not in CPUID", "%s: SMAP", s->what);
	if (smep && smap)
		test_supervisor_protection(s, "SMEP and SMAP", CASE_SMEP | CASE_SMAP);
}

static void add_key_accesses(struct setup *s, uint32_t pkru, uint64_t pte)
{
	unsigned int i = s->count;

	add_accesses(s, CASE_PKE | CASE_NXE, s->leaf, pte);
	/* The last one again under other rights: they change without an invalidation. */
	add_case(s, ACCESS_READ, CASE_PKE | CASE_NXE | CASE_NO_FLUSH)->entry[s->leaf - 1] =
		pte | PTE_A | PTE_D;
	add_case(s, ACCESS_WRITE, CASE_PKE | CASE_NXE | CASE_WP | CASE_NO_FLUSH)
		->entry[s->leaf - 1] = pte | PTE_A | PTE_D;
	for (; i < s->count; i++)
		s->cases[i].pkru = pkru;
	s->cases[s->count - 2].pkru = 0;
}

/* Key 0 is that of the guest's own user pages, too: for these it allows everything. */
static void test_keys(struct setup *s)
{
	static const uint32_t pkru[] = {
		0, NO_ACCESS(5), NO_WRITE(5), NO_ACCESS(5) | NO_WRITE(5), NO_ACCESS(6), ~3U,
	};
	uint64_t pte = leaf_pte(s);
	unsigned int i;

	if (!cpuid_has(7, 0, CPUID_ECX, 3)) {
		tap_skip("not in CPUID", "%s: protection keys", s->what);
		return;
	}
	if (s->mode < MODE_LONG)
		add_key_accesses(s, ~0U, pte);
	for (i = 0; s->mode >= MODE_LONG && i < ARRAY_SIZE(pkru); i++) {
		add_key_accesses(s, pkru[i], pte | PTE_KEY(5));
		add_key_accesses(s, pkru[i], pte | PTE_KEY(6) | PTE_A | PTE_D);
		add_key_accesses(s, pkru[i], (pte | PTE_KEY(5)) & ~PTE_U);
		add_key_accesses(s, pkru[i], (pte | PTE_KEY(15)) & ~PTE_W);
		add_key_accesses(s, pkru[i], pte);
	}
	run_cases(s, "protection keys");
}

/* Entries with A and D, of which only the leaf is written: its table stays the one that is used. */
static void keep_upper(struct setup *s, unsigned int from)
{
	int level, last = s->mode == MODE_PAE ? 2 : pt_levels(s->mode);

	for (; from < s->count; from++) {
		s->cases[from].flags |= CASE_KEEP;
		s->cases[from].entry[s->leaf - 1] |= PTE_A | PTE_D;
		for (level = s->leaf + 1; level <= last; level++)
			s->cases[from].entry[level - 1] |= PTE_A;
	}
}

static void add_known_reserved(struct setup *s, uint64_t flags, uint64_t wrong)
{
	unsigned int from = s->count;

	add_case(s, ACCESS_READ, flags);
	add_case(s, ACCESS_READ, flags)->entry[s->leaf - 1] = wrong;
	keep_upper(s, from);
}

static void test_reserved(struct setup *s)
{
	int level, bit;

	for (level = s->leaf; level <= pt_levels(s->mode); level++) {
		uint64_t pte = s->base.entry[level - 1];

		if (s->mode == MODE_PAE && level == 3)
			break;
		for (bit = 7; bit < (s->mode == MODE_PSE ? 32 : 64); bit++) {
			uint64_t wrong = pte | 1ULL << bit;

			/* With NXE, bit 63 is a right; the others, an address or ignored. */
			if (!(reserved_bits(s, level, CASE_NXE) >> bit & 1) && bit != 63)
				continue;
			add_case(s, ACCESS_READ, CASE_NXE | CASE_WP)->entry[level - 1] = wrong;
			add_case(s, ACCESS_WRITE, CASE_USER | CASE_WP)->entry[level - 1] = wrong;
			add_case(s, ACCESS_FETCH, CASE_NXE)->entry[level - 1] = wrong;
			add_case(s, ACCESS_FETCH, 0)->entry[level - 1] = wrong;
			/* Not present goes before reserved. */
			add_case(s, ACCESS_READ, 0)->entry[level - 1] = wrong & ~PTE_P;
			if (level > s->leaf)
				continue;
			add_known_reserved(s, CASE_NXE | CASE_WP, wrong);
			/* KVM without EPT keeps a leaf with NX when NXE goes. */
			if (bit != 63 || dev_is_umbra())
				add_known_reserved(s, 0, wrong);
		}
	}
	if (s->count)
		run_cases(s, "reserved bits");
}

/* An absent entry is never cached, so making it present needs no invalidation. */
static void test_no_flush(struct setup *s)
{
	int level, i;

	for (level = s->leaf; level <= pt_levels(s->mode); level++) {
		if (s->mode == MODE_PAE && level == 3)
			break;
		for (i = 0; i < 4; i++) {
			uint64_t pte = s->base.entry[level - 1];

			add_case(s, i & 1, CASE_WP | CASE_NXE)->entry[level - 1] = pte & ~PTE_P;
			add_case(s, i & 1, CASE_WP | CASE_NXE | CASE_NO_FLUSH);
			add_case(s, ACCESS_WRITE, CASE_WP | CASE_NXE | CASE_NO_FLUSH);
		}
	}
	run_cases(s, "absent to present without INVLPG");
}

static void test_load_cr3(struct setup *s)
{
	uint64_t pte = leaf_pte(s);
	unsigned int from;

	add_accesses(s, CASE_LOAD_CR3 | CASE_NXE, s->leaf, pte);
	add_accesses(s, CASE_LOAD_CR3 | CASE_NXE, s->leaf, pte & ~PTE_P);
	add_accesses(s, CASE_LOAD_CR3 | CASE_NXE, s->leaf, pte & ~PTE_W);
	add_accesses(s, CASE_LOAD_CR3 | CASE_NXE, s->leaf, pte & ~PTE_U);
	add_accesses(s, CASE_LOAD_CR3 | CASE_NXE, s->leaf, pte | PTE_A | PTE_D);
	add_accesses(s, CASE_LOAD_CR3 | CASE_NXE, s->leaf, pte | PTE_G);
	from = s->count;
	add_accesses(s, CASE_LOAD_CR3 | CASE_NXE, s->leaf, pte);
	add_accesses(s, CASE_LOAD_CR3 | CASE_NXE, s->leaf, pte & ~PTE_W);
	add_accesses(s, CASE_LOAD_CR3 | CASE_NXE, s->leaf, pte);
	add_accesses(s, CASE_LOAD_CR3 | CASE_NXE, s->leaf, pte & ~PTE_U);
	keep_upper(s, from);
	run_cases(s, "changes followed by a CR3 load");
}

static void map_test_page(struct setup *s, uint64_t gva)
{
	struct vm *vm = s->vcpu->vm;
	struct pgtable pt = { .vm = vm, .mode = s->mode, .next = TABLES_END - 16 * PAGE_SIZE };
	uint64_t gpa = s->leaf == 1 ? SCRATCH_GPA : LARGE_GPA;
	struct kvm_sregs sregs;
	int level;

	must(xioctl(s->vcpu->fd, KVM_GET_SREGS, &sregs));
	pt.root = sregs.cr3;
	memset(vm->mem + SCRATCH_GPA, PAGING_RET, PAGE_SIZE);
	memset(vm->mem + LARGE_GPA, PAGING_RET, 2 * PAGE_SIZE);
	pt_map(&pt, gva, gpa, RIGHTS, s->leaf);
	/* PAE's root entries are read when CR3 is set. */
	must(xioctl(s->vcpu->fd, KVM_SET_SREGS, &sregs));
	memset(&s->base, 0, sizeof(s->base));
	s->base.gva = gva;
	for (level = s->leaf; level <= pt_levels(s->mode); level++) {
		s->base.entry_gpa[level - 1] = pt_entry(&pt, gva, level);
		s->base.entry[level - 1] = pt_read(&pt, s->base.entry_gpa[level - 1]);
	}
	/* A large page has no entry at level 1: write the same one twice. */
	for (level = s->leaf - 1; level >= 1; level--) {
		s->base.entry_gpa[level - 1] = SCRATCH_GPA - PAGE_SIZE;
		s->base.entry[level - 1] = 0;
	}
}

static void test_mode(enum guest_mode mode, int leaf, uint64_t gva)
{
	struct setup s = { .mode = mode, .leaf = leaf };
	uint64_t size = pt_page_size(mode, leaf) >> 10;

	s.vcpu = guest_create("paging", mode);
	s.cases = (void *)(s.vcpu->vm->mem + CASES_GPA);
	snprintf(s.what, sizeof(s.what), "%s %luK at %#lx", mode_name(mode), size, gva);
	map_test_page(&s, gva);
	test_rights(&s);
	test_smep_smap(&s);
	test_keys(&s);
	test_reserved(&s);
	test_no_flush(&s);
	test_load_cr3(&s);
	guest_destroy(s.vcpu);
}

int main(void)
{
	tap_start("paging", 400);
	maxphyaddr = cpuid_value(0x80000008, 0, CPUID_EAX) & 0xff;
	tap_diag("MAXPHYADDR %d", maxphyaddr);
	test_mode(MODE_PSE, 1, TEST_GVA);
	test_mode(MODE_PSE, 2, TEST_GVA);
	test_mode(MODE_PAE, 1, TEST_GVA);
	test_mode(MODE_PAE, 2, TEST_GVA);
	test_mode(MODE_LONG, 1, LONG_GVA);
	test_mode(MODE_LONG, 1, 0xffffc00040001000);
	test_mode(MODE_LONG, 2, LONG_GVA);
	if (mode_offered(MODE_LA57))
		test_mode(MODE_LA57, 1, 0x1000040001000);
	else
		tap_skip("not in CPUID", "5-level paging");
	return tap_done();
}
