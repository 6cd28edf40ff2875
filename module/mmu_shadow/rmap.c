// SPDX-License-Identifier: GPL-2.0
/*
 * The reverse map: from a guest frame to the sptes that map it, so that the host can take a page
 * back. Kept per VM and not per memslot: an spte must be found again whatever became of the slot.
 * Guarded by vm->mmu_lock as rmap.h says.
 */
#include <linux/slab.h>
#include <linux/xarray.h>
#include "shadow.h"

#define NODE_SHIFT	SHADOW_NODE_SHIFT
#define NODE_PAGES	BIT(NODE_SHIFT)

/* Parallel faults may both remember it. */
struct rmap_node *rmap_load_node(struct shadow_vm *sh, gfn_t gfn)
{
	u64 index = gfn >> NODE_SHIFT;
	struct rmap_node *node = xa_load(&sh->rmap, index);

	if (node)
		WRITE_ONCE(sh->recent[index % SHADOW_RECENT], node);
	return node;
}

static void forget_recent(struct shadow_vm *sh)
{
	memset(sh->recent, 0, sizeof(sh->recent));
}

static void free_node(struct um_vm *vm, struct rmap_node *node)
{
	rmap_count_bytes(vm, -(long)(sizeof(*node) + (node->words ? PAGE_SIZE : 0)));
	free_page((unsigned long)node->words);
	kfree(node);
}

static int add_node(struct um_vm *vm, u64 index)
{
	struct rmap_node *node = kzalloc(sizeof(*node), GFP_KERNEL_ACCOUNT);
	int err;

	if (!node)
		return -ENOMEM;
	rmap_count_bytes(vm, sizeof(*node));
	node->index = index;
	err = xa_insert(&shadow_vm(vm)->rmap, index, node, GFP_KERNEL_ACCOUNT);
	if (err)
		free_node(vm, node);
	return err == -EBUSY ? 0 : err;
}

static int add_words(struct um_vm *vm, gfn_t gfn)
{
	unsigned long words = get_zeroed_page(GFP_KERNEL_ACCOUNT);
	struct rmap_node *node;

	BUILD_BUG_ON(NODE_PAGES * sizeof(*node->words) != PAGE_SIZE);
	if (!words)
		return -ENOMEM;
	read_lock(&vm->mmu_lock);
	node = rmap_node(shadow_vm(vm), gfn);
	if (node && !cmpxchg(&node->words, NULL, (u64 *)words)) {
		rmap_count_bytes(vm, PAGE_SIZE);
		words = 0;
	}
	read_unlock(&vm->mmu_lock);
	free_page(words);
	return 0;
}

bool rmap_has_room(struct um_vm *vm, gfn_t gfn, unsigned int level)
{
	if (level == UM_LEVEL_4K)
		return rmap_word(shadow_vm(vm), gfn);
	return rmap_node(shadow_vm(vm), gfn_align_down(gfn, level));
}

int rmap_prepare(struct um_vm *vm, gfn_t gfn, unsigned int level)
{
	struct rmap_node *node;
	bool words;
	int err = 0;

	gfn = gfn_align_down(gfn, level);
	read_lock(&vm->mmu_lock);
	node = rmap_node(shadow_vm(vm), gfn);
	words = level > UM_LEVEL_4K || (node && node->words);
	read_unlock(&vm->mmu_lock);
	if (!node)
		err = add_node(vm, gfn >> NODE_SHIFT);
	return err || words ? err : add_words(vm, gfn);
}

static u64 lock_word(u64 *word)
{
	u64 old = READ_ONCE(*word);

	for (;;) {
		while (old & RMAP_LOCKED) {
			cpu_relax();
			old = READ_ONCE(*word);
		}
		if (try_cmpxchg(word, &old, old | RMAP_LOCKED))
			return old;
	}
}

static void unlock_word(u64 *word, u64 new)
{
	/* Pairs with lock_word(), and with rmap_frame(), which reads without it. */
	smp_store_release(word, new);
}

/* The word for a page at @frame (with FRAME_*) that @list maps. */
static u64 word_of(struct spte_list list, u64 frame)
{
	struct spte_desc *chain = spte_list_chain(&list);

	if (chain) {
		chain->frame = frame & UM_PAGE_MASK;
		return rmap_where(chain) | RMAP_MANY | (frame & FRAME_FLAGS);
	}
	return list.val ? rmap_where((void *)list.val) | RMAP_ONE | (frame & FRAME_FLAGS) : frame;
}

void rmap_add_second(struct um_vm *vm, struct shadow_cache *cache, u64 *word, spte_t *sptep,
		     u64 known)
{
	u64 old = lock_word(word);
	struct spte_list list = rmap_leaves(old);

	if (known)
		known |= spte_hpa(shadow_read(sptep));
	spte_list_add(vm, cache, &list, sptep);
	unlock_word(word, word_of(list, rmap_frame(old) | known));
}

static struct spte_list *large_leaves(struct rmap_node *node, unsigned int level)
{
	return level == UM_LEVEL_2M ? &node->large : &node->huge;
}

void rmap_add_large(struct um_vm *vm, struct shadow_cache *cache, spte_t *sptep, gfn_t gfn,
		    unsigned int level)
{
	struct shadow_vm *sh = shadow_vm(vm);

	sh->nr_huge += level == UM_LEVEL_1G;
	spte_list_add(vm, cache, large_leaves(rmap_node(sh, gfn), level), sptep);
}

void rmap_remove_one(struct um_vm *vm, u64 *word, spte_t *sptep)
{
	struct spte_list list = rmap_leaves(*word);
	u64 frame = rmap_frame(*word);

	spte_list_remove(vm, &list, sptep);
	*word = word_of(list, frame);
}

