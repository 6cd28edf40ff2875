/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The random page-table exerciser. A script of operations is made from a seed while a model
 * performs it: guest memory, control registers, and the software walk of module/walk.c. A guest
 * then performs the script, and what it saw is compared. Everything here belongs to the main
 * thread but while ex_play() runs vCPUs, each in a thread of its own.
 */
#ifndef SELFTESTS_EXERCISER_H
#define SELFTESTS_EXERCISER_H

#include "../../module/walk.h"
#include "../lib/pgtable.h"
#include "../guest/exerciser.h"

/*
 * Guest memory above slot 0: an arena for each vCPU, which it alone writes, and one that all share.
 * An identity map of slot 0 and the arenas begins every address space; only what lies above its
 * first top-level entries is random.
 */
#define EX_ARENA_GPA	((uint64_t)GUEST_MEM_SIZE)
#define EX_ARENA_SIZE	0x400000UL
#define EX_SHARED	MAX_VCPUS
#define EX_ARENAS	(MAX_VCPUS + 1)
#define EX_RAM_END	(EX_ARENA_GPA + EX_ARENAS * EX_ARENA_SIZE)
#define EX_FIXED_GPA	(TABLES_GPA + 0x40000UL)
#define EX_NO_SLOT_GPA	0x20000000UL

/* The pages of an arena that are used; all are both tables and data, some more often. */
#define EX_ROOTS	4
#define EX_TABLES	20		/* including the roots */
#define EX_NEAR		32
#define EX_PURE		28		/* from here on pure data while a storm blows */
#define EX_FAR		8		/* in the second half, under another 2 MiB page */
#define EX_PAGES	(EX_NEAR + EX_FAR)
#define EX_WORDS	(PAGE_SIZE / 4)
/* The last words of each page hold an instruction that returns and are no entries. */
#define EX_CODE_OFFSET	(PAGE_SIZE - 8)
#define EX_CODE		0xc3

#define EX_PCIDS	4
#define EX_INVLPGS	32
#define EX_ROOM		256		/* operations that one step may take */

#define CR0_WP		BIT(16)
#define CR0_PG		BIT(31)
#define CR4_PSE		BIT(4)
#define CR4_PAE		BIT(5)
#define CR4_PGE		BIT(7)
#define CR4_LA57	BIT(12)
#define CR4_PCIDE	BIT(17)
#define CR4_SMEP	BIT(20)
#define CR4_SMAP	BIT(21)
#define CR3_NOFLUSH	BIT_ULL(63)
#define EFER_LMA	BIT(10)
#define EFER_NXE	BIT(11)
#define VEC_GP		13
#define VEC_PF		14

struct ex_arena {
	uint64_t gpa;
	uint8_t *mem;			/* what the guest has */
	uint8_t *model;			/* what it should have */
	size_t size;			/* of the mapping, for munmap */
	void *mapping;
	bool shmem;			/* keeps its content when it is taken away */
	/* By word of the used pages: when a cached translation may have become wrong, ... */
	uint32_t (*changed)[EX_WORDS];
	uint32_t (*widened)[EX_WORDS];	/* ... or too narrow, ... */
	uint8_t (*maybe)[EX_WORDS];	/* ... and whether a fault may have set A */
};

struct ex_expect {
	uint64_t step;
	unsigned int vector;
	uint32_t error;
	uint64_t cr2;
	bool check_got;
	uint64_t got, uncertain;	/* bits of got that may differ */
	bool mmio;
	uint64_t mmio_gpa;
	/* For the report. */
	bool access;
	struct walk_result walk;
	struct paging_desc desc;
	uint64_t cr4;
};

struct ex_vcpu {
	struct ex_run *run;
	struct vcpu *vcpu;
	unsigned int id;
	struct ex_arena *own;
	uint64_t random;
	struct ex_op *script;
	struct ex_expect *expect;
	unsigned int n, mmio_next;
	uint64_t step;
	int outcome;
	bool complained, must_flush, stuck;
	/* The model of the vCPU. */
	uint64_t cr0, cr3, cr4, efer;
	struct paging_desc desc;
	uint64_t gva[16];		/* used lately */
	/* Times, counted in operations: see ex_fresh(). */
	uint32_t now, flushed_all, global_changed;
	uint32_t flushed[EX_PCIDS], root_changed[EX_PCIDS];
	uint64_t root_of[EX_PCIDS];
	unsigned int pcid;		/* index of the present one */
	struct ex_invlpg {
		uint64_t page;
		uint32_t when;
		unsigned int pcid;
		bool global;
	} invlpg[EX_INVLPGS];
	unsigned int next_invlpg;
	bool foreign;			/* the last walk met memory that has no model */
	uint64_t ops, accesses, faults, stale;
};

struct ex_options {
	uint64_t seed, steps, batch;
	enum guest_mode mode;
	bool mixed;			/* 32-bit: changes between two levels, PAE and no paging */
	unsigned int vcpus;
	bool storm;
	bool pf_filter;
};

