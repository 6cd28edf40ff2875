// SPDX-License-Identifier: GPL-2.0
/*
 * The guest page-table walk: cases written by hand from the SDM, then random tables in every
 * mode against the second walk of walk_ref.h, comparing translation, error code and every byte
 * of guest memory.
 */
#include <stdlib.h>
#include "walk_ref.h"
#include "tap.h"

#define ROUNDS		40000
#define RACE_NONE	0u

static u8 mem[MEM_BYTES], before[MEM_BYTES];

/* What the ops do besides the plain access. */
static struct {
	unsigned int race_at;		/* the n-th update loses a race */
	unsigned int updates;
	bool readonly;			/* no update succeeds */
} how;

static int mem_read(void *ctx, gpa_t gpa, unsigned int size, u64 *val)
{
	if (gpa + size > MEM_BYTES)
		return -EFAULT;
	*val = 0;
	memcpy(val, mem + gpa, size);
	return 0;
}

static int mem_cmpxchg(void *ctx, gpa_t gpa, unsigned int size, u64 old, u64 new)
{
	u64 now = 0;

	if (how.readonly || gpa + size > MEM_BYTES)
		return -EFAULT;
	if (++how.updates == how.race_at)
		return 1;
	memcpy(&now, mem + gpa, size);
	if (now != old)
		return 1;
	memcpy(mem + gpa, &new, size);
	return 0;
}

static const struct walk_ops ops = { .read = mem_read, .cmpxchg = mem_cmpxchg };
static const struct walk_ops probe_ops = { .read = mem_read };
static struct walk_result r;

static void put64(u64 gpa, u64 val)
{
	memcpy(mem + gpa, &val, 8);
}

static void put32(u64 gpa, u32 val)
{
	memcpy(mem + gpa, &val, 4);
}

static u64 get64(u64 gpa)
{
	u64 val;

	memcpy(&val, mem + gpa, 8);
	return val;
}

static void reset(void)
{
	memset(mem, 0, sizeof(mem));
	memset(&how, 0, sizeof(how));
}

static enum walk_status walk(const struct paging_desc *d, gva_t gva, u32 pfec)
{
	return walk_guest(d, gva, pfec, false, &ops, NULL, &r);
}

static bool faults(const struct paging_desc *d, gva_t gva, u32 pfec, u32 error)
{
	return walk(d, gva, pfec) == WALK_FAULT && r.error_code == error;
}

/* A 4-level chain for gva 0x8040201000 + 0xabc: tables at 0x1000..0x4000, page at 0x9000. */
#define GVA	0x8040201abcUL
static const struct paging_desc long_mode = {
	.mode = PAGING_4LEVEL, .root = 0x1000, .maxphyaddr = 40, .nxe = true, .wp = true,
		.gbpages = true,
};

static void chain(u64 pml4e, u64 pdpte, u64 pde, u64 pte)
{
	reset();
	put64(0x1008, 0x2000 | pml4e);
	put64(0x2008, 0x3000 | pdpte);
	put64(0x3008, 0x4000 | pde);
	put64(0x4008, 0x9000 | pte);
}

