// SPDX-License-Identifier: GPL-2.0
/*
 * The EPT tables of a VM: allocation, the walk over a range, and freeing. vm->mmu_lock guards
 * them as ept.h says.
 */
#include <linux/gfp.h>
#include "ept.h"

epte_t *ept_table_alloc(void)
{
	return (epte_t *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
}

static void table_free(epte_t *table)
{
	free_page((unsigned long)table);
}

int ept_spares_refill(struct ept_vcpu *ev)
{
	while (ev->nr_spares < EPT_MAX_SPARES) {
		epte_t *table = ept_table_alloc();

		if (!table)
			return -ENOMEM;
		ev->spare[ev->nr_spares++] = table;
	}
	return 0;
}

void ept_spares_free(struct ept_vcpu *ev)
{
	while (ev->nr_spares)
		table_free(ev->spare[--ev->nr_spares]);
}

static void fill_from_leaf(epte_t *table, epte_t leaf, unsigned int level)
{
	unsigned int i;

	for (i = 0; i < EPT_ENTRIES; i++)
		table[i] = epte_child(leaf, level, i);
}

bool ept_link_table(struct um_vm *vm, struct ept_vcpu *ev, epte_t *ep, epte_t old,
		    unsigned int level)
{
	epte_t *table = ev->spare[ev->nr_spares - 1];

	if (epte_is_leaf(old))
		fill_from_leaf(table, old, level);
	if (!ept_replace(ep, old, epte_table(virt_to_phys(table)))) {
		if (epte_is_leaf(old))
			clear_page(table);
		return false;
	}
	ev->nr_spares--;
	ept_count(&vm->stats.mmu_table_bytes, PAGE_SIZE);
	return true;
}

/* Where the block of @level that holds @gfn ends, or the range, whichever is first. */
static gfn_t block_end(gfn_t gfn, unsigned int level, gfn_t end)
{
	return min(gfn_align_down(gfn, level) + um_level_pages(level), end);
}

static bool walk_leaves(epte_t *table, unsigned int level, gfn_t start, gfn_t end, ept_leaf_fn fn)
{
	gfn_t gfn, next;
	bool any = false;

	for (gfn = start; gfn < end; gfn = next) {
		epte_t *ep = ept_entry(table, gfn, level);
		epte_t epte = ept_read(ep);

		next = block_end(gfn, level, end);
		if (epte_is_leaf(epte))
			any |= fn(ep, epte);
		else if (epte_is_table(epte))
			any |= walk_leaves(ept_child_table(epte), level - 1, gfn, next, fn);
	}
	return any;
}

bool ept_visit_leaves(struct um_vm *vm, gfn_t start, gfn_t end, ept_leaf_fn fn)
{
	epte_t *root = ept_root(vm, start);

	return root && walk_leaves(root, EPT_LEVELS, start, min(end, ept_end_gfn(start)), fn);
}

/*
 * Chain @table and all below it to *@dead. Hardware may still walk them until the flush, so
 * they stay as they are.
 */
static void collect_tables(epte_t *table, unsigned int level, struct page **dead)
{
	struct page *page = virt_to_page(table);
	unsigned int i;

	for (i = 0; level > UM_LEVEL_4K && i < EPT_ENTRIES; i++)
		if (epte_is_table(table[i]))
			collect_tables(ept_child_table(table[i]), level - 1, dead);
	set_page_private(page, (unsigned long)*dead);
	*dead = page;
}

static void free_tables(struct um_vm *vm, struct page *dead)
{
	while (dead) {
		struct page *next = (struct page *)page_private(dead);

		ept_count(&vm->stats.mmu_table_bytes, -(s64)PAGE_SIZE);
		table_free(page_address(dead));
		dead = next;
	}
}

static bool clear_table(struct um_vm *vm, epte_t *table, unsigned int level, gfn_t start, gfn_t end,
			struct page **dead)
{
	gfn_t gfn, next;
	bool any = false;

	for (gfn = start; gfn < end; gfn = next) {
		epte_t *ep = ept_entry(table, gfn, level);
		epte_t epte = ept_read(ep);

		next = block_end(gfn, level, end);
		if (epte_is_empty(epte))
			continue;
		if (epte_is_table(epte) && next - gfn < um_level_pages(level)) {
			any |= clear_table(vm, ept_child_table(epte), level - 1, gfn, next, dead);
			continue;
		}
		ept_write(ep, epte_none());
		if (epte_is_table(epte))
			collect_tables(ept_child_table(epte), level - 1, dead);
		vm->stats.mmu_zapped++;
		any = true;
	}
	return any;
}

/* True: a flush is still due. */
static bool flush_and_free(struct um_vm *vm, struct page *dead, bool any)
{
	if (!dead)
		return any;
	um_flush_remote_tlbs(vm);
	free_tables(vm, dead);
	return false;
}

bool ept_clear_range(struct um_vm *vm, gfn_t start, gfn_t end)
{
	epte_t *root = ept_root(vm, start);
	struct page *dead = NULL;
	bool any;

	if (!root)
		return false;
	any = clear_table(vm, root, EPT_LEVELS, start, min(end, ept_end_gfn(start)), &dead);
	return flush_and_free(vm, dead, any);
}

static void collapse_table(struct um_vm *vm, struct um_memslot *slot, epte_t *table,
			   unsigned int level, gfn_t start, gfn_t end, struct page **dead)
{
	gfn_t gfn, next;

	for (gfn = start; gfn < end; gfn = next) {
		epte_t *ep = ept_entry(table, gfn, level);
		epte_t epte = ept_read(ep);

		next = block_end(gfn, level, end);
		if (!epte_is_table(epte))
			continue;
		if (level <= ept_max_level() && um_pfn_level_now(vm, slot, gfn) >= level) {
			ept_write(ep, epte_none());
			collect_tables(ept_child_table(epte), level - 1, dead);
			vm->stats.mmu_zapped++;
		} else if (level > UM_LEVEL_2M) {
			collapse_table(vm, slot, ept_child_table(epte), level - 1, gfn, next, dead);
		}
	}
}

bool ept_collapse_range(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end)
{
	epte_t *root = ept_root(vm, start);
	struct page *dead = NULL;

	if (!root)
		return false;
	collapse_table(vm, slot, root, EPT_LEVELS, start, min(end, ept_end_gfn(start)), &dead);
	return flush_and_free(vm, dead, false);
}

/*
 * For a VM that no vCPU can run any more. A CPU may still cache translations under this root's
 * address: whoever gets the page as a root next is safe because vmx/ flushes the root when a
 * vCPU is loaded on a CPU that is not its last.
 */
void ept_tree_free(struct um_vm *vm, epte_t *root)
{
	struct page *dead = NULL;

	collect_tables(root, EPT_LEVELS, &dead);
	free_tables(vm, dead);
}
