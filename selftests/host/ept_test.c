// SPDX-License-Identifier: GPL-2.0
/*
 * The EPT backend against a model of host memory: random faults, unmaps, write protection,
 * aging and dirty logging. After each step every gfn is translated by a second walk and
 * compared with what the host allows, and a TLB that forgets nothing but by a flush is searched
 * for stale translations.
 */
#include "ept/ept.h"
#include "ept_stubs.h"
#include "tap.h"

#define STEPS		30000
#define BASE_GFN	0x3fe00UL	/* the slot crosses a 1 GiB border */
#define NPAGES		2048UL
#define FIRST_PFN	0x100000ULL

struct hw_caps hw_caps;

static struct um_vm vm;
static struct um_vcpu vcpu;
static unsigned long dirty[NPAGES / 64];
static u16 track[NPAGES];
static struct um_memslot slot = { .base_gfn = BASE_GFN, .npages = NPAGES };

/* Host memory: what backs each page, and the 2M blocks that the host maps as such. */
static u64 host_pfn[NPAGES];
static bool host_writable[NPAGES], host_huge[NPAGES / 512];
static u64 next_pfn = FIRST_PFN;

/* What a CPU may still hold of each page; a flush empties it. */
static struct {
	u64 pfn, rights;
} tlb[NPAGES];

static unsigned int flushes, stale, bad_free, bad_lock;
static bool unlinking, racing;
static const char *problem;

/* The core's functions that the backend calls. */

void um_flush_remote_tlbs(struct um_vm *v)
{
	memset(tlb, 0, sizeof(tlb));
	flushes++;
}

void free_page(unsigned long page)
{
	bad_free += unlinking && !flushes;
	free((void *)page);
}

/* Every eighth exchange loses a race. */
u64 shim_cmpxchg64(u64 *word, u64 old, u64 new)
{
	u64 now = *word;

	if (racing && rnd() % 8 == 0)
		return ~old;
	if (now == old)
		*word = new;
	return now;
}

void read_lock(rwlock_t *lock)
{
	bad_lock += lock->readers || lock->writers;
	lock->readers++;
}

struct um_memslot *um_slot_find(struct um_vm *v, gfn_t gfn)
{
	return gfn >= BASE_GFN && gfn < BASE_GFN + NPAGES ? &slot : NULL;
}

int um_pfn_get(struct um_vm *v, struct um_memslot *s, gfn_t gfn, bool write, struct um_pfn *out)
{
	gfn_t n = gfn - BASE_GFN;

	if (write && !host_writable[n])
		return -EFAULT;
	*out = (struct um_pfn){
		.pfn = host_pfn[n],
		.level = host_huge[n / 512] ? UM_LEVEL_2M : UM_LEVEL_4K,
		.writable = host_writable[n],
		.page = (struct page *)&host_pfn[n],
	};
	return 0;
}

unsigned int um_pfn_level_now(struct um_vm *v, const struct um_memslot *s, gfn_t gfn)
{
	return host_huge[(gfn - BASE_GFN) / 512] ? UM_LEVEL_2M : UM_LEVEL_4K;
}

bool um_pfn_stale(struct um_vm *v, struct um_memslot *s, gfn_t gfn, const struct um_pfn *p)
{
	bad_lock += !v->mmu_lock.readers;
	return false;
}

bool um_tracked(struct um_memslot *s, gfn_t gfn)
{
	return s->track && s->track[gfn - BASE_GFN];
}

void um_mark_dirty(struct um_vm *v, struct um_vcpu *c, struct um_memslot *s, gfn_t gfn)
{
	gfn_t n = gfn - BASE_GFN;

	s->dirty[n / 64] |= 1UL << (n % 64);
}

u16 hw_tag_alloc(void)
{
	return 7;
}

#define RAW_D	0x200

static u64 *leaf_at;	/* the entry at which the walk below ended */

/*
 * The second walk: raw bits, as the CPU reads them. With PML a clean leaf does not let the guest
 * write unnoticed, so it counts as one without W.
 */
