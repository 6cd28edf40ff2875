/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From a guest frame to the sptes that map it and to the host's frame behind it. Guarded by
 * vm->mmu_lock. Under its read side the word of a page changes by compare-and-exchange, only to
 * hold one more spte or to know the frame; large leaves and all else take the write side.
 */
#ifndef UM_SHADOW_RMAP_H
#define UM_SHADOW_RMAP_H

#include "shadow.h"

/*
 * One word tells all that is known of a 4K page: FRAME_*, and an address, which RMAP_* say is that
 * of the host's frame (neither bit), of the one spte that maps the page, or of a chain of struct
 * spte_desc. An spte names the frame by itself, a chain has it in its first descriptor.
 */
#define RMAP_ONE	BIT_ULL(63)
#define RMAP_MANY	BIT_ULL(62)
#define RMAP_SPTES	(RMAP_ONE | RMAP_MANY)
#define RMAP_LOCKED	BIT_ULL(61)	/* a chain is being changed under the read side */
#define RMAP_WHERE	GENMASK_ULL(51, 3)

#define FRAME_FLAGS	(FRAME_VALID | FRAME_WRITABLE | FRAME_DIRTIED)

#define DESC_ENTRIES	13
#define LIST_MANY	1UL		/* struct spte_list holds a chain */

struct spte_desc {
	spte_t *entry[DESC_ENTRIES];
	unsigned long count;
	struct spte_desc *next;		/* full ones; only the first has room */
	hpa_t frame;			/* of the page, if the chain is a page's */
};

static inline struct spte_desc *spte_list_chain(const struct spte_list *list)
{
	return list->val & LIST_MANY ? (struct spte_desc *)(list->val & ~LIST_MANY) : NULL;
}

static inline void spte_list_set_chain(struct spte_list *list, struct spte_desc *chain)
{
	list->val = (unsigned long)chain | LIST_MANY;
}

/* Bytes of reverse map and lists; parallel faults count, too. */
static inline void rmap_count_bytes(struct um_vm *vm, long bytes)
{
	atomic64_add(bytes, (atomic64_t *)&vm->stats.mmu_rmap_bytes);
}

void spte_list_add(struct um_vm *vm, struct shadow_cache *cache, struct spte_list *list,
		   spte_t *sptep);
void spte_list_remove(struct um_vm *vm, struct spte_list *list, spte_t *sptep);
spte_t *spte_list_first(const struct spte_list *list);
/* Call @fn on every member until it answers true; true if one did. @fn must not change the list. */
bool spte_list_any(const struct spte_list *list, bool (*fn)(spte_t *sptep, void *arg), void *arg);
/* Can a leaf of @level that maps @gfn be added? If not: rmap_prepare(), and look again. */
bool rmap_has_room(struct um_vm *vm, gfn_t gfn, unsigned int level);
/* Have that room; sleeps, mmu_lock not held. 0 or -ENOMEM. */
int rmap_prepare(struct um_vm *vm, gfn_t gfn, unsigned int level);
struct rmap_node *rmap_load_node(struct shadow_vm *sh, gfn_t gfn);
/* The slow parts of rmap_add() and rmap_remove(). */
void rmap_add_second(struct um_vm *vm, struct shadow_cache *cache, u64 *word, spte_t *sptep,
		     u64 known);
void rmap_add_large(struct um_vm *vm, struct shadow_cache *cache, spte_t *sptep, gfn_t gfn,
		    unsigned int level);
void rmap_remove_one(struct um_vm *vm, u64 *word, spte_t *sptep);
void rmap_remove_large(struct um_vm *vm, spte_t *sptep, gfn_t gfn, unsigned int level);
/* mmu_lock held for write, as for all below. */
bool rmap_unmap(struct um_vm *vm, gfn_t start, gfn_t end);
bool rmap_wrprotect(struct um_vm *vm, gfn_t start, gfn_t end);
bool rmap_age(struct um_vm *vm, gfn_t start, gfn_t end, bool clear);
void rmap_trim(struct um_vm *vm, gfn_t start, gfn_t end);
void rmap_init(struct shadow_vm *sh);
void rmap_destroy(struct um_vm *vm);

/* The node that @gfn belongs to, NULL: rmap_prepare() is due. */
static inline struct rmap_node *rmap_node(struct shadow_vm *sh, gfn_t gfn)
{
	u64 index = gfn >> SHADOW_NODE_SHIFT;
	struct rmap_node *node = READ_ONCE(sh->recent[index % SHADOW_RECENT]);

	if (likely(node && node->index == index))
		return node;
	return rmap_load_node(sh, gfn);
}

