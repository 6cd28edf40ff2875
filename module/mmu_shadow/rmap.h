/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From a guest frame to the sptes that map it and to the host's frame behind it. vm->mmu_lock is
 * held for write.
 */
#ifndef UM_SHADOW_RMAP_H
#define UM_SHADOW_RMAP_H

#include "shadow.h"

void spte_list_add(struct shadow_cache *cache, struct spte_list *list, spte_t *sptep);
void spte_list_remove(struct spte_list *list, spte_t *sptep);
spte_t *spte_list_first(const struct spte_list *list);
/* Call @fn on every member until it answers true; true if one did. @fn must not change the list. */
bool spte_list_any(const struct spte_list *list, bool (*fn)(spte_t *sptep, void *arg), void *arg);
int rmap_prepare(struct um_vm *vm, gfn_t gfn);
struct rmap_node *rmap_load_node(struct shadow_vm *sh, gfn_t gfn);
void rmap_add(struct um_vm *vm, struct shadow_cache *cache, spte_t *sptep, gfn_t gfn,
	      unsigned int level);
void rmap_remove(struct um_vm *vm, spte_t *sptep, gfn_t gfn, unsigned int level);
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

	if (likely(sh->recent[index % SHADOW_RECENT].index == index))
		return sh->recent[index % SHADOW_RECENT].node;
	return rmap_load_node(sh, gfn);
}

/* Where the host has @gfn, with FRAME_*; 0: not known. */
static inline u64 frame_get(struct um_vm *vm, gfn_t gfn)
{
	struct rmap_node *node = rmap_node(shadow_vm(vm), gfn);

	return node ? node->frame[gfn % (1 << SHADOW_NODE_SHIFT)] : 0;
}

/* @gfn has a node. */
static inline void frame_set(struct um_vm *vm, gfn_t gfn, u64 pfn, u64 flags)
{
	struct rmap_node *node = rmap_node(shadow_vm(vm), gfn);

	node->frame[gfn % (1 << SHADOW_NODE_SHIFT)] = pfn << UM_PAGE_SHIFT | flags;
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
