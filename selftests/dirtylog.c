// SPDX-License-Identifier: GPL-2.0
/*
 * The dirty log as a bitmap: what guests, and the emulator for them, write is reported, exactly,
 * and only until it is taken or cleared; no write is lost while the log is read, or switched on and
 * off, under running vCPUs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/dirty.h"
#include "lib/stats.h"

#define ROUNDS		6
#define WRITES		500
#define DEVICE_GPA	(DIRTY_GPA + DIRTY_SIZE)	/* in the window, in no slot */
#define LAST_GVA	(DIRTY_GPA + DIRTY_WINDOW - PAGE_SIZE)
#define ALIAS_GVA	(4 * DIRTY_GPA)
#define HUGE_BLOCKS	3	/* of 2 MiB, that lie in the slot as a whole */
#define BAD_PTR		((void *)8)

static struct dirty_vm *prepare(unsigned int nr, enum guest_mode mode)
{
	struct dirty_vm *d = dirty_create(vm_create(), nr, mode, 1, false);

	/* Mapped before it is logged, so that a read needs no fault. */
	if (!dirty_all(d, DIRTY_TOUCH))
		tap_bail("the vCPUs do not run");
	return d;
}

static void forget(struct dirty_vm *d)
{
	memset(d->model, 0, sizeof(d->model));
}

/* The log holds what the model says; both are then empty. */
static bool take(struct dirty_vm *d)
{
	bool good = !dirty_get(d) && dirty_exact(d);

	forget(d);
	return good;
}

static void test_get_errors(struct dirty_vm *d)
{
	int spaces = xioctl_val(d->vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_MULTI_ADDRESS_SPACE);
	struct kvm_dirty_log log = { .slot = DIRTY_SLOT, .dirty_bitmap = d->log };
	int fd = d->vm->fd;

	tap_eq(xioctl(fd, KVM_GET_DIRTY_LOG, &log), -ENOENT, "GET of a slot without a log");
	log.slot = DIRTY_SLOT + 1;
	tap_eq(xioctl(fd, KVM_GET_DIRTY_LOG, &log), -ENOENT, "GET of no slot");
	log.slot = xioctl_val(fd, KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS);
	tap_eq(xioctl(fd, KVM_GET_DIRTY_LOG, &log), -EINVAL, "GET of a slot that cannot be");
	log.slot = DIRTY_SLOT | (spaces ? spaces : 1) << 16;
	tap_eq(xioctl(fd, KVM_GET_DIRTY_LOG, &log), -EINVAL, "GET in an unknown address space");
	tap_eq(xioctl(fd, KVM_GET_DIRTY_LOG, NULL), -EFAULT, "GET from nowhere");
	dirty_log_on(d);
	log = (struct kvm_dirty_log){ .slot = DIRTY_SLOT, .dirty_bitmap = BAD_PTR };
	tap_eq(xioctl(fd, KVM_GET_DIRTY_LOG, &log), -EFAULT, "GET to nowhere");
	dirty_log_off(d);
}

static void test_clear_errors(struct dirty_vm *d)
{
	uint64_t all[DIRTY_WORDS];

	memset(all, 0xff, sizeof(all));
	tap_eq(dirty_clear(d, 0, 64, all), -ENOENT, "CLEAR of a slot without a log");
	tap_eq(dirty_clear(d, 1, 64, all), -EINVAL, "CLEAR: the first page's number comes first");
	dirty_log_on(d);
	tap_eq(dirty_clear(d, 32, 64, all), -EINVAL, "CLEAR from page 32");
	tap_eq(dirty_clear(d, 0, 63, all), -EINVAL, "CLEAR of 63 pages");
	tap_eq(dirty_clear(d, 1984, 55, all), -EINVAL, "CLEAR of all but the last page");
	tap_eq(dirty_clear(d, 1984, 56, all), 0, "CLEAR up to the slot's end");
	tap_eq(dirty_clear(d, 1984, 64, all), -EINVAL, "CLEAR beyond the slot's end");
	tap_eq(dirty_clear(d, 2048, 0, all), -EINVAL, "CLEAR of nothing beyond the slot's end");
	tap_eq(dirty_clear(d, 1ULL << 63, 64, all), -EINVAL, "CLEAR from far away");
	tap_eq(dirty_clear(d, 64, 0xffffffc0, all), -EINVAL, "CLEAR of too many pages");
	tap_eq(dirty_clear(d, 64, 0, all), 0, "CLEAR of nothing");
	tap_eq(dirty_clear(d, 0, DIRTY_PAGES, all), 0, "CLEAR of all, also where nothing is set");
	tap_eq(dirty_clear(d, 0, 64, BAD_PTR), -EFAULT, "CLEAR from nowhere");
	dirty_log_off(d);
}

