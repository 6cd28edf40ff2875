// SPDX-License-Identifier: GPL-2.0
/*
 * Page faults of a guest on shadow paging: walk the guest's tables as hardware would, then either
 * hand the fault to the guest or build the path of shadow tables and the leaf. The walk and the
 * host's page are found without vm->mmu_lock; what they found is checked again under it. It is held
 * for read to put a leaf into a table that is there, so that several vCPUs fault at once; for write
 * where tables are built, zapped or synced.
 */
#include <asm/cpufeature.h>
#include "shadow.h"

static bool root_valid(const struct shadow_vcpu *sv)
{
	unsigned int i;

	for (i = 0; sv->cur && i < sv->cur->nr; i++)
		if (sv->cur->sp[i] && sv->cur->sp[i]->invalid)
			return false;
	return sv->cur;
}

/* Before a path is built, under the lock: is there a root to build it from, and room? */
static bool ready(struct shadow_walk *w)
{
	shadow_make_room(w->vm);
	return root_valid(w->sv);
}

/*
 * The guest takes fault after fault from a table that it does not write meanwhile: sync it, so that
 * they need not exit. A table that is written soon after asks for more patience the next time.
 */
static struct shadow_page *lose_patience(struct shadow_walk *w, struct shadow_page *sp)
{
	if (++sp->faults < sp->patience)
		return sp;
	sp->patience = min(sp->patience * 2, SHADOW_MAX_PATIENCE);
	shadow_sync_under(w->vm, sp);
	return shadow_leaf_table(w->vcpu, w->gva);	/* @sp is gone if it could not be read */
}

/*
 * The guest has no page there. Where its table is tracked, make the entry absent, so that the next
 * such fault goes to the guest without an exit.
 */
static void note_absent(struct shadow_walk *w)
{
	unsigned int level = w->r.level, slot = spte_index(w->gva, level);
	struct shadow_page *sp;

	if (!shadow_path_accessed(w))
		return;
	write_lock(&w->vm->mmu_lock);
	sp = ready(w) ? shadow_path_to(w, level) : NULL;
	if (sp && sp->unsync)
		sp = lose_patience(w, sp);
	if (sp && sp->tracked && spte_is_unknown(shadow_read(&sp->spt[slot])) &&
	    shadow_gpte_unchanged(w, sp, slot))
		shadow_set_absent(w->vm, sp, &sp->spt[slot]);
	shadow_commit(w->vm);
	write_unlock(&w->vm->mmu_lock);
}

/* Does the walk to the address itself use the table at @gfn? */
static bool walks_through(const struct shadow_walk *w, gfn_t gfn)
{
	unsigned int level;

	for (level = w->r.level; level <= w->r.top; level++)
		if (gpa_to_gfn(w->r.table[level]) == gfn)
			return true;
	return false;
}

/*
 * The guest writes a table that is tracked. Leaf tables go unsync. Upper ones are zapped, unless
 * the instruction cannot go on without them: then each try would shadow the table again, and the
 * write is emulated.
 */
static bool allow_table_write(struct shadow_walk *w, gfn_t gfn)
{
	struct shadow_vcpu *sv = w->sv;
	u64 rip;

	if (shadow_unsync_leaves(w->vm, gfn))
		return true;
	rip = um_rip(w->vcpu);
	if (walks_through(w, gfn) || (sv->zapped_gfn == gfn && sv->zapped_rip == rip)) {
		sv->zapped_gfn = SHADOW_STALE;
		return false;
	}
	sv->zapped_gfn = gfn;
	sv->zapped_rip = rip;
	shadow_zap_tables(w->vm, gfn);
	return true;
}

/* A supervisor write to a page that is read-only, with CR0.WP = 0. Hardware runs with WP = 1. */
static bool writes_through_wp(const struct shadow_walk *w)
{
	return (w->pfec & PFEC_W) && !(w->r.access & ACC_W) && !w->sv->desc.wp;
}

/*
 * Such a write to a user page cannot make it a supervisor page where that would lose the protection
 * of SMAP or its key. The key may also be all that hardware has against the write.
 */
static bool must_stay_user(const struct shadow_walk *w)
{
	const struct paging_desc *d = &w->sv->desc;

	if (d->wp || !(w->r.access & ACC_U) || !(d->smap || d->pke))
		return false;
	return !(w->r.access & ACC_W) || (walk_pkru(d, w->key) & PKRU_WD);
}

static bool tracked_within(const struct um_memslot *slot, gfn_t gfn, unsigned int level)
{
	u64 first = gfn_align_down(gfn, level) - slot->base_gfn;
	size_t bytes = um_level_pages(level) * sizeof(*slot->track);

	return slot->track && memchr_inv(&slot->track[first], 0, bytes);
}

