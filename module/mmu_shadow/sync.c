// SPDX-License-Identifier: GPL-2.0
/*
 * Keeping shadow pages true to the guest's tables. A shadowed table is tracked: nobody maps it
 * writable, so a write is seen. A leaf table that the guest writes goes unsync: tracking ends, its
 * entries may be stale until the guest flushes, and a CR3 load tracks and reads it anew.
 * vm->mmu_lock is held for write, vm->srcu for read.
 */
#include <linux/slab.h>
#include "shadow.h"

/*
 * Begin to track @sp's guest table. Until the flush that shadow_commit() does, CPUs may still write
 * it. @sp->tracked stays false when no memory is there any more.
 */
void shadow_track(struct um_vm *vm, struct shadow_page *sp)
{
	struct um_memslot *slot = um_slot_find(vm, sp->gfn);
	u64 frame = frame_get(vm, sp->gfn);

	if (!slot)
		return;
	um_track_add(vm, slot, sp->gfn);
	sp->tracked = true;
	if (um_mmu_wrprotect(vm, slot, sp->gfn, sp->gfn + 1))
		shadow_vm(vm)->flush_due = true;
	/* The guest may not write it, but we may go on to set A and D there. */
	if (frame & FRAME_DIRTIED)
		frame_allow(vm, sp->gfn, FRAME_DIRTIED);
}

void shadow_untrack(struct um_vm *vm, struct shadow_page *sp)
{
	struct um_memslot *slot = um_slot_find(vm, sp->gfn);

	sp->tracked = false;
	if (slot && um_tracked(slot, sp->gfn))
		um_track_remove(vm, slot, sp->gfn);
}

static void make_unsync(struct um_vm *vm, struct shadow_page *sp)
{
	struct shadow_vm *sh = shadow_vm(vm);

	shadow_untrack(vm, sp);
	sp->unsync = true;
	sp->faults = 0;
	list_add(&sp->unsync_link, &sh->unsync);
	shadow_forget_absent(vm, sp);
	WRITE_ONCE(sh->unsync_gen, sh->unsync_gen + 1);
	vm->stats.mmu_unsync++;
}

/* Let the guest write the table at @gfn freely; false when it serves as an upper table too. */
bool shadow_unsync_leaves(struct um_vm *vm, gfn_t gfn)
{
	struct shadow_vm *sh = shadow_vm(vm);
	struct shadow_page *sp;

	hlist_for_each_entry(sp, shadow_bucket(sh, gfn), hash)
		if (shadow_is_table(sp, gfn) && sp->role.level > UM_LEVEL_4K)
			return false;
	hlist_for_each_entry(sp, shadow_bucket(sh, gfn), hash)
		if (shadow_is_table(sp, gfn) && !sp->unsync)
			make_unsync(vm, sp);
	return true;
}

/* Zap every page that shadows the table at @gfn, so that the guest may write it. */
void shadow_zap_tables(struct um_vm *vm, gfn_t gfn)
{
	struct shadow_vm *sh = shadow_vm(vm);
	struct shadow_page *sp;

again:
	hlist_for_each_entry(sp, shadow_bucket(sh, gfn), hash) {
		if (!shadow_is_table(sp, gfn))
			continue;
		shadow_zap(vm, sp);
		goto again;	/* its children may have been in this bucket, too */
	}
}

/* The part of the guest's table that @sp shadows; NULL: it cannot be read. */
static const void *guest_table(struct um_vm *vm, const struct shadow_page *sp)
{
	gpa_t gpa = shadow_gpte_gpa(sp, 0);
	const void *table = frame_address(vm, gpa, FRAME_VALID);

	if (table)
		return table;
	table = shadow_vm(vm)->sync_buf;
	if (um_read_guest_atomic(vm, gpa, (void *)table, SPTE_ENTRIES * shadow_gpte_size(sp)))
		return NULL;
	return table;
}