static void test_cap_errors(struct vm *vm)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .flags = 1 };
	int has = xioctl_val(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2);

	tap_eq(has, KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET,
	       "MANUAL_DIRTY_LOG_PROTECT2 says what it can");
	tap_eq(xioctl(vm->fd, KVM_ENABLE_CAP, &cap), -EINVAL, "manual protection with flags");
	tap_eq(dirty_manual(vm, KVM_DIRTY_LOG_INITIALLY_SET), -EINVAL, "INITIALLY_SET alone");
	tap_eq(dirty_manual(vm, 4), -EINVAL, "an unknown kind of manual protection");
	tap_eq(dirty_manual(vm, 5), -EINVAL, "also beside a known one");
	tap_eq(dirty_manual(vm, 1), 0, "manual protection");
	tap_eq(dirty_manual(vm, 3), 0, "INITIALLY_SET beside it");
	tap_eq(dirty_manual(vm, 0), 0, "neither");
}

static void test_errors(void)
{
	struct dirty_vm *d = prepare(1, MODE_LONG);

	test_get_errors(d);
	test_clear_errors(d);
	test_cap_errors(d->vm);
	dirty_destroy(d);
}

static void test_get(unsigned int nr, enum guest_mode mode)
{
	struct dirty_vm *d = prepare(nr, mode);
	const char *name = mode_name(mode);
	bool good = true;
	uint64_t full;
	int i;

	dirty_log_on(d);
	tap_ok(take(d), "%s, %u vCPUs: a new log is empty", name, nr);
	for (i = 0; i < ROUNDS; i++) {
		good &= dirty_write(d, WRITES, 0, DIRTY_PAGES);
		good &= take(d);
	}
	tap_ok(good, "%s, %u vCPUs: it tells exactly what was written", name, nr);
	good = dirty_write(d, 40, 64 * 9 + 3, 50) && dirty_write(d, 40, 0, 200) && take(d);
	tap_ok(good, "%s, %u vCPUs: also of few pages", name, nr);
	tap_ok(dirty_all(d, DIRTY_READ) && take(d), "%s, %u vCPUs: reads are no writes", name, nr);
	good = dirty_all(d, DIRTY_TOUCH);
	dirty_fill(d->model);
	tap_ok(good && take(d), "%s, %u vCPUs: every page", name, nr);
	if (stat_read(d->vcpus[0].vcpu->fd, "exits_pml_full", &full))
		tap_diag("%llu PML-full exits", (unsigned long long)full);
	dirty_log_off(d);
	good = dirty_write(d, WRITES, 0, DIRTY_PAGES);
	forget(d);
	dirty_log_on(d);
	good &= dirty_write(d, WRITES, 0, DIRTY_PAGES);
	tap_ok(good && take(d), "%s, %u vCPUs: off and on: a log that knows nothing of before",
	       name, nr);
	dirty_destroy(d);
}

/* Clear random bits of a random part of the log, and of the model. */
static bool clear_some(struct dirty_vm *d, unsigned int *random)
{
	uint64_t bits[DIRTY_WORDS];
	unsigned long first, end, i;

	for (i = 0; i < DIRTY_WORDS; i++) {
		bits[i] = (uint64_t)rand_r(random) << 33 ^ (uint64_t)rand_r(random) << 11;
		if (i % 3 == 0)
			bits[i] = i % 2 ? 0 : ~0ULL;
	}
	first = rand_r(random) % DIRTY_WORDS;
	end = first + rand_r(random) % (DIRTY_WORDS - first + 1);
	for (i = first; i < end; i++)
		d->model[i] &= ~bits[i - first];
	end = end == DIRTY_WORDS ? DIRTY_PAGES : end * 64;
	return !dirty_clear(d, first * 64, end - first * 64, bits);
}

