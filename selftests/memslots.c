// SPDX-License-Identifier: GPL-2.0
/* Memory slots that come, move and go while a vCPU runs in another thread, and read-only ones. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/pgtable.h"
#include "guest/basic.h"

#define SLOT		5
#define SLOT_GPA	0x10000000UL
#define OTHER_GPA	0x10400000UL
#define SLOT_SIZE	(2UL << 20)
#define COUNTER		SCRATCH_GPA
#define STOP		(SCRATCH_GPA + 64)
#define UNMAPPED_READ	0xffffffffu	/* what the device below answers */

static struct vcpu *slot_guest(void)
{
	struct vcpu *vcpu = guest_create("basic", MODE_LONG);
	struct pgtable pt = { vcpu->vm, MODE_LONG, 0, TABLES_END - 16 * PAGE_SIZE };
	struct kvm_sregs sregs;

	must(xioctl(vcpu->fd, KVM_GET_SREGS, &sregs));
	pt.root = sregs.cr3;
	pt_map(&pt, SLOT_GPA, SLOT_GPA, PTE_P | PTE_W, 2);
	pt_map(&pt, OTHER_GPA, OTHER_GPA, PTE_P | PTE_W, 2);
	return vcpu;
}

/* Reads a word; exits for unbacked memory are answered and counted. */
static uint32_t guest_read(struct vcpu *vcpu, uint64_t gpa, unsigned int *mmio)
{
	uint32_t none = UNMAPPED_READ;
	int outcome;

	vcpu->shared->arg[0] = gpa;
	outcome = guest_start_op(vcpu, BASIC_READ);
	for (*mmio = 0; outcome == GUEST_EXIT && vcpu->run->exit_reason == KVM_EXIT_MMIO &&
	     *mmio < 4; ++*mmio) {
		memcpy(vcpu->run->mmio.data, &none, sizeof(none));
		outcome = guest_run(vcpu);
	}
	if (outcome != GUEST_DONE) {
		guest_report(vcpu, outcome);
		*mmio = ~0u;
	}
	return vcpu->shared->result[0];
}

/* The number of MMIO exits that a write took; the value of the last in *value. */
static unsigned int guest_write(struct vcpu *vcpu, uint64_t gpa, uint32_t value, uint32_t *seen)
{
	unsigned int mmio;
	int outcome;

	vcpu->shared->arg[0] = gpa;
	vcpu->shared->arg[1] = value;
	outcome = guest_start_op(vcpu, BASIC_WRITE);
	for (mmio = 0; outcome == GUEST_EXIT && vcpu->run->exit_reason == KVM_EXIT_MMIO && mmio < 4;
	     mmio++) {
		if (vcpu->run->mmio.phys_addr == gpa && vcpu->run->mmio.is_write)
			memcpy(seen, vcpu->run->mmio.data, sizeof(*seen));
		outcome = guest_run(vcpu);
	}
	if (outcome != GUEST_DONE) {
		guest_report(vcpu, outcome);
		return ~0u;
	}
	return mmio;
}

static void expect_ram(struct vcpu *vcpu, uint64_t gpa, uint32_t want, const char *what)
{
	unsigned int mmio;
	uint32_t got = guest_read(vcpu, gpa, &mmio);

	if (!tap_ok(got == want && !mmio, "%s", what))
		tap_diag("read %#x after %u MMIO exits, expected %#x", got, mmio, want);
}

static void expect_hole(struct vcpu *vcpu, uint64_t gpa, const char *what)
{
	unsigned int mmio;
	uint32_t got = guest_read(vcpu, gpa, &mmio);

	if (!tap_ok(got == UNMAPPED_READ && mmio == 1, "%s", what))
		tap_diag("read %#x after %u MMIO exits", got, mmio);
}

