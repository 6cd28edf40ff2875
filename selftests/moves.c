// SPDX-License-Identifier: GPL-2.0
/*
 * vCPUs that turn paging on and off while others never page, all over the same page tables, and the
 * host moves their memory about meanwhile. Shadow paging of Umbra moves such a vCPU between its
 * tables and EPT each time.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/memguest.h"
#include "guest/moves.h"

#define CR4_PSE		BIT(4)
#define CR4_PAE		BIT(5)
#define CR4_OSFXSR	BIT(9)
#define EFER_LME	BIT(8)
#define STOP_GPA	SCRATCH_GPA
#define SIZE		(MAX_VCPUS * MOVES_PAGES * PAGE_SIZE)
#define BLOWS		16

struct party {
	struct vm *vm;
	struct vcpu *vcpu[MAX_VCPUS];
	pthread_t thread[MAX_VCPUS];
	int outcome[MAX_VCPUS];
	unsigned int vcpus;
	uint8_t *mem;
};

struct runner {
	struct party *p;
	unsigned int id;
};

static uint64_t page_of(uint64_t gpa)
{
	return gpa & ~(PAGE_SIZE - 1);
}

/* A vCPU without paging that finds all it needs in its arguments. Returns the next free page. */
static uint64_t add_vcpu(struct party *p, unsigned int id, enum guest_mode mode, uint64_t next,
			 uint64_t flags)
{
	struct vcpu *vcpu = vcpu_create(p->vm, id);
	struct kvm_sregs sregs;
	struct pgtable pt;

	p->vcpu[id] = vcpu;
	vcpu_set_mode(vcpu, MODE_PROT);
	must(xioctl(vcpu->fd, KVM_GET_SREGS, &sregs));
	sregs.efer = mode == MODE_LONG ? EFER_LME : 0;
	must(xioctl(vcpu->fd, KVM_SET_SREGS, &sregs));
	pt_init(&pt, p->vm, mode, next);
	pt_identity(&pt);
	pt_map(&pt, MOVES_GVA, MOVES_GPA, PTE_P | PTE_W, 1);
	vcpu->shared->arg[MOVES_ARG_STOP] = STOP_GPA;
	vcpu->shared->arg[MOVES_ARG_FLAGS] = flags;
	vcpu->shared->arg[MOVES_ARG_ROOT] = pt.root;
	vcpu->shared->arg[MOVES_ARG_CR4] = CR4_OSFXSR | (mode == MODE_PSE ? CR4_PSE : CR4_PAE);
	vcpu->shared->arg[MOVES_ARG_PDE] = pt_entry(&pt, MOVES_GVA, 2);
	vcpu->shared->arg[MOVES_ARG_ENTRY_SIZE] = pt_entry_size(mode);
	return pt.next;
}

/* All link the two tables that vCPU 0 came with and a free page. */
static void share_tables(struct party *p, uint64_t next)
{
	unsigned int size = p->vcpu[0]->shared->arg[MOVES_ARG_ENTRY_SIZE], i;
	uint64_t pde = 0;

	memcpy(&pde, p->vm->mem + p->vcpu[0]->shared->arg[MOVES_ARG_PDE], size);
	memset(p->vm->mem + next, 0, PAGE_SIZE);
	for (i = 0; i < p->vcpus; i++) {
		memcpy(p->vm->mem + p->vcpu[i]->shared->arg[MOVES_ARG_PDE], &pde, size);
		p->vcpu[i]->shared->arg[MOVES_ARG_TABLE] = page_of(pde);
		p->vcpu[i]->shared->arg[MOVES_ARG_TABLE_B] = next;
	}
}

static struct party create(enum guest_mode mode, unsigned int vcpus, bool all, uint64_t flags)
{
	struct party p = { .vm = vm_create(), .vcpus = vcpus, .mem = aligned_pages(SIZE, SIZE_2M) };
	uint64_t next = TABLES_GPA;
	unsigned int i;

	vm_load(p.vm, "moves", MODE_PROT);
	must(vm_set_slot(p.vm, MEM_SLOT, 0, MOVES_GPA, SIZE, p.mem));
	for (i = 0; i < vcpus; i++)
		next = add_vcpu(&p, i, mode, next, flags | (all || !i ? MOVES_TURNS : 0));
	share_tables(&p, next);
	return p;
}

static void destroy(struct party *p)
{
	unsigned int i;

	for (i = 0; i < p->vcpus; i++)
		vcpu_destroy(p->vcpu[i]);
	vm_destroy(p->vm);
	munmap(p->mem, SIZE);
}

static void *run(void *arg)
{
	struct runner *r = arg;
	struct vcpu *vcpu = r->p->vcpu[r->id];
	int outcome = guest_start_op(vcpu, 0);

	while (outcome == -EFAULT || outcome == -EINTR) {
		usleep(100);
		outcome = guest_run(vcpu);
	}
	WRITE_ONCE(r->p->outcome[r->id], outcome);
	free(r);
	return NULL;
}