static void test_long_mode(void)
{
	struct paging_desc d = long_mode;

	chain(7, 7, 7, 7);
	ok(walk(&d, GVA, PFEC_U) == WALK_OK && r.gpa == 0x9abc && r.level == 1 && r.top == 4 &&
	   r.page_shift == 12 && r.access == ACC_ALL, "4-level: a user read translates");
	ok(get64(0x1008) == 0x2027 && get64(0x2008) == 0x3027 && get64(0x3008) == 0x4027 &&
	   get64(0x4008) == 0x9027,
	   "it sets A at every level and no D");
	ok(!r.dirty && r.gpte[1] == 0x9027 && r.gpte[4] == 0x2027 && r.table[1] == 0x4000 &&
	   r.table[4] == 0x1000,
	   "the result holds the entries as they are now");
	ok(walk(&d, GVA, PFEC_U | PFEC_W) == WALK_OK && get64(0x4008) == 0x9067 &&
	   get64(0x3008) == 0x4027 && r.dirty,
	   "a write sets D in the leaf alone");
	chain(7, 5, 7, 7);
	ok(faults(&d, GVA, PFEC_U | PFEC_W, 7), "W=0 in a PDPTE denies a write below it");
	ok(get64(0x1008) == 0x2007 && get64(0x4008) == 0x9007, "a denied access sets no A");
	ok(r.acc[4] == ACC_ALL && r.acc[3] == ACC_ALL && r.acc[2] == (ACC_U | ACC_X) &&
	   r.acc[1] == (ACC_U | ACC_X),
	   "rights are inherited from the levels above");
	chain(3, 7, 7, 7);
	ok(faults(&d, GVA, PFEC_U, 5), "U=0 in a PML4E denies a user read");
	chain(7, 7, 7 | GPTE_NX, 7);
	ok(faults(&d, GVA, PFEC_U | PFEC_I, 0x15), "NX in a PDE denies a fetch");
	ok(walk(&d, GVA, PFEC_U) == WALK_OK && r.access == (ACC_W | ACC_U), "and allows a read");
	d.nxe = false;
	ok(faults(&d, GVA, PFEC_U, 0xd), "with NXE=0 bit 63 is reserved");
	ok(faults(&d, GVA, PFEC_U | PFEC_I, 0xd), "and a fetch does not report I");
	d.smep = true;
	ok(faults(&d, GVA, PFEC_U | PFEC_I, 0x1d), "unless SMEP is on");
	chain(7, 7, 7, 6);
	ok(faults(&long_mode, GVA, PFEC_W, 2), "an absent page: P=0 in the error code");
}

static void test_large_pages(void)
{
	struct paging_desc d = long_mode;

	chain(7, 7, 7, 7);
	put64(0x3008, 0x600000 | 0x87);
	ok(walk(&d, GVA, PFEC_W) == WALK_OK && r.gpa == 0x601abc && r.level == 2 &&
	   r.page_shift == 21 &&
	   get64(0x3008) == 0x6000e7, "2M page: translated, A and D in the PDE");
	put64(0x3008, 0x600000 | 0x1087);
	ok(walk(&d, GVA, 0) == WALK_OK && r.gpa == 0x601abc, "its PAT bit is no address bit");
	put64(0x3008, 0x602000 | 0x87);
	ok(faults(&d, GVA, 0, 9), "bits 20:13 of a 2M PDE are reserved");
	put64(0x2008, 0x80000087);
	ok(walk(&d, GVA, 0) == WALK_OK && r.gpa == 0x80201abc && r.level == 3 &&
	   r.page_shift == 30, "1G page");
	d.gbpages = false;
	ok(faults(&d, GVA, 0, 9), "without 1G pages PS in a PDPTE is reserved");
	chain(0x87, 7, 7, 7);
	ok(faults(&d, GVA, 0, 9), "PS in a PML4E is reserved");
	chain(7, 7, 7, 7 | 1ULL << 40);
	ok(faults(&d, GVA, 0, 9), "an address bit beyond MAXPHYADDR is reserved");
	chain(7, 7, 7, 7 | 1ULL << 52);
	ok(walk(&d, GVA, 0) == WALK_OK, "bit 52 is ignored");
	ok(walk_reserved(&d, 1, true) == 0x000fff0000000000, "reserved bits of a PTE");
	ok(walk_reserved(&d, 2, true) == 0x000fff00001fe000, "of a 2M PDE");
	d.maxphyaddr = 52;
	ok(walk_reserved(&d, 1, true) == 0, "MAXPHYADDR 52 leaves none in a PTE");
}

static void test_supervisor(void)
{
	struct paging_desc d = long_mode;

	chain(7, 7, 7, 5);
	ok(faults(&d, GVA, PFEC_W, 3), "WP=1: a supervisor write to a read-only page faults");
	d.wp = false;
	ok(walk(&d, GVA, PFEC_W) == WALK_OK && get64(0x4008) == 0x9065,
	   "WP=0: it succeeds and sets D");
	ok(faults(&d, GVA, PFEC_W | PFEC_U, 7), "WP=0: a user write still faults");
	d = long_mode;
	d.smep = true;
	ok(faults(&d, GVA, PFEC_I, 0x11), "SMEP: no supervisor fetch from a user page");
	chain(3, 7, 7, 7);
	ok(walk(&d, GVA, PFEC_I) == WALK_OK, "SMEP: a page under a U=0 table is a supervisor page");
	chain(7, 7, 7, 7);
	d = long_mode;
	d.smap = true;
	ok(faults(&d, GVA, 0, 1), "SMAP: no supervisor read of a user page");
	ok(walk_guest(&d, GVA, 0, true, &ops, NULL, &r) == WALK_OK, "SMAP: AC overrides it");
	ok(walk(&d, GVA, PFEC_I) == WALK_OK, "SMAP: a fetch is not its business");
	ok(walk(&d, GVA, PFEC_U) == WALK_OK, "SMAP: nor a user access");
}

