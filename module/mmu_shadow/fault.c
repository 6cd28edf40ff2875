// SPDX-License-Identifier: GPL-2.0
/*
 * Page faults of a guest on shadow paging: walk the guest's tables as hardware would, then either hand the fault to the
 * guest or build the path of shadow tables and the leaf. The walk and the host's page are found without vm->mmu_lock;
 * what they found is checked again under it, held for write.
 */
#include <asm/cpufeature.h>
#include "shadow.h"

/* A fault being served. */
struct shadow_walk {
	struct um_vcpu *vcpu;
	struct um_vm *vm;
	struct shadow_vcpu *sv;
	gva_t gva;
	u32 pfec;
	u8 access;		/* that the guest's tables grant, D counted in */
	struct walk_result r;
	struct um_memslot *slot;
	struct um_pfn pfn;
};

static struct shadow_page *top_table(const struct shadow_root *root, gva_t gva)
{
	return root->nr == 1 ? root->sp[0] : root->sp[(gva >> um_level_shift(3)) & (SHADOW_PAE_TABLES - 1)];
}

/* The entry at which hardware's walk for @gva ends, at *@level; NULL below an absent PDPTE. */
spte_t *shadow_lookup(const struct shadow_root *root, gva_t gva, unsigned int *level)
{
	struct shadow_page *sp = top_table(root, gva);

	while (sp) {
		spte_t *sptep = &sp->spt[spte_index(gva, sp->role.level)];
		spte_t spte = shadow_read(sptep);

		*level = sp->role.level;
		if (!spte_is_present(spte) || spte_is_leaf(spte, *level))
			return sptep;
		sp = shadow_child(spte);
	}
	return NULL;
}

/* The guest's entry behind @slot of @sp is still the one that the walk saw. */
static bool gpte_unchanged(struct shadow_walk *w, const struct shadow_page *sp, unsigned int slot)
{
	u64 gpte = 0;

	if (sp->role.direct)
		return true;
	if (um_read_guest_atomic(w->vm, shadow_gpte_gpa(sp, slot), &gpte, shadow_gpte_size(sp)))
		return false;
	return gpte == w->r.gpte[sp->role.level];
}

/* Which table belongs below @slot of @sp: the guest's next one, or a part of its large page. */
static union shadow_role child_role(const struct shadow_walk *w, const struct shadow_page *sp, unsigned int slot,
				    gfn_t *gfn)
{
	unsigned int level = sp->role.level;
	union shadow_role role = sp->role;

	role.level = level - 1;
	role.direct = level <= w->r.level;
	role.quadrant = 0;
	if (role.direct) {
		*gfn = gfn_align_down(gpa_to_gfn(w->r.gpa), level);
		role.access = w->access;
		return role;
	}
	*gfn = gpa_to_gfn(w->r.table[level - 1]);
	role.access = w->r.acc[level - 1];
	if (role.mode == PAGING_32)
		role.quadrant = slot & 1;
	return role;
}

/*
 * The table below @slot of @sp, linked. An existing link of the right role needs no look at guest memory: upper tables
 * are tracked, so it would be gone had the guest's entry changed. NULL: the guest changed it since the walk.
 */
static struct shadow_page *step(struct shadow_walk *w, struct shadow_page *sp, unsigned int slot)
{
	gfn_t gfn;
	union shadow_role role = child_role(w, sp, slot, &gfn);
	spte_t *sptep = &sp->spt[slot];
	spte_t spte = shadow_read(sptep);
	struct shadow_page *child;

	if (spte_is_present(spte)) {
		if (!spte_is_leaf(spte, sp->role.level)) {
			child = shadow_child(spte);
			if (child->gfn == gfn && child->role.word == role.word)
				return child;
		}
		shadow_drop(w->vm, sptep);
		shadow_vm(w->vm)->flush_due = true;
	}
	child = shadow_get_page(w->vm, &w->sv->cache, gfn, role);
	if (!child || !gpte_unchanged(w, sp, slot))
		return NULL;
	shadow_link(w->vm, &w->sv->cache, sptep, child);
	return child;
}

