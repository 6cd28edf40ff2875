// SPDX-License-Identifier: GPL-2.0
/*
 * The audit of the shadow backend's own structures: pages and hash, entries and reverse map, links
 * and parents, roots and their counts, tracking. vm->mmu_lock is held for write, slots_lock too.
 */
#include "audit.h"

struct count_arg {
	spte_t *sptep;		/* NULL: any */
	unsigned int count;
};

static bool count_one(spte_t *sptep, void *arg)
{
	struct count_arg *c = arg;

	c->count += !c->sptep || c->sptep == sptep;
	return false;
}

static u64 bytes_of(const struct spte_list *list)
{
	const struct spte_desc *desc;
	u64 bytes = 0;

	for (desc = spte_list_chain(list); desc; desc = desc->next)
		bytes += sizeof(*desc);
	return bytes;
}

/* How often @sptep is in @list; NULL: how long the list is. */
static unsigned int count_in(const struct spte_list *list, spte_t *sptep)
{
	struct count_arg arg = { .sptep = sptep };

	spte_list_any(list, count_one, &arg);
	return arg.count;
}

static void audit_link(struct shadow_audit *s, struct shadow_page *sp, unsigned int slot,
		       spte_t spte)
{
	struct shadow_page *child = shadow_child(spte);
	union shadow_role same = sp->role;

	s->links++;
	if (um_audit_rule(s->a, child && __pa(child->spt) == spte_hpa(spte),
			  "a link leads to a shadow page"))
		return;
	um_audit_rule(s->a, (spte.val & ~SPTE_D) == spte_table(spte_hpa(spte)).val,
		      "reserved bits of a link are clear");
	um_audit_rule(s->a, !child->invalid, "no link leads to a zapped page");
	um_audit_rule(s->a, count_in(&child->parents, &sp->spt[slot]) == 1,
		      "a link is once in the list of parents");
	same.level = sp->role.level - 1;
	same.access = child->role.access;
	same.direct = child->role.direct;
	same.clean_nowp = same.direct && child->role.clean_nowp;
	if (!sp->role.direct)
		same.key = same.direct ? child->role.key : 0;
	same.quadrant = !same.direct && same.mode == PAGING_32 ? slot & 1 : 0;
	um_audit_rule(s->a, child->role.word == same.word && child->role.direct >= sp->role.direct,
		      "a child has the role of its place");
	um_audit_rule(s->a, !sp->role.direct || shadow_leaf_gfn(sp, slot) == child->gfn,
		      "a direct child maps the part of its place");
	um_audit_rule(s->a, !(child->role.access & ~sp->role.access),
		      "a child inherits no rights that its parent lacks");
}

/* How often the leaf at @sptep is in the reverse map, where it belongs. */
static unsigned int count_mapped(struct shadow_vm *sh, spte_t *sptep, gfn_t gfn, unsigned int level)
{
	struct rmap_node *node = rmap_node(sh, gfn_align_down(gfn, level));
	struct spte_list list = { };

	if (node && level == UM_LEVEL_4K && node->words)
		list = rmap_leaves(node->words[gfn % (1 << SHADOW_NODE_SHIFT)]);
	else if (node && level > UM_LEVEL_4K)
		list = level == UM_LEVEL_2M ? node->large : node->huge;
	return count_in(&list, sptep);
}

static void audit_leaf(struct shadow_audit *s, struct shadow_page *sp, unsigned int slot,
		       spte_t spte)
{
	struct um_audit_leaf leaf = {
		.gfn = shadow_leaf_gfn(sp, slot),
		.pfn = spte_pfn(spte),
		.level = sp->role.level,
		.writable = spte_writable(spte),
		.dirty = spte_writable(spte),
	};

	s->leaves++;
	um_audit_at(s->a, leaf.gfn, leaf.level, spte.val);
	if (um_audit_rule(s->a, leaf.level <= UM_LEVEL_1G, "leaves are of 4K, 2M and 1G"))
		return;
	um_audit_rule(s->a, count_mapped(s->sh, &sp->spt[slot], leaf.gfn, leaf.level) == 1,
		      "a leaf is once in the reverse map");
	um_audit_rule(s->a, (spte.val | SPTE_A) ==
		      spte_leaf(leaf.pfn, leaf.level, spte_access(spte), spte_key(spte)).val &&
		      !(spte_hpa(spte) >> hw_caps.host_maxphyaddr),
		      "reserved bits of a leaf are clear");
	um_audit_rule(s->a, !sp->role.direct || spte_key(spte) >> GPTE_KEY_BIT == sp->role.key,
		      "a part of a large page has its protection key");
	um_audit_rule(s->a, !sp->unsync || shadow_audit_access(sp, spte_access(spte) & ACC_W,
							       sp->role.access & ACC_W),
		      "a leaf has no rights that its table lacks");
	um_audit_rule(s->a, !um_nx_huge || leaf.level == UM_LEVEL_4K ||
		      !(spte_access(spte) & ACC_X),
		      "with nx_huge_pages a large leaf is not executable");
	um_audit_leaf(s->a, &leaf);
}

