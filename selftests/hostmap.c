// SPDX-License-Identifier: GPL-2.0
/*
 * Slots over mappings that are no ordinary memory: a device's memory, pages of the kernel that a
 * driver maps, the vCPU's own run page, pages whose hardware failed, pages that a thread of the
 * process provides when they are missed.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <linux/if_packet.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <unistd.h>

#include "lib/memguest.h"
#include "guest/basic.h"

#ifndef MADV_HWPOISON
#define MADV_HWPOISON	100
#endif

#define CLASS		"PFNMAP pages without a reference: "
#define VGA_TEXT	0xb8000
#define VGA_PAGES	2UL
#define ROM		0xf0000
#define ROM_PAGES	16UL
#define RING_ENTRIES	1024U
#define RING_ROUNDS	50
#define SETTLE		100000		/* rings are freed a little after they are closed */

/* The guest's memory where a driver mapped it; a slot and 4K pages. */
static struct memguest over(void *mem, size_t size, uint32_t flags)
{
	return mem_create_over(1, mem, size, flags, 1);
}

static void *map_device(const char *path, int protection, off_t offset, size_t size)
{
	int fd = open(path, (protection & PROT_WRITE ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	void *mem;

	if (fd < 0)
		return NULL;
	mem = mmap(NULL, size, protection, MAP_SHARED, fd, offset);
	close(fd);
	return mem == MAP_FAILED ? NULL : mem;
}

/* Memory of a device, without a reference to be had. */
static void test_vga(void)
{
	uint32_t *mem = map_device("/dev/mem", PROT_READ | PROT_WRITE, VGA_TEXT,
				   VGA_PAGES * PAGE_SIZE);
	struct memguest m;

	if (!mem) {
		tap_skip("/dev/mem does not give it", CLASS "a display's memory");
		return;
	}
	m = over(mem, VGA_PAGES * PAGE_SIZE, 0);
	mem[0] = 0x07410742;
	tap_ok(mem_reads(&m, 0, 0x07410742), CLASS "the guest reads a display's memory");
	tap_eq(mem_write(&m, 0, 0x07430744), GUEST_DONE, CLASS "it writes there");
	tap_eq(mem_host_read(&m, 0), 0x07430744, CLASS "the display has it");
	must(munmap(mem, VGA_PAGES * PAGE_SIZE));
	tap_eq(mem_write(&m, 0, 0), -EFAULT, CLASS "unmapped, EFAULT");
	mem_destroy(&m);
}

static void test_rom(void)
{
	uint32_t *mem = map_device("/dev/mem", PROT_READ, ROM, ROM_PAGES * PAGE_SIZE);
	struct memguest m;
	uint64_t sum = 0;
	unsigned long i;

	if (!mem) {
		tap_skip("/dev/mem does not give it", CLASS "the ROM");
		return;
	}
	for (i = 0; i < ROM_PAGES; i++)
		sum += mem[i * PAGE_SIZE / 4];
	m = over(mem, ROM_PAGES * PAGE_SIZE, 0);
	tap_ok(mem_sum_is(&m, 0, ROM_PAGES, sum), CLASS "the guest reads the host's ROM");
	tap_ok(mem_write(&m, 1, 1) == GUEST_EXIT && m.vcpu[0]->run->exit_reason == KVM_EXIT_MMIO,
	       CLASS "mapped read-only, a write is MMIO");
	mem_unmap(&m);
}

static unsigned long free_memory(void)
{
	unsigned long kib = 0;
	char line[100];
	FILE *file = fopen("/proc/meminfo", "re");

	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "MemFree: %lu", &kib) == 1)
			break;
	fclose(file);
	return kib;
}

/* Pages that the kernel owns and counts: VM_PFNMAP or VM_MIXEDMAP, as its version has it. */
static void *map_io_uring(int *fd, size_t *size)
{
	struct io_uring_params p = { 0 };
	void *mem;

	*size = RING_ENTRIES * sizeof(struct io_uring_sqe);
	*fd = syscall(SYS_io_uring_setup, RING_ENTRIES, &p);
	if (*fd < 0)
		return NULL;
	mem = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, IORING_OFF_SQES);
	return mem == MAP_FAILED ? NULL : mem;
}