/* A page of the guest that large: is there room for such a leaf in our tables? */
static unsigned int max_level(const struct shadow_walk *w)
{
	if (w->sv->desc.mode < PAGING_4LEVEL || !boot_cpu_has(X86_FEATURE_GBPAGES))
		return UM_LEVEL_2M;
	return UM_LEVEL_1G;
}

/*
 * A table hangs where the leaf of @level would go, for smaller leaves, and stays. That also spares
 * the look at the counts of all pages of a GiB.
 */
static bool table_in_place(const struct shadow_walk *w, unsigned int level)
{
	struct shadow_page *sp = shadow_top_table(w->sv->cur, w->gva);
	spte_t spte;

	for (; sp; sp = shadow_child(spte)) {
		spte = shadow_read(&sp->spt[spte_index(w->gva, sp->role.level)]);
		if (!spte_is_present(spte) || spte_is_leaf(spte, sp->role.level))
			return false;
		if (sp->role.level == level)
			return true;
	}
	return false;
}

/*
 * Level of the leaf. Dirty logging, tracked tables and the iTLB multihit bug are matters of single
 * pages. mmu_lock held.
 */
static unsigned int leaf_level(const struct shadow_walk *w, gfn_t gfn)
{
	unsigned int level = min3((unsigned int)w->r.level, (unsigned int)w->pfn.level,
				  max_level(w));

	if (w->short_walk || level == UM_LEVEL_4K || um_slot_logs(w->slot))
		return UM_LEVEL_4K;
	if ((w->access & ACC_X) && um_nx_huge)
		return UM_LEVEL_4K;
	if (level == UM_LEVEL_1G &&
	    (table_in_place(w, level) || tracked_within(w->slot, gfn, level)))
		level = UM_LEVEL_2M;
	return tracked_within(w->slot, gfn, level) ? UM_LEVEL_4K : level;
}

/* The rights of the leaf, of what the guest's tables grant. */
static u8 leaf_access(const struct shadow_walk *w, gfn_t gfn)
{
	struct um_memslot *slot = w->slot;
	u8 access = w->access;

	if (writes_through_wp(w)) {
		/*
		 * Writable for the kernel alone; what was a user page must not become one that it
		 * executes.
		 */
		access |= ACC_W;
		if (access & ACC_U)
			access &= ~(ACC_U | (w->sv->desc.smep ? ACC_X : 0));
	}
	if (!w->pfn.writable || (slot->flags & KVM_MEM_READONLY) || um_tracked(slot, gfn) ||
	    (um_slot_logs(slot) && !(w->pfec & PFEC_W)))
		access &= ~ACC_W;
	return access;
}

/* What the leaf's rights tell of the frame: the guest can write it from now on. */
static u64 frame_known(const struct shadow_walk *w, u8 access)
{
	if (!w->pfn.ram)
		return 0;
	if ((access & ACC_W) && !um_slot_logs(w->slot))
		return FRAME_VALID | FRAME_WRITABLE | FRAME_DIRTIED;
	return FRAME_VALID;
}

/* mmu_lock held for read at least. False: nothing was put. */
static bool put_leaf(struct shadow_walk *w, struct shadow_page *sp, gfn_t gfn)
{
	unsigned int level = sp->role.level, slot = spte_index(w->gva, level);
	u64 pfn = w->pfn.pfn - (gfn - gfn_align_down(gfn, level));
	u8 access = leaf_access(w, gfn);

	if (!shadow_set_leaf(w->vm, &w->sv->cache, sp, slot, gfn_align_down(gfn, level),
			     spte_leaf(pfn, level, access, w->key), frame_known(w, access)))
		return false;
	w->dirtied = access & ACC_W;
	if (w->dirtied && um_slot_logs(w->slot))
		um_mark_dirty(w->vm, w->vcpu, w->slot, gfn);
	return true;
}

/* mmu_lock held for write: what is in the leaf's place goes. */
static void install(struct shadow_walk *w, gfn_t gfn, unsigned int level)
{
	struct shadow_page *sp = w->short_walk ? shadow_path_leaf(w) : shadow_path_to(w, level);
	unsigned int slot = spte_index(w->gva, level);

	if (!sp || !shadow_gpte_unchanged(w, sp, slot))
		return;
	/* The path may have begun to track the very page that it leads to. */
	if (level > UM_LEVEL_4K && tracked_within(w->slot, gfn, level))
		return;
	if (put_leaf(w, sp, gfn))
		return;
	if (spte_is_present(shadow_read(&sp->spt[slot]))) {
		shadow_drop_slot(w->vm, sp, slot);
		shadow_vm(w->vm)->flush_due = true;
		put_leaf(w, sp, gfn);
	}
}

