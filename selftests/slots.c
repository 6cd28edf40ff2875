// SPDX-License-Identifier: GPL-2.0
/*
 * As many slots as there may be, of one page each with a hole after it: adding, finding, moving and
 * deleting them stays right.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "lib/pgtable.h"
#include "guest/basic.h"

#define FIRST_ID	1U
#define FIRST_GPA	0x40000000UL
#define STRIDE		(2 * PAGE_SIZE)
#define MOVED_GPA	(FIRST_GPA + 2UL * nr_slots * PAGE_SIZE)
#define SAMPLE		1000U
#define MAPPED		(512UL << 20)
#define COUNTER		SCRATCH_GPA
#define STOP		(SCRATCH_GPA + 64)
#define UNMAPPED_READ	0xffffffffu

static uint32_t *mem;		/* two pages, which the slots take in turn */
/* Fewer on KVM: without EPT a slot of one page costs it 16 KiB, more than the lab has for all. */
static uint32_t nr_slots;

static uint64_t gpa_of(uint32_t i)
{
	return FIRST_GPA + i * STRIDE;
}

static uint32_t *page_of(uint32_t i)
{
	return mem + i % 2 * (PAGE_SIZE / sizeof(*mem));
}

static uint32_t value_of(uint32_t i)
{
	return 0x11110000 + i % 2;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static int add(struct vm *vm, uint32_t i)
{
	return vm_set_slot(vm, FIRST_ID + i, 0, gpa_of(i), PAGE_SIZE, page_of(i));
}

static int delete(struct vm *vm, uint32_t i)
{
	return vm_set_slot(vm, FIRST_ID + i, 0, 0, 0, NULL);
}

static struct vcpu *slots_guest(void)
{
	struct vcpu *vcpu = guest_create("basic", MODE_LONG);
	struct pgtable pt = { vcpu->vm, MODE_LONG, 0, TABLES_END - 16 * PAGE_SIZE };
	struct kvm_sregs sregs;
	uint64_t gpa;

	must(xioctl(vcpu->fd, KVM_GET_SREGS, &sregs));
	pt.root = sregs.cr3;
	for (gpa = FIRST_GPA; gpa < FIRST_GPA + MAPPED; gpa += 2UL << 20)
		pt_map(&pt, gpa, gpa, PTE_P | PTE_W, 2);
	return vcpu;
}

static uint32_t guest_read(struct vcpu *vcpu, uint64_t gpa)
{
	uint32_t none = UNMAPPED_READ;
	int outcome;

	vcpu->shared->arg[0] = gpa;
	outcome = guest_start_op(vcpu, BASIC_READ);
	if (outcome == GUEST_EXIT && vcpu->run->exit_reason == KVM_EXIT_MMIO) {
		memcpy(vcpu->run->mmio.data, &none, sizeof(none));
		outcome = guest_run(vcpu);
	}
	if (outcome == GUEST_DONE)
		return vcpu->shared->result[0];
	guest_report(vcpu, outcome);
	return 0;
}

/* Every 97th slot and the hole behind it. */
static bool reads_right(struct vcpu *vcpu, uint32_t from, uint32_t to, bool present)
{
	uint32_t i;

	for (i = from; i < to; i += 97) {
		uint32_t want = present ? value_of(i) : UNMAPPED_READ;

		if (guest_read(vcpu, gpa_of(i)) != want ||
		    guest_read(vcpu, gpa_of(i) + PAGE_SIZE) != UNMAPPED_READ) {
			tap_diag("slot %u", i);
			return false;
		}
	}
	return true;
}

/* Slots from both ends and the middle, so that the array changes everywhere. */
static uint32_t scattered(uint32_t n)
{
	return (n * 7919ULL) % nr_slots;
}

static void test_add(struct vm *vm)
{
	uint64_t start = now_ns(), first = 0, last = 0, began;
	bool good = true;
	uint32_t n;

	began = start;
	for (n = 0; n < nr_slots; n++) {
		good &= !add(vm, scattered(n));
		if (n == SAMPLE - 1)
			first = now_ns() - start;
		if (n == nr_slots - SAMPLE - 1)
			start = now_ns();
	}
	last = now_ns() - start;
	tap_ok(good, "%u slots are added", nr_slots);
	tap_diag("%llu ms; a slot: %llu ns at first, %llu ns at last",
		 (unsigned long long)(now_ns() - began) / 1000000,
		 (unsigned long long)first / SAMPLE, (unsigned long long)last / SAMPLE);
}

static void test_refused(struct vm *vm)
{
	tap_eq(vm_set_slot(vm, FIRST_ID + nr_slots, 0, gpa_of(nr_slots / 2), PAGE_SIZE, mem),
	       -EEXIST, "a slot over another");
	tap_eq(vm_set_slot(vm, FIRST_ID + nr_slots, 0, gpa_of(17) + PAGE_SIZE, 2 * PAGE_SIZE, mem),
	       -EEXIST, "one whose end lies over another");
	tap_eq(vm_set_slot(vm, FIRST_ID + nr_slots, 0, FIRST_GPA - PAGE_SIZE, MAPPED, mem),
	       -EEXIST, "one over all others");
	tap_eq(vm_set_slot(vm, FIRST_ID + 20, 0, gpa_of(40), PAGE_SIZE, page_of(20)), -EEXIST,
	       "a move onto another");
	tap_eq(vm_set_slot(vm, FIRST_ID + 20, 0, gpa_of(20), 2 * PAGE_SIZE, page_of(20)), -EINVAL,
	       "another size");
	tap_eq(vm_set_slot(vm, FIRST_ID + nr_slots, 0, 0, 0, NULL), -EINVAL,
	       "a slot that is not there is deleted");
}

static void *run_thread(void *arg)
{
	struct vcpu *vcpu = arg;

	if (guest_start_op(vcpu, BASIC_COUNT) != GUEST_DONE)
		tap_diag("the guest did not end as asked");
	return NULL;
}

/* A vCPU runs while slots move to a place behind all others and back, and go. */
static void test_while_running(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	bool good = true;
	pthread_t thread;
	uint32_t i;

	vm_write32(vm, STOP, 0);
	vm_write32(vm, COUNTER, 0);
	vcpu->shared->arg[0] = COUNTER;
	vcpu->shared->arg[1] = STOP;
	pthread_create(&thread, NULL, run_thread, vcpu);
	for (i = 0; i < 50; i++) {
		good &= !vm_set_slot(vm, FIRST_ID + i, 0, MOVED_GPA, PAGE_SIZE, page_of(i));
		good &= !vm_set_slot(vm, FIRST_ID + i, 0, gpa_of(i), PAGE_SIZE, page_of(i));
		good &= !delete(vm, nr_slots - 1 - i) && !add(vm, nr_slots - 1 - i);
	}
	vm_write32(vm, STOP, 1);
	pthread_join(thread, NULL);
	tap_ok(good, "slots move, go and come back under a running vCPU");
}

static void test_delete(struct vcpu *vcpu)
{
	uint64_t start = now_ns();
	bool good = true;
	uint32_t n;

	for (n = 0; n < nr_slots / 2; n++)
		good &= !delete(vcpu->vm, n);
	tap_ok(good, "half of them are deleted");
	tap_diag("%llu ns a slot", (unsigned long long)(now_ns() - start) / (nr_slots / 2));
	tap_ok(reads_right(vcpu, 0, nr_slots / 2, false), "which leaves holes");
	tap_ok(reads_right(vcpu, nr_slots / 2, nr_slots, true), "and the others");
	for (n = nr_slots / 2; n < nr_slots; n++)
		good &= !delete(vcpu->vm, n);
	tap_ok(good, "then the rest");
	tap_ok(reads_right(vcpu, 0, nr_slots, false), "no memory is left there");
}

int main(void)
{
	struct vcpu *vcpu;

	tap_start("slots", 300);
	nr_slots = dev_is_umbra() ? 20000 : 8000;
	vcpu = slots_guest();
	if (xioctl_val(vcpu->vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS) <= (int)nr_slots)
		tap_bail("fewer memory slots than on KVM");
	mem = host_pages(2 * PAGE_SIZE);
	*page_of(0) = value_of(0);
	*page_of(1) = value_of(1);
	test_add(vcpu->vm);
	tap_ok(reads_right(vcpu, 0, nr_slots, true), "the guest finds each, and the holes");
	test_refused(vcpu->vm);
	test_while_running(vcpu);
	tap_ok(reads_right(vcpu, 0, nr_slots, true), "and all are where they were");
	test_delete(vcpu);
	guest_destroy(vcpu);
	return tap_done();
}
