// SPDX-License-Identifier: GPL-2.0
/*
 * The dirty log as a bitmap of each slot: KVM_GET_DIRTY_LOG and KVM_CLEAR_DIRTY_LOG. slots_lock
 * serialises readers of the log and guards its copy; the bits are atomic; what a page may do in the
 * backends' tables changes under mmu_lock.
 */
#include <linux/bitmap.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "audit.h"
#include "mmu.h"

#define UM_DIRTY_MANUAL		(KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET)
/* Pages for which mmu_lock is held at a time: 1 GiB. */
#define UM_DIRTY_CHUNK		((gfn_t)BIT(18))

long um_dirty_set_manual(struct um_vm *vm, const struct kvm_enable_cap *cap)
{
	u64 how = cap->args[0];

	if (cap->flags || (how & ~UM_DIRTY_MANUAL) || how == KVM_DIRTY_LOG_INITIALLY_SET)
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	vm->dirty.manual = how;
	mutex_unlock(&vm->slots_lock);
	return 0;
}

/* Every page counts as written from the start, so none has to be watched yet. */
static bool um_dirty_initially_set(const struct um_vm *vm)
{
	return !vm->dirty.ring_bytes && (vm->dirty.manual & KVM_DIRTY_LOG_INITIALLY_SET);
}

static unsigned long um_dirty_longs(u64 npages)
{
	return BITS_TO_LONGS(npages);
}

/* Behind the log: what userspace gets, or which bits it wants cleared. */
static unsigned long *um_dirty_buffer(const struct um_memslot *slot)
{
	return slot->dirty + um_dirty_longs(slot->npages);
}

int um_dirty_alloc(struct um_vm *vm, struct um_memslot *slot)
{
	if (vm->dirty.ring_bytes)
		return 0;
	slot->dirty = kvcalloc(um_dirty_longs(slot->npages), 2 * sizeof(long), UM_GFP_BULK);
	if (!slot->dirty)
		return -ENOMEM;
	if (um_dirty_initially_set(vm))
		bitmap_set(slot->dirty, 0, slot->npages);
	return 0;
}

void um_dirty_copy(struct um_memslot *to, const struct um_memslot *from)
{
	if (to->dirty && from->dirty)
		bitmap_copy(to->dirty, from->dirty, from->npages);
}

/* Chunks begin where a large page may, so that none is cut in two. */
static void um_dirty_each_chunk(struct um_vm *vm, struct um_memslot *slot,
				bool (*fn)(struct um_vm *vm, struct um_memslot *slot, gfn_t start,
					   gfn_t end))
{
	gfn_t gfn, next, end = slot->base_gfn + slot->npages;

	for (gfn = slot->base_gfn; gfn < end; gfn = next) {
		next = min(round_down(gfn, UM_DIRTY_CHUNK) + UM_DIRTY_CHUNK, end);
		write_lock(&vm->mmu_lock);
		if (fn(vm, slot, gfn, next))
			um_flush_remote_tlbs(vm);
		write_unlock(&vm->mmu_lock);
		cond_resched();
	}
}

void um_dirty_start(struct um_vm *vm, struct um_memslot *slot)
{
	if (!um_dirty_initially_set(vm))
		um_dirty_each_chunk(vm, slot, um_mmu_rearm);
}

void um_dirty_stop(struct um_vm *vm, struct um_memslot *slot)
{
	um_dirty_end(vm);
	um_dirty_each_chunk(vm, slot, um_mmu_collapse);
}

/* Once a slot logs, leaves may be clean and writable: who runs must note the writes. */
void um_dirty_begin(struct um_vm *vm)
{
	WRITE_ONCE(vm->dirty.nr_logging, vm->dirty.nr_logging + 1);
	if (vm->dirty.nr_logging == 1 && um_mmu_pml(vm))
		um_request_all(vm, UM_REQ_RELOAD_ROOT, true);
}

void um_dirty_end(struct um_vm *vm)
{
	WRITE_ONCE(vm->dirty.nr_logging, vm->dirty.nr_logging - 1);
	if (!vm->dirty.nr_logging && um_mmu_pml(vm))
		um_request_all(vm, UM_REQ_RELOAD_ROOT, false);
}

void um_dirty_sync(struct um_vm *vm)
{
	if (vm->dirty.nr_logging && um_mmu_pml(vm))
		um_request_all(vm, UM_REQ_KICK, true);
}

/*
 * A slot being deleted or moved is no longer among the slots when its last writes come in; it is
 * freed after um_dirty_sync(). vm->srcu held, in guest mode.
 */
static struct um_memslot *um_dirty_find(struct um_vm *vm, gfn_t gfn)
{
	struct um_memslot *slot = um_slot_find(vm, gfn);

	if (slot)
		return slot;
	slot = READ_ONCE(vm->retiring);
	return slot && gfn - slot->base_gfn < slot->npages ? slot : NULL;
}

void um_dirty_logged(struct um_vcpu *vcpu, const u64 *gpas, unsigned int n)
{
	struct um_vm *vm = vcpu->vm;
	int idx = srcu_read_lock(&vm->srcu);
	struct um_memslot *slot;
	gfn_t gfn;

	while (n--) {
		gfn = gpa_to_gfn(gpas[n] | vcpu->space);
		slot = um_dirty_find(vm, gfn);
		if (slot)
			um_mark_dirty(vm, vcpu, slot, gfn);
	}
	srcu_read_unlock(&vm->srcu, idx);
}

