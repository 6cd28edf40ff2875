// SPDX-License-Identifier: GPL-2.0
/*
 * The host moves a running guest's memory about in every way that Linux knows, and the guest, which
 * checks and rewrites all of it without end, must notice nothing but what it is told: KVM_RUN ends
 * with EFAULT where no page can be had, and goes on once one can.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/memguest.h"
#include "guest/basic.h"

#define PAGES		48UL
#define SIZE		(512 * PAGE_SIZE)
#define CHURNED		(PAGES * PAGE_SIZE)
#define ROUNDS		12

struct storm {
	const char *name;
	/* The i-th blow; false: this kernel has no such thing. */
	bool (*blow)(struct memguest *m, unsigned int i);
	uint64_t flags;		/* CHURN_* */
	bool faults;		/* there are moments without a page */
};

/* Half of what the guest uses, another half each time. */
static uint8_t *part(struct memguest *m, unsigned int i)
{
	return m->mem + (i % 2) * CHURNED / 2;
}

static bool advise(struct memguest *m, unsigned int i, int advice)
{
	return !madvise(part(m, i), CHURNED / 2, advice);
}

static bool blow_dontneed(struct memguest *m, unsigned int i)
{
	return advise(m, i, MADV_DONTNEED);
}

static bool blow_free(struct memguest *m, unsigned int i)
{
	return advise(m, i, MADV_FREE);
}

static bool blow_cold(struct memguest *m, unsigned int i)
{
	return advise(m, i, MADV_COLD);
}

static bool blow_pageout(struct memguest *m, unsigned int i)
{
	return advise(m, i, MADV_PAGEOUT);
}

/* The guest must come to the page that it cannot have; a second at most. */
static void await_fault(struct memguest *m)
{
	unsigned int before = mem_faults(m), tries = 0;

	while (mem_faults(m) == before && tries++ < 5000)
		usleep(200);
}

static bool protect(struct memguest *m, unsigned int i, int protection)
{
	must(mprotect(part(m, i), CHURNED / 2, protection));
	await_fault(m);
	must(mprotect(part(m, i), CHURNED / 2, PROT_READ | PROT_WRITE));
	return true;
}

static bool blow_protect_read(struct memguest *m, unsigned int i)
{
	return protect(m, i, PROT_READ);
}

static bool blow_protect_none(struct memguest *m, unsigned int i)
{
	return protect(m, i, PROT_NONE);
}

static bool blow_unmap(struct memguest *m, unsigned int i)
{
	must(munmap(part(m, i), CHURNED / 2));
	await_fault(m);
	return mmap(part(m, i), CHURNED / 2, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}

/* The last page of the slot is not churned: its neighbours' memory goes there and comes back. */
static bool blow_remap(struct memguest *m, unsigned int i)
{
	uint8_t *from = part(m, i), *away = m->mem + SIZE - CHURNED / 2;
	int how = MREMAP_MAYMOVE | MREMAP_FIXED;

	if (mremap(from, CHURNED / 2, CHURNED / 2, how, away) != away)
		return false;
	await_fault(m);
	return mremap(away, CHURNED / 2, CHURNED / 2, how, from) == from;
}

/* The child writes to all that it shares with the guest. */
static bool blow_fork(struct memguest *m, unsigned int i)
{
	pid_t pid = fork();
	unsigned long p;

	if (!pid) {
		for (p = 0; p < PAGES; p++)
			memset(m->mem + p * PAGE_SIZE, 0xcc, 256);
		_exit(0);
	}
	if (i % 2)
		usleep(300);
	return waitpid(pid, NULL, 0) == pid;
}

static bool blow_compact(struct memguest *m, unsigned int i)
{
	(void)m;
	(void)i;
	return sys_write("/proc/sys/vm/compact_memory", "1");
}

/* What the accessed bits say, read and cleared: by /proc, by the reclaim of file pages. */
static bool blow_clear_refs(struct memguest *m, unsigned int i)
{
	(void)m;
	return sys_write("/proc/self/clear_refs", i % 2 ? "1" : "4");
}

static bool blow_lock(struct memguest *m, unsigned int i)
{
	return !mlock(part(m, i), CHURNED / 2) && !munlock(part(m, i), CHURNED / 2);
}

/* Another slot over the same memory: each change reaches both places. */
static bool blow_alias(struct memguest *m, unsigned int i)
{
	bool good = !vm_set_slot(m->vm, MEM_SLOT + 1, 0, MEM_GPA + SIZE, SIZE, m->mem);

	good &= advise(m, i, MADV_COLD) && protect(m, i, PROT_READ);
	return good & !vm_set_slot(m->vm, MEM_SLOT + 1, 0, 0, 0, NULL);
}

static const struct storm storms[] = {
	{ "MADV_DONTNEED", .blow = blow_dontneed, .flags = CHURN_LOSES },
	{ "MADV_FREE", .blow = blow_free, .flags = CHURN_LOSES },
	{ "MADV_COLD", .blow = blow_cold },
	{ "MADV_PAGEOUT", .blow = blow_pageout },
	{ "mprotect to read-only and back", .blow = blow_protect_read, .faults = true },
	{ "mprotect to nothing and back", .blow = blow_protect_none, .faults = true },
	{ "munmap, and mmap again", .blow = blow_unmap, .flags = CHURN_LOSES, .faults = true },
	{ "mremap away and back", .blow = blow_remap, .faults = true },
	{ "fork, and a child that writes", .blow = blow_fork },
	{ "compaction", .blow = blow_compact },
	{ "clear_refs", .blow = blow_clear_refs },
	{ "mlock and munlock", .blow = blow_lock },
	{ "a second slot over it comes and goes", .blow = blow_alias, .faults = true },
};

static void test_storm(const struct storm *s, unsigned int vcpus)
{
	struct memguest m = mem_create(vcpus, SIZE);
	bool there = true, progress = true;
	unsigned int i;

	m.size = CHURNED;
	mem_start(&m, s->flags);
	for (i = 0; there && i < ROUNDS; i++) {
		there = s->blow(&m, i);
		usleep(200);
		if (i % 4 == 0)
			progress &= mem_progress(&m);
	}
	progress &= mem_progress(&m);
	progress &= mem_stop(&m);
	if (!there)
		tap_skip("this kernel has no such thing", "%u vCPUs: %s", vcpus, s->name);
	else
		tap_ok(progress && s->faults == !!mem_faults(&m), "%u vCPUs: %s", vcpus, s->name);
	m.size = SIZE;
	mem_unmap(&m);
}

int main(void)
{
	unsigned int i;

	tap_start("hoststorm", 300);
	for (i = 0; i < 2 * ARRAY_SIZE(storms); i++)
		test_storm(&storms[i / 2], i % 2 ? MEM_VCPUS : 1);
	return tap_done();
}
