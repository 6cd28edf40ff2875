// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that shadow paging maps ahead of a guest that goes through them: what is not accessed by
 * its entries, not writable, absent, or taken away must be so for the guest. On other backends the
 * same guest shows the same.
 */
#include <sys/mman.h>

#include "lib/pgtable.h"
#include "lib/stats.h"
#include "guest/basic.h"

#define SLOT		5
#define SLOT_GPA	0x10000000UL
#define PAGES		256UL
#define FIRST_GVA	0x40000000UL	/* all pages, touched through here */
#define SECOND_GVA	0x50000000UL	/* the same, in order from here */
#define LOG_WORDS	(PAGES / 64)
#define USED		(PTE_P | PTE_W | PTE_A | PTE_D)
#define VEC_PF		14

/* The second view, by its pages: 64 of each kind. */
#define IN_USE		0UL
#define OLD		64UL		/* every other one not accessed */
#define CLEAN		128UL
#define ABSENT		192UL		/* from ABSENT + 8 on */

struct setup {
	struct vcpu *vcpu;
	struct pgtable pt;
	enum guest_mode mode;
	uint32_t *mem;
};

static uint64_t flags_of(unsigned long page)
{
	if (page >= ABSENT + 8)
		return USED & ~PTE_P;
	if (page >= CLEAN && page < ABSENT)
		return USED & ~PTE_D;
	return page >= OLD && page < CLEAN && page & 1 ? USED & ~PTE_A : USED;
}

static uint64_t second_gva(unsigned long page)
{
	return SECOND_GVA + page * PAGE_SIZE;
}

static uint64_t second_pte(struct setup *s, unsigned long page)
{
	return pt_read(&s->pt, pt_entry(&s->pt, second_gva(page), 1));
}

static uint32_t value_of(unsigned long page)
{
	return page * 16 + 1;
}

static bool run(struct setup *s, uint64_t op, uint64_t first, uint64_t second)
{
	int outcome;

	s->vcpu->shared->arg[0] = first;
	s->vcpu->shared->arg[1] = second;
	outcome = guest_start_op(s->vcpu, op);
	if (outcome != GUEST_DONE)
		guest_report(s->vcpu, outcome);
	return outcome == GUEST_DONE;
}

/* The guest reads these pages one by one and finds what the host wrote. */
static bool read_through(struct setup *s, unsigned long first, unsigned long end)
{
	uint64_t want = 0;
	unsigned long page;

	for (page = first; page < end; page++)
		want += value_of(page);
	return run(s, BASIC_SUM, second_gva(first), second_gva(end)) &&
	       s->vcpu->shared->result[0] == want;
}

static bool reads(struct setup *s, unsigned long page, uint32_t want)
{
	return run(s, BASIC_READ, second_gva(page), 0) && s->vcpu->shared->result[0] == want;
}

static void create(struct setup *s)
{
	struct kvm_sregs sregs;
	unsigned long page;

	s->vcpu = guest_create("basic", s->mode);
	s->mem = host_pages(PAGES * PAGE_SIZE);
	must(vm_set_slot(s->vcpu->vm, SLOT, 0, SLOT_GPA, PAGES * PAGE_SIZE, s->mem));
	must(xioctl(s->vcpu->fd, KVM_GET_SREGS, &sregs));
	s->pt = (struct pgtable){
		.vm = s->vcpu->vm, .mode = s->mode, .root = sregs.cr3,
		.next = TABLES_END - 16 * PAGE_SIZE,
	};
	for (page = 0; page < PAGES; page++) {
		uint64_t gpa = SLOT_GPA + page * PAGE_SIZE;

		pt_map(&s->pt, FIRST_GVA + page * PAGE_SIZE, gpa, USED, 1);
		pt_map(&s->pt, second_gva(page), gpa, flags_of(page), 1);
	}
	/* PAE's root entries are read when CR3 is set. */
	must(xioctl(s->vcpu->fd, KVM_SET_SREGS, &sregs));
	tap_ok(run(s, BASIC_TOUCH, FIRST_GVA, FIRST_GVA + PAGES * PAGE_SIZE),
	       "%s: the guest touches all pages", mode_name(s->mode));
	for (page = 0; page < PAGES; page++)
		s->mem[page * PAGE_SIZE / sizeof(*s->mem)] = value_of(page);
}

