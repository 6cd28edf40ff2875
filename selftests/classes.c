// SPDX-License-Identifier: GPL-2.0
/*
 * Mistakes that other hypervisors made with guest memory, one test for each class, named after it.
 * Documentation/testing.rst says where the other classes are tried.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/memguest.h"
#include "guest/basic.h"

#define CLASS_REUSE	"shadow page reused under another role, rmap of a gfn that changed"
#define CLASS_TEARDOWN	"notifier against teardown, tables freed before the flush"
#define SIZE		SIZE_2M
#define PAGES		(SIZE / PAGE_SIZE)
#define TABLE_GVA	0x8000000000UL
#define TABLE_GPA	(MEM_GPA + SIZE)
#define TABLE_SLOT	(MEM_SLOT + 1)
#define FEW_TABLES	64		/* the least that KVM_SET_NR_MMU_PAGES takes */
#define MANY_TABLES	48

static int op_on(struct vcpu *vcpu, uint64_t op, uint64_t gva)
{
	vcpu->shared->arg[0] = gva;
	return guest_start_op(vcpu, op);
}

static struct pgtable tables_of(struct memguest *m, unsigned int vcpu)
{
	struct pgtable pt = { m->vm, MODE_LONG, 0, 0x400000 };
	struct kvm_sregs sregs;

	must(xioctl(m->vcpu[vcpu]->fd, KVM_GET_SREGS, &sregs));
	pt.root = sregs.cr3;
	return pt;
}

/* What tells pages apart, and is an entry that maps a page of the low memory. */
static uint32_t mark(unsigned int page)
{
	return page * PAGE_SIZE | PTE_P | PTE_A | PTE_D;
}

/*
 * The table that the guest uses lies in a slot of its own, where nobody sees the host write: what
 * was derived from it no longer fits. No answer of the guest counts until the slot is made anew.
 */
static void test_changed_behind(void)
{
	struct memguest m = mem_create(1, SIZE);
	struct pgtable pt = tables_of(&m, 0);
	uint64_t *table = host_pages(2 * PAGE_SIZE), pde, pdpte;
	bool good = true;
	unsigned int round, i;

	must(vm_set_slot(m.vm, TABLE_SLOT, 0, TABLE_GPA, 2 * PAGE_SIZE, table));
	pt_map(&pt, TABLE_GVA, 0, 0, 1);
	pde = pt_entry(&pt, TABLE_GVA, 2);
	pdpte = pt_entry(&pt, TABLE_GVA, 3);
	pt_write(&pt, pde, TABLE_GPA | PTE_P | PTE_W);
	/* The same page as a table of level 2, whose entries lead back into the slot. */
	pt_write(&pt, pdpte + 8, TABLE_GPA | PTE_P | PTE_W);
	for (i = 0; i < PAGES; i++)
		mem_host_write(&m, i, mark(i));
	for (round = 0; round < 12; round++) {
		for (i = 0; i < 32; i++)
			table[i] = (MEM_GPA + (i + round) % PAGES * PAGE_SIZE) | PTE_P | PTE_W;
		for (i = 0; i < 32; i++) {
			op_on(m.vcpu[0], BASIC_FLUSH, TABLE_GVA + i * PAGE_SIZE);
			op_on(m.vcpu[0], BASIC_TRY_WRITE, TABLE_GVA + i * PAGE_SIZE + 64);
			op_on(m.vcpu[0], BASIC_TRY_READ, TABLE_GVA + SIZE_1G + i * SIZE_2M);
		}
		must(madvise(m.mem + 16 * PAGE_SIZE, 4 * PAGE_SIZE, MADV_COLD));
		must(vm_set_slot(m.vm, TABLE_SLOT, 0, 0, 0, NULL));
		must(vm_set_slot(m.vm, TABLE_SLOT, 0, TABLE_GPA, 2 * PAGE_SIZE, table));
		for (i = 0; i < 32; i++)
			good &= op_on(m.vcpu[0], BASIC_FLUSH, TABLE_GVA + i * PAGE_SIZE) ==
				GUEST_DONE && mem_result(&m) == mark((i + round) % PAGES);
	}
	tap_ok(good, CLASS_REUSE ": tables rewritten behind the guest's back");
	mem_unmap(&m);
	munmap(table, 2 * PAGE_SIZE);
}

