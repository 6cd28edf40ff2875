// SPDX-License-Identifier: GPL-2.0
/*
 * One page table reached in different ways, and under every setting of the controls that give its
 * entries their meaning: whoever keeps something derived from it must not mix them up. Nothing is
 * invalidated between the accesses, as the architecture asks for nothing here.
 */
#include <stdio.h>
#include <string.h>

#include "lib/pgtable.h"
#include "guest/paging.h"

#define ERR_P		1
#define ERR_W		2
#define ERR_U		4
#define ERR_I		16
#define VEC_PF		14
#define GVA		0x8000000000UL
#define RIGHTS		(PTE_P | PTE_W | PTE_U)
#define MAX_CASES	(CASES_SIZE / sizeof(struct paging_case))
#define NR_PAGES	5
#define NR_PARENTS	4

/* The rights of the pages in the table, the same ones under every parent. */
static const uint64_t page_rights[NR_PAGES] = {
	PTE_P | PTE_W | PTE_U, PTE_P | PTE_U, PTE_P | PTE_W, PTE_P, PTE_P | PTE_W | PTE_U | PTE_NX,
};

struct setup {
	struct vcpu *vcpu;
	struct pgtable pt;
	struct paging_case *cases;
	uint64_t rights[MAX_CASES];	/* what all levels grant together, NX as a bit of its own */
	unsigned int count, bad, done;
};

static struct setup create(void)
{
	struct setup s = { .vcpu = guest_create("paging", MODE_LONG) };
	struct vm *vm = s.vcpu->vm;
	struct kvm_sregs sregs;
	unsigned int i;

	must(xioctl(s.vcpu->fd, KVM_GET_SREGS, &sregs));
	s.pt = (struct pgtable){ vm, MODE_LONG, sregs.cr3, TABLES_END - 32 * PAGE_SIZE };
	s.cases = (void *)(vm->mem + CASES_GPA);
	memset(vm->mem + SCRATCH_GPA, PAGING_RET, NR_PAGES * PAGE_SIZE);
	for (i = 0; i < NR_PAGES; i++)
		pt_map(&s.pt, GVA + i * PAGE_SIZE, SCRATCH_GPA + i * PAGE_SIZE,
		       page_rights[i] | PTE_A | PTE_D, 1);
	return s;
}

/* -1, or the error code of #PF (SDM "Access Rights"). */
static int model(uint64_t rights, const struct paging_case *c)
{
	bool user = c->flags & CASE_USER, write = c->access == ACCESS_WRITE;
	bool fetch = c->access == ACCESS_FETCH, nxe = c->flags & CASE_NXE;
	int error = ERR_P | (write ? ERR_W : 0) | (user ? ERR_U : 0) |
		    (fetch && (nxe || c->flags & CASE_SMEP) ? ERR_I : 0);

	if (user && !(rights & PTE_U))
		return error;
	if (write && !(rights & PTE_W) && (user || c->flags & CASE_WP))
		return error;
	if (fetch && rights & PTE_NX)
		return error;
	if (!user && rights & PTE_U && fetch && c->flags & CASE_SMEP)
		return error;
	if (!user && rights & PTE_U && !fetch && c->flags & CASE_SMAP && !(c->flags & CASE_AC))
		return error;
	return -1;
}

static void check_case(struct setup *s, unsigned int i)
{
	const struct paging_case *c = &s->cases[i];
	int want = model(s->rights[i], c);
	bool good = c->faulted == (want >= 0);

	if (want >= 0)
		good = good && c->vector == VEC_PF && (int)c->error == want && c->cr2 == c->gva;
	if (good || s->bad++ > 4)
		return;
	tap_diag("case %u: gva %#llx rights %#llx access %llu flags %#llx, want %d", s->done + i,
		 c->gva, (unsigned long long)s->rights[i], c->access, c->flags, want);
	tap_diag("  faulted %llu vector %llu error %#llx cr2 %#llx", c->faulted, c->vector,
		 c->error, c->cr2);
}

