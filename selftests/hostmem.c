// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory is ordinary memory of its process: allocated on first touch, given back by
 * MADV_DONTNEED; it may be unmapped, protected or shared with a child while the guest uses it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/memguest.h"
#include "guest/basic.h"

#define PAGES		1024UL
#define SIZE		(PAGES * PAGE_SIZE)

static void test_demand(void)
{
	struct memguest m = mem_create(1, SIZE);

	tap_eq(mem_resident(&m), 0, "a new slot takes no memory");
	tap_eq(mem_touch(&m, 0, 100), GUEST_DONE, "the guest touches 100 pages");
	tap_eq(mem_resident(&m), 100, "100 pages are there");
	tap_eq(mem_touch(&m, 50, 100), GUEST_DONE, "it touches 100, half of them again");
	tap_eq(mem_resident(&m), 150, "150 pages are there");
	tap_ok(mem_sum_is(&m, 0, 150, 150 * 0x5a), "with what the guest wrote");
	must(madvise(m.mem, 75 * PAGE_SIZE, MADV_DONTNEED));
	tap_eq(mem_resident(&m), 75, "MADV_DONTNEED takes half of them away");
	tap_ok(mem_sum_is(&m, 0, 75, 0), "the guest reads zeros there");
	tap_ok(mem_sum_is(&m, 75, 75, 75 * 0x5a), "and its own bytes elsewhere");
	tap_eq(mem_touch(&m, 0, PAGES), GUEST_DONE, "the guest touches all");
	tap_eq(mem_resident(&m), PAGES, "all pages are there");
	must(madvise(m.mem, SIZE, MADV_DONTNEED));
	tap_eq(mem_resident(&m), 0, "MADV_DONTNEED takes all away");
	memset(m.mem, 1, SIZE);
	tap_ok(mem_sum_is(&m, 0, PAGES, PAGES * 0x01010101), "the guest reads what the host wrote");
	mem_unmap(&m);
}

/* Reading fresh memory must not allocate it, and a later write must be seen by both sides. */
static void test_zero_page(void)
{
	struct memguest m = mem_create(1, SIZE);
	bool good;

	good = mem_sum_is(&m, 0, 8, 0);
	tap_ok(good, "fresh memory reads as zero");
	tap_eq(mem_write(&m, 3, 0x1234), GUEST_DONE, "the guest writes where it has read");
	tap_eq(mem_host_read(&m, 3), 0x1234, "the host sees it");
	tap_ok(mem_sum_is(&m, 0, 8, 0x1234), "the guest too");
	mem_host_write(&m, 5, 0x1111);
	tap_ok(mem_sum_is(&m, 0, 8, 0x2345), "a host write to a page that it has read shows");
	mem_unmap(&m);
}