/* The table at @level on the way to the address. NULL: walk again. */
static struct shadow_page *path_to(struct shadow_walk *w, unsigned int level)
{
	struct shadow_page *sp = top_table(w->sv->cur, w->gva);

	while (sp && sp->role.level > level)
		sp = step(w, sp, spte_index(w->gva, sp->role.level));
	return sp;
}

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
 * The guest has no page there. Where its table is tracked, make the entry absent, so that the next such fault goes to
 * the guest without an exit.
 */
static void note_absent(struct shadow_walk *w)
{
	unsigned int level = w->r.level, slot;
	struct shadow_page *sp;

	write_lock(&w->vm->mmu_lock);
	sp = ready(w) ? path_to(w, level) : NULL;
	if (sp && sp->tracked) {
		slot = spte_index(w->gva, level);
		if (spte_is_unknown(shadow_read(&sp->spt[slot])) && gpte_unchanged(w, sp, slot))
			shadow_set_absent(sp, &sp->spt[slot]);
	}
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
 * The guest writes a table that is tracked. Leaf tables go unsync. Upper ones are zapped, unless the instruction cannot
 * go on without them: then each try would shadow the table again, and the write is emulated.
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

static bool tracked_within(const struct um_memslot *slot, gfn_t gfn, unsigned int level)
{
	u64 first = gfn_align_down(gfn, level) - slot->base_gfn;

	return slot->track && memchr_inv(&slot->track[first], 0, um_level_pages(level) * sizeof(*slot->track));
}

/* Level of the leaf. Dirty logging, tracked tables and the iTLB multihit bug are matters of single pages. */
static unsigned int leaf_level(const struct shadow_walk *w, gfn_t gfn)
{
	unsigned int level = min3(w->r.level, w->pfn.level, (u8)UM_LEVEL_2M);

	if (level == UM_LEVEL_4K || w->slot->dirty || tracked_within(w->slot, gfn, level))
		return UM_LEVEL_4K;
	if ((w->access & ACC_X) && boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT))
		return UM_LEVEL_4K;
	return level;
}

/* The rights of the leaf, of what the guest's tables grant. */
static u8 leaf_access(const struct shadow_walk *w, gfn_t gfn)
{
	const struct um_memslot *slot = w->slot;
	u8 access = w->access;

	if (writes_through_wp(w)) {
		/* Writable for the kernel alone; what was a user page must not become one that it executes. */
		access |= ACC_W;
		if (access & ACC_U)
			access &= ~(ACC_U | (w->sv->desc.smep ? ACC_X : 0));
	}
	if (!w->pfn.writable || (slot->flags & KVM_MEM_READONLY) || um_tracked((struct um_memslot *)slot, gfn) ||
	    (slot->dirty && !(w->pfec & PFEC_W)))
		access &= ~ACC_W;
	return access;
}

/* True when the leaf was put; *@access: its rights. */
static bool install(struct shadow_walk *w, gfn_t gfn, u8 *access)
{
	unsigned int level = leaf_level(w, gfn);
	struct shadow_page *sp = path_to(w, level);
	u64 pfn = w->pfn.pfn - (gfn - gfn_align_down(gfn, level));
	spte_t *sptep;
	bool stale;

	if (!sp || !gpte_unchanged(w, sp, spte_index(w->gva, level)))
		return false;
	/* The path may have begun to track the very page that it leads to. */
	if (level > UM_LEVEL_4K && tracked_within(w->slot, gfn, level))
		return false;
	*access = leaf_access(w, gfn);
	sptep = &sp->spt[spte_index(w->gva, level)];
	stale = spte_is_present(shadow_read(sptep));
	shadow_set_leaf(w->vm, &w->sv->cache, sptep, gfn_align_down(gfn, level), spte_leaf(pfn, level, *access));
	if (stale)
		hw_flush(w->vcpu, HW_FLUSH_GVA, w->sv->cur->tag, w->gva);
	if ((*access & ACC_W) && w->slot->dirty)
		um_mark_dirty(w->vm, w->slot, gfn);
	return true;
}

