// SPDX-License-Identifier: GPL-2.0
/*
 * The dirty ring: each vCPU tells in memory that it shares with userspace which pages were
 * written. A ring's lock guards pushing, slots_lock what is given back. Userspace may write to the
 * entries at any time, so nothing but their content is taken from there: both indices are the
 * kernel's own.
 */
#include <linux/log2.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "mmu.h"

/* What a vCPU can still push in the turn that fills its ring: by a fault, or the emulator. */
#define UM_RING_RESERVED	64
#define UM_RING_PML		512	/* and the CPU's own log */
/* Entries for which mmu_lock is held at a time. */
#define UM_RING_BATCH		64

struct um_dirty_ring {
	spinlock_t lock;	/* of pushed */
	u32 size;		/* in entries, a power of 2 */
	u32 soft;		/* with so many in use the vCPU is not entered */
	u32 pushed;		/* entries ever pushed. lock */
	u32 reset;		/* entries ever given back. slots_lock */
	u32 last_slot;		/* of the entry pushed last. lock */
	u64 last_offset;
	struct kvm_dirty_gfn *gfns;
};

static u32 um_ring_reserve(void)
{
	return UM_RING_RESERVED + (hw_caps.pml ? UM_RING_PML : 0);
}

long um_dirty_ring_enable(struct um_vm *vm, const struct kvm_enable_cap *cap)
{
	u32 bytes = cap->args[0];
	long ret = -EINVAL;

	if (!is_power_of_2(bytes) || bytes < PAGE_SIZE ||
	    bytes < um_ring_reserve() * sizeof(struct kvm_dirty_gfn))
		return -EINVAL;
	if (bytes > UM_DIRTY_RING_MAX)
		return -E2BIG;
	mutex_lock(&vm->lock);
	if (!vm->dirty.ring_bytes && !vm->nr_vcpus) {
		WRITE_ONCE(vm->dirty.ring_bytes, bytes);
		ret = 0;
	}
	mutex_unlock(&vm->lock);
	return ret;
}

int um_dirty_ring_init(struct um_vcpu *vcpu)
{
	u32 bytes = vcpu->vm->dirty.ring_bytes;
	struct um_dirty_ring *ring;

	if (!bytes)
		return 0;
	ring = kzalloc(sizeof(*ring), GFP_KERNEL_ACCOUNT);
	if (!ring)
		return -ENOMEM;
	ring->gfns = __vmalloc(bytes, GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!ring->gfns) {
		kfree(ring);
		return -ENOMEM;
	}
	spin_lock_init(&ring->lock);
	ring->size = bytes / sizeof(struct kvm_dirty_gfn);
	ring->soft = ring->size - um_ring_reserve();
	vcpu->ring = ring;
	return 0;
}

void um_dirty_ring_destroy(struct um_vcpu *vcpu)
{
	if (!vcpu->ring)
		return;
	vfree(vcpu->ring->gfns);
	kfree(vcpu->ring);
	vcpu->ring = NULL;
}

struct page *um_dirty_ring_page(const struct um_vcpu *vcpu, unsigned long pgoff)
{
	unsigned long page = pgoff - KVM_DIRTY_LOG_PAGE_OFFSET;

	if (!vcpu->ring || page >= vcpu->vm->dirty.ring_bytes / PAGE_SIZE)
		return NULL;
	return vmalloc_to_page((void *)vcpu->ring->gfns + page * PAGE_SIZE);
}

static struct kvm_dirty_gfn *um_ring_entry(const struct um_dirty_ring *ring, u32 index)
{
	return &ring->gfns[index & (ring->size - 1)];
}

static u32 um_ring_used(const struct um_dirty_ring *ring)
{
	return READ_ONCE(ring->pushed) - READ_ONCE(ring->reset);
}

bool um_dirty_ring_stop(struct um_vcpu *vcpu)
{
	if (um_ring_used(vcpu->ring) < vcpu->ring->soft)
		return false;
	/* The next KVM_RUN looks again. */
	um_make_request(vcpu, UM_REQ_RING_FULL);
	vcpu->run->exit_reason = KVM_EXIT_DIRTY_RING_FULL;
	return true;
}

static void um_ring_put(struct um_dirty_ring *ring, u32 slot, u64 offset)
{
	struct kvm_dirty_gfn *entry = um_ring_entry(ring, ring->pushed);

	WRITE_ONCE(entry->slot, slot);
	WRITE_ONCE(entry->offset, offset);
	/* Pairs with userspace's load of flags: the rest of the entry comes first. */
	smp_store_release(&entry->flags, KVM_DIRTY_GFN_F_DIRTY);
	WRITE_ONCE(ring->pushed, ring->pushed + 1);
	ring->last_slot = slot;
	ring->last_offset = offset;
}

