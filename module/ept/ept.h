/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of ept/ share: the tables of one VM and the spare pages of one vCPU.
 *
 * vm->mmu_lock guards the tables: for read, an entry changes by cmpxchg, only from absent to
 * present, to more rights or from a large leaf to an equal table; for write, everything else.
 * Tables come off only under the write lock.
 */
#ifndef UM_EPT_H
#define UM_EPT_H

#include <linux/io.h>
#include "../mmu.h"
#include "epte.h"

#define EPT_LEVELS	4
#define EPT_ENTRIES	512
#define EPT_END_GFN	(1ULL << (9 * EPT_LEVELS))	/* a four-level walk reaches no further */
#define EPT_MAX_SPARES	(EPT_LEVELS - 1)		/* tables that one mapping can need */

/* Owned by the vCPU's thread. */
struct ept_vcpu {
	u16 tag;
	u16 nr_spares;
	epte_t *spare[EPT_MAX_SPARES];	/* zeroed, so that nothing is allocated under mmu_lock */
};

/*
 * A tree for each address space; the second is made when a vCPU first enters it, and NULL till
 * then. Replaced under the write lock.
 */
struct ept_vm {
	epte_t *root[UM_NR_SPACES];
};

static inline struct ept_vm *ept_vm(const struct um_vm *vm)
{
	return vm->mmu_priv[UM_BACKEND_EPT];
}

/* Of the address space that @gfn belongs to. */
static inline epte_t *ept_root(const struct um_vm *vm, gfn_t gfn)
{
	return ept_vm(vm)->root[um_gfn_space(gfn)];
}

/* Where the tables of @gfn's address space end, seen with it. */
static inline gfn_t ept_end_gfn(gfn_t gfn)
{
	return gfn - um_gfn_plain(gfn) + EPT_END_GFN;
}

static inline epte_t *ept_entry(epte_t *table, gfn_t gfn, unsigned int level)
{
	return &table[(gfn >> (9 * (level - 1))) % EPT_ENTRIES];
}

static inline epte_t ept_read(const epte_t *ep)
{
	return READ_ONCE(*ep);
}

static inline void ept_write(epte_t *ep, epte_t epte)
{
	WRITE_ONCE(*ep, epte);
}

/*
 * False when the entry is no longer @old: another vCPU's fault, or the hardware's A or D, came
 * first.
 */
static inline bool ept_replace(epte_t *ep, epte_t old, epte_t new)
{
	return cmpxchg64(&ep->raw, old.raw, new.raw) == old.raw;
}

static inline epte_t *ept_child_table(epte_t epte)
{
	return phys_to_virt(epte_hpa(epte));
}

/* Parallel faults count under the read lock. */
static inline void ept_count(u64 *counter, s64 delta)
{
	atomic64_add(delta, (atomic64_t *)counter);
}

/* table.c */
epte_t *ept_table_alloc(void);
int ept_spares_refill(struct ept_vcpu *ev);
void ept_spares_free(struct ept_vcpu *ev);
/* Hang a spare table into @ep in place of @old (absent or a large leaf); false: it has changed. */
bool ept_link_table(struct um_vm *vm, struct ept_vcpu *ev, epte_t *ep, epte_t old,
		    unsigned int level);
void ept_tree_free(struct um_vm *vm, epte_t *root);

/* One leaf of a range; true: it did what the caller asks about. mmu_lock held for write. */
typedef bool (*ept_leaf_fn)(epte_t *ep, epte_t epte);
bool ept_visit_leaves(struct um_vm *vm, gfn_t start, gfn_t end, ept_leaf_fn fn);
/* Tables that lie inside the range are flushed and freed at once. True: a flush is still due. */
bool ept_clear_range(struct um_vm *vm, gfn_t start, gfn_t end);
/* The same for tables of which each could be one leaf now. */
bool ept_collapse_range(struct um_vm *vm, struct um_memslot *slot, gfn_t start, gfn_t end);

/* identity.c: the guest's page table while it does not page, without the unrestricted guest */
void ept_identity_init(void);
gpa_t ept_identity_gpa(const struct um_vm *vm);
u64 ept_identity_pfn(void);

/* fault.c */
enum um_fault_result ept_fault(struct um_vcpu *vcpu, struct um_fault *f);
u8 ept_max_level(void);	/* of a leaf that the CPU can walk */

/* audit.c */
void ept_audit(struct um_audit *a);

#endif
