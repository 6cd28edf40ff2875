// SPDX-License-Identifier: GPL-2.0
/* Random addresses and page-table entries, chosen so that they meet often; no state of its own. */
#include <string.h>

#include "exerciser.h"

#define PTE_CACHE	0x18ULL		/* PWT, PCD */
#define PTE_PAT		BIT_ULL(7)	/* of a 4 KiB leaf */
#define LARGE_PAT	BIT_ULL(12)
#define IGNORED_LOW	0xe00ULL
#define IGNORED_HIGH	(0x7fULL << 52)

static unsigned int index_at(struct ex_vcpu *v, unsigned int level)
{
	/* Both sides of the places where shadow tables split a guest's table. */
	static const uint16_t small[] = { 0, 1, 2, 255, 256, 509 };
	static const uint16_t wide[] = { 0, 3, 511, 512, 700, 1021 };
	static const uint16_t top32[] = { 8, 255, 256, 511, 512, 1021 };
	static const uint16_t top64[] = { 1, 2, 255, 256, 511 };
	unsigned int i = ex_below(v, 30);

	switch (v->desc.mode) {
	case PAGING_32:
		return level == 2 ? top32[i % 6] : wide[i % 6];
	case PAGING_PAE:
		return level == 3 ? 1 + i % 3 : small[i % 6];
	case PAGING_4LEVEL:
		return level == 4 ? top64[i % 4] : small[i % 6];
	default:
		return level == 5 ? top64[i % 4] : small[i % 6];
	}
}

unsigned int ex_offset(struct ex_vcpu *v)
{
	unsigned int word = v->run->o.mode >= MODE_LONG ? 8 : 4;

	if (ex_one_in(v, 2))
		return index_at(v, 1) * walk_entry_size(&v->desc) % EX_CODE_OFFSET & -word;
	return ex_below(v, EX_CODE_OFFSET / word) * word;
}

static uint64_t own_page(struct ex_vcpu *v, bool table)
{
	unsigned int page = table ? ex_below(v, EX_TABLES) :
				    EX_TABLES + ex_below(v, EX_PAGES - EX_TABLES);

	return ex_page_gpa(v->own, page);
}

static uint64_t new_gva(struct ex_vcpu *v)
{
	unsigned int level, top = v->desc.mode == PAGING_32 ? 2 :
				  v->desc.mode == PAGING_PAE ? 3 :
				  v->desc.mode == PAGING_4LEVEL ? 4 : 5;
	uint64_t gva = 0;

	if (v->desc.mode == PAGING_NONE)
		return own_page(v, ex_one_in(v, 2));
	for (level = 1; level <= top; level++)
		gva |= (uint64_t)index_at(v, level) <<
		       (12 + (level - 1) * (v->desc.mode == PAGING_32 ? 10 : 9));
	/* Canonical: bits above the top index repeat its highest. */
	if (top >= 4 && gva >> (11 + 9 * top) & 1)
		gva |= ~0ULL << (11 + 9 * top);
	return gva;
}

/* A page's address, often one used before. Without paging: of an own page. */
uint64_t ex_gva(struct ex_vcpu *v)
{
	unsigned int i = ex_below(v, 16);

	if (v->desc.mode != PAGING_NONE && v->gva[i] && !ex_one_in(v, 4))
		return v->gva[i];
	v->gva[i] = new_gva(v);
	return v->gva[i];
}

/* Where no slot is, sometimes above 4 GiB. */
static uint64_t outside_ram(struct ex_vcpu *v, uint64_t size)
{
	uint64_t gpa = EX_NO_SLOT_GPA + ex_below(v, 16) * PAGE_SIZE;

	if (v->desc.mode != PAGING_32 && ex_one_in(v, 4))
		gpa += 1ULL << (32 + ex_below(v, v->run->maxphyaddr - 32));
	return gpa & -size;
}

static uint64_t table_target(struct ex_vcpu *v, unsigned int level)
{
	unsigned int i = ex_below(v, 40), tables = EX_TABLES - EX_ROOTS;

	if (i == 0)
		return outside_ram(v, PAGE_SIZE);
	if (i == 1)
		return own_page(v, false);
	if (i < 8)
		return own_page(v, true);
	if (i < 12)
		return ex_page_gpa(&v->run->arena[EX_SHARED], ex_below(v, EX_TABLES));
	/* Mostly tables keep to one level: every third page serves the same. */
	return ex_page_gpa(v->own, EX_ROOTS + (ex_below(v, tables) / 3 * 3 + level) % tables);
}

static uint64_t page_target(struct ex_vcpu *v)
{
	unsigned int i = ex_below(v, 40);

	if (i == 0)
		return outside_ram(v, PAGE_SIZE);
	if (i < 12)
		return own_page(v, true);
	if (i < 18)
		return ex_page_gpa(&v->run->arena[EX_SHARED], ex_below(v, EX_PAGES));
	return own_page(v, false);
}

static uint64_t large_target(struct ex_vcpu *v, uint64_t size)
{
	unsigned int i = ex_below(v, 20);
	uint64_t gpa = own_page(v, true) | (ex_one_in(v, 2) ? EX_ARENA_SIZE / 2 : 0);

	if (i == 0)
		gpa = outside_ram(v, size);
	if (i < 4)
		gpa = v->run->arena[EX_SHARED].gpa;
	return gpa & -size;
}

