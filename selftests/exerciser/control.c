// SPDX-License-Identifier: GPL-2.0
/*
 * Control registers and invalidations: each an operation of the script, with what it does to the
 * model of the vCPU. Owned by the thread that makes the script.
 */
#include <string.h>

#include "exerciser.h"

#define PDPTE_RESERVED	(PTE_W | PTE_U | 0x1e0ULL)
#define CR4_PDPTE_BITS	(CR4_PSE | CR4_PAE | CR4_PGE | CR4_SMEP)
#define CR3_PCID_MASK	0xfffULL
#define CR3_CACHE_BITS	0x18ULL

static const uint16_t pcids[EX_PCIDS] = { 0, 1, 2, 0xfff };

static bool is_long(const struct ex_vcpu *v)
{
	return v->efer & EFER_LMA;
}

static bool is_pae(const struct ex_vcpu *v)
{
	return v->cr0 & CR0_PG && v->cr4 & CR4_PAE && !is_long(v);
}

static enum paging_mode paging_mode(const struct ex_vcpu *v)
{
	if (!(v->cr0 & CR0_PG))
		return PAGING_NONE;
	if (!(v->cr4 & CR4_PAE))
		return PAGING_32;
	if (!is_long(v))
		return PAGING_PAE;
	return v->cr4 & CR4_LA57 ? PAGING_5LEVEL : PAGING_4LEVEL;
}

static void update_desc(struct ex_vcpu *v)
{
	struct paging_desc *d = &v->desc;

	d->mode = paging_mode(v);
	d->root = v->cr3 & ((1ULL << v->run->maxphyaddr) - PAGE_SIZE);
	d->nxe = v->efer & EFER_NXE;
	d->wp = v->cr0 & CR0_WP;
	d->smep = v->cr4 & CR4_SMEP;
	d->smap = v->cr4 & CR4_SMAP;
	d->pse = v->cr4 & CR4_PSE;
}

void ex_control_init(struct ex_vcpu *v)
{
	struct kvm_sregs sregs;

	must(xioctl(v->vcpu->fd, KVM_GET_SREGS, &sregs));
	v->cr0 = sregs.cr0;
	v->cr3 = sregs.cr3;
	v->cr4 = sregs.cr4;
	v->efer = sregs.efer;
	v->desc.maxphyaddr = v->run->maxphyaddr;
	v->desc.pse36 = v->run->pse36;
	v->desc.gbpages = v->run->gbpages;
	update_desc(v);
}

/* Nothing that is cached is sure to hold any more. */
static void doubt_all(struct ex_vcpu *v)
{
	unsigned int i;

	v->global_changed = v->now;
	for (i = 0; i < EX_PCIDS; i++)
		v->root_changed[i] = v->now;
}

static void drop_all(struct ex_vcpu *v)
{
	v->flushed_all = v->now;
}

static uint64_t pdpte_reserved(const struct ex_vcpu *v)
{
	return PDPTE_RESERVED | ~((1ULL << v->run->maxphyaddr) - 1);
}

static uint64_t pdpte_gpa(uint64_t cr3, unsigned int i)
{
	return (cr3 & 0xffffffe0) + i * 8;
}

static bool pdptes_valid(const struct ex_vcpu *v, uint64_t cr3)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		uint64_t pdpte = ex_load(v, pdpte_gpa(cr3, i), 8);

		if (pdpte & PTE_P && pdpte & pdpte_reserved(v))
			return false;
	}
	return true;
}

/* The model's side alone; they are valid. */
static void load_pdptes(struct ex_vcpu *v, uint64_t cr3)
{
	uint64_t old[4];
	unsigned int i;

	memcpy(old, v->desc.pdpte, sizeof(old));
	for (i = 0; i < 4; i++)
		v->desc.pdpte[i] = ex_load(v, pdpte_gpa(cr3, i), 8);
	if (memcmp(old, v->desc.pdpte, sizeof(old)))
		doubt_all(v);
}