static void test_in_use(struct setup *s)
{
	uint64_t before = 0, after = 0;
	bool counted = stat_read(s->vcpu->fd, "prefetched", &before);

	tap_ok(read_through(s, IN_USE, IN_USE + 32), "pages in use are what they were");
	if (!counted || mmu_wanted() != MMU_SHADOW) {
		tap_skip("not shadow paging of Umbra's", "pages are mapped ahead");
		return;
	}
	stat_read(s->vcpu->fd, "prefetched", &after);
	tap_ok(after - before >= 16, "pages are mapped ahead");
	/* One page here, one there: not gone through. */
	before = after;
	run(s, BASIC_READ, second_gva(IN_USE + 40), 0);
	run(s, BASIC_READ, second_gva(IN_USE + 50), 0);
	tap_eq(stat_value(s->vcpu->fd, "prefetched"), before, "not for single reads");
}

static void test_accessed(struct setup *s)
{
	unsigned long page;
	bool good = read_through(s, OLD, OLD + 4);

	for (page = OLD + 4; page < CLEAN; page++)
		if (page & 1)
			good = good && !(second_pte(s, page) & PTE_A);
	tap_ok(good, "a page that is not accessed stays so");
	good = read_through(s, OLD, OLD + 16);
	for (page = OLD; page < OLD + 16; page++)
		good = good && second_pte(s, page) & PTE_A;
	tap_ok(good, "until it is");
}

static void test_clean(struct setup *s)
{
	bool good = read_through(s, CLEAN, CLEAN + 4);

	good = good && run(s, BASIC_WRITE, second_gva(CLEAN + 6), value_of(CLEAN + 6));
	tap_ok(good && second_pte(s, CLEAN + 6) & PTE_D && !(second_pte(s, CLEAN + 7) & PTE_D),
	       "a write to a clean page sets D, there alone");
}

static void test_absent(struct setup *s)
{
	const unsigned long long *result = s->vcpu->shared->result;
	bool good = read_through(s, ABSENT, ABSENT + 8);

	tap_ok(good && run(s, BASIC_TRY_READ, second_gva(ABSENT + 8), 0) &&
	       result[1] == VEC_PF + 1 && !result[2], "an absent page is absent");
}

/* The low half of the entry is enough: the frames lie below 4 GiB. */
static void test_changed(struct setup *s)
{
	uint64_t entry = pt_entry(&s->pt, second_gva(IN_USE + 63), 1);
	bool good = read_through(s, IN_USE + 52, IN_USE + 60);

	good = good && run(s, BASIC_WRITE, entry, SLOT_GPA + OLD * PAGE_SIZE + USED) &&
	       run(s, BASIC_FLUSH, second_gva(IN_USE + 63), 0);
	tap_ok(good && s->vcpu->shared->result[0] == value_of(OLD),
	       "an entry that the guest changes maps another page");
}

static void test_taken_away(struct setup *s)
{
	uint8_t *mem = (uint8_t *)s->mem;
	bool good = read_through(s, CLEAN + 16, CLEAN + 20);

	must(madvise(mem + (CLEAN + 22) * PAGE_SIZE, PAGE_SIZE, MADV_DONTNEED));
	tap_ok(good && reads(s, CLEAN + 22, 0) && reads(s, CLEAN + 23, value_of(CLEAN + 23)),
	       "a page that the host takes away is gone");
}

static void test_dirty_log(struct setup *s)
{
	uint64_t bits[LOG_WORDS];
	struct kvm_dirty_log log = { .slot = SLOT, .dirty_bitmap = bits };
	struct vm *vm = s->vcpu->vm;
	bool good;

	must(vm_set_slot(vm, SLOT, KVM_MEM_LOG_DIRTY_PAGES, SLOT_GPA, PAGES * PAGE_SIZE, s->mem));
	good = read_through(s, IN_USE, IN_USE + 16);
	must(xioctl(vm->fd, KVM_GET_DIRTY_LOG, &log));
	tap_ok(good && !bits[0], "pages mapped ahead are not logged");
	good = run(s, BASIC_WRITE, second_gva(IN_USE + 5), value_of(IN_USE + 5));
	must(xioctl(vm->fd, KVM_GET_DIRTY_LOG, &log));
	tap_ok(good && bits[0] == 1ULL << 5, "but those that are written");
}

static void test_mode(enum guest_mode mode)
{
	struct setup s = { .mode = mode };

	create(&s);
	test_in_use(&s);
	test_accessed(&s);
	test_clean(&s);
	test_absent(&s);
	test_changed(&s);
	test_taken_away(&s);
	test_dirty_log(&s);
	guest_destroy(s.vcpu);
}

int main(void)
{
	tap_start("prefetch", 120);
	test_mode(MODE_PSE);
	test_mode(MODE_PAE);
	test_mode(MODE_LONG);
	return tap_done();
}
