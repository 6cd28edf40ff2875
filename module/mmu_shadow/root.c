// SPDX-License-Identifier: GPL-2.0
/*
 * The roots of a vCPU: each address space that the guest loaded lately keeps its tables and a
 * hardware tag, so that a CR3 load among them costs a few dozen instructions. The array is the vCPU
 * thread's own; the pages that it names belong to vm->mmu_lock.
 *
 * What a CR3 load must do follows from three generations (struct shadow_vm): alter_gen moved: flush
 * the root's tag; unsync_gen moved: a table may have gone unsync below it, sync; invalid_gen moved:
 * it may be gone itself.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include "shadow.h"

static bool root_tags __read_mostly = true;
module_param(root_tags, bool, 0444);
MODULE_PARM_DESC(root_tags, "shadow paging: a VPID for each root, not one for each vCPU");

#define CR3_GPA_MASK	((1ULL << 52) - UM_PAGE_SIZE)
#define PAE_ROOT_LEVELS	3

static unsigned int top_level(enum paging_mode mode)
{
	switch (mode) {
	case PAGING_5LEVEL:
		return 5;
	case PAGING_4LEVEL:
		return 4;
	default:
		return 2;	/* below a PAE root, whose entries are registers */
	}
}

static union shadow_role role_of(const struct paging_desc *d)
{
	union shadow_role role = { };

	role.level = top_level(d->mode);
	role.mode = d->mode;
	role.access = ACC_ALL;
	role.direct = d->mode == PAGING_NONE;
	role.nxe = d->nxe;
	role.wp = d->wp;
	role.smep_nowp = d->smep && !d->wp;
	role.user_nowp = (d->smap || d->pke) && !d->wp;
	role.pse = d->pse;
	role.pse36 = d->pse36;
	role.gbpages = d->gbpages;
	role.maxphyaddr = d->maxphyaddr;
	return role;
}

/* What tells one address space from another. */
static void root_key(const struct paging_desc *d, u64 *key)
{
	memset(key, 0, SHADOW_PAE_TABLES * sizeof(*key));
	if (d->mode == PAGING_PAE)
		memcpy(key, d->pdpte, sizeof(d->pdpte));
	else if (d->mode != PAGING_NONE)
		key[0] = d->root;
}

static struct shadow_root *find_root(struct shadow_vcpu *sv, union shadow_role role, const u64 *key)
{
	struct shadow_root *root;

	for (root = sv->root; root < sv->root + SHADOW_ROOTS; root++)
		if (root->nr && root->role.word == role.word &&
		    !memcmp(root->key, key, sizeof(root->key)))
			return root;
	return NULL;
}

static struct shadow_root *oldest_root(struct shadow_vcpu *sv)
{
	struct shadow_root *root, *oldest = sv->root;

	for (root = sv->root; root < sv->root + SHADOW_ROOTS; root++) {
		if (!root->nr)
			return root;
		if (root->used < oldest->used)
			oldest = root;
	}
	return oldest;
}

static bool root_invalid(const struct shadow_root *root)
{
	unsigned int i;

	for (i = 0; i < root->nr; i++)
		if (root->sp[i] && root->sp[i]->invalid)
			return true;
	return false;
}

/* mmu_lock held for write. */
static void put_root(struct um_vm *vm, struct shadow_root *root)
{
	unsigned int i;

	for (i = 0; i < root->nr; i++)
		if (root->sp[i])
			shadow_root_put(vm, root->sp[i]);
	root->nr = 0;
}

static void put_invalid_roots(struct um_vm *vm, struct shadow_vcpu *sv)
{
	struct shadow_root *root;

	for (root = sv->root; root < sv->root + SHADOW_ROOTS; root++)
		if (root_invalid(root))
			put_root(vm, root);
}

/* The page for table @i of the root. A 2-level guest's page directory has four, one per GiB. */
static struct shadow_page *root_page(struct um_vm *vm, struct shadow_vcpu *sv,
				     union shadow_role role, u64 key, unsigned int i)
{
	gfn_t gfn = gpa_to_gfn(key & CR3_GPA_MASK);

	if (role.mode == PAGING_32)
		role.quadrant = i;
	if (role.direct)
		gfn = i * um_level_pages(UM_LEVEL_1G);
	return shadow_get_page(vm, &sv->cache, gfn, role);
}

