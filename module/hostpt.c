// SPDX-License-Identifier: GPL-2.0
/*
 * What the host's own page tables say of an address. No lock holds them still: with interrupts off
 * they are not freed, and um_pfn_stale() tells whether what was read still holds.
 */
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/pgtable.h>

#include "umbra.h"

/*
 * The entry that maps @hva, a leaf at *@level, or the absent one at which the walk ended. VMX runs
 * on the bare CPU, so the tables hold the frames themselves.
 */
static u64 host_leaf(struct mm_struct *mm, hva_t hva, u8 *level)
{
	const u64 *table = (const u64 *)mm->pgd;
	unsigned int at = pgtable_l5_enabled() ? 5 : 4;
	u64 entry;

	for (;; at--) {
		entry = READ_ONCE(table[hva >> um_level_shift(at) & (PTRS_PER_PTE - 1)]);
		if (at == UM_LEVEL_4K || !(entry & _PAGE_PRESENT) || (entry & _PAGE_PSE))
			break;
		table = __va(entry & PTE_PFN_MASK);
	}
	*level = at;
	return entry;
}

/*
 * Anonymous memory is ordinary: in the kernel's direct map and nobody's device. Of all else only
 * get_user_pages() knows whether it may be had.
 */
static bool is_ordinary(u64 leaf, u64 pfn)
{
	if (leaf & (_PAGE_SPECIAL | _PAGE_DEVMAP))
		return (leaf & _PAGE_SPECIAL) && is_zero_pfn(pfn);
	return pfn_valid(pfn) && PageAnon(pfn_to_page(pfn));
}

/*
 * May the page be used as @leaf maps it? A writable but clean leaf is not good for writing: the
 * host could not tell later that the guest wrote. Protection keys are not for us to judge.
 */
static enum um_host_page judge(u64 leaf, u64 pfn, bool write, bool *writable)
{
	const u64 readable = _PAGE_PRESENT | _PAGE_USER, all = readable | _PAGE_RW | _PAGE_DIRTY;

	*writable = (leaf & all) == all;
	if ((leaf & readable) != readable || (write && !*writable))
		return HOST_PAGE_FAULTS;
	if ((leaf & _PAGE_PKEY_MASK) || !is_ordinary(leaf, pfn))
		return HOST_PAGE_OTHER;
	return HOST_PAGE_READY;
}

enum um_host_page um_host_walk(struct um_vm *vm, hva_t hva, bool write, struct um_pfn *p)
{
	enum um_host_page found;
	unsigned long flags;
	u64 leaf, within;

	p->seq = smp_load_acquire(&vm->mmu_seq);	/* an old mapping has an old sequence */
	local_irq_save(flags);
	leaf = host_leaf(vm->mm, hva, &p->level);
	within = um_level_pages(p->level) - 1;
	p->pfn = ((leaf & PTE_PFN_MASK) >> UM_PAGE_SHIFT & ~within) |
		 (hva >> UM_PAGE_SHIFT & within);
	found = judge(leaf, p->pfn, write, &p->writable);
	local_irq_restore(flags);
	if (found == HOST_PAGE_FAULTS)
		p->level = UM_LEVEL_4K;
	return found;
}