static u64 leaf_of(gfn_t gfn, u64 *pfn, unsigned int *level)
{
	u64 *table = (u64 *)ept_root(&vm, 0), rights = 7, e;
	unsigned int at;

	for (at = 4; at >= 1; at--) {
		leaf_at = &table[gfn >> (9 * (at - 1)) & 511];
		e = *leaf_at;
		rights &= e;
		if (!(e & 7) || at == 1 || (e & 0x80))
			break;
		table = (u64 *)(e & 0xffffffffff000ULL);
	}
	if (hw_caps.pml && !(e & RAW_D))
		rights &= ~2ULL;
	*level = at;
	*pfn = ((e & 0xffffffffff000ULL) >> 12) + (gfn & ((1ULL << (9 * (at ? at - 1 : 0))) - 1));
	return rights & 7;
}

/* A CPU uses the page: from now on its TLB may hold the translation. */
static void touch(gfn_t n)
{
	unsigned int level;

	tlb[n].rights = leaf_of(BASE_GFN + n, &tlb[n].pfn, &level);
}

static bool dirty_bit(gfn_t n)
{
	return dirty[n / 64] >> (n % 64) & 1;
}

/* What must hold of page @n at any time; NULL: it does. */
static const char *check_page(gfn_t n)
{
	unsigned int level;
	u64 pfn, rights = leaf_of(BASE_GFN + n, &pfn, &level);

	if (rights && pfn != host_pfn[n])
		return "maps a page that is not the host's";
	if ((rights & 2) && !host_writable[n])
		return "lets the guest write what the host may not";
	if ((rights & 2) && um_slot_logs(&slot) && !dirty_bit(n))
		return "lets the guest write without the log knowing";
	if ((rights & 2) && slot.track && track[n])
		return "lets the guest write a tracked table";
	if ((rights & 4) && level > 1 && um_nx_huge)
		return "is large and executable";
	if (tlb[n].rights & ~rights || (tlb[n].rights && tlb[n].pfn != pfn))
		return "is stale in a TLB";
	return NULL;
}

static bool check_all(const char *step)
{
	gfn_t n;

	for (n = 0; n < NPAGES; n++) {
		problem = check_page(n);
		if (problem) {
			printf("# after %s: page %lu %s\n", step, (unsigned long)n, problem);
			return false;
		}
	}
	return true;
}

static void rnd_range(gfn_t *start, gfn_t *end)
{
	*start = rnd() % NPAGES;
	*end = *start + 1 + rnd() % 8;
	if (rnd() % 4 == 0) {
		*start &= ~511UL;
		*end = *start + 512 * (1 + rnd() % 2);
	}
	*end = min(*end, NPAGES);
}

/* New host pages for whole 2M blocks. */
static void host_remap(gfn_t start, gfn_t end)
{
	gfn_t block, n;

	for (block = start / 512; block <= (end - 1) / 512; block++) {
		bool writable = rnd() % 4;

		host_huge[block] = rnd() % 2;
		next_pfn += 1024;
		for (n = block * 512; n < (block + 1) * 512; n++) {
			host_pfn[n] = next_pfn + (n % 512) * (host_huge[block] ? 1 : 2);
			host_writable[n] = host_huge[block] ? writable : rnd() % 4;
		}
	}
	next_pfn += 1024;
}

static void flush_if(bool due)
{
	if (due)
		um_flush_remote_tlbs(&vm);
}

/* As the notifier does: unmap, flush, and only then the host changes its mapping. */
static const char *step_unmap(void)
{
	gfn_t start, end;
	unsigned int level;
	u64 pfn;

	rnd_range(&start, &end);
	start &= ~511UL;
	end = (end + 511) & ~511UL;
	unlinking = true;
	flush_if(ept_mmu_ops.unmap(&vm, &slot, BASE_GFN + start, BASE_GFN + end));
	unlinking = false;
	if (leaf_of(BASE_GFN + start, &pfn, &level) || leaf_of(BASE_GFN + end - 1, &pfn, &level))
		stale++;
	host_remap(start, end);
	return "unmap";
}

