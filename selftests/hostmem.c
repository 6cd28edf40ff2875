// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory is ordinary memory of its process: allocated on first touch, given back by
 * MADV_DONTNEED; it may be unmapped, protected or shared with a child while the guest uses it.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/pgtable.h"
#include "guest/basic.h"

#define SLOT		5
#define GPA		0x10000000UL
#define PAGES		1024UL
#define SIZE		(PAGES * PAGE_SIZE)
#define COUNTER		SCRATCH_GPA
#define STOP		(SCRATCH_GPA + 64)

struct setup {
	struct vcpu *vcpu;
	uint8_t *mem;
};

static struct setup setup_create(void)
{
	struct setup s = { .vcpu = guest_create("basic", MODE_LONG) };
	struct pgtable pt = { s.vcpu->vm, MODE_LONG, 0, TABLES_END - 16 * PAGE_SIZE };
	struct kvm_sregs sregs;
	uint64_t gpa;

	must(xioctl(s.vcpu->fd, KVM_GET_SREGS, &sregs));
	pt.root = sregs.cr3;
	for (gpa = GPA; gpa < GPA + SIZE; gpa += PAGE_SIZE)
		pt_map(&pt, gpa, gpa, PTE_P | PTE_W, 1);
	s.mem = host_pages(SIZE);
	madvise(s.mem, SIZE, MADV_NOHUGEPAGE);
	must(vm_set_slot(s.vcpu->vm, SLOT, 0, GPA, SIZE, s.mem));
	return s;
}

static void setup_destroy(struct setup *s)
{
	guest_destroy(s->vcpu);
	munmap(s->mem, SIZE);
}

static unsigned long resident(const struct setup *s)
{
	static unsigned char present[PAGES];
	unsigned long i, n = 0;

	must(mincore(s->mem, SIZE, present));
	for (i = 0; i < PAGES; i++)
		n += present[i] & 1;
	return n;
}

static uint32_t host_read(const struct setup *s, unsigned long page)
{
	return READ_ONCE(*(uint32_t *)(s->mem + page * PAGE_SIZE));
}

static void host_write(struct setup *s, unsigned long page, uint32_t value)
{
	WRITE_ONCE(*(uint32_t *)(s->mem + page * PAGE_SIZE), value);
}

static int touch(struct setup *s, unsigned long first, unsigned long pages)
{
	s->vcpu->shared->arg[0] = GPA + first * PAGE_SIZE;
	s->vcpu->shared->arg[1] = GPA + (first + pages) * PAGE_SIZE;
	return guest_start_op(s->vcpu, BASIC_TOUCH);
}

static bool sum_is(struct setup *s, unsigned long first, unsigned long pages, uint64_t want)
{
	s->vcpu->shared->arg[0] = GPA + first * PAGE_SIZE;
	s->vcpu->shared->arg[1] = GPA + (first + pages) * PAGE_SIZE;
	return guest_start_op(s->vcpu, BASIC_SUM) == GUEST_DONE &&
	       s->vcpu->shared->result[0] == want;
}

static int read_word(struct setup *s, unsigned long page)
{
	s->vcpu->shared->arg[0] = GPA + page * PAGE_SIZE;
	return guest_start_op(s->vcpu, BASIC_READ);
}

static int write_word(struct setup *s, unsigned long page, uint32_t value)
{
	s->vcpu->shared->arg[0] = GPA + page * PAGE_SIZE;
	s->vcpu->shared->arg[1] = value;
	return guest_start_op(s->vcpu, BASIC_WRITE);
}