static void test_manual(unsigned int nr, uint64_t how, const char *what)
{
	struct dirty_vm *d = prepare(nr, MODE_LONG);
	unsigned int random = 42;
	bool good = true;
	int i;

	must(dirty_manual(d->vm, how));
	dirty_log_on(d);
	if (how & KVM_DIRTY_LOG_INITIALLY_SET)
		dirty_fill(d->model);
	tap_ok(!dirty_get(d) && dirty_exact(d), "%s, %u vCPUs: the new log", what, nr);
	for (i = 0; i < 4 * ROUNDS; i++) {
		good &= dirty_write(d, WRITES / 4, 0, DIRTY_PAGES);
		good &= !dirty_get(d) && dirty_exact(d);
		good &= !dirty_get(d) && dirty_exact(d);
		good &= clear_some(d, &random);
		good &= !dirty_get(d) && dirty_exact(d);
	}
	tap_ok(good, "%s, %u vCPUs: it keeps what was written until that is cleared", what, nr);
	tap_ok(dirty_all(d, DIRTY_READ) && !dirty_get(d) && dirty_exact(d),
	       "%s, %u vCPUs: reads are no writes", what, nr);
	tap_ok(!dirty_clear(d, 0, DIRTY_PAGES, d->log), "%s, %u vCPUs: all is cleared", what, nr);
	tap_ok(dirty_count(d->log) && !dirty_get(d) && !dirty_count(d->log),
	       "%s, %u vCPUs: and gone", what, nr);
	dirty_destroy(d);
}

/* A move takes the log along, deletion ends it. */
static void test_slots(void)
{
	struct dirty_vm *d = prepare(1, MODE_LONG);
	struct kvm_dirty_log none = { .slot = DIRTY_SLOT, .dirty_bitmap = d->log };
	bool good;

	dirty_log_on(d);
	good = dirty_write(d, WRITES, 0, 500);
	d->gpa = DIRTY_GPA - 512 * PAGE_SIZE;
	must(dirty_set_slot(d, KVM_MEM_LOG_DIRTY_PAGES));
	tap_ok(good && take(d), "a slot that moves keeps its log");
	good = dirty_write(d, WRITES, 600, 500);
	tap_ok(good && take(d), "and is logged where it is");
	good = dirty_write(d, WRITES, 600, 500);
	must(vm_set_slot(d->vm, DIRTY_SLOT, 0, 0, 0, NULL));
	tap_eq(xioctl(d->vm->fd, KVM_GET_DIRTY_LOG, &none), -ENOENT, "deleted: no log");
	forget(d);
	d->gpa = DIRTY_GPA;
	dirty_log_on(d);
	tap_ok(good && take(d), "created again with a log: nothing is dirty");
	good = dirty_write(d, WRITES, 0, DIRTY_PAGES);
	tap_ok(good && take(d), "and it tells exactly what was written");
	must(dirty_manual(d->vm, 3));
	must(vm_set_slot(d->vm, DIRTY_SLOT, 0, 0, 0, NULL));
	dirty_log_on(d);
	dirty_fill(d->model);
	tap_ok(take(d), "created with INITIALLY_SET: all is dirty");
	dirty_destroy(d);
}

/* One instruction reads a device and writes to logged memory: the emulator does it. */
static void test_emulator(void)
{
	struct dirty_vm *d = prepare(1, MODE_LONG);
	struct vcpu *vcpu = d->vcpus[0].vcpu;
	uint32_t value = 0x12345678;
	int outcome;

	dirty_log_on(d);
	vcpu->shared->arg[0] = DIRTY_GPA + 77 * PAGE_SIZE - 2;
	vcpu->shared->arg[2] = DEVICE_GPA;
	outcome = guest_start_op(vcpu, DIRTY_COPY);
	tap_ok(outcome == GUEST_EXIT && vcpu->run->exit_reason == KVM_EXIT_MMIO,
	       "a copy from a device exits");
	memcpy(vcpu->run->mmio.data, &value, sizeof(value));
	tap_eq(guest_run(vcpu), GUEST_DONE, "and completes");
	dirty_set(d->model, 76);
	dirty_set(d->model, 77);
	tap_ok(take(d), "both pages that the emulator wrote are dirty, nothing else");
	tap_ok(!memcmp(d->mem + 77 * PAGE_SIZE - 2, &value, sizeof(value)), "with the value");
	dirty_destroy(d);
}