/* The same, always VM_MIXEDMAP. */
static void *map_packets(int *fd, size_t *size)
{
	struct tpacket_req req = {
		.tp_block_size = 4 * PAGE_SIZE, .tp_block_nr = 4,
		.tp_frame_size = PAGE_SIZE, .tp_frame_nr = 16,
	};
	void *mem;

	*size = req.tp_block_size * req.tp_block_nr;
	*fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (*fd < 0 || setsockopt(*fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)))
		return NULL;
	mem = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	return mem == MAP_FAILED ? NULL : mem;
}

typedef void *(*ring_fn)(int *fd, size_t *size);

/* What closing a ring leaves to be done may interrupt KVM_RUN like a signal. */
static int go_on(struct memguest *m, int outcome)
{
	while (outcome == -EINTR)
		outcome = guest_run(m->vcpu[0]);
	return outcome;
}

/* The owner frees them when the mapping is gone: the guest must neither keep nor lose one. */
static bool use_ring(struct memguest *m, ring_fn map)
{
	uint32_t *mem;
	int fd, outcome;
	size_t size;
	bool good;

	mem = map(&fd, &size);
	if (!mem) {
		tap_diag("no ring: %s", strerror(errno));
		return false;
	}
	must(vm_set_slot(m->vm, MEM_SLOT, 0, MEM_GPA, size, mem));
	outcome = go_on(m, mem_touch(m, 0, size / PAGE_SIZE));
	good = outcome == GUEST_DONE && (mem[PAGE_SIZE / 4] & 0xff) == 0x5a;
	if (!good)
		tap_diag("a write ends with %d, the host reads %#x", outcome, mem[PAGE_SIZE / 4]);
	must(munmap(mem, size));
	close(fd);
	outcome = go_on(m, mem_read(m, 0));
	if (outcome != -EFAULT)
		tap_diag("unmapped, a read ends with %d", outcome);
	good &= outcome == -EFAULT;
	must(vm_set_slot(m->vm, MEM_SLOT, 0, 0, 0, NULL));
	return good;
}

static void test_ring(ring_fn map, const char *what)
{
	struct memguest m = mem_create(1, SIZE_2M);
	unsigned long before, after;
	unsigned int i;
	size_t size;
	bool good;
	void *mem;
	int fd;

	mem = map(&fd, &size);
	if (!mem) {
		tap_skip("the kernel has none", CLASS "%s", what);
		return;
	}
	munmap(mem, size);
	close(fd);
	must(vm_set_slot(m.vm, MEM_SLOT, 0, 0, 0, NULL));
	good = use_ring(&m, map);
	usleep(SETTLE);
	before = free_memory();
	for (i = 0; i < RING_ROUNDS; i++)
		good &= use_ring(&m, map);
	usleep(SETTLE);
	after = free_memory();
	tap_ok(good, CLASS "%s come and go", what);
	if (!tap_ok(after + RING_ROUNDS * size / 2048 > before, CLASS "%s: none is lost", what))
		tap_diag("free: %lu KiB, then %lu KiB", before, after);
	mem_unmap(&m);
}

/* A vCPU's run page as memory of its guest: pages that belong to the very file being used. */
static void test_run_page(void)
{
	struct memguest m = mem_create(1, SIZE_2M);
	struct vcpu *other = vcpu_create(m.vm, 1);
	size_t size = other->run_size & ~(PAGE_SIZE - 1);

	must(vm_set_slot(m.vm, MEM_SLOT, 0, 0, 0, NULL));
	must(vm_set_slot(m.vm, MEM_SLOT, 0, MEM_GPA, size, other->run));
	other->run->request_interrupt_window = 0;
	tap_eq(mem_write(&m, 0, 0x01000001), GUEST_DONE, "a vCPU's page as memory: a write");
	tap_eq(*(uint32_t *)other->run, 0x01000001, "which arrives");
	close(other->fd);
	tap_ok(mem_reads(&m, 0, 0x01000001), "it lives as long as it is mapped");
	munmap(other->run, other->run_size);
	tap_eq(mem_read(&m, 0), -EFAULT, "then it is gone: EFAULT");
	free(other);
	mem_unmap(&m);
}