static void fix_pdptes(struct ex_vcpu *v, uint64_t cr3)
{
	unsigned int i;

	for (i = 1; i < 4; i++) {
		uint64_t gpa = pdpte_gpa(cr3, i), pdpte = ex_load(v, gpa, 8);

		if (pdpte & PTE_P && pdpte & pdpte_reserved(v))
			ex_put_entry(v, gpa, pdpte & ~pdpte_reserved(v));
	}
}

/*
 * A PDPTE that is loaded must not lead out of RAM: on shadow paging that ends the guest, KVM's and
 * ours.
 */
static void settle_pdptes(struct ex_vcpu *v, uint64_t cr3)
{
	unsigned int i;

	for (i = 1; i < 4; i++) {
		uint64_t gpa = pdpte_gpa(cr3, i), pdpte = ex_load(v, gpa, 8);
		uint64_t table = pdpte & ((1ULL << v->run->maxphyaddr) - PAGE_SIZE);

		if (pdpte & PTE_P && table >= EX_RAM_END)
			ex_put_entry(v, gpa, ex_page_gpa(v->own, EX_ROOTS + i) | PTE_P);
	}
}

/*
 * A CPU loads PDPTEs at a MOV to CR0 that changes PG, CD or NW; Bochs at each, on EPT. So memory
 * has them as they were loaded, without what a walk that takes them for entries has set there.
 */
static void restore_pdptes(struct ex_vcpu *v)
{
	unsigned int i;

	for (i = 1; i < 4; i++)
		ex_put_entry(v, pdpte_gpa(v->cr3, i), v->desc.pdpte[i]);
}

static bool emit_control(struct ex_vcpu *v, enum ex_kind kind, uint64_t value, bool valid)
{
	ex_emit(v, kind, 0, value);
	if (!valid)
		ex_expected(v)->vector = VEC_GP;
	return valid;
}

bool ex_control_cr0(struct ex_vcpu *v, uint64_t cr0)
{
	bool pg = (cr0 ^ v->cr0) & CR0_PG;
	bool load = pg && cr0 & CR0_PG && v->cr4 & CR4_PAE && !is_long(v);

	if (load)
		settle_pdptes(v, v->cr3);
	else if (is_pae(v))
		restore_pdptes(v);
	if (!emit_control(v, EX_CR0, cr0, !load || pdptes_valid(v, v->cr3)))
		return false;
	v->cr0 = cr0;
	if (load)
		load_pdptes(v, v->cr3);
	/* With paging off nothing is cached, so what was dropped when it went off is still. */
	if (pg)
		drop_all(v);
	v->root_of[0] = v->cr3;
	update_desc(v);
	return true;
}

static void enter_root(struct ex_vcpu *v, uint64_t cr3, bool noflush)
{
	uint64_t root = cr3 & ~CR3_PCID_MASK;
	unsigned int i;

	if (is_pae(v)) {
		root = cr3 & ~31ULL;
		load_pdptes(v, cr3);
	}
	if ((v->cr3 ^ cr3) & ~CR3_PCID_MASK || v->root_of[v->pcid] != root)
		v->global_changed = v->now;
	v->pcid = 0;
	for (i = 0; v->cr4 & CR4_PCIDE && i < EX_PCIDS; i++)
		if (pcids[i] == (cr3 & CR3_PCID_MASK))
			v->pcid = i;
	if (!noflush)
		v->flushed[v->pcid] = v->now;
	else if (v->root_of[v->pcid] != root)
		v->root_changed[v->pcid] = v->now;
	v->root_of[v->pcid] = root;
}

bool ex_control_cr3(struct ex_vcpu *v, uint64_t cr3)
{
	bool noflush = cr3 & CR3_NOFLUSH && v->cr4 & CR4_PCIDE;
	bool valid = true;

	if (is_long(v))
		valid = !((noflush ? cr3 & ~CR3_NOFLUSH : cr3) >> v->run->maxphyaddr);
	if (is_pae(v)) {
		settle_pdptes(v, cr3);
		valid = pdptes_valid(v, cr3);
	}
	if (!emit_control(v, EX_CR3, cr3, valid))
		return false;
	cr3 &= ~CR3_NOFLUSH;
	if (v->cr0 & CR0_PG)
		enter_root(v, cr3, noflush);
	v->cr3 = cr3;
	update_desc(v);
	return true;
}

