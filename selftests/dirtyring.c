// SPDX-License-Identifier: GPL-2.0
/*
 * Dirty rings: what guests, and the emulator for them, write is pushed until the entry is given
 * back; a full ring stops its vCPU; what userspace writes into a ring hurts nobody but itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/dirty.h"

#define MAX_BYTES	0x100000UL
#define BIG		0x10000UL	/* more entries than the slot has pages */
#define SMALL		0x4000UL	/* the smallest ring beside PML */
#define ROUNDS		6
#define WRITES		500
#define DEVICE_GPA	(DIRTY_GPA + DIRTY_SIZE)	/* in the window, in no slot */
#define RING_OFFSET	(KVM_DIRTY_LOG_PAGE_OFFSET * PAGE_SIZE)

struct ring {
	struct kvm_dirty_gfn *gfns;
	uint32_t size, next;
};

struct rings {
	struct dirty_vm *d;
	size_t bytes;
	struct ring ring[MAX_VCPUS];
};

static int enable(struct vm *vm, uint64_t bytes)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_DIRTY_LOG_RING, .args = { bytes } };

	return xioctl(vm->fd, KVM_ENABLE_CAP, &cap);
}

static int reset(struct rings *r)
{
	return xioctl_val(r->d->vm->fd, KVM_RESET_DIRTY_RINGS, 0);
}

static struct rings *rings_create(unsigned int nr, enum guest_mode mode, size_t bytes)
{
	struct rings *r = calloc(1, sizeof(*r));
	struct vm *vm = vm_create();
	unsigned int i;

	must(enable(vm, bytes));
	r->d = dirty_create(vm, nr, mode, 1, false);
	r->bytes = bytes;
	for (i = 0; i < nr; i++) {
		void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
				r->d->vcpus[i].vcpu->fd, RING_OFFSET);

		if (at == MAP_FAILED)
			tap_bail("mmap of a ring: %s", strerror(errno));
		r->ring[i].gfns = at;
		r->ring[i].size = bytes / sizeof(struct kvm_dirty_gfn);
	}
	/* Mapped before it is logged, so that a read needs no fault. */
	if (!dirty_all(r->d, DIRTY_TOUCH))
		tap_bail("the vCPUs do not run");
	dirty_log_on(r->d);
	return r;
}

static void rings_destroy(struct rings *r)
{
	unsigned int i;

	for (i = 0; i < r->d->nr; i++)
		munmap(r->ring[i].gfns, r->bytes);
	dirty_destroy(r->d);
	free(r);
}

/* Add a ring's new entries to the log; how many, or -1 if one is wrong. */
static int collect(struct rings *r, struct ring *ring)
{
	int n = 0;

	for (;; n++, ring->next++) {
		struct kvm_dirty_gfn *e = &ring->gfns[ring->next % ring->size];

		if (!(__atomic_load_n(&e->flags, __ATOMIC_ACQUIRE) & KVM_DIRTY_GFN_F_DIRTY))
			return n;
		if (e->slot != DIRTY_SLOT || e->offset >= DIRTY_PAGES) {
			tap_diag("entry %u: slot %#x offset %#llx", ring->next, e->slot,
				 (unsigned long long)e->offset);
			return -1;
		}
		dirty_set(r->d->log, e->offset);
		__atomic_store_n(&e->flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
	}
}

static int collect_all(struct rings *r)
{
	unsigned int i;
	int n, sum = 0;

	for (i = 0; i < r->d->nr; i++) {
		n = collect(r, &r->ring[i]);
		if (n < 0)
			return -1;
		sum += n;
	}
	return sum;
}

/* The rings hold what the model says, and all is given back. */
static bool take(struct rings *r)
{
	bool good;
	int n;

	memset(r->d->log, 0, sizeof(r->d->log));
	n = collect_all(r);
	good = n >= 0 && dirty_exact(r->d);
	if (reset(r) != n) {
		tap_diag("RESET did not give back %d entries", n);
		good = false;
	}
	memset(r->d->model, 0, sizeof(r->d->model));
	return good;
}

static void test_enable(void)
{
	static const unsigned int caps[] = {
		KVM_CAP_DIRTY_LOG_RING, KVM_CAP_DIRTY_LOG_RING_ACQ_REL,
	};
	struct vm *vm = vm_create();
	struct vcpu *vcpu;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(caps); i++)
		tap_eq(xioctl_val(vm->fd, KVM_CHECK_EXTENSION, caps[i]), MAX_BYTES,
		       "the capability says how large a ring may be");
	tap_eq(xioctl_val(vm->fd, KVM_RESET_DIRTY_RINGS, 0), -EINVAL, "RESET without rings");
	tap_eq(enable(vm, 0), -EINVAL, "a ring of no size");
	tap_eq(enable(vm, 3 * SMALL), -EINVAL, "of a size that is no power of 2");
	tap_eq(enable(vm, 2048), -EINVAL, "below a page");
	tap_eq(enable(vm, 2 * MAX_BYTES), -E2BIG, "above the largest");
	tap_eq(enable(vm, 1ULL << 32), -EINVAL, "of 4 GiB, which is nothing in 32 bits");
	vcpu = vcpu_create(vm, 0);
	tap_eq(enable(vm, BIG), -EINVAL, "with a vCPU there");
	vcpu_destroy(vcpu);
	vm_destroy(vm);
	vm = vm_create();
	tap_eq(enable(vm, MAX_BYTES), 0, "the largest ring");
	tap_eq(enable(vm, MAX_BYTES), -EINVAL, "once only");
	vm_destroy(vm);
}