static void test_keys(void)
{
	struct paging_desc d = long_mode;

	d.pke = true;
	d.pkru = 1u << (2 * 5);		/* AD of key 5 */
	chain(7, 7, 7, 7 | 5ULL << 59);
	ok(faults(&d, GVA, PFEC_U, 0x25), "PKU: AD denies a user read");
	ok(faults(&d, GVA, 0, 0x21), "PKU: and a supervisor read");
	ok(walk(&d, GVA, PFEC_U | PFEC_I) == WALK_OK, "PKU: not a fetch");
	d.pkru = 2u << (2 * 5);		/* WD */
	ok(walk(&d, GVA, PFEC_U) == WALK_OK, "PKU: WD allows a read");
	ok(faults(&d, GVA, PFEC_U | PFEC_W, 0x27), "PKU: WD denies a write");
	d.wp = false;
	ok(walk(&d, GVA, PFEC_W) == WALK_OK, "PKU: WD with WP=0 allows a supervisor write");
	d.pkru = 1u << (2 * 5);
	chain(3, 7, 7, 7 | 5ULL << 59);
	ok(walk(&d, GVA, 0) == WALK_OK, "PKU: a supervisor page has no key");
}

static void test_32bit(void)
{
	struct paging_desc d = { .mode = PAGING_32, .root = 0x1000, .maxphyaddr = 40, .wp = true,
		.nxe = true };

	reset();
	put32(0x1000 + 4 * 0x300, 0x2000 | 7);
	put32(0x2000 + 4 * 0x3ff, 0x9000 | 7);
	ok(walk(&d, 0xffffffffc03ffabcUL, PFEC_U | PFEC_W) == WALK_OK && r.gpa == 0x9abc &&
	   r.top == 2 &&
	   r.page_shift == 12, "32-bit: two levels, the gva has 32 bits");
	ok(get64(0x1000 + 4 * 0x300) == 0x2027 && get64(0x2000 + 4 * 0x3fe) == 0x906700000000,
	   "32-bit: A and D go to 4-byte entries");
	ok(faults(&d, 0, PFEC_U | PFEC_I, 4), "32-bit: EFER.NXE does not make a fetch report I");
	put32(0x1000, 0x00c00000 | 0x87);
	ok(walk(&d, 0x123456, 0) == WALK_FAULT, "32-bit: PS without CR4.PSE is ignored");
	d.pse = true;
	ok(walk(&d, 0x123456, 0) == WALK_OK && r.gpa == 0xd23456 && r.level == 2 &&
	   r.page_shift == 22, "4M page");
	put32(0x1000, 0x00c02087);
	ok(faults(&d, 0x123456, 0, 9), "bits 21:13 are reserved without PSE-36");
	d.pse36 = true;
	ok(walk(&d, 0x123456, 0) == WALK_OK && r.gpa == 0x100d23456,
	   "with PSE-36 they are address bits 39:32");
	d.maxphyaddr = 32;
	ok(faults(&d, 0x123456, 0, 9), "as far as MAXPHYADDR goes");
	put32(0x1000, 0x00c00087 | 1u << 21);
	d.maxphyaddr = 52;
	ok(faults(&d, 0x123456, 0, 9), "bit 21 is always reserved");
	ok(walk_entries(&d, 2) == 1024 && walk_entry_size(&d) == 4, "1024 entries of 4 bytes");
}

