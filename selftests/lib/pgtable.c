// SPDX-License-Identifier: GPL-2.0
/* Page tables as the guest's CPU will walk them; the guest must not run meanwhile. */
#include <string.h>

#include "pgtable.h"

#define PTE_ADDR_MASK	0x000ffffffffff000ULL
#define IDENTITY_4K_END	0x400000UL

int pt_levels(enum guest_mode mode)
{
	switch (mode) {
	case MODE_PSE:
		return 2;
	case MODE_PAE:
		return 3;
	case MODE_LONG:
		return 4;
	case MODE_LA57:
		return 5;
	default:
		return 0;
	}
}

unsigned int pt_entry_size(enum guest_mode mode)
{
	return mode == MODE_PSE ? 4 : 8;
}

static unsigned int level_shift(enum guest_mode mode, int level)
{
	return 12 + (level - 1) * (mode == MODE_PSE ? 10 : 9);
}

uint64_t pt_page_size(enum guest_mode mode, int level)
{
	return 1ULL << level_shift(mode, level);
}

static uint64_t entry_gpa(struct pgtable *pt, uint64_t table, uint64_t gva, int level)
{
	unsigned int size = pt_entry_size(pt->mode);
	uint64_t index = gva >> level_shift(pt->mode, level);

	return table + index % (PAGE_SIZE / size) * size;
}

uint64_t pt_read(struct pgtable *pt, uint64_t entry)
{
	uint64_t pte = 0;

	memcpy(&pte, pt->vm->mem + entry, pt_entry_size(pt->mode));
	return pte;
}

void pt_write(struct pgtable *pt, uint64_t entry, uint64_t pte)
{
	memcpy(pt->vm->mem + entry, &pte, pt_entry_size(pt->mode));
}

static uint64_t new_table(struct pgtable *pt)
{
	uint64_t table = pt->next;

	if (table + PAGE_SIZE > pt->vm->mem_size)
		tap_bail("no guest memory left for page tables");
	pt->next += PAGE_SIZE;
	memset(pt->vm->mem + table, 0, PAGE_SIZE);
	return table;
}

/* A PAE root entry has no rights of its own: those bits are reserved there. */
static uint64_t table_flags(struct pgtable *pt, int level)
{
	if (pt->mode == MODE_PAE && level == 3)
		return PTE_P;
	return PTE_P | PTE_W | PTE_U;
}

void pt_init(struct pgtable *pt, struct vm *vm, enum guest_mode mode, uint64_t next)
{
	pt->vm = vm;
	pt->mode = mode;
	pt->next = next;
	pt->root = new_table(pt);
}

static uint64_t walk(struct pgtable *pt, uint64_t gva, int level, bool make)
{
	uint64_t table = pt->root;
	int at;

	for (at = pt_levels(pt->mode); at > level; at--) {
		uint64_t entry = entry_gpa(pt, table, gva, at);
		uint64_t pte = pt_read(pt, entry);

		if (!(pte & PTE_P)) {
			if (!make)
				return 0;
			pte = new_table(pt) | table_flags(pt, at);
			pt_write(pt, entry, pte);
		}
		table = pte & PTE_ADDR_MASK;
	}
	return entry_gpa(pt, table, gva, level);
}

uint64_t pt_entry(struct pgtable *pt, uint64_t gva, int level)
{
	return walk(pt, gva, level, false);
}

uint64_t pt_map(struct pgtable *pt, uint64_t gva, uint64_t gpa, uint64_t flags, int level)
{
	uint64_t entry = walk(pt, gva, level, true);

	pt_write(pt, entry, gpa | flags | (level > 1 ? PTE_PS : 0));
	return entry;
}

void pt_identity(struct pgtable *pt)
{
	uint64_t large = pt_page_size(pt->mode, 2);
	uint64_t gpa;

	for (gpa = 0; gpa < IDENTITY_4K_END; gpa += PAGE_SIZE) {
		bool user = gpa >= USER_GPA && gpa < USER_STACK_TOP;

		pt_map(pt, gpa, gpa, PTE_P | PTE_W | (user ? PTE_U : 0), 1);
	}
	for (; gpa < GUEST_MEM_SIZE; gpa += large)
		pt_map(pt, gpa, gpa, PTE_P | PTE_W, 2);
}
