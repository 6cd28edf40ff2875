// SPDX-License-Identifier: GPL-2.0
/*
 * EPT where there is no memory: blocks of guest memory come and go at random, and accesses hit
 * memory and holes. A hole is marked so that the CPU reports a misconfiguration; the mark takes no
 * table, no flush, and no room from memory that comes later.
 */
#include "ept/ept.h"
#include "ept_stubs.h"
#include "tap.h"

#define STEPS		200000
#define BASE_GFN	0x3ff00UL	/* the blocks cross a 2 MiB and a 1 GiB border */
#define BLOCK_PAGES	128UL
#define NBLOCKS		24UL
#define FIRST_PFN	0x100000ULL
#define FAR_GFN		BIT(34)	/* where no memory is near */

struct hw_caps hw_caps;

static struct um_vm vm;
static struct um_vcpu vcpu;
static struct um_memslot blocks[NBLOCKS];
static bool present[NBLOCKS];
static unsigned int flushes;

/* The core's functions that the backend calls. */

void um_flush_remote_tlbs(struct um_vm *v)
{
	flushes++;
}

void free_page(unsigned long page)
{
	free((void *)page);
}

u64 shim_cmpxchg64(u64 *word, u64 old, u64 new)
{
	u64 now = *word;

	if (now == old)
		*word = new;
	return now;
}

void read_lock(rwlock_t *lock)
{
	lock->readers++;
}

struct um_memslot *um_slot_find(struct um_vm *v, gfn_t gfn)
{
	u64 block = (gfn - BASE_GFN) / BLOCK_PAGES;

	return gfn >= BASE_GFN && block < NBLOCKS && present[block] ? &blocks[block] : NULL;
}

int um_pfn_get(struct um_vm *v, struct um_memslot *s, gfn_t gfn, bool write, struct um_pfn *out)
{
	*out = (struct um_pfn){
		.pfn = FIRST_PFN + gfn - BASE_GFN,
		.level = UM_LEVEL_4K,
		.writable = true,
		.page = (struct page *)s,
	};
	return 0;
}

unsigned int um_pfn_level_now(struct um_vm *v, const struct um_memslot *s, gfn_t gfn)
{
	return UM_LEVEL_4K;
}

bool um_pfn_stale(struct um_vm *v, struct um_memslot *s, gfn_t gfn, const struct um_pfn *p)
{
	return false;
}

bool um_tracked(struct um_memslot *s, gfn_t gfn)
{
	return false;
}

void um_mark_dirty(struct um_vm *v, struct um_vcpu *c, struct um_memslot *s, gfn_t gfn)
{
}

u16 hw_tag_alloc(void)
{
	return 1;
}

/* The entry at which a walk for @gfn ends: raw bits, as the CPU reads them. */
static u64 last_entry(gfn_t gfn)
{
	u64 *table = (u64 *)ept_root(&vm, 0), e = 0;
	unsigned int at;

	for (at = 4; at >= 1; at--) {
		e = table[gfn >> (9 * (at - 1)) & 511];
		if ((e & 7) != 7 || at == 1)
			break;
		table = (u64 *)(e & 0xffffffffff000ULL);
	}
	return e;
}

static bool maps(gfn_t gfn, bool writable)
{
	u64 e = last_entry(gfn);

	return (e & 5) == 5 && (!writable || (e & 2)) &&
	       (e & 0xffffffffff000ULL) >> 12 == FIRST_PFN + gfn - BASE_GFN;
}

/* W without R, and no address that memory could have. */
static bool misconfigured(u64 e)
{
	return (e & 7) == 2 && (e & 0xffffffffff000ULL) == 0xffffffffff000ULL;
}

static enum um_fault_result fault(gfn_t gfn, u32 pfec)
{
	struct um_fault f = { .gpa = gfn_to_gpa(gfn) + 8, .pfec = pfec };

	return ept_mmu_ops.fault(&vcpu, &f);
}

static bool hit_memory(gfn_t gfn)
{
	u32 pfec = rnd() % 2 ? PFEC_W : 0;

	/* A misconfiguration does not say what the access was: the first fault is a read's. */
	if (misconfigured(last_entry(gfn)) && fault(gfn, 0) != UM_FAULT_RETRY)
		return false;
	return fault(gfn, pfec) == UM_FAULT_RETRY && maps(gfn, pfec & PFEC_W);
}

static bool hit_hole(gfn_t gfn)
{
	u64 bytes = vm.stats.mmu_table_bytes;

	return fault(gfn, 0) == UM_FAULT_EMULATE && misconfigured(last_entry(gfn)) &&
	       vm.stats.mmu_table_bytes == bytes;
}

static bool step_access(void)
{
	gfn_t gfn = BASE_GFN + rnd() % (NBLOCKS * BLOCK_PAGES);

	return um_slot_find(&vm, gfn) ? hit_memory(gfn) : hit_hole(gfn);
}

/* As memslot.c does: memory comes without a call to the backend, and goes with an unmap. */
static bool step_toggle(void)
{
	u64 block = rnd() % NBLOCKS, i;
	gfn_t first = BASE_GFN + block * BLOCK_PAGES;

	present[block] = !present[block];
	if (!present[block])
		ept_mmu_ops.unmap(&vm, &blocks[block], first, first + BLOCK_PAGES);
	for (i = 0; i < BLOCK_PAGES && !present[block]; i++)
		if (last_entry(first + i) & 5)
			return false;
	return true;
}

