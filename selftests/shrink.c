// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of a VM's tables: charged to the cgroup of who has them made, within the cap, given
 * back when the host asks for memory while guests run, and all of it when the VM is gone.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/memguest.h"
#include "lib/stats.h"
#include "guest/basic.h"
#include "guest/tables.h"

#define CGROUP_ROOT	"/tmp/shrink-cgroup"
#define CGROUP		CGROUP_ROOT "/umbra"
#define CYCLES		60
#define AREAS		128
#define SLACK		(48 * (long)PAGE_SIZE)	/* the kernel's caches; less than a page a cycle */
#define TOUCH_BEGIN	0x400000UL
#define MIN_CAP		64
#define MAX_ROOTS	8UL	/* that a vCPU keeps */
#define ROUNDS		3
#define NR_OPS(ops)	(sizeof(ops) / sizeof((ops)[0]))

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

/* The kernel's memory that this process's cgroup is charged for; -1: not known. */
static long kernel_memory(void)
{
	FILE *f = fopen(CGROUP "/memory.stat", "re");
	char line[128];
	long bytes = -1;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "kernel %ld", &bytes) == 1)
			break;
	if (f)
		fclose(f);
	return bytes;
}

static bool enter_cgroup(void)
{
	mkdir("/tmp", 0700);
	mkdir(CGROUP_ROOT, 0700);
	if (mount("none", CGROUP_ROOT, "cgroup2", 0, NULL) ||
	    !write_file(CGROUP_ROOT "/cgroup.subtree_control", "+memory"))
		return false;
	mkdir(CGROUP, 0700);
	return write_file(CGROUP "/cgroup.procs", "0") && kernel_memory() >= 0;
}

static void leave_cgroup(void)
{
	write_file(CGROUP_ROOT "/cgroup.procs", "0");
	rmdir(CGROUP);
	umount2(CGROUP_ROOT, MNT_DETACH);
}

static void touch_all(struct vcpu *vcpu)
{
	vcpu->shared->arg[0] = TOUCH_BEGIN;
	vcpu->shared->arg[1] = GUEST_MEM_SIZE;
	if (guest_start_op(vcpu, BASIC_TOUCH) != GUEST_DONE)
		tap_bail("the guest does not touch its memory");
}

static void shrink_caches(void)
{
	write_file("/proc/sys/vm/drop_caches", "2");
}

/* Freed memory is uncharged a while after the VM is gone. */
static long settled_memory(long limit)
{
	long bytes = kernel_memory();
	int i;

	for (i = 0; i < 20 && bytes > limit; i++) {
		shrink_caches();
		usleep(50000);
		bytes = kernel_memory();
	}
	return bytes;
}

/* One page in each: a table for each, on the host's side made before. */
static bool touch_areas(struct memguest *m)
{
	bool good = true;
	unsigned int i;

	for (i = 0; i < AREAS; i++)
		good &= mem_write(m, i * (SIZE_2M / PAGE_SIZE), 1) == GUEST_DONE;
	return good;
}

static void test_charged(void)
{
	uint8_t *mem = aligned_pages(AREAS * SIZE_2M, SIZE_2M);
	uint64_t tables = 0, rmap = 0;
	struct memguest m;
	long before, more = 0;
	unsigned int i;

	madvise(mem, AREAS * SIZE_2M, MADV_NOHUGEPAGE);
	for (i = 0; i < AREAS; i++)
		mem[i * SIZE_2M] = 1;
	m = mem_create_over(1, mem, AREAS * SIZE_2M, 0, 2);
	/* The kernel adds its counts up every two seconds. */
	sleep(3);
	before = kernel_memory();
	tap_ok(touch_areas(&m), "a guest has %u tables made", AREAS);
	if (stat_read(m.vm->fd, "mmu_table_bytes", &tables) &&
	    stat_read(m.vm->fd, "mmu_rmap_bytes", &rmap)) {
		for (i = 0; i < 50 && more < (long)(tables + rmap); i++) {
			usleep(100000);
			more = kernel_memory() - before;
		}
		tap_ok(more >= (long)(tables + rmap),
		       "the cgroup is charged %ld bytes for %lu of tables", more, tables + rmap);
	} else {
		tap_skip("this device does not count them", "tables are charged to the cgroup");
	}
	mem_unmap(&m);
}

