// SPDX-License-Identifier: GPL-2.0
/*
 * The host takes memory back: one MMU notifier per VM. mmu_lock guards the sequence and
 * the range; slots are read under vm->srcu.
 *
 * The notifier is registered with mmu_notifier_register() and let go with
 * mmu_notifier_put(): no call waits for the notifiers' SRCU, and free_notifier comes
 * when its grace period is over.
 */
#include <linux/mmu_notifier.h>

#include "mmu.h"

typedef bool (*um_range_fn)(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end);

static struct um_vm *mn_vm(struct mmu_notifier *mn)
{
	return container_of(mn, struct um_vm, mn);
}

/* Call @fn for the gfns of @slot whose hvas overlap [start, end). */
static bool um_slot_range(struct um_vm *vm, struct um_memslot *slot, hva_t start, hva_t end,
			  um_range_fn fn)
{
	hva_t slot_end = slot->hva + (slot->npages << UM_PAGE_SHIFT);
	gfn_t first, last;

	start = max(start, slot->hva);
	end = min(end, slot_end);
	if (start >= end)
		return false;
	first = slot->base_gfn + ((start - slot->hva) >> UM_PAGE_SHIFT);
	last = slot->base_gfn + ((end - 1 - slot->hva) >> UM_PAGE_SHIFT);
	return fn(vm, slot, first, last + 1);
}

/*
 * Every slot over [start, end), and the one being deleted. mmu_lock held for write;
 * vm->srcu held.
 */
static bool um_for_range(struct um_vm *vm, hva_t start, hva_t end, um_range_fn fn)
{
	struct um_memslots *slots = um_slots(vm);
	bool ret = false;
	unsigned int i;

	for (i = 0; i < slots->count; i++)
		ret |= um_slot_range(vm, slots->slot[i], start, end, fn);
	if (vm->retiring)
		ret |= um_slot_range(vm, vm->retiring, start, end, fn);
	return ret;
}

/* Faults in this range find themselves stale until the last invalidation in progress has ended. */
static void um_invalidate_begin(struct um_vm *vm, hva_t start, hva_t end)
{
	if (!vm->mmu_invalidating++) {
		vm->inval_start = start;
		vm->inval_end = end;
	} else {
		vm->inval_start = min(vm->inval_start, start);
		vm->inval_end = max(vm->inval_end, end);
	}
}

/*
 * Invalidations are counted whether or not a slot lies in the range: a slot that is
 * created meanwhile must not be filled with pages that are on their way out.
 */
static int um_mn_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct um_vm *vm = mn_vm(mn);
	int idx = srcu_read_lock(&vm->srcu);

	write_lock(&vm->mmu_lock);
	um_invalidate_begin(vm, range->start, range->end);
	if (um_for_range(vm, range->start, range->end, um_mmu_unmap))
		um_flush_remote_tlbs(vm);
	write_unlock(&vm->mmu_lock);
	srcu_read_unlock(&vm->srcu, idx);
	return 0;
}

static void um_mn_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct um_vm *vm = mn_vm(mn);

	write_lock(&vm->mmu_lock);
	/* Pairs with um_pfn_try(): who samples the new sequence sees the host's new mapping. */
	smp_store_release(&vm->mmu_seq, vm->mmu_seq + 1);
	WARN_ON_ONCE(--vm->mmu_invalidating < 0);
	write_unlock(&vm->mmu_lock);
}

static bool um_age_clear(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end)
{
	return um_mmu_age(vm, slot, start, end, true);
}

static bool um_age_test(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end)
{
	return um_mmu_age(vm, slot, start, end, false);
}

static int um_mn_age(struct um_vm *vm, hva_t start, hva_t end, um_range_fn fn, bool flush)
{
	int idx = srcu_read_lock(&vm->srcu);
	bool young;

	write_lock(&vm->mmu_lock);
	young = um_for_range(vm, start, end, fn);
	if (young && flush)
		um_flush_remote_tlbs(vm);
	write_unlock(&vm->mmu_lock);
	srcu_read_unlock(&vm->srcu, idx);
	return young;
}

static int um_mn_clear_flush_young(struct mmu_notifier *mn, struct mm_struct *mm,
				   unsigned long start, unsigned long end)
{
	return um_mn_age(mn_vm(mn), start, end, um_age_clear, true);
}

/*
 * No flush: a translation that stays cached delays the next access being seen, which
 * only makes reclaim less exact.
 */
static int um_mn_clear_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long start,
			     unsigned long end)
{
	return um_mn_age(mn_vm(mn), start, end, um_age_clear, false);
}

static int um_mn_test_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long hva)
{
	return um_mn_age(mn_vm(mn), hva, hva + 1, um_age_test, false);
}

/* The address space goes away while a file of the VM is still open elsewhere. */
static void um_mn_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct um_vm *vm = mn_vm(mn);
	int idx = srcu_read_lock(&vm->srcu);

	write_lock(&vm->mmu_lock);
	WRITE_ONCE(vm->mm_gone, true);
	um_mmu_zap_all(vm);
	write_unlock(&vm->mmu_lock);
	srcu_read_unlock(&vm->srcu, idx);
}

static void um_mn_free(struct mmu_notifier *mn)
{
	um_vm_queue_free(mn_vm(mn));
}

static const struct mmu_notifier_ops um_mn_ops = {
	.release = um_mn_release,
	.invalidate_range_start = um_mn_start,
	.invalidate_range_end = um_mn_end,
	.clear_flush_young = um_mn_clear_flush_young,
	.clear_young = um_mn_clear_young,
	.test_young = um_mn_test_young,
	.free_notifier = um_mn_free,
};

int um_notifier_init(struct um_vm *vm)
{
	vm->mn.ops = &um_mn_ops;
	return mmu_notifier_register(&vm->mn, vm->mm);
}

void um_notifier_put(struct um_vm *vm)
{
	mmu_notifier_put(&vm->mn);
}

void um_notifier_exit(void)
{
	mmu_notifier_synchronize();
}