static void test_changes(struct vcpu *vcpu, uint32_t *first, uint32_t *second)
{
	struct vm *vm = vcpu->vm;
	uint32_t seen = 0;

	first[0] = 0x11111111;
	second[0] = 0x22222222;
	expect_hole(vcpu, SLOT_GPA, "no slot: MMIO");
	tap_eq(vm_set_slot(vm, SLOT, 0, SLOT_GPA, SLOT_SIZE, first), 0, "create");
	expect_ram(vcpu, SLOT_GPA, 0x11111111, "the guest sees the new slot");
	tap_eq(guest_write(vcpu, SLOT_GPA + 8, 0xabcd, &seen), 0, "a write is no exit");
	tap_eq(first[2], 0xabcd, "the host sees what the guest wrote");
	tap_eq(vm_set_slot(vm, SLOT, 0, OTHER_GPA, SLOT_SIZE, first), 0, "move");
	expect_hole(vcpu, SLOT_GPA, "moved away: MMIO");
	expect_ram(vcpu, OTHER_GPA, 0x11111111, "the guest sees it there");
	tap_eq(vm_set_slot(vm, SLOT + 1, 0, SLOT_GPA, SLOT_SIZE, second), 0, "another there");
	expect_ram(vcpu, SLOT_GPA, 0x22222222, "the guest sees the other one");
	tap_eq(vm_set_slot(vm, SLOT, 0, 0, 0, NULL), 0, "delete");
	expect_hole(vcpu, OTHER_GPA, "deleted: MMIO");
	tap_eq(vm_set_slot(vm, SLOT + 1, 0, 0, 0, NULL), 0, "delete the other");
	tap_eq(vm_set_slot(vm, SLOT + 1, 0, SLOT_GPA, SLOT_SIZE, first), 0, "again, other memory");
	expect_ram(vcpu, SLOT_GPA, 0x11111111, "the guest sees the other memory");
	must(vm_set_slot(vm, SLOT + 1, 0, 0, 0, NULL));
}

static void test_readonly(struct vcpu *vcpu, uint32_t *mem)
{
	struct vm *vm = vcpu->vm;
	uint32_t seen = 0;

	if (!has_cap(vm->dev, KVM_CAP_READONLY_MEM)) {
		tap_skip("no KVM_CAP_READONLY_MEM", "read-only slots");
		return;
	}
	mem[0] = 0x33333333;
	must(vm_set_slot(vm, SLOT, KVM_MEM_READONLY, SLOT_GPA, SLOT_SIZE, mem));
	expect_ram(vcpu, SLOT_GPA, 0x33333333, "read-only: a read is no exit");
	tap_eq(guest_write(vcpu, SLOT_GPA, 0x44444444, &seen), 1, "a write is one MMIO exit");
	tap_eq(seen, 0x44444444, "which carries the value");
	tap_eq(mem[0], 0x33333333, "and changes nothing");
	expect_ram(vcpu, SLOT_GPA, 0x33333333, "the guest reads the old value");
	mem[0] = 0x55555555;
	expect_ram(vcpu, SLOT_GPA, 0x55555555, "and what the host writes");
	must(vm_set_slot(vm, SLOT, 0, 0, 0, NULL));
	must(vm_set_slot(vm, SLOT, 0, SLOT_GPA, SLOT_SIZE, mem));
	tap_eq(guest_write(vcpu, SLOT_GPA, 0x66666666, &seen), 0, "made anew: a write is no exit");
	tap_eq(mem[0], 0x66666666, "the value arrives");
	must(vm_set_slot(vm, SLOT, 0, 0, 0, NULL));
	must(vm_set_slot(vm, SLOT, KVM_MEM_READONLY, SLOT_GPA, SLOT_SIZE, mem));
	tap_eq(guest_write(vcpu, SLOT_GPA, 1, &seen), 1, "and is read-only again after that");
	must(vm_set_slot(vm, SLOT, 0, 0, 0, NULL));
}

struct runner {
	struct vcpu *vcpu;
	int outcome;
};

static void *run_thread(void *arg)
{
	struct runner *r = arg;

	r->outcome = guest_start_op(r->vcpu, BASIC_COUNT);
	return NULL;
}

static void start_counting(struct runner *r, pthread_t *thread)
{
	vm_write32(r->vcpu->vm, STOP, 0);
	r->vcpu->shared->arg[0] = COUNTER;
	r->vcpu->shared->arg[1] = STOP;
	pthread_create(thread, NULL, run_thread, r);
	while (!vm_read32(r->vcpu->vm, COUNTER))
		usleep(1000);
}