/* False: rmap_prepare() is due for a leaf of w->need. */
static bool has_room(struct shadow_walk *w, gfn_t gfn, unsigned int level)
{
	if (rmap_has_room(w->vm, gfn, level))
		return true;
	w->need = level;
	return false;
}

/*
 * A leaf in a table that is shadowed, as most faults want it, under the read side. False: it takes
 * the write side.
 */
static bool map_shared(struct shadow_walk *w, gfn_t gfn)
{
	struct shadow_page *sp;

	if (um_pfn_stale(w->vm, w->slot, gfn, &w->pfn) || !has_room(w, gfn, UM_LEVEL_4K))
		return true;
	if ((w->pfec & PFEC_W) && um_tracked(w->slot, gfn))
		return true;
	sp = shadow_path_leaf(w);
	if (!sp || !shadow_gpte_unchanged(w, sp, spte_index(w->gva, UM_LEVEL_4K)))
		return true;
	return put_leaf(w, sp, gfn);
}

/* mmu_lock held for write. */
static enum um_fault_result map_locked(struct shadow_walk *w, gfn_t gfn)
{
	unsigned int level = leaf_level(w, gfn);

	if (um_pfn_stale(w->vm, w->slot, gfn, &w->pfn) || !has_room(w, gfn, level))
		return UM_FAULT_RETRY;
	if ((w->pfec & PFEC_W) && um_tracked(w->slot, gfn)) {
		if (w->short_walk)
			return UM_FAULT_RETRY;
		w->vcpu->stats.exit.pf_write_track++;
		if (!allow_table_write(w, gfn))
			return UM_FAULT_EMULATE;
	}
	if (w->short_walk || ready(w))
		install(w, gfn, level);
	return UM_FAULT_RETRY;
}

/* Each way ends with another try of the access, or its emulation. */
static enum um_fault_result map_page(struct shadow_walk *w)
{
	enum um_fault_result result = UM_FAULT_RETRY;
	gfn_t gfn = gpa_to_gfn(w->r.gpa);
	bool done = false;

	w->dirtied = false;
	w->need = 0;
	if (w->short_walk) {
		read_lock(&w->vm->mmu_lock);
		shadow_count_parallel(w->vm);
		done = map_shared(w, gfn);
		read_unlock(&w->vm->mmu_lock);
	}
	if (!done) {
		write_lock(&w->vm->mmu_lock);
		result = map_locked(w, gfn);
		shadow_commit(w->vm);
		write_unlock(&w->vm->mmu_lock);
	}
	um_pfn_put(&w->pfn, w->dirtied);
	return result;
}

static enum um_fault_result fail(struct um_fault *f, int err)
{
	f->err = err;
	return UM_FAULT_ERROR;
}

/* No memory there: shadow the path all the same, so that the next access needs no full walk. */
static void note_device(struct shadow_walk *w)
{
	write_lock(&w->vm->mmu_lock);
	if (ready(w))
		shadow_path_to(w, UM_LEVEL_4K);
	shadow_commit(w->vm);
	write_unlock(&w->vm->mmu_lock);
}

static enum um_fault_result full_walk(struct shadow_walk *w, struct um_fault *f);

/* The guest's tables allow the access: map the page. */
static enum um_fault_result serve(struct shadow_walk *w, struct um_fault *f)
{
	bool write = w->pfec & PFEC_W;
	gfn_t gfn = gpa_to_gfn(w->r.gpa);
	enum um_fault_result result;
	int err;

	f->gpa = w->r.gpa;
	f->gpa_valid = true;
	w->slot = um_slot_find(w->vm, gfn);
	if (!w->slot || (write && (w->slot->flags & KVM_MEM_READONLY))) {
		if (!w->short_walk)
			note_device(w);
		w->vcpu->stats.exit.mmio++;
		return UM_FAULT_EMULATE;
	}
	/* What a write to a table calls for depends on the whole walk. */
	if (write && w->short_walk && um_tracked(w->slot, gfn))
		return full_walk(w, f);
	if (write && must_stay_user(w))
		return UM_FAULT_EMULATE;
	err = um_pfn_get(w->vm, w->slot, gfn, write, &w->pfn);
	if (err == -EROFS) {
		w->vcpu->stats.exit.mmio++;
		return UM_FAULT_EMULATE;
	}
	if (err)
		return fail(f, err);
	result = map_page(w);
	if (!w->need)
		return result;
	err = rmap_prepare(w->vm, gfn, w->need);
	return err ? fail(f, err) : result;
}

