/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Walks of paging structures as they are in memory now, without side effects: what a CPU that has
 * cached nothing would find.
 */
#ifndef LAB_WALK_H
#define LAB_WALK_H

#include "bochs.h"
#include "cpu/cpu.h"
#include "memory/memory-bochs.h"

enum { RIGHT_READ = 1, RIGHT_WRITE = 2, RIGHT_EXEC = 4, RIGHT_USER = 8 };

#define WALK_LEVELS	5
#define PAGE_SHIFT	12
#define LEVEL_BITS	9
#define FRAME_MASK	0x000ffffffffff000ULL

/* One entry that the walk went through. */
struct walk_step {
	Bit64u hpa;		/* where the entry is */
	Bit64u gpa;		/* the same for a guest's own table behind EPT */
	Bit64u entry;
	unsigned int rights;	/* of this entry alone */
	unsigned int level;	/* 1 = the entry of a 4K page */
};

struct walk {
	struct walk_step steps[WALK_LEVELS];
	unsigned int count;
	bool complete;		/* present and well-formed down to the leaf: may be cached */
	Bit64u address;		/* of the byte asked for, in the next space */
	unsigned int rights;	/* of all steps together */
	unsigned int level;	/* of the leaf */
	bool global, dirty;	/* dirty is set where the CPU keeps no such flag */
};

static inline unsigned int level_shift(unsigned int level)
{
	return PAGE_SHIFT + LEVEL_BITS * (level - 1);
}

static inline Bit64u level_mask(unsigned int level)
{
	return (1ULL << level_shift(level)) - 1;
}

bool in_ram(Bit64u hpa);
/* Of the current guest's EPT; rights are RIGHT_READ to RIGHT_EXEC. */
struct walk walk_ept(BX_CPU_C *cpu, Bit64u gpa);
/*
 * Of the tables that CR3 names. Behind EPT, @translate turns the gpa of each entry into its hpa and
 * may refuse, which ends the walk.
 */
typedef bool (*translate_table)(BX_CPU_C *cpu, Bit64u gpa, Bit64u *hpa);
struct walk walk_linear(BX_CPU_C *cpu, Bit64u laddr, translate_table translate);

#endif