static void audit_entries(struct shadow_audit *s, struct shadow_page *sp)
{
	unsigned int slot, present = 0, absent = 0;

	for (slot = 0; slot < SPTE_ENTRIES; slot++) {
		spte_t spte = shadow_read(&sp->spt[slot]);

		if (spte_equal(spte, s->sh->unknown))
			continue;
		um_audit_at(s->a, sp->gfn, sp->role.level, spte.val);
		if (spte_is_absent(spte)) {
			absent++;
			continue;
		}
		if (um_audit_rule(s->a, spte.val & SPTE_P && spte_is_present(spte),
				  "an entry is present, absent or unknown"))
			continue;
		present++;
		if (spte_is_leaf(spte, sp->role.level))
			audit_leaf(s, sp, slot, spte);
		else
			audit_link(s, sp, slot, spte);
	}
	um_audit_at(s->a, sp->gfn, sp->role.level, sp->role.word);
	um_audit_rule(s->a, present == atomic_read(&sp->nr_present) &&
		      absent == atomic_read(&sp->nr_absent),
		      "a page counts its entries");
	um_audit_rule(s->a, !absent || sp->tracked, "only tracked tables hold absent entries");
}

/* Once under its gfn and role, and no other page beside it. */
static bool hashed_once(struct shadow_audit *s, const struct shadow_page *sp)
{
	const struct shadow_page *other;
	unsigned int count = 0;

	hlist_for_each_entry(other, shadow_bucket(s->sh, sp->gfn), hash) {
		if (other->gfn != sp->gfn || other->role.word != sp->role.word)
			continue;
		if (other != sp)
			return false;
		count++;
	}
	return count == 1;
}

/* What counts tables is the slot's, and saturates. */
static void audit_tracking(struct shadow_audit *s, const struct shadow_page *sp)
{
	struct um_memslot *slot = um_slot_find(s->vm, sp->gfn);
	const struct shadow_page *other;
	unsigned int tables = 0;

	s->tracked++;
	if (um_audit_rule(s->a, slot && slot->track, "a tracked table lies in a memslot"))
		return;
	hlist_for_each_entry(other, shadow_bucket(s->sh, sp->gfn), hash)
		tables += other->gfn == sp->gfn && other->tracked;
	um_audit_rule(s->a, slot->track[sp->gfn - slot->base_gfn] == min_t(u32, tables, U16_MAX),
		      "a memslot counts the tables in a page");
}

static unsigned int count_roots(struct shadow_vcpu *sv, const struct shadow_page *sp)
{
	const struct shadow_root *root;
	unsigned int i, count = 0;

	for (root = sv->root; root < sv->root + SHADOW_ROOTS; root++)
		for (i = 0; i < root->nr; i++)
			count += root->sp[i] == sp;
	return count;
}

static void audit_root_refs(struct shadow_audit *s, const struct shadow_page *sp)
{
	struct um_vcpu *vcpu;
	unsigned int count = 0;
	unsigned long i;

	s->root_refs += sp->root_refs;
	xa_for_each(&s->vm->vcpus, i, vcpu)
		count += count_roots(shadow_vcpu(vcpu), sp);
	um_audit_rule(s->a, count == sp->root_refs, "a page counts the roots that name it");
}

