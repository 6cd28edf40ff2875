/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel services that module/irqchip/ uses, for irqchip_test.c: one thread, a clock that the
 * test winds, locks that notice when they are taken twice. Comes behind kernel_shim.h.
 */
#ifndef HOST_IRQ_SHIM_H
#define HOST_IRQ_SHIM_H

#include <errno.h>
#include <stdio.h>
#include "kernel_shim.h"

#define NSEC_PER_USEC	1000UL
#define NSEC_PER_MSEC	1000000UL
#define S64_MAX		INT64_MAX
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define MAX_SHIM_VCPUS	8

#define max(a, b) ({ typeof(a) _x = (a); typeof(b) _y = (b); _x > _y ? _x : _y; })
#define min_t(type, a, b)	((type)(a) < (type)(b) ? (type)(a) : (type)(b))
#define max_t(type, a, b)	((type)(a) > (type)(b) ? (type)(a) : (type)(b))
#define unlikely(x)	(x)

enum { CPUID_EAX, CPUID_EBX, CPUID_ECX, CPUID_EDX };
#define fallthrough	do {} while (0)

/* Memory. */
#define kvzalloc(size, gfp)	calloc(1, size)
#define kcalloc(n, size, gfp)	calloc(n, size)
#define kvfree(object)		free(object)
#define kvfree_rcu(object, rcu)	free(object)
#define array_size(n, size)	((size_t)(n) * (size))
#define size_add(a, b)		((size_t)(a) + (b))
#define struct_size(p, member, n) (sizeof(*(p)) + sizeof((p)->member[0]) * (n))
#define copy_from_user(to, from, n) (memcpy(to, from, n), 0)
#define IS_ERR(p)		((unsigned long)(p) >= -4095UL)
#define PTR_ERR(p)		((long)(p))
#define ERR_PTR(e)		((void *)(long)(e))

static inline void *vmemdup_user(const void *from, size_t n)
{
	void *copy = malloc(n);

	return memcpy(copy, from, n);
}

/* Locks: nobody else is here, so one that is held is held by the caller. */
#define shim_assert(cond)							\
	do {									\
		if (!(cond)) {							\
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond);	\
			abort();						\
		}								\
	} while (0)

typedef struct { int held; } raw_spinlock_t;

static inline void shim_lock(int *held)
{
	shim_assert(!*held);
	*held = 1;
}

static inline void shim_unlock(int *held)
{
	shim_assert(*held);
	*held = 0;
}

#define raw_spin_lock_init(l)			((l)->held = 0)
#define raw_spin_lock_irqsave(l, flags)		(shim_lock(&(l)->held), (flags) = 1)
#define raw_spin_unlock_irqrestore(l, flags)	(shim_unlock(&(l)->held), (void)(flags))
#define mutex_lock(m)				shim_lock(&(m)->held)
#define mutex_unlock(m)				shim_unlock(&(m)->held)
#define lockdep_is_held(l)			((l)->held)
#define lockdep_assert_held(l)			shim_assert((l)->held)

/* RCU and barriers. */
struct rcu_head { void *next; };
#define rcu_read_lock()				do {} while (0)
#define rcu_read_unlock()			do {} while (0)
#define rcu_dereference(p)			(p)
#define rcu_dereference_raw(p)			(p)
#define rcu_dereference_protected(p, c)		({ shim_assert(c); (p); })
#define rcu_assign_pointer(p, v)		((p) = (v))
#define rcu_replace_pointer(p, v, c) ({ typeof(p) _old = (p); shim_assert(c); (p) = (v); _old; })
#define srcu_dereference(p, s)			(p)
#define synchronize_srcu_expedited(s)		do {} while (0)
#define smp_store_release(p, v)			(*(p) = (v))
#define smp_mb__before_atomic()			do {} while (0)

/* Atomics and bits. */
#define DECLARE_BITMAP(name, bits)	unsigned long name[((bits) + 63) / 64]
#define atomic_set(v, n)		((v)->counter = (n))
#define atomic_read(v)			((v)->counter)
#define atomic_inc(v)			((v)->counter++)
#define atomic_add(n, v)		((v)->counter += (n))
#define atomic_xchg(v, n) ({ int _now = (v)->counter; (v)->counter = (n); _now; })

static inline void set_bit(unsigned int nr, unsigned long *words)
{
	words[nr / 64] |= 1UL << nr % 64;
}

#define __set_bit(nr, words)	set_bit(nr, words)
#define test_bit(nr, words)	shim_test_bit(nr, words)

static inline bool shim_test_bit(unsigned int nr, const unsigned long *words)
{
	return words[nr / 64] >> nr % 64 & 1;
}

static inline bool test_and_clear_bit(unsigned int nr, unsigned long *words)
{
	bool was = shim_test_bit(nr, words);

	words[nr / 64] &= ~(1UL << nr % 64);
	return was;
}

/* The VM's vCPUs: an array of MAX_SHIM_VCPUS. */
#define xa_load(xa, id)	\
	((id) < MAX_SHIM_VCPUS ? ((struct um_vcpu **)(xa)->entries)[id] : NULL)
#define xa_for_each(xa, id, vcpu) \
	for ((id) = 0; (id) < MAX_SHIM_VCPUS; (id)++) \
		if (((vcpu) = ((struct um_vcpu **)(xa)->entries)[id]))

/* Time, and timers that go off when the test says so. */
typedef int64_t ktime_t;
enum hrtimer_restart { HRTIMER_NORESTART, HRTIMER_RESTART };
#define __releases(lock)

struct hrtimer {
	enum hrtimer_restart (*function)(struct hrtimer *timer);
	ktime_t expires;
	bool on;
};

extern uint64_t shim_now;	/* nanoseconds, and TSC ticks */

#define HRTIMER_MODE_ABS_HARD	0
#define hrtimer_init(t, clock, mode)	((t)->on = false)
#define hrtimer_cancel(t)		((t)->on = false)
#define hrtimer_start(t, when, mode)	((t)->expires = (when), (t)->on = true)
#define hrtimer_get_expires(t)		((t)->expires)
#define ktime_get()			((ktime_t)shim_now)
#define ktime_add_ns(t, ns)		((ktime_t)((t) + (ns)))
#define ktime_sub(a, b)			((a) - (b))
#define ktime_to_ns(t)			(t)
#define ns_to_ktime(ns)			((ktime_t)(ns))
#define rdtsc()				shim_now
#define mul_u64_u64_div_u64(a, b, c)	((uint64_t)((unsigned __int128)(a) * (b) / (c)))

static inline void hrtimer_forward_now(struct hrtimer *t, ktime_t period)
{
	while (t->expires <= (ktime_t)shim_now)
		t->expires += period;
}

#endif