static void test_pae(void)
{
	struct paging_desc d = { .mode = PAGING_PAE, .maxphyaddr = 36, .nxe = true, .wp = true };

	reset();
	d.pdpte[2] = 0x2001;
	put64(0x2008, 0x3007);
	put64(0x3010, 0x9007);
	ok(walk(&d, 0x80202abc, PFEC_U | PFEC_W) == WALK_OK && r.gpa == 0x9abc && r.top == 2 &&
	   r.gpte[3] == 0x2001,
	   "PAE: a PDPTE register, then two levels; the PDPTE limits no right");
	ok(d.pdpte[2] == 0x2001 && get64(0x3010) == 0x9067, "PAE: the PDPTE gets no A");
	ok(faults(&d, 0x40000000, PFEC_U, 4), "PAE: an absent PDPTE");
	put64(0x3010, 0x9007 | 1ULL << 60);
	ok(faults(&d, 0x80202abc, 0, 9), "PAE: bits 62:MAXPHYADDR are reserved");
	put64(0x2008, 0x80000000600087);
	ok(faults(&d, 0x80202abc, 0, 9), "PAE: in a 2M PDE too");
	put64(0x2008, 0x600087 | GPTE_NX);
	ok(faults(&d, 0x80202abc, PFEC_I, 0x11), "PAE: NX works");
	ok(walk_entries(&d, 3) == 4 && walk_index(&d, 3, 0xc0000000) == 3, "PAE: four PDPTEs");
}

static void test_5level(void)
{
	struct paging_desc d = long_mode;
	gva_t gva = 1UL << 48 | GVA;

	chain(7, 7, 7, 7);
	d.mode = PAGING_5LEVEL;
	d.root = 0x5000;
	put64(0x5008, 0x1007);
	ok(walk(&d, gva, PFEC_W) == WALK_OK && r.gpa == 0x9abc && r.top == 5 &&
	   get64(0x5008) == 0x1027, "5-level");
	put64(0x5008, 0x1087);
	ok(faults(&d, gva, 0, 9), "PS in a PML5E is reserved");
}

static void test_memory(void)
{
	struct paging_desc d = long_mode;

	chain(7, 7, 7, 7);
	put64(0x3008, 0x10000000 | 7);
	ok(faults(&d, GVA, PFEC_U, 4), "a table outside memory counts as absent");
	chain(7, 7, 7, 7);
	ok(walk_guest(&d, GVA, PFEC_W, false, &probe_ops, NULL, &r) == WALK_OK &&
	   get64(0x1008) == 0x2007 &&
	   get64(0x4008) == 0x9007 && !r.dirty, "a probe sets nothing");
	how.race_at = 3;
	ok(walk(&d, GVA, PFEC_W) == WALK_RETRY, "an entry that changed meanwhile asks for a retry");
	how.race_at = RACE_NONE;
	ok(walk(&d, GVA, PFEC_W) == WALK_OK && get64(0x4008) == 0x9067, "which then succeeds");
	chain(7, 7, 7, 7);
	how.readonly = true;
	ok(walk(&d, GVA, PFEC_W) == WALK_OK && r.dirty && r.gpte[1] == 0x9007,
	   "tables in ROM do not stop a write");
	reset();
	put64(0x1008, 0x1007);
	put64(0x1ff8, 0x9007);
	ok(walk(&d, GVA, 0) == WALK_RETRY && walk(&d, GVA, 0) == WALK_OK && r.gpa == 0x1abc,
	   "a table that maps itself at every level");
	d.mode = PAGING_NONE;
	ok(walk(&d, 0x100012345UL, PFEC_W | PFEC_U) == WALK_OK && r.gpa == 0x12345 &&
	   r.access == ACC_ALL && r.dirty,
	   "paging off: gva = gpa, 32 bits");
}

/* Random tables against the reference. */

static u64 rnd_state = 0x9e3779b97f4a7c15;

static u64 rnd(void)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return rnd_state;
}

static bool one_in(unsigned int n)
{
	return rnd() % n == 0;
}