void rmap_remove_large(struct um_vm *vm, spte_t *sptep, gfn_t gfn, unsigned int level)
{
	struct shadow_vm *sh = shadow_vm(vm);
	struct rmap_node *node = rmap_node(sh, gfn);

	if (WARN_ON_ONCE(!node))
		return;
	sh->nr_huge -= level == UM_LEVEL_1G;
	spte_list_remove(vm, large_leaves(node, level), sptep);
}

void frame_set(struct um_vm *vm, gfn_t gfn, u64 pfn, u64 flags)
{
	u64 *word = rmap_word(shadow_vm(vm), gfn);
	u64 old = lock_word(word);

	unlock_word(word, word_of(rmap_leaves(old), pfn << UM_PAGE_SHIFT | flags));
}

/* The leaves of @level that map @gfn, or that begin there. */
static struct spte_list leaves(struct rmap_node *node, gfn_t gfn, unsigned int level)
{
	if (level == UM_LEVEL_4K)
		return rmap_leaves(node->words[gfn % NODE_PAGES]);
	return *large_leaves(node, level);
}

typedef bool (*leaves_fn)(struct um_vm *vm, struct rmap_node *node, gfn_t gfn, unsigned int level);

static bool drop_all(struct um_vm *vm, struct rmap_node *node, gfn_t gfn, unsigned int level)
{
	struct spte_list list = leaves(node, gfn, level);
	bool any = list.val;

	for (; list.val; list = leaves(node, gfn, level))
		shadow_drop(vm, spte_list_first(&list));
	return any;
}

/* The 1 GiB leaves that overlap [@start, @end). */
static bool visit_huge(struct um_vm *vm, gfn_t start, gfn_t end, leaves_fn fn)
{
	struct xarray *rmap = &shadow_vm(vm)->rmap;
	bool any = false;
	gfn_t gfn;

	for (gfn = gfn_align_down(start, UM_LEVEL_1G); gfn < end;
	     gfn += um_level_pages(UM_LEVEL_1G)) {
		struct rmap_node *node = xa_load(rmap, gfn >> NODE_SHIFT);

		if (node && node->huge.val)
			any |= fn(vm, node, gfn, UM_LEVEL_1G);
	}
	return any;
}

/*
 * Call @fn for every gfn in [start, end) that is mapped, and for the large leaves that overlap it.
 * What is known of their frames loses @forget.
 */
static bool visit(struct um_vm *vm, gfn_t start, gfn_t end, leaves_fn fn, u64 forget)
{
	bool any = shadow_vm(vm)->nr_huge && visit_huge(vm, start, end, fn);
	struct rmap_node *node;
	unsigned long index;

	xa_for_each_range(&shadow_vm(vm)->rmap, index, node, start >> NODE_SHIFT,
			  (end - 1) >> NODE_SHIFT) {
		gfn_t base = (gfn_t)index << NODE_SHIFT;
		gfn_t gfn = max(start, base), last = min(end, base + NODE_PAGES);

		if (node->large.val)
			any |= fn(vm, node, base, UM_LEVEL_2M);
		for (; node->words && gfn < last; gfn++) {
			u64 *word = &node->words[gfn - base];

			if (*word & RMAP_SPTES)
				any |= fn(vm, node, gfn, UM_LEVEL_4K);
			*word &= ~forget;
		}
	}
	return any;
}

/* The caller flushes, for every entry dropped here. */
bool rmap_unmap(struct um_vm *vm, gfn_t start, gfn_t end)
{
	return visit(vm, start, end, drop_all, ~0ULL);
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
static bool wrprotect(struct um_vm *vm, struct rmap_node *node, gfn_t gfn, unsigned int level)
{
	struct spte_list list = leaves(node, gfn, level);
	bool any = false;

	if (level > UM_LEVEL_4K)
		return drop_all(vm, node, gfn, level);
	spte_list_any(&list, make_readonly, &any);
	return any;
}

bool rmap_wrprotect(struct um_vm *vm, gfn_t start, gfn_t end)
{
	return visit(vm, start, end, wrprotect, FRAME_WRITABLE | FRAME_DIRTIED);
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

static bool young(struct um_vm *vm, struct rmap_node *node, gfn_t gfn, unsigned int level)
{
	struct spte_list list = leaves(node, gfn, level);

	return spte_list_any(&list, is_young, NULL);
}

static bool forget_young(struct um_vm *vm, struct rmap_node *node, gfn_t gfn, unsigned int level)
{
	struct spte_list list = leaves(node, gfn, level);
	bool any = false;

	spte_list_any(&list, make_old, &any);
	return any;
}

bool rmap_age(struct um_vm *vm, gfn_t start, gfn_t end, bool clear)
{
	return visit(vm, start, end, clear ? forget_young : young, 0);
}

static bool in_use(const struct rmap_node *node)
{
	unsigned int i;

	if (node->large.val || node->huge.val)
		return true;
	for (i = 0; node->words && i < NODE_PAGES; i++)
		if (node->words[i] & RMAP_SPTES)
			return true;
	return false;
}

/* Give back the nodes of [start, end) that hold nothing. */
void rmap_trim(struct um_vm *vm, gfn_t start, gfn_t end)
{
	struct shadow_vm *sh = shadow_vm(vm);
	struct rmap_node *node;
	unsigned long index;

	forget_recent(sh);
	xa_for_each_range(&sh->rmap, index, node, start >> NODE_SHIFT, (end - 1) >> NODE_SHIFT) {
		if (in_use(node))
			continue;
		xa_erase(&sh->rmap, index);
		free_node(vm, node);
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
		WARN_ON_ONCE(in_use(node));
		free_node(vm, node);
	}
	xa_destroy(&sh->rmap);
}
