// SPDX-License-Identifier: GPL-2.0
/*
 * Sets of pointers to sptes: what maps a page, and what links a table. vm->mmu_lock is held for
 * write, or for read with the set's word locked (rmap.c).
 */
#include <linux/slab.h>
#include "shadow.h"

static void push_desc(struct um_vm *vm, struct shadow_cache *cache, struct spte_list *list,
		      struct spte_desc *next)
{
	struct spte_desc *desc = shadow_cache_desc(cache);

	rmap_count_bytes(vm, sizeof(*desc));
	desc->count = 0;
	desc->next = next;
	desc->frame = next ? next->frame : 0;
	spte_list_set_chain(list, desc);
}

void spte_list_add(struct um_vm *vm, struct shadow_cache *cache, struct spte_list *list,
		   spte_t *sptep)
{
	struct spte_desc *desc = spte_list_chain(list);
	spte_t *single = (spte_t *)list->val;

	if (!list->val) {
		list->val = (unsigned long)sptep;
		return;
	}
	if (!desc || desc->count == DESC_ENTRIES) {
		push_desc(vm, cache, list, desc);
		if (!desc)
			spte_list_chain(list)->entry[spte_list_chain(list)->count++] = single;
		desc = spte_list_chain(list);
	}
	desc->entry[desc->count++] = sptep;
}

/*
 * Fill the hole at @hole with the last entry of the first descriptor, the only one that may have
 * room.
 */
static void fill_hole(struct um_vm *vm, struct spte_list *list, spte_t **hole)
{
	struct spte_desc *first = spte_list_chain(list);

	*hole = first->entry[--first->count];
	if (first->count)
		return;
	list->val = first->next ? (unsigned long)first->next | LIST_MANY : 0;
	if (first->next)
		first->next->frame = first->frame;
	kfree(first);
	rmap_count_bytes(vm, -(long)sizeof(*first));
}

void spte_list_remove(struct um_vm *vm, struct spte_list *list, spte_t *sptep)
{
	struct spte_desc *desc;
	unsigned int i;

	if (list->val == (unsigned long)sptep) {
		list->val = 0;
		return;
	}
	for (desc = spte_list_chain(list); desc; desc = desc->next) {
		for (i = 0; i < desc->count; i++) {
			if (desc->entry[i] == sptep) {
				fill_hole(vm, list, &desc->entry[i]);
				return;
			}
		}
	}
	WARN_ONCE(1, "umbra: an spte is missing from its reverse map\n");
}

spte_t *spte_list_first(const struct spte_list *list)
{
	struct spte_desc *desc = spte_list_chain(list);

	return desc ? desc->entry[0] : (spte_t *)list->val;
}

bool spte_list_any(const struct spte_list *list, bool (*fn)(spte_t *sptep, void *arg), void *arg)
{
	struct spte_desc *desc = spte_list_chain(list);
	unsigned int i;

	if (!desc)
		return list->val && fn((spte_t *)list->val, arg);
	for (; desc; desc = desc->next)
		for (i = 0; i < desc->count; i++)
			if (fn(desc->entry[i], arg))
				return true;
	return false;
}
