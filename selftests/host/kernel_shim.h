/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The few kernel services that module/ept/ uses, for ept_test.c: compiled in front of its files, in
 * place of the kernel's headers. Locks and page frees go to the test, which checks them.
 */
#ifndef HOST_KERNEL_SHIM_H
#define HOST_KERNEL_SHIM_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define __rcu
#define __user
#define __read_mostly
#define __aligned(bytes)	__attribute__((aligned(bytes)))
#define PAGE_SIZE		4096UL
#define GFP_KERNEL_ACCOUNT	0
#define X86_CR0_PE		BIT(0)
#define X86_CR0_PG		0x80000000UL
#define EFER_LMA		0x400UL
#define X86_EFLAGS_FIXED	2UL

#define module_param(name, type, perm)
#define MODULE_PARM_DESC(name, text)

/* One thread runs here. */
#define READ_ONCE(x)		(x)
#define WARN_ON_ONCE(condition)	((condition) ? abort(), true : false)
#define WRITE_ONCE(x, val)	((x) = (val))
#define smp_mb__after_atomic()	/* one thread */
#define min(a, b) ({ typeof(a) _a = (a); typeof(b) _b = (b); _a < _b ? _a : _b; })
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define cmpxchg64		shim_cmpxchg64

typedef struct { int64_t counter; } atomic64_t;
typedef struct { int counter; } atomic_t;
typedef struct { int users; } refcount_t;
typedef struct { int readers, writers; } rwlock_t;
struct mutex { int held; };
struct rcuwait { void *task; };
typedef struct { int held; } spinlock_t;
struct srcu_struct { int readers; };
struct xarray { void *entries; };
struct mmu_notifier { int users; };
struct list_head { struct list_head *next, *prev; };
struct work_struct { int queued; };
struct preempt_notifier { int users; };
struct fpu_guest { int users; };
struct page { unsigned long private; };

static inline void atomic64_add(int64_t delta, atomic64_t *v)
{
	__sync_fetch_and_add(&v->counter, delta);
}

static inline bool test_bit(unsigned int nr, const unsigned long *word)
{
	return *word >> nr & 1;
}

static inline void clear_bit(unsigned int nr, unsigned long *word)
{
	*word &= ~(1UL << nr);
}

/* A page and its struct page share an allocation, so that the address sanitizer watches both. */
static inline unsigned long get_zeroed_page(int gfp)
{
	void *page = aligned_alloc(PAGE_SIZE, 2 * PAGE_SIZE);

	memset(page, 0, 2 * PAGE_SIZE);
	return (unsigned long)page;
}

void free_page(unsigned long page);	/* the test's */

static inline struct page *virt_to_page(void *page)
{
	return (struct page *)((char *)page + PAGE_SIZE);
}

static inline void set_page_private(struct page *page, unsigned long private)
{
	page->private = private;
}

static inline unsigned long page_private(const struct page *page)
{
	return page->private;
}

static inline void *page_address(struct page *page)
{
	return (char *)page - PAGE_SIZE;
}

static inline uint64_t virt_to_phys(void *page)
{
	return (uint64_t)page;
}

static inline void *phys_to_virt(uint64_t hpa)
{
	return (void *)hpa;
}

static inline uint64_t vmalloc_to_pfn(const void *page)
{
	return (uint64_t)page / PAGE_SIZE;
}

static inline void clear_page(void *page)
{
	memset(page, 0, PAGE_SIZE);
}

#define kzalloc(size, gfp)	calloc(1, size)
#define kfree(object)		free(object)

static inline bool page_is_ram(unsigned long pfn)
{
	return true;
}

/* The test's. */
uint64_t shim_cmpxchg64(uint64_t *word, uint64_t old, uint64_t new);
void read_lock(rwlock_t *lock);
void read_unlock(rwlock_t *lock);
void write_lock(rwlock_t *lock);
void write_unlock(rwlock_t *lock);

#endif