static bool table_dirty(struct dirty_vm *d, uint64_t table)
{
	static uint64_t bits[GUEST_MEM_SIZE / PAGE_SIZE / 64];
	struct kvm_dirty_log log = { .slot = 0, .dirty_bitmap = bits };

	must(xioctl(d->vm->fd, KVM_GET_DIRTY_LOG, &log));
	return dirty_test(bits, table / PAGE_SIZE);
}

static bool run_op(struct vcpu *vcpu, uint64_t op, uint64_t gva)
{
	vcpu->shared->arg[0] = gva;
	vcpu->shared->arg[1] = 1;
	vcpu->shared->arg[2] = 1;
	return guest_start_op(vcpu, op) == GUEST_DONE;
}

/*
 * The guest's page tables are logged: writes to them, which a shadow VM tracks or emulates, and A
 * and D, which the CPU or the walk sets.
 */
static void test_tables(void)
{
	struct dirty_vm *d = prepare(1, MODE_LONG);
	struct pgtable pt = { d->vm, MODE_LONG, 0, TABLES_END - 8 * PAGE_SIZE };
	struct vcpu *vcpu = d->vcpus[0].vcpu;
	struct kvm_sregs sregs;
	bool good = true, logged;
	uint64_t entry;
	int level;

	must(xioctl(vcpu->fd, KVM_GET_SREGS, &sregs));
	pt.root = sregs.cr3;
	entry = pt_map(&pt, ALIAS_GVA, DIRTY_GPA, PTE_P | PTE_W, 1);
	must(vm_set_slot(d->vm, 0, KVM_MEM_LOG_DIRTY_PAGES, 0, d->vm->mem_size, d->vm->mem));
	for (level = 1; level <= 4; level++) {
		uint64_t table = pt_entry(&pt, LAST_GVA, level) & ~(PAGE_SIZE - 1);

		table_dirty(d, table);
		/* The last entry maps nothing that is used. */
		good &= run_op(vcpu, DIRTY_WRITE, table + PAGE_SIZE - 8) && table_dirty(d, table);
	}
	tap_ok(good, "a guest's write to each of its page tables is logged");
	for (level = 0; level < 2; level++) {
		uint64_t flag = level ? PTE_D : PTE_A;

		table_dirty(d, entry);
		good = !(pt_read(&pt, entry) & flag);
		good &= run_op(vcpu, level ? DIRTY_WRITE : DIRTY_READ, ALIAS_GVA);
		good &= !!(pt_read(&pt, entry) & flag);
		logged = table_dirty(d, entry);
		if (good && !logged && cpu_walks_only_read())
			tap_skip("the emulator asks EPT for no right to set it", "%c is set",
				 level ? 'D' : 'A');
		else
			tap_ok(good && logged, "%c is set, and its table is logged",
			       level ? 'D' : 'A');
	}
	dirty_destroy(d);
}

/* 0 where the device has no such counter. */
static uint64_t counter(int fd, const char *name)
{
	uint64_t value = 0;

	return stat_read(fd, name, &value) ? value : 0;
}

static uint64_t mapped_large(struct dirty_vm *d)
{
	return counter(d->vm->fd, "pages_mapped_2m");
}