/* mmu_lock held for write. *@dirtied: the guest can write the page from now on. */
static enum um_fault_result map_locked(struct shadow_walk *w, bool *dirtied)
{
	gfn_t gfn = gpa_to_gfn(w->r.gpa);
	u8 access;

	if (um_slot_find(w->vm, gfn) != w->slot || um_pfn_stale(w->vm, w->slot, gfn, &w->pfn) ||
	    !rmap_prepared(w->vm, gfn))
		return UM_FAULT_RETRY;
	if ((w->pfec & PFEC_W) && um_tracked(w->slot, gfn) && !allow_table_write(w, gfn))
		return UM_FAULT_EMULATE;
	if (ready(w))
		*dirtied = install(w, gfn, &access) && (access & ACC_W);
	return UM_FAULT_RETRY;
}

static enum um_fault_result map_page(struct shadow_walk *w)
{
	enum um_fault_result result;
	bool dirtied = false;

	write_lock(&w->vm->mmu_lock);
	result = map_locked(w, &dirtied);
	shadow_commit(w->vm);
	write_unlock(&w->vm->mmu_lock);
	um_pfn_put(&w->pfn, dirtied);
	return result;
}

static enum um_fault_result fail(struct um_fault *f, int err)
{
	f->err = err;
	return UM_FAULT_ERROR;
}

/* The guest's tables allow the access. */
static enum um_fault_result serve(struct shadow_walk *w, struct um_fault *f)
{
	bool write = w->pfec & PFEC_W;
	gfn_t gfn = gpa_to_gfn(w->r.gpa);
	int err;

	f->gpa = w->r.gpa;
	f->gpa_valid = true;
	w->slot = um_slot_find(w->vm, gfn);
	if (!w->slot || (write && (w->slot->flags & KVM_MEM_READONLY)))
		return UM_FAULT_EMULATE;
	/* As a supervisor page it would lose SMAP's protection. */
	if (writes_through_wp(w) && (w->r.access & ACC_U) && w->sv->desc.smap)
		return UM_FAULT_EMULATE;
	err = rmap_prepare(w->vm, gfn);
	if (!err)
		err = um_pfn_get(w->vm, w->slot, gfn, write, &w->pfn);
	return err ? fail(f, err) : map_page(w);
}

enum um_fault_result shadow_fault(struct um_vcpu *vcpu, struct um_fault *f)
{
	struct shadow_vcpu *sv = shadow_vcpu(vcpu);
	struct shadow_walk w = {
		.vcpu = vcpu, .vm = vcpu->vm, .sv = sv, .gva = f->gva,
		.pfec = f->pfec & (PFEC_W | PFEC_U | PFEC_I),
	};
	enum walk_status status;
	int err;

	if (WARN_ON_ONCE(!sv->cur)) {
		um_make_request(vcpu, UM_REQ_RELOAD_ROOT);
		return UM_FAULT_RETRY;
	}
	err = shadow_cache_fill(vcpu->vm, &sv->cache);
	if (err)
		return fail(f, err);
	status = walk_guest(&sv->desc, f->gva, w.pfec, f->smap_override, &um_walk_ops, vcpu->vm, &w.r);
	if (status == WALK_RETRY)
		return UM_FAULT_RETRY;
	if (status == WALK_FAULT) {
		if (!(w.r.error_code & PFEC_P))
			note_absent(&w);
		f->pfec = w.r.error_code;
		return UM_FAULT_GUEST;
	}
	w.access = w.r.access & (w.r.dirty ? ACC_ALL : ~ACC_W);
	if (sv->desc.mode == PAGING_NONE)
		w.r.level = UM_LEVEL_1G;	/* as if all of memory were large pages: no guest table below the root */
	return serve(&w, f);
}
