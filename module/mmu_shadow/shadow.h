/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Private structures of the shadow backend. All of them belong to vm->mmu_lock, held for write,
 * except what is marked as the vCPU thread's own.
 */
#ifndef UM_SHADOW_SHADOW_H
#define UM_SHADOW_SHADOW_H

#include "../host.h"
#include "../mmu.h"
#include "spte.h"

#define SHADOW_HASH_BITS	12
#define SHADOW_ROOTS		8	/* cached roots of a vCPU, each with a tag of its own */
#define SHADOW_PAE_TABLES	4
#define SHADOW_MIN_PAGES	64	/* the smallest automatic cap */
#define SHADOW_CAP_SHARE	50	/* automatic cap: one shadow page for so many guest pages */
#define SHADOW_RECENT		16
#define SHADOW_NODE_SHIFT	9	/* gfns of a struct rmap_node, as a power of 2 */
#define SHADOW_PATIENCE		4	/* guest faults until an unsync table is synced, at first */
#define SHADOW_MAX_PATIENCE	128
#define SHADOW_STALE		(~0ULL)	/* a generation that equals none */

/* The guest state that gives a shadow page its meaning besides its gfn; compared on every reuse. */
union shadow_role {
	u32 word;
	struct {
		u32 level : 3;
		u32 mode : 3;		/* enum paging_mode */
		u32 access : 3;		/* ACC_* inherited from all upper levels */
		u32 quadrant : 2;	/* which part of a 1024-entry table; directory: which GiB */
		u32 direct : 1;		/* no guest table: part of a large page, or unpaged */
		u32 nxe : 1;
		u32 wp : 1;
		u32 smep_nowp : 1;	/* SMEP, where WP = 0 makes user pages kernel-writable */
		u32 user_nowp : 1;	/* SMAP or PKE under WP = 0: user pages stay user pages */
		u32 pse : 1;
		u32 pse36 : 1;
		u32 gbpages : 1;
		u32 maxphyaddr : 6;
		u32 key : 4;		/* direct: protection key of the large page */
		u32 clean_nowp : 1;	/* direct: D is clear where WP = 0 lets the kernel write */
	};
};

/* A set of pointers to sptes: empty, one pointer, or (bit 0 set) a chain of struct spte_desc. */
struct spte_list {
	unsigned long val;
};

/* One table that hardware walks. page_private() of @spt points back here. */
struct shadow_page {
	struct hlist_node hash;
	struct list_head link;		/* shadow_vm.pages in order of creation, or .zapped */
	struct list_head unsync_link;
	gfn_t gfn;			/* of the guest table; direct: the first gfn mapped */
	union shadow_role role;
	atomic_t nr_present, nr_absent;	/* entries in these states */
	u16 root_refs;			/* cached roots of vCPUs that name it */
	bool tracked;			/* counted by um_track_add(): true to the guest's table */
	bool unsync;			/* the guest writes its table freely, entries may lag */
	bool invalid;			/* zapped, kept only by root_refs */
	bool reaches;			/* valid when visit is the present one */
	u8 faults, patience;		/* guest faults while unsync, and how many make us sync */
	u64 visit;
	spte_t *spt;
	u64 *gfns;			/* of each leaf; NULL where @gfn tells, or no leaves */
	struct spte_list parents;
};

/* What is known of 2 MiB of guest memory: which sptes map each page, and where the host has it. */
struct rmap_node {
	u64 index;			/* gfn / 512 */
	struct spte_list large;		/* 2 MiB leaves */
	struct spte_list huge;		/* 1 GiB leaves that begin here */
	u64 *words;			/* by gfn within the 2 MiB (rmap.h); NULL: nothing known */
};

/*
 * A host page found once is remembered until the MMU notifier takes it back, so that most faults
 * need not ask the host, nor look at the memslot.
 */
#define FRAME_VALID	BIT_ULL(0)
#define FRAME_WRITABLE	BIT_ULL(1)	/* the guest may write it: not tracked, not logged */
#define FRAME_DIRTIED	BIT_ULL(2)	/* the host counts it as dirty, and it is not logged */