/* The guest must go on counting; a second at most. */
static bool makes_progress(struct vcpu *vcpu)
{
	uint32_t before = vm_read32(vcpu->vm, COUNTER);
	int i;

	for (i = 0; i < 1000 && vm_read32(vcpu->vm, COUNTER) == before; i++)
		usleep(1000);
	return vm_read32(vcpu->vm, COUNTER) != before;
}

static void test_while_running(struct vcpu *vcpu, void *mem)
{
	struct runner runner = { .vcpu = vcpu };
	bool changed = true, progress = true;
	struct vm *vm = vcpu->vm;
	pthread_t thread;
	int i;

	start_counting(&runner, &thread);
	for (i = 0; i < 30; i++) {
		changed &= !vm_set_slot(vm, SLOT, 0, SLOT_GPA, SLOT_SIZE, mem);
		changed &= !vm_set_slot(vm, SLOT, 0, OTHER_GPA, SLOT_SIZE, mem);
		changed &= !vm_set_slot(vm, SLOT, 0, 0, 0, NULL);
		if (i % 10 == 0)
			progress &= makes_progress(vcpu);
	}
	vm_write32(vm, STOP, 1);
	pthread_join(thread, NULL);
	tap_ok(changed, "30 slots come, move and go while the guest runs");
	tap_ok(progress, "the guest goes on meanwhile");
	tap_eq(runner.outcome, GUEST_DONE, "and ends as asked");
}

static void *touch_thread(void *arg)
{
	struct runner *r = arg;
	struct vcpu *vcpu = r->vcpu;

	vcpu->shared->arg[0] = SLOT_GPA;
	vcpu->shared->arg[1] = SLOT_GPA + SLOT_SIZE;
	r->outcome = guest_start_op(vcpu, BASIC_TOUCH);
	while (r->outcome == GUEST_EXIT && vcpu->run->exit_reason == KVM_EXIT_MMIO)
		r->outcome = guest_run(vcpu);
	return NULL;
}

/* The slot in use goes away under the guest: what it touches becomes MMIO, no more. */
static void test_delete_used(struct vcpu *vcpu, void *mem)
{
	struct runner runner = { .vcpu = vcpu };
	bool good = true;
	pthread_t thread;
	int i, j;

	for (i = 0; i < 10; i++) {
		must(vm_set_slot(vcpu->vm, SLOT, 0, SLOT_GPA, SLOT_SIZE, mem));
		pthread_create(&thread, NULL, touch_thread, &runner);
		for (j = 0; j < 5; j++) {
			must(vm_set_slot(vcpu->vm, SLOT, 0, 0, 0, NULL));
			must(vm_set_slot(vcpu->vm, SLOT, 0, SLOT_GPA, SLOT_SIZE, mem));
		}
		must(vm_set_slot(vcpu->vm, SLOT, 0, 0, 0, NULL));
		pthread_join(thread, NULL);
		good &= runner.outcome == GUEST_DONE;
		if (runner.outcome != GUEST_DONE)
			guest_report(vcpu, runner.outcome);
	}
	tap_ok(good, "a slot is deleted while the guest writes to it");
}

/* A slot whose pages are the guest's page tables and code is replaced by a copy of itself. */
static void test_swap_all(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	uint8_t *copy = host_pages(vm->mem_size), *old = vm->mem;

	guest_test(vcpu, BASIC_NOTHING, "before the swap");
	memcpy(copy, vm->mem, vm->mem_size);
	must(vm_set_slot(vm, 0, 0, 0, 0, NULL));
	must(vm_set_slot(vm, 0, 0, 0, vm->mem_size, copy));
	memset(old, 0xff, vm->mem_size);
	munmap(old, vm->mem_size);
	vm->mem = copy;
	vcpu->shared = (void *)(copy + SHARED_GPA);
	guest_test(vcpu, BASIC_NOTHING, "code and page tables move to other host memory");
}

int main(void)
{
	struct vcpu *vcpu;
	void *first, *second;

	tap_start("memslots", 120);
	vcpu = slot_guest();
	first = host_pages(SLOT_SIZE);
	second = host_pages(SLOT_SIZE);
	test_changes(vcpu, first, second);
	test_readonly(vcpu, first);
	test_while_running(vcpu, first);
	test_delete_used(vcpu, first);
	test_swap_all(vcpu);
	guest_destroy(vcpu);
	return tap_done();
}
