// SPDX-License-Identifier: GPL-2.0
/*
 * What the guest does to its own translations: loads of CR3, INVLPG, changes of its paging state.
 * The cached roots are the vCPU thread's own; entries belong to vm->mmu_lock, held for write.
 */
#include "shadow.h"

/*
 * Whatever a cached root knows is in doubt: sync its tables when it is loaded next. Its tag is
 * flushed then if that alters anything.
 */
static void distrust_roots(struct shadow_vcpu *sv)
{
	struct shadow_root *root;

	for (root = sv->root; root < sv->root + SHADOW_ROOTS; root++)
		root->unsync_gen = SHADOW_STALE;
}

void shadow_paging_changed(struct um_vcpu *vcpu, u32 what)
{
	struct shadow_vcpu *sv = shadow_vcpu(vcpu);

	if (what & ~(UM_PG_CR3 | UM_PG_NOFLUSH))
		distrust_roots(sv);
	if (!(what & UM_PG_NOFLUSH))
		sv->sync = true;
	if (what & UM_PG_CPUID)
		sv->rebuild = true;
	um_make_request(vcpu, UM_REQ_RELOAD_ROOT);
}

/* Most often two address spaces take turns: the one before this is tried first. */
static struct shadow_root *find_cr3(struct shadow_vcpu *sv, u64 top)
{
	struct shadow_root *root = sv->previous;

	if (root && root->key[0] == top && root->nr && root->role.word == sv->role.word)
		return root;
	for (root = sv->root; root < sv->root + SHADOW_ROOTS; root++)
		if (root->key[0] == top && root->nr && root->role.word == sv->role.word)
			return root;
	return NULL;
}

/*
 * MOV to CR3 in the inner loop. No lock: the generations are read after the exit, so whatever the
 * guest ordered before its MOV is seen; a root that is zapped after the look at invalid_gen comes
 * with UM_REQ_RELOAD_ROOT, which is read after this and before the entry.
 */
bool shadow_cr3_fast(struct um_vcpu *vcpu, u64 cr3)
{
	struct shadow_vcpu *sv = shadow_vcpu(vcpu);
	struct shadow_vm *sh = shadow_vm(vcpu->vm);
	bool noflush = cr3 & CR3_NOFLUSH;
	struct shadow_root *root;

	if (sv->sync || !sv->by_cr3 || (noflush && !sv->noflush_ok))
		return false;
	cr3 &= ~CR3_NOFLUSH;
	root = find_cr3(sv, cr3 & ~(u64)um_page_offset(cr3));
	if (!root || root->invalid_gen != READ_ONCE(sh->invalid_gen))
		return false;
	if (root->unsync_gen != READ_ONCE(sh->unsync_gen) &&
	    !(noflush && root->unsync_gen != SHADOW_STALE))
		return false;
	sv->desc.root = root->key[0];
	root->used = ++sv->clock;
	vcpu->cr3 = cr3;
	vcpu->avail |= UM_ST_CR3;
	shadow_set_root(vcpu, root, UM_ST_ROOT);
	return true;
}

/*
 * Drop what the leaf for @gva may have stale, and map anew at once what needs no A bit set. Only an
 * unsync table can be stale: the others are true to the guest's. mmu_lock held for write.
 */
static void renew_leaf(struct um_vcpu *vcpu, struct shadow_vcpu *sv, gva_t gva)
{
	struct shadow_vm *sh = shadow_vm(vcpu->vm);
	struct shadow_page *sp = shadow_leaf_table(vcpu, gva);
	unsigned int slot = spte_index(gva, UM_LEVEL_4K);
	struct shadow_walk w;

	if (!sp || !sp->unsync || !spte_is_present(shadow_read(&sp->spt[slot])))
		return;
	shadow_drop_slot(vcpu->vm, sp, slot);
	/*
	 * The address is flushed at once. The entry may serve others, in this address space, too:
	 * they keep what is cached until the guest loads CR3.
	 */
	WRITE_ONCE(sh->alter_gen, sh->alter_gen + 1);
	shadow_walk_init(&w, vcpu, gva, 0, false);
	w.prefetch = true;
	shadow_known(&w, sp);
}

/*
 * For the address space in use, all is what a load of its CR3 flushes; others are loaded later, and
 * flushed then unless they have a PCID.
 */
static bool invalidate_all_fast(struct um_vcpu *vcpu, struct shadow_vcpu *sv)
{
	u64 gen;

	if (!shadow_cr3_fast(vcpu, vcpu->cr3))
		return false;
	gen = sv->cur->unsync_gen;
	if (sv->noflush_ok)
		distrust_roots(sv);
	sv->cur->unsync_gen = gen;
	return true;
}

static bool invalidate_all(struct um_vcpu *vcpu, struct shadow_vcpu *sv, bool fast)
{
	if (fast)
		return invalidate_all_fast(vcpu, sv);
	distrust_roots(sv);
	shadow_paging_changed(vcpu, UM_PG_CR3);
	return true;
}

bool shadow_invlpg(struct um_vcpu *vcpu, gva_t gva, bool all, bool fast)
{
	struct shadow_vcpu *sv = shadow_vcpu(vcpu);
	struct um_vm *vm = vcpu->vm;
	unsigned int i;

	if (all)
		return invalidate_all(vcpu, sv, fast);
	if (!sv->cur)
		return true;
	if (!fast)
		write_lock(&vm->mmu_lock);
	else if (!write_trylock(&vm->mmu_lock))
		return false;
	renew_leaf(vcpu, sv, gva);
	write_unlock(&vm->mmu_lock);
	if (sv->cur->tag)
		hw_flush(vcpu, HW_FLUSH_GVA, sv->cur->tag, gva);
	/*
	 * With PCIDs another address space may be loaded without a flush, and share what was
	 * invalidated.
	 */
	for (i = 0; sv->noflush_ok && i < SHADOW_ROOTS; i++)
		sv->root[i].unsync_gen = SHADOW_STALE;
	return true;
}
