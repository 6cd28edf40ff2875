// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory made of every kind of page that a host has: transparent huge pages that come and
 * go under a running guest, reserved huge pages, huge pages of files, pages merged with others,
 * pages on a swap device.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/memguest.h"
#include "lib/swap.h"
#include "guest/basic.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

#ifndef MFD_HUGE_SHIFT
#define MFD_HUGE_SHIFT	26
#endif

#define SIZE		(2 * SIZE_2M)
#define FILE_2M		(MFD_HUGETLB | 21U << MFD_HUGE_SHIFT)
#define FILE_1G		(MFD_HUGETLB | 30U << MFD_HUGE_SHIFT)
#define PAGES_2M	(SIZE_2M / PAGE_SIZE)
#define THP		"/sys/kernel/mm/transparent_hugepage/"
#define HUGE_2M		"/sys/kernel/mm/hugepages/hugepages-2048kB/"
#define HUGE_1G		"/sys/kernel/mm/hugepages/hugepages-1048576kB/"
#define KSM		"/sys/kernel/mm/ksm/"

/* The guest churns 64 pages of these 4 MiB. */
static struct memguest create(unsigned int vcpus, void *mem, size_t size)
{
	struct memguest m = mem_create_over(vcpus, mem, size, 0, 2);

	m.stride = size / 64;
	return m;
}

static void expect_large(struct memguest *m, uint64_t want, const char *what)
{
	uint64_t pages;

	if (!mem_large(m, SIZE_2M, &pages))
		tap_skip("no such counter", "%s", what);
	else if (!tap_ok(pages >= want, "%s", what))
		tap_diag("%llu pages of 2 MiB", (unsigned long long)pages);
}

/* A file that lists words, the one in force in brackets. */
struct setting {
	const char *path;
	char before[20];
};

static struct setting thp = { .path = THP "enabled" };
static struct setting shmem_thp = { .path = THP "shmem_enabled" };

static void change(struct setting *s, const char *word)
{
	char line[200];
	FILE *file = fopen(s->path, "re");

	if (!file)
		return;
	if (fgets(line, sizeof(line), file) && sscanf(line, "%*[^[][%19[^]]", s->before) != 1)
		sscanf(line, "[%19[^]]", s->before);
	fclose(file);
	sys_write(s->path, word);
}

static void restore(struct setting *s)
{
	if (s->before[0])
		sys_write(s->path, s->before);
}

/* What the process has of this kind, in KiB. */
static unsigned long huge(const char *format)
{
	unsigned long kib = 0;
	char line[100];
	FILE *file = fopen("/proc/self/smaps_rollup", "re");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, format, &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib;
}

/* NULL if no such pages are free; those of others are moved together first. */
static void *huge_memory(size_t size)
{
	void *mem = aligned_pages(size, SIZE_2M);

	if (madvise(mem, size, MADV_HUGEPAGE))
		tap_bail("MADV_HUGEPAGE: %s", strerror(errno));
	sys_write("/proc/sys/vm/compact_memory", "1");
	memset(mem, 0, size);
	if (huge("AnonHugePages: %lu") >= size / 1024)
		return mem;
	munmap(mem, size);
	return NULL;
}

static void test_thp(void)
{
	void *mem = thp.before[0] ? huge_memory(SIZE) : NULL;
	struct memguest m;

	if (!mem) {
		tap_skip("the kernel has none", "transparent huge pages");
		return;
	}
	m = create(1, mem, SIZE);
	tap_eq(mem_touch(&m, 0, 2 * PAGES_2M), GUEST_DONE, "the guest touches huge pages");
	expect_large(&m, 2, "and they are mapped as such");
	must(mprotect(m.mem + 5 * PAGE_SIZE, PAGE_SIZE, PROT_READ));
	tap_eq(mem_write(&m, 4, 0x4444), GUEST_DONE, "one page made read-only, not the others");
	tap_ok(mem_reads(&m, 5, 0x5a), "it can be read");
	tap_eq(mem_write(&m, 5, 0x5555), -EFAULT, "but not written");
	must(mprotect(m.mem + 5 * PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_WRITE));
	tap_eq(guest_run(m.vcpu[0]), GUEST_DONE, "and again, when it may be");
	tap_eq(mem_host_read(&m, 5), 0x5555, "the write arrives");
	must(munmap(m.mem + (PAGES_2M + 7) * PAGE_SIZE, PAGE_SIZE));
	tap_eq(mem_read(&m, PAGES_2M + 7), -EFAULT, "one page unmapped from the other: EFAULT");
	tap_ok(mem_reads(&m, PAGES_2M + 6, 0x5a) && mem_reads(&m, PAGES_2M + 8, 0x5a),
	       "its neighbours are there");
	must(madvise(m.mem, SIZE_2M, MADV_DONTNEED));
	tap_ok(mem_sum_is(&m, 0, PAGES_2M, 0), "a huge page given back reads as zeros");
	mem_unmap(&m);
}

