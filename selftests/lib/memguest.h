/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest with a slot of its own, over host memory that the test moves about meanwhile: single
 * accesses, and vCPUs that check and rewrite all of it without end.
 */
#ifndef SELFTESTS_MEMGUEST_H
#define SELFTESTS_MEMGUEST_H

#include <pthread.h>

#include "pgtable.h"

#define MEM_SLOT	5
#define MEM_GPA		0x40000000UL
#define MEM_STOP	(SCRATCH_GPA + 64)
#define MEM_VCPUS	MAX_VCPUS
#define SIZE_2M		(2UL << 20)
#define SIZE_1G		(512 * SIZE_2M)

struct memguest {
	struct vm *vm;
	struct vcpu *vcpu[MEM_VCPUS];
	unsigned int vcpus;
	uint8_t *mem;
	size_t size;
	unsigned long stride;		/* between the pages that the guest churns */
	struct kvm_regs start;		/* vCPU 0, ready for an operation */
	bool stuck;			/* its last one came to no end */
	pthread_t thread[MEM_VCPUS];
	int outcome[MEM_VCPUS];
	unsigned int faults[MEM_VCPUS];	/* KVM_RUNs that ended with EFAULT */
};

/* Memory at a multiple of align (2 MiB, 1 GiB). */
void *aligned_pages(size_t size, size_t align);

/*
 * The guest maps the slot one to one by pages of this level. mem_create(): over fresh anonymous
 * memory at a multiple of 2 MiB, without huge pages.
 */
struct memguest mem_create(unsigned int vcpus, size_t size);
struct memguest mem_create_over(unsigned int vcpus, void *mem, size_t size, uint32_t flags,
				int level);
/* Leaves the host's memory alone if it is not that of mem_create(). */
void mem_destroy(struct memguest *m);
void mem_unmap(struct memguest *m);

/*
 * By vCPU 0; the outcome of guest_run(). After EFAULT, guest_run() tries the same access again, the
 * next of these gives it up.
 */
int mem_touch(struct memguest *m, unsigned long first, unsigned long pages);
int mem_read(struct memguest *m, unsigned long page);
int mem_write(struct memguest *m, unsigned long page, uint32_t value);
bool mem_sum_is(struct memguest *m, unsigned long first, unsigned long pages, uint64_t want);
/* mem_read() gives this value. */
bool mem_reads(struct memguest *m, unsigned long page, uint32_t want);
uint32_t mem_result(const struct memguest *m);
uint32_t mem_host_read(const struct memguest *m, unsigned long page);
void mem_host_write(struct memguest *m, unsigned long page, uint32_t value);
unsigned long mem_resident(const struct memguest *m);

/* All vCPUs churn until mem_stop(), a thread each; EFAULT is counted and tried again. */
void mem_start(struct memguest *m, uint64_t churn_flags);
/*
 * Every vCPU goes through all pages, in ten seconds at most, and what it writes is seen by the
 * host; the pages must not be lost meanwhile.
 */
bool mem_progress(struct memguest *m);
bool mem_stop(struct memguest *m);
unsigned int mem_faults(const struct memguest *m);

/* How many pages of 2 MiB (or 1 GiB) are mapped for the guest now, or were: false if unknown. */
bool mem_large(const struct memguest *m, size_t page_size, uint64_t *pages);

/* Writes a word to a file in /sys or /proc, reads a number; false: there is no such file. */
bool sys_write(const char *path, const char *word);
bool sys_read(const char *path, unsigned long *value);

#endif
