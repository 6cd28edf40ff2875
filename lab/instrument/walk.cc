// SPDX-License-Identifier: GPL-2.0
/* Walks of paging structures as they are in memory now, without side effects. */
#include "walk.h"

#define BIT_PRESENT	(1ULL << 0)
#define BIT_WRITE	(1ULL << 1)
#define BIT_USER	(1ULL << 2)
#define BIT_DIRTY	(1ULL << 6)
#define BIT_LARGE	(1ULL << 7)
#define BIT_GLOBAL	(1ULL << 8)
#define BIT_NX		(1ULL << 63)
/* 32-bit entries. */
#define PSE_LEVEL_BITS	10
#define PSE36_MASK	0x1fe000ULL
#define PSE36_SHIFT	(32 - 13)
#define PSE_PAGE_SHIFT	22

#define EPT_RIGHTS	7ULL
#define EPT_DIRTY	(1ULL << 9)
#define EPT_NON_LEAF_RESERVED 0x78ULL
#define EPTP_AD		(1ULL << 6)
#define EPT_LEVELS	4

/* Of the memory that the emulated machine has; nothing else can hold a table. */
bool in_ram(Bit64u hpa)
{
	return hpa < BX_MEM(0)->get_memory_len() && (hpa < 0xa0000 || hpa >= 0x100000);
}

static bool read_entry(Bit64u hpa, unsigned int size, Bit64u *entry)
{
	*entry = 0;
	if (!in_ram(hpa))
		return false;
	memcpy(entry, BX_MEM(0)->get_vector(hpa), size);
	return true;
}

static unsigned int table_index(Bit64u address, unsigned int level)
{
	return (address >> level_shift(level)) & ((1U << LEVEL_BITS) - 1);
}

static void finish(struct walk *w, Bit64u address, Bit64u frame)
{
	const struct walk_step *leaf = &w->steps[w->count - 1];
	Bit64u mask = level_mask(leaf->level);

	w->complete = true;
	w->level = leaf->level;
	w->address = (frame & ~mask) | (address & mask);
}

static bool ept_well_formed(Bit64u entry, bool leaf)
{
	unsigned int type = (entry >> 3) & 7;

	if ((entry & (RIGHT_READ | RIGHT_WRITE)) == RIGHT_WRITE)
		return false;
	if (entry & FRAME_MASK & BX_PHY_ADDRESS_RESERVED_BITS)
		return false;
	return leaf ? type != 2 && type != 3 && type != 7 : !(entry & EPT_NON_LEAF_RESERVED);
}

struct walk walk_ept(BX_CPU_C *cpu, Bit64u gpa)
{
	Bit64u table = cpu->vmcs.eptptr & FRAME_MASK;
	struct walk w = {};

	w.rights = EPT_RIGHTS;
	for (unsigned int level = EPT_LEVELS; level; level--) {
		struct walk_step *step = &w.steps[w.count];
		bool leaf;

		step->hpa = table + table_index(gpa, level) * sizeof(Bit64u);
		step->level = level;
		if (!read_entry(step->hpa, sizeof(Bit64u), &step->entry))
			return w;
		w.count++;
		step->rights = step->entry & EPT_RIGHTS;
		leaf = level == 1 || (step->entry & BIT_LARGE);
		if (!step->rights || !ept_well_formed(step->entry, leaf))
			return w;
		w.rights &= step->rights;
		table = step->entry & FRAME_MASK;
		if (leaf) {
			w.dirty = !(cpu->vmcs.eptptr & EPTP_AD) || (step->entry & EPT_DIRTY);
			finish(&w, gpa, table);
			return w;
		}
	}
	return w;
}

static bool read_step(BX_CPU_C *cpu, struct walk *w, Bit64u address, unsigned int size,
		      unsigned int level, translate_table translate)
{
	struct walk_step *step = &w->steps[w->count];

	step->gpa = step->hpa = address;
	step->level = level;
	if (translate && !translate(cpu, address, &step->hpa))
		return false;
	if (!read_entry(step->hpa, size, &step->entry))
		return false;
	w->count++;
	step->rights = RIGHT_READ | (step->entry & BIT_WRITE ? RIGHT_WRITE : 0) |
		       (step->entry & BIT_USER ? RIGHT_USER : 0) |
		       (size == sizeof(Bit64u) && (step->entry & BIT_NX) && cpu->efer.get_NXE() ?
			0 : RIGHT_EXEC);
	w->rights &= step->rights;
	return step->entry & BIT_PRESENT;
}