static void test_demand(void)
{
	struct setup s = setup_create();

	tap_eq(resident(&s), 0, "a new slot takes no memory");
	tap_eq(touch(&s, 0, 100), GUEST_DONE, "the guest touches 100 pages");
	tap_eq(resident(&s), 100, "100 pages are there");
	tap_eq(touch(&s, 50, 100), GUEST_DONE, "the guest touches 100, half of them again");
	tap_eq(resident(&s), 150, "150 pages are there");
	tap_ok(sum_is(&s, 0, 150, 150 * 0x5a), "with what the guest wrote");
	must(madvise(s.mem, 75 * PAGE_SIZE, MADV_DONTNEED));
	tap_eq(resident(&s), 75, "MADV_DONTNEED takes half of them away");
	tap_ok(sum_is(&s, 0, 75, 0), "the guest reads zeros there");
	tap_ok(sum_is(&s, 75, 75, 75 * 0x5a), "and its own bytes elsewhere");
	tap_eq(touch(&s, 0, PAGES), GUEST_DONE, "the guest touches all");
	tap_eq(resident(&s), PAGES, "all pages are there");
	must(madvise(s.mem, SIZE, MADV_DONTNEED));
	tap_eq(resident(&s), 0, "MADV_DONTNEED takes all away");
	memset(s.mem, 1, SIZE);
	tap_ok(sum_is(&s, 0, PAGES, PAGES * 0x01010101), "the guest reads what the host wrote");
	setup_destroy(&s);
}

/* Reading fresh memory must not allocate it, and a later write must be seen by both sides. */
static void test_zero_page(void)
{
	struct setup s = setup_create();
	bool good;

	good = sum_is(&s, 0, 8, 0);
	tap_ok(good, "fresh memory reads as zero");
	tap_eq(write_word(&s, 3, 0x1234), GUEST_DONE, "the guest writes where it has read");
	tap_eq(host_read(&s, 3), 0x1234, "the host sees it");
	tap_ok(sum_is(&s, 0, 8, 0x1234), "the guest too");
	host_write(&s, 5, 0x1111);
	tap_ok(sum_is(&s, 0, 8, 0x2345), "a host write to a page that the guest has read shows");
	setup_destroy(&s);
}