static void audit_page(struct shadow_audit *s, struct shadow_page *sp)
{
	bool leaf_table = !sp->role.direct && sp->role.level == UM_LEVEL_4K;

	s->pages++;
	s->unsync += sp->unsync;
	s->parents += count_in(&sp->parents, NULL);
	s->rmap_bytes += bytes_of(&sp->parents);
	s->a->table_bytes += shadow_page_bytes(sp);
	um_audit_at(s->a, sp->gfn, sp->role.level, sp->role.word);
	um_audit_rule(s->a, !sp->invalid, "no zapped page can be found");
	um_audit_rule(s->a, hashed_once(s, sp), "a page is once in the hash, by gfn and role");
	um_audit_rule(s->a, sp->tracked == (!sp->unsync && !sp->role.direct),
		      "a page is tracked if it is synced and not direct");
	um_audit_rule(s->a, !sp->unsync || leaf_table, "only last-level tables are unsync");
	um_audit_rule(s->a, !!sp->gfns == leaf_table || (sp->gfns && !sp->role.direct),
		      "a table of leaves keeps their gfns");
	if (sp->tracked)
		audit_tracking(s, sp);
	audit_root_refs(s, sp);
	audit_entries(s, sp);
	if (sp->tracked)
		shadow_audit_guest(s, sp);
}

/* A zapped page that is a root still is in no list; several roots may name it. */
static void audit_zapped_root(struct shadow_audit *s, struct shadow_page *sp)
{
	if (sp->visit == s->sh->visit)
		return;
	sp->visit = s->sh->visit;
	sp->reaches = false;
	s->a->table_bytes += shadow_page_bytes(sp);
	um_audit_at(s->a, sp->gfn, sp->role.level, sp->role.word);
	um_audit_rule(s->a, !atomic_read(&sp->nr_present) && !atomic_read(&sp->nr_absent) &&
		      !sp->parents.val, "a zapped root is empty");
}

/* A vCPU's roots change under mmu_lock. How many name pages in use. */
static u64 audit_roots_of(struct shadow_audit *s, struct shadow_vcpu *sv)
{
	struct shadow_root *root;
	unsigned int i;
	u64 refs = 0;

	for (root = sv->root; root < sv->root + SHADOW_ROOTS; root++) {
		for (i = 0; i < root->nr; i++) {
			if (!root->sp[i])
				continue;
			if (root->sp[i]->invalid)
				audit_zapped_root(s, root->sp[i]);
			else
				refs++;
		}
	}
	return refs;
}

static u64 audit_roots(struct shadow_audit *s)
{
	struct um_vcpu *vcpu;
	unsigned long i;
	u64 refs = 0;

	s->sh->visit++;
	xa_for_each(&s->vm->vcpus, i, vcpu)
		refs += audit_roots_of(s, shadow_vcpu(vcpu));
	return refs;
}

static void audit_known_frame(struct shadow_audit *s, gfn_t gfn, u64 frame)
{
	struct um_memslot *slot = um_slot_find(s->vm, gfn);
	struct um_audit_leaf leaf = {
		.gfn = gfn,
		.pfn = frame >> UM_PAGE_SHIFT,
		.level = UM_LEVEL_4K,
		.writable = frame & (FRAME_WRITABLE | FRAME_DIRTIED),
	};

	um_audit_at(s->a, gfn, UM_LEVEL_4K, frame);
	if (um_audit_rule(s->a, slot, "a known frame lies in a memslot"))
		return;
	um_audit_rule(s->a, !leaf.writable || !(slot->flags & KVM_MEM_READONLY),
		      "a frame known to be writable is not read-only");
	um_audit_rule(s->a, !leaf.writable || um_audit_logged(slot, &leaf),
		      "a frame known to be writable is in the dirty log");
	um_audit_rule(s->a, !(frame & FRAME_WRITABLE) || !um_tracked(slot, gfn),
		      "a frame known to be writable is not tracked");
	um_audit_frame(s->a, slot, &leaf);
}

struct mapped_arg {
	struct shadow_audit *s;
	gfn_t gfn;
	unsigned int level;
	u64 count;
};

static bool audit_mapped(spte_t *sptep, void *arg)
{
	struct mapped_arg *m = arg;
	struct shadow_page *sp = shadow_page_of(sptep);
	unsigned int slot;
	spte_t spte;
	bool holds;

	m->count++;
	um_audit_at(m->s->a, m->gfn, m->level, (unsigned long)sptep);
	if (um_audit_rule(m->s->a, sp, "the reverse map leads to a shadow page"))
		return false;
	slot = shadow_spte_slot(sp, sptep);
	spte = shadow_read(sptep);
	holds = !sp->invalid && spte_is_present(spte) && spte_is_leaf(spte, sp->role.level) &&
		sp->role.level == m->level &&
		shadow_leaf_gfn(sp, slot) >> (9 * (m->level - 1)) == m->gfn >> (9 * (m->level - 1));
	um_audit_rule(m->s->a, holds, "the reverse map leads to a leaf for the page");
	return false;
}