void um_mark_dirty(struct um_vm *vm, struct um_vcpu *vcpu, struct um_memslot *slot, gfn_t gfn)
{
	gfn_t n = gfn - slot->base_gfn;

	if (!um_slot_logs(slot))
		return;
	if (vm->dirty.ring_bytes)
		um_dirty_ring_push(vm, vcpu, slot, gfn);
	else if (!test_bit(n, slot->dirty))
		set_bit(n, slot->dirty);
}

/*
 * The next write to each page set in @bits is logged again; bit 0 is page @first of @slot. Once the
 * flush is over that holds for every vCPU, so what userspace then reads of a page is not older than
 * the last write that it was told of. mmu_lock held for write.
 */
static void um_dirty_rearm(struct um_vm *vm, struct um_memslot *slot, u64 first,
			   const unsigned long *bits, unsigned long nbits)
{
	gfn_t base = slot->base_gfn + first;
	unsigned long start, end;
	bool flush = false;

	for_each_set_bitrange(start, end, bits, nbits)
		flush |= um_mmu_rearm(vm, slot, base + start, base + end);
	if (flush)
		um_flush_remote_tlbs(vm);
}

/* Clear of the log what @want has set, or all without it; @got are the bits that were set. */
static void um_dirty_take(unsigned long *log, const unsigned long *want, unsigned long *got,
			  unsigned long longs)
{
	unsigned long i, mask;

	for (i = 0; i < longs; i++) {
		mask = want ? want[i] : ~0UL;
		if (!(READ_ONCE(log[i]) & mask))
			got[i] = 0;
		else
			got[i] = mask & atomic_long_fetch_andnot(mask, (atomic_long_t *)&log[i]);
	}
}

/* Take the pages [@first, @first + @npages) in chunks; @want and @got begin at page @first. */
static void um_dirty_take_range(struct um_vm *vm, struct um_memslot *slot, u64 first, u64 npages,
				const unsigned long *want, unsigned long *got)
{
	u64 done, n;

	for (done = 0; done < npages; done += n) {
		unsigned long at = done / BITS_PER_LONG;
		unsigned long *log = slot->dirty + (first + done) / BITS_PER_LONG;

		n = min(npages - done, UM_DIRTY_CHUNK);
		write_lock(&vm->mmu_lock);
		um_dirty_take(log, want ? want + at : NULL, got + at, BITS_TO_LONGS(n));
		um_dirty_rearm(vm, slot, first + done, got + at, n);
		write_unlock(&vm->mmu_lock);
		cond_resched();
	}
}

/* The slot with a log that @id names. slots_lock held. */
static struct um_memslot *um_dirty_slot(struct um_vm *vm, u32 id)
{
	struct um_memslot *slot = um_slot_by_id(vm, id);

	return slot && slot->dirty ? slot : ERR_PTR(-ENOENT);
}

static long um_dirty_get_locked(struct um_vm *vm, const struct kvm_dirty_log *log)
{
	struct um_memslot *slot = um_dirty_slot(vm, log->slot);
	unsigned long *from;

	if (IS_ERR(slot))
		return PTR_ERR(slot);
	um_dirty_sync(vm);
	from = slot->dirty;
	if (!vm->dirty.manual) {
		from = um_dirty_buffer(slot);
		um_dirty_take_range(vm, slot, 0, slot->npages, NULL, from);
	}
	if (copy_to_user(log->dirty_bitmap, from, um_dirty_longs(slot->npages) * sizeof(long)))
		return -EFAULT;
	return 0;
}

long um_dirty_get_log(struct um_vm *vm, const struct kvm_dirty_log *log)
{
	long ret;

	if (READ_ONCE(vm->dirty.ring_bytes))
		return -ENXIO;
	if (!um_slot_id_valid(log->slot))
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	ret = um_dirty_get_locked(vm, log);
	mutex_unlock(&vm->slots_lock);
	um_audit_vm(vm);
	return ret;
}

/* Whole words of the log, but that the last one may be the slot's last, too. */
static bool um_dirty_range_fits(const struct um_memslot *slot, u64 first, u64 npages)
{
	if (first > slot->npages || npages > slot->npages - first)
		return false;
	return first + npages == slot->npages || npages % BITS_PER_LONG == 0;
}

static long um_dirty_clear_locked(struct um_vm *vm, const struct kvm_clear_dirty_log *log)
{
	struct um_memslot *slot = um_dirty_slot(vm, log->slot);
	unsigned long *want;

	if (IS_ERR(slot))
		return PTR_ERR(slot);
	if (!um_dirty_range_fits(slot, log->first_page, log->num_pages))
		return -EINVAL;
	want = um_dirty_buffer(slot);
	if (copy_from_user(want, log->dirty_bitmap, um_dirty_longs(log->num_pages) * sizeof(long)))
		return -EFAULT;
	um_dirty_sync(vm);
	um_dirty_take_range(vm, slot, log->first_page, log->num_pages, want, want);
	return 0;
}

long um_dirty_clear_log(struct um_vm *vm, const struct kvm_clear_dirty_log *log)
{
	long ret;

	if (READ_ONCE(vm->dirty.ring_bytes))
		return -ENXIO;
	if (!um_slot_id_valid(log->slot) || log->first_page % BITS_PER_LONG)
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	ret = um_dirty_clear_locked(vm, log);
	mutex_unlock(&vm->slots_lock);
	um_audit_vm(vm);
	return ret;
}
