// SPDX-License-Identifier: GPL-2.0
/*
 * Shadow pages and their entries: every change of an entry goes through here, so that counts,
 * reverse map and parent lists stay true. vm->mmu_lock is held for write, or where it says so for
 * read.
 *
 * Flushing: a link or a table that goes away sets flush_due, and shadow_commit() flushes every vCPU
 * before memory is freed. Who drops a leaf answers for the flush: at once when the host takes the
 * page, by alter_gen when the guest itself has yet to flush.
 */
#include <linux/slab.h>
#include "shadow.h"

/* What the walk needs to know to judge entries of the table that @sp shadows. */
void shadow_page_desc(const struct shadow_page *sp, struct paging_desc *d)
{
	union shadow_role role = sp->role;

	*d = (struct paging_desc){
		.space = gfn_to_gpa(sp->gfn - um_gfn_plain(sp->gfn)),
		.mode = role.mode,
		.maxphyaddr = role.maxphyaddr,
		.nxe = role.nxe,
		.wp = role.wp,
		.pse = role.pse,
		.pse36 = role.pse36,
		.gbpages = role.gbpages,
	};
}

static void forget_child(struct um_vm *vm, spte_t *sptep, struct shadow_page *child)
{
	spte_list_remove(vm, &child->parents, sptep);
	shadow_vm(vm)->flush_due = true;
	shadow_vm(vm)->link_gen++;
	/* Nobody syncs a page that no root reaches, so it would only grow stale. */
	if (child->unsync && !child->parents.val)
		shadow_zap(vm, child);
}

/* Make the present entry in @slot of @sp unknown. */
void shadow_drop_slot(struct um_vm *vm, struct shadow_page *sp, unsigned int slot)
{
	spte_t *sptep = &sp->spt[slot], old = shadow_read(sptep);

	shadow_write(sptep, shadow_vm(vm)->unknown);
	atomic_dec(&sp->nr_present);
	if (spte_is_leaf(old, sp->role.level))
		rmap_remove(vm, sptep, old, shadow_leaf_gfn(sp, slot), sp->role.level);
	else
		forget_child(vm, sptep, shadow_child(old));
}

void shadow_drop(struct um_vm *vm, spte_t *sptep)
{
	struct shadow_page *sp = shadow_page_of(sptep);

	shadow_drop_slot(vm, sp, shadow_spte_slot(sp, sptep));
}

/*
 * The guest's entry is not present and its table is tracked: from now on the guest faults without
 * an exit. mmu_lock held for read at least; false: the entry is not unknown any more.
 */
bool shadow_set_absent(struct um_vm *vm, struct shadow_page *sp, spte_t *sptep)
{
	WARN_ON_ONCE(sp->unsync);
	if (!shadow_replace(sptep, shadow_vm(vm)->unknown, spte_absent()))
		return false;
	atomic_inc(&sp->nr_absent);
	WRITE_ONCE(shadow_vm(vm)->absent, true);
	return true;
}

/* The guest may make these present unseen, and its access must not fault in the guest then. */
void shadow_forget_absent(struct um_vm *vm, struct shadow_page *sp)
{
	unsigned int slot, left = atomic_read(&sp->nr_absent);
	spte_t unknown = shadow_vm(vm)->unknown;

	for (slot = 0; slot < SPTE_ENTRIES && left; slot++) {
		if (spte_is_absent(shadow_read(&sp->spt[slot]))) {
			shadow_write(&sp->spt[slot], unknown);
			left--;
		}
	}
	atomic_set(&sp->nr_absent, 0);
}

/* An entry that was @old, not present, is or becomes present. */
static void count_present(struct shadow_page *sp, spte_t old)
{
	if (spte_is_absent(old))
		atomic_dec(&sp->nr_absent);
	atomic_inc(&sp->nr_present);
}

/* Link @child below @sptep, which is not present. */
void shadow_link(struct um_vm *vm, struct shadow_cache *cache, spte_t *sptep,
		 struct shadow_page *child)
{
	count_present(shadow_page_of(sptep), shadow_read(sptep));
	spte_list_add(vm, cache, &child->parents, sptep);
	shadow_write(sptep, spte_table(__pa(child->spt)));
}

static void count_mapped(struct um_vm *vm, unsigned int level)
{
	u64 *counter = &vm->stats.pages_mapped_4k;

	if (level > UM_LEVEL_4K)
		counter = level == UM_LEVEL_2M ? &vm->stats.pages_mapped_2m :
						 &vm->stats.pages_mapped_1g;
	atomic64_inc((atomic64_t *)counter);
}

/*
 * A present entry gains rights and keeps its frame: whoever still has the old one cached faults,
 * which drops it (SDM "Operations that Invalidate TLBs and Paging-Structure Caches").
 */