static bool cr4_valid(const struct ex_vcpu *v, uint64_t cr4)
{
	uint64_t changed = v->cr4 ^ cr4;

	if (changed & cr4 & CR4_PCIDE && v->cr3 & CR3_PCID_MASK)
		return false;
	return !is_pae(v) || !(changed & CR4_PDPTE_BITS) || pdptes_valid(v, v->cr3);
}

bool ex_control_cr4(struct ex_vcpu *v, uint64_t cr4)
{
	uint64_t changed = v->cr4 ^ cr4;

	if (is_pae(v) && changed & CR4_PDPTE_BITS)
		settle_pdptes(v, v->cr3);
	if (!emit_control(v, EX_CR4, cr4, cr4_valid(v, cr4)))
		return false;
	if (is_pae(v) && changed & CR4_PDPTE_BITS)
		load_pdptes(v, v->cr3);
	if (changed & CR4_PSE)
		doubt_all(v);
	if (changed & cr4 & CR4_SMEP)
		v->flushed[v->pcid] = v->now;
	if (changed & CR4_PGE || changed & v->cr4 & CR4_PCIDE)
		drop_all(v);
	v->cr4 = cr4;
	if (changed & CR4_PCIDE) {
		v->pcid = 0;
		v->root_of[0] = v->cr3 & ~CR3_PCID_MASK;
	}
	update_desc(v);
	return true;
}

void ex_control_efer(struct ex_vcpu *v, uint64_t efer)
{
	/* LMA cannot be written, and bit 8 stays with it. */
	ex_emit(v, EX_EFER, 0, efer);
	doubt_all(v);
	v->efer = efer;
	update_desc(v);
}

static void note_invlpg(struct ex_vcpu *v, uint64_t gva, unsigned int pcid, bool global)
{
	v->invlpg[v->next_invlpg++ % EX_INVLPGS] = (struct ex_invlpg){
		.page = gva / PAGE_SIZE, .when = v->now, .pcid = pcid, .global = global,
	};
}

void ex_control_invlpg(struct ex_vcpu *v, uint64_t gva)
{
	ex_emit(v, EX_INVLPG, gva, 0);
	note_invlpg(v, gva, v->pcid, true);
}

void ex_control_invpcid(struct ex_vcpu *v, unsigned int type, unsigned int pcid, uint64_t gva)
{
	bool valid = type > 1 || !pcid || v->cr4 & CR4_PCIDE;
	unsigned int i;

	ex_emit(v, EX_INVPCID, gva, pcids[pcid])->bytes = type;
	if (!valid) {
		ex_expected(v)->vector = VEC_GP;
		return;
	}
	switch (type) {
	case 0:
		note_invlpg(v, gva, pcid, false);
		break;
	case 1:
		v->flushed[pcid] = v->now;
		break;
	case 2:
		drop_all(v);
		break;
	case 3:
		for (i = 0; i < EX_PCIDS; i++)
			v->flushed[i] = v->now;
		break;
	}
}

static void toggle_pge(struct ex_vcpu *v)
{
	if (is_pae(v) && !ex_one_in(v, 8))
		fix_pdptes(v, v->cr3);
	if (ex_control_cr4(v, v->cr4 ^ CR4_PGE))
		return;
	fix_pdptes(v, v->cr3);
	ex_control_cr4(v, v->cr4 ^ CR4_PGE);
}

void ex_control_flush_all(struct ex_vcpu *v)
{
	if (v->run->invpcid && ex_one_in(v, 3)) {
		ex_control_invpcid(v, 2, 0, 0);
		return;
	}
	toggle_pge(v);
	if (ex_one_in(v, 2))
		toggle_pge(v);
}