/*
 * mmu_lock held for write; the slot is free. False: the guest's table lies outside of its memory.
 */
static bool build_root(struct um_vm *vm, struct shadow_vcpu *sv, struct shadow_root *root,
		       const u64 *key)
{
	union shadow_role role = sv->role;
	bool pae = role.mode < PAGING_4LEVEL;
	unsigned int i;

	root->nr = pae ? SHADOW_PAE_TABLES : 1;
	memset(root->sp, 0, sizeof(root->sp));
	for (i = 0; i < root->nr; i++) {
		if (role.mode == PAGING_PAE && !(key[i] & GPTE_P))
			continue;
		root->sp[i] = root_page(vm, sv, role, role.mode == PAGING_PAE ? key[i] : key[0], i);
		if (!root->sp[i]) {
			put_root(vm, root);
			return false;
		}
		shadow_root_get(vm, root->sp[i]);
	}
	memcpy(root->key, key, sizeof(root->key));
	root->role = role;
	root->alter_gen = SHADOW_STALE;
	root->unsync_gen = SHADOW_STALE;
	sv->leaf.root = NULL;
	return true;
}

static void write_pae_root(struct shadow_vcpu *sv, struct shadow_root *root)
{
	u64 *pdpte = sv->pae_tables + (root - sv->root) * SHADOW_PAE_TABLES;
	unsigned int i;

	for (i = 0; i < SHADOW_PAE_TABLES; i++)
		pdpte[i] = root->sp[i] ? spte_pdpte(__pa(root->sp[i]->spt)) : 0;
	root->hpa = __pa(pdpte);
}

/*
 * The root for the present paging state, built and synced; NULL: none can be had. mmu_lock held for
 * write.
 */
static struct shadow_root *take_root(struct um_vm *vm, struct shadow_vcpu *sv)
{
	struct shadow_root *root;
	u64 key[SHADOW_PAE_TABLES];

	if (sv->rebuild)
		shadow_zap_everything(vm);
	sv->rebuild = false;
	put_invalid_roots(vm, sv);
	root_key(&sv->desc, key);
	root = find_root(sv, sv->role, key);
	if (!root) {
		shadow_make_room(vm);
		root = oldest_root(sv);
		put_root(vm, root);
		if (!build_root(vm, sv, root, key))
			return NULL;
		if (root->nr == 1)
			root->hpa = __pa(root->sp[0]->spt);
		else
			write_pae_root(sv, root);
	}
	if (sv->sync || root->unsync_gen == SHADOW_STALE)
		shadow_sync_root(vm, root);
	root->invalid_gen = shadow_vm(vm)->invalid_gen;
	root->used = ++sv->clock;
	return root;
}

void shadow_set_root(struct um_vcpu *vcpu, struct shadow_root *root, u32 dirty)
{
	struct shadow_vcpu *sv = shadow_vcpu(vcpu);
	u64 gen = READ_ONCE(shadow_vm(vcpu->vm)->alter_gen);

	if (root->alter_gen != gen || (!root_tags && sv->cur != root)) {
		if (root->tag)
			hw_flush(vcpu, HW_FLUSH_TAG, root->tag, 0);
		root->alter_gen = gen;
	}
	if (sv->cur != root)
		sv->previous = sv->cur;
	sv->cur = root;
	vcpu->root.hpa = root->hpa;
	vcpu->root.tag = root->tag;
	um_dirty(vcpu, dirty);
}

/*
 * Which page faults exit (SDM "Exception Bitmap"). With bit 14 clear and MATCH 0 those whose code
 * has a bit of MASK: protection and reserved-bit faults always, and fetches where hardware, whose
 * NXE is set, reports I and the guest's own processor would not.
 */