static uint64_t rights(struct ex_vcpu *v, bool good)
{
	uint64_t flags = PTE_P;

	if (good || ex_below(v, 4))
		flags |= PTE_W;
	if (good ? ex_one_in(v, 2) : ex_below(v, 3))
		flags |= PTE_U;
	if (!good && ex_one_in(v, 20))
		flags &= ~PTE_P;
	if (ex_one_in(v, 4))
		flags |= PTE_A;
	if (ex_one_in(v, 4))
		flags |= PTE_D;
	if (ex_one_in(v, 8))
		flags |= PTE_G;
	if (ex_one_in(v, 8))
		flags |= v->random & PTE_CACHE;
	if (ex_one_in(v, 4))
		flags |= v->random & IGNORED_LOW;
	return flags;
}

static uint64_t high_flags(struct ex_vcpu *v, bool good)
{
	uint64_t flags = 0;

	if (!good && v->desc.nxe && ex_one_in(v, 5))
		flags |= PTE_NX;
	if (v->desc.mode >= PAGING_4LEVEL && ex_one_in(v, 4))
		flags |= v->random & IGNORED_HIGH;
	return flags;
}

static uint64_t reserved_bit(struct ex_vcpu *v, unsigned int level, bool leaf)
{
	uint64_t reserved = walk_reserved(&v->desc, level, leaf);
	unsigned int i;

	if (v->desc.mode == PAGING_32)
		reserved = (uint32_t)reserved;
	for (i = 0; reserved && i < 64; i++) {
		uint64_t bit = 1ULL << ex_below(v, 64);

		if (reserved & bit)
			return bit;
	}
	return 0;
}

/* The PDPTEs of PAE have few flags; a wrong one makes the load of CR3 fail. */
static uint64_t pdpte(struct ex_vcpu *v)
{
	uint64_t entry = table_target(v, 2) | (ex_one_in(v, 8) ? 0 : PTE_P);

	if (ex_one_in(v, 4))
		entry |= v->random & (PTE_CACHE | IGNORED_LOW);
	if (ex_one_in(v, 40))
		entry |= PTE_W;
	return entry;
}

/* An entry for a table of this level; a good one forbids little. */
uint64_t ex_entry(struct ex_vcpu *v, unsigned int level, bool good)
{
	unsigned int top = v->run->gbpages && v->desc.mode >= PAGING_4LEVEL ? 3 : 2;
	uint64_t entry, size = 1ULL << (v->desc.mode == PAGING_32 ? 22 : 12 + 9 * (level - 1));
	bool leaf = level == 1, large = level > 1 && level <= top && ex_one_in(v, 5);

	if (v->desc.mode == PAGING_PAE && level == 3)
		return pdpte(v);
	entry = rights(v, good) | high_flags(v, good);
	if (large) {
		leaf = v->desc.mode != PAGING_32 || v->desc.pse;
		entry |= large_target(v, size) | PTE_PS | (ex_one_in(v, 8) ? LARGE_PAT : 0);
	} else if (leaf) {
		entry |= page_target(v) | (ex_one_in(v, 8) ? PTE_PAT : 0);
	} else {
		entry |= table_target(v, level - 1);
	}
	if (!good && ex_one_in(v, 25))
		entry |= reserved_bit(v, level, leaf);
	return entry;
}

/* Several vCPUs use the shared tables: A and D are set already, every leaf is in the same arena. */
uint64_t ex_shared_entry(struct ex_vcpu *v)
{
	struct ex_arena *shared = &v->run->arena[EX_SHARED];
	uint64_t entry = PTE_A | PTE_D | PTE_P | (v->random & (PTE_W | PTE_U));

	if (ex_one_in(v, 10))
		return 0;
	if (v->desc.mode != PAGING_32 && v->desc.nxe && ex_one_in(v, 6))
		entry |= PTE_NX;
	return entry | ex_page_gpa(shared, ex_below(v, EX_PAGES));
}

static void put_code(struct ex_arena *arena)
{
	unsigned int page;

	for (page = 0; page < EX_PAGES; page++) {
		uint64_t offset = ex_page_gpa(arena, page) - arena->gpa + EX_CODE_OFFSET;

		arena->mem[offset] = EX_CODE;
		arena->model[offset] = EX_CODE;
	}
}

static void put(struct ex_arena *arena, uint64_t offset, uint64_t value, unsigned int size)
{
	memcpy(arena->mem + offset, &value, size);
	memcpy(arena->model + offset, &value, size);
}

/* Roots that map the fixed part; all else is absent at first. */
void ex_arena_fill(struct ex_vcpu *v)
{
	const uint8_t *mem = v->run->vm->mem;
	unsigned int root, i, size = v->run->o.mode >= MODE_LONG ? 8 : 32;
	uint64_t entry;

	put_code(v->own);
	for (root = 0; root < EX_ROOTS; root++) {
		uint64_t offset = root * PAGE_SIZE;
		bool pae = v->run->o.mode < MODE_LONG && root >= EX_ROOTS / 2;

		for (i = 0; !pae && i < size; i += 4)
			put(v->own, offset + i, *(uint32_t *)(mem + v->run->fixed_root[0] + i), 4);
		for (i = 0; pae && i < 4; i++) {
			memcpy(&entry, mem + v->run->fixed_root[1], 8);
			put(v->own, offset + 32 * i, entry, 8);
		}
	}
}

void ex_shared_fill(struct ex_vcpu *v)
{
	struct ex_arena *shared = &v->run->arena[EX_SHARED];
	unsigned int page, i, size = v->run->o.mode == MODE_PSE ? 4 : 8;

	put_code(shared);
	for (page = 0; page < EX_TABLES; page++)
		for (i = 0; i < EX_CODE_OFFSET / size; i++)
			put(shared, page * PAGE_SIZE + i * size, ex_shared_entry(v), size);
}