/* Each vCPU has a root and more tables below it than the VM may shadow. */
static void test_root_reclaimed(void)
{
	struct memguest m = mem_create(2, SIZE);
	bool good = true;
	unsigned int i, v;

	if (xioctl_val(m.vm->fd, KVM_SET_NR_MMU_PAGES, FEW_TABLES)) {
		tap_skip("no KVM_SET_NR_MMU_PAGES", "root reclaimed while in use");
		mem_unmap(&m);
		return;
	}
	for (v = 0; v < 2; v++) {
		struct pgtable pt;
		struct kvm_sregs sregs;

		pt_init(&pt, m.vm, MODE_LONG, 0x200000 + v * 0x100000);
		pt_identity(&pt);
		for (i = 0; i < MANY_TABLES; i++)
			pt_map(&pt, MEM_GPA + i * SIZE_2M, MEM_GPA + i * PAGE_SIZE, PTE_P | PTE_W,
			       1);
		must(xioctl(m.vcpu[v]->fd, KVM_GET_SREGS, &sregs));
		sregs.cr3 = pt.root;
		must(xioctl(m.vcpu[v]->fd, KVM_SET_SREGS, &sregs));
	}
	m.size = MANY_TABLES * SIZE_2M;
	m.stride = SIZE_2M;
	mem_start(&m, 0);
	for (i = 0; i < 100; i++)
		usleep(1000);
	good = mem_stop(&m);
	tap_ok(good, "root reclaimed while in use: two vCPUs with few tables to share");
	m.size = SIZE;
	mem_unmap(&m);
}

/* The guest changes its own entry, after whatever it was doing has ended. */
static bool guest_sets(struct memguest *m, uint64_t entry, uint64_t pte)
{
	struct vcpu *vcpu = m->vcpu[0];
	int outcome = GUEST_DONE;

	if (vcpu->run->exit_reason == KVM_EXIT_MMIO)
		outcome = guest_run(vcpu);
	vcpu->shared->arg[1] = pte;
	return outcome == GUEST_DONE && op_on(vcpu, BASIC_WRITE, entry) == GUEST_DONE;
}

static bool is_device(struct memguest *m)
{
	return op_on(m->vcpu[0], BASIC_FLUSH, MEM_GPA) == GUEST_EXIT &&
	       m->vcpu[0]->run->exit_reason == KVM_EXIT_MMIO;
}

static bool is_page(struct memguest *m, uint32_t want)
{
	return op_on(m->vcpu[0], BASIC_FLUSH, MEM_GPA) == GUEST_DONE && mem_result(m) == want;
}

/* A page comes under a device, and a device under a page, by the slot and by the guest's table. */
static void test_mmio_over_present(void)
{
	struct memguest m = mem_create(1, SIZE);
	struct pgtable pt = tables_of(&m, 0);
	uint64_t entry = pt_entry(&pt, MEM_GPA, 1), other = MEM_GPA + 2 * SIZE;
	bool good = true;
	unsigned int i;

	for (i = 0; i < 20; i++) {
		mem_host_write(&m, 0, i);
		good &= is_page(&m, i);
		good &= guest_sets(&m, entry, other | PTE_P | PTE_W);
		good &= is_device(&m) && guest_run(m.vcpu[0]) == GUEST_DONE;
		must(vm_set_slot(m.vm, TABLE_SLOT, 0, other, SIZE, m.mem));
		good &= is_page(&m, i);
		must(vm_set_slot(m.vm, TABLE_SLOT, 0, 0, 0, NULL));
		good &= is_device(&m);
		good &= guest_sets(&m, entry, MEM_GPA | PTE_P | PTE_W);
	}
	tap_ok(good, "MMIO or a new pfn over a present entry: RAM and devices take turns");
	mem_unmap(&m);
}

struct worker {
	struct memguest *m;
	bool stop;
	pthread_t thread;
	bool (*work)(struct memguest *m);
};

static void *work(void *arg)
{
	struct worker *w = arg;

	while (!READ_ONCE(w->stop) && w->work(w->m))
		;
	return NULL;
}

static void worker_start(struct worker *w)
{
	pthread_create(&w->thread, NULL, work, w);
}

static void worker_stop(struct worker *w)
{
	WRITE_ONCE(w->stop, true);
	pthread_join(w->thread, NULL);
}

