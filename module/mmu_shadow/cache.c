// SPDX-License-Identifier: GPL-2.0
/*
 * Where shadow pages come from: allocation ahead of the lock, the hash by (gfn, role), the cap. The
 * hash and the list of pages belong to vm->mmu_lock, held for write; a struct shadow_cache to its
 * vCPU's thread.
 */
#include <linux/hash.h>
#include <linux/slab.h>
#include "shadow.h"

#define RECLAIM_BATCH	16

void shadow_free_page(struct shadow_page *sp)
{
	if (sp->spt)
		free_page((unsigned long)sp->spt);
	free_page((unsigned long)sp->gfns);
	kfree(sp);
}

static struct shadow_page *alloc_page_struct(struct shadow_vm *sh)
{
	struct shadow_page *sp = kzalloc(sizeof(*sp), GFP_KERNEL_ACCOUNT);

	if (!sp)
		return NULL;
	sp->spt = (spte_t *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!sp->spt) {
		kfree(sp);
		return NULL;
	}
	memset64((u64 *)sp->spt, sh->unknown.val, SPTE_ENTRIES);
	set_page_private(virt_to_page(sp->spt), (unsigned long)sp);
	return sp;
}

/* Room for the longest path that one fault builds. Sleeps, mmu_lock not held. */
int shadow_cache_fill(struct um_vm *vm, struct shadow_cache *c)
{
	struct shadow_vm *sh = shadow_vm(vm);

	for (; c->nr_pages < SHADOW_CACHE_PAGES; c->nr_pages++) {
		c->page[c->nr_pages] = alloc_page_struct(sh);
		if (!c->page[c->nr_pages])
			return -ENOMEM;
	}
	for (; c->nr_gfns < SHADOW_CACHE_PAGES; c->nr_gfns++) {
		c->gfns[c->nr_gfns] = (u64 *)__get_free_page(GFP_KERNEL_ACCOUNT);
		if (!c->gfns[c->nr_gfns])
			return -ENOMEM;
	}
	for (; c->nr_descs < SHADOW_CACHE_DESCS; c->nr_descs++) {
		c->desc[c->nr_descs] = kmalloc(sizeof(*c->desc[0]), GFP_KERNEL_ACCOUNT);
		if (!c->desc[c->nr_descs])
			return -ENOMEM;
	}
	return 0;
}

void shadow_cache_drain(struct shadow_cache *c)
{
	while (c->nr_pages)
		shadow_free_page(c->page[--c->nr_pages]);
	while (c->nr_gfns)
		free_page((unsigned long)c->gfns[--c->nr_gfns]);
	while (c->nr_descs)
		kfree(c->desc[--c->nr_descs]);
}

struct spte_desc *shadow_cache_desc(struct shadow_cache *c)
{
	return c->desc[--c->nr_descs];
}

struct hlist_head *shadow_bucket(struct shadow_vm *sh, gfn_t gfn)
{
	return &sh->hash[hash_64(gfn, SHADOW_HASH_BITS)];
}

/*
 * A table that is both a leaf table and an upper one must be tracked: leaf pages of it that are
 * unsync would let the guest write it unseen.
 */
static void zap_unsync_at(struct um_vm *vm, gfn_t gfn)
{
	struct shadow_vm *sh = shadow_vm(vm);
	struct shadow_page *sp;
	struct hlist_node *next;

	hlist_for_each_entry_safe(sp, next, shadow_bucket(sh, gfn), hash)
		if (shadow_is_table(sp, gfn) && sp->unsync)
			shadow_zap(vm, sp);
}

/* NULL: the guest's table lies in no memslot. */
static struct shadow_page *new_page(struct um_vm *vm, struct shadow_cache *c, gfn_t gfn,
				    union shadow_role role)
{
	struct shadow_vm *sh = shadow_vm(vm);
	struct shadow_page *sp = c->page[--c->nr_pages];