/* A part of a block goes and comes back as it was. */
static const char *step_unmap_part(void)
{
	gfn_t start, end;

	rnd_range(&start, &end);
	unlinking = true;
	flush_if(ept_mmu_ops.unmap(&vm, &slot, BASE_GFN + start, BASE_GFN + end));
	unlinking = false;
	return "unmap of a part";
}

static const char *step_wrprotect(void)
{
	gfn_t start, end, n;

	rnd_range(&start, &end);
	for (n = start; n < end; n++)
		dirty[n / 64] &= ~(1UL << (n % 64));
	flush_if(ept_mmu_ops.rearm(&vm, &slot, BASE_GFN + start, BASE_GFN + end));
	return "write protection";
}

static const char *step_age(void)
{
	gfn_t start, end;

	rnd_range(&start, &end);
	flush_if(ept_mmu_ops.age(&vm, &slot, BASE_GFN + start, BASE_GFN + end, true));
	if (ept_mmu_ops.age(&vm, &slot, BASE_GFN + start, BASE_GFN + end, false))
		stale++;
	return "aging";
}

/* Switch logging or tracking as the core does: first the slot, then the protection. */
static const char *step_mode(void)
{
	if (hw_caps.pml || rnd() % 2) {
		memset(dirty, 0, sizeof(dirty));
		slot.flags ^= KVM_MEM_LOG_DIRTY_PAGES;
		if (!um_slot_logs(&slot)) {
			unlinking = true;
			flush_if(ept_mmu_ops.collapse(&vm, &slot, BASE_GFN, BASE_GFN + NPAGES));
			unlinking = false;
		}
	} else {
		unsigned int n;

		slot.track = slot.track ? NULL : track;
		for (n = 0; n < NPAGES; n++)
			track[n] = slot.track && rnd() % 16 == 0;
	}
	flush_if(ept_mmu_ops.rearm(&vm, &slot, BASE_GFN, BASE_GFN + NPAGES));
	return "a switch of logging or tracking";
}

static const char *step_zap(void)
{
	unlinking = true;
	ept_mmu_ops.zap_all(&vm);
	unlinking = false;
	return "zap";
}

static enum um_fault_result expected(gfn_t n, u32 pfec)
{
	if ((pfec & PFEC_W) && !host_writable[n])
		return UM_FAULT_ERROR;
	if ((pfec & PFEC_W) && slot.track && track[n])
		return UM_FAULT_EMULATE;
	return UM_FAULT_RETRY;
}

/* The CPU sets D of a clean leaf by itself, and logs it. */
static bool written_by_cpu(gfn_t n)
{
	unsigned int level;
	u64 pfn;

	leaf_of(BASE_GFN + n, &pfn, &level);
	if ((*leaf_at & 3) != 3 || (*leaf_at & RAW_D))
		return false;
	*leaf_at |= RAW_D;
	if (um_slot_logs(&slot))
		um_mark_dirty(&vm, &vcpu, &slot, BASE_GFN + n);
	touch(n);
	return true;
}

static const char *step_fault(void)
{
	static const u32 accesses[] = { 0, PFEC_W, PFEC_I };
	gfn_t n = rnd() % NPAGES;
	struct um_fault f = { .pfec = accesses[rnd() % 3] };
	u64 need = f.pfec == PFEC_W ? 3 : f.pfec == PFEC_I ? 5 : 1, rights, pfn;
	enum um_fault_result want = expected(n, f.pfec), got;
	unsigned int level;

	if (hw_caps.pml && f.pfec == PFEC_W && written_by_cpu(n))
		return "a write that the CPU logs";
	f.gpa = gfn_to_gpa(BASE_GFN + n) + rnd() % 4096;
	got = ept_mmu_ops.fault(&vcpu, &f);
	rights = leaf_of(BASE_GFN + n, &pfn, &level);
	if (got != want || (!racing && got == UM_FAULT_RETRY && (rights & need) != need)) {
		printf("# page %lu access 0x%x: result %d, wanted %d, rights %lu\n",
		       (unsigned long)n, f.pfec, got, want, (unsigned long)rights);
		stale++;
	}
	if (rights)
		touch(n);
	return "a fault";
}