static void run_cases(struct setup *s)
{
	struct vcpu *vcpu = s->vcpu;
	unsigned int i;
	int outcome;

	vcpu->shared->arg[0] = s->count;
	vcpu->shared->arg[1] = 8;
	outcome = guest_start_op(vcpu, PAGING_RUN);
	guest_report(vcpu, outcome);
	s->bad += outcome != GUEST_DONE;
	for (i = 0; outcome == GUEST_DONE && i < s->count; i++)
		check_case(s, i);
	s->done += s->count;
	s->count = 0;
}

static void add_case(struct setup *s, uint64_t gva, uint64_t rights, unsigned int access,
		     uint64_t flags)
{
	struct paging_case *c = &s->cases[s->count];

	memset(c, 0, sizeof(*c));
	c->gva = gva;
	c->access = access;
	c->flags = flags | CASE_NO_FLUSH;
	s->rights[s->count] = rights;
	if (++s->count == MAX_CASES)
		run_cases(s);
}

/* Each access by each privilege to each page. */
static void add_accesses(struct setup *s, uint64_t base, uint64_t parent, uint64_t flags)
{
	unsigned int i, access, user;

	for (i = 0; i < NR_PAGES; i++) {
		uint64_t rights = (page_rights[i] & parent & RIGHTS) |
				  ((page_rights[i] | parent) & PTE_NX);

		for (access = ACCESS_READ; access <= ACCESS_FETCH; access++)
			for (user = 0; user <= CASE_USER; user += CASE_USER)
				add_case(s, base + i * PAGE_SIZE, rights, access, flags | user);
	}
}

static void finish(struct setup *s, const char *what)
{
	if (s->count)
		run_cases(s);
	tap_ok(!s->bad && s->done, "%s, %u accesses", what, s->done);
	s->bad = 0;
	s->done = 0;
}

/* Entries of one level that lead to the same table, each granting less than the table's own. */
static void test_parents(int level)
{
	static const uint64_t grants[NR_PARENTS] = {
		RIGHTS, PTE_P | PTE_U, PTE_P | PTE_W, RIGHTS | PTE_NX,
	};
	struct setup s = create();
	uint64_t entry = pt_entry(&s.pt, GVA, level);
	uint64_t table = pt_read(&s.pt, entry) & ~(PAGE_SIZE - 1);
	unsigned int round, i, wp;
	char what[100];

	for (i = 0; i < NR_PARENTS; i++)
		pt_write(&s.pt, entry + 8 * i, table | grants[i]);
	for (round = 0; round < 2; round++)
		for (wp = 0; wp <= CASE_WP; wp += CASE_WP)
			for (i = 0; i < NR_PARENTS; i++)
				add_accesses(&s, GVA + i * pt_page_size(MODE_LONG, level),
					     grants[i], CASE_NXE | wp);
	snprintf(what, sizeof(what),
		 "permissions not inherited from all levels: a table under %d entries of level %d",
		 NR_PARENTS, level);
	finish(&s, what);
	guest_destroy(s.vcpu);
}

/* The n-th setting of the controls; they are bits that CPUID may not offer. */
static uint64_t controls(unsigned int n)
{
	uint64_t flags = CASE_NXE;

	if (n & 1)
		flags |= CASE_WP;
	if (n & 2 && cpuid_has(7, 0, CPUID_EBX, 7))
		flags |= CASE_SMEP;
	if (n & 4 && cpuid_has(7, 0, CPUID_EBX, 20))
		flags |= CASE_SMAP;
	if (n & 8)
		flags |= CASE_AC;
	return flags;
}

/* Every setting after every other one, on the same pages. */
static void test_toggles(void)
{
	struct setup s = create();
	unsigned int from, step;

	for (step = 1; step < 16; step += 2)
		for (from = 0; from < 16; from++)
			add_accesses(&s, GVA, RIGHTS, controls(from * step % 16));
	finish(&s, "SMEP and SMAP with WP=0 missing from the role: the whole toggle matrix");
	guest_destroy(s.vcpu);
}

int main(void)
{
	tap_start("roles", 300);
	test_parents(2);
	test_parents(3);
	test_parents(4);
	test_toggles();
	return tap_done();
}
