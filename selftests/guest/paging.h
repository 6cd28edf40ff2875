/* SPDX-License-Identifier: GPL-2.0 */
/* One access through given page-table entries: the host asks, the guest does it and reports. */
#ifndef SELFTESTS_PAGING_H
#define SELFTESTS_PAGING_H

#define PAGING_LEVELS	5
#define PAGING_RET	0xc3	/* what the page holds: an instruction that returns */

enum { ACCESS_READ, ACCESS_WRITE, ACCESS_FETCH };

/* Bits of struct paging_case.flags */
#define CASE_USER	0x01	/* access at CPL 3 */
#define CASE_WP		0x02
#define CASE_NXE	0x04
#define CASE_SMEP	0x08
#define CASE_SMAP	0x10
#define CASE_AC		0x20
#define CASE_NO_FLUSH	0x40	/* no INVLPG after the entries were written */
#define CASE_LOAD_CR3	0x80	/* load CR3 instead of INVLPG */
#define CASE_PKE	0x100	/* protection keys, under this PKRU */
#define CASE_KEEP	0x200	/* write only the entries that change */

struct paging_case {
	unsigned long long gva;
	unsigned long long access;
	unsigned long long flags;
	unsigned long long pkru;
	/* By level, 1 first; a gpa of 0 ends them. */
	unsigned long long entry_gpa[PAGING_LEVELS];
	unsigned long long entry[PAGING_LEVELS];
	/* Filled by the guest. */
	unsigned long long faulted;
	unsigned long long vector;
	unsigned long long error;
	unsigned long long cr2;
	unsigned long long after[PAGING_LEVELS];
};

/* arg[0] = number of cases at CASES_GPA, arg[1] = bytes of an entry */
#define PAGING_RUN	0

#endif