/* Pages are logged one by one; before and after that the host's large pages are mapped as such. */
static void test_huge(void)
{
	struct dirty_vm *d = dirty_create(vm_create(), 1, MODE_LONG, 2, true);
	int vcpu = d->vcpus[0].vcpu->fd;
	uint64_t large, exits;
	bool good;
	int i;

	good = dirty_all(d, DIRTY_TOUCH);
	large = mapped_large(d);
	dirty_log_on(d);
	exits = counter(vcpu, "exits_ept_violation");
	good &= dirty_all(d, DIRTY_READ);
	exits = counter(vcpu, "exits_ept_violation") - exits;
	forget(d);
	dirty_get(d);
	for (i = 0; i < ROUNDS; i++) {
		good &= dirty_write(d, WRITES / 4, 0, DIRTY_PAGES);
		good &= take(d);
	}
	tap_ok(good, "huge pages: the log tells exactly which pages were written");
	if (dev_is_umbra() && large == HUGE_BLOCKS) {
		if (mmu_wanted() == MMU_EPT)
			tap_eq(exits, 0, "what is read stays mapped when logging begins");
		tap_eq(mapped_large(d), large, "while pages are logged none is mapped large");
		dirty_log_off(d);
		good = dirty_all(d, DIRTY_TOUCH);
		tap_eq(mapped_large(d), 2 * large, "afterwards all of them are again");
		exits = counter(vcpu, "exits_ept_violation");
		dirty_log_on(d);
		dirty_log_off(d);
		good &= dirty_all(d, DIRTY_READ);
		exits = counter(vcpu, "exits_ept_violation") - exits;
		tap_diag("on and off: %llu violations", (unsigned long long)exits);
		tap_ok(good, "and the guest goes on");
	} else {
		tap_diag("%llu large pages", (unsigned long long)large);
		tap_skip(dev_is_umbra() ? "the host gives no huge pages" :
			 "KVM tells in another way", "huge pages: levels");
	}
	dirty_destroy(d);
}

/* Copy what the log names. A bit is taken before its page is read. */
static void copy_dirty(struct dirty_vm *d, uint8_t *copy)
{
	unsigned long page;

	for (page = 0; page < DIRTY_PAGES; page++)
		if (dirty_test(d->log, page))
			memcpy(copy + page * PAGE_SIZE, d->mem + page * PAGE_SIZE, PAGE_SIZE);
}

static bool sync_once(struct dirty_vm *d, uint8_t *copy, bool manual)
{
	bool good = !dirty_get(d);

	if (manual)
		good &= !dirty_clear(d, 0, DIRTY_PAGES, d->log);
	copy_dirty(d, copy);
	return good;
}

/* As live migration does it: in the end the copy holds all that the guest wrote. */
static void test_live(unsigned int nr, uint64_t how, bool thp, const char *what)
{
	struct dirty_vm *d = dirty_create(vm_create(), nr, MODE_LONG, thp ? 2 : 1, thp);
	uint8_t *copy = host_pages(DIRTY_SIZE);
	bool good = true, same = true;
	int turn, i;

	must(dirty_manual(d->vm, how));
	dirty_loop(d);
	for (turn = 0; turn < 3; turn++) {
		usleep(20000);
		dirty_log_on(d);
		memcpy(copy, d->mem, DIRTY_SIZE);
		for (i = 0; i < 20; i++) {
			usleep(2000);
			good &= sync_once(d, copy, how);
		}
		good &= dirty_stop(d);
		good &= sync_once(d, copy, how);
		same &= !memcmp(copy, d->mem, DIRTY_SIZE);
		dirty_log_off(d);
		dirty_loop(d);
	}
	for (i = 0; i < 20; i++) {
		dirty_log_on(d);
		dirty_log_off(d);
	}
	good &= dirty_stop(d);
	tap_ok(good, "%s, %u vCPUs: the log is read and switched while the guest writes", what, nr);
	tap_ok(same, "%s, %u vCPUs: and misses nothing", what, nr);
	munmap(copy, DIRTY_SIZE);
	dirty_destroy(d);
}

int main(void)
{
	unsigned int nr;

	tap_start("dirtylog", 300);
	test_errors();
	for (nr = 1; nr <= MAX_VCPUS; nr *= 2) {
		test_get(nr, MODE_LONG);
		test_manual(nr, 1, "manual");
		test_manual(nr, 3, "initially set");
	}
	test_get(1, MODE_PROT);
	test_get(1, MODE_PSE);
	test_get(2, MODE_PAE);
	test_slots();
	test_emulator();
	test_tables();
	test_huge();
	for (nr = 1; nr <= 2; nr++) {
		test_live(nr, 0, false, "GET");
		test_live(nr, 1, false, "CLEAR");
		test_live(nr, 0, true, "GET, huge pages");
		test_live(nr, 3, true, "INITIALLY_SET, huge pages");
	}
	return tap_done();
}
