// SPDX-License-Identifier: GPL-2.0
/*
 * What is known of single gfns of a memslot: how many shadowed guest tables lie there,
 * and whether it was written since the log was last read. mmu_lock guards the counts;
 * the log's bits are atomic.
 */
#include <linux/uaccess.h>

#include "audit.h"
#include "mmu.h"

#define UM_TRACK_MAX	U16_MAX		/* a count that got here stays: tracking costs time only */

void um_track_add(struct um_vm *vm, struct um_memslot *slot, gfn_t gfn)
{
	u16 *count = &slot->track[gfn - slot->base_gfn];

	lockdep_assert_held_write(&vm->mmu_lock);
	if (*count != UM_TRACK_MAX)
		WRITE_ONCE(*count, *count + 1);
}

void um_track_remove(struct um_vm *vm, struct um_memslot *slot, gfn_t gfn)
{
	u16 *count = &slot->track[gfn - slot->base_gfn];

	lockdep_assert_held_write(&vm->mmu_lock);
	if (!WARN_ON_ONCE(!*count) && *count != UM_TRACK_MAX)
		WRITE_ONCE(*count, *count - 1);
}

bool um_tracked(struct um_memslot *slot, gfn_t gfn)
{
	const u16 *track = READ_ONCE(slot->track);

	return track && READ_ONCE(track[gfn - slot->base_gfn]);
}

void um_mark_dirty(struct um_vm *vm, struct um_memslot *slot, gfn_t gfn)
{
	gfn_t n = gfn - slot->base_gfn;

	if (slot->dirty && !test_bit(n, slot->dirty))
		set_bit(n, slot->dirty);
}

/* The pages that are set in word @i of the log become read-only. */
static bool um_dirty_wrprotect(struct um_vm *vm, struct um_memslot *slot, unsigned long i,
			       unsigned long bits)
{
	gfn_t base = slot->base_gfn + i * BITS_PER_LONG;

	return um_mmu_wrprotect(vm, slot, base + __ffs(bits), base + __fls(bits) + 1);
}

/*
 * Move the log to its copy. Once the flush is over, a page is either read-only or its
 * next write is logged, so what userspace reads of a page after this call is not older
 * than the last write that the copy reports.
 */
static void um_dirty_take(struct um_vm *vm, struct um_memslot *slot, unsigned long *copy)
{
	unsigned long i, longs = BITS_TO_LONGS(slot->npages);
	bool flush = false;

	write_lock(&vm->mmu_lock);
	for (i = 0; i < longs; i++) {
		copy[i] = slot->dirty[i] ? xchg(&slot->dirty[i], 0) : 0;
		if (copy[i])
			flush |= um_dirty_wrprotect(vm, slot, i, copy[i]);
	}
	if (flush)
		um_flush_remote_tlbs(vm);
	write_unlock(&vm->mmu_lock);
}

long um_slot_get_dirty_log(struct um_vm *vm, const struct kvm_dirty_log *log)
{
	struct um_memslot *slot;
	unsigned long longs;
	long ret = 0;

	if (log->slot >= UM_MAX_SLOTS)
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	slot = um_slot_by_id(um_slots(vm), log->slot);
	if (!slot || !slot->dirty) {
		ret = -ENOENT;
		goto unlock;
	}
	longs = BITS_TO_LONGS(slot->npages);
	um_dirty_take(vm, slot, slot->dirty + longs);
	if (copy_to_user(log->dirty_bitmap, slot->dirty + longs, longs * sizeof(long)))
		ret = -EFAULT;
unlock:
	mutex_unlock(&vm->slots_lock);
	um_audit_vm(vm);
	return ret;
}
