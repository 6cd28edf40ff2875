// SPDX-License-Identifier: GPL-2.0
/*
 * Flushes that no guest misses in the lab, whose emulator caches little: they are counted, and
 * lab/run --tlb stale looks for translations that outlive their pages.
 */
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/memguest.h"
#include "lib/stats.h"
#include "guest/basic.h"

#define PAGES		16UL
#define OLD_PAGE	2UL
#define NEW_PAGE	3UL
#define OLD_VALUE	0x0151
#define NEW_VALUE	0x0ace
#define ONE_GVA		0x80000000UL
#define LARGE_GPA	0x400000UL	/* RAM that nothing else uses */
#define CR0_PG		BIT(31)
#define FLAG_IF		BIT(9)

/*
 * A guest that changes a page-table entry and does not flush may go on with the old page, as long
 * as it is the guest's: once the host takes the page, or asks for writes to it, that ends.
 */
struct owed {
	struct memguest m;
	uint64_t pte;		/* gpa of the one entry behind both addresses */
	uint64_t other_gva;
};

static int read_gva(struct owed *o, uint64_t op, uint64_t gva)
{
	o->m.vcpu[0]->shared->arg[0] = gva;
	return guest_start_op(o->m.vcpu[0], op);
}

static bool reads(struct owed *o, uint64_t op, uint64_t gva, uint32_t want)
{
	return read_gva(o, op, gva) == GUEST_DONE && mem_result(&o->m) == want;
}

static int write_gva(struct owed *o, uint64_t gva, uint32_t value)
{
	o->m.vcpu[0]->shared->arg[1] = value;
	return read_gva(o, BASIC_WRITE, gva);
}

/* One table of 4K entries under two level-2 entries: INVLPG of one address leaves the other. */
static struct owed create(void)
{
	struct owed o = { .m = mem_create(1, PAGES * PAGE_SIZE) };
	struct pgtable pt = { o.m.vm, MODE_LONG, 0, TABLES_END - 8 * PAGE_SIZE };
	uint64_t flags = PTE_P | PTE_W | PTE_A | PTE_D;
	struct kvm_sregs sregs;

	must(xioctl(o.m.vcpu[0]->fd, KVM_GET_SREGS, &sregs));
	pt.root = sregs.cr3;
	o.other_gva = ONE_GVA + pt_page_size(MODE_LONG, 2);
	o.pte = pt_map(&pt, ONE_GVA, MEM_GPA + OLD_PAGE * PAGE_SIZE, flags, 1);
	pt_map(&pt, o.other_gva, 0, 0, 1);
	pt_write(&pt, pt_entry(&pt, o.other_gva, 2), pt_read(&pt, pt_entry(&pt, ONE_GVA, 2)));
	mem_host_write(&o.m, OLD_PAGE, OLD_VALUE);
	mem_host_write(&o.m, NEW_PAGE, NEW_VALUE);
	return o;
}

/* The guest moves the entry to the other page and flushes only one of the addresses. */
static void change(struct owed *o)
{
	uint32_t pte = MEM_GPA + NEW_PAGE * PAGE_SIZE;

	tap_ok(write_gva(o, o->other_gva, OLD_VALUE) == GUEST_DONE &&
	       reads(o, BASIC_READ, ONE_GVA, OLD_VALUE), "the guest uses a page at two addresses");
	tap_eq(write_gva(o, o->pte, pte | PTE_P | PTE_W | PTE_A | PTE_D), GUEST_DONE,
	       "it puts another page there");
	tap_ok(reads(o, BASIC_FLUSH, ONE_GVA, NEW_VALUE), "and flushes the first address");
}

static uint64_t flush_count(const struct memguest *m)
{
	return stat_value(m->vm->fd, "remote_tlb_flush");
}

static void expect_flush(const struct memguest *m, uint64_t before, const char *what)
{
	if (dev_is_umbra())
		tap_ok(flush_count(m) > before, "%s: all vCPUs are flushed", what);
	else
		tap_skip("KVM may have flushed before", "%s", what);
}

static void test_taken(void)
{
	struct owed o = create();
	uint64_t flushes;

	change(&o);
	flushes = flush_count(&o.m);
	must(vm_set_slot(o.m.vm, MEM_SLOT + 1, 0, MEM_GPA + o.m.size, PAGE_SIZE, o.m.mem));
	must(madvise(o.m.mem + OLD_PAGE * PAGE_SIZE, PAGE_SIZE, MADV_DONTNEED));
	expect_flush(&o.m, flushes, "another slot comes, and the host takes the old page");
	tap_ok(reads(&o, BASIC_READ, o.other_gva, NEW_VALUE),
	       "the guest finds the new one at the second address");
	mem_unmap(&o.m);
}