static int try_mmap(struct rings *r, int prot, int flags, size_t offset)
{
	void *at = mmap(NULL, PAGE_SIZE, prot, flags, r->d->vcpus[0].vcpu->fd, offset);

	if (at == MAP_FAILED)
		return -errno;
	munmap(at, PAGE_SIZE);
	return 0;
}

static void test_errors(void)
{
	struct rings *r = rings_create(1, MODE_LONG, BIG);
	struct kvm_dirty_log log = { .slot = 0xffff, .dirty_bitmap = r->d->log };
	int rw = PROT_READ | PROT_WRITE;

	tap_eq(dirty_get(r->d), -ENXIO, "GET_DIRTY_LOG beside a ring");
	tap_eq(xioctl(r->d->vm->fd, KVM_GET_DIRTY_LOG, &log), -ENXIO, "also of no slot");
	tap_eq(dirty_clear(r->d, 1, 64, r->d->log), -ENXIO, "CLEAR_DIRTY_LOG beside a ring");
	tap_eq(try_mmap(r, rw, MAP_SHARED, RING_OFFSET), 0, "a page of the ring");
	tap_eq(try_mmap(r, rw, MAP_PRIVATE, RING_OFFSET), -EINVAL, "a private copy of it");
	tap_eq(try_mmap(r, rw | PROT_EXEC, MAP_SHARED, RING_OFFSET), -EINVAL, "executable");
	tap_eq(try_mmap(r, rw | PROT_EXEC, MAP_SHARED, RING_OFFSET + BIG - PAGE_SIZE), -EINVAL,
	       "its last page, executable");
	tap_eq(try_mmap(r, rw | PROT_EXEC, MAP_SHARED, RING_OFFSET + BIG), 0,
	       "behind it there is nothing to refuse");
	tap_eq(reset(r), 0, "RESET of an empty ring");
	rings_destroy(r);
}

static void test_exact(unsigned int nr, enum guest_mode mode)
{
	struct rings *r = rings_create(nr, mode, BIG);
	const char *name = mode_name(mode);
	bool good = true;
	int i;

	tap_ok(take(r), "%s, %u vCPUs: at first the rings are empty", name, nr);
	for (i = 0; i < ROUNDS; i++) {
		good &= dirty_write(r->d, WRITES, 0, DIRTY_PAGES);
		good &= take(r);
	}
	tap_ok(good, "%s, %u vCPUs: they tell exactly what was written", name, nr);
	tap_ok(dirty_all(r->d, DIRTY_READ) && take(r), "%s, %u vCPUs: reads are no writes", name,
	       nr);
	good = dirty_all(r->d, DIRTY_TOUCH);
	dirty_fill(r->d->model);
	tap_ok(good && take(r), "%s, %u vCPUs: every page", name, nr);
	rings_destroy(r);
}

static void test_full(void)
{
	struct rings *r = rings_create(1, MODE_LONG, SMALL);
	struct vcpu *vcpu = r->d->vcpus[0].vcpu;
	unsigned int full = 0, again = 0;
	bool good = true;
	int outcome, n;

	vcpu->shared->arg[0] = DIRTY_GPA;
	vcpu->shared->arg[1] = DIRTY_PAGES;
	outcome = guest_start_op(vcpu, DIRTY_TOUCH);
	while (outcome == GUEST_EXIT && vcpu->run->exit_reason == KVM_EXIT_DIRTY_RING_FULL) {
		full++;
		outcome = guest_run(vcpu);
		again += outcome == GUEST_EXIT &&
			 vcpu->run->exit_reason == KVM_EXIT_DIRTY_RING_FULL;
		n = collect_all(r);
		good &= n > 0 && n <= (int)r->ring[0].size && reset(r) == n;
		outcome = guest_run(vcpu);
	}
	tap_eq(outcome, GUEST_DONE, "a guest writes more pages than its ring has entries");
	tap_ok(full, "the full ring stopped it %u times", full);
	tap_eq(again, full, "and each time again before it was emptied");
	good &= collect_all(r) >= 0;
	dirty_fill(r->d->model);
	tap_ok(good && dirty_exact(r->d), "no page is missing");
	rings_destroy(r);
}

