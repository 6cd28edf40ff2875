// SPDX-License-Identifier: GPL-2.0
/*
 * The shadow backend as the core sees it: lifetimes, and the calls that go to the other files.
 */
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include "shadow.h"

bool shadow_pf_filter __read_mostly = true;
module_param_named(pf_filter, shadow_pf_filter, bool, 0644);
MODULE_PARM_DESC(pf_filter, "shadow paging: the guest's own not-present faults do not exit");

static bool shadow_available(void)
{
	return true;
}

static int shadow_vm_init(struct um_vm *vm)
{
	struct shadow_vm *sh = kzalloc(sizeof(*sh), GFP_KERNEL_ACCOUNT);

	if (!sh)
		return -ENOMEM;
	sh->hash = kvcalloc(1U << SHADOW_HASH_BITS, sizeof(*sh->hash), GFP_KERNEL_ACCOUNT);
	sh->sync_buf = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!sh->hash || !sh->sync_buf) {
		kvfree(sh->hash);
		free_page((unsigned long)sh->sync_buf);
		kfree(sh);
		return -ENOMEM;
	}
	INIT_LIST_HEAD(&sh->pages);
	INIT_LIST_HEAD(&sh->unsync);
	INIT_LIST_HEAD(&sh->zapped);
	rmap_init(sh);
	sh->vm = vm;
	sh->unknown = spte_unknown(hw_caps.pf_rsvd);
	vm->mmu_priv[UM_BACKEND_SHADOW] = sh;
	shadow_shrink_add(sh);
	return 0;
}

static void shadow_vm_destroy(struct um_vm *vm)
{
	struct shadow_vm *sh = shadow_vm(vm);

	if (!sh)
		return;
	shadow_shrink_del(sh);
	write_lock(&vm->mmu_lock);
	shadow_zap_everything(vm);
	write_unlock(&vm->mmu_lock);
	rmap_destroy(vm);
	vm->mmu_priv[UM_BACKEND_SHADOW] = NULL;
	kvfree(sh->hash);
	free_page((unsigned long)sh->sync_buf);
	kfree(sh);
}

/*
 * Unpaged code runs on EPT where an unrestricted guest can; vm->lock is held, and the core has the
 * vCPU join in.
 */
static int init_unpaged(struct um_vcpu *vcpu, struct shadow_vcpu *sv)
{
	if (!hw_caps.ept || !hw_caps.unrestricted)
		return 0;
	sv->has_ept = true;
	return um_mmu_activate(vcpu->vm, UM_BACKEND_EPT);
}

static void shadow_vcpu_destroy(struct um_vcpu *vcpu)
{
	struct shadow_vcpu *sv = shadow_vcpu(vcpu);

	if (!sv)
		return;
	shadow_roots_destroy(vcpu);
	shadow_cache_drain(&sv->cache);
	free_page((unsigned long)sv->pae_tables);
	kfree(sv);
	vcpu->mmu_priv[UM_BACKEND_SHADOW] = NULL;
}

static int shadow_vcpu_init(struct um_vcpu *vcpu)
{
	struct shadow_vcpu *sv = kzalloc(sizeof(*sv), GFP_KERNEL_ACCOUNT);
	struct page *page;
	int err = -ENOMEM;

	if (!sv)
		return -ENOMEM;
	vcpu->mmu_priv[UM_BACKEND_SHADOW] = sv;
	sv->zapped_gfn = SHADOW_STALE;
	/* CR3 has 32 bits where PAE tables are walked. */
	page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_DMA32 | __GFP_ZERO);
	if (page) {
		sv->pae_tables = page_address(page);
		err = init_unpaged(vcpu, sv);
	}
	if (err)
		shadow_vcpu_destroy(vcpu);
	return err;
}

