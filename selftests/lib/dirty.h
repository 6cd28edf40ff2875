/* SPDX-License-Identifier: GPL-2.0 */
/* A guest that writes to a slot at random, and a model of which of its pages are dirty. */
#ifndef SELFTESTS_LIB_DIRTY_H
#define SELFTESTS_LIB_DIRTY_H

#include <pthread.h>

#include "pgtable.h"
#include "../guest/dirty.h"

#define DIRTY_SLOT	5
#define DIRTY_GPA	0x10000000UL
#define DIRTY_PAGES	2040UL		/* the log's last word is not whole */
#define DIRTY_SIZE	(DIRTY_PAGES * PAGE_SIZE)
#define DIRTY_WINDOW	(2048UL * PAGE_SIZE)	/* what the guest has mapped */
#define DIRTY_WORDS	((DIRTY_PAGES + 63) / 64)
#define DIRTY_STOP	(SCRATCH_GPA + 64)

struct dirty_vcpu {
	struct vcpu *vcpu;
	pthread_t thread;
	uint64_t op;
	int outcome;
	uint32_t seed;		/* where its next random writes start */
};

struct dirty_vm {
	struct vm *vm;
	unsigned int nr;
	struct dirty_vcpu vcpus[MAX_VCPUS];
	uint8_t *mem;		/* DIRTY_WINDOW bytes, at a multiple of 2 MiB */
	uint64_t gpa;		/* of the slot */
	uint64_t model[DIRTY_WORDS];	/* what the log should say */
	uint64_t log[DIRTY_WORDS];	/* what it says */
};

/* The slot is there, without a log; @level: of the guest's pages that map it; @thp: the host's. */
struct dirty_vm *dirty_create(struct vm *vm, unsigned int nr, enum guest_mode mode, int level,
			      bool thp);
void dirty_destroy(struct dirty_vm *d);
int dirty_set_slot(struct dirty_vm *d, uint32_t flags);
void dirty_log_on(struct dirty_vm *d);
void dirty_log_off(struct dirty_vm *d);
int dirty_manual(struct vm *vm, uint64_t how);

/* Every vCPU performs @count random writes in [first, first + pages); the model knows. */
bool dirty_write(struct dirty_vm *d, unsigned int count, unsigned long first, unsigned long pages);
/* Every vCPU does @op over the whole slot; the model stays as it is. */
bool dirty_all(struct dirty_vm *d, uint64_t op);
/* DIRTY_LOOP in the background, and its end. */
void dirty_loop(struct dirty_vm *d);
bool dirty_stop(struct dirty_vm *d);

int dirty_get(struct dirty_vm *d);		/* into d->log */
int dirty_clear(struct dirty_vm *d, uint64_t first, uint32_t pages, const uint64_t *bits);

static inline bool dirty_test(const uint64_t *bits, unsigned long page)
{
	return bits[page / 64] >> page % 64 & 1;
}

static inline void dirty_set(uint64_t *bits, unsigned long page)
{
	bits[page / 64] |= 1ULL << page % 64;
}

void dirty_fill(uint64_t *bits);	/* all pages of the slot */
unsigned long dirty_count(const uint64_t *bits);
/* The log is what the model says; if not, a diagnostic tells where. */
bool dirty_exact(const struct dirty_vm *d);

#endif
