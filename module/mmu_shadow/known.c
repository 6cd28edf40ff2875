// SPDX-License-Identifier: GPL-2.0
/*
 * Faults that need neither a full walk nor the host: the leaf table is shadowed and the frame
 * behind its entry known. Upper tables are tracked, so what hardware's own walk found of them holds
 * and only the leaf entry has to be read, through the kernel's view of guest memory. No user
 * access, no memslot, no sleep: fit for the inner loop. vm->mmu_lock is held for read at least, so
 * that several vCPUs fault at once.
 */
#include <linux/moduleparam.h>
#include <asm/pkru.h>
#include "shadow.h"

static unsigned int shadow_prefetch __read_mostly = 8;
module_param_named(prefetch, shadow_prefetch, uint, 0644);
MODULE_PARM_DESC(prefetch, "shadow paging: pages mapped ahead of a guest that goes through them");

struct shadow_page *shadow_top_table(const struct shadow_root *root, gva_t gva)
{
	if (root->nr == 1)
		return root->sp[0];
	return root->sp[(gva >> um_level_shift(3)) & (SHADOW_PAE_TABLES - 1)];
}

static struct shadow_page *find_leaf_table(const struct shadow_root *root, gva_t gva)
{
	struct shadow_page *sp = shadow_top_table(root, gva);

	while (sp && sp->role.level > UM_LEVEL_4K) {
		spte_t spte = shadow_read(&sp->spt[spte_index(gva, sp->role.level)]);

		if (!spte_is_present(spte) || spte_is_leaf(spte, sp->role.level))
			return NULL;
		sp = shadow_child(spte);
	}
	return sp;
}

/* The 4K-level table on the way to @gva, NULL if hardware's walk does not come so far. */
struct shadow_page *shadow_leaf_table(struct um_vcpu *vcpu, gva_t gva)
{
	struct shadow_vcpu *sv = shadow_vcpu(vcpu);
	u64 link_gen = shadow_vm(vcpu->vm)->link_gen;
	gva_t region = gva >> um_level_shift(UM_LEVEL_2M);
	struct shadow_page *sp;

	if (sv->leaf.region == region && sv->leaf.root == sv->cur && sv->leaf.link_gen == link_gen)
		return sv->leaf.sp;
	sp = find_leaf_table(sv->cur, gva);
	if (sp) {
		sv->leaf.region = region;
		sv->leaf.root = sv->cur;
		sv->leaf.link_gen = link_gen;
		sv->leaf.sp = sp;
	}
	return sp;
}

/* A write that CR0.WP = 0 allows counts as denied, too: hardware runs with WP = 1. */
static noinline bool key_denies(const struct shadow_walk *w, u8 access)
{
	u8 wanted = PKRU_AD | ((w->pfec & PFEC_W) ? PKRU_WD : 0);

	return (access & ACC_U) && !(w->pfec & PFEC_I) &&
	       (walk_pkru(&w->sv->desc, w->key) & wanted);
}

static bool permits(const struct shadow_walk *w, u8 access)
{
	if (w->prefetch || w->sv->desc.mode == PAGING_NONE)
		return true;
	if (unlikely(w->sv->desc.pke) && key_denies(w, access))
		return false;
	if ((w->pfec & PFEC_W) && !(access & ACC_W))
		return false;	/* D may have to be set, or CR0.WP be clear */
	return walk_permits(&w->sv->desc, access, w->pfec, w->smap_override);
}

static u64 read_gpte(const void *at, unsigned int size)
{
	return size == sizeof(u32) ? READ_ONCE(*(const u32 *)at) : READ_ONCE(*(const u64 *)at);
}

static bool update_gpte(void *at, unsigned int size, u64 old, u64 new)
{
	if (size == sizeof(u32))
		return cmpxchg((u32 *)at, old, new) == old;
	return cmpxchg((u64 *)at, old, new) == old;
}

static bool known_direct(struct shadow_walk *w, const struct shadow_page *sp, unsigned int slot)
{
	w->access = sp->role.access;
	w->key = (u64)sp->role.key << GPTE_KEY_BIT;
	w->r.gpa = gfn_to_gpa(sp->gfn + slot) | um_page_offset(w->gva);
	w->r.level = UM_LEVEL_2M;
	w->r.access = w->access;
	return permits(w, w->access);
}

/*
 * The guest's entry @at allows the access; A and D are set as need be, if the frame that it lies in
 * is known to be @dirtied.
 */
static bool known_present(struct shadow_walk *w, const struct shadow_page *sp, void *at, u64 gpte,
			  bool dirtied)
{
	const struct paging_desc *d = &w->sv->desc;
	u64 new = gpte | GPTE_A | ((w->pfec & PFEC_W) ? GPTE_D : 0);

	if (gpte & w->sv->leaf_reserved)
		return false;
	w->r.access = sp->role.access & walk_entry_access(d, gpte);
	w->key = gpte & GPTE_KEY;
	if (!permits(w, w->r.access))
		return false;
	if (new != gpte && (!dirtied || !update_gpte(at, shadow_gpte_size(sp), gpte, new)))
		return false;
	w->access = w->r.access & ((new & GPTE_D) ? ACC_ALL : ~ACC_W);
	w->r.level = UM_LEVEL_4K;
	w->r.gpte[UM_LEVEL_4K] = new;
	w->r.gpa = walk_leaf_gpa(d, UM_LEVEL_4K, new) | um_page_offset(w->gva);
	return true;
}

