/* SPDX-License-Identifier: GPL-2.0 */
/* Builds guest page tables of every mode in guest memory, before the guest runs. */
#ifndef SELFTESTS_PGTABLE_H
#define SELFTESTS_PGTABLE_H

#include "vm.h"

#define PTE_P		BIT_ULL(0)
#define PTE_W		BIT_ULL(1)
#define PTE_U		BIT_ULL(2)
#define PTE_A		BIT_ULL(5)
#define PTE_D		BIT_ULL(6)
#define PTE_PS		BIT_ULL(7)
#define PTE_G		BIT_ULL(8)
#define PTE_NX		BIT_ULL(63)

struct pgtable {
	struct vm *vm;
	enum guest_mode mode;
	uint64_t root;		/* for CR3 */
	uint64_t next;		/* the next free page for a table */
};

/* An empty root; tables are taken from gpa next on. */
void pt_init(struct pgtable *pt, struct vm *vm, enum guest_mode mode, uint64_t next);
/* Maps one page of this level; upper entries are made P|W|U. Returns the gpa of the entry. */
uint64_t pt_map(struct pgtable *pt, uint64_t gva, uint64_t gpa, uint64_t flags, int level);
/* The gpa of the entry for gva at this level, 0 if an upper level is absent. */
uint64_t pt_entry(struct pgtable *pt, uint64_t gva, int level);
/* Identity for [0, 8 MiB): 4K below 4 MiB, USER pages for CPL 3, then large pages. */
void pt_identity(struct pgtable *pt);

int pt_levels(enum guest_mode mode);
unsigned int pt_entry_size(enum guest_mode mode);
uint64_t pt_page_size(enum guest_mode mode, int level);
uint64_t pt_read(struct pgtable *pt, uint64_t entry_gpa);
void pt_write(struct pgtable *pt, uint64_t entry_gpa, uint64_t pte);

#endif
