// SPDX-License-Identifier: GPL-2.0
/*
 * Of each gfn of a memslot, how many shadowed guest tables lie there. mmu_lock guards the counts.
 */
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