/* A device on the PCI bus whose memory may be mapped; there may be none. */
static void test_bar(void)
{
	static const char * const bars[] = {
		"/sys/bus/pci/devices/0000:00:02.0/resource0",
		"/sys/bus/pci/devices/0000:00:01.0/resource0",
		"/sys/bus/pci/devices/0000:00:03.0/resource0",
	};
	void *mem = NULL;
	struct memguest m;
	unsigned int i;

	for (i = 0; !mem && i < ARRAY_SIZE(bars); i++)
		mem = map_device(bars[i], PROT_READ, 0, PAGE_SIZE);
	if (!mem) {
		tap_skip("no PCI device has any", CLASS "a device's registers");
		return;
	}
	m = over(mem, PAGE_SIZE, 0);
	tap_ok(mem_reads(&m, 0, *(uint32_t *)mem), CLASS "the guest reads a device's memory");
	mem_unmap(&m);
}

static unsigned int bus_errors;
static siginfo_t bus_error;

static void on_bus_error(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	WRITE_ONCE(bus_errors, bus_errors + 1);
	bus_error = *info;
}

/*
 * The host's hardware lost a page. Only the process can tell the guest: it gets the signal that an
 * access of its own would have raised, and KVM_RUN ends as for any signal.
 */
static void test_poison(void)
{
	struct sigaction action = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO };
	struct memguest m = mem_create(1, SIZE_2M);
	int outcome;

	mem_touch(&m, 0, 8);
	sigaction(SIGBUS, &action, NULL);
	if (madvise(m.mem + 3 * PAGE_SIZE, PAGE_SIZE, MADV_HWPOISON)) {
		tap_skip("no MADV_HWPOISON", "a page whose hardware failed");
		mem_unmap(&m);
		return;
	}
	/* The news itself may be a signal, too. */
	WRITE_ONCE(bus_errors, 0);
	tap_ok(mem_reads(&m, 2, 0x5a), "a page's hardware failed: the others can be read");
	outcome = mem_write(&m, 3, 1);
	tap_eq(outcome, -EINTR, "a write to it ends KVM_RUN as a signal does");
	tap_eq(READ_ONCE(bus_errors), 1, "the signal is SIGBUS");
	tap_ok(bus_error.si_code == BUS_MCEERR_AR && bus_error.si_addr_lsb == 12,
	       "it says that action is required");
	tap_ok(bus_error.si_addr == m.mem + 3 * PAGE_SIZE, "and names the host's page");
	tap_eq(mem_read(&m, 3), -EINTR, "a read ends the same way");
	tap_eq(READ_ONCE(bus_errors), 2, "and with the same signal");
	if (mmap(m.mem + 3 * PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		tap_bail("mmap: %s", strerror(errno));
	tap_eq(guest_run(m.vcpu[0]), GUEST_DONE, "another page in its place: the guest goes on");
	signal(SIGBUS, SIG_DFL);
	mem_unmap(&m);
}

struct pager {
	int fd;
	struct memguest *m;
	unsigned int missing, protected;
	bool zero;
	pthread_t thread;
};

static void provide(struct pager *p, uint64_t page)
{
	static uint32_t content[PAGE_SIZE / 4] = { 0xfeed };
	struct uffdio_copy copy = { .dst = page, .src = (uintptr_t)content, .len = PAGE_SIZE };
	struct uffdio_zeropage zero = { .range = { page, PAGE_SIZE } };

	p->missing++;
	if (p->zero)
		ioctl(p->fd, UFFDIO_ZEROPAGE, &zero);
	else
		ioctl(p->fd, UFFDIO_COPY, &copy);
}

static void *pager_thread(void *arg)
{
	struct pager *p = arg;
	struct uffd_msg msg;

	while (read(p->fd, &msg, sizeof(msg)) == sizeof(msg) && msg.event == UFFD_EVENT_PAGEFAULT) {
		uint64_t page = msg.arg.pagefault.address & ~(PAGE_SIZE - 1);
		struct uffdio_writeprotect wp = { .range = { page, PAGE_SIZE } };

		if (!page)
			break;
		if (msg.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP) {
			p->protected++;
			ioctl(p->fd, UFFDIO_WRITEPROTECT, &wp);
		} else {
			provide(p, page);
		}
	}
	return NULL;
}

static bool pager_start(struct pager *p, struct memguest *m)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP };
	struct uffdio_register reg = {
		.range = { (uintptr_t)m->mem, m->size },
		.mode = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP,
	};

	*p = (struct pager){ .m = m };
	p->fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (p->fd < 0 || ioctl(p->fd, UFFDIO_API, &api) || ioctl(p->fd, UFFDIO_REGISTER, &reg))
		return false;
	pthread_create(&p->thread, NULL, pager_thread, p);
	return true;
}