static void audit_list(struct shadow_audit *s, struct spte_list list, gfn_t gfn, unsigned int level)
{
	struct mapped_arg m = { .s = s, .gfn = gfn, .level = level };

	if (!list.val)
		return;
	spte_list_any(&list, audit_mapped, &m);
	s->mapped += m.count;
	s->huge += level == UM_LEVEL_1G ? m.count : 0;
	s->rmap_bytes += bytes_of(&list);
}

static void audit_node(struct shadow_audit *s, const struct rmap_node *node)
{
	gfn_t base = node->index << SHADOW_NODE_SHIFT;
	unsigned int i;

	s->rmap_bytes += sizeof(*node) + (node->words ? PAGE_SIZE : 0);
	audit_list(s, node->huge, base, UM_LEVEL_1G);
	audit_list(s, node->large, base, UM_LEVEL_2M);
	for (i = 0; node->words && i < 1 << SHADOW_NODE_SHIFT; i++) {
		u64 word = node->words[i];

		if (!word)
			continue;
		um_audit_at(s->a, base + i, UM_LEVEL_4K, word);
		um_audit_rule(s->a, !(word & RMAP_LOCKED), "no word of the reverse map is locked");
		um_audit_rule(s->a, word & FRAME_VALID || !(word & FRAME_FLAGS),
			      "nothing is known of a frame that is not known");
		audit_list(s, rmap_leaves(word), base + i, UM_LEVEL_4K);
		if (rmap_frame(word))
			audit_known_frame(s, base + i, rmap_frame(word));
	}
}

static u64 count_hashed(struct shadow_vm *sh)
{
	const struct shadow_page *sp;
	unsigned int i;
	u64 count = 0;

	for (i = 0; i < 1 << SHADOW_HASH_BITS; i++)
		hlist_for_each_entry(sp, &sh->hash[i], hash)
			count++;
	return count;
}

static u64 count_unsync(struct shadow_vm *sh)
{
	const struct shadow_page *sp;
	u64 count = 0;

	list_for_each_entry(sp, &sh->unsync, unsync_link)
		count += sp->unsync;
	return count;
}

static u64 count_tracked_in(const struct um_memslot *slot)
{
	const u16 *track = slot->track, *end = track + slot->npages;
	u64 count = 0;

	/* Most of it is zero. */
	while (track && (track = memchr_inv(track, 0, (void *)end - (void *)track))) {
		track = PTR_ALIGN_DOWN(track, sizeof(*track));
		count += *track++;
	}
	return count;
}

/* Tables counted in all slots. */
static u64 count_tracked(struct um_vm *vm)
{
	struct um_memslots *slots = um_slots(vm);
	unsigned int i;
	u64 count = 0;

	for (i = 0; i < slots->count; i++)
		count += count_tracked_in(slots->slot[i]);
	return count;
}

static void audit_sums(struct shadow_audit *s)
{
	struct um_audit *a = s->a;

	um_audit_at(a, 0, 0, s->pages);
	um_audit_rule(a, s->pages == s->sh->nr_pages && s->pages == s->vm->stats.mmu_pages &&
		      s->pages == count_hashed(s->sh), "mmu_pages is the number of pages");
	um_audit_rule(a, s->unsync == count_unsync(s->sh), "unsync pages are in their list");
	um_audit_rule(a, s->leaves == s->mapped, "the reverse map holds the leaves, no more");
	um_audit_rule(a, s->huge == s->sh->nr_huge, "nr_huge is the number of 1 GiB leaves");
	um_audit_rule(a, s->rmap_bytes == s->vm->stats.mmu_rmap_bytes,
		      "mmu_rmap_bytes is the sum of the reverse map and all lists");
	um_audit_rule(a, s->links == s->parents, "the lists of parents hold the links, no more");
	um_audit_rule(a, s->root_refs == audit_roots(s), "roots name pages that count them");
	um_audit_rule(a, s->tracked == count_tracked(s->vm), "memslots count the tracked tables");
	um_audit_rule(a, !s->sh->flush_due && list_empty(&s->sh->zapped),
		      "no flush is due while nobody holds the lock");
}

void shadow_audit(struct um_audit *a)
{
	struct shadow_audit s = { .a = a, .vm = a->vm, .sh = shadow_vm(a->vm) };
	struct rmap_node *node;
	struct shadow_page *sp;
	unsigned long index;

	list_for_each_entry(sp, &s.sh->pages, link)
		audit_page(&s, sp);
	xa_for_each(&s.sh->rmap, index, node)
		audit_node(&s, node);
	audit_sums(&s);
}
