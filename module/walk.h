/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest page-table walk as data: every paging mode is a struct paging_desc, one loop walks them
 * all. Pure: no vCPU, no locks, no kernel services; memory is reached through struct walk_ops.
 * Source: SDM "Paging".
 */
#ifndef UM_WALK_H
#define UM_WALK_H

#include "types.h"

enum paging_mode {
	PAGING_NONE,		/* CR0.PG = 0: gva = gpa */
	PAGING_32,		/* 2 levels of 4-byte entries */
	PAGING_PAE,		/* 4 PDPTE registers, then 2 levels */
	PAGING_4LEVEL,
	PAGING_5LEVEL,
};

/**
 * struct paging_desc - all guest state that gives meaning to a guest page table
 * @mode: the paging mode
 * @root: gpa of the top table (CR3 with the low and the PCID bits cleared); unused for PAE and NONE
 * @pdpte: the PDPTE registers, PAE only
 * @maxphyaddr: guest physical address width in bits, 32..52
 * @nxe: EFER.NXE (bit 63 is XD, else reserved)
 * @wp: CR0.WP
 * @smep: CR4.SMEP
 * @smap: CR4.SMAP
 * @pse: 4 MiB pages in 32-bit mode (CR4.PSE)
 * @pse36: bits 20:13 of a 4 MiB PDE extend the address
 * @gbpages: 1 GiB pages allowed
 * @pke: CR4.PKE; @pkru is then looked at for user pages
 * @pkru: the guest's PKRU
 * @space: added to every gpa that an entry names; @root has it too
 */
struct paging_desc {
	enum paging_mode mode;
	gpa_t root;
	u64 pdpte[4];
	u8 maxphyaddr;
	bool nxe, wp, smep, smap, pse, pse36, gbpages, pke;
	u32 pkru;
	gpa_t space;
};

/* Guest page-table entry bits (SDM "Paging"). */
#define GPTE_P		BIT_ULL(0)
#define GPTE_W		BIT_ULL(1)
#define GPTE_U		BIT_ULL(2)
#define GPTE_A		BIT_ULL(5)
#define GPTE_D		BIT_ULL(6)
#define GPTE_PS		BIT_ULL(7)
#define GPTE_G		BIT_ULL(8)
#define GPTE_NX		BIT_ULL(63)
#define GPTE_KEY_BIT	59
#define GPTE_KEY	(15ULL << GPTE_KEY_BIT)	/* of a leaf; modes without keys have 0 there */

/* What PKRU holds for each key (SDM "Protection Keys"). */
#define PKRU_KEY_BITS	2
#define PKRU_AD		BIT(0)		/* no access */
#define PKRU_WD		BIT(1)		/* no write */

/* The combined rights of a translation, inherited from every level. */
#define ACC_W	BIT(0)
#define ACC_U	BIT(1)
#define ACC_X	BIT(2)
#define ACC_ALL	(ACC_W | ACC_U | ACC_X)

/**
 * struct walk_ops - how the walk reaches guest memory
 * @read: read @size (4 or 8) bytes at @gpa into @val; 0 or <0 when the gpa has no readable memory
 * @cmpxchg: replace @old by @new at @gpa if unchanged: 0 done, 1 it changed meanwhile (walk again),
 *	<0 no writable memory there. NULL: A and D are not set (a probe).
 */
struct walk_ops {
	int (*read)(void *ctx, gpa_t gpa, unsigned int size, u64 *val);
	int (*cmpxchg)(void *ctx, gpa_t gpa, unsigned int size, u64 old, u64 new);
};

/**
 * struct walk_result - what a walk found
 * @gpa: the translation of the gva (byte exact); valid on WALK_OK
 * @level: level of the leaf (1..3; 2 for a 4 MiB page too)
 * @top: level of the first table walked in memory (PAE: 2, the PDPTEs are registers)
 * @page_shift: log2 of the guest page (12, 21, 22, 30)
 * @access: ACC_* after all levels, before WP, SMEP and SMAP
 * @error_code: PFEC_* to inject on WALK_FAULT
 * @gpte: the entry read at each level, [level]; A and D as they are after the walk. PAE: [3] is
 *	the PDPTE
 * @table: gpa of the table at each level, [level]
 * @acc: ACC_* accumulated from the levels above, so the rights that the table at [level] inherits
 * @dirty: the leaf's D bit is set after the walk, or a write was walked whose table cannot be
 *	written
 */
struct walk_result {
	gpa_t gpa;
	u8 level;
	u8 top;
	u8 page_shift;
	u8 access;
	bool dirty;
	u32 error_code;
	u64 gpte[UM_LEVEL_MAX + 1];
	gpa_t table[UM_LEVEL_MAX + 1];
	u8 acc[UM_LEVEL_MAX + 1];
};

enum walk_status {
	WALK_OK,		/* translated, A (and D for a write) set as the SDM asks */
	WALK_FAULT,		/* the guest gets #PF with error_code */
	WALK_RETRY,		/* a guest entry changed under the walk: start again */
};

/**
 * walk_guest - translate @gva as the hardware would
 * @d: the guest's paging state
 * @gva: linear address; the caller has checked that it is canonical
 * @pfec: PFEC_W, PFEC_U, PFEC_I of the access
 * @smap_override: a supervisor access that may touch user pages although SMAP is on (explicit,
 *	EFLAGS.AC = 1)
 * @ops: guest memory; @ctx is passed on
 * @r: filled as far as the walk came
 *
 * An entry in memory that cannot be read counts as not present.
 */
enum walk_status walk_guest(const struct paging_desc *d, gva_t gva, u32 pfec, bool smap_override,
			    const struct walk_ops *ops, void *ctx, struct walk_result *r);

/*
 * True when @access (ACC_*) allows an access @pfec under @d. Protection keys are not asked.
 */
bool walk_permits(const struct paging_desc *d, u8 access, u32 pfec, bool smap_override);

/*
 * Bits of a gpte at @level that must be 0 under @d, for an entry that is a leaf (@leaf) or
 * points to a table.
 */
u64 walk_reserved(const struct paging_desc *d, unsigned int level, bool leaf);

/* True when @gpte at @level maps a page rather than a table. */
bool walk_is_leaf(const struct paging_desc *d, unsigned int level, u64 gpte);

/* PKRU_AD and PKRU_WD, as they now deny data accesses to user pages whose leaf has this @key. */
static inline u8 walk_pkru(const struct paging_desc *d, u64 key)
{
	if (!d->pke || d->mode < PAGING_4LEVEL)
		return 0;
	return (d->pkru >> PKRU_KEY_BITS * (key >> GPTE_KEY_BIT)) & (PKRU_AD | PKRU_WD);
}

/* The gpa of the table that @gpte, which is no leaf, names. */
gpa_t walk_table_gpa(const struct paging_desc *d, u64 gpte);

/* The gpa that a leaf @gpte at @level maps the start of. */
gpa_t walk_leaf_gpa(const struct paging_desc *d, unsigned int level, u64 gpte);

/* ACC_* that one entry grants (NX counts only with @d->nxe). */
u8 walk_entry_access(const struct paging_desc *d, u64 gpte);

/* Number of entries of a guest table at @level, and the size of one in bytes. */
unsigned int walk_entries(const struct paging_desc *d, unsigned int level);
unsigned int walk_entry_size(const struct paging_desc *d);

/* Index of @gva's entry in the table at @level. */
unsigned int walk_index(const struct paging_desc *d, unsigned int level, gva_t gva);

#endif
