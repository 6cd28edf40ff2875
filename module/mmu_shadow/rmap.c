// SPDX-License-Identifier: GPL-2.0
/*
 * The reverse map: from a guest frame to the sptes that map it, so that the host can take a page
 * back. Kept per VM and not per memslot: an spte must be found again whatever became of the slot.
 * vm->mmu_lock is held for write.
 */
#include <linux/slab.h>
#include <linux/xarray.h>
#include "shadow.h"

#define DESC_ENTRIES	14
#define LIST_MANY	1UL		/* struct spte_list holds a chain */
#define NODE_SHIFT	SHADOW_NODE_SHIFT
#define NODE_PAGES	BIT(NODE_SHIFT)

struct spte_desc {
	spte_t *entry[DESC_ENTRIES];
	unsigned long count;
	struct spte_desc *next;		/* full ones; only the first has room */
};

static struct spte_desc *list_descs(const struct spte_list *list)
{
	if (!(list->val & LIST_MANY))
		return NULL;
	return (struct spte_desc *)(list->val & ~LIST_MANY);
}

static void push_desc(struct shadow_cache *cache, struct spte_list *list, struct spte_desc *next)
{
	struct spte_desc *desc = shadow_cache_desc(cache);

	desc->count = 0;
	desc->next = next;
	list->val = (unsigned long)desc | LIST_MANY;
}

void spte_list_add(struct shadow_cache *cache, struct spte_list *list, spte_t *sptep)
{
	struct spte_desc *desc = list_descs(list);
	spte_t *single = (spte_t *)list->val;

	if (!list->val) {
		list->val = (unsigned long)sptep;
		return;
	}
	if (!desc || desc->count == DESC_ENTRIES) {
		push_desc(cache, list, desc);
		if (!desc)
			list_descs(list)->entry[list_descs(list)->count++] = single;
		desc = list_descs(list);
	}
	desc->entry[desc->count++] = sptep;
}

/*
 * Fill the hole at @hole with the last entry of the first descriptor, the only one that may have
 * room.
 */
static void fill_hole(struct spte_list *list, spte_t **hole)
{
	struct spte_desc *first = list_descs(list);

	*hole = first->entry[--first->count];
	if (first->count)
		return;
	list->val = first->next ? (unsigned long)first->next | LIST_MANY : 0;
	kfree(first);
}

void spte_list_remove(struct spte_list *list, spte_t *sptep)
{
	struct spte_desc *desc;
	unsigned int i;

	if (list->val == (unsigned long)sptep) {
		list->val = 0;
		return;
	}
	for (desc = list_descs(list); desc; desc = desc->next) {
		for (i = 0; i < desc->count; i++) {
			if (desc->entry[i] == sptep) {
				fill_hole(list, &desc->entry[i]);
				return;
			}
		}
	}
	WARN_ONCE(1, "umbra: an spte is missing from its reverse map\n");
}

spte_t *spte_list_first(const struct spte_list *list)
{
	struct spte_desc *desc = list_descs(list);

	return desc ? desc->entry[0] : (spte_t *)list->val;
}

bool spte_list_any(const struct spte_list *list, bool (*fn)(spte_t *sptep, void *arg), void *arg)
{
	struct spte_desc *desc = list_descs(list);
	unsigned int i;

	if (!desc)
		return list->val && fn((spte_t *)list->val, arg);
	for (; desc; desc = desc->next)
		for (i = 0; i < desc->count; i++)
			if (fn(desc->entry[i], arg))
				return true;
	return false;
}

struct rmap_node *rmap_load_node(struct shadow_vm *sh, gfn_t gfn)
{
	u64 index = gfn >> NODE_SHIFT;
	struct rmap_node *node = xa_load(&sh->rmap, index);

	if (node) {
		sh->recent[index % SHADOW_RECENT].index = index;
		sh->recent[index % SHADOW_RECENT].node = node;
	}
	return node;
}

static void forget_recent(struct shadow_vm *sh)
{
	unsigned int i;

	for (i = 0; i < SHADOW_RECENT; i++)
		sh->recent[i].index = SHADOW_STALE;
}

static void free_node(struct rmap_node *node)
{
	if (!node)
		return;
	free_page((unsigned long)node->page);
	free_page((unsigned long)node->frame);
	kfree(node);
}

static struct rmap_node *alloc_node(void)
{
	struct rmap_node *node = kzalloc(sizeof(*node), GFP_KERNEL_ACCOUNT);

	BUILD_BUG_ON(NODE_PAGES * sizeof(struct spte_list) != PAGE_SIZE);
	BUILD_BUG_ON(NODE_PAGES * sizeof(u64) != PAGE_SIZE);
	if (!node)
		return NULL;
	node->page = (struct spte_list *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	node->frame = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!node->page || !node->frame) {
		free_node(node);
		return NULL;
	}
	return node;
}

/*
 * Have room for leaves that map @gfn; sleeps, mmu_lock not held. The room may be gone when the lock
 * is taken.
 */
int rmap_prepare(struct um_vm *vm, gfn_t gfn)
{
	struct shadow_vm *sh = shadow_vm(vm);
	struct rmap_node *node;
	int err;

	/* Without the lock this may be wrong either way, which costs another try. */
	if (READ_ONCE(sh->recent[(gfn >> NODE_SHIFT) % SHADOW_RECENT].index) == gfn >> NODE_SHIFT ||
	    xa_load(&sh->rmap, gfn >> NODE_SHIFT))
		return 0;
	node = alloc_node();
	if (!node)
		return -ENOMEM;
	err = xa_insert(&sh->rmap, gfn >> NODE_SHIFT, node, GFP_KERNEL_ACCOUNT);
	if (err)
		free_node(node);
	return err == -EBUSY ? 0 : err;
}