static uint64_t dirty_log(struct owed *o)
{
	uint64_t bits = 0;
	struct kvm_dirty_log log = { .slot = MEM_SLOT, .dirty_bitmap = &bits };

	must(xioctl(o->m.vm->fd, KVM_GET_DIRTY_LOG, &log));
	return bits;
}

static void test_logged(void)
{
	struct owed o = create();
	uint64_t flushes;

	must(vm_set_slot(o.m.vm, MEM_SLOT, KVM_MEM_LOG_DIRTY_PAGES, MEM_GPA, o.m.size, o.m.mem));
	change(&o);
	flushes = flush_count(&o.m);
	/* KVM may name the new page, too: it maps writable what the guest's entry says is dirty. */
	tap_ok(dirty_log(&o) & BIT(OLD_PAGE), "the log has the write to the old page");
	expect_flush(&o.m, flushes, "and is read");
	tap_eq(write_gva(&o, o.other_gva, 1), GUEST_DONE, "the guest writes at the second address");
	tap_eq(dirty_log(&o), 1 << NEW_PAGE, "the log has the new page");
	tap_eq(mem_host_read(&o.m, OLD_PAGE), OLD_VALUE, "the old one is as it was");
	mem_unmap(&o.m);
}

/*
 * The log takes the right to write to the changed table, so no load of CR3 has to; INVLPG of one
 * address does not stand for the flush of the other, which the guest asks for by that load.
 */
static void test_reloaded(void)
{
	struct owed o = create();
	uint32_t pte = MEM_GPA + NEW_PAGE * PAGE_SIZE;
	struct vm *vm = o.m.vm;

	tap_ok(reads(&o, BASIC_READ, ONE_GVA, OLD_VALUE) &&
	       reads(&o, BASIC_READ, o.other_gva, OLD_VALUE), "the guest uses a page again");
	tap_eq(write_gva(&o, o.pte, pte | PTE_P | PTE_W | PTE_A | PTE_D), GUEST_DONE,
	       "it puts another there");
	must(vm_set_slot(vm, 0, KVM_MEM_LOG_DIRTY_PAGES, 0, vm->mem_size, vm->mem));
	tap_eq(read_gva(&o, BASIC_READ, o.other_gva), GUEST_DONE, "and reads one of them");
	tap_ok(reads(&o, BASIC_FLUSH, ONE_GVA, NEW_VALUE), "it flushes the first address");
	tap_ok(reads(&o, BASIC_RELOAD, o.other_gva, NEW_VALUE),
	       "it loads CR3: the new page is at the second address");
	mem_unmap(&o.m);
}

/* The host looks whether a page is in use and, as it was, keeps it. */
static void test_aged(void)
{
	struct memguest m = mem_create(1, PAGES * PAGE_SIZE);
	uint64_t flushes;

	mem_touch(&m, 0, PAGES);
	flushes = flush_count(&m);
	must(madvise(m.mem, PAGE_SIZE, MADV_PAGEOUT));
	expect_flush(&m, flushes, "the host asks whether a page was used");
	tap_eq(mem_read(&m, 1), GUEST_DONE, "and the guest goes on");
	mem_unmap(&m);
}

/* The host sets the guest's registers to another address space. */
static void test_root_set(void)
{
	struct owed o = create();
	struct kvm_sregs sregs;
	struct pgtable other;

	pt_init(&other, o.m.vm, MODE_LONG, LARGE_GPA);
	pt_identity(&other);
	pt_map(&other, ONE_GVA, MEM_GPA + NEW_PAGE * PAGE_SIZE, PTE_P | PTE_W, 1);
	tap_ok(reads(&o, BASIC_READ, ONE_GVA, OLD_VALUE), "the guest reads a page");
	must(xioctl(o.m.vcpu[0]->fd, KVM_GET_SREGS, &sregs));
	sregs.cr3 = other.root;
	must(xioctl(o.m.vcpu[0]->fd, KVM_SET_SREGS, &sregs));
	tap_ok(reads(&o, BASIC_READ, ONE_GVA, NEW_VALUE), "and after KVM_SET_SREGS another");
	mem_unmap(&o.m);
}

/* A vCPU whose paging the host turns on and off; shadow paging uses EPT without it. */
struct paged {
	struct vcpu *vcpu;
	struct kvm_sregs on, off;
};

static struct paged paged_create(void)
{
	struct paged p = { .vcpu = guest_create("basic", MODE_PSE) };