/* Some invalidation that may or may not suffice for gva. */
static void flush_somehow(struct ex_vcpu *v, uint64_t gva)
{
	switch (ex_below(v, 10)) {
	case 0:
	case 1:
	case 2:
	case 3:
		ex_control_invlpg(v, gva);
		break;
	case 4:
	case 5:
	case 6:
		if (is_pae(v))
			fix_pdptes(v, v->cr3);
		ex_control_cr3(v, v->cr3);
		break;
	case 7:
	case 8:
		if (v->run->invpcid)
			ex_control_invpcid(v, ex_below(v, 4), v->pcid, gva);
		break;
	case 9:
		ex_control_flush_all(v);
		break;
	}
}

/* Until an access to gva has one result only, whose way the tables of now describe. */
void ex_control_flush(struct ex_vcpu *v, uint64_t gva)
{
	struct walk_result r;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		ex_probe(v, gva, 0, false, &r);
		if (ex_fresh(v, gva, &r) == EX_IS_FRESH)
			return;
		flush_somehow(v, gva);
	}
	ex_control_flush_all(v);
}

uint64_t ex_root_gpa(const struct ex_vcpu *v, unsigned int root)
{
	if (is_long(v))
		return ex_page_gpa(v->own, root % EX_ROOTS);
	if (!(v->cr4 & CR4_PAE))
		return ex_page_gpa(v->own, root % (EX_ROOTS / 2));
	return ex_page_gpa(v->own, EX_ROOTS / 2 + root / 4 % 2) + root % 4 * 32;
}

void ex_control_root(struct ex_vcpu *v, unsigned int root)
{
	uint64_t cr3 = ex_root_gpa(v, root);

	if (v->cr4 & CR4_PAE && !is_long(v) && !ex_one_in(v, 8))
		fix_pdptes(v, cr3);
	if (v->cr4 & CR4_PCIDE) {
		cr3 |= pcids[ex_below(v, EX_PCIDS)];
		if (ex_one_in(v, 2))
			cr3 |= CR3_NOFLUSH;
	} else if (ex_one_in(v, 8)) {
		cr3 |= CR3_CACHE_BITS & v->random;
	}
	if (is_long(v) && ex_one_in(v, 32))
		cr3 |= 1ULL << (v->run->maxphyaddr + ex_below(v, 63 - v->run->maxphyaddr));
	ex_control_cr3(v, cr3);
}

/* Paging goes off for a while, or comes back, maybe in the other mode. */
static void switch_mode(struct ex_vcpu *v)
{
	if (v->cr0 & CR0_PG) {
		ex_control_cr0(v, v->cr0 & ~CR0_PG);
		return;
	}
	if (ex_one_in(v, 2))
		ex_control_cr4(v, v->cr4 ^ CR4_PAE);
	ex_control_root(v, ex_below(v, 8));
	if (ex_control_cr0(v, v->cr0 | CR0_PG))
		return;
	fix_pdptes(v, v->cr3);
	ex_control_cr0(v, v->cr0 | CR0_PG);
}

void ex_control_random(struct ex_vcpu *v)
{
	const struct ex_run *run = v->run;

	if (run->o.mixed && ex_one_in(v, v->cr0 & CR0_PG ? 12 : 3)) {
		switch_mode(v);
		return;
	}
	switch (ex_below(v, 8)) {
	case 0:
	case 1:
		ex_control_cr0(v, v->cr0 ^ CR0_WP);
		break;
	case 2:
		if (run->smep)
			ex_control_cr4(v, v->cr4 ^ CR4_SMEP);
		break;
	case 3:
		if (run->smap)
			ex_control_cr4(v, v->cr4 ^ CR4_SMAP);
		break;
	case 4:
		if (run->nx)
			ex_control_efer(v, v->efer ^ EFER_NXE);
		break;
	case 5:
		/* KVM reuses shadow pages of the other meaning. */
		if (run->umbra)
			ex_control_cr4(v, v->cr4 ^ CR4_PSE);
		break;
	case 6:
		if (run->pcid && is_long(v))
			ex_control_cr4(v, v->cr4 ^ CR4_PCIDE);
		break;
	case 7:
		if (run->invpcid)
			ex_control_invpcid(v, ex_below(v, 4), ex_below(v, EX_PCIDS), v->gva[0]);
		break;
	}
}
