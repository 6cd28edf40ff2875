/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's words for what its own headers would give, for guests and tests alike. */
#ifndef SELFTESTS_COMPILER_H
#define SELFTESTS_COMPILER_H

#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))

/* Exactly one access, however often the compiler thinks it knows the value. */
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, value)	__atomic_store_n(&(x), value, __ATOMIC_RELAXED)

#define fallthrough		__attribute__((__fallthrough__))

static inline void barrier(void)
{
	asm volatile("" : : : "memory");
}

#endif