	must(xioctl(p.vcpu->fd, KVM_GET_SREGS, &p.on));
	p.off = p.on;
	p.off.cr0 &= ~CR0_PG;
	return p;
}

static void set_sregs(struct paged *p, struct kvm_sregs *sregs)
{
	must(xioctl(p->vcpu->fd, KVM_SET_SREGS, sregs));
}

static bool scratch_reads(struct paged *p, struct kvm_sregs *sregs, uint32_t want)
{
	set_sregs(p, sregs);
	p->vcpu->shared->arg[0] = SCRATCH_GPA;
	return guest_start_op(p->vcpu, BASIC_READ) == GUEST_DONE &&
	       p->vcpu->shared->result[0] == want;
}

static void take_scratch(struct paged *p)
{
	must(madvise(p->vcpu->vm->mem + SCRATCH_GPA, PAGE_SIZE, MADV_DONTNEED));
}

/* The page goes while the guest does not page; then paging is on again, with the same tables. */
static void test_taken_unpaged(void)
{
	struct paged p = paged_create();

	vm_write32(p.vcpu->vm, SCRATCH_GPA, OLD_VALUE);
	p.vcpu->shared->arg[0] = SCRATCH_GPA;
	tap_eq(guest_start_op(p.vcpu, BASIC_UNPAGED), GUEST_SYNC, "a guest turns its paging off");
	take_scratch(&p);
	tap_eq(guest_run(p.vcpu), GUEST_DONE, "the host takes a page, paging is turned on again");
	tap_eq(p.vcpu->shared->result[1], OLD_VALUE, "before, the guest read what was there");
	tap_eq(p.vcpu->shared->result[0], 0, "after, nothing");
	guest_destroy(p.vcpu);
}

/* KVM_RUN loads what the registers ask for, and returns before an entry. */
static void run_without_entry(struct paged *p)
{
	struct kvm_regs regs;

	must(xioctl(p->vcpu->fd, KVM_GET_REGS, &regs));
	regs.rflags |= FLAG_IF;
	must(xioctl(p->vcpu->fd, KVM_SET_REGS, &regs));
	p->vcpu->run->request_interrupt_window = 1;
	must(vcpu_run(p->vcpu));
	tap_eq(p->vcpu->run->exit_reason, KVM_EXIT_IRQ_WINDOW_OPEN, "KVM_RUN enters nothing");
	p->vcpu->run->request_interrupt_window = 0;
	must(xioctl(p->vcpu->fd, KVM_GET_REGS, &regs));
	regs.rflags &= ~(uint64_t)FLAG_IF;
	must(xioctl(p->vcpu->fd, KVM_SET_REGS, &regs));
}

/* The same the other way round, and the paging guest never runs. */
static void test_taken_between(void)
{
	struct paged p = paged_create();

	vm_write32(p.vcpu->vm, SCRATCH_GPA, OLD_VALUE);
	tap_ok(scratch_reads(&p, &p.off, OLD_VALUE), "a guest without paging reads a page");
	set_sregs(&p, &p.on);
	run_without_entry(&p);
	take_scratch(&p);
	run_without_entry(&p);
	tap_ok(scratch_reads(&p, &p.off, 0), "the host has taken the page: the guest sees that");
	guest_destroy(p.vcpu);
}

static void run_on(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	must(sched_setaffinity(0, sizeof(set), &set));
}

/* The page goes while the vCPU is elsewhere; then it comes back to what its first CPU cached. */
static void test_moved(void)
{
	struct memguest m;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		tap_skip("one CPU", "a vCPU that moves among CPUs");
		return;
	}
	m = mem_create(1, PAGES * PAGE_SIZE);
	mem_host_write(&m, 0, OLD_VALUE);
	run_on(0);
	tap_ok(mem_reads(&m, 0, OLD_VALUE), "a vCPU reads a page");
	run_on(1);
	tap_ok(mem_reads(&m, 1, 0), "on another CPU it reads another");
	must(madvise(m.mem, PAGE_SIZE, MADV_DONTNEED));
	tap_ok(mem_reads(&m, 1, 0), "the host takes the first");
	run_on(0);
	tap_ok(mem_reads(&m, 0, 0), "back on its first CPU the vCPU sees that");
	mem_unmap(&m);
}

int main(void)
{
	tap_start("flushes", 60);
	test_taken();
	test_logged();
	test_reloaded();
	test_aged();
	test_root_set();
	test_taken_unpaged();
	test_taken_between();
	test_moved();
	return tap_done();
}