static void start(struct party *p)
{
	struct runner *r;
	unsigned int i;

	vm_write32(p->vm, STOP_GPA, 0);
	for (i = 0; i < p->vcpus; i++) {
		r = malloc(sizeof(*r));
		*r = (struct runner){ p, i };
		pthread_create(&p->thread[i], NULL, run, r);
	}
}

static bool stop(struct party *p)
{
	bool good = true;
	unsigned int i;

	vm_write32(p->vm, STOP_GPA, 1);
	for (i = 0; i < p->vcpus; i++) {
		pthread_join(p->thread[i], NULL);
		guest_report(p->vcpu[i], p->outcome[i]);
		good &= p->outcome[i] == GUEST_DONE;
	}
	return good;
}

/* Two more rounds of every vCPU, in twenty seconds at most. */
static bool progress(struct party *p)
{
	uint64_t before[MAX_VCPUS];
	unsigned int i, tries = 0;

	for (i = 0; i < p->vcpus; i++)
		before[i] = READ_ONCE(p->vcpu[i]->shared->result[0]);
	for (i = 0; i < p->vcpus; i++) {
		while (READ_ONCE(p->vcpu[i]->shared->result[0]) < before[i] + 2 &&
		       !READ_ONCE(p->outcome[i]) && tries++ < 100000)
			usleep(200);
		if (READ_ONCE(p->vcpu[i]->shared->result[0]) < before[i] + 2) {
			tap_diag("vCPU %u is stuck in round %llu", i,
				 (unsigned long long)before[i]);
			return false;
		}
	}
	return true;
}

static void protect(struct party *p, int protection)
{
	must(mprotect(p->mem, SIZE / 2, protection));
	usleep(500);
	must(mprotect(p->mem, SIZE / 2, PROT_READ | PROT_WRITE));
}

/* The child writes to all that it shares: tables, code, and what the guest works on. */
static void fork_and_write(struct party *p)
{
	pid_t pid = fork();

	if (!pid) {
		memset(p->mem, 0xcc, SIZE);
		memset(p->vm->mem + TABLES_GPA, 0xcc, TABLES_END - TABLES_GPA);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

/* The same memory in a second place: all that is mapped is dropped when it goes. */
static void alias(struct party *p)
{
	must(vm_set_slot(p->vm, MEM_SLOT + 1, 0, MOVES_GPA + SIZE, SIZE, p->mem));
	must(vm_set_slot(p->vm, MEM_SLOT + 1, 0, 0, 0, NULL));
}

static void log_for_a_while(struct party *p)
{
	must(vm_set_slot(p->vm, MEM_SLOT, KVM_MEM_LOG_DIRTY_PAGES, MOVES_GPA, SIZE, p->mem));
	usleep(500);
	must(vm_set_slot(p->vm, MEM_SLOT, 0, MOVES_GPA, SIZE, p->mem));
}

/* Of the guest's memory, and of its page tables. */
static void blow(struct party *p, unsigned int i)
{
	switch (i % 8) {
	case 0:
		must(madvise(p->mem, SIZE, MADV_DONTNEED));
		break;
	case 1:
		fork_and_write(p);
		break;
	case 2:
		madvise(p->mem, SIZE, MADV_PAGEOUT);
		madvise(p->vm->mem + TABLES_GPA, TABLES_END - TABLES_GPA, MADV_PAGEOUT);
		break;
	case 3:
		protect(p, PROT_READ);
		break;
	case 4:
		alias(p);
		break;
	case 5:
		protect(p, PROT_NONE);
		break;
	case 6:
		log_for_a_while(p);
		break;
	case 7:
		sys_write("/proc/self/clear_refs", "1");
		break;
	}
}

static void test_moves(enum guest_mode mode, unsigned int vcpus, bool all, bool storm)
{
	struct party p = create(mode, vcpus, all, storm ? MOVES_LOSES : 0);
	bool good = true;
	unsigned int i;

	start(&p);
	for (i = 0; good && i < BLOWS; i++) {
		if (storm)
			blow(&p, i);
		good = progress(&p);
	}
	good &= stop(&p);
	tap_ok(good, "unpaged to %s and back, %s of %u vCPUs%s", mode_name(mode),
	       all ? "each" : "one", vcpus, storm ? ", while the host moves their memory" : "");
	destroy(&p);
}

int main(void)
{
	static const enum guest_mode modes[] = { MODE_PSE, MODE_PAE, MODE_LONG };
	unsigned int i, vcpus;

	tap_start("moves", 300);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		test_moves(modes[i], 2, false, false);
		for (vcpus = 2; vcpus <= MAX_VCPUS; vcpus += 2) {
			test_moves(modes[i], vcpus, false, true);
			test_moves(modes[i], vcpus, true, true);
		}
	}
	return tap_done();
}
