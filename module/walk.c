// SPDX-License-Identifier: GPL-2.0
/*
 * The guest page-table walk of every paging mode. Pure: no state of its own, no locks. Source:
 * SDM "Paging".
 *
 * Two phases: read the entries from the top down and judge the access; only when it is allowed
 * set A at every level and D in the leaf of a write. A denied access so leaves the guest's
 * tables as they were.
 */
#include "walk.h"

#define PDE32_ADDR_LO_BIT	22	/* of a 4 MiB PDE: address bits 31:22 in place */
#define PDE32_ADDR_HI_BIT	13	/* and, with PSE-36, bits 39:32 from here on */
#define PDE32_MAX_WIDTH		40
#define LARGE_PAT_BIT		12
#define GPTE_ADDR_TOP_BIT	51

static u64 bits(unsigned int high, unsigned int low)
{
	return high < low ? 0 : (~0ULL >> (63 - high)) & (~0ULL << low);
}

/* Execute-disable exists: EFER.NXE counts only where entries have 64 bits. */
static bool has_nx(const struct paging_desc *d)
{
	return d->nxe && d->mode >= PAGING_PAE;
}

static unsigned int index_bits(const struct paging_desc *d, unsigned int level)
{
	if (d->mode == PAGING_32)
		return 10;
	return d->mode == PAGING_PAE && level == 3 ? 2 : 9;
}

/* log2 of what one entry at @level maps. */
static unsigned int entry_shift(const struct paging_desc *d, unsigned int level)
{
	return d->mode == PAGING_32 ? UM_PAGE_SHIFT + 10 * (level - 1) : um_level_shift(level);
}

unsigned int walk_entries(const struct paging_desc *d, unsigned int level)
{
	return 1u << index_bits(d, level);
}

unsigned int walk_entry_size(const struct paging_desc *d)
{
	return d->mode == PAGING_32 ? sizeof(u32) : sizeof(u64);
}

unsigned int walk_index(const struct paging_desc *d, unsigned int level, gva_t gva)
{
	return (gva >> entry_shift(d, level)) & (walk_entries(d, level) - 1);
}

bool walk_is_leaf(const struct paging_desc *d, unsigned int level, u64 gpte)
{
	switch (level) {
	case UM_LEVEL_4K:
		return true;
	case UM_LEVEL_2M:
		return (gpte & GPTE_PS) && (d->mode != PAGING_32 || d->pse);
	case UM_LEVEL_1G:
		return (gpte & GPTE_PS) && d->mode >= PAGING_4LEVEL && d->gbpages;
	default:
		return false;
	}
}

static u64 reserved_32(const struct paging_desc *d, unsigned int level, bool leaf)
{
	unsigned int width = d->pse36 ? d->maxphyaddr : 32;

	if (level != UM_LEVEL_2M || !leaf)
		return 0;
	if (width > PDE32_MAX_WIDTH)
		width = PDE32_MAX_WIDTH;
	return bits(PDE32_ADDR_LO_BIT - 1, PDE32_ADDR_HI_BIT + width - 32);
}

/*
 * A PAE PDPTE is a register, checked when it is loaded: level 3 of PAE has no bits to check
 * here.
 */
u64 walk_reserved(const struct paging_desc *d, unsigned int level, bool leaf)
{
	u64 rsvd;

	if (d->mode == PAGING_NONE || (d->mode == PAGING_PAE && level == 3))
		return 0;
	if (d->mode == PAGING_32)
		return reserved_32(d, level, leaf);

	rsvd = bits(d->mode == PAGING_PAE ? 62 : GPTE_ADDR_TOP_BIT, d->maxphyaddr);
	if (!d->nxe)
		rsvd |= GPTE_NX;
	if (leaf && level > UM_LEVEL_4K)
		rsvd |= bits(um_level_shift(level) - 1, LARGE_PAT_BIT + 1);
	else if (level > UM_LEVEL_2M)
		rsvd |= GPTE_PS;
	return rsvd;
}

/* Within its address space. */
static gpa_t leaf_gpa(const struct paging_desc *d, unsigned int level, u64 gpte)
{
	gpa_t high = 0;

	if (d->mode != PAGING_32)
		return gpte & bits(GPTE_ADDR_TOP_BIT, um_level_shift(level));
	if (level == UM_LEVEL_4K)
		return gpte & bits(31, UM_PAGE_SHIFT);
	if (d->pse36)
		high = (gpte & bits(PDE32_ADDR_HI_BIT + 7, PDE32_ADDR_HI_BIT)) >> PDE32_ADDR_HI_BIT;
	return (gpte & bits(31, PDE32_ADDR_LO_BIT)) | high << 32;
}

gpa_t walk_leaf_gpa(const struct paging_desc *d, unsigned int level, u64 gpte)
{
	return leaf_gpa(d, level, gpte) | d->space;
}

gpa_t walk_table_gpa(const struct paging_desc *d, u64 gpte)
{
	return (gpte & bits(GPTE_ADDR_TOP_BIT, UM_PAGE_SHIFT)) | d->space;
}

u8 walk_entry_access(const struct paging_desc *d, u64 gpte)
{
	u8 access = 0;

	if (gpte & GPTE_W)
		access |= ACC_W;
	if (gpte & GPTE_U)
		access |= ACC_U;
	if (!has_nx(d) || !(gpte & GPTE_NX))
		access |= ACC_X;
	return access;
}

/* SDM "Determination of Access Rights". */
bool walk_permits(const struct paging_desc *d, u8 access, u32 pfec, bool smap_override)
{
	bool user = pfec & PFEC_U;

	if (user && !(access & ACC_U))
		return false;
	if (pfec & PFEC_I)
		return (access & ACC_X) && (user || !d->smep || !(access & ACC_U));
	if (!user && (access & ACC_U) && d->smap && !smap_override)
		return false;
	if (!(pfec & PFEC_W) || (access & ACC_W))
		return true;
	return !user && !d->wp;
}

