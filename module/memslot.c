// SPDX-License-Identifier: GPL-2.0
/*
 * Memslots: guest memory over the caller's address space. slots_lock serialises
 * changes; readers hold vm->srcu; vm->retiring needs mmu_lock.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "audit.h"
#include "hw.h"
#include "mmu.h"

#define UM_MAX_SLOT_PAGES	((1ULL << 31) - 1)
#define UM_SLOT_FLAGS		(KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY)

struct um_memslots *um_slots(struct um_vm *vm)
{
	return srcu_dereference_check(vm->slots, &vm->srcu,
				      lockdep_is_held(&vm->slots_lock) ||
				      !refcount_read(&vm->users));
}

static bool um_slot_holds(const struct um_memslot *slot, gfn_t gfn)
{
	return gfn - slot->base_gfn < slot->npages;
}

/* The number of slots that start at or below @gfn. */
static unsigned int um_slots_rank(const struct um_memslots *slots, gfn_t gfn)
{
	unsigned int lo = 0, hi = slots->count;

	while (lo < hi) {
		unsigned int mid = lo + (hi - lo) / 2;

		if (slots->slot[mid]->base_gfn <= gfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct um_memslot *um_slot_find(struct um_vm *vm, gfn_t gfn)
{
	struct um_memslots *slots = um_slots(vm);
	unsigned int i = READ_ONCE(slots->last);

	if (i < slots->count && um_slot_holds(slots->slot[i], gfn))
		return slots->slot[i];

	i = um_slots_rank(slots, gfn);
	if (!i || !um_slot_holds(slots->slot[i - 1], gfn))
		return NULL;
	WRITE_ONCE(slots->last, i - 1);
	return slots->slot[i - 1];
}

struct um_memslot *um_slot_by_id(struct um_vm *vm, u32 id)
{
	return xa_load(&vm->slot_ids, id);
}

u64 um_slots_pages(struct um_vm *vm)
{
	struct um_memslots *slots;
	unsigned int i;
	u64 pages = 0;

	mutex_lock(&vm->slots_lock);
	slots = um_slots(vm);
	for (i = 0; i < slots->count; i++)
		pages += slots->slot[i]->npages;
	mutex_unlock(&vm->slots_lock);
	return pages;
}

/* With room to grow, and from what a change has left over: most changes allocate nothing. */
static struct um_memslots *um_slots_alloc(struct um_vm *vm, unsigned int count)
{
	struct um_memslots *slots = vm->slots_spare;
	unsigned int capacity = count + count / 2;

	if (slots && slots->capacity >= count) {
		vm->slots_spare = NULL;
		return slots;
	}
	slots = kvmalloc(struct_size(slots, slot, capacity), GFP_KERNEL_ACCOUNT);
	if (slots)
		slots->capacity = capacity;
	return slots;
}

static void um_slots_release(struct um_vm *vm, struct um_memslots *slots)
{
	if (slots && (!vm->slots_spare || slots->capacity > vm->slots_spare->capacity))
		swap(slots, vm->slots_spare);
	kvfree(slots);
}

int um_slots_init(struct um_vm *vm)
{
	struct um_memslots *slots = um_slots_alloc(vm, 0);

	if (!slots)
		return -ENOMEM;
	slots->generation = 1;
	slots->count = 0;
	slots->last = 0;
	xa_init_flags(&vm->slot_ids, XA_FLAGS_ACCOUNT);
	rcu_assign_pointer(vm->slots, slots);
	return 0;
}

static void um_slots_remove(struct um_memslots *slots, const struct um_memslot *old)
{
	unsigned int i = um_slots_rank(slots, old->base_gfn);

	memmove(&slots->slot[i - 1], &slots->slot[i],
		(slots->count - i) * sizeof(slots->slot[0]));
	slots->count--;
}

static void um_slots_insert(struct um_memslots *slots, struct um_memslot *new)
{
	unsigned int i = um_slots_rank(slots, new->base_gfn);

	memmove(&slots->slot[i + 1], &slots->slot[i],
		(slots->count - i) * sizeof(slots->slot[0]));
	slots->slot[i] = new;
	slots->count++;
}

/* A copy of the slots without @old and with @new; either may be NULL. */
static struct um_memslots *um_slots_copy(struct um_vm *vm, const struct um_memslot *old,
					 struct um_memslot *new)
{
	struct um_memslots *from = um_slots(vm);
	struct um_memslots *to = um_slots_alloc(vm, from->count + 1);

	if (!to)
		return NULL;
	memcpy(to->slot, from->slot, from->count * sizeof(to->slot[0]));
	to->count = from->count;
	to->last = 0;
	if (old)
		um_slots_remove(to, old);
	if (new)
		um_slots_insert(to, new);
	return to;
}

/* Readers see @slots; on return none sees what was there before. */
static void um_slots_publish(struct um_vm *vm, struct um_memslots *slots)
{
	struct um_memslots *before = um_slots(vm);

	slots->generation = before->generation + 1;
	rcu_assign_pointer(vm->slots, slots);
	synchronize_srcu_expedited(&vm->srcu);
	um_slots_release(vm, before);
}

static int um_track_alloc(struct um_memslot *slot)
{
	slot->track = kvcalloc(slot->npages, sizeof(*slot->track), UM_GFP_BULK);
	return slot->track ? 0 : -ENOMEM;
}

static int um_slot_add_backend(struct um_vm *vm, struct um_memslot *slot,
			       const struct um_mmu_ops *ops)
{
	if (ops->id == UM_BACKEND_SHADOW && !slot->track && um_track_alloc(slot))
		return -ENOMEM;
	return ops->slot_init ? ops->slot_init(vm, slot) : 0;
}

/* @slot is unreachable and unmapped. */
static void um_slot_free(struct um_vm *vm, struct um_memslot *slot)
{
	u32 id;

	for (id = 1; id < UM_NR_BACKENDS; id++)
		if (slot->priv[id] && vm->mmu[id] && vm->mmu[id]->slot_destroy)
			vm->mmu[id]->slot_destroy(vm, slot);
	kvfree(slot->dirty);
	kvfree(slot->track);
	kfree(slot);
}

static int um_slot_fill(struct um_vm *vm, struct um_memslot *slot)
{
	int error;
	u32 id;

	if (um_slot_logs(slot)) {
		error = um_dirty_alloc(vm, slot);
		if (error)
			return error;
	}
	for (id = 1; id < UM_NR_BACKENDS; id++) {
		error = vm->mmu[id] ? um_slot_add_backend(vm, slot, vm->mmu[id]) : 0;
		if (error)
			return error;
	}
	return 0;
}

static struct um_memslot *um_slot_alloc(struct um_vm *vm,
					const struct kvm_userspace_memory_region *r)
{
	struct um_memslot *slot = kzalloc(sizeof(*slot), GFP_KERNEL_ACCOUNT);

	if (!slot)
		return NULL;
	slot->base_gfn = gpa_to_gfn(r->guest_phys_addr);
	slot->npages = r->memory_size >> UM_PAGE_SHIFT;
	slot->hva = r->userspace_addr;
	slot->id = r->slot;
	slot->flags = r->flags;
	if (um_slot_fill(vm, slot)) {
		um_slot_free(vm, slot);
		return NULL;
	}
	return slot;
}

/* Until um_slot_unmap(), @slot may be mapped but is not among the slots: the notifier finds it. */
static void um_slot_retire(struct um_vm *vm, struct um_memslot *slot)
{
	write_lock(&vm->mmu_lock);
	vm->retiring = slot;
	write_unlock(&vm->mmu_lock);
}

/*
 * Guest page tables may lie in the slot, so everything derived from its memory goes,
 * not its own translations only.
 */
static void um_slot_unmap(struct um_vm *vm)
{
	write_lock(&vm->mmu_lock);
	um_mmu_zap_all(vm);
	WRITE_ONCE(vm->retiring, NULL);
	write_unlock(&vm->mmu_lock);
	um_dirty_sync(vm);
}

static long um_slot_delete(struct um_vm *vm, struct um_memslot *old)
{
	struct um_memslots *slots = um_slots_copy(vm, old, NULL);

	if (!slots)
		return -ENOMEM;
	um_slot_retire(vm, old);
	um_slots_publish(vm, slots);
	xa_erase(&vm->slot_ids, old->id);
	um_slot_unmap(vm);
	if (um_slot_logs(old))
		um_dirty_end(vm);
	um_slot_free(vm, old);
	return 0;
}

/* What a backend remembers as MMIO in the new slot's range is memory now. */
static void um_slot_forget_mmio(struct um_vm *vm, struct um_memslot *slot)
{
	write_lock(&vm->mmu_lock);
	if (um_mmu_unmap(vm, slot, slot->base_gfn, slot->base_gfn + slot->npages))
		um_flush_remote_tlbs(vm);
	write_unlock(&vm->mmu_lock);
}

static long um_slot_create(struct um_vm *vm, const struct kvm_userspace_memory_region *r)
{
	struct um_memslot *slot = um_slot_alloc(vm, r);
	struct um_memslots *slots;

	if (!slot)
		return -ENOMEM;
	slots = um_slots_copy(vm, NULL, slot);
	if (!slots || xa_err(xa_store(&vm->slot_ids, slot->id, slot, GFP_KERNEL_ACCOUNT))) {
		um_slots_release(vm, slots);
		um_slot_free(vm, slot);
		return -ENOMEM;
	}
	if (um_slot_logs(slot))
		um_dirty_begin(vm);
	um_slots_publish(vm, slots);
	um_slot_forget_mmio(vm, slot);
	return 0;
}

/*
 * The backends have left the old place before the new one is there: the two may
 * overlap, their counts must not mix.
 */
static long um_slot_move(struct um_vm *vm, struct um_memslot *old,
			 const struct kvm_userspace_memory_region *r)
{
	struct um_memslots *without = um_slots_copy(vm, old, NULL), *with = NULL;
	struct um_memslot *new = um_slot_alloc(vm, r);

	if (new)
		with = um_slots_copy(vm, old, new);
	if (!without || !with) {
		if (new)
			um_slot_free(vm, new);
		um_slots_release(vm, with);
		um_slots_release(vm, without);
		return -ENOMEM;
	}
	/* The entry is there: nothing is allocated. */
	xa_store(&vm->slot_ids, new->id, new, GFP_KERNEL_ACCOUNT);
	um_slot_retire(vm, old);
	um_slots_publish(vm, without);
	um_slot_unmap(vm);
	um_dirty_copy(new, old);
	if (um_slot_logs(new))
		um_dirty_begin(vm);
	if (um_slot_logs(old))
		um_dirty_end(vm);
	um_slot_free(vm, old);
	um_slots_publish(vm, with);
	um_slot_forget_mmio(vm, new);
	return 0;
}

/*
 * Free a slot whose new version took over all that the backends keep in it; the log is
 * not shared.
 */
static void um_slot_free_replaced(struct um_memslot *old)
{
	kvfree(old->dirty);
	kfree(old);
}

/*
 * Only logging can be switched. When the slots are published, no fault that knew the
 * old flags is under way, so what is write-protected then stays so until it is logged.
 */
static long um_slot_set_flags(struct um_vm *vm, struct um_memslot *old, u32 flags)
{
	struct um_memslot *new = kmemdup(old, sizeof(*old), GFP_KERNEL_ACCOUNT);
	struct um_memslots *slots;

	if (!new)
		return -ENOMEM;
	new->flags = flags;
	new->dirty = NULL;
	if (um_slot_logs(new) && um_dirty_alloc(vm, new))
		goto no_memory;
	slots = um_slots_copy(vm, old, new);
	if (!slots)
		goto no_memory;

	if (um_slot_logs(new))
		um_dirty_begin(vm);
	um_slots_publish(vm, slots);
	xa_store(&vm->slot_ids, new->id, new, GFP_KERNEL_ACCOUNT);
	um_slot_free_replaced(old);
	if (um_slot_logs(new))
		um_dirty_start(vm, new);
	else
		um_dirty_stop(vm, new);
	return 0;

no_memory:
	kvfree(new->dirty);
	kfree(new);
	return -ENOMEM;
}

/* The guest physical addresses that every backend can map: EPT with four levels ends at 48 bits. */
static bool um_region_mappable(const struct kvm_userspace_memory_region *r)
{
	gpa_t last = r->guest_phys_addr - um_slot_space(r->slot) + r->memory_size - 1;
	unsigned int bits = hw_caps.ept_5level ? hw_caps.host_maxphyaddr :
						 min_t(unsigned int, hw_caps.host_maxphyaddr, 48);

	return !(last >> bits);
}

static long um_region_check(const struct kvm_userspace_memory_region *r)
{
	u64 end = r->guest_phys_addr + r->memory_size;

	if (r->flags & ~UM_SLOT_FLAGS)
		return -EINVAL;
	if ((r->memory_size | r->guest_phys_addr | r->userspace_addr) & ~UM_PAGE_MASK)
		return -EINVAL;
	if (r->userspace_addr != untagged_addr(r->userspace_addr) ||
	    !access_ok((void __user *)r->userspace_addr, r->memory_size))
		return -EINVAL;
	if (!um_slot_id_valid(r->slot) || end < r->guest_phys_addr ||
	    (r->memory_size && (end - 1) >> UM_SPACE_SHIFT))
		return -EINVAL;
	return r->memory_size >> UM_PAGE_SHIFT > UM_MAX_SLOT_PAGES ? -EINVAL : 0;
}

static bool um_region_overlaps(struct um_memslots *slots, const struct um_memslot *except,
			       const struct kvm_userspace_memory_region *r)
{
	gfn_t base = gpa_to_gfn(r->guest_phys_addr);
	gfn_t end = base + (r->memory_size >> UM_PAGE_SHIFT);
	unsigned int i;

	/* The last that starts below the end reaches furthest: they do not overlap each other. */
	for (i = um_slots_rank(slots, end - 1); i; i--) {
		const struct um_memslot *slot = slots->slot[i - 1];

		if (slot != except)
			return base < slot->base_gfn + slot->npages;
	}
	return false;
}

/* A slot's memory and whether it is read-only cannot change, its place and its logging can. */
static long um_slot_change(struct um_vm *vm, struct um_memslot *old,
			   const struct kvm_userspace_memory_region *r)
{
	if (r->userspace_addr != old->hva || r->memory_size >> UM_PAGE_SHIFT != old->npages ||
	    ((r->flags ^ old->flags) & KVM_MEM_READONLY))
		return -EINVAL;
	if (gpa_to_gfn(r->guest_phys_addr) == old->base_gfn)
		return r->flags == old->flags ? 0 : um_slot_set_flags(vm, old, r->flags);
	if (um_region_overlaps(um_slots(vm), old, r))
		return -EEXIST;
	if (!um_region_mappable(r))
		return -EINVAL;
	return um_slot_move(vm, old, r);
}

static long um_slot_set_locked(struct um_vm *vm, const struct kvm_userspace_memory_region *r)
{
	struct um_memslot *old = um_slot_by_id(vm, r->slot);

	if (!r->memory_size)
		return old ? um_slot_delete(vm, old) : -EINVAL;
	if (old)
		return um_slot_change(vm, old, r);
	if (um_region_overlaps(um_slots(vm), NULL, r))
		return -EEXIST;
	if (!um_region_mappable(r))
		return -EINVAL;
	return um_slot_create(vm, r);
}

long um_slot_set(struct um_vm *vm, const struct kvm_userspace_memory_region *user)
{
	struct kvm_userspace_memory_region r = *user;
	long ret = um_region_check(&r);

	if (ret)
		return ret;
	r.guest_phys_addr += um_slot_space(r.slot);
	mutex_lock(&vm->slots_lock);
	ret = um_slot_set_locked(vm, &r);
	mutex_unlock(&vm->slots_lock);
	um_audit_vm(vm);
	return ret;
}

/* In place, as nobody looks at what belongs to a backend that is not active yet. */
int um_slots_add_backend(struct um_vm *vm, const struct um_mmu_ops *ops)
{
	struct um_memslots *slots;
	unsigned int i;
	int error = 0;

	mutex_lock(&vm->slots_lock);
	slots = um_slots(vm);
	for (i = 0; i < slots->count && !error; i++)
		error = um_slot_add_backend(vm, slots->slot[i], ops);
	if (!error) {
		write_lock(&vm->mmu_lock);
		WRITE_ONCE(vm->mmu[ops->id], ops);
		write_unlock(&vm->mmu_lock);
	} else if (ops->slot_destroy) {
		for (i = 0; i < slots->count; i++)
			if (slots->slot[i]->priv[ops->id])
				ops->slot_destroy(vm, slots->slot[i]);
	}
	mutex_unlock(&vm->slots_lock);
	return error;
}

void um_slots_destroy(struct um_vm *vm)
{
	struct um_memslots *slots = um_slots(vm);
	unsigned int i;

	for (i = 0; i < slots->count; i++)
		um_slot_free(vm, slots->slot[i]);
	xa_destroy(&vm->slot_ids);
	kvfree(vm->slots_spare);
	kvfree(slots);
}