static enum shadow_known known_gpte(struct shadow_walk *w, struct shadow_page *sp,
				    unsigned int slot)
{
	gpa_t gpa = shadow_gpte_gpa(sp, slot);
	u64 frame = frame_get(w->vm, sp->gfn), gpte;
	void *at;

	if (!frame) {
		w->unseen = sp->gfn;
		return KNOWN_NOTHING;
	}
	at = __va((frame & UM_PAGE_MASK) + um_page_offset(gpa));
	gpte = read_gpte(at, shadow_gpte_size(sp));
	/* Only an access sets A. */
	if (w->prefetch && (~gpte & (GPTE_P | GPTE_A)))
		return KNOWN_NOTHING;
	if (gpte & GPTE_P)
		return known_present(w, sp, at, gpte, frame & FRAME_DIRTIED) ? KNOWN_LEAF :
									       KNOWN_NOTHING;
	/* The access is tried again, and the guest gets its fault from the hardware. */
	if (!sp->tracked || !shadow_set_absent(w->vm, sp, &sp->spt[slot]))
		return KNOWN_NOTHING;
	return KNOWN_DONE;
}

/* Map the frame if it is known and nothing has to go for that. */
static bool map_known(struct shadow_walk *w, struct shadow_page *sp, unsigned int slot)
{
	gfn_t gfn = gpa_to_gfn(w->r.gpa);
	u64 frame = frame_get(w->vm, gfn);
	u8 access = w->access & ((frame & FRAME_WRITABLE) ? ACC_ALL : ~ACC_W);
	spte_t new;

	if (!frame || ((w->pfec & PFEC_W) && !(access & ACC_W)) || !w->sv->cache.nr_descs)
		return false;
	new = spte_leaf(frame >> UM_PAGE_SHIFT, UM_LEVEL_4K, access, w->key);
	return shadow_set_leaf(w->vm, &w->sv->cache, sp, slot, gfn, new, 0);
}

/*
 * Serve a fault from @sp, its leaf table or NULL. KNOWN_DONE: served; KNOWN_LEAF: @w says what to
 * map, but not where the host has it; KNOWN_NOTHING: walk the guest's tables.
 */
enum shadow_known shadow_known(struct shadow_walk *w, struct shadow_page *sp)
{
	enum shadow_known known = KNOWN_LEAF;
	unsigned int slot;

	if (!sp)
		return KNOWN_NOTHING;
	slot = spte_index(w->gva, UM_LEVEL_4K);
	if (!sp->role.direct)
		known = known_gpte(w, sp, slot);
	else if (!known_direct(w, sp, slot))
		return KNOWN_NOTHING;
	if (known != KNOWN_LEAF)
		return known;
	w->leaf_gfn = sp->gfn;
	w->leaf_role = sp->role;
	return map_known(w, sp, slot) ? KNOWN_DONE : KNOWN_LEAF;
}

/*
 * The guest goes through its pages one by one: map the next ones, too, while their frames are known
 * and the guest's entries need no change. @w is used up.
 */
static noinline void prefetch_next(struct shadow_walk *w)
{
	struct shadow_page *sp = shadow_leaf_table(w->vcpu, w->gva);
	unsigned int slot = spte_index(w->gva, UM_LEVEL_4K);
	unsigned int left = min(READ_ONCE(shadow_prefetch), SPTE_ENTRIES - 1 - slot);

	w->prefetch = true;
	w->pfec = 0;
	for (; left; left--) {
		w->gva += UM_PAGE_SIZE;
		if (!spte_is_unknown(shadow_read(&sp->spt[++slot])) ||
		    shadow_known(w, sp) != KNOWN_DONE)
			break;
		w->vcpu->stats.prefetched++;
	}
	w->sv->next_gva = (w->gva & UM_PAGE_MASK) + (left ? 0 : UM_PAGE_SIZE);
}

bool shadow_fault_fast(struct um_vcpu *vcpu, struct um_fault *f)
{
	struct shadow_vcpu *sv = shadow_vcpu(vcpu);

	if (!sv->cur || !read_trylock(&vcpu->vm->mmu_lock))
		return false;
	shadow_count_parallel(vcpu->vm);
	shadow_walk_init(&sv->walk, vcpu, f->gva, f->pfec, f->smap_override);
	if (unlikely(sv->desc.pke))
		sv->desc.pkru = read_pkru();	/* the guest's */
	sv->known = shadow_known(&sv->walk, shadow_leaf_table(vcpu, f->gva));
	if (sv->known == KNOWN_DONE && (f->gva & UM_PAGE_MASK) == sv->next_gva)
		prefetch_next(&sv->walk);
	else
		sv->next_gva = (f->gva & UM_PAGE_MASK) + UM_PAGE_SIZE;
	read_unlock(&vcpu->vm->mmu_lock);
	sv->asked = sv->known != KNOWN_DONE;
	vcpu->stats.exit.pf_hidden += !sv->asked;
	return !sv->asked;
}