/* NULL: rmap_prepare() is due. */
static inline u64 *rmap_word(struct shadow_vm *sh, gfn_t gfn)
{
	struct rmap_node *node = rmap_node(sh, gfn);
	u64 *words = node ? READ_ONCE(node->words) : NULL;

	return words ? &words[gfn % (1 << SHADOW_NODE_SHIFT)] : NULL;
}

static inline u64 rmap_where(const void *p)
{
	return (unsigned long)p - PAGE_OFFSET;
}

static inline struct spte_desc *rmap_desc(u64 word)
{
	return (void *)((word & RMAP_WHERE) + PAGE_OFFSET);
}

static inline spte_t *rmap_sptep(u64 word)
{
	return (void *)((word & RMAP_WHERE) + PAGE_OFFSET);
}

/* The leaves that @word tells of. */
static inline struct spte_list rmap_leaves(u64 word)
{
	struct spte_list list = { };

	if (word & RMAP_MANY)
		spte_list_set_chain(&list, rmap_desc(word));
	else if (word & RMAP_ONE)
		list.val = (unsigned long)rmap_sptep(word);
	return list;
}

/* Where the host has the page of @word, with FRAME_*; 0: not known. */
static inline u64 rmap_frame(u64 word)
{
	if (!(word & FRAME_VALID))
		return 0;
	if (word & RMAP_ONE)
		return spte_hpa(shadow_read(rmap_sptep(word))) | (word & FRAME_FLAGS);
	if (word & RMAP_MANY)
		return rmap_desc(word)->frame | (word & FRAME_FLAGS);
	return word & ~RMAP_LOCKED;
}

static inline u64 frame_get(struct um_vm *vm, gfn_t gfn)
{
	struct rmap_node *node = rmap_node(shadow_vm(vm), gfn);
	u64 *words = node ? READ_ONCE(node->words) : NULL;

	return words ? rmap_frame(READ_ONCE(words[gfn % (1 << SHADOW_NODE_SHIFT)])) : 0;
}

/*
 * A leaf was put into @sptep; @known: what FRAME_* tell of its frame. There is room. Under the read
 * side only one of 4K.
 */
static inline void rmap_add(struct um_vm *vm, struct shadow_cache *cache, spte_t *sptep, gfn_t gfn,
			    unsigned int level, u64 known)
{
	u64 *word, old, new;

	if (level > UM_LEVEL_4K) {
		rmap_add_large(vm, cache, sptep, gfn, level);
		return;
	}
	word = rmap_word(shadow_vm(vm), gfn);
	old = READ_ONCE(*word);
	new = rmap_where(sptep) | RMAP_ONE | (old & FRAME_FLAGS) | known;
	if ((old & (RMAP_SPTES | RMAP_LOCKED)) || cmpxchg(word, old, new) != old)
		rmap_add_second(vm, cache, word, sptep, known);
}

/* @old was in @sptep. mmu_lock held for write. */
static inline void rmap_remove(struct um_vm *vm, spte_t *sptep, spte_t old, gfn_t gfn,
			       unsigned int level)
{
	u64 *word, flags;

	if (level > UM_LEVEL_4K) {
		rmap_remove_large(vm, sptep, gfn, level);
		return;
	}
	word = rmap_word(shadow_vm(vm), gfn);
	if (WARN_ON_ONCE(!word))
		return;
	flags = *word & FRAME_FLAGS;
	if (*word == (rmap_where(sptep) | RMAP_ONE | flags))
		*word = flags ? spte_hpa(old) | flags : 0;
	else
		rmap_remove_one(vm, word, sptep);
}

/*
 * The host has @gfn at @pfn, as the sptes that map it say, too. The gfn has a word. Also under the
 * read side.
 */
void frame_set(struct um_vm *vm, gfn_t gfn, u64 pfn, u64 flags);

/* The frame of @gfn is known; @flags hold of it, too. */
static inline void frame_allow(struct um_vm *vm, gfn_t gfn, u64 flags)
{
	*rmap_word(shadow_vm(vm), gfn) |= flags;
}

/*
 * The kernel's own view of guest memory, good while mmu_lock is held; NULL: not known with all of
 * @need.
 */
static inline void *frame_address(struct um_vm *vm, gpa_t gpa, u64 need)
{
	u64 frame = frame_get(vm, gpa_to_gfn(gpa));

	if ((frame & need) != need)
		return NULL;
	return __va((frame & UM_PAGE_MASK) + um_page_offset(gpa));
}

#endif
