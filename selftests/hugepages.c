// SPDX-License-Identifier: GPL-2.0
/*
 * Guest pages of 4 KiB, 2 MiB and 1 GiB over host pages of each size: what the guest reads and
 * writes, what the tables hold (on Umbra), and what is left of it when the host or the guest asks
 * for single pages.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/pgtable.h"
#include "lib/stats.h"
#include "guest/basic.h"

#define GIB		0x40000000UL
#define MIB2		(2UL << 20)
#define BIG_GPA		GIB		/* slot 1 */
#define BIG_GVA		(4 * GIB)
#define TABLES		(GUEST_MEM_SIZE - 64 * PAGE_SIZE)
#define BIG_SLOT	1
#define RW		(PTE_P | PTE_W)
#define LEVELS		3
#define OPCODE_RET	0xc3

static const char * const size_names[] = { "", "4K", "2M", "1G" };

struct big {
	struct vcpu *vcpu;
	struct pgtable pt;
	uint8_t *mem;		/* the GiB at BIG_GPA */
};

/* Offsets in the GiB that the tests touch: few, so that memory of 4K pages suffices. */
static const uint64_t offsets[] = { 0, PAGE_SIZE, MIB2 - PAGE_SIZE, MIB2, 3 * MIB2,
				    3 * MIB2 + 5 * PAGE_SIZE, GIB - PAGE_SIZE };
#define NR_OFFSETS	ARRAY_SIZE(offsets)

/* 1 GiB, aligned to that, of host pages of this level; NULL: there are none. */
static uint8_t *host_gib(int level)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	uint8_t *area, *mem;

	area = mmap(NULL, 2 * GIB, PROT_NONE, flags, -1, 0);
	if (area == MAP_FAILED)
		tap_bail("no room for 2 GiB of addresses");
	mem = (uint8_t *)(((uintptr_t)area + GIB - 1) & ~(GIB - 1));
	if (level == 3)
		flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | 30 << MAP_HUGE_SHIFT;
	if (mmap(mem, GIB, PROT_READ | PROT_WRITE, flags | MAP_FIXED, -1, 0) == MAP_FAILED) {
		munmap(area, 2 * GIB);
		return NULL;
	}
	if (level < 3)
		madvise(mem, GIB, level == 2 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	return mem;
}

static struct big big_create(int guest_level, uint8_t *mem)
{
	struct big b = { .vcpu = guest_create("basic", MODE_LONG), .mem = mem };
	struct kvm_sregs sregs;
	unsigned int i;

	must(vm_set_slot(b.vcpu->vm, BIG_SLOT, 0, BIG_GPA, GIB, mem));
	must(xioctl(b.vcpu->fd, KVM_GET_SREGS, &sregs));
	b.pt = (struct pgtable){ .vm = b.vcpu->vm, .mode = MODE_LONG, .root = sregs.cr3,
				 .next = TABLES };
	for (i = 0; i < NR_OFFSETS; i++) {
		uint64_t at = offsets[i] & ~(pt_page_size(MODE_LONG, guest_level) - 1);

		pt_map(&b.pt, BIG_GVA + at, BIG_GPA + at, RW, guest_level);
	}
	must(xioctl(b.vcpu->fd, KVM_SET_SREGS, &sregs));
	return b;
}

static bool guest_op(struct big *b, uint64_t op, uint64_t gva, uint64_t value)
{
	b->vcpu->shared->arg[0] = gva;
	b->vcpu->shared->arg[1] = value;
	return guest_start_op(b->vcpu, op) == GUEST_DONE;
}

static bool guest_reads(struct big *b, uint64_t offset, uint32_t want)
{
	return guest_op(b, BASIC_READ, BIG_GVA + offset, 0) &&
	       b->vcpu->shared->result[0] == want;
}

static bool guest_writes(struct big *b, uint64_t offset, uint32_t value)
{
	return guest_op(b, BASIC_WRITE, BIG_GVA + offset, value) &&
	       READ_ONCE(*(uint32_t *)(b->mem + offset)) == value;
}

/* The guest sees what the host wrote and the reverse, at each offset. */
static bool exchange(struct big *b, uint32_t mark)
{
	bool good = true;
	unsigned int i;

	for (i = 0; i < NR_OFFSETS; i++) {
		WRITE_ONCE(*(uint32_t *)(b->mem + offsets[i]), mark + i);
		good &= guest_reads(b, offsets[i], mark + i);
		good &= guest_writes(b, offsets[i], ~(mark + i));
	}
	return good;
}