static void collapse(struct memguest *m)
{
	int i;

	/* It may meet a page that somebody holds at that moment. */
	for (i = 0; i < 20 && madvise(m->mem, SIZE, MADV_COLLAPSE); i++)
		usleep(1000);
}

/* Small pages become huge ones and huge ones small while the guest uses them. */
static void test_collapse(unsigned int vcpus)
{
	void *mem = aligned_pages(SIZE, SIZE_2M);
	struct memguest m;
	bool good = true;
	unsigned int i;

	madvise(mem, SIZE, MADV_NOHUGEPAGE);
	memset(mem, 0, SIZE);
	if (madvise(mem, SIZE, MADV_HUGEPAGE) ||
	    (madvise(mem, SIZE, MADV_COLLAPSE) && errno == EINVAL)) {
		tap_skip("no MADV_COLLAPSE", "%u vCPUs: collapse", vcpus);
		munmap(mem, SIZE);
		return;
	}
	m = create(vcpus, mem, SIZE);
	mem_start(&m, 0);
	for (i = 0; i < 8; i++) {
		uint8_t *page = m.mem + (i * 61 + 1) * PAGE_SIZE;

		collapse(&m);
		good &= mem_progress(&m);
		must(mprotect(page, PAGE_SIZE, PROT_NONE));
		must(mprotect(page, PAGE_SIZE, PROT_READ | PROT_WRITE));
		good &= i % 2 || !madvise(page, PAGE_SIZE, MADV_PAGEOUT);
	}
	good &= mem_stop(&m);
	tap_ok(good, "%u vCPUs: pages collapse and split under the guest", vcpus);
	expect_large(&m, 1, "and huge ones were mapped");
	mem_unmap(&m);
}

/* Reserves huge pages; false: the kernel cannot. They are few in a memory that is in use. */
static bool reserve(const char *dir, unsigned long pages)
{
	char path[100], number[20];
	unsigned long got = 0;

	snprintf(path, sizeof(path), "%snr_hugepages", dir);
	snprintf(number, sizeof(number), "%lu", pages);
	sys_read(path, &got);
	if (got < pages || !pages)
		sys_write(path, number);
	return sys_read(path, &got) && got >= pages;
}

static void *map_hugetlb(size_t size, unsigned int flags, int *fd)
{
	void *mem;

	*fd = memfd_create("guest", flags);
	if (*fd < 0 || ftruncate(*fd, size))
		return NULL;
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, *fd, 0);
	return mem == MAP_FAILED ? NULL : mem;
}

static void test_hugetlb(void)
{
	struct memguest m;
	void *mem;
	int fd;

	if (!reserve(HUGE_2M, 2)) {
		tap_skip("none can be reserved", "huge pages of 2 MiB");
		return;
	}
	mem = map_hugetlb(SIZE + SIZE_2M, FILE_2M, &fd);
	if (!mem)
		tap_bail("a file of huge pages: %s", strerror(errno));
	m = create(1, mem, SIZE + SIZE_2M);
	tap_eq(mem_touch(&m, 0, 2 * PAGES_2M), GUEST_DONE, "the guest touches reserved huge pages");
	expect_large(&m, 2, "and they are mapped as such");
	tap_eq(mem_write(&m, 2 * PAGES_2M, 1), -EFAULT, "none is left for the third: EFAULT");
	must(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, SIZE_2M));
	tap_eq(guest_run(m.vcpu[0]), GUEST_DONE, "the first is given back: the guest goes on");
	tap_eq(mem_read(&m, 0), -EFAULT, "and finds the first gone");
	must(ftruncate(fd, 0));
	tap_eq(mem_read(&m, PAGES_2M), -EFAULT, "the file is cut: EFAULT");
	close(fd);
	mem_unmap(&m);
	reserve(HUGE_2M, 0);
}

