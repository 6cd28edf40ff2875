/* SPDX-License-Identifier: GPL-2.0 */
/* Operations of the guest that tests use when any guest will do. */
#ifndef SELFTESTS_BASIC_H
#define SELFTESTS_BASIC_H

enum {
	BASIC_NOTHING,
	BASIC_SPIN,		/* for ever, interrupts off */
	BASIC_READ,		/* result[0] = the u32 at arg[0] */
	BASIC_WRITE,		/* the u32 at arg[0] = arg[1] */
	BASIC_TOUCH,		/* write a byte to each page of [arg[0], arg[1]) */
	BASIC_SUM,		/* result[0] = sum of the first u32 of each of those pages */
	BASIC_COUNT,		/* increment the u32 at arg[0] until the one at arg[1] is set */
	BASIC_CALL,		/* call the code at arg[0] */
	BASIC_TRY_READ,		/* as READ; result[1] = vector + 1 or 0, [2] = error code */
	BASIC_TRY_WRITE,
	BASIC_HLT,
	BASIC_CHURN,		/* check and rewrite these pages until the u32 at arg[2] is set */
	BASIC_FLUSH,		/* INVLPG of the page at arg[0], then as READ */
	BASIC_RELOAD,		/* load CR3 anew, then as READ */
	BASIC_SPACE,		/* load CR3 with arg[1], then as READ */
	BASIC_UNPAGED,		/* as READ into result[1]; guest_sync() with paging off; as READ */
};

/* arg[3] of CHURN: flags; arg[4]: the distance of its pages. result[0] counts complete rounds. */
#define CHURN_LOSES	1	/* a page may come back as zeros */
#define CHURN_PAGES	1024	/* at most */
/* What CHURN writes: the round, which may overflow, and the number of the page. */
#define CHURN_SHIFT	10

#endif