static void take_leaf(BX_CPU_C *cpu, struct walk *w, Bit64u entry)
{
	w->dirty = entry & BIT_DIRTY;
	w->global = (entry & BIT_GLOBAL) && cpu->cr4.get_PGE();
}

/* Three levels and more; the PDPTEs of PAE are registers. */
static struct walk walk_wide(BX_CPU_C *cpu, Bit64u laddr, Bit64u table, unsigned int levels,
			     translate_table translate)
{
	struct walk w = {};

	w.rights = RIGHT_READ | RIGHT_WRITE | RIGHT_EXEC | RIGHT_USER;
	for (unsigned int level = levels; level; level--) {
		Bit64u address = table + table_index(laddr, level) * sizeof(Bit64u), entry;
		bool leaf;

		if (!read_step(cpu, &w, address, sizeof(Bit64u), level, translate))
			return w;
		entry = w.steps[w.count - 1].entry;
		leaf = level == 1 || (level < 4 && (entry & BIT_LARGE));
		if (entry & FRAME_MASK & BX_PHY_ADDRESS_RESERVED_BITS)
			return w;
		if (level >= 4 && (entry & BIT_LARGE))
			return w;
		table = entry & FRAME_MASK;
		if (leaf) {
			take_leaf(cpu, &w, entry);
			finish(&w, laddr, table);
			return w;
		}
	}
	return w;
}

/* Two levels. A 4M page counts as the 2M page of it that is asked for. */
static struct walk walk_narrow(BX_CPU_C *cpu, Bit64u laddr, translate_table translate)
{
	Bit64u table = cpu->cr3 & 0xfffff000, frame;
	Bit64u entry;
	struct walk w = {};

	w.rights = RIGHT_READ | RIGHT_WRITE | RIGHT_EXEC | RIGHT_USER;
	if (!read_step(cpu, &w, table + (laddr >> PSE_PAGE_SHIFT << 2), 4, 2, translate))
		return w;
	entry = w.steps[0].entry;
	if ((entry & BIT_LARGE) && cpu->cr4.get_PSE()) {
		frame = (entry & 0xffc00000) | (entry & PSE36_MASK) << PSE36_SHIFT;
		take_leaf(cpu, &w, entry);
		finish(&w, laddr, frame | (laddr & (1ULL << level_shift(2))));
		return w;
	}
	table = (entry & 0xfffff000) + ((laddr >> PAGE_SHIFT) & ((1U << PSE_LEVEL_BITS) - 1)) * 4;
	if (!read_step(cpu, &w, table, 4, 1, translate))
		return w;
	entry = w.steps[1].entry;
	take_leaf(cpu, &w, entry);
	finish(&w, laddr, entry & 0xfffff000);
	return w;
}

struct walk walk_linear(BX_CPU_C *cpu, Bit64u laddr, translate_table translate)
{
	struct walk w = {};

	if (!cpu->cr0.get_PG()) {
		w.complete = w.dirty = true;
		w.address = laddr;
		w.level = 1;
		w.rights = RIGHT_READ | RIGHT_WRITE | RIGHT_EXEC | RIGHT_USER;
		return w;
	}
	if (cpu->long_mode())
		return walk_wide(cpu, laddr, cpu->cr3 & FRAME_MASK, cpu->cr4.get_LA57() ? 5 : 4,
				 translate);
	if (!cpu->cr4.get_PAE())
		return walk_narrow(cpu, laddr, translate);
	Bit64u pdpte = cpu->PDPTR_CACHE.entry[(laddr >> level_shift(3)) & 3];

	return pdpte & BIT_PRESENT ? walk_wide(cpu, laddr, pdpte & FRAME_MASK, 2, translate) : w;
}