static void test_hugetlb_1g(void)
{
	uint64_t pages = 0;
	struct memguest m;
	void *mem;
	int fd;

	if (!reserve(HUGE_1G, 1)) {
		tap_skip("none reserved (boot with hugepagesz=1G hugepages=1)", "a page of 1 GiB");
		return;
	}
	mem = map_hugetlb(SIZE_1G, FILE_1G, &fd);
	if (!mem)
		tap_bail("a file of huge pages: %s", strerror(errno));
	m = create(1, mem, SIZE_1G);
	m.stride = SIZE_1G / 256;
	mem_start(&m, 0);
	tap_ok(mem_progress(&m) & mem_stop(&m), "the guest uses a page of 1 GiB");
	tap_ok(!mem_large(&m, SIZE_1G, &pages) || pages || !mem_large(&m, SIZE_2M, &pages) || pages,
	       "mapped by large pages");
	close(fd);
	mem_unmap(&m);
}

/* Huge pages of a file in memory: a hole in one splits it, the end of the file cuts it off. */
static void test_huge_file(unsigned int vcpus)
{
	int fd = memfd_create("guest", 0);
	unsigned long huge_there;
	struct memguest m;
	bool good;
	void *mem;

	sys_write("/proc/sys/vm/compact_memory", "1");
	if (!shmem_thp.before[0]) {
		tap_skip("the kernel has none", "%u vCPUs: huge pages of files", vcpus);
		close(fd);
		return;
	}
	must(ftruncate(fd, SIZE));
	mem = aligned_pages(SIZE, SIZE_2M);
	if (mmap(mem, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
		tap_bail("mmap: %s", strerror(errno));
	m = create(vcpus, mem, SIZE);
	mem_start(&m, CHURN_LOSES);
	good = mem_progress(&m);
	huge_there = huge("ShmemPmdMapped: %lu");
	must(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, SIZE_2M, PAGE_SIZE));
	good &= mem_progress(&m);
	must(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, SIZE_2M));
	good &= mem_progress(&m);
	tap_ok(good, "%u vCPUs: holes are punched into huge pages of a file", vcpus);
	if (huge_there)
		expect_large(&m, 1, "which were mapped as such");
	else
		tap_skip("none was free", "which were mapped as such");
	must(ftruncate(fd, SIZE_2M));
	while (!mem_faults(&m) && m.outcome[0] <= 0)
		usleep(1000);
	must(ftruncate(fd, SIZE));
	good = mem_progress(&m);
	tap_ok(mem_stop(&m) && good, "%u vCPUs: the file is cut and grows again", vcpus);
	close(fd);
	mem_unmap(&m);
}

static bool await_sharing(unsigned long at_least)
{
	unsigned long pages = 0;
	int i;

	for (i = 0; i < 2000; i++) {
		if (sys_read(KSM "pages_sharing", &pages) && pages >= at_least)
			return true;
		usleep(1000);
	}
	tap_diag("%lu pages are merged", pages);
	return false;
}

static bool ksm_on(void)
{
	return sys_write(KSM "sleep_millisecs", "1") && sys_write(KSM "pages_to_scan", "1000") &&
	       sys_write(KSM "run", "1");
}