/* One instruction reads a device and writes to logged memory: the emulator does it. */
static void test_emulator(void)
{
	struct rings *r = rings_create(2, MODE_LONG, BIG);
	struct vcpu *vcpu = r->d->vcpus[1].vcpu;
	int outcome;

	vcpu->shared->arg[0] = DIRTY_GPA + 77 * PAGE_SIZE - 2;
	vcpu->shared->arg[2] = DEVICE_GPA;
	outcome = guest_start_op(vcpu, DIRTY_COPY);
	tap_ok(outcome == GUEST_EXIT && vcpu->run->exit_reason == KVM_EXIT_MMIO,
	       "a copy from a device exits");
	tap_eq(guest_run(vcpu), GUEST_DONE, "and completes");
	tap_eq(collect(r, &r->ring[0]), 0, "nothing is in the other vCPU's ring");
	dirty_set(r->d->model, 76);
	dirty_set(r->d->model, 77);
	tap_ok(take(r), "both pages that the emulator wrote are in its own");
	rings_destroy(r);
}

static void copy_dirty(struct rings *r, uint8_t *copy)
{
	unsigned long page;

	memset(r->d->log, 0, sizeof(r->d->log));
	collect_all(r);
	reset(r);
	for (page = 0; page < DIRTY_PAGES; page++)
		if (dirty_test(r->d->log, page))
			memcpy(copy + page * PAGE_SIZE, r->d->mem + page * PAGE_SIZE, PAGE_SIZE);
}

static void test_live(unsigned int nr)
{
	struct rings *r = rings_create(nr, MODE_LONG, SMALL);
	uint8_t *copy = host_pages(DIRTY_SIZE);
	unsigned int full = 0, i;
	bool good;

	memcpy(copy, r->d->mem, DIRTY_SIZE);
	dirty_loop(r->d);
	for (i = 0; i < 60; i++) {
		usleep(1000 * (i % 8));
		copy_dirty(r, copy);
	}
	vm_write32(r->d->vm, DIRTY_STOP, 1);
	for (i = 0; i < 10; i++) {
		usleep(2000);
		copy_dirty(r, copy);
	}
	good = dirty_stop(r->d);
	copy_dirty(r, copy);
	for (i = 0; i < nr; i++)
		full += r->d->vcpus[i].full;
	tap_diag("%u times a ring was full", full);
	tap_ok(good, "%u vCPUs write while their rings are read and given back", nr);
	tap_ok(!memcmp(copy, r->d->mem, DIRTY_SIZE), "%u vCPUs: nothing is missing", nr);
	munmap(copy, DIRTY_SIZE);
	rings_destroy(r);
}

/* Userspace writes what it likes into the ring. */
static void test_hostile(void)
{
	struct rings *r;
	bool good = true;
	uint32_t i;
	int n;

	if (!dev_is_umbra()) {
		tap_skip("KVM takes the indices' word from the entries", "a ring full of nonsense");
		return;
	}
	r = rings_create(1, MODE_LONG, BIG);
	good = dirty_write(r->d, WRITES, 0, DIRTY_PAGES);
	n = collect_all(r);
	for (i = 0; i < r->ring[0].size; i++) {
		struct kvm_dirty_gfn *e = &r->ring[0].gfns[i];

		e->slot = i % 3 ? DIRTY_SLOT : i * 0x10001;
		e->offset = i % 5 ? ~0ULL >> i % 64 : i;
		e->flags = KVM_DIRTY_GFN_F_RESET;
	}
	tap_eq(reset(r), n, "RESET takes no entry that was not pushed");
	tap_eq(reset(r), 0, "nor any twice");
	memset(r->ring[0].gfns, 0, r->bytes);
	n = 0;
	for (i = 0; i < 20; i++) {
		good &= dirty_write(r->d, WRITES, 0, DIRTY_PAGES);
		n += collect_all(r);
		reset(r);
	}
	tap_ok(good && n, "the guest runs on, and the ring works");
	rings_destroy(r);
}

int main(void)
{
	unsigned int nr;

	tap_start("dirtyring", 300);
	test_enable();
	test_errors();
	for (nr = 1; nr <= MAX_VCPUS; nr *= 2)
		test_exact(nr, MODE_LONG);
	test_exact(1, MODE_PROT);
	test_exact(2, MODE_PAE);
	test_full();
	test_emulator();
	test_live(1);
	test_live(2);
	test_hostile();
	return tap_done();
}