static void pager_stop(struct pager *p)
{
	pthread_cancel(p->thread);
	pthread_join(p->thread, NULL);
	close(p->fd);
}

static void protect(struct pager *p, unsigned long first, unsigned long pages)
{
	struct uffdio_writeprotect wp = {
		.range = { (uintptr_t)p->m->mem + first * PAGE_SIZE, pages * PAGE_SIZE },
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};

	must(ioctl(p->fd, UFFDIO_WRITEPROTECT, &wp));
}

/* Another thread provides what the guest misses, as when a VM's memory follows it to a new host. */
static void test_userfault(void)
{
	struct memguest m = mem_create(1, SIZE_2M);
	struct pager p;

	if (!pager_start(&p, &m)) {
		tap_skip("no userfaultfd with write protection", "userfaultfd");
		mem_unmap(&m);
		return;
	}
	tap_ok(mem_reads(&m, 0, 0xfeed), "userfaultfd: a missed page is provided");
	tap_eq(mem_write(&m, 1, 0x11), GUEST_DONE, "userfaultfd: for a write, too");
	tap_eq(mem_host_read(&m, 1), 0x11, "userfaultfd: which arrives");
	p.zero = true;
	tap_ok(mem_reads(&m, 2, 0), "userfaultfd: a page of zeros");
	tap_eq(mem_write(&m, 2, 0x22), GUEST_DONE, "userfaultfd: that can be written");
	p.zero = false;
	tap_eq(p.missing, 3, "userfaultfd: each was missed once");
	must(madvise(m.mem, PAGE_SIZE, MADV_DONTNEED));
	tap_ok(mem_reads(&m, 0, 0xfeed) && p.missing == 4, "userfaultfd: given back, missed again");
	protect(&p, 0, 3);
	tap_ok(mem_reads(&m, 1, 0x11) && !p.protected, "userfaultfd: a protected page can be read");
	tap_eq(mem_write(&m, 1, 0x33), GUEST_DONE, "userfaultfd: a write to it waits for leave");
	tap_ok(p.protected == 1 && mem_host_read(&m, 1) == 0x33, "userfaultfd: and then arrives");
	pager_stop(&p);
	mem_unmap(&m);
}

/* All of memory is protected time and again, as a snapshot of a running VM does it. */
static void test_userfault_running(unsigned int vcpus)
{
	struct memguest m = mem_create(vcpus, SIZE_2M);
	bool good = true;
	struct pager p;
	unsigned int i;

	memset(m.mem, 0, SIZE_2M);
	if (!pager_start(&p, &m)) {
		tap_skip("no userfaultfd with write protection", "%u vCPUs: userfaultfd", vcpus);
		mem_unmap(&m);
		return;
	}
	m.stride = 16 * PAGE_SIZE;
	mem_start(&m, 0);
	for (i = 0; i < 6; i++) {
		protect(&p, 0, SIZE_2M / PAGE_SIZE);
		good &= mem_progress(&m);
	}
	good &= mem_stop(&m);
	tap_ok(good && !mem_faults(&m) && p.protected >= 6 * 32,
	       "%u vCPUs: memory is protected by userfaultfd under the guest", vcpus);
	tap_diag("%u writes were held up", p.protected);
	pager_stop(&p);
	mem_unmap(&m);
}

int main(void)
{
	tap_start("hostmap", 200);
	test_vga();
	test_rom();
	test_bar();
	test_ring(map_io_uring, "pages of an io_uring");
	test_ring(map_packets, "pages of a packet socket");
	test_run_page();
	test_poison();
	test_userfault();
	test_userfault_running(1);
	test_userfault_running(2);
	return tap_done();
}
