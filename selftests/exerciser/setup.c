// SPDX-License-Identifier: GPL-2.0
/* Builds and takes down the VM of one run: slots, the identity map, vCPUs, the models. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "exerciser.h"

#define HUGE_SIZE	0x200000UL

/* Shared memory keeps its content when it is taken out of the process's tables. */
static void map_arena(struct ex_arena *arena, bool shmem)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	int fd = -1;

	if (shmem) {
		flags = MAP_SHARED;
		fd = must(memfd_create("arena", MFD_CLOEXEC));
		must(ftruncate(fd, EX_ARENA_SIZE + HUGE_SIZE));
	}
	arena->shmem = shmem;
	arena->size = EX_ARENA_SIZE + HUGE_SIZE;
	arena->mapping = mmap(NULL, arena->size, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (arena->mapping == MAP_FAILED)
		tap_bail("no memory for an arena");
	if (shmem)
		close(fd);
	arena->mem = (void *)(((uintptr_t)arena->mapping + HUGE_SIZE - 1) & -HUGE_SIZE);
}

static void *zeroed(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory)
		tap_bail("no memory for the model");
	return memory;
}

static void setup_arena(struct ex_run *run, unsigned int i)
{
	struct ex_arena *arena = &run->arena[i];

	arena->gpa = EX_ARENA_GPA + i * EX_ARENA_SIZE;
	map_arena(arena, run->o.seed >> i & 1);
	arena->model = zeroed(EX_ARENA_SIZE);
	arena->changed = zeroed(EX_PAGES * sizeof(*arena->changed));
	arena->widened = zeroed(EX_PAGES * sizeof(*arena->widened));
	arena->maybe = zeroed(EX_PAGES * sizeof(*arena->maybe));
	must(vm_set_slot(run->vm, 1 + i, 0, arena->gpa, EX_ARENA_SIZE, arena->mem));
}

/* A and D from the beginning: nobody has to set them. */
static void set_accessed(struct pgtable *pt)
{
	uint64_t gpa, first = pt->root + (pt->mode == MODE_PAE ? PAGE_SIZE : 0);

	for (gpa = first; gpa < pt->next; gpa += pt_entry_size(pt->mode)) {
		uint64_t pte = pt_read(pt, gpa);

		if (pte & PTE_P)
			pt_write(pt, gpa, pte | PTE_A | PTE_D);
	}
}

/* Of slot 0 as far as it is used, and the arenas; returns the next free page. */
static uint64_t identity_map(struct vm *vm, enum guest_mode mode, uint64_t next, uint64_t *root)
{
	struct pgtable pt;
	uint64_t gpa;

	pt_init(&pt, vm, mode, next);
	for (gpa = 0; gpa < EX_RAM_END; gpa += PAGE_SIZE) {
		bool user = gpa >= USER_GPA && gpa < USER_STACK_TOP;

		if (gpa == LOW_END)
			gpa = EX_ARENA_GPA;
		pt_map(&pt, gpa, gpa, PTE_P | PTE_W | (user ? PTE_U : 0), 1);
	}
	set_accessed(&pt);
	if (pt.next > TABLES_END)
		tap_bail("the identity map is too large");
	*root = pt.root;
	return pt.next;
}

static void setup_vcpu(struct ex_run *run, unsigned int i)
{
	struct ex_vcpu *v = &run->vcpu[i];
	struct kvm_sregs sregs;

	v->run = run;
	v->id = i;
	v->own = &run->arena[i];
	v->random = (run->o.seed + 1) * 0x9e3779b97f4a7c15ULL + i * 0x2545f4914f6cdd1dULL;
	v->vcpu = vcpu_create(run->vm, i);
	vcpu_set_mode(v->vcpu, run->o.mode);
	must(xioctl(v->vcpu->fd, KVM_GET_SREGS, &sregs));
	sregs.cr3 = run->fixed_root[0];
	must(xioctl(v->vcpu->fd, KVM_SET_SREGS, &sregs));
	v->script = (void *)(run->vm->mem + CASES_GPA + i * EX_SCRIPT_BYTES);
	v->expect = zeroed(EX_SCRIPT_OPS * sizeof(*v->expect));
	ex_arena_fill(v);
	ex_control_init(v);
	ex_control_root(v, 0);
}

static void ask_features(struct ex_run *run)
{
	run->umbra = dev_is_umbra();
	run->maxphyaddr = cpuid_value(0x80000008, 0, CPUID_EAX) & 0xff;
	run->pse36 = cpuid_has(1, 0, CPUID_EDX, 17);
	run->pcid = cpuid_has(1, 0, CPUID_ECX, 17);
	run->smep = cpuid_has(7, 0, CPUID_EBX, 7);
	run->invpcid = cpuid_has(7, 0, CPUID_EBX, 10);
	run->smap = cpuid_has(7, 0, CPUID_EBX, 20);
	run->nx = cpuid_has(0x80000001, 0, CPUID_EDX, 20);
	run->gbpages = cpuid_has(0x80000001, 0, CPUID_EDX, 26);
}

void ex_setup(struct ex_run *run)
{
	enum guest_mode mode = run->o.mode;
	uint64_t next;
	unsigned int i;

	ask_features(run);
	run->random = (run->o.seed + 1) * 0x2545f4914f6cdd1dULL;
	run->vm = vm_create();
	vm_load(run->vm, "exerciser", mode);
	next = identity_map(run->vm, mode, EX_FIXED_GPA, &run->fixed_root[0]);
	run->fixed_root[1] = run->fixed_root[0];
	if (run->o.mixed)
		identity_map(run->vm, MODE_PAE, next, &run->fixed_root[1]);
	for (i = 0; i < EX_ARENAS; i++)
		setup_arena(run, i);
	for (i = 0; i < run->o.vcpus; i++)
		setup_vcpu(run, i);
	ex_shared_fill(&run->vcpu[0]);
}

void ex_teardown(struct ex_run *run)
{
	unsigned int i;

	for (i = 0; i < run->o.vcpus; i++) {
		vcpu_destroy(run->vcpu[i].vcpu);
		free(run->vcpu[i].expect);
	}
	vm_destroy(run->vm);
	for (i = 0; i < EX_ARENAS; i++) {
		struct ex_arena *arena = &run->arena[i];

		munmap(arena->mapping, arena->size);
		free(arena->model);
		free(arena->changed);
		free(arena->widened);
		free(arena->maybe);
	}
}
