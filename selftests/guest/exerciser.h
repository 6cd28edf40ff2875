/* SPDX-License-Identifier: GPL-2.0 */
/* A script of page-table operations: the host writes it, the guest performs it. */
#ifndef SELFTESTS_GUEST_EXERCISER_H
#define SELFTESTS_GUEST_EXERCISER_H

/* arg[0] = how many operations; result[0] = the one that is being performed */
#define EX_RUN		0

/* Each vCPU has its script at CASES_GPA. */
#define EX_SCRIPT_OPS	512
#define EX_SCRIPT_BYTES	(EX_SCRIPT_OPS * sizeof(struct ex_op))
/* A copy of the operation that CPL 3 performs, in the page that CPL 3 may use. */
#define EX_BOX_GPA	(USER_GPA + 0x1000)

enum ex_kind {
	EX_ENTRY,	/* value to the entry at gpa gva, through the identity map */
	EX_LOOK,	/* read such an entry */
	EX_COPY,	/* bytes from gpa value to gpa gva by a string instruction */
	EX_FILL,	/* bytes at gpa gva with the word value */
	EX_READ,	/* a word at gva */
	EX_WRITE,
	EX_XCHG,
	EX_FETCH,	/* call gva */
	EX_CR0,		/* value to the register */
	EX_CR3,
	EX_CR4,
	EX_EFER,
	EX_INVLPG,	/* gva */
	EX_INVPCID,	/* type in bytes, PCID in value, gva */
	EX_NR_KINDS,
};

/* Flags */
#define EX_USER		0x01	/* at CPL 3 */
#define EX_AC		0x02	/* with EFLAGS.AC */
#define EX_RETRY	0x04	/* a first fault may come of a stale translation: try again */
#define EX_LONG		0x08	/* the entry has eight bytes */
/* How an entry is written; the part with P comes last. */
#define EX_HOW_SHIFT	4
#define EX_HOW_MASK	3
enum { EX_WHOLE, EX_HALVES, EX_BYTES, EX_LOCKED };

struct ex_op {
	unsigned int kind, flags;
	unsigned long long gva;
	unsigned long long value;
	unsigned int bytes;
	/* Filled by the guest; vector 0 is none. */
	unsigned int vector;
	unsigned long long error;
	unsigned long long cr2;
	unsigned long long got;
};

#endif