static void test_unmap(void)
{
	struct memguest m = mem_create(1, SIZE);

	mem_touch(&m, 0, 20);
	must(munmap(m.mem + 10 * PAGE_SIZE, 5 * PAGE_SIZE));
	tap_eq(mem_read(&m, 9), GUEST_DONE, "munmap: the page before is there");
	tap_eq(mem_read(&m, 10), -EFAULT, "munmap: a read is EFAULT");
	tap_eq(guest_run(m.vcpu[0]), -EFAULT, "munmap: and again");
	if (mmap(m.mem + 10 * PAGE_SIZE, 5 * PAGE_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		tap_bail("mmap: %s", strerror(errno));
	mem_host_write(&m, 10, 0x77);
	tap_eq(guest_run(m.vcpu[0]), GUEST_DONE, "mapped again: the guest goes on");
	tap_eq(m.vcpu[0]->shared->result[0], 0x77, "and reads the new memory");
	must(munmap(m.mem + 12 * PAGE_SIZE, PAGE_SIZE));
	tap_eq(mem_write(&m, 12, 1), -EFAULT, "munmap: a write is EFAULT");
	mem_unmap(&m);
}

static void test_protect(void)
{
	struct memguest m = mem_create(1, SIZE);

	mem_touch(&m, 0, 20);
	must(mprotect(m.mem, 10 * PAGE_SIZE, PROT_READ));
	tap_eq(mem_read(&m, 4), GUEST_DONE, "PROT_READ: the guest can read");
	tap_eq(m.vcpu[0]->shared->result[0], 0x5a, "what was there");
	tap_eq(mem_write(&m, 4, 0x99), -EFAULT, "PROT_READ: a write is EFAULT");
	tap_eq(mem_host_read(&m, 4), 0x5a, "and changes nothing");
	must(mprotect(m.mem, 10 * PAGE_SIZE, PROT_READ | PROT_WRITE));
	tap_eq(guest_run(m.vcpu[0]), GUEST_DONE, "writable again: the guest goes on");
	tap_eq(mem_host_read(&m, 4), 0x99, "and its write arrives");
	must(mprotect(m.mem, 10 * PAGE_SIZE, PROT_NONE));
	tap_eq(mem_read(&m, 2), -EFAULT, "PROT_NONE: a read is EFAULT");
	must(mprotect(m.mem, 10 * PAGE_SIZE, PROT_READ | PROT_WRITE));
	tap_eq(guest_run(m.vcpu[0]), GUEST_DONE, "readable again: the guest goes on");
	mem_unmap(&m);
}

/* After a fork, parent and child have copies: the guest is the parent's. */
static void test_fork(void)
{
	struct memguest m = mem_create(1, SIZE);
	int go[2], status = -1;
	char byte = 0;
	pid_t pid;

	mem_touch(&m, 0, 20);
	must(pipe(go));
	pid = fork();
	if (!pid) {
		must(read(go[0], &byte, 1));
		_exit(m.mem[0] != 0x5a || m.mem[PAGE_SIZE] != 0x5a);
	}
	tap_eq(mem_write(&m, 0, 0xc0), GUEST_DONE, "fork: the guest writes a page");
	mem_host_write(&m, 1, 0xc1);
	tap_ok(mem_sum_is(&m, 0, 3, 0xc0 + 0xc1 + 0x5a), "fork: the guest sees both writes");
	tap_eq(mem_host_read(&m, 0), 0xc0, "fork: the host sees the guest's write");
	must(write(go[1], &byte, 1));
	waitpid(pid, &status, 0);
	tap_eq(status, 0, "fork: the child sees the old contents");
	mem_unmap(&m);
}

static void test_remap(void)
{
	struct memguest m = mem_create(1, SIZE);
	uint8_t *other = host_pages(SIZE);

	mem_touch(&m, 0, 4);
	other[0] = 0x42;
	if (mremap(other, PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, m.mem) != m.mem)
		tap_bail("mremap: %s", strerror(errno));
	tap_ok(mem_sum_is(&m, 0, 2, 0x42 + 0x5a), "the guest sees a page moved to the hva");
	munmap(other + PAGE_SIZE, SIZE - PAGE_SIZE);
	mem_unmap(&m);
}

static void map_file(struct memguest *m, int fd, int flags, int protection)
{
	if (mmap(m->mem, SIZE, protection, flags | MAP_FIXED, fd, 0) == MAP_FAILED)
		tap_bail("mmap: %s", strerror(errno));
}

static void test_shared_file(void)
{
	struct memguest m = mem_create(1, SIZE);
	int fd = memfd_create("guest", 0);
	uint32_t word = 0xfeed;

	must(ftruncate(fd, SIZE / 2));
	map_file(&m, fd, MAP_SHARED, PROT_READ | PROT_WRITE);
	tap_eq(mem_write(&m, 1, 0xbeef), GUEST_DONE, "a file as memory: the guest writes");
	tap_ok(pread(fd, &word, 4, PAGE_SIZE) == 4 && word == 0xbeef, "the file has it");
	tap_eq(mem_read(&m, PAGES - 1), -EFAULT, "past the end of the file: EFAULT");
	must(ftruncate(fd, SIZE));
	tap_eq(guest_run(m.vcpu[0]), GUEST_DONE, "the file grows: the guest goes on");
	must(ftruncate(fd, 0));
	tap_eq(mem_read(&m, 1), -EFAULT, "the file is cut: EFAULT");
	close(fd);
	mem_unmap(&m);
}

/* Where the page was, nothing is left; where it went, the guest does not look. */
static void test_remap_away(void)
{
	struct memguest m = mem_create(1, SIZE);
	uint8_t *other = host_pages(SIZE);

	mem_touch(&m, 0, 4);
	if (mremap(m.mem + PAGE_SIZE, PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
		   other) != other)
		tap_bail("mremap: %s", strerror(errno));
	tap_eq(mem_write(&m, 1, 7), -EFAULT, "mremap away: a write is EFAULT");
	tap_eq(*(uint32_t *)other, 0x5a, "and does not follow the page");
	if (mremap(other, PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
		   m.mem + PAGE_SIZE) != m.mem + PAGE_SIZE)
		tap_bail("mremap: %s", strerror(errno));
	tap_eq(guest_run(m.vcpu[0]), GUEST_DONE, "moved back: the guest goes on");
	tap_eq(mem_host_read(&m, 1), 7, "and writes the page");
	munmap(other + PAGE_SIZE, SIZE - PAGE_SIZE);
	mem_unmap(&m);
}

/* The bytes of the file that are not there are a hole in guest memory. */
static void test_punch_hole(void)
{
	int fd = memfd_create("guest", 0);
	struct memguest m = mem_create(1, SIZE);

	must(ftruncate(fd, SIZE));
	map_file(&m, fd, MAP_SHARED, PROT_READ | PROT_WRITE);
	mem_touch(&m, 0, 8);
	must(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * PAGE_SIZE, PAGE_SIZE));
	tap_ok(mem_sum_is(&m, 0, 8, 7 * 0x5a), "a hole punched into the file reads as zero");
	tap_eq(mem_write(&m, 2, 0x99), GUEST_DONE, "the guest writes there");
	tap_eq(mem_host_read(&m, 2), 0x99, "and the host sees it");
	close(fd);
	mem_unmap(&m);
}

/* A private mapping of a file: the guest's writes are its own. */
static void test_private_file(void)
{
	int fd = memfd_create("guest", 0);
	struct memguest m = mem_create(1, SIZE);
	uint32_t word = 0x1234;

	must(ftruncate(fd, SIZE));
	must(pwrite(fd, &word, sizeof(word), PAGE_SIZE));
	map_file(&m, fd, MAP_PRIVATE, PROT_READ | PROT_WRITE);
	tap_ok(mem_reads(&m, 1, 0x1234), "a private file: the guest reads what is in it");
	word = 0x4321;
	must(pwrite(fd, &word, sizeof(word), PAGE_SIZE));
	tap_ok(mem_reads(&m, 1, 0x4321), "and what is written to it later");
	tap_eq(mem_write(&m, 1, 0x5678), GUEST_DONE, "the guest writes");
	tap_ok(pread(fd, &word, sizeof(word), PAGE_SIZE) == sizeof(word) && word == 0x4321,
	       "the file stays as it is");
	tap_eq(mem_host_read(&m, 1), 0x5678, "the process sees the write");
	must(pwrite(fd, &word, sizeof(word), PAGE_SIZE));
	tap_ok(mem_reads(&m, 1, 0x5678), "the guest has a copy from now on");
	close(fd);
	mem_unmap(&m);
}

/* A slot that may be written over a file that may not. */
static void test_readonly_file(void)
{
	int fd = memfd_create("guest", 0);
	struct memguest m = mem_create(1, SIZE);
	uint32_t word = 0x77;

	must(ftruncate(fd, SIZE));
	must(pwrite(fd, &word, sizeof(word), 0));
	map_file(&m, fd, MAP_SHARED, PROT_READ);
	tap_ok(mem_reads(&m, 0, 0x77), "a file mapped read-only: the guest reads");
	tap_eq(mem_write(&m, 0, 0x88), -EFAULT, "a write is EFAULT");
	tap_ok(pread(fd, &word, sizeof(word), 0) == sizeof(word) && word == 0x77,
	       "and changes nothing");
	close(fd);
	mem_unmap(&m);
}

/* A slot that may not be written over memory that may not: reads never ask to write. */
static void test_readonly_slot(void)
{
	uint8_t *mem = aligned_pages(SIZE, SIZE_2M);
	struct memguest m;

	memset(mem, 0x11, 2 * PAGE_SIZE);
	must(mprotect(mem, SIZE, PROT_READ));
	m = mem_create_over(1, mem, SIZE, KVM_MEM_READONLY, 1);
	tap_ok(mem_reads(&m, 0, 0x11111111), "a read-only slot over read-only memory: a read");
	tap_ok(mem_reads(&m, 2, 0), "also of memory that is not there yet");
	tap_ok(mem_write(&m, 0, 1) == GUEST_EXIT && m.vcpu[0]->run->exit_reason == KVM_EXIT_MMIO,
	       "a write is MMIO");
	tap_eq(guest_run(m.vcpu[0]), GUEST_DONE, "the guest goes on");
	tap_ok(mem_reads(&m, 0, 0x11111111), "and finds nothing changed");
	must(mprotect(mem, SIZE, PROT_NONE));
	tap_eq(mem_read(&m, 0), -EFAULT, "memory that cannot be read: EFAULT");
	mem_unmap(&m);
}

/*
 * A slot may lie over nothing at all: that shows when the guest comes there. KVM_RUN leaves
 * exit_reason alone then, or says that it is unknown.
 */
static void test_bad_hva(void)
{
	struct memguest m = mem_create(1, SIZE);
	struct kvm_run *run = m.vcpu[0]->run;
	struct kvm_regs before, after;

	munmap(m.mem, SIZE);
	m.vcpu[0]->shared->arg[0] = MEM_GPA;
	tap_eq(guest_start_op(m.vcpu[0], BASIC_READ), -EFAULT, "a slot over nothing: EFAULT");
	must(xioctl(m.vcpu[0]->fd, KVM_GET_REGS, &before));
	run->exit_reason = KVM_EXIT_HLT;
	tap_eq(vcpu_run(m.vcpu[0]), -EFAULT, "and again");
	must(xioctl(m.vcpu[0]->fd, KVM_GET_REGS, &after));
	tap_ok(!memcmp(&before, &after, sizeof(before)), "the guest's registers do not move");
	tap_ok(run->exit_reason == KVM_EXIT_HLT || run->exit_reason == KVM_EXIT_UNKNOWN,
	       "and no exit is claimed");
	mem_destroy(&m);
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
	test_remap_away();
	test_shared_file();
	test_punch_hole();
	test_private_file();
	test_readonly_file();
	test_readonly_slot();
	test_bad_hva();
	return tap_done();
}
