// SPDX-License-Identifier: GPL-2.0
/*
 * The path of shadow tables to an address, built after what a walk of the guest's tables found and
 * checked against them again: they may have changed since. vm->mmu_lock is held for write.
 */
#include "shadow.h"

/*
 * Is A set in every entry above the one where the walk ended? A later access that finds the path
 * built sets it in the last-level entry alone.
 */
bool shadow_path_accessed(const struct shadow_walk *w)
{
	unsigned int level;

	for (level = w->r.level + 1; level <= w->r.top; level++)
		if (!(w->r.gpte[level] & GPTE_A))
			return false;
	return true;
}

/* The guest's entry behind @slot of @sp is still the one that the walk saw. */
bool shadow_gpte_unchanged(struct shadow_walk *w, const struct shadow_page *sp, unsigned int slot)
{
	gpa_t gpa = shadow_gpte_gpa(sp, slot);
	u64 gpte = 0;
	void *at;

	if (sp->role.direct)
		return true;
	at = frame_address(w->vm, gpa, FRAME_VALID);
	if (at)
		memcpy(&gpte, at, shadow_gpte_size(sp));
	else if (um_read_guest_atomic(w->vm, gpa, &gpte, shadow_gpte_size(sp)))
		return false;
	return gpte == w->r.gpte[sp->role.level];
}

/* Which table belongs below @slot of @sp: the guest's next one, or a part of its large page. */
static union shadow_role child_role(const struct shadow_walk *w, const struct shadow_page *sp,
				    unsigned int slot, gfn_t *gfn)
{
	unsigned int level = sp->role.level;
	union shadow_role role = sp->role;

	role.level = level - 1;
	role.direct = level <= w->r.level;
	role.quadrant = 0;
	if (role.direct) {
		*gfn = gfn_align_down(gpa_to_gfn(w->r.gpa), level);
		role.access = w->access;
		role.key = w->key >> GPTE_KEY_BIT;
		role.clean_nowp = !w->sv->desc.wp && !w->r.dirty;
		return role;
	}
	*gfn = gpa_to_gfn(w->r.table[level - 1]);
	role.access = w->r.acc[level - 1];
	if (role.mode == PAGING_32)
		role.quadrant = slot & 1;
	return role;
}

/*
 * The table below @slot of @sp, linked. An existing link of the right role needs no look at guest
 * memory: upper tables are tracked, so it would be gone had the guest's entry changed. NULL: the
 * guest changed it since the walk.
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
	if (!child || !shadow_gpte_unchanged(w, sp, slot))
		return NULL;
	shadow_link(w->vm, &w->sv->cache, sptep, child);
	return child;
}

/* The table that a short walk started from, if it is still there. */
struct shadow_page *shadow_path_leaf(const struct shadow_walk *w)
{
	struct shadow_page *sp = shadow_leaf_table(w->vcpu, w->gva);

	return sp && sp->gfn == w->leaf_gfn && sp->role.word == w->leaf_role.word ? sp : NULL;
}

/* The table at @level on the way to the address. NULL: walk again. */
struct shadow_page *shadow_path_to(struct shadow_walk *w, unsigned int level)
{
	struct shadow_page *sp = shadow_top_table(w->sv->cur, w->gva);

	while (sp && sp->role.level > level)
		sp = step(w, sp, spte_index(w->gva, sp->role.level));
	return sp;
}