/* SDM "Protection Keys": true when PKRU denies a data access to the user page that @gpte maps. */
static bool pkru_denies(const struct paging_desc *d, u8 access, u32 pfec, u64 gpte)
{
	u8 denied = walk_pkru(d, gpte & GPTE_KEY);

	if (!denied || (pfec & PFEC_I) || !(access & ACC_U))
		return false;
	if (denied & PKRU_AD)
		return true;
	return (pfec & PFEC_W) && ((pfec & PFEC_U) || d->wp);
}

static enum walk_status walk_fault(const struct paging_desc *d, u32 pfec, u32 why,
				   struct walk_result *r)
{
	r->error_code = why | (pfec & (PFEC_W | PFEC_U));
	if ((pfec & PFEC_I) && (has_nx(d) || d->smep))
		r->error_code |= PFEC_I;
	return WALK_FAULT;
}

static gpa_t gpte_gpa(const struct paging_desc *d, unsigned int level, gva_t gva,
		      const struct walk_result *r)
{
	return r->table[level] + walk_index(d, level, gva) * walk_entry_size(d);
}

/* Fill @r with where the walk starts; false when a PAE PDPTE register is not present. */
static bool walk_start(const struct paging_desc *d, gva_t gva, struct walk_result *r)
{
	static const u8 top_level[] = {
		[PAGING_32] = 2, [PAGING_PAE] = 2, [PAGING_4LEVEL] = 4, [PAGING_5LEVEL] = 5,
	};

	r->top = top_level[d->mode];
	r->level = r->top;
	r->access = ACC_ALL;
	r->table[r->top] = d->root;
	if (d->mode != PAGING_PAE)
		return true;

	r->level = 3;
	r->acc[3] = ACC_ALL;
	r->gpte[3] = d->pdpte[walk_index(d, 3, gva)];
	r->table[r->top] = walk_table_gpa(d, r->gpte[3]);
	return r->gpte[3] & GPTE_P;
}

/* Read the entry at @level and add its rights; false: the walk ends in a fault for *@why. */
static bool walk_step(const struct paging_desc *d, unsigned int level, gva_t gva,
		      const struct walk_ops *ops, void *ctx, struct walk_result *r, u32 *why)
{
	u64 gpte = 0;

	r->level = level;
	r->acc[level] = r->access;
	*why = 0;
	if (ops->read(ctx, gpte_gpa(d, level, gva, r), walk_entry_size(d), &gpte))
		return false;
	r->gpte[level] = gpte;
	if (!(gpte & GPTE_P))
		return false;
	*why = PFEC_P | PFEC_RSVD;
	if (gpte & walk_reserved(d, level, walk_is_leaf(d, level, gpte)))
		return false;
	r->access &= walk_entry_access(d, gpte);
	return true;
}

/*
 * Set A at every level and D in the leaf of a write. A table in memory that cannot be written
 * stays as it is, and the write goes on as if D were set.
 */
static enum walk_status set_accessed(const struct paging_desc *d, gva_t gva, bool write,
				     const struct walk_ops *ops, void *ctx, struct walk_result *r)
{
	typeof(ops->cmpxchg) update = ops->cmpxchg;	/* not the kernel's macro of that name */
	unsigned int level;

	for (level = r->top; level >= r->level; level--) {
		u64 old = r->gpte[level];
		u64 new = old | GPTE_A | (write && level == r->level ? GPTE_D : 0);
		int ret;

		if (old == new)
			continue;
		ret = update(ctx, gpte_gpa(d, level, gva, r), walk_entry_size(d), old, new);
		if (ret > 0)
			return WALK_RETRY;
		if (!ret)
			r->gpte[level] = new;
	}
	r->dirty |= write;
	return WALK_OK;
}

static enum walk_status walk_none(const struct paging_desc *d, gva_t gva, struct walk_result *r)
{
	r->gpa = (u32)gva | d->space;
	r->level = UM_LEVEL_4K;
	r->page_shift = UM_PAGE_SHIFT;
	r->access = ACC_ALL;
	r->dirty = true;
	return WALK_OK;
}

enum walk_status walk_guest(const struct paging_desc *d, gva_t gva, u32 pfec, bool smap_override,
			    const struct walk_ops *ops, void *ctx, struct walk_result *r)
{
	unsigned int level;
	u32 why;

	memset(r, 0, sizeof(*r));
	if (d->mode == PAGING_NONE)
		return walk_none(d, gva, r);
	if (d->mode < PAGING_4LEVEL)
		gva = (u32)gva;
	if (!walk_start(d, gva, r))
		return walk_fault(d, pfec, 0, r);

	for (level = r->top; ; level--) {
		if (!walk_step(d, level, gva, ops, ctx, r, &why))
			return walk_fault(d, pfec, why, r);
		if (walk_is_leaf(d, level, r->gpte[level]))
			break;
		r->table[level - 1] = walk_table_gpa(d, r->gpte[level]);
	}

	r->page_shift = entry_shift(d, level);
	r->gpa = walk_leaf_gpa(d, level, r->gpte[level]) | (gva & bits(r->page_shift - 1, 0));
	r->dirty = r->gpte[level] & GPTE_D;

	why = pkru_denies(d, r->access, pfec, r->gpte[level]) ? PFEC_PK : 0;
	if (why || !walk_permits(d, r->access, pfec, smap_override))
		return walk_fault(d, pfec, why | PFEC_P, r);
	return ops->cmpxchg ? set_accessed(d, gva, pfec & PFEC_W, ops, ctx, r) : WALK_OK;
}