struct ex_run {
	struct ex_options o;
	struct vm *vm;
	struct ex_arena arena[EX_ARENAS];
	struct ex_vcpu vcpu[MAX_VCPUS];
	uint64_t random;		/* for what comes from outside */
	uint64_t fixed_root[2];		/* gpa of the identity map's; [1]: PAE of a mixed run */
	bool umbra, smep, smap, pcid, invpcid, nx, gbpages, pse36;
	uint8_t maxphyaddr;
	uint32_t slot_flags[EX_ARENAS];
	unsigned int outside[14];	/* how often each event came from outside */
	bool failed;
};

static inline uint64_t ex_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1dULL >> 16;
}

static inline unsigned int ex_below(struct ex_vcpu *v, unsigned int limit)
{
	return ex_random(&v->random) % limit;
}

/* True in one of n cases. */
static inline bool ex_one_in(struct ex_vcpu *v, unsigned int n)
{
	return !ex_below(v, n);
}

/* model.c: memory, the walk, what may be cached */
enum ex_place { EX_OWN, EX_SHARED_PAGE, EX_FIXED, EX_MMIO, EX_FOREIGN };
enum ex_place ex_place(const struct ex_vcpu *v, uint64_t gpa);
uint64_t ex_page_gpa(const struct ex_arena *arena, unsigned int page);
unsigned int ex_page_index(uint64_t offset);
uint8_t *ex_model_at(const struct ex_vcpu *v, uint64_t gpa);
uint64_t ex_load(const struct ex_vcpu *v, uint64_t gpa, unsigned int size);
uint64_t ex_uncertain(const struct ex_vcpu *v, uint64_t gpa, unsigned int size);
void ex_store(struct ex_vcpu *v, uint64_t gpa, unsigned int size, uint64_t value);
bool ex_is_fixed(const struct ex_vcpu *v, uint64_t gpa, unsigned int size);
/* The gpa of the entry that the walk read at this level. */
uint64_t ex_entry_gpa(const struct ex_vcpu *v, const struct walk_result *r, unsigned int level,
		      uint64_t gva);
/* What the access would come to; sets no A and D. v->foreign: nothing can be said. */
enum walk_status ex_probe(struct ex_vcpu *v, uint64_t gva, uint32_t pfec, bool ac,
			  struct walk_result *r);
/* The same with all effects on memory. */
enum walk_status ex_touch(struct ex_vcpu *v, uint64_t gva, uint32_t pfec, bool ac,
			  struct walk_result *r);
enum ex_fresh { EX_IS_FRESH, EX_IS_NARROW, EX_IS_STALE };
enum ex_fresh ex_fresh(const struct ex_vcpu *v, uint64_t gva, const struct walk_result *r);
uint64_t ex_mmio_value(uint64_t gpa);

/* control.c: registers and invalidations, each an operation of the script */
void ex_control_init(struct ex_vcpu *v);
bool ex_control_cr0(struct ex_vcpu *v, uint64_t cr0);
bool ex_control_cr3(struct ex_vcpu *v, uint64_t cr3);
bool ex_control_cr4(struct ex_vcpu *v, uint64_t cr4);
void ex_control_efer(struct ex_vcpu *v, uint64_t efer);
void ex_control_invlpg(struct ex_vcpu *v, uint64_t gva);
void ex_control_invpcid(struct ex_vcpu *v, unsigned int type, unsigned int pcid, uint64_t gva);
void ex_control_flush_all(struct ex_vcpu *v);
void ex_control_flush(struct ex_vcpu *v, uint64_t gva);
void ex_control_root(struct ex_vcpu *v, unsigned int root);
void ex_control_random(struct ex_vcpu *v);
uint64_t ex_root_gpa(const struct ex_vcpu *v, unsigned int root);

/* entry.c: random addresses and entries */
uint64_t ex_gva(struct ex_vcpu *v);
unsigned int ex_offset(struct ex_vcpu *v);
uint64_t ex_entry(struct ex_vcpu *v, unsigned int level, bool good);
uint64_t ex_shared_entry(struct ex_vcpu *v);
void ex_arena_fill(struct ex_vcpu *v);
void ex_shared_fill(struct ex_vcpu *v);

/* generate.c: the script */
struct ex_op *ex_emit(struct ex_vcpu *v, enum ex_kind kind, uint64_t gva, uint64_t value);
struct ex_expect *ex_expected(struct ex_vcpu *v);
void ex_put_entry(struct ex_vcpu *v, uint64_t gpa, uint64_t value);
void ex_step(struct ex_vcpu *v);
void ex_share(struct ex_vcpu *v);

/* play.c: the guest performs it, results are compared */
bool ex_play(struct ex_run *run);
bool ex_memory_right(struct ex_run *run);

/* setup.c */
void ex_setup(struct ex_run *run);
void ex_teardown(struct ex_run *run);

/* outside.c: what the host does to the guest's memory */
bool ex_outside(struct ex_run *run);
void ex_storm_start(struct ex_run *run);
void ex_storm_stop(void);
void ex_storm_lock(void);
void ex_storm_unlock(void);
bool ex_set_pf_filter(bool on);
const char *ex_outside_name(unsigned int event);

#endif