/*
 * False: there is no room. A string instruction that is emulated writes to one page many times:
 * that is one entry as long as it is not given back. If it is just then, what was written comes
 * before the lock's barrier, and userspace, which reads the page after the reset, has it.
 */
static bool um_ring_add(struct um_dirty_ring *ring, u32 slot, u64 offset)
{
	bool room = true;
	u32 used;

	spin_lock(&ring->lock);
	used = um_ring_used(ring);
	if (!used || ring->last_slot != slot || ring->last_offset != offset) {
		room = used < ring->size;
		if (room)
			um_ring_put(ring, slot, offset);
	}
	spin_unlock(&ring->lock);
	return room;
}

/*
 * Whose ring takes what the running thread wrote for a vCPU. A write from anywhere else goes to
 * some ring: userspace reads them all.
 */
static struct um_vcpu *um_ring_vcpu(struct um_vm *vm)
{
	struct um_vcpu *vcpu, *any = NULL;
	unsigned long i;

	xa_for_each(&vm->vcpus, i, vcpu) {
		if (READ_ONCE(vcpu->task) == current)
			return vcpu;
		if (!any)
			any = vcpu;
	}
	return any;
}

void um_dirty_ring_push(struct um_vm *vm, struct um_vcpu *vcpu, const struct um_memslot *slot,
			gfn_t gfn)
{
	if (!vcpu)
		vcpu = um_ring_vcpu(vm);
	if (!vcpu)
		return;
	if (!um_ring_add(vcpu->ring, slot->id, gfn - slot->base_gfn))
		um_vm_kill(vm, "a dirty ring overflowed");
	if (um_ring_used(vcpu->ring) >= vcpu->ring->soft)
		um_make_request(vcpu, UM_REQ_RING_FULL);
}

/* A page that is to be watched again. */
struct um_ring_page {
	struct um_memslot *slot;
	gfn_t gfn;
};

/* What an entry names. It may be anything by now: false if there is no such page. */
static bool um_ring_resolve(struct um_vm *vm, const struct kvm_dirty_gfn *entry,
			    struct um_ring_page *page)
{
	u32 id = READ_ONCE(entry->slot);
	u64 offset = READ_ONCE(entry->offset);

	if (!um_slot_id_valid(id))
		return false;
	if (!page->slot || page->slot->id != id)
		page->slot = um_slot_by_id(vm, id);
	if (!page->slot || !um_slot_logs(page->slot) || offset >= page->slot->npages)
		return false;
	page->gfn = page->slot->base_gfn + offset;
	return true;
}

static void um_ring_rearm(struct um_vm *vm, const struct um_ring_page *pages, unsigned int n)
{
	bool flush = false;

	write_lock(&vm->mmu_lock);
	while (n--)
		flush |= um_mmu_rearm(vm, pages[n].slot, pages[n].gfn, pages[n].gfn + 1);
	if (flush)
		um_flush_remote_tlbs(vm);
	write_unlock(&vm->mmu_lock);
}

/*
 * Take back up to UM_RING_BATCH entries that userspace is done with, none from @end on; how many.
 * The entry is free once reset has moved on.
 */
static unsigned int um_ring_reset_some(struct um_vm *vm, struct um_dirty_ring *ring, u32 end)
{
	struct um_ring_page pages[UM_RING_BATCH], page = { NULL };
	unsigned int n = 0, done = 0;

	while (ring->reset != end && done < UM_RING_BATCH) {
		struct kvm_dirty_gfn *entry = um_ring_entry(ring, ring->reset);

		/* Pairs with userspace's store of flags: it has read the entry. */
		if (!(smp_load_acquire(&entry->flags) & KVM_DIRTY_GFN_F_RESET))
			break;
		if (um_ring_resolve(vm, entry, &page))
			pages[n++] = page;
		WRITE_ONCE(entry->flags, 0);
		/* Pairs with um_ring_used() before the entry is pushed anew. */
		smp_store_release(&ring->reset, ring->reset + 1);
		done++;
	}
	if (n)
		um_ring_rearm(vm, pages, n);
	return done;
}

static unsigned int um_ring_reset(struct um_vm *vm, struct um_dirty_ring *ring)
{
	u32 end = READ_ONCE(ring->pushed);
	unsigned int done, total = 0;

	do {
		done = um_ring_reset_some(vm, ring, end);
		total += done;
		cond_resched();
	} while (done && !fatal_signal_pending(current));
	return total;
}

long um_dirty_reset_rings(struct um_vm *vm)
{
	struct um_vcpu *vcpu;
	unsigned long i;
	long total = 0;

	if (!READ_ONCE(vm->dirty.ring_bytes))
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	xa_for_each(&vm->vcpus, i, vcpu)
		total += um_ring_reset(vm, vcpu->ring);
	mutex_unlock(&vm->slots_lock);
	return total;
}
