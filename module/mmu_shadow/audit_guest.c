// SPDX-License-Identifier: GPL-2.0
/*
 * The audit of synced shadow pages against the guest's tables. vm->mmu_lock is held for write: the
 * guest cannot write a tracked table meanwhile, walks may set A and D there.
 */
#include "audit.h"

/*
 * A supervisor's write through a read-only entry, with CR0.WP = 0, makes the page writable for the
 * supervisor alone. A write protection may have taken the W again.
 */
static u8 access_without_wp(const struct shadow_page *sp, u8 granted)
{
	u8 exec = granted & ACC_U && sp->role.smep_nowp ? 0 : granted & ACC_X;

	return ACC_W | exec;
}

bool shadow_audit_access(const struct shadow_page *sp, u8 have, u8 granted)
{
	if (spte_access_holds(have, granted))
		return true;
	return !sp->role.wp && (have | ACC_W) == access_without_wp(sp, granted);
}

/* One entry and what the guest has behind it. */
struct pair {
	struct shadow_audit *s;
	const struct shadow_page *sp;
	unsigned int slot;
	spte_t spte;
	u64 gpte;
	struct paging_desc d;
	bool readonly;		/* A and D cannot be set in the guest's table */
};

/* The first gfn of what the guest's leaf maps in this slot: a 4 MiB page takes two. */
static gfn_t granted_gfn(const struct pair *p)
{
	unsigned int level = p->sp->role.level;
	gfn_t gfn = gpa_to_gfn(walk_leaf_gpa(&p->d, level, p->gpte));

	if (p->sp->role.mode == PAGING_32 && level > UM_LEVEL_4K)
		gfn += (p->slot & 1) * um_level_pages(level);
	return gfn;
}

static u8 granted_access(const struct pair *p, bool leaf)
{
	u8 access = p->sp->role.access & walk_entry_access(&p->d, p->gpte);

	return !leaf || (p->gpte & GPTE_D) || p->readonly ? access : access & ~ACC_W;
}

static void audit_page_link(const struct pair *p, const struct shadow_page *child, bool leaf)
{
	u8 granted = granted_access(p, leaf);
	struct um_audit *a = p->s->a;

	um_audit_rule(a, child->role.direct == leaf,
		      "a link is to a guest's table, or to parts of its page");
	if (!leaf) {
		um_audit_rule(a, child->gfn == gpa_to_gfn(walk_table_gpa(&p->d, p->gpte)),
			      "a child shadows the table that the guest's entry names");
		um_audit_rule(a, child->role.access == granted, "a child has its path's rights");
		return;
	}
	um_audit_rule(a, child->gfn == granted_gfn(p),
		      "parts are of the page that the guest's entry names");
	um_audit_rule(a, child->role.key == (p->gpte & GPTE_KEY) >> GPTE_KEY_BIT,
		      "parts have the protection key of the guest's page");
	um_audit_rule(a, spte_access_holds(child->role.access, granted),
		      "parts have the rights that the guest grants");
}

static void audit_present(const struct pair *p)
{
	unsigned int level = p->sp->role.level;
	bool leaf = walk_is_leaf(&p->d, level, p->gpte);
	struct um_audit *a = p->s->a;

	if (um_audit_rule(a, p->gpte & GPTE_P, "what is present is present for the guest"))
		return;
	um_audit_rule(a, !(p->gpte & walk_reserved(&p->d, level, leaf)),
		      "what is present has no reserved bits set by the guest");
	um_audit_rule(a, p->gpte & GPTE_A || p->readonly, "what is present is accessed");
	if (!spte_is_leaf(p->spte, level)) {
		audit_page_link(p, shadow_child(p->spte), leaf);
		return;
	}
	if (um_audit_rule(a, leaf, "a leaf is one for the guest"))
		return;
	um_audit_rule(a, shadow_leaf_gfn(p->sp, p->slot) == granted_gfn(p),
		      "a leaf maps what the guest's entry names");
	um_audit_rule(a, spte_key(p->spte) == (p->gpte & GPTE_KEY),
		      "a leaf has the protection key of the guest's");
	um_audit_rule(a, shadow_audit_access(p->sp, spte_access(p->spte), granted_access(p, true)),
		      "a leaf has the rights that the guest's tables grant, W only with D");
}

/* The guest's table, one copy; false: it cannot be read now. */
static bool read_table(struct shadow_audit *s, const struct shadow_page *sp)
{
	return !um_read_guest_atomic(s->vm, gfn_to_gpa(sp->gfn), s->sh->sync_buf, PAGE_SIZE);
}

static u64 read_gpte(const struct pair *p)
{
	unsigned int size = shadow_gpte_size(p->sp);
	u64 gpte = 0;

	memcpy(&gpte, p->s->sh->sync_buf + shadow_guest_index(p->sp, p->slot) * size, size);
	return gpte;
}

void shadow_audit_guest(struct shadow_audit *s, struct shadow_page *sp)
{
	struct um_memslot *slot = um_slot_find(s->vm, sp->gfn);
	struct pair p = { .s = s, .sp = sp };

	if (!slot || !read_table(s, sp))
		return;
	p.readonly = slot->flags & KVM_MEM_READONLY;
	shadow_page_desc(sp, &p.d);
	for (p.slot = 0; p.slot < SPTE_ENTRIES; p.slot++) {
		p.spte = shadow_read(&sp->spt[p.slot]);
		if (spte_is_unknown(p.spte))
			continue;
		p.gpte = read_gpte(&p);
		um_audit_at(s->a, sp->gfn, sp->role.level, p.gpte);
		if (spte_is_absent(p.spte))
			um_audit_rule(s->a, !(p.gpte & GPTE_P), "absent is absent for the guest");
		else
			audit_present(&p);
	}
}