/* Code in it runs, which nx_huge_pages splits leaves for. */
static bool calls(struct big *b)
{
	bool good = true;
	unsigned int i;

	for (i = 0; i < NR_OFFSETS; i++) {
		WRITE_ONCE(b->mem[offsets[i]], OPCODE_RET);
		good &= guest_op(b, BASIC_CALL, BIG_GVA + offsets[i], 0);
	}
	return good;
}

/* Does Linux map this address with a page of the level that was asked for? */
static bool host_is_huge(const uint8_t *mem, int level)
{
	char line[256];
	bool found = false, inside = false;
	unsigned long start, end, kib;
	FILE *smaps = fopen("/proc/self/smaps", "r");

	while (smaps && !found && fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = (unsigned long)mem >= start && (unsigned long)mem < end;
		else if (inside && sscanf(line, level == 3 ? "KernelPageSize: %lu" :
					  "AnonHugePages: %lu", &kib) == 1)
			found = level == 3 ? kib == GIB >> 10 : kib >= MIB2 >> 10;
	}
	if (smaps)
		fclose(smaps);
	return found;
}

static bool large_pages_are_nx(void)
{
	FILE *file = fopen("/sys/module/umbra/parameters/nx_huge_pages", "re");
	char value[8] = "";
	bool on = file && fgets(value, sizeof(value), file) && !strncmp(value, "on", 2);

	if (file)
		fclose(file);
	return on;
}

/*
 * The largest leaves that should be there are. With nx_huge_pages there are none on shadow paging,
 * where the guest's own entry, which lets it execute the page, decides.
 */
static void check_leaves(struct big *b, int guest_level, int host_level)
{
	static const char * const counters[] = { "", "pages_mapped_4k", "pages_mapped_2m",
						 "pages_mapped_1g" };
	bool none = mmu_wanted() == MMU_SHADOW && large_pages_are_nx();
	int level = host_level;
	uint64_t count;

	/* Guest tables do not matter to EPT. */
	if (mmu_wanted() == MMU_SHADOW && guest_level < level)
		level = guest_level;
	if (!dev_is_umbra() || mmu_wanted() == 0)
		return;
	count = stat_value(b->vcpu->vm->fd, counters[level]);
	tap_ok(!count == (none && level > 1), "guest %s, host %s: %lu leaves of %s",
	       size_names[guest_level], size_names[host_level], count, size_names[level]);
}

/* The host takes single pages back and forbids writing to others: large leaves must yield. */
static void check_split(struct big *b, const char *what)
{
	struct kvm_userspace_memory_region r = {
		.slot = BIG_SLOT, .flags = KVM_MEM_LOG_DIRTY_PAGES, .guest_phys_addr = BIG_GPA,
		.memory_size = GIB, .userspace_addr = (uintptr_t)b->mem };
	static unsigned long bitmap[GIB / PAGE_SIZE / 64];
	struct kvm_dirty_log log = { .slot = BIG_SLOT, .dirty_bitmap = bitmap };
	bool good;

	must(xioctl(b->vcpu->vm->fd, KVM_SET_USER_MEMORY_REGION, &r));
	must(xioctl(b->vcpu->vm->fd, KVM_GET_DIRTY_LOG, &log));
	good = guest_writes(b, PAGE_SIZE, 0x77);
	must(xioctl(b->vcpu->vm->fd, KVM_GET_DIRTY_LOG, &log));
	tap_ok(good && bitmap[0] == 2 && !bitmap[GIB / PAGE_SIZE / 64 - 1],
	       "%s: a write is logged by its 4K page (%#lx)", what, bitmap[0]);
	r.flags = 0;
	must(xioctl(b->vcpu->vm->fd, KVM_SET_USER_MEMORY_REGION, &r));
	tap_ok(exchange(b, 0x3000), "%s: after dirty logging", what);
}

/* A page of the GiB is a page table of the guest, which writes it through its large page. */
static void check_table_inside(struct big *b, const char *what)
{
	uint64_t table = 3 * MIB2 + 5 * PAGE_SIZE, gva = BIG_GVA + 8 * GIB;
	struct kvm_sregs sregs;
	bool good;

	must(xioctl(b->vcpu->fd, KVM_GET_SREGS, &sregs));
	pt_map(&b->pt, gva, 0, 0, 1);
	memset(b->mem + table, 0, PAGE_SIZE);
	WRITE_ONCE(*(uint64_t *)(b->mem + table), SCRATCH_GPA | RW);
	pt_write(&b->pt, pt_entry(&b->pt, gva, 2), (BIG_GPA + table) | RW);
	vm_write32(b->vcpu->vm, SCRATCH_GPA, 0x111);
	vm_write32(b->vcpu->vm, SCRATCH_GPA + PAGE_SIZE, 0x222);
	must(xioctl(b->vcpu->fd, KVM_SET_SREGS, &sregs));
	good = guest_op(b, BASIC_READ, gva, 0) && b->vcpu->shared->result[0] == 0x111;
	/* Now that it is known as a table its neighbours must not come back with it. */
	good &= guest_writes(b, 3 * MIB2, 0x333);
	good &= guest_writes(b, table + sizeof(uint64_t), (SCRATCH_GPA + PAGE_SIZE) | RW);
	good &= guest_op(b, BASIC_READ, gva + PAGE_SIZE, 0) &&
		b->vcpu->shared->result[0] == 0x222;
	tap_ok(good, "%s: a table inside the large page, written by the guest", what);
	tap_ok(exchange(b, 0x4000), "%s: beside that table", what);
}