static u64 gpte_at(const void *table, unsigned int size, unsigned int slot)
{
	if (size == sizeof(u32))
		return READ_ONCE(((const u32 *)table)[slot]);
	return READ_ONCE(((const u64 *)table)[slot]);
}

/*
 * Is the present leaf in @slot still what @gpte stands for? A = 0 ends it: the next access has to
 * set A.
 */
static bool leaf_holds(const struct shadow_page *sp, const struct paging_desc *d, u64 reserved,
		       unsigned int slot, u64 gpte)
{
	u8 granted = walk_entry_access(d, gpte) & sp->role.access;

	if (!(gpte & GPTE_P) || !(gpte & GPTE_A) || (gpte & reserved))
		return false;
	if (gpa_to_gfn(walk_leaf_gpa(d, UM_LEVEL_4K, gpte)) != sp->gfns[slot])
		return false;
	if (!(gpte & GPTE_D))
		granted &= ~ACC_W;
	return spte_key(shadow_read(&sp->spt[slot])) == (gpte & GPTE_KEY) &&
	       spte_access_holds(spte_access(shadow_read(&sp->spt[slot])), granted);
}

/* Drop the leaves of @sp that @table does not grant any more. The rest of it is unknown: unsync. */
static bool drop_stale(struct um_vm *vm, struct shadow_page *sp, const void *table)
{
	unsigned int slot, size = shadow_gpte_size(sp), left = atomic_read(&sp->nr_present);
	struct paging_desc d;
	bool any = false;
	u64 reserved;

	shadow_page_desc(sp, &d);
	reserved = walk_reserved(&d, UM_LEVEL_4K, true);
	for (slot = 0; slot < SPTE_ENTRIES && left; slot++) {
		if (!spte_is_present(shadow_read(&sp->spt[slot])))
			continue;
		left--;
		if (leaf_holds(sp, &d, reserved, slot, gpte_at(table, size, slot)))
			continue;
		shadow_drop_slot(vm, sp, slot);
		any = true;
	}
	return any;
}

/* Under the lock held for write, no other changes these entries. */
static void set_all_absent(struct um_vm *vm, struct shadow_page *sp, const void *table)
{
	unsigned int slot, size = shadow_gpte_size(sp), count = 0;

	for (slot = 0; slot < SPTE_ENTRIES; slot++) {
		if ((gpte_at(table, size, slot) & GPTE_P) ||
		    !spte_is_unknown(shadow_read(&sp->spt[slot])))
			continue;
		shadow_write(&sp->spt[slot], spte_absent());
		count++;
	}
	atomic_add(count, &sp->nr_absent);
	if (count)
		WRITE_ONCE(shadow_vm(vm)->absent, true);
}

/*
 * @sp is a tracked leaf table whose entries may be stale: drop those that are. @absent: note all
 * that is absent at once. That pays for a table in which the guest faults again and again, not for
 * one that it writes between its CR3 loads. False: the table cannot be read.
 */
static bool resync(struct um_vm *vm, struct shadow_page *sp, bool absent)
{
	struct shadow_vm *sh = shadow_vm(vm);
	const void *table = guest_table(vm, sp);

	if (!table)
		return false;
	if (drop_stale(vm, sp, table))
		WRITE_ONCE(sh->alter_gen, sh->alter_gen + 1);
	if (absent)
		set_all_absent(vm, sp, table);
	vm->stats.mmu_resync++;
	return true;
}

static bool reaches(struct shadow_page *sp, u64 visit);

static bool parent_reaches(spte_t *sptep, void *visit)
{
	return reaches(shadow_page_of(sptep), *(u64 *)visit);
}

/* Does @sp lie below a page that the present visit marked? Each page is asked once in a visit. */
static bool reaches(struct shadow_page *sp, u64 visit)
{
	if (sp->visit != visit) {
		sp->visit = visit;
		sp->reaches = false;
		sp->reaches = spte_list_any(&sp->parents, parent_reaches, &visit);
	}
	return sp->reaches;
}

