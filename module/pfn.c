// SPDX-License-Identifier: GPL-2.0
/*
 * From a gfn to the host page behind it, which the host allocates on first touch. The
 * caller holds vm->srcu and runs in the VM's own mm; um_pfn_stale() needs mmu_lock.
 */
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/pgtable.h>

#include "host.h"
#include "umbra.h"

/* Does the @level-sized block around @gfn lie in @slot, and its frames in one block of the host? */
static bool um_level_fits(const struct um_memslot *slot, gfn_t gfn, u64 pfn, unsigned int level)
{
	gfn_t start = gfn_align_down(gfn, level);
	u64 pages = um_level_pages(level);

	return !((gfn ^ pfn) & (pages - 1)) && start >= slot->base_gfn &&
	       start + pages <= slot->base_gfn + slot->npages;
}

/* The level at which the page found can be mapped; while pages are logged, each for itself. */
static unsigned int um_pfn_level(const struct um_memslot *slot, gfn_t gfn, const struct um_pfn *p)
{
	unsigned int level = slot->dirty ? UM_LEVEL_4K : p->level;

	while (level > UM_LEVEL_4K && !um_level_fits(slot, gfn, p->pfn, level))
		level--;
	return level;
}

/*
 * Take a page that only get_user_pages() may judge as the host maps it now, without sleeping.
 * What um_host_walk() found before stands: the same sequence guards it.
 */
static bool um_pfn_try(hva_t hva, bool write, struct um_pfn *p)
{
	p->writable = get_user_page_fast_only(hva, FOLL_WRITE, &p->page);
	return p->writable || (!write && get_user_page_fast_only(hva, 0, &p->page));
}

/* Have the host bring the page in. -EFAULT may also be a poisoned page. */
static int um_fault_in(struct um_vm *vm, hva_t hva, bool write)
{
	bool unlocked = false;
	int ret;

	if (mmap_read_lock_killable(vm->mm))
		return -EINTR;
	ret = fixup_user_fault(vm->mm, hva, write ? FAULT_FLAG_WRITE : 0, &unlocked);
	mmap_read_unlock(vm->mm);
	return ret;
}

/*
 * A reference keeps a page that has one from being freed until it is mapped; the
 * notifier does for those without.
 */
static int um_pfnmap_ref(struct um_pfn *p)
{
	struct page *page;

	p->page = NULL;
	if (!pfn_valid(p->pfn))
		return 0;
	page = pfn_to_page(p->pfn);
	if (PageReserved(page))
		return 0;
	/* A page that nobody counts could be freed and given out again: refuse it. */
	if (!get_page_unless_zero(page))
		return -EFAULT;
	p->page = page;
	return 0;
}

/* A frame mapped by a driver. -ENOENT: @hva is not such memory. */
static int um_pfnmap_get(struct um_vm *vm, hva_t hva, bool write, struct um_pfn *p)
{
	struct vm_area_struct *vma;
	int ret = -ENOENT;

	if (mmap_read_lock_killable(vm->mm))
		return -EINTR;
	p->seq = smp_load_acquire(&vm->mmu_seq);	/* as in um_host_walk() */
	vma = vma_lookup(vm->mm, hva);
	if (vma && (vma->vm_flags & (VM_IO | VM_PFNMAP))) {
		ret = host_follow_pfn(vma, hva, &p->pfn, &p->writable);
		if (!ret && write && !p->writable)
			ret = -EFAULT;
		if (!ret)
			ret = um_pfnmap_ref(p);
		p->ram = p->page;
		p->level = UM_LEVEL_4K;
	}
	mmap_read_unlock(vm->mm);
	return ret == -EINVAL ? -EFAULT : ret;
}

/*
 * The host's complete and slowest way: races that the quick one lost are settled, a
 * poisoned page is told apart.
 */
static int um_pfn_get_slow(struct um_vm *vm, hva_t hva, bool write, struct um_pfn *p)
{
	long n;

	p->seq = smp_load_acquire(&vm->mmu_seq);	/* as in um_host_walk() */
	n = get_user_pages_unlocked(hva, 1, &p->page, FOLL_HWPOISON | (write ? FOLL_WRITE : 0));
	p->writable = write;
	p->level = UM_LEVEL_4K;
	return n == 1 ? 0 : n < 0 ? n : -EFAULT;
}

static int um_pfn_find(struct um_vm *vm, hva_t hva, bool write, struct um_pfn *p)
{
	enum um_host_page found = um_host_walk(vm, hva, write, p);
	int ret = 0;

	if (found == HOST_PAGE_FAULTS) {
		ret = um_fault_in(vm, hva, write);
		if (!ret)
			found = um_host_walk(vm, hva, write, p);
	}
	if (!ret && (found == HOST_PAGE_READY || um_pfn_try(hva, write, p)))
		return 0;
	if (!ret)
		ret = um_pfnmap_get(vm, hva, write, p);
	return ret == -ENOENT || ret == -EFAULT ? um_pfn_get_slow(vm, hva, write, p) : ret;
}

int um_pfn_get(struct um_vm *vm, struct um_memslot *slot, gfn_t gfn, bool write, struct um_pfn *out)
{
	int ret;

	if (READ_ONCE(vm->mm_gone))
		return -ENOENT;
	if (write && (slot->flags & KVM_MEM_READONLY))
		return -EFAULT;

	out->page = NULL;
	out->ram = true;
	ret = um_pfn_find(vm, um_slot_hva(slot, gfn), write, out);
	if (ret)
		return ret;
	if (out->page)
		out->pfn = page_to_pfn(out->page);
	out->level = um_pfn_level(slot, gfn, out);
	if (slot->flags & KVM_MEM_READONLY)
		out->writable = false;
	return 0;
}

/*
 * A guest's write leaves no trace in the host's page tables, so a page counts as dirty
 * from when it can be written; one that is held by no reference was so already. The host cleans it only after the notifier has unmapped
 * it.
 */
void um_pfn_put(struct um_pfn *p, bool dirtied)
{
	if (!p->page)
		return;
	if (dirtied && !PageReserved(p->page) && !PageDirty(p->page))
		SetPageDirty(p->page);
	put_page(p->page);
	p->page = NULL;
}

bool um_pfn_stale(struct um_vm *vm, struct um_memslot *slot, gfn_t gfn, const struct um_pfn *p)
{
	hva_t hva;

	lockdep_assert_held(&vm->mmu_lock);
	if (vm->mmu_seq != p->seq)
		return true;
	hva = um_slot_hva(slot, gfn);
	return vm->mmu_invalidating && hva >= vm->inval_start && hva < vm->inval_end;
}