static const char *random_step(void)
{
	switch (rnd() % 128) {
	case 0:
		return step_zap();
	case 1 ... 2:
		return step_mode();
	case 3 ... 5:
		return step_unmap();
	case 6 ... 10:
		return step_unmap_part();
	case 11 ... 14:
		return step_wrprotect();
	case 15 ... 18:
		return step_age();
	default:
		return step_fault();
	}
}

static void start(bool erratum, bool ad, bool pml)
{
	um_nx_huge = erratum;
	hw_caps = (struct hw_caps){ .ept = true, .ept_2m = true, .ept_1g = true, .ept_ad = ad,
				    .pml = pml, .unrestricted = true };
	memset(&vm, 0, sizeof(vm));
	memset(&vcpu, 0, sizeof(vcpu));
	memset(tlb, 0, sizeof(tlb));
	slot.dirty = dirty;
	slot.track = NULL;
	slot.flags = 0;
	stale = 0;
	bad_free = 0;
	bad_lock = 0;
	vm.backend = UM_BACKEND_EPT;
	vcpu.vm = &vm;
	ept_mmu_ops.available();
	ept_mmu_ops.vm_init(&vm);
	ept_mmu_ops.vcpu_init(&vcpu);
	host_remap(0, NPAGES);
}

static void finish(void)
{
	ept_mmu_ops.vcpu_destroy(&vcpu);
	ept_mmu_ops.vm_destroy(&vm);
}

static void test_random(bool erratum, bool ad, bool pml, bool races)
{
	unsigned int i;

	start(erratum, ad, pml);
	racing = races;
	for (i = 0; i < STEPS; i++) {
		const char *step;

		flushes = 0;
		step = random_step();
		if (stale || !check_all(step))
			break;
	}
	racing = false;
	ok(i == STEPS, "%u random steps keep every rule (%s, %s A/D flags%s%s)", i,
	   erratum ? "iTLB multihit" : "no erratum", ad ? "with" : "without", pml ? ", PML" : "",
	   races ? ", lost races" : "");
	ok(!bad_free, "tables are freed only after a flush");
	ok(!bad_lock, "faults hold the lock, and hold it once");
	ok(vm.stats.pages_mapped_2m && vm.stats.pages_mapped_4k, "both page sizes were mapped");
	finish();
	ok(!vm.stats.mmu_table_bytes, "all tables are freed and accounted");
}

static enum um_fault_result fault(gpa_t gpa, u32 pfec)
{
	struct um_fault f = { .gpa = gpa, .pfec = pfec };

	return ept_mmu_ops.fault(&vcpu, &f);
}

static void test_answers(void)
{
	unsigned int level;
	u64 pfn;

	start(false, true, false);
	ok(fault(0x1000, PFEC_W) == UM_FAULT_EMULATE, "a gpa outside every slot is emulated");
	ok(fault(1ULL << 50, 0) == UM_FAULT_EMULATE, "so is one beyond the tables' reach");
	slot.flags = KVM_MEM_READONLY;
	ok(fault(gfn_to_gpa(BASE_GFN), PFEC_W) == UM_FAULT_EMULATE, "and a ROM write");
	host_writable[0] = true;
	ok(fault(gfn_to_gpa(BASE_GFN), 0) == UM_FAULT_RETRY && leaf_of(BASE_GFN, &pfn, &level) == 5,
	   "whose pages are mapped without W");
	ok(ept_mmu_ops.load_root(&vcpu) == 0 && vcpu.root.levels == 4 && vcpu.root.tag == 7 &&
	   vcpu.root.hpa == (hpa_t)ept_root(&vm, 0), "the root is loaded with its tag");
	ok(vcpu.mmu_ctl.intercepts == (UM_IC_EPT | UM_IC_UNPAGED) && !vcpu.mmu_ctl.pf_bit &&
	   (vcpu.dirty & UM_ST_MMU), "no page fault is intercepted, and unpaged code runs");
	finish();
}

int main(void)
{
	test_answers();
	test_random(false, true, false, false);
	test_random(false, false, false, false);
	test_random(true, true, false, false);
	test_random(true, true, false, true);
	test_random(false, true, true, false);
	test_random(true, true, true, true);
	return tap_done();
}