static bool widen(struct um_vm *vm, struct shadow_page *sp, unsigned int slot, gfn_t gfn,
		  spte_t spte, u64 known)
{
	spte_t *sptep = &sp->spt[slot], old = shadow_read(sptep);

	if (!spte_is_leaf(old, sp->role.level) || !spte_widens(old, spte) ||
	    shadow_leaf_gfn(sp, slot) != gfn || !shadow_replace(sptep, old, spte))
		return false;
	if (known && sp->role.level == UM_LEVEL_4K)
		frame_set(vm, gfn, spte_pfn(spte), known);
	return true;
}

/*
 * Put a leaf; @known: what FRAME_* tell of its frame. mmu_lock held for read at least: only the
 * vCPU that claims the entry goes on to fill it, so that its gfn and its place in the reverse map
 * are those of one fault. False: a race was lost, or the present entry has to be dropped first,
 * which takes the write side.
 */
bool shadow_set_leaf(struct um_vm *vm, struct shadow_cache *cache, struct shadow_page *sp,
		     unsigned int slot, gfn_t gfn, spte_t spte, u64 known)
{
	spte_t *sptep = &sp->spt[slot], old = shadow_read(sptep);

	if (spte_is_present(old))
		return widen(vm, sp, slot, gfn, spte, known);
	if (spte_is_claimed(old) ||
	    !shadow_replace(sptep, old, spte_claimed(shadow_vm(vm)->unknown)))
		return false;
	count_present(sp, old);
	if (sp->gfns)
		WRITE_ONCE(sp->gfns[slot], gfn);
	smp_store_release(&sptep->val, spte.val);	/* who finds it present reads gfns */
	rmap_add(vm, cache, sptep, gfn, sp->role.level, known);
	count_mapped(vm, sp->role.level);
	return true;
}

/* Take @sp out of every place where it can be found. */
static void unhash(struct um_vm *vm, struct shadow_page *sp)
{
	struct shadow_vm *sh = shadow_vm(vm);

	if (sp->invalid)
		return;
	hlist_del_init(&sp->hash);
	list_del(&sp->link);
	if (sp->unsync)
		list_del(&sp->unsync_link);
	if (sp->tracked)
		shadow_untrack(vm, sp);
	sp->unsync = false;
	sh->nr_pages--;
	sh->nr_roots -= !!sp->root_refs;
	vm->stats.mmu_pages = sh->nr_pages;
	vm->stats.mmu_zapped++;
}

static void drop_entries(struct um_vm *vm, struct shadow_page *sp)
{
	unsigned int slot;

	for (slot = 0; slot < SPTE_ENTRIES && atomic_read(&sp->nr_present); slot++)
		if (spte_is_present(shadow_read(&sp->spt[slot])))
			shadow_drop_slot(vm, sp, slot);
	/* A root may be walked for a while yet: what was absent must exit from now on. */
	shadow_forget_absent(vm, sp);
}

/*
 * Drop @sp and all that it holds; its memory goes at the next shadow_commit(). A page that is a
 * root stays, empty, until no vCPU names it.
 */
void shadow_zap(struct um_vm *vm, struct shadow_page *sp)
{
	struct shadow_vm *sh = shadow_vm(vm);

	if (sp->invalid)
		return;
	unhash(vm, sp);
	sp->invalid = true;
	sh->flush_due = true;
	sh->link_gen++;
	while (sp->parents.val)
		shadow_drop(vm, spte_list_first(&sp->parents));
	drop_entries(vm, sp);
	if (!sp->root_refs) {
		list_add(&sp->link, &sh->zapped);
		return;
	}
	WRITE_ONCE(sh->invalid_gen, sh->invalid_gen + 1);
	um_request_all(vm, UM_REQ_RELOAD_ROOT, false);
}

/* Also what is known of frames. */
void shadow_zap_everything(struct um_vm *vm)
{
	struct shadow_vm *sh = shadow_vm(vm);

	while (!list_empty(&sh->pages))
		shadow_zap(vm, list_first_entry(&sh->pages, struct shadow_page, link));
	shadow_commit(vm);
	rmap_trim(vm, 0, ~0ULL);
}

void shadow_root_get(struct um_vm *vm, struct shadow_page *sp)
{
	shadow_vm(vm)->nr_roots += !sp->root_refs++;
}

void shadow_root_put(struct um_vm *vm, struct shadow_page *sp)
{
	struct shadow_vm *sh = shadow_vm(vm);

	if (--sp->root_refs)
		return;
	if (!sp->invalid) {
		sh->nr_roots--;
		return;
	}
	list_add(&sp->link, &sh->zapped);
	sh->flush_due = true;
}

/* Flush what was unlinked out of every vCPU, then free it. */
void shadow_commit(struct um_vm *vm)
{
	struct shadow_vm *sh = shadow_vm(vm);
	struct shadow_page *sp, *next;

	if (!sh->flush_due)
		return;
	sh->flush_due = false;
	um_flush_remote_tlbs(vm);
	list_for_each_entry_safe(sp, next, &sh->zapped, link) {
		list_del(&sp->link);
		vm->stats.mmu_table_bytes -= shadow_page_bytes(sp);
		shadow_free_page(sp);
	}
}