static void mark(struct shadow_page *sp, u64 visit)
{
	sp->visit = visit;
	sp->reaches = true;
}

/* Sync what lies below the marked pages: track all of it, flush once, then read. */
static void sync_marked(struct um_vm *vm, bool absent)
{
	struct shadow_vm *sh = shadow_vm(vm);
	struct shadow_page *sp, *next;
	LIST_HEAD(due);

	list_for_each_entry_safe(sp, next, &sh->unsync, unsync_link) {
		if (!reaches(sp, sh->visit))
			continue;
		list_move(&sp->unsync_link, &due);
		shadow_track(vm, sp);
	}
	shadow_commit(vm);
	list_for_each_entry_safe(sp, next, &due, unsync_link) {
		list_del(&sp->unsync_link);
		sp->unsync = false;
		if (!sp->tracked || !resync(vm, sp, absent))
			shadow_zap(vm, sp);
	}
	shadow_commit(vm);
}

void shadow_sync_under(struct um_vm *vm, struct shadow_page *top)
{
	mark(top, ++shadow_vm(vm)->visit);
	sync_marked(vm, true);
}

void shadow_sync_root(struct um_vm *vm, struct shadow_root *root)
{
	struct shadow_vm *sh = shadow_vm(vm);
	unsigned int i;

	if (!list_empty(&sh->unsync)) {
		sh->visit++;
		for (i = 0; i < root->nr; i++)
			if (root->sp[i])
				mark(root->sp[i], sh->visit);
		sync_marked(vm, false);
	}
	root->unsync_gen = sh->unsync_gen;
}

/*
 * The entries of @sp that lie in [@gpa, @gpa + @len) of its table have changed: shadow them anew.
 */
static void forget_written(struct um_vm *vm, struct shadow_page *sp, gpa_t gpa, size_t len)
{
	struct shadow_vm *sh = shadow_vm(vm);
	unsigned int size = shadow_gpte_size(sp);
	int per = sp->role.mode == PAGING_32 && sp->role.level > UM_LEVEL_4K ? 2 : 1;
	int base = sp->role.quadrant * SPTE_ENTRIES;
	int slot = (int)(um_page_offset(gpa) / size) * per - base;
	int last = (int)(um_page_offset(gpa + len - 1) / size) * per + per - 1 - base;

	for (slot = max(slot, 0); slot <= min(last, SPTE_ENTRIES - 1); slot++) {
		spte_t *sptep = &sp->spt[slot];

		if (spte_is_present(shadow_read(sptep))) {
			shadow_drop_slot(vm, sp, slot);
			WRITE_ONCE(sh->alter_gen, sh->alter_gen + 1);
		} else if (spte_is_absent(shadow_read(sptep))) {
			shadow_write(sptep, sh->unknown);
			atomic_dec(&sp->nr_absent);
		}
	}
}

static void table_written(struct um_vm *vm, gpa_t gpa, size_t len)
{
	struct shadow_vm *sh = shadow_vm(vm);
	gfn_t gfn = gpa_to_gfn(gpa);
	struct shadow_page *sp;
	u64 link_gen;

again:
	link_gen = sh->link_gen;
	hlist_for_each_entry(sp, shadow_bucket(sh, gfn), hash) {
		if (!shadow_is_table(sp, gfn) || sp->unsync)
			continue;
		forget_written(vm, sp, gpa, len);
		if (sh->link_gen != link_gen)
			goto again;	/* a page of this bucket may be gone */
	}
}

/* An unsync table needs nothing: the guest has yet to flush, as after its own write. */
void shadow_gpa_written(struct um_vm *vm, gpa_t gpa, size_t len)
{
	write_lock(&vm->mmu_lock);
	while (len) {
		size_t part = min_t(size_t, len, UM_PAGE_SIZE - um_page_offset(gpa));

		table_written(vm, gpa, part);
		gpa += part;
		len -= part;
	}
	shadow_commit(vm);
	write_unlock(&vm->mmu_lock);
}