/* The guest's own fault. */
static enum um_fault_result reflect(struct shadow_walk *w, struct um_fault *f)
{
	w->vcpu->stats.exit.pf_guest++;
	shadow_settle(w->vcpu);
	if (!(w->r.error_code & PFEC_P))
		note_absent(w);
	f->pfec = w->r.error_code;
	return UM_FAULT_GUEST;
}

static enum um_fault_result full_walk(struct shadow_walk *w, struct um_fault *f)
{
	const struct paging_desc *d = &w->sv->desc;

	w->short_walk = false;
	switch (walk_guest(d, w->gva, w->pfec, w->smap_override, &um_walk_ops, w->vm, &w->r)) {
	case WALK_RETRY:
		return UM_FAULT_RETRY;
	case WALK_FAULT:
		return reflect(w, f);
	default:
		w->access = w->r.access & (w->r.dirty ? ACC_ALL : ~ACC_W);
		w->key = w->r.gpte[w->r.level] & GPTE_KEY;
		/* As if all of memory were large pages: no guest table below the root. */
		if (d->mode == PAGING_NONE)
			w->r.level = UM_LEVEL_1G;
		return serve(w, f);
	}
}

/*
 * Have the frame of a guest's table known, to read it and set A and D there: who made the tables
 * from outside never mapped them.
 */
static void learn_frame(struct um_vm *vm, gfn_t gfn)
{
	struct um_memslot *slot = um_slot_find(vm, gfn);
	bool known = false;
	struct um_pfn pfn;

	if (!slot || (slot->flags & KVM_MEM_READONLY) || um_slot_logs(slot) ||
	    rmap_prepare(vm, gfn, UM_LEVEL_4K))
		return;
	if (um_pfn_get(vm, slot, gfn, true, &pfn))
		return;
	read_lock(&vm->mmu_lock);
	if (!um_pfn_stale(vm, slot, gfn, &pfn) && pfn.ram &&
	    rmap_has_room(vm, gfn, UM_LEVEL_4K)) {
		frame_set(vm, gfn, pfn.pfn, FRAME_VALID | FRAME_DIRTIED);
		known = true;
	}
	read_unlock(&vm->mmu_lock);
	um_pfn_put(&pfn, known);
}

static enum shadow_known ask(struct shadow_walk *w)
{
	enum shadow_known known;

	read_lock(&w->vm->mmu_lock);
	known = shadow_known(w, shadow_leaf_table(w->vcpu, w->gva));
	read_unlock(&w->vm->mmu_lock);
	return known;
}

/* Begin where hardware's walk ended, if that is in a leaf table. */
static enum um_fault_result serve_walk(struct shadow_walk *w, struct um_fault *f,
				       enum shadow_known known)
{
	if (known == KNOWN_NOTHING && w->unseen != SHADOW_STALE) {
		learn_frame(w->vm, w->unseen);
		known = ask(w);
	}
	switch (known) {
	case KNOWN_DONE:
		return UM_FAULT_RETRY;
	case KNOWN_LEAF:
		w->short_walk = true;
		return serve(w, f);
	default:
		return full_walk(w, f);
	}
}

/* What fault_fast() found of this very fault a moment ago is checked when the leaf is put. */
static enum shadow_known ask_once(struct um_vcpu *vcpu, struct shadow_vcpu *sv,
				  const struct um_fault *f)
{
	bool asked = sv->asked && sv->walk.gva == f->gva;

	sv->asked = false;
	if (asked)
		return sv->known;
	shadow_walk_init(&sv->walk, vcpu, f->gva, f->pfec, f->smap_override);
	return ask(&sv->walk);
}

static u64 counted(const struct um_vcpu_stats *stats)
{
	return stats->exit.pf_guest + stats->exit.pf_write_track + stats->exit.mmio;
}

enum um_fault_result shadow_fault(struct um_vcpu *vcpu, struct um_fault *f)
{
	struct shadow_vcpu *sv = shadow_vcpu(vcpu);
	u64 before = counted(&vcpu->stats);
	enum um_fault_result result;
	int err;

	if (WARN_ON_ONCE(!sv->cur)) {
		um_make_request(vcpu, UM_REQ_RELOAD_ROOT);
		return UM_FAULT_RETRY;
	}
	err = shadow_cache_fill(vcpu->vm, &sv->cache);
	if (err) {
		sv->asked = false;
		return fail(f, err);
	}
	sv->desc.pkru = vcpu->pkru;
	result = serve_walk(&sv->walk, f, ask_once(vcpu, sv, f));
	/* Each exit counts once, under its true cause. */
	if (counted(&vcpu->stats) == before)
		vcpu->stats.exit.pf_hidden++;
	return result;
}