static void test_unmap(void)
{
	struct setup s = setup_create();

	touch(&s, 0, 20);
	must(munmap(s.mem + 10 * PAGE_SIZE, 5 * PAGE_SIZE));
	tap_eq(read_word(&s, 9), GUEST_DONE, "munmap: the page before is there");
	tap_eq(read_word(&s, 10), -EFAULT, "munmap: a read is EFAULT");
	tap_eq(guest_run(s.vcpu), -EFAULT, "munmap: and again");
	if (mmap(s.mem + 10 * PAGE_SIZE, 5 * PAGE_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		tap_bail("mmap: %s", strerror(errno));
	host_write(&s, 10, 0x77);
	tap_eq(guest_run(s.vcpu), GUEST_DONE, "mapped again: the guest goes on");
	tap_eq(s.vcpu->shared->result[0], 0x77, "and reads the new memory");
	must(munmap(s.mem + 12 * PAGE_SIZE, PAGE_SIZE));
	tap_eq(write_word(&s, 12, 1), -EFAULT, "munmap: a write is EFAULT");
	setup_destroy(&s);
}

static void test_protect(void)
{
	struct setup s = setup_create();

	touch(&s, 0, 20);
	must(mprotect(s.mem, 10 * PAGE_SIZE, PROT_READ));
	tap_eq(read_word(&s, 4), GUEST_DONE, "PROT_READ: the guest can read");
	tap_eq(s.vcpu->shared->result[0], 0x5a, "what was there");
	tap_eq(write_word(&s, 4, 0x99), -EFAULT, "PROT_READ: a write is EFAULT");
	tap_eq(host_read(&s, 4), 0x5a, "and changes nothing");
	must(mprotect(s.mem, 10 * PAGE_SIZE, PROT_READ | PROT_WRITE));
	tap_eq(guest_run(s.vcpu), GUEST_DONE, "writable again: the guest goes on");
	tap_eq(host_read(&s, 4), 0x99, "and its write arrives");
	must(mprotect(s.mem, 10 * PAGE_SIZE, PROT_NONE));
	tap_eq(read_word(&s, 2), -EFAULT, "PROT_NONE: a read is EFAULT");
	must(mprotect(s.mem, 10 * PAGE_SIZE, PROT_READ | PROT_WRITE));
	tap_eq(guest_run(s.vcpu), GUEST_DONE, "readable again: the guest goes on");
	setup_destroy(&s);
}

/* After a fork, parent and child have copies: the guest is the parent's. */
static void test_fork(void)
{
	struct setup s = setup_create();
	int go[2], status = -1;
	char byte = 0;
	pid_t pid;

	touch(&s, 0, 20);
	must(pipe(go));
	pid = fork();
	if (!pid) {
		must(read(go[0], &byte, 1));
		_exit(s.mem[0] != 0x5a || s.mem[PAGE_SIZE] != 0x5a);
	}
	tap_eq(write_word(&s, 0, 0xc0), GUEST_DONE, "fork: the guest writes a shared page");
	host_write(&s, 1, 0xc1);
	tap_ok(sum_is(&s, 0, 3, 0xc0 + 0xc1 + 0x5a), "fork: the guest sees both writes");
	tap_eq(host_read(&s, 0), 0xc0, "fork: the host sees the guest's write");
	must(write(go[1], &byte, 1));
	waitpid(pid, &status, 0);
	tap_eq(status, 0, "fork: the child sees the old contents");
	setup_destroy(&s);
}

static void test_remap(void)
{
	struct setup s = setup_create();
	uint8_t *other = host_pages(SIZE);

	touch(&s, 0, 4);
	other[0] = 0x42;
	if (mremap(other, PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, s.mem) != s.mem)
		tap_bail("mremap: %s", strerror(errno));
	tap_ok(sum_is(&s, 0, 2, 0x42 + 0x5a), "the guest sees a page that was moved to the hva");
	munmap(other + PAGE_SIZE, SIZE - PAGE_SIZE);
	setup_destroy(&s);
}

static void test_shared_file(void)
{
	struct setup s = setup_create();
	int fd = memfd_create("guest", 0);
	uint32_t word = 0xfeed;

	must(ftruncate(fd, SIZE / 2));
	if (mmap(s.mem, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
		tap_bail("mmap: %s", strerror(errno));
	tap_eq(write_word(&s, 1, 0xbeef), GUEST_DONE, "a file as memory: the guest writes");
	tap_ok(pread(fd, &word, 4, PAGE_SIZE) == 4 && word == 0xbeef, "the file has it");
	tap_eq(read_word(&s, PAGES - 1), -EFAULT, "past the end of the file: EFAULT");
	must(ftruncate(fd, SIZE));
	tap_eq(guest_run(s.vcpu), GUEST_DONE, "the file grows: the guest goes on");
	must(ftruncate(fd, 0));
	tap_eq(read_word(&s, 1), -EFAULT, "the file is cut: EFAULT");
	close(fd);
	setup_destroy(&s);
}

static void *run_counter(void *arg)
{
	return (void *)(long)guest_start_op(arg, BASIC_COUNT);
}

/* Pages leave all the time while the guest writes to them; no write may be lost for good. */
static void test_storm(void)
{
	struct setup s = setup_create();
	uint32_t before;
	pthread_t thread;
	void *outcome;
	int i;

	s.vcpu->shared->arg[0] = GPA;
	s.vcpu->shared->arg[1] = STOP;
	pthread_create(&thread, NULL, run_counter, s.vcpu);
	for (i = 0; i < 200; i++) {
		must(madvise(s.mem, PAGE_SIZE, MADV_DONTNEED));
		if (i % 20 == 0)
			usleep(1000);
	}
	before = host_read(&s, 0);
	for (i = 0; i < 1000 && host_read(&s, 0) == before; i++)
		usleep(1000);
	tap_ok(host_read(&s, 0) != before, "the guest counts on while its page leaves 200 times");
	vm_write32(s.vcpu->vm, STOP, 1);
	pthread_join(thread, &outcome);
	tap_eq((long)outcome, GUEST_DONE, "and ends as asked");
	setup_destroy(&s);
}

int main(void)
{
	tap_start("hostmem", 120);
	test_demand();
	test_zero_page();
	test_unmap();
	test_protect();
	test_fork();
	test_remap();
	test_shared_file();
	test_storm();
	return tap_done();
}