/* Nothing is kept per slot, only its size for the cap. */
static int shadow_slot_init(struct um_vm *vm, struct um_memslot *slot)
{
	struct shadow_vm *sh = shadow_vm(vm);

	write_lock(&vm->mmu_lock);
	sh->slot_pages += slot->npages;
	sh->auto_cap = sh->slot_pages / SHADOW_CAP_SHARE;
	write_unlock(&vm->mmu_lock);
	slot->priv[UM_BACKEND_SHADOW] = sh;	/* counted: slot_destroy is due */
	return 0;
}

static void shadow_slot_destroy(struct um_vm *vm, struct um_memslot *slot)
{
	struct shadow_vm *sh = shadow_vm(vm);

	if (!sh)
		return;		/* the VM's own end */
	write_lock(&vm->mmu_lock);
	sh->slot_pages -= slot->npages;
	sh->auto_cap = sh->slot_pages / SHADOW_CAP_SHARE;
	rmap_trim(vm, slot->base_gfn, slot->base_gfn + slot->npages);
	write_unlock(&vm->mmu_lock);
}

/*
 * A leaf that went because the guest changed its tables has left the reverse map, and yet stays
 * cached until the guest flushes: the host cannot wait for that.
 */
static bool flush_owed(struct shadow_vm *sh)
{
	bool owed = sh->host_gen != sh->alter_gen;

	sh->host_gen = sh->alter_gen;
	return owed;
}

static bool shadow_unmap(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end)
{
	bool any = rmap_unmap(vm, start, end);

	return flush_owed(shadow_vm(vm)) || any;
}

static bool shadow_wrprotect(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end)
{
	bool any = rmap_wrprotect(vm, start, end);

	return flush_owed(shadow_vm(vm)) || any;
}

/* Only parts of the guest's large pages: where it has small ones there is nothing to gain. */
static bool shadow_collapse(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end)
{
	struct shadow_page *sp, *next;

	list_for_each_entry_safe(sp, next, &shadow_vm(vm)->pages, link) {
		if (!sp->role.direct || sp->role.level > UM_LEVEL_4K)
			continue;
		if (sp->gfn >= start && sp->gfn < end &&
		    um_pfn_level_now(vm, slot, sp->gfn) > UM_LEVEL_4K)
			shadow_zap(vm, sp);
	}
	shadow_commit(vm);
	return false;
}

static bool shadow_age(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end,
		       bool clear)
{
	return rmap_age(vm, start, end, clear);
}

/* A vCPU that does not page: served by EPT, watched for the moment when paging begins. */
static enum um_fault_result unpaged_fault(struct um_vcpu *vcpu, struct um_fault *f)
{
	return um_backend_ops(UM_BACKEND_EPT)->fault(vcpu, f);
}

const struct um_mmu_ops shadow_unpaged_ops = {
	.name = "shadow",
	.id = UM_BACKEND_EPT,
	.fault = unpaged_fault,
	.load_root = shadow_load_root,
	.paging_changed = shadow_paging_changed,
};

const struct um_mmu_ops shadow_mmu_ops = {
	.name = "shadow",
	.id = UM_BACKEND_SHADOW,
	.available = shadow_available,
	.load = shadow_shrink_init,
	.unload = shadow_shrink_exit,
	.vm_init = shadow_vm_init,
	.vm_destroy = shadow_vm_destroy,
	.vcpu_init = shadow_vcpu_init,
	.vcpu_destroy = shadow_vcpu_destroy,
	.slot_init = shadow_slot_init,
	.slot_destroy = shadow_slot_destroy,
	.fault = shadow_fault,
	.fault_fast = shadow_fault_fast,
	.load_root = shadow_load_root,
	.paging_changed = shadow_paging_changed,
	.cr3_fast = shadow_cr3_fast,
	.invlpg = shadow_invlpg,
	.gpa_written = shadow_gpa_written,
	.doubt = shadow_doubt,
	.unmap = shadow_unmap,
	.wrprotect = shadow_wrprotect,
	.collapse = shadow_collapse,
	.age = shadow_age,
	.zap_all = shadow_zap_everything,
	.audit = shadow_audit,
};