static bool step_quiet(void)
{
	u64 block = rnd() % NBLOCKS;
	gfn_t first = BASE_GFN + block * BLOCK_PAGES, end = first + BLOCK_PAGES;

	if (present[block])
		return true;
	flushes = 0;
	return !ept_mmu_ops.unmap(&vm, NULL, first, end) &&
	       !ept_mmu_ops.wrprotect(&vm, NULL, first, end) &&
	       !ept_mmu_ops.age(&vm, NULL, first, end, true) && !flushes;
}

static bool random_step(void)
{
	switch (rnd() % 256) {
	case 0:
		ept_mmu_ops.zap_all(&vm);
		return true;
	case 1 ... 3:
		return step_toggle();
	case 4 ... 5:
		return step_quiet();
	default:
		return step_access();
	}
}

static void test_random(bool ad)
{
	unsigned int i, locked;

	hw_caps.ept_ad = ad;
	memset(&vm, 0, sizeof(vm));
	memset(present, 0, sizeof(present));
	ept_mmu_ops.vm_init(&vm);
	ept_mmu_ops.vcpu_init(&vcpu);
	for (i = 0; i < STEPS && random_step(); i++)
		;
	locked = vm.mmu_lock.readers;
	ok(i == STEPS, "%u random steps: memory maps, holes are marked (%s A/D flags)", i,
	   ad ? "with" : "without");
	ok(!locked, "no lock is left held");
	ept_mmu_ops.vcpu_destroy(&vcpu);
	ept_mmu_ops.vm_destroy(&vm);
	ok(!vm.stats.mmu_table_bytes, "all tables are freed and accounted");
}

/* A guest that touches devices everywhere makes the host allocate nothing. */
static void test_sparse(void)
{
	unsigned int i;
	u64 bytes;

	memset(&vm, 0, sizeof(vm));
	memset(present, 0, sizeof(present));
	ept_mmu_ops.vm_init(&vm);
	ept_mmu_ops.vcpu_init(&vcpu);
	bytes = vm.stats.mmu_table_bytes;
	for (i = 0; i < 10000; i++)
		if (fault(FAR_GFN + rnd() % FAR_GFN, PFEC_W) != UM_FAULT_EMULATE)
			break;
	ok(i == 10000 && vm.stats.mmu_table_bytes == bytes,
	   "10000 devices far apart take no table");
	ok(fault(1UL << 36, 0) == UM_FAULT_EMULATE, "beyond the tables' reach nothing is marked");
	ept_mmu_ops.vcpu_destroy(&vcpu);
	ept_mmu_ops.vm_destroy(&vm);
}

static bool maps_all_to_itself(const u32 *table)
{
	u32 i;

	for (i = 0; i < 1024; i++)
		if (table[i] != (i << 22 | 0xe7))
			return false;
	return true;
}

/* Without the unrestricted guest hardware always pages. */
static void test_identity(void)
{
	const gfn_t gfn = 0xfffbc;
	u64 e;

	hw_caps.unrestricted = false;
	memset(&vm, 0, sizeof(vm));
	memset(present, 0, sizeof(present));
	ept_mmu_ops.vm_init(&vm);
	ept_mmu_ops.vcpu_init(&vcpu);
	vcpu.avail = UM_ST_CR0;
	vcpu.cr0 = X86_CR0_PE;
	ok(!ept_mmu_ops.load_root(&vcpu) && vcpu.root.cr3 == gfn << 12 &&
	   vcpu.mmu_ctl.intercepts == (UM_IC_EPT | UM_IC_CR3 | UM_IC_PAGING),
	   "an unpaged vCPU gets a table of its own");
	fault(gfn + 1, 0);
	ok(fault(gfn, 0) == UM_FAULT_RETRY, "which is mapped when the walk asks for it");
	e = last_entry(gfn);
	ok((e & 7) == 1 && maps_all_to_itself((u32 *)(e & 0xffffffffff000ULL)),
	   "for reading alone, and maps all addresses to themselves");
	ok(fault(gfn, PFEC_W) == UM_FAULT_EMULATE && fault(gfn, PFEC_I) == UM_FAULT_EMULATE &&
	   last_entry(gfn) == e, "nobody can write or execute it");
	vcpu.cr0 = X86_CR0_PE | X86_CR0_PG;
	ok(!ept_mmu_ops.load_root(&vcpu) && vcpu.mmu_ctl.intercepts == UM_IC_EPT,
	   "a paged one has its own again");
	vm.identity_map = 0x5000;
	vcpu.cr0 = X86_CR0_PE;
	ok(!ept_mmu_ops.load_root(&vcpu) && vcpu.root.cr3 == 0x5000,
	   "the table lies where userspace says");
	ept_mmu_ops.vcpu_destroy(&vcpu);
	ept_mmu_ops.vm_destroy(&vm);
}

int main(void)
{
	hw_caps = (struct hw_caps){ .ept = true, .ept_2m = true, .ept_1g = true,
				    .unrestricted = true };
	vcpu.vm = &vm;
	ept_mmu_ops.available();
	test_sparse();
	test_random(true);
	test_random(false);
	test_identity();
	return tap_done();
}
