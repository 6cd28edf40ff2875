// SPDX-License-Identifier: GPL-2.0
/* The host's side of random writes to a logged slot; vCPUs run in threads of their own. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dirty.h"

#define HUGE	(2UL << 20)

/* A machine with little memory has huge pages off; needs root, without it there are none. */
static void allow_huge_pages(void)
{
	int fd = open("/sys/kernel/mm/transparent_hugepage/enabled", O_WRONLY);

	if (fd < 0)
		return;
	if (write(fd, "madvise", 7) < 0)
		tap_diag("huge pages stay off");
	close(fd);
}

static uint8_t *window_memory(bool thp)
{
	uint8_t *raw = host_pages(DIRTY_WINDOW + HUGE), *mem;

	if (thp)
		allow_huge_pages();
	mem = (uint8_t *)(((uintptr_t)raw + HUGE - 1) & ~(HUGE - 1));
	madvise(mem, DIRTY_WINDOW, thp ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	return mem;
}

static void map_window(struct dirty_vm *d, enum guest_mode mode, int level)
{
	/* Some CPUs do not get large pages that can be executed. */
	uint64_t flags = PTE_P | PTE_W | (level > 1 && mode >= MODE_PAE ? PTE_NX : 0);
	struct pgtable pt = { .vm = d->vm, .mode = mode, .next = TABLES_END - 16 * PAGE_SIZE };
	struct kvm_sregs sregs;
	uint64_t gpa;
	unsigned int i;

	must(xioctl(d->vcpus[0].vcpu->fd, KVM_GET_SREGS, &sregs));
	pt.root = sregs.cr3;
	for (gpa = DIRTY_GPA; gpa < DIRTY_GPA + DIRTY_WINDOW; gpa += pt_page_size(mode, level))
		pt_map(&pt, gpa, gpa, flags, level);
	/* PAE's root entries are read when CR3 is set. */
	for (i = 0; i < d->nr; i++)
		must(xioctl(d->vcpus[i].vcpu->fd, KVM_SET_SREGS, &sregs));
}

struct dirty_vm *dirty_create(struct vm *vm, unsigned int nr, enum guest_mode mode, int level,
			      bool thp)
{
	struct dirty_vm *d = calloc(1, sizeof(*d));
	unsigned int i;

	d->vm = vm;
	d->nr = nr;
	d->gpa = DIRTY_GPA;
	d->mem = window_memory(thp);
	/* Only the slot's huge pages are to be counted. */
	madvise(vm->mem, vm->mem_size, MADV_NOHUGEPAGE);
	vm_load(vm, "dirty", mode);
	for (i = 0; i < nr; i++) {
		d->vcpus[i].vcpu = vcpu_create(vm, i);
		d->vcpus[i].seed = 12345 + i * 678;
		vcpu_set_mode(d->vcpus[i].vcpu, mode);
	}
	if (mode >= MODE_PSE)
		map_window(d, mode, level);
	must(dirty_set_slot(d, 0));
	return d;
}

void dirty_destroy(struct dirty_vm *d)
{
	unsigned int i;

	for (i = 0; i < d->nr; i++)
		vcpu_destroy(d->vcpus[i].vcpu);
	vm_destroy(d->vm);
	munmap(d->mem, DIRTY_WINDOW);
	free(d);
}

int dirty_set_slot(struct dirty_vm *d, uint32_t flags)
{
	return vm_set_slot(d->vm, DIRTY_SLOT, flags, d->gpa, DIRTY_SIZE, d->mem);
}

void dirty_log_on(struct dirty_vm *d)
{
	must(dirty_set_slot(d, KVM_MEM_LOG_DIRTY_PAGES));
}

void dirty_log_off(struct dirty_vm *d)
{
	must(dirty_set_slot(d, 0));
}

int dirty_manual(struct vm *vm, uint64_t how)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args = { how },
	};

	return xioctl(vm->fd, KVM_ENABLE_CAP, &cap);
}