struct shadow_vm {
	struct hlist_head *hash;
	struct list_head pages;
	struct list_head unsync;
	struct list_head zapped;	/* only CPUs' caches name them: freed by shadow_commit() */
	bool flush_due;			/* a link or table went away since the last remote flush */
	spte_t unknown;
	struct xarray rmap;		/* struct rmap_node by gfn / 512 */
	struct rmap_node *recent[SHADOW_RECENT];	/* found lately, by index; racy */
	unsigned long nr_huge;		/* 1 GiB leaves in @rmap */
	u64 nr_pages, nr_roots;		/* in @pages; those of them with root_refs */
	struct um_vm *vm;
	struct list_head shrink_link;	/* shrink.c */
	u64 slot_pages, auto_cap;
	u64 visit;
	/*
	 * Generations; written under mmu_lock, read without it. alter: leaves were removed or
	 * altered without a remote flush, unsync: a table went unsync, invalid: a page with
	 * root_refs was zapped.
	 */
	u64 alter_gen, unsync_gen, invalid_gen;
	u64 host_gen;			/* alter_gen when the host last took or protected a page */
	u64 link_gen;			/* a link went away */
	bool absent;			/* entries were noted absent since all were forgotten */
	void *sync_buf;			/* a guest table under resync */
};

/* Allocated before mmu_lock is taken; the vCPU thread's own. */
#define SHADOW_CACHE_PAGES	5
#define SHADOW_CACHE_DESCS	32
struct spte_desc;
struct shadow_cache {
	unsigned int nr_pages, nr_gfns, nr_descs;
	struct shadow_page *page[SHADOW_CACHE_PAGES];
	u64 *gfns[SHADOW_CACHE_PAGES];
	struct spte_desc *desc[SHADOW_CACHE_DESCS];
};

/* A cached root. The vCPU thread's own, but that the pages it names count it. */
struct shadow_root {
	u64 key[SHADOW_PAE_TABLES];	/* gpa of the guest's top table in [0], or its PDPTEs */
	union shadow_role role;
	unsigned int nr;		/* pages in sp; 0: the slot is free */
	struct shadow_page *sp[SHADOW_PAE_TABLES]; /* the top table, or those under a PAE root */
	hpa_t hpa;
	u64 alter_gen, unsync_gen, invalid_gen;	/* up to which tag and tables are known good */
	u64 used;
	u16 tag;
};

/* What is known of a fault without a walk of the guest's tables. */
enum shadow_known { KNOWN_DONE, KNOWN_LEAF, KNOWN_NOTHING };

/* A fault being served, or (@prefetch) an entry to be mapped ahead of its use. */
struct shadow_walk {
	struct um_vcpu *vcpu;
	struct um_vm *vm;
	struct shadow_vcpu *sv;
	gva_t gva;
	u32 pfec;
	bool smap_override;
	bool prefetch;
	bool short_walk;	/* begun at the shadowed leaf table that leaf_* name */
	u8 access;		/* that the guest's tables grant, D counted in */
	u64 key;		/* of the guest's leaf, in its place */
	gfn_t leaf_gfn;
	union shadow_role leaf_role;
	bool dirtied;		/* a leaf was put through which the guest can write */
	u8 need;		/* the reverse map lacks room for a leaf of this level */
	gfn_t unseen;		/* the guest's leaf table if its frame is not known */
	struct um_memslot *slot;
	struct um_pfn pfn;
	struct walk_result r;
};

/* The vCPU thread's own. */
struct shadow_vcpu {
	struct shadow_root *cur;	/* NULL: none loaded */
	struct shadow_root *previous;	/* loaded before cur */
	struct paging_desc desc;	/* of the paging state that cur was loaded for */
	union shadow_role role;		/* of cur's top level */
	u64 leaf_reserved;		/* bits that a 4K entry of the guest's must not have */
	bool by_cr3;			/* CR3 alone tells address spaces apart */
	bool noflush_ok;		/* bit 63 of CR3 has a meaning: CR4.PCIDE */
	bool sync;			/* the guest flushed since cur was loaded: sync is due */
	bool rebuild;			/* userspace set the state, perhaps tables too */
	bool has_ept;			/* unpaged code runs on EPT */
	u64 clock;			/* counts loads, for the age of roots */
	gfn_t zapped_gfn;		/* the upper table zapped last as the guest wrote it, */
	u64 zapped_rip;			/* and by which instruction */
	struct {			/* the leaf table found last, while link_gen stands */
		const struct shadow_root *root;
		struct shadow_page *sp;
		gva_t region;
		u64 link_gen;
	} leaf;
	struct shadow_walk walk;	/* the fault being served */
	gva_t next_gva;			/* after the pages that it mapped */
	enum shadow_known known;	/* what the inner loop found of it, if asked is set */
	bool asked;
	u8 doubts;			/* guest faults still to exit: doubt.c */
	unsigned long doubted;		/* when that began, in jiffies */
	u64 *pae_tables;		/* SHADOW_ROOTS PAE roots in a page below 4 GiB */
	u16 tag;			/* of all roots, without root_tags */
	struct shadow_root root[SHADOW_ROOTS];
	struct shadow_cache cache;
};