static void cycle(unsigned int i)
{
	static const enum guest_mode modes[] = { MODE_LONG, MODE_PAE, MODE_PSE, MODE_PROT };
	struct vcpu *vcpu = guest_create("basic", modes[i % 4]);

	madvise(vcpu->vm->mem, vcpu->vm->mem_size, i % 2 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	touch_all(vcpu);
	guest_destroy(vcpu);
}

static void test_nothing_left(void)
{
	long before, after;
	unsigned int i;

	for (i = 0; i < 4; i++)
		cycle(i);
	before = settled_memory(0);
	for (i = 0; i < CYCLES; i++)
		cycle(i);
	after = settled_memory(before);
	tap_ok(after - before <= SLACK, "%d VMs leave no memory behind (%ld bytes)", CYCLES,
	       after - before);
}

/* A guest that goes through more tables than the cap allows, again and again. */
struct load {
	struct vcpu *vcpu;
	pthread_t thread;
	bool good;
};

static struct load load_create(enum guest_mode mode)
{
	struct load load = { .vcpu = guest_create("spaces", mode), .good = true };
	unsigned long long *arg = load.vcpu->shared->arg;
	struct kvm_sregs sregs;
	struct pgtable pt[2];
	int i;

	for (i = 0; i < 2; i++) {
		pt_init(&pt[i], load.vcpu->vm, mode, i ? pt[0].next : TABLES_GPA);
		pt_identity(&pt[i]);
		pt_map(&pt[i], TABLES_GVA, 0, 0, 1);
	}
	arg[ARG_ENTRY_SIZE] = pt_entry_size(mode);
	arg[ARG_SPAN] = pt_page_size(mode, 2);
	arg[ARG_PDE] = pt_entry(&pt[0], TABLES_GVA, 2);
	arg[ARG_TABLE] = pt_read(&pt[0], arg[ARG_PDE]) & ~(PAGE_SIZE - 1);
	arg[ARG_PD] = arg[ARG_PDE] & ~(PAGE_SIZE - 1);
	arg[ARG_ROOT_B] = pt[1].root;
	arg[ARG_TABLE_B] = pt_read(&pt[1], pt_entry(&pt[1], TABLES_GVA, 2)) & ~(PAGE_SIZE - 1);
	must(xioctl(load.vcpu->fd, KVM_GET_SREGS, &sregs));
	sregs.cr3 = pt[0].root;
	must(xioctl(load.vcpu->fd, KVM_SET_SREGS, &sregs));
	return load;
}

static void *load_run(void *arg)
{
	static const unsigned int ops[] = { SPACES_MANY, SPACES_CR3, SPACES_CR3_CHANGED, SPACES_PDE,
					    SPACES_SHARED, SPACES_ROLES };
	struct load *load = arg;
	unsigned int i, op;
	int outcome;

	for (i = 0; i < ROUNDS && load->good; i++) {
		for (op = 0; op < NR_OPS(ops); op++) {
			outcome = guest_start_op(load->vcpu, ops[op]);
			guest_report(load->vcpu, outcome);
			load->good &= outcome == GUEST_DONE;
		}
	}
	return NULL;
}

static void test_cap(enum guest_mode mode)
{
	struct load load = load_create(mode);
	int vm = load.vcpu->vm->fd;
	uint64_t pages;

	tap_eq(xioctl_val(vm, KVM_SET_NR_MMU_PAGES, MIN_CAP - 1), -EINVAL,
	       "%s: a cap of %d pages is too small", mode_name(mode), MIN_CAP - 1);
	must(xioctl_val(vm, KVM_SET_NR_MMU_PAGES, MIN_CAP));
	tap_eq(xioctl_val(vm, KVM_GET_NR_MMU_PAGES, 0), MIN_CAP, "%s: the cap is kept",
	       mode_name(mode));
	load_run(&load);
	tap_ok(load.good, "%s: a guest with more tables than the cap", mode_name(mode));
	if (mmu_wanted() == MMU_SHADOW && stat_read(vm, "mmu_pages", &pages))
		tap_ok(pages <= MIN_CAP, "%s: %lu shadow pages, %d allowed", mode_name(mode), pages,
		       MIN_CAP);
	guest_destroy(load.vcpu);
}

static void check_shrunk(struct load *load, enum guest_mode mode, int i)
{
	uint64_t shrunk;

	tap_ok(load->good, "%s: VM %d while the host wants memory", mode_name(mode), i);
	if (mmu_wanted() == MMU_SHADOW && stat_read(load->vcpu->vm->fd, "mmu_shrunk", &shrunk))
		tap_ok(shrunk, "%s: VM %d gave %lu shadow pages back", mode_name(mode), i, shrunk);
}

static useconds_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The guests get as much time as the host takes: on a slow one they would not come to an end. */
static void shrink_and_pause(void)
{
	useconds_t start = now_us();

	shrink_caches();
	usleep(1000 + now_us() - start);
}

/* Two VMs at once; all the while the host asks for memory back. */
static void test_pressure(enum guest_mode mode)
{
	struct load loads[2] = { load_create(mode), load_create(mode) };
	int i, left = 2;

	must(xioctl_val(loads[1].vcpu->vm->fd, KVM_SET_NR_MMU_PAGES, MIN_CAP));
	for (i = 0; i < 2; i++)
		pthread_create(&loads[i].thread, NULL, load_run, &loads[i]);
	while (left) {
		shrink_and_pause();
		if (!pthread_tryjoin_np(loads[2 - left].thread, NULL))
			left--;
	}
	for (i = 0; i < 2; i++) {
		check_shrunk(&loads[i], mode, i);
		guest_destroy(loads[i].vcpu);
	}
}

/* What no vCPU uses now is given back to the last page; the guest goes on. */
static void test_idle(void)
{
	struct vcpu *vcpu = guest_create("basic", MODE_LONG);
	uint64_t pages, rmap;
	int i;

	madvise(vcpu->vm->mem, vcpu->vm->mem_size, MADV_NOHUGEPAGE);
	touch_all(vcpu);
	for (i = 0; i < 20; i++)
		shrink_caches();
	if (mmu_wanted() == MMU_SHADOW && stat_read(vcpu->vm->fd, "mmu_pages", &pages) &&
	    stat_read(vcpu->vm->fd, "mmu_rmap_bytes", &rmap)) {
		tap_ok(pages <= MAX_ROOTS, "an idle VM keeps its roots alone (%lu pages)", pages);
		tap_ok(!rmap, "and no reverse map (%lu bytes)", rmap);
	}
	touch_all(vcpu);
	tap_ok(true, "its guest goes on");
	guest_destroy(vcpu);
}

int main(void)
{
	static const enum guest_mode modes[] = { MODE_PSE, MODE_PAE, MODE_LONG };
	unsigned int i;

	tap_start("shrink", 300);
	if (enter_cgroup()) {
		test_charged();
		test_nothing_left();
		leave_cgroup();
	} else {
		tap_skip("there is no memory cgroup here", "tables are charged to the cgroup");
	}
	test_idle();
	for (i = 0; i < 3; i++) {
		test_cap(modes[i]);
		test_pressure(modes[i]);
	}
	return tap_done();
}
