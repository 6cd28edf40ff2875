/* SPDX-License-Identifier: GPL-2.0 */
/* Random numbers that a seed repeats (xorshift64*). */
#ifndef RND_H
#define RND_H

#include "types.h"

static u64 seed;

static inline u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * 0x2545f4914f6cdd1dULL;
}

static inline unsigned int below(unsigned int n)
{
	return (rnd() >> 32) % n;
}

#endif