/* Mostly a usable entry, so that walks get deep; any bit may be off. */
static u64 rnd_entry(unsigned int size)
{
	u64 e = (rnd() % MEM_PAGES) << 12 | 7 | (rnd() & 0xf60);

	if (one_in(12))
		e &= ~(1ULL << (rnd() % 3));
	if (one_in(6))
		e |= GPTE_PS;
	if (one_in(6))
		e &= ~0x3ff000ULL;
	if (one_in(16))
		e |= 1ULL << (rnd() % 64);
	if (one_in(12))
		e |= GPTE_NX;
	if (one_in(3))
		e |= (rnd() & 15) << 59;
	if (one_in(40))
		e = rnd();
	return size == 4 ? (u32)e : e;
}

static void rnd_memory(unsigned int size)
{
	u64 at;

	for (at = 0; at < MEM_BYTES; at += size) {
		u64 e = rnd_entry(size);

		memcpy(mem + at, &e, size);
	}
}

static struct paging_desc rnd_desc(enum paging_mode mode)
{
	struct paging_desc d = {
		.mode = mode, .root = (rnd() % MEM_PAGES) << 12, .maxphyaddr = 32 + rnd() % 21,
		.nxe = !one_in(4), .wp = one_in(2), .smep = one_in(2), .smap = one_in(3),
			.pse = !one_in(3),
		.pse36 = one_in(2), .gbpages = one_in(2), .pke = one_in(2), .pkru = rnd() & rnd(),
	};
	unsigned int i;

	for (i = 0; i < 4; i++)
		d.pdpte[i] = (rnd() % MEM_PAGES) << 12 | !one_in(8);
	return d;
}

static bool effects_match(const struct ref_out *want)
{
	unsigned int i;

	if (!want->fault)
		for (i = 0; i < want->touched; i++)
			before[want->where[i]] |= want->flags[i];
	return !memcmp(before, mem, sizeof(mem));
}

static bool result_matches(enum walk_status status, const struct ref_out *want)
{
	u8 access = (want->w ? ACC_W : 0) | (want->u ? ACC_U : 0) | (want->x ? ACC_X : 0);

	if (want->fault)
		return status == WALK_FAULT && r.error_code == want->error;
	return status == WALK_OK && r.gpa == want->gpa && r.access == access &&
		r.page_shift == want->page_shift;
}

static bool random_walk(enum paging_mode mode, unsigned int *good)
{
	static const u32 accesses[] = { 0, PFEC_W, PFEC_I, PFEC_U, PFEC_U | PFEC_W,
		PFEC_U | PFEC_I };
	struct paging_desc d = rnd_desc(mode);
	gva_t gva = rnd();
	u32 pfec = accesses[rnd() % 6];
	bool ac = one_in(2);
	enum walk_status status;
	unsigned int tries = 0;
	struct ref_out want;

	memcpy(before, mem, sizeof(mem));
	want = ref_walk(&d, mem, gva, pfec, ac);
	do {
		status = walk_guest(&d, gva, pfec, ac, &ops, NULL, &r);
	} while (status == WALK_RETRY && ++tries < UM_LEVEL_MAX);
	*good += status == WALK_OK;
	if (result_matches(status, &want) && effects_match(&want))
		return true;
	printf("# mode %d gva 0x%lx pfec 0x%x: status %d gpa 0x%llx error 0x%x, ", mode, gva, pfec,
	       status, (unsigned long long)r.gpa, r.error_code);
	printf("wanted %s gpa 0x%llx error 0x%x\n", want.fault ? "fault" : "ok",
	       (unsigned long long)want.gpa, want.error);
	return false;
}

static void test_random(enum paging_mode mode, const char *name)
{
	unsigned int size = mode == PAGING_32 ? 4 : 8, round, good = 0;

	reset();
	for (round = 0; round < ROUNDS; round++) {
		if (round % 500 == 0)
			rnd_memory(size);
		if (!random_walk(mode, &good))
			break;
	}
	ok(round == ROUNDS, "%s: %u random walks agree with the reference", name, round);
	ok(good > ROUNDS / 50 && good < ROUNDS, "%s: %u of them succeed", name, good);
}

int main(void)
{
	test_long_mode();
	test_large_pages();
	test_supervisor();
	test_keys();
	test_32bit();
	test_pae();
	test_5level();
	test_memory();
	test_random(PAGING_32, "32-bit");
	test_random(PAGING_PAE, "PAE");
	test_random(PAGING_4LEVEL, "4-level");
	test_random(PAGING_5LEVEL, "5-level");
	return tap_done();
}