static inline struct shadow_vm *shadow_vm(const struct um_vm *vm)
{
	return vm->mmu_priv[UM_BACKEND_SHADOW];
}

static inline struct shadow_vcpu *shadow_vcpu(const struct um_vcpu *vcpu)
{
	return vcpu->mmu_priv[UM_BACKEND_SHADOW];
}

/* The large fields are left to who fills them. */
static inline void shadow_walk_init(struct shadow_walk *w, struct um_vcpu *vcpu, gva_t gva,
				    u32 pfec, bool smap_override)
{
	w->vcpu = vcpu;
	w->vm = vcpu->vm;
	w->sv = shadow_vcpu(vcpu);
	w->gva = gva;
	w->pfec = pfec & (PFEC_W | PFEC_U | PFEC_I);
	w->smap_override = smap_override;
	w->prefetch = false;
	w->short_walk = false;
	w->unseen = SHADOW_STALE;
}

static inline struct shadow_page *shadow_page_of(const spte_t *sptep)
{
	return (struct shadow_page *)page_private(virt_to_page(sptep));
}

static inline struct shadow_page *shadow_child(spte_t spte)
{
	return shadow_page_of(__va(spte_hpa(spte)));
}

static inline unsigned int shadow_spte_slot(const struct shadow_page *sp, const spte_t *sptep)
{
	return sptep - sp->spt;
}

static inline spte_t shadow_read(const spte_t *sptep)
{
	return (spte_t){ READ_ONCE(sptep->val) };
}

static inline void shadow_write(spte_t *sptep, spte_t spte)
{
	WRITE_ONCE(sptep->val, spte.val);
}

/*
 * False when the entry is no longer @old: another vCPU's fault, or the hardware's A or D, came
 * first.
 */
static inline bool shadow_replace(spte_t *sptep, spte_t old, spte_t new)
{
	return cmpxchg(&sptep->val, old.val, new.val) == old.val;
}

/* A fault is served under the read side of mmu_lock: how often beside another? */
static inline void shadow_count_parallel(struct um_vm *vm)
{
	if (unlikely(host_read_shared(&vm->mmu_lock)))
		atomic64_inc((atomic64_t *)&vm->stats.mmu_parallel);
}

/* What @sp counts for in mmu_table_bytes. */
static inline u64 shadow_page_bytes(const struct shadow_page *sp)
{
	return sizeof(*sp) + (sp->gfns ? 2 * PAGE_SIZE : PAGE_SIZE);
}

static inline unsigned int shadow_gpte_size(const struct shadow_page *sp)
{
	return sp->role.mode == PAGING_32 ? sizeof(u32) : sizeof(u64);
}

/*
 * Index in the guest's table of what @slot shadows: a 1024-entry table has several shadow tables,
 * its quadrants.
 */
static inline unsigned int shadow_guest_index(const struct shadow_page *sp, unsigned int slot)
{
	unsigned int index = sp->role.quadrant * SPTE_ENTRIES + slot;

	if (sp->role.mode != PAGING_32)
		return slot;
	return sp->role.level == UM_LEVEL_4K ? index : index / 2;
}

static inline gpa_t shadow_gpte_gpa(const struct shadow_page *sp, unsigned int slot)
{
	return gfn_to_gpa(sp->gfn) + shadow_guest_index(sp, slot) * shadow_gpte_size(sp);
}

/* The gfn that the leaf in @slot maps. */
static inline gfn_t shadow_leaf_gfn(const struct shadow_page *sp, unsigned int slot)
{
	if (sp->gfns)
		return READ_ONCE(sp->gfns[slot]);
	return sp->gfn + slot * um_level_pages(sp->role.level);
}

/* page.c: entries and pages */
void shadow_role_desc(union shadow_role role, struct paging_desc *d);
void shadow_drop(struct um_vm *vm, spte_t *sptep);
void shadow_drop_slot(struct um_vm *vm, struct shadow_page *sp, unsigned int slot);
bool shadow_set_absent(struct um_vm *vm, struct shadow_page *sp, spte_t *sptep);
void shadow_forget_absent(struct um_vm *vm, struct shadow_page *sp);
void shadow_link(struct um_vm *vm, struct shadow_cache *cache, spte_t *sptep,
		 struct shadow_page *child);
