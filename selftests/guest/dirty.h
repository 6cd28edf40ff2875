/* SPDX-License-Identifier: GPL-2.0 */
/* Random writes: the guest performs them, and the host computes which pages they reach. */
#ifndef SELFTESTS_DIRTY_H
#define SELFTESTS_DIRTY_H

enum {
	DIRTY_WRITE,	/* arg[2] random writes */
	DIRTY_TOUCH,	/* one write to each page */
	DIRTY_READ,	/* one read of each page */
	DIRTY_LOOP,	/* random writes until the word at arg[2] is set */
	DIRTY_COPY,	/* copy the u32 at arg[2] to arg[0] by one instruction */
};

/* Otherwise the pages begin at arg[0] and are arg[1]; arg[3] is where the numbers start. */

static inline unsigned int dirty_next(unsigned int x)
{
	return x * 1664525 + 1013904223;
}

static inline unsigned int dirty_page(unsigned int x, unsigned int pages)
{
	return (x >> 8) % pages;
}

#endif
