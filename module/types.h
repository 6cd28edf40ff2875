/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Address types, page-table levels and the architectural constants that pure code needs; builds in
 * the kernel and in userspace. No locks.
 *
 * gva: guest virtual, gpa: guest physical, gfn: gpa >> 12, hva: host virtual (of the VM's mm),
 * hpa: host physical, pfn: hpa >> 12. Levels count from 1 (4 KiB) to 5.
 */
#ifndef UM_TYPES_H
#define UM_TYPES_H

#ifdef __KERNEL__
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/types.h>
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/kvm_types.h>
#else
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#define BIT(n)		(1UL << (n))
#define BIT_ULL(n)	(1ULL << (n))
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
typedef unsigned long gva_t;
typedef u64 gpa_t;
typedef u64 gfn_t;
typedef unsigned long hva_t;
typedef u64 hpa_t;
#endif

#define UM_PAGE_SHIFT	12
#define UM_PAGE_SIZE	BIT(UM_PAGE_SHIFT)
#define UM_PAGE_MASK	(~(UM_PAGE_SIZE - 1))
#define UM_INVALID_GPA	(~(gpa_t)0)
#define UM_INVALID_HPA	(~(hpa_t)0)

/* Page-table levels: the size of what one entry of a 512-entry table at @level maps. */
#define UM_LEVEL_4K	1
#define UM_LEVEL_2M	2
#define UM_LEVEL_1G	3
#define UM_LEVEL_MAX	5

static inline unsigned int um_level_shift(unsigned int level)
{
	return UM_PAGE_SHIFT + 9 * (level - 1);
}

static inline u64 um_level_pages(unsigned int level)
{
	return 1ULL << (9 * (level - 1));
}

static inline gfn_t gpa_to_gfn(gpa_t gpa)
{
	return gpa >> UM_PAGE_SHIFT;
}

static inline gpa_t gfn_to_gpa(gfn_t gfn)
{
	return gfn << UM_PAGE_SHIFT;
}

static inline unsigned int um_page_offset(u64 where)
{
	return where & (UM_PAGE_SIZE - 1);
}

/* The first gfn of the @level-sized block that holds @gfn. */
static inline gfn_t gfn_align_down(gfn_t gfn, unsigned int level)
{
	return gfn & ~(um_level_pages(level) - 1);
}

/* Page-fault error code (SDM "Page-Fault Exceptions"). */
#define PFEC_P		BIT(0)	/* a protection fault, not an absent page */
#define PFEC_W		BIT(1)
#define PFEC_U		BIT(2)
#define PFEC_RSVD	BIT(3)
#define PFEC_I		BIT(4)
#define PFEC_PK		BIT(5)

/* Exception vectors (SDM "Exception and Interrupt Vectors"). */
enum um_vector {
	UM_DE = 0, UM_DB = 1, UM_NMI = 2, UM_BP = 3, UM_OF = 4, UM_BR = 5, UM_UD = 6, UM_NM = 7,
	UM_DF = 8, UM_TS = 10, UM_NP = 11, UM_SS = 12, UM_GP = 13, UM_PF = 14, UM_MF = 16,
	UM_AC = 17, UM_MC = 18, UM_XM = 19,
};

/* General registers in the order of their encoding. */
enum um_gpr {
	UM_RAX, UM_RCX, UM_RDX, UM_RBX, UM_RSP, UM_RBP, UM_RSI, UM_RDI,
	UM_R8, UM_R9, UM_R10, UM_R11, UM_R12, UM_R13, UM_R14, UM_R15,
	UM_NR_GPRS,
};

/* Segment registers in the order of their encoding; the two system segments follow. */
enum um_seg {
	UM_ES, UM_CS, UM_SS_SEG, UM_DS, UM_FS, UM_GS, UM_TR, UM_LDTR,
	UM_NR_SEGS,
};

#endif