/* The host takes a page away and gives a new one. */
static void check_taken(struct big *b, int host_level, const char *what)
{
	size_t size = host_level == 3 ? GIB : PAGE_SIZE;

	madvise(b->mem, size, MADV_DONTNEED);
	tap_ok(guest_reads(b, 0, 0), "%s: a page that the host took reads as 0", what);
	tap_ok(exchange(b, 0x5000), "%s: after that", what);
}

static void test_sizes(int guest_level, int host_level)
{
	char what[64];
	uint8_t *mem = host_gib(host_level);
	struct big b;

	snprintf(what, sizeof(what), "guest %s, host %s", size_names[guest_level],
		 size_names[host_level]);
	if (mem && host_level > 1)
		WRITE_ONCE(*mem, 0);
	if (!mem || (host_level > 1 && !host_is_huge(mem, host_level))) {
		tap_skip("the host has no such page free", "%s", what);
		return;
	}
	b = big_create(guest_level, mem);
	tap_ok(exchange(&b, 0x1000), "%s: memory is the same from both sides", what);
	check_leaves(&b, guest_level, host_level);
	tap_ok(calls(&b), "%s: code in it runs", what);
	tap_ok(exchange(&b, 0x2000), "%s: again", what);
	check_split(&b, what);
	check_taken(&b, host_level, what);
	check_table_inside(&b, what);
	guest_destroy(b.vcpu);
	munmap(mem, GIB);
}

/*
 * A slot that ends within a huge page of the host's, or lies askew to it: no leaf reaches over the
 * end, and each page is the right one. Guest and host both have pages of 2 MiB.
 */
static void test_borders(uint64_t skew, uint64_t size, const char *what)
{
	uint8_t *mem = host_gib(2);
	uint64_t at = size / 2 & ~(PAGE_SIZE - 1);
	bool good = true;
	struct big b;

	if (mem)
		memset(mem, 0, 3 * MIB2);
	if (!mem || !host_is_huge(mem, 2)) {
		tap_skip("the host has no such page free", "a slot that %s", what);
		return;
	}
	b = big_create(2, mem);
	must(vm_set_slot(b.vcpu->vm, BIG_SLOT, 0, 0, 0, NULL));
	must(vm_set_slot(b.vcpu->vm, BIG_SLOT, 0, BIG_GPA, size, mem + skew));
	b.mem = mem + skew;
	for (; at < size; at += PAGE_SIZE) {
		WRITE_ONCE(*(uint32_t *)(b.mem + at), at);
		good &= guest_reads(&b, at, at) && guest_writes(&b, at, ~at);
	}
	tap_ok(good, "a slot that %s: the guest has its pages", what);
	b.vcpu->shared->arg[0] = BIG_GVA + size;
	tap_ok(guest_start_op(b.vcpu, BASIC_READ) == GUEST_EXIT &&
	       b.vcpu->run->exit_reason == KVM_EXIT_MMIO &&
	       b.vcpu->run->mmio.phys_addr == BIG_GPA + size, "and none behind it");
	guest_destroy(b.vcpu);
	munmap(mem, GIB);
}

int main(void)
{
	int guest_level, host_level;

	tap_start("hugepages", 200);
	for (guest_level = 1; guest_level <= LEVELS; guest_level++) {
		if (guest_level == 3 && !cpuid_has(0x80000001, 0, CPUID_EDX, 26)) {
			tap_skip("not in CPUID", "guest pages of 1 GiB");
			continue;
		}
		for (host_level = 1; host_level <= LEVELS; host_level++)
			test_sizes(guest_level, host_level);
	}
	test_borders(0, MIB2 + MIB2 / 2, "ends within a huge page");
	test_borders(3 * PAGE_SIZE, MIB2 + 8 * PAGE_SIZE, "lies askew to huge pages");
	return tap_done();
}
