// SPDX-License-Identifier: GPL-2.0
/*
 * The audit of the EPT tables: each is reached once, each entry is well-formed, each leaf agrees
 * with its memslot and the host. vm->mmu_lock is held for write.
 */
#include "../audit.h"
#include "ept.h"

static bool hpa_exists(hpa_t hpa)
{
	return !(hpa >> hw_caps.host_maxphyaddr);
}

/* Under PML the CPU notes the write that sets D; another vCPU may have it still to report. */
static bool is_dirty(const struct um_vm *vm, epte_t epte)
{
	return !um_mmu_pml(vm) || (epte_dirty(epte) && vm->nr_vcpus == 1);
}

/* A page that the host puts where no memslot is. */
static bool is_own(const struct um_vm *vm, gfn_t gfn, u64 pfn)
{
	if (um_apicv_page_here(vm, gfn))
		return pfn == virt_to_phys(vm->irq.apic_page) >> UM_PAGE_SHIFT;
	return pfn == ept_identity_pfn() && um_gfn_plain(gfn) == gpa_to_gfn(ept_identity_gpa(vm));
}

static void audit_leaf(struct um_audit *a, epte_t epte, gfn_t gfn, unsigned int level)
{
	enum ept_memtype type = (epte.raw & EPTE_MEMTYPE) >> EPT_MEMTYPE_SHIFT;
	u64 rights = epte.raw & EPTE_RIGHTS, flags = EPTE_A | EPTE_D;
	epte_t sound = epte_leaf(epte_pfn(epte), level, rights, type);
	struct um_audit_leaf leaf = {
		.gfn = gfn,
		.pfn = epte_pfn(epte),
		.level = level,
		.writable = epte_writable(epte),
		.dirty = epte_writable(epte) && is_dirty(a->vm, epte),
	};

	um_audit_rule(a, level == UM_LEVEL_4K || (level == UM_LEVEL_2M && hw_caps.ept_2m) ||
		      (level == UM_LEVEL_1G && hw_caps.ept_1g), "the CPU has leaves of this level");
	um_audit_rule(a, (epte.raw & ~flags) == (sound.raw & ~flags) &&
		      hpa_exists(epte_hpa(epte)), "reserved bits of a leaf are clear");
	um_audit_rule(a, !um_nx_huge || level == UM_LEVEL_4K || !(rights & EPTE_X),
		      "with nx_huge_pages a large leaf is not executable");
	um_audit_rule(a, type == EPT_WB || type == EPT_UC, "memory is WB or UC");
	um_audit_rule(a, rights & EPTE_R || (!rights && !hw_caps.ept_ad),
		      "a leaf is readable, or aged where the CPU has no A flag");
	if (!um_slot_find(a->vm, gfn) && is_own(a->vm, gfn, leaf.pfn))
		return;
	um_audit_leaf(a, &leaf);
}

/* True if the table can be walked. */
static bool audit_link(struct um_audit *a, epte_t epte, unsigned int level)
{
	hpa_t hpa = epte_hpa(epte);
	struct page *page;

	if (um_audit_rule(a, level > UM_LEVEL_4K, "4K entries are no links") ||
	    um_audit_rule(a, (epte.raw & ~EPTE_A) == epte_table(hpa).raw && hpa_exists(hpa),
			  "reserved bits of a link are clear"))
		return false;
	page = virt_to_page(ept_child_table(epte));
	if (um_audit_rule(a, page_private(page) != a->mark, "a table is reached once"))
		return false;
	set_page_private(page, a->mark);
	return true;
}

/* At most EPT_LEVELS deep. */
static void audit_table(struct um_audit *a, epte_t *table, unsigned int level, gfn_t gfn)
{
	unsigned int i;

	a->table_bytes += PAGE_SIZE;
	for (i = 0; i < EPT_ENTRIES; i++, gfn += um_level_pages(level)) {
		epte_t epte = ept_read(&table[i]);

		if (epte_is_none(epte))
			continue;
		um_audit_at(a, gfn, level, epte.raw);
		if (epte_is_empty(epte))
			um_audit_rule(a, epte_equal(epte, epte_mmio()),
				      "what is empty is 0 or MMIO");
		else if (epte_is_leaf(epte))
			audit_leaf(a, epte, gfn, level);
		else if (audit_link(a, epte, level))
			audit_table(a, ept_child_table(epte), level - 1, gfn);
	}
}

void ept_audit(struct um_audit *a)
{
	unsigned int space;

	for (space = 0; space < UM_NR_SPACES; space++) {
		epte_t *root = ept_vm(a->vm)->root[space];

		if (!root)
			continue;
		set_page_private(virt_to_page(root), a->mark);
		audit_table(a, root, EPT_LEVELS, space * gpa_to_gfn(UM_SPACE_SMM));
	}
}