	sp->gfn = gfn;
	sp->role = role;
	sp->patience = SHADOW_PATIENCE;
	if (!role.direct && role.level <= UM_LEVEL_1G)
		sp->gfns = c->gfns[--c->nr_gfns];
	hlist_add_head(&sp->hash, shadow_bucket(sh, gfn));
	list_add(&sp->link, &sh->pages);
	sh->nr_pages++;
	vm->stats.mmu_pages = sh->nr_pages;
	vm->stats.mmu_table_bytes += shadow_page_bytes(sp);
	if (role.direct)
		return sp;
	if (role.level > UM_LEVEL_4K)
		zap_unsync_at(vm, gfn);
	shadow_track(vm, sp);
	if (!sp->tracked) {
		shadow_zap(vm, sp);
		return NULL;
	}
	shadow_commit(vm);	/* no CPU may write the table any more once its entries are read */
	return sp;
}

static struct shadow_page *find_page(struct shadow_vm *sh, gfn_t gfn, union shadow_role role)
{
	struct shadow_page *sp;

	hlist_for_each_entry(sp, shadow_bucket(sh, gfn), hash)
		if (sp->gfn == gfn && sp->role.word == role.word)
			return sp;
	return NULL;
}

/*
 * The page for (@gfn, @role), with all that lies below it synced: the guest may have flushed since
 * it was last linked.
 */
struct shadow_page *shadow_get_page(struct um_vm *vm, struct shadow_cache *c, gfn_t gfn,
				    union shadow_role role)
{
	struct shadow_vm *sh = shadow_vm(vm);
	struct shadow_page *sp = find_page(sh, gfn, role);

	if (sp && !role.direct && !list_empty(&sh->unsync)) {
		shadow_sync_under(vm, sp);
		sp = find_page(sh, gfn, role);	/* it may have turned out unreadable */
	}
	return sp ? sp : new_page(vm, c, gfn, role);
}

static u64 page_cap(const struct um_vm *vm)
{
	u64 cap = READ_ONCE(vm->max_shadow_pages);

	if (!cap)
		cap = shadow_vm(vm)->auto_cap;
	return max_t(u64, cap, SHADOW_MIN_PAGES);
}

/*
 * Zap up to @batch of the oldest pages that are no roots: how many? The caller commits. The list's
 * head is where pages go that are passed over, so each is looked at once.
 */
unsigned long shadow_reclaim(struct um_vm *vm, unsigned long batch)
{
	struct shadow_vm *sh = shadow_vm(vm);
	u64 left = sh->nr_pages, before = sh->nr_pages - sh->nr_roots;
	unsigned long zapped = 0;

	for (; left && zapped < batch; left--) {
		struct shadow_page *sp = list_last_entry(&sh->pages, struct shadow_page, link);

		if (sp->root_refs)
			list_move(&sp->link, &sh->pages);
		else
			shadow_zap(vm, sp);
		zapped = before - (sh->nr_pages - sh->nr_roots);
		if (list_empty(&sh->pages))
			break;
	}
	return zapped;
}

/* No page is left but roots: their vCPUs have to build new ones, and free them then. */
static void reclaim_roots(struct um_vm *vm)
{
	struct shadow_vm *sh = shadow_vm(vm);
	unsigned int batch = RECLAIM_BATCH;

	while (batch-- && !list_empty(&sh->pages))
		shadow_zap(vm, list_last_entry(&sh->pages, struct shadow_page, link));
}

/* Keep below the cap, with room for one more path. Before a path is looked at: any page may go. */
void shadow_make_room(struct um_vm *vm)
{
	struct shadow_vm *sh = shadow_vm(vm);
	u64 cap = page_cap(vm);

	if (sh->nr_pages + SHADOW_CACHE_PAGES <= cap)
		return;
	if (!shadow_reclaim(vm, RECLAIM_BATCH))
		reclaim_roots(vm);
	shadow_commit(vm);
}