static bool give_back(struct memguest *m)
{
	return !madvise(m->mem, SIZE, MADV_DONTNEED) &&
	       mmap(m->mem + SIZE / 2, SIZE / 2, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}

/* The process changes its memory while the VM that uses it goes away. */
static void test_teardown(void)
{
	uint8_t *mem = aligned_pages(SIZE, SIZE_2M);
	bool good = true;
	unsigned int i;

	for (i = 0; i < 12; i++) {
		struct memguest m = mem_create_over(1, mem, SIZE, 0, 1);
		struct worker w = { .m = &m, .work = give_back };

		worker_start(&w);
		good &= mem_touch(&m, 0, PAGES) == GUEST_DONE;
		if (i % 2)
			must(vm_set_slot(m.vm, MEM_SLOT, 0, 0, 0, NULL));
		mem_destroy(&m);
		worker_stop(&w);
	}
	tap_ok(good, CLASS_TEARDOWN ": memory changes while VMs end");
	munmap(mem, SIZE);
}

static int guest_of_child(int go)
{
	struct memguest m = mem_create(1, SIZE);
	char byte;

	if (mem_touch(&m, 0, PAGES) != GUEST_DONE)
		return 1;
	/* Its own child keeps the files of the VM, and lives until the pipe is closed. */
	if (!fork()) {
		must(read(go, &byte, 1));
		_exit(0);
	}
	return 0;
}

/* The address space ends before the files of its VM do. */
static void test_mm_first(void)
{
	int go[2], status = -1;
	pid_t pid;

	must(pipe(go));
	pid = fork();
	if (!pid) {
		close(go[1]);
		_exit(guest_of_child(go[0]));
	}
	close(go[0]);
	waitpid(pid, &status, 0);
	tap_eq(status, 0, CLASS_TEARDOWN ": the address space ends first");
	close(go[1]);
}

static bool spin(struct memguest *m)
{
	unsigned int i;

	(void)m;
	for (i = 0; i < 100000; i++)
		barrier();
	return true;
}

/*
 * vCPUs that others keep from the CPU miss the moment when a page is taken: they must not come back
 * to it. The host looks for what they write in the page that is there now.
 */
static void test_preempted(void)
{
	struct memguest m = mem_create(2, SIZE);
	struct worker busy[2] = { { .work = spin }, { .work = spin } };
	bool good = true;
	unsigned int i;

	m.stride = 32 * PAGE_SIZE;
	worker_start(&busy[0]);
	worker_start(&busy[1]);
	mem_start(&m, CHURN_LOSES);
	for (i = 0; i < 100; i++) {
		must(madvise(m.mem, SIZE, MADV_DONTNEED));
		if (i % 20 == 0)
			good &= mem_progress(&m);
		usleep(500);
	}
	good &= mem_progress(&m);
	good &= mem_stop(&m);
	worker_stop(&busy[0]);
	worker_stop(&busy[1]);
	tap_ok(good, "lost flush on a preempted vCPU: pages leave while others have the CPU");
	mem_unmap(&m);
}

static void map_tables(void *at, int fd)
{
	if (mmap(at, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
	    MAP_FAILED)
		tap_bail("mmap: %s", strerror(errno));
}

/*
 * Two files in turn hold the guest's table. Once the other one is mapped, nothing may write to the
 * one before any more: its A and D bits stay clear.
 */
static void test_stale_hva(unsigned int round_trips)
{
	struct memguest m = mem_create(1, SIZE);
	struct pgtable pt = tables_of(&m, 0);
	uint64_t *hva = host_pages(PAGE_SIZE), *view[2];
	int fd[2], i, j;
	bool good = true;

	for (i = 0; i < 2; i++) {
		fd[i] = memfd_create("table", 0);
		must(ftruncate(fd[i], PAGE_SIZE));
		view[i] = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd[i], 0);
	}
	map_tables(hva, fd[1]);
	must(vm_set_slot(m.vm, TABLE_SLOT, 0, TABLE_GPA, PAGE_SIZE, hva));
	pt_write(&pt, pt_entry(&pt, MEM_GPA, 2), TABLE_GPA | PTE_P | PTE_W);
	m.stride = 16 * PAGE_SIZE;
	for (i = 0; i < (int)PAGES; i++)
		view[1][i] = (MEM_GPA + i * PAGE_SIZE) | PTE_P | PTE_W;
	mem_start(&m, 0);
	for (i = 0; i < (int)round_trips; i++) {
		for (j = 0; j < (int)PAGES; j++)
			view[i % 2][j] = (MEM_GPA + j * PAGE_SIZE) | PTE_P | PTE_W;
		map_tables(hva, fd[i % 2]);
		/* What is mapped by the table goes, too: all of it is walked again. */
		must(mprotect(m.mem, SIZE, PROT_READ));
		must(mprotect(m.mem, SIZE, PROT_READ | PROT_WRITE));
		for (j = 0; j < (int)PAGES; j++)
			view[!(i % 2)][j] = (MEM_GPA + j * PAGE_SIZE) | PTE_P | PTE_W;
		good &= mem_progress(&m);
		for (j = 0; j < (int)PAGES; j++)
			good &= !(view[!(i % 2)][j] & (PTE_A | PTE_D));
	}
	good &= mem_stop(&m);
	tap_ok(good, "A/D update through a stale hva: a table's memory is replaced");
	for (i = 0; i < 2; i++) {
		munmap(view[i], PAGE_SIZE);
		close(fd[i]);
	}
	munmap(hva, PAGE_SIZE);
	mem_unmap(&m);
}

int main(void)
{
	tap_start("classes", 200);
	test_changed_behind();
	test_root_reclaimed();
	test_mmio_over_present();
	test_teardown();
	test_mm_first();
	test_preempted();
	test_stale_hva(20);
	return tap_done();
}