static void *vcpu_thread(void *arg)
{
	struct dirty_vcpu *v = arg;

	v->outcome = guest_start_op(v->vcpu, v->op);
	/* Whoever reads the rings makes room. */
	while (v->outcome == GUEST_EXIT && v->vcpu->run->exit_reason == KVM_EXIT_DIRTY_RING_FULL) {
		v->full++;
		usleep(1000);
		v->outcome = guest_run(v->vcpu);
	}
	return NULL;
}

static void start(struct dirty_vm *d, uint64_t op, unsigned long first, unsigned long pages,
		  uint64_t extra)
{
	unsigned int i;

	for (i = 0; i < d->nr; i++) {
		struct dirty_vcpu *v = &d->vcpus[i];
		unsigned long long *arg = v->vcpu->shared->arg;

		v->op = op;
		arg[0] = d->gpa + first * PAGE_SIZE;
		arg[1] = pages;
		arg[2] = extra;
		arg[3] = v->seed;
		pthread_create(&v->thread, NULL, vcpu_thread, v);
	}
}

static bool join(struct dirty_vm *d)
{
	bool good = true;
	unsigned int i;

	for (i = 0; i < d->nr; i++) {
		struct dirty_vcpu *v = &d->vcpus[i];

		pthread_join(v->thread, NULL);
		if (v->outcome != GUEST_DONE)
			guest_report(v->vcpu, v->outcome);
		good &= v->outcome == GUEST_DONE;
	}
	return good;
}

static void model_writes(struct dirty_vm *d, struct dirty_vcpu *v, unsigned int count,
			 unsigned long first, unsigned long pages)
{
	while (count--) {
		v->seed = dirty_next(v->seed);
		dirty_set(d->model, first + dirty_page(v->seed, pages));
	}
}

bool dirty_write(struct dirty_vm *d, unsigned int count, unsigned long first, unsigned long pages)
{
	unsigned int i;

	start(d, DIRTY_WRITE, first, pages, count);
	for (i = 0; i < d->nr; i++)
		model_writes(d, &d->vcpus[i], count, first, pages);
	return join(d);
}

bool dirty_all(struct dirty_vm *d, uint64_t op)
{
	start(d, op, 0, DIRTY_PAGES, 0);
	return join(d);
}

void dirty_loop(struct dirty_vm *d)
{
	vm_write32(d->vm, DIRTY_STOP, 0);
	start(d, DIRTY_LOOP, 0, DIRTY_PAGES, DIRTY_STOP);
}

bool dirty_stop(struct dirty_vm *d)
{
	vm_write32(d->vm, DIRTY_STOP, 1);
	return join(d);
}

int dirty_get(struct dirty_vm *d)
{
	struct kvm_dirty_log log = { .slot = DIRTY_SLOT, .dirty_bitmap = d->log };

	return xioctl(d->vm->fd, KVM_GET_DIRTY_LOG, &log);
}

int dirty_clear(struct dirty_vm *d, uint64_t first, uint32_t pages, const uint64_t *bits)
{
	struct kvm_clear_dirty_log log = {
		.slot = DIRTY_SLOT, .first_page = first, .num_pages = pages,
		.dirty_bitmap = (void *)bits,
	};

	return xioctl(d->vm->fd, KVM_CLEAR_DIRTY_LOG, &log);
}

void dirty_fill(uint64_t *bits)
{
	unsigned long page;

	for (page = 0; page < DIRTY_PAGES; page++)
		dirty_set(bits, page);
}

unsigned long dirty_count(const uint64_t *bits)
{
	unsigned long i, n = 0;

	for (i = 0; i < DIRTY_WORDS; i++)
		n += __builtin_popcountll(bits[i]);
	return n;
}

bool dirty_exact(const struct dirty_vm *d)
{
	unsigned long i, lost = 0, extra = 0;

	if (!memcmp(d->model, d->log, sizeof(d->log)))
		return true;
	for (i = 0; i < DIRTY_WORDS; i++) {
		lost += __builtin_popcountll(d->model[i] & ~d->log[i]);
		extra += __builtin_popcountll(d->log[i] & ~d->model[i]);
	}
	for (i = 0; dirty_test(d->model, i) == dirty_test(d->log, i); i++)
		;
	tap_diag("%lu pages should be dirty: %lu are missing, %lu are too many, first page %lu",
		 dirty_count(d->model), lost, extra, i);
	return false;
}