/* Pages of equal contents become one: whoever writes gets one of his own. */
static void test_ksm(void)
{
	struct memguest m = mem_create(1, SIZE_2M);
	unsigned long i;

	if (!ksm_on() || madvise(m.mem, SIZE_2M, MADV_MERGEABLE)) {
		tap_skip("no KSM", "merged pages");
		mem_unmap(&m);
		return;
	}
	mem_touch(&m, 0, PAGES_2M);
	tap_ok(await_sharing(PAGES_2M - 100), "the host merges equal pages of the guest");
	tap_ok(mem_sum_is(&m, 0, PAGES_2M, PAGES_2M * 0x5a), "the guest reads them");
	for (i = 0; i < PAGES_2M; i += 2)
		mem_write(&m, i, i);
	for (i = 0; i < PAGES_2M; i++)
		if (mem_host_read(&m, i) != (i % 2 ? 0x5a : i))
			break;
	tap_eq(i, PAGES_2M, "a write of the guest reaches its own page alone");
	mem_host_write(&m, 1, 0x77);
	tap_ok(mem_reads(&m, 1, 0x77) && mem_reads(&m, 3, 0x5a), "so does one of the host");
	sys_write(KSM "run", "2");
	tap_ok(mem_reads(&m, 3, 0x5a) && mem_reads(&m, 4, 4), "all unmerged: nothing changed");
	sys_write(KSM "run", "0");
	mem_unmap(&m);
}

static void test_ksm_running(unsigned int vcpus)
{
	struct memguest m = mem_create(vcpus, SIZE_2M);
	bool good = true;
	unsigned int i;

	if (!ksm_on() || madvise(m.mem, SIZE_2M, MADV_MERGEABLE)) {
		tap_skip("no KSM", "%u vCPUs: merging", vcpus);
		mem_unmap(&m);
		return;
	}
	m.stride = 16 * PAGE_SIZE;
	mem_start(&m, 0);
	for (i = 0; i < 10; i++) {
		good &= mem_progress(&m);
		usleep(2000);
	}
	good &= mem_stop(&m);
	tap_ok(good, "%u vCPUs: pages are scanned for merging under the guest", vcpus);
	sys_write(KSM "run", "0");
	mem_unmap(&m);
}

/* What was used lately stays the first time. */
static void page_out(struct memguest *m)
{
	int i;

	for (i = 0; i < 3; i++)
		must(madvise(m->mem, SIZE_2M, MADV_PAGEOUT));
}

static void test_swap(unsigned int vcpus)
{
	struct memguest m = mem_create(vcpus, SIZE_2M);
	bool good = true;
	unsigned int i;

	if (!swap_on()) {
		tap_skip("no swap device", "%u vCPUs: swap", vcpus);
		mem_unmap(&m);
		return;
	}
	tap_eq(mem_touch(&m, 0, PAGES_2M), GUEST_DONE, "%u vCPUs: the guest fills memory", vcpus);
	page_out(&m);
	if (!tap_ok(swapped() > SIZE_2M / 1024 / 2, "most of it goes to the swap device"))
		tap_diag("%lu KiB are swapped, %lu pages there", swapped(), mem_resident(&m));
	tap_ok(mem_sum_is(&m, 0, PAGES_2M, PAGES_2M * 0x5a), "and comes back as it was");
	m.stride = 8 * PAGE_SIZE;
	mem_start(&m, 0);
	for (i = 0; i < 10; i++) {
		page_out(&m);
		good &= i % 4 || mem_progress(&m);
	}
	good &= mem_progress(&m);
	good &= mem_stop(&m);
	tap_ok(good && !mem_faults(&m), "%u vCPUs: memory is swapped out under the guest", vcpus);
	swap_off();
	mem_unmap(&m);
}

int main(void)
{
	unsigned int vcpus;

	tap_start("hostpages", 300);
	change(&thp, "madvise");
	change(&shmem_thp, "force");
	test_thp();
	test_hugetlb();
	test_hugetlb_1g();
	test_ksm();
	for (vcpus = 1; vcpus <= MEM_VCPUS; vcpus += MEM_VCPUS - 1) {
		test_collapse(vcpus);
		test_huge_file(vcpus);
		test_ksm_running(vcpus);
		test_swap(vcpus);
	}
	restore(&thp);
	restore(&shmem_thp);
	return tap_done();
}
