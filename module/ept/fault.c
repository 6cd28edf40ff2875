// SPDX-License-Identifier: GPL-2.0
/*
 * EPT violations: find the host's page for a gpa and map it. Faults of several vCPUs run in
 * parallel under the read side of vm->mmu_lock and install by cmpxchg; one that loses a race
 * answers RETRY and the guest faults again.
 */
#include "ept.h"

/* What a fault wants in the tables. */
struct ept_map {
	struct um_memslot *slot;
	gfn_t gfn;
	u32 pfec;
	u8 level;		/* of the leaf, at most */
	u64 rights;
	bool clean;		/* hardware is to set D at the first write */
	enum ept_memtype type;
	struct um_pfn pfn;
};

u8 ept_max_level(void)
{
	if (hw_caps.ept_1g)
		return UM_LEVEL_1G;
	return hw_caps.ept_2m ? UM_LEVEL_2M : UM_LEVEL_4K;
}

/*
 * Level and rights of the leaf. Dirty logging and tracked tables (which a shadow VM's slots can
 * hold) are a matter of single pages. mmu_lock held: it guards the tracking counts.
 */
static void choose_leaf(const struct um_vm *vm, struct ept_map *m)
{
	const struct um_memslot *slot = m->slot;
	bool unwritten = um_slot_logs(slot) && !(m->pfec & PFEC_W);

	m->level = min(m->pfn.level, ept_max_level());
	if (um_slot_logs(slot) || slot->track || (um_nx_huge && (m->pfec & PFEC_I)))
		m->level = UM_LEVEL_4K;

	m->rights = EPTE_R | EPTE_X;
	if (!m->pfn.writable || (slot->flags & KVM_MEM_READONLY))
		return;
	if (unwritten && !um_mmu_pml(vm))
		return;
	m->clean = unwritten;
	if (!um_tracked(m->slot, m->gfn))
		m->rights |= EPTE_W;
}

static epte_t make_leaf(const struct ept_map *m, unsigned int level)
{
	u64 pfn = m->pfn.pfn - (m->gfn - gfn_align_down(m->gfn, level));
	u64 rights = m->rights;

	if (um_nx_huge && level > UM_LEVEL_4K)
		rights &= ~EPTE_X;
	return m->clean ? epte_make_clean(epte_leaf(pfn, level, rights, m->type)) :
			  epte_leaf(pfn, level, rights, m->type);
}

static void count_mapped(struct um_vm *vm, unsigned int level)
{
	struct um_vm_stats *stats = &vm->stats;

	if (level == UM_LEVEL_4K)
		ept_count(&stats->pages_mapped_4k, 1);
	else if (level == UM_LEVEL_2M)
		ept_count(&stats->pages_mapped_2m, 1);
	else
		ept_count(&stats->pages_mapped_1g, 1);
}

/*
 * The entry to put the leaf into, at *@level; NULL: a race was lost. An existing table is never
 * replaced by a leaf, so the level may come out lower than asked; a larger leaf in the way is
 * split unless it already allows the access.
 */
static epte_t *find_entry(struct um_vm *vm, struct ept_vcpu *ev, const struct ept_map *m,
			  unsigned int *level)
{
	epte_t *table = ept_root(vm, m->gfn);
	unsigned int at;

	for (at = EPT_LEVELS; ; at--) {
		epte_t *ep = ept_entry(table, m->gfn, at);
		epte_t epte = ept_read(ep);

		if (!epte_is_table(epte)) {
			*level = at;
			if (at <= m->level || epte_permits(epte, m->pfec))
				return ep;
			/* The table says what the leaf said: nothing cached is wrong. */
			if (!ept_link_table(vm, ev, ep, epte, at))
				return NULL;
			epte = ept_read(ep);
		}
		table = ept_child_table(epte);
	}
}

/*
 * mmu_lock held for read. True when the page was mapped. Giving an entry more rights needs no
 * flush: a violation drops what the CPU cached for that gpa (SDM "Operations that Invalidate
 * Cached Mappings"), others fault and find it done.
 */
static bool install(struct um_vcpu *vcpu, const struct ept_map *m)
{
	struct um_vm *vm = vcpu->vm;
	unsigned int level;
	epte_t *ep = find_entry(vm, vcpu->mmu_priv[UM_BACKEND_EPT], m, &level);
	epte_t old, new;

	if (!ep)
		return false;
	old = ept_read(ep);
	if (epte_is_table(old) || epte_permits(old, m->pfec))
		return false;
	new = make_leaf(m, level);
	if (!ept_replace(ep, old, new))
		return false;
	/* Linux takes a page, and with it the leaf, before it puts another in its place. */
	if (WARN_ON_ONCE(epte_is_leaf(old) && epte_pfn(old) != epte_pfn(new)))
		um_flush_remote_tlbs(vm);
	if (um_slot_logs(m->slot) && (m->pfec & PFEC_W))
		um_mark_dirty(vm, vcpu, m->slot, m->gfn);
	count_mapped(vm, level);
	return true;
}