bool shadow_set_leaf(struct um_vm *vm, struct shadow_cache *cache, struct shadow_page *sp,
		     unsigned int slot, gfn_t gfn, spte_t spte, u64 known);
void shadow_zap(struct um_vm *vm, struct shadow_page *sp);
void shadow_root_get(struct um_vm *vm, struct shadow_page *sp);
void shadow_root_put(struct um_vm *vm, struct shadow_page *sp);
void shadow_zap_everything(struct um_vm *vm);
void shadow_commit(struct um_vm *vm);

/* cache.c: allocation, lookup, cap */
int shadow_cache_fill(struct um_vm *vm, struct shadow_cache *cache);
void shadow_cache_drain(struct shadow_cache *cache);
struct spte_desc *shadow_cache_desc(struct shadow_cache *cache);
struct shadow_page *shadow_get_page(struct um_vm *vm, struct shadow_cache *cache, gfn_t gfn,
				    union shadow_role role);
void shadow_free_page(struct shadow_page *sp);
unsigned long shadow_reclaim(struct um_vm *vm, unsigned long batch);
void shadow_make_room(struct um_vm *vm);
struct hlist_head *shadow_bucket(struct shadow_vm *sh, gfn_t gfn);

/* Does @sp shadow the guest's table at @gfn? Its bucket may hold others. */
static inline bool shadow_is_table(const struct shadow_page *sp, gfn_t gfn)
{
	return sp->gfn == gfn && !sp->role.direct;
}

/* sync.c: write tracking */
void shadow_track(struct um_vm *vm, struct shadow_page *sp);
void shadow_untrack(struct um_vm *vm, struct shadow_page *sp);
bool shadow_unsync_leaves(struct um_vm *vm, gfn_t gfn);
void shadow_zap_tables(struct um_vm *vm, gfn_t gfn);
void shadow_sync_under(struct um_vm *vm, struct shadow_page *top);
void shadow_sync_root(struct um_vm *vm, struct shadow_root *root);
void shadow_gpa_written(struct um_vm *vm, gpa_t gpa, size_t len);

/* root.c: cached roots */
int shadow_load_root(struct um_vcpu *vcpu);
void shadow_set_root(struct um_vcpu *vcpu, struct shadow_root *root, u32 dirty);
void shadow_roots_destroy(struct um_vcpu *vcpu);
void shadow_set_controls(struct um_vcpu *vcpu);

/* doubt.c: what others may have written unseen */
void shadow_doubt(struct um_vcpu *vcpu, bool tick);
void shadow_settle(struct um_vcpu *vcpu);

/* shrink.c: memory is given back */
void shadow_shrink_add(struct shadow_vm *sh);
void shadow_shrink_del(struct shadow_vm *sh);
int shadow_shrink_init(void);
void shadow_shrink_exit(void);

/* switch.c: the guest changes its translations */
bool shadow_invlpg(struct um_vcpu *vcpu, gva_t gva, bool all, bool fast);
bool shadow_cr3_fast(struct um_vcpu *vcpu, u64 cr3);
void shadow_paging_changed(struct um_vcpu *vcpu, u32 what);

/* known.c: faults that need nothing but mmu_lock */
enum shadow_known shadow_known(struct shadow_walk *w, struct shadow_page *sp);
bool shadow_fault_fast(struct um_vcpu *vcpu, struct um_fault *f);
struct shadow_page *shadow_top_table(const struct shadow_root *root, gva_t gva);
struct shadow_page *shadow_leaf_table(struct um_vcpu *vcpu, gva_t gva);

/* path.c: the tables on the way to an address */
bool shadow_path_accessed(const struct shadow_walk *w);
bool shadow_gpte_unchanged(struct shadow_walk *w, const struct shadow_page *sp, unsigned int slot);
struct shadow_page *shadow_path_leaf(const struct shadow_walk *w);
struct shadow_page *shadow_path_to(struct shadow_walk *w, unsigned int level);

/* fault.c: all others */
enum um_fault_result shadow_fault(struct um_vcpu *vcpu, struct um_fault *f);

/* audit.c */
void shadow_audit(struct um_audit *a);

extern const struct um_mmu_ops shadow_unpaged_ops;
extern bool shadow_pf_filter;

#include "rmap.h"

#endif
