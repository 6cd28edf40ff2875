// SPDX-License-Identifier: GPL-2.0
/*
 * The EPT backend as the core sees it. The tables belong to vm->mmu_lock (ept.h); a vCPU's own
 * data to its thread.
 */
#include <linux/slab.h>
#include "ept.h"

static bool ept_available(void)
{
	ept_identity_init();
	return hw_caps.ept;
}

/* 0 or -ENOMEM. Sleeps. */
static int make_root(struct um_vm *vm, unsigned int space)
{
	epte_t *root = ept_table_alloc();

	if (!root)
		return -ENOMEM;
	write_lock(&vm->mmu_lock);
	if (!ept_vm(vm)->root[space]) {
		ept_vm(vm)->root[space] = root;
		ept_count(&vm->stats.mmu_table_bytes, PAGE_SIZE);
		root = NULL;
	}
	write_unlock(&vm->mmu_lock);
	free_page((unsigned long)root);
	return 0;
}

static void ept_vm_destroy(struct um_vm *vm)
{
	struct ept_vm *tables = ept_vm(vm);
	unsigned int space;

	if (!tables)
		return;
	for (space = 0; space < UM_NR_SPACES; space++)
		if (tables->root[space])
			ept_tree_free(vm, tables->root[space]);
	vm->mmu_priv[UM_BACKEND_EPT] = NULL;
	kfree(tables);
}

static int ept_vm_init(struct um_vm *vm)
{
	struct ept_vm *ev = kzalloc(sizeof(*ev), GFP_KERNEL_ACCOUNT);
	int err;

	if (!ev)
		return -ENOMEM;
	vm->mmu_priv[UM_BACKEND_EPT] = ev;
	err = make_root(vm, 0);
	if (err)
		ept_vm_destroy(vm);
	return err;
}

static int ept_vcpu_init(struct um_vcpu *vcpu)
{
	struct ept_vcpu *ev = kzalloc(sizeof(*ev), GFP_KERNEL_ACCOUNT);

	if (!ev)
		return -ENOMEM;
	ev->tag = hw_tag_alloc();
	vcpu->mmu_priv[UM_BACKEND_EPT] = ev;
	return 0;
}

static void ept_vcpu_destroy(struct um_vcpu *vcpu)
{
	struct ept_vcpu *ev = vcpu->mmu_priv[UM_BACKEND_EPT];

	if (!ev)
		return;
	vcpu->mmu_priv[UM_BACKEND_EPT] = NULL;
	if (ev->tag)
		hw_tag_free(ev->tag);
	ept_spares_free(ev);
	kfree(ev);
}

static int ept_load_root(struct um_vcpu *vcpu)
{
	const struct ept_vcpu *ev = vcpu->mmu_priv[UM_BACKEND_EPT];
	gfn_t space = gpa_to_gfn(vcpu->space);
	int err;

	if (!READ_ONCE(ept_vm(vcpu->vm)->root[um_gfn_space(space)])) {
		err = make_root(vcpu->vm, um_gfn_space(space));
		if (err)
			return err;
	}
	vcpu->root = (struct um_root){
		.hpa = virt_to_phys(ept_root(vcpu->vm, space)),
		.tag = ev->tag,
		.levels = EPT_LEVELS,
	};
	vcpu->mmu_ctl = (struct um_mmu_ctl){ .intercepts = UM_IC_EPT };
	if (hw_caps.unrestricted) {
		vcpu->mmu_ctl.intercepts |= UM_IC_UNPAGED;
	} else if (!um_paging(vcpu)) {
		vcpu->mmu_ctl.intercepts |= UM_IC_CR3 | UM_IC_PAGING;
		vcpu->root.cr3 = ept_identity_gpa(vcpu->vm);
	}
	if (um_mmu_pml(vcpu->vm) && READ_ONCE(vcpu->vm->dirty.nr_logging))
		vcpu->mmu_ctl.intercepts |= UM_IC_PML;
	um_dirty(vcpu, UM_ST_MMU);
	return 0;
}

/*
 * The tables do not depend on the guest's paging. What the CPU cached for the old paging state
 * goes, as it would if the guest had made the change itself.
 */
static void ept_paging_changed(struct um_vcpu *vcpu, u32 what)
{
	if ((what & UM_PG_CR0) && !hw_caps.unrestricted)
		um_make_request(vcpu, UM_REQ_RELOAD_ROOT);
	if (!(what & UM_PG_NOFLUSH))
		um_make_request(vcpu, UM_REQ_TLB_FLUSH);
}

static bool ept_unmap(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end)
{
	return ept_clear_range(vm, start, end);
}

/* The hardware may set A and D meanwhile. */
static void change_leaf(epte_t *ep, epte_t epte, epte_t (*change)(epte_t epte))
{
	while (!ept_replace(ep, epte, change(epte)))
		epte = ept_read(ep);
}

static bool leaf_wrprotect(epte_t *ep, epte_t epte)
{
	if (!epte_writable(epte))
		return false;
	change_leaf(ep, epte, epte_make_readonly);
	return true;
}

static bool ept_wrprotect(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end)
{
	return ept_visit_leaves(vm, start, end, leaf_wrprotect);
}

/*
 * A large leaf is split by the write that it no longer allows, as pages are logged one by one. A
 * leaf that is clean was not written, or the CPU has logged it already.
 */
static bool leaf_rearm(epte_t *ep, epte_t epte)
{
	if (epte_is_large(epte))
		return leaf_wrprotect(ep, epte);
	if (!epte_dirty(epte))
		return false;
	change_leaf(ep, epte, epte_make_clean);
	return true;
}

static bool ept_rearm(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end)
{
	return ept_visit_leaves(vm, start, end, um_mmu_pml(vm) ? leaf_rearm : leaf_wrprotect);
}

/* What serves unpaged vCPUs of a shadow VM has no large leaves. */
static bool ept_collapse(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end)
{
	return !slot->track && ept_collapse_range(vm, slot, start, end);
}

static epte_t make_old(epte_t epte)
{
	return epte_make_old(epte, hw_caps.ept_ad);
}

static bool leaf_is_young(epte_t *ep, epte_t epte)
{
	return epte_accessed(epte, hw_caps.ept_ad);
}

static bool leaf_age(epte_t *ep, epte_t epte)
{
	if (!leaf_is_young(ep, epte))
		return false;
	change_leaf(ep, epte, make_old);
	return true;
}

static bool ept_age(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end, bool clear)
{
	return ept_visit_leaves(vm, start, end, clear ? leaf_age : leaf_is_young);
}

/* What maps anything hangs below a table, and tables are flushed before they are freed. */
static void ept_zap_all(struct um_vm *vm)
{
	gfn_t smm = gpa_to_gfn(UM_SPACE_SMM);

	ept_clear_range(vm, 0, EPT_END_GFN);
	ept_clear_range(vm, smm, smm + EPT_END_GFN);
}

const struct um_mmu_ops ept_mmu_ops = {
	.name = "ept",
	.id = UM_BACKEND_EPT,
	.available = ept_available,
	.vm_init = ept_vm_init,
	.vm_destroy = ept_vm_destroy,
	.vcpu_init = ept_vcpu_init,
	.vcpu_destroy = ept_vcpu_destroy,
	.fault = ept_fault,
	.load_root = ept_load_root,
	.paging_changed = ept_paging_changed,
	.unmap = ept_unmap,
	.wrprotect = ept_wrprotect,
	.rearm = ept_rearm,
	.collapse = ept_collapse,
	.age = ept_age,
	.zap_all = ept_zap_all,
	.audit = ept_audit,
};
