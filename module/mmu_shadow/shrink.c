// SPDX-License-Identifier: GPL-2.0
/*
 * Shadow pages given back when the host runs short of memory: one shrinker over all VMs.
 * shadow_vms_lock guards their list; it and each VM's mmu_lock are only tried, since memory may be
 * short for whoever holds them.
 */
#include <linux/mutex.h>
#include <linux/shrinker.h>
#include "shadow.h"

static DEFINE_MUTEX(shadow_vms_lock);
static LIST_HEAD(shadow_vms);		/* who has waited longest to be shrunk comes first */
static struct shrinker *shadow_shrinker;

void shadow_shrink_add(struct shadow_vm *sh)
{
	mutex_lock(&shadow_vms_lock);
	list_add_tail(&sh->shrink_link, &shadow_vms);
	mutex_unlock(&shadow_vms_lock);
}

void shadow_shrink_del(struct shadow_vm *sh)
{
	mutex_lock(&shadow_vms_lock);
	list_del(&sh->shrink_link);
	mutex_unlock(&shadow_vms_lock);
}

/* What could be freed now; roots stay as long as a vCPU names them. Without the lock a guess. */
static u64 freeable(const struct shadow_vm *sh)
{
	u64 pages = READ_ONCE(sh->nr_pages), roots = READ_ONCE(sh->nr_roots);

	return pages > roots ? pages - roots : 0;
}

static unsigned long shrink_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct shadow_vm *sh;
	unsigned long count = 0;

	if (!mutex_trylock(&shadow_vms_lock))
		return 0;
	list_for_each_entry(sh, &shadow_vms, shrink_link)
		count += freeable(sh);
	mutex_unlock(&shadow_vms_lock);
	return count ? count : SHRINK_EMPTY;
}

/* When all tables are gone, so may be what was known of frames. */
static unsigned long shrink_locked(struct um_vm *vm, unsigned long batch)
{
	struct shadow_vm *sh = shadow_vm(vm);
	unsigned long freed = shadow_reclaim(vm, batch);

	shadow_commit(vm);
	if (!freeable(sh))
		rmap_trim(vm, 0, ~0ULL);
	vm->stats.mmu_shrunk += freed;
	return freed;
}

static unsigned long try_shrink(struct um_vm *vm, unsigned long batch)
{
	unsigned long freed;

	if (!write_trylock(&vm->mmu_lock))
		return 0;
	freed = shrink_locked(vm, batch);
	write_unlock(&vm->mmu_lock);
	return freed;
}

static unsigned long shrink_vm(struct um_vm *vm, unsigned long batch)
{
	unsigned long freed;
	int idx;

	/* Of a VM on its way out the vCPUs may be gone. */
	if (!refcount_inc_not_zero(&vm->users))
		return 0;
	idx = srcu_read_lock(&vm->srcu);
	freed = try_shrink(vm, batch);
	srcu_read_unlock(&vm->srcu, idx);
	um_vm_put(vm);
	return freed;
}

/* Each VM at most once; whose turn it was goes to the end, so that all are shrunk alike. */
static unsigned long shrink_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	unsigned long freed = 0;
	struct shadow_vm *sh, *next;
	LIST_HEAD(done);

	if (!mutex_trylock(&shadow_vms_lock))
		return SHRINK_STOP;
	list_for_each_entry_safe(sh, next, &shadow_vms, shrink_link) {
		if (freed >= sc->nr_to_scan)
			break;
		if (!freeable(sh))
			continue;
		list_move_tail(&sh->shrink_link, &done);
		freed += shrink_vm(sh->vm, sc->nr_to_scan - freed);
	}
	list_splice_tail(&done, &shadow_vms);
	mutex_unlock(&shadow_vms_lock);
	return freed;
}

int shadow_shrink_init(void)
{
	shadow_shrinker = host_shrinker_add("umbra-shadow", shrink_count, shrink_scan);
	return shadow_shrinker ? 0 : -ENOMEM;
}

void shadow_shrink_exit(void)
{
	host_shrinker_remove(shadow_shrinker);
}