void shadow_set_controls(struct um_vcpu *vcpu)
{
	struct shadow_vcpu *sv = shadow_vcpu(vcpu);
	const struct paging_desc *d = &sv->desc;
	bool has_nx = d->nxe && d->mode >= PAGING_PAE;
	struct um_mmu_ctl *ctl = &vcpu->mmu_ctl;

	*ctl = (struct um_mmu_ctl){
		.intercepts = UM_IC_CR3 | UM_IC_INVLPG | UM_IC_PF | UM_IC_PAGING,
	};
	um_dirty(vcpu, UM_ST_MMU);
	if (d->mode == PAGING_NONE || !hw_caps.pf_rsvd || !shadow_pf_filter || sv->doubts) {
		ctl->pf_bit = true;
		return;
	}
	ctl->pf_mask = PFEC_P;
	if (!has_nx && !d->smep)
		ctl->pf_mask |= PFEC_I;
}

static u16 take_tag(struct shadow_vcpu *sv)
{
	if (root_tags)
		return hw_tag_alloc();
	if (!sv->tag)
		sv->tag = hw_tag_alloc();
	return sv->tag;
}

/* Paging is off: the guest runs on EPT, and each change of its paging state exits. */
static int load_unpaged(struct um_vcpu *vcpu, struct shadow_vcpu *sv)
{
	int err = um_backend_ops(UM_BACKEND_EPT)->load_root(vcpu);

	if (err)
		return err;
	vcpu->mmu_ctl.intercepts |= UM_IC_PAGING;
	if (vcpu->mmu != &shadow_unpaged_ops) {
		/* GUEST_CR3 held a root of ours. */
		um_dirty(vcpu, UM_ST_CR3);
		hw_flush(vcpu, HW_FLUSH_ALL, 0, 0);
	}
	vcpu->mmu = &shadow_unpaged_ops;
	sv->cur = NULL;
	return 0;
}

static void fill_state(struct um_vcpu *vcpu, struct shadow_vcpu *sv)
{
	um_cr3(vcpu);	/* read before GUEST_CR3 is replaced by a root */
	um_fill_paging_desc(vcpu, &sv->desc);
	sv->role = role_of(&sv->desc);
	sv->leaf_reserved = walk_reserved(&sv->desc, UM_LEVEL_4K, true);
	sv->noflush_ok = um_cr4(vcpu) & X86_CR4_PCIDE;
	sv->by_cr3 = sv->desc.mode != PAGING_NONE && sv->desc.mode != PAGING_PAE;
}

int shadow_load_root(struct um_vcpu *vcpu)
{
	struct shadow_vcpu *sv = shadow_vcpu(vcpu);
	struct um_vm *vm = vcpu->vm;
	struct shadow_root *root;
	int err;

	if (!um_paging(vcpu) && sv->has_ept)
		return load_unpaged(vcpu, sv);
	err = shadow_cache_fill(vm, &sv->cache);
	if (err)
		return err;
	fill_state(vcpu, sv);
	write_lock(&vm->mmu_lock);
	root = take_root(vm, sv);
	shadow_commit(vm);
	write_unlock(&vm->mmu_lock);
	if (!root) {
		um_make_request(vcpu, UM_REQ_TRIPLE_FAULT);
		um_make_request(vcpu, UM_REQ_RELOAD_ROOT);
		return 0;
	}
	if (!root->tag)
		root->tag = take_tag(sv);
	sv->sync = false;
	vcpu->root.levels = root->nr == 1 ? sv->role.level : PAE_ROOT_LEVELS;
	shadow_set_controls(vcpu);
	shadow_set_root(vcpu, root, UM_ST_MMU);
	if (vcpu->mmu != &shadow_mmu_ops) {
		/* Flushes asked for meanwhile went to the EPT root alone. */
		vcpu->mmu = &shadow_mmu_ops;
		hw_flush(vcpu, HW_FLUSH_ALL, 0, 0);
	}
	return 0;
}

void shadow_roots_destroy(struct um_vcpu *vcpu)
{
	struct shadow_vcpu *sv = shadow_vcpu(vcpu);
	struct um_vm *vm = vcpu->vm;
	struct shadow_root *root;

	write_lock(&vm->mmu_lock);
	for (root = sv->root; root < sv->root + SHADOW_ROOTS; root++)
		put_root(vm, root);
	shadow_commit(vm);
	write_unlock(&vm->mmu_lock);
	for (root = sv->root; root < sv->root + SHADOW_ROOTS; root++)
		if (root->tag && root->tag != sv->tag)
			hw_tag_free(root->tag);
	if (sv->tag)
		hw_tag_free(sv->tag);
	sv->cur = NULL;
}