static struct spte_list *node_list(struct rmap_node *node, gfn_t gfn, unsigned int level)
{
	return level == UM_LEVEL_4K ? &node->page[gfn & (NODE_PAGES - 1)] : &node->large;
}

void rmap_add(struct um_vm *vm, struct shadow_cache *cache, spte_t *sptep, gfn_t gfn,
	      unsigned int level)
{
	struct rmap_node *node = rmap_node(shadow_vm(vm), gfn);

	spte_list_add(cache, node_list(node, gfn, level), sptep);
	node->used++;
}

void rmap_remove(struct um_vm *vm, spte_t *sptep, gfn_t gfn, unsigned int level)
{
	struct rmap_node *node = rmap_node(shadow_vm(vm), gfn);

	if (WARN_ON_ONCE(!node))
		return;
	spte_list_remove(node_list(node, gfn, level), sptep);
	node->used--;
}

static bool drop_all(struct um_vm *vm, struct spte_list *list)
{
	bool any = list->val;

	while (list->val)
		shadow_drop(vm, spte_list_first(list));
	return any;
}

typedef bool (*list_fn)(struct um_vm *vm, struct spte_list *list);

/*
 * Call @fn on the list of every gfn in [start, end), and on the large leaves that overlap it. What
 * is known of their frames loses @forget.
 */
static bool visit_lists(struct um_vm *vm, gfn_t start, gfn_t end, list_fn fn, u64 forget)
{
	struct shadow_vm *sh = shadow_vm(vm);
	struct rmap_node *node;
	unsigned long index;
	bool any = false;

	xa_for_each_range(&sh->rmap, index, node, start >> NODE_SHIFT, (end - 1) >> NODE_SHIFT) {
		gfn_t base = (gfn_t)index << NODE_SHIFT;
		gfn_t gfn = max(start, base), last = min(end, base + NODE_PAGES);

		if (node->large.val)
			any |= fn(vm, &node->large);
		for (; gfn < last; gfn++) {
			node->frame[gfn - base] &= ~forget;
			if (node->page[gfn - base].val)
				any |= fn(vm, &node->page[gfn - base]);
		}
	}
	return any;
}

/* The caller flushes, for every entry dropped here. */
bool rmap_unmap(struct um_vm *vm, gfn_t start, gfn_t end)
{
	return visit_lists(vm, start, end, drop_all, ~0ULL);
}

static bool make_readonly(spte_t *sptep, void *any)
{
	spte_t spte = shadow_read(sptep);

	if (spte_writable(spte)) {
		shadow_write(sptep, spte_make_readonly(spte));
		*(bool *)any = true;
	}
	return false;
}

/* Large leaves go: the next write finds out page by page. */
static bool wrprotect_list(struct um_vm *vm, struct spte_list *list)
{
	spte_t *sptep = spte_list_first(list);
	bool any = false;

	if (shadow_page_of(sptep)->role.level > UM_LEVEL_4K)
		return drop_all(vm, list);
	spte_list_any(list, make_readonly, &any);
	return any;
}

bool rmap_wrprotect(struct um_vm *vm, gfn_t start, gfn_t end)
{
	return visit_lists(vm, start, end, wrprotect_list, FRAME_WRITABLE | FRAME_DIRTIED);
}

static bool is_young(spte_t *sptep, void *unused)
{
	return spte_accessed(shadow_read(sptep));
}

static bool make_old(spte_t *sptep, void *any)
{
	spte_t spte = shadow_read(sptep);

	if (spte_accessed(spte)) {
		shadow_write(sptep, spte_make_old(spte));
		*(bool *)any = true;
	}
	return false;
}

static bool list_young(struct um_vm *vm, struct spte_list *list)
{
	return spte_list_any(list, is_young, NULL);
}

static bool list_make_old(struct um_vm *vm, struct spte_list *list)
{
	bool any = false;

	spte_list_any(list, make_old, &any);
	return any;
}

bool rmap_age(struct um_vm *vm, gfn_t start, gfn_t end, bool clear)
{
	return visit_lists(vm, start, end, clear ? list_make_old : list_young, 0);
}

/* Give back the nodes of [start, end) that hold nothing. */
void rmap_trim(struct um_vm *vm, gfn_t start, gfn_t end)
{
	struct shadow_vm *sh = shadow_vm(vm);
	struct rmap_node *node;
	unsigned long index;

	forget_recent(sh);
	xa_for_each_range(&sh->rmap, index, node, start >> NODE_SHIFT, (end - 1) >> NODE_SHIFT) {
		if (node->used)
			continue;
		xa_erase(&sh->rmap, index);
		free_node(node);
	}
}

void rmap_init(struct shadow_vm *sh)
{
	xa_init_flags(&sh->rmap, XA_FLAGS_ACCOUNT);
	forget_recent(sh);
}

void rmap_destroy(struct um_vm *vm)
{
	struct shadow_vm *sh = shadow_vm(vm);
	struct rmap_node *node;
	unsigned long index;

	xa_for_each(&sh->rmap, index, node) {
		WARN_ON_ONCE(node->used);
		free_node(node);
	}
	xa_destroy(&sh->rmap);
}