static enum um_fault_result map_page(struct um_vcpu *vcpu, struct ept_map *m)
{
	struct um_vm *vm = vcpu->vm;
	enum um_fault_result result = UM_FAULT_RETRY;
	bool mapped = false;

	read_lock(&vm->mmu_lock);
	if ((m->pfec & PFEC_W) && um_tracked(m->slot, m->gfn)) {
		result = UM_FAULT_EMULATE;
	} else if (!um_pfn_stale(vm, m->slot, m->gfn, &m->pfn)) {
		choose_leaf(vm, m);
		mapped = install(vcpu, m);
	}
	read_unlock(&vm->mmu_lock);

	/* The guest may write from now on without our knowing. */
	um_pfn_put(&m->pfn, mapped && (m->rights & EPTE_W));
	return result;
}

/*
 * Have the next access exit as a misconfiguration. That costs no table, since the mark goes where
 * the tables end now. It is no more than a hint: whether there is memory, the memslots say.
 */
static void mark_mmio(struct um_vm *vm, gfn_t gfn)
{
	epte_t *ep, *table = ept_root(vm, gfn);
	unsigned int at = EPT_LEVELS;
	epte_t epte;

	read_lock(&vm->mmu_lock);
	for (;;) {
		ep = ept_entry(table, gfn, at--);
		epte = ept_read(ep);
		if (!epte_is_table(epte))
			break;
		table = ept_child_table(epte);
	}
	if (epte_is_none(epte))
		ept_replace(ep, epte, epte_mmio());
	read_unlock(&vm->mmu_lock);
}

/*
 * What the host puts where no memslot is. The walk of an unpaged vCPU reads the identity table;
 * nothing else is there, so others see it too. mmu_lock held.
 */
static epte_t own_leaf(const struct um_vm *vm, const struct ept_map *m)
{
	if (m->pfec & PFEC_I)
		return epte_none();
	if (um_apicv_page_here(vm, m->gfn))
		return epte_leaf(virt_to_phys(vm->irq.apic_page) >> UM_PAGE_SHIFT, UM_LEVEL_4K,
				 EPTE_R | EPTE_W, EPT_WB);
	if (!hw_caps.unrestricted && !(m->pfec & PFEC_W) &&
	    um_gfn_plain(m->gfn) == gpa_to_gfn(ept_identity_gpa(vm)))
		return epte_leaf(ept_identity_pfn(), UM_LEVEL_4K, EPTE_R, EPT_WB);
	return epte_none();
}

/* False: there is nothing. */
static bool map_own(struct um_vcpu *vcpu, struct ept_map *m)
{
	struct um_vm *vm = vcpu->vm;
	unsigned int level;
	epte_t *ep, leaf;

	m->level = UM_LEVEL_4K;
	read_lock(&vm->mmu_lock);
	leaf = own_leaf(vm, m);
	if (!epte_is_none(leaf)) {
		ep = find_entry(vm, vcpu->mmu_priv[UM_BACKEND_EPT], m, &level);
		if (ep && level == UM_LEVEL_4K)
			ept_replace(ep, ept_read(ep), leaf);
	}
	read_unlock(&vm->mmu_lock);
	return !epte_is_none(leaf);
}

/* No memslot is there. */
static enum um_fault_result serve_hole(struct um_vcpu *vcpu, struct um_fault *f, struct ept_map *m)
{
	f->err = ept_spares_refill(vcpu->mmu_priv[UM_BACKEND_EPT]);
	if (f->err)
		return UM_FAULT_ERROR;
	if (map_own(vcpu, m))
		return UM_FAULT_RETRY;
	mark_mmio(vcpu->vm, m->gfn);
	return UM_FAULT_EMULATE;
}

enum um_fault_result ept_fault(struct um_vcpu *vcpu, struct um_fault *f)
{
	struct um_vm *vm = vcpu->vm;
	bool write = f->pfec & PFEC_W;
	struct ept_map m = { .gfn = gpa_to_gfn(f->gpa), .pfec = f->pfec, .type = EPT_WB };

	m.slot = um_slot_find(vm, m.gfn);
	if (um_gfn_plain(m.gfn) >= EPT_END_GFN)
		return UM_FAULT_EMULATE;
	if (!m.slot)
		return serve_hole(vcpu, f, &m);
	if (write && (m.slot->flags & KVM_MEM_READONLY))
		return UM_FAULT_EMULATE;

	f->err = ept_spares_refill(vcpu->mmu_priv[UM_BACKEND_EPT]);
	if (!f->err)
		f->err = um_pfn_get(vm, m.slot, m.gfn, write, &m.pfn);
	if (f->err)
		return f->err == -EROFS ? UM_FAULT_EMULATE : UM_FAULT_ERROR;

	/* What the host maps without a struct page may be a device's registers. */
	if (!m.pfn.ram && !page_is_ram(m.pfn.pfn))
		m.type = EPT_UC;
	return map_page(vcpu, &m);
}
