// SPDX-License-Identifier: GPL-2.0
/*
 * What the host does to the guest's memory: between scripts, when no vCPU runs, and (a storm) from
 * a thread beside them. storm_lock guards the arenas' mappings and slots.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exerciser.h"

#define ADVICE_COLLAPSE	25		/* MADV_COLLAPSE, newer than the C library */
#define ELSEWHERE_GPA	0x100000000ULL
#define PF_FILTER	"/sys/module/umbra/parameters/pf_filter"

enum event {
	EV_REWRITE, EV_READD, EV_MOVE, EV_READONLY, EV_LOG, EV_SREGS, EV_CAP, EV_SHARE, EV_PROTECT,
	EV_REMAP, EV_DONTNEED, EV_FORK, EV_HUGE, EV_PAGEOUT, NR_EVENTS,
};

static const char * const event_names[NR_EVENTS] = {
	[EV_REWRITE] = "rewrites", [EV_READD] = "slots anew", [EV_MOVE] = "moves",
	[EV_READONLY] = "read-only", [EV_LOG] = "logs", [EV_SREGS] = "SREGS", [EV_CAP] = "caps",
	[EV_SHARE] = "shared tables", [EV_PROTECT] = "mprotect", [EV_REMAP] = "mremap",
	[EV_DONTNEED] = "DONTNEED", [EV_FORK] = "fork", [EV_HUGE] = "huge",
	[EV_PAGEOUT] = "pageout",
};

static pthread_mutex_t storm_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_t storm;
static uint64_t storm_random;
static bool storm_stopping;

/* Whoever looks at guest memory from outside, while a storm may have it out of reach. */
void ex_storm_lock(void)
{
	pthread_mutex_lock(&storm_lock);
}

void ex_storm_unlock(void)
{
	pthread_mutex_unlock(&storm_lock);
}

const char *ex_outside_name(unsigned int event)
{
	return event_names[event];
}

static unsigned int below(uint64_t *state, unsigned int limit)
{
	return ex_random(state) % limit;
}

/* One that a vCPU uses. */
static unsigned int some_arena(struct ex_run *run, uint64_t *state)
{
	unsigned int i = below(state, run->o.vcpus + 1);

	return i == run->o.vcpus ? EX_SHARED : i;
}

static void set_slot(struct ex_run *run, unsigned int i, uint64_t gpa, uint64_t size)
{
	struct ex_arena *arena = &run->arena[i];

	must(vm_set_slot(run->vm, 1 + i, run->slot_flags[i], gpa, size, arena->mem));
}

static void readd_slot(struct ex_run *run, unsigned int i)
{
	set_slot(run, i, run->arena[i].gpa, 0);
	set_slot(run, i, run->arena[i].gpa, EX_ARENA_SIZE);
}

static void move_slot(struct ex_run *run, unsigned int i)
{
	set_slot(run, i, ELSEWHERE_GPA, EX_ARENA_SIZE);
	set_slot(run, i, run->arena[i].gpa, EX_ARENA_SIZE);
}

/* Only shared data pages are written then, and we do that for the guest. */
static void set_readonly(struct ex_run *run, bool readonly)
{
	uint32_t *flags = &run->slot_flags[EX_SHARED];
	uint32_t want = readonly ? *flags | KVM_MEM_READONLY : *flags & ~KVM_MEM_READONLY;

	if (*flags == want)
		return;
	set_slot(run, EX_SHARED, run->arena[EX_SHARED].gpa, 0);
	*flags = want;
	set_slot(run, EX_SHARED, run->arena[EX_SHARED].gpa, EX_ARENA_SIZE);
}

/*
 * With accessed flags in EPT the CPU's own walk writes the guest's tables: every access through
 * tables in a read-only slot would have to be emulated, calls of code there among them.
 */
static bool may_stay_readonly(const struct ex_run *run)
{
	return run->umbra && mmu_wanted() == MMU_SHADOW;
}

static void toggle_log(struct ex_run *run, unsigned int i)
{
	static uint64_t bitmap[EX_ARENA_SIZE / PAGE_SIZE / 64];
	struct kvm_dirty_log log = { .slot = 1 + i, .dirty_bitmap = bitmap };

	if (run->slot_flags[i] & KVM_MEM_LOG_DIRTY_PAGES)
		must(xioctl(run->vm->fd, KVM_GET_DIRTY_LOG, &log));
	run->slot_flags[i] ^= KVM_MEM_LOG_DIRTY_PAGES;
	set_slot(run, i, run->arena[i].gpa, EX_ARENA_SIZE);
}

static void same_sregs(struct ex_run *run)
{
	struct kvm_sregs sregs;
	unsigned int i;

	for (i = 0; i < run->o.vcpus; i++) {
		must(xioctl(run->vcpu[i].vcpu->fd, KVM_GET_SREGS, &sregs));
		must(xioctl(run->vcpu[i].vcpu->fd, KVM_SET_SREGS, &sregs));
	}
}

static void flush_next(struct ex_run *run)
{
	unsigned int i;

	for (i = 0; i < run->o.vcpus; i++)
		run->vcpu[i].must_flush = true;
}

/* Entries of the arena straight in memory. */
static void rewrite_arena(struct ex_vcpu *v)
{
	unsigned int i, size = v->cr4 & CR4_PAE ? 8 : 4;

	for (i = 0; i < 30; i++) {
		unsigned int page = ex_below(v, EX_PAGES);
		unsigned int offset = ex_below(v, EX_CODE_OFFSET / size) * size;
		uint64_t at = ex_page_gpa(v->own, page) + offset - v->own->gpa;
		uint64_t entry = ex_entry(v, 1 + i % 3, ex_one_in(v, 2));

		if (ex_is_fixed(v, v->own->gpa + at, size))
			continue;
		memcpy(v->own->mem + at, &entry, size);
		memcpy(v->own->model + at, &entry, size);
		memset(&v->own->maybe[page][offset / 4], 0, size / 4);
	}
}

/* A backend that shadows the tables cannot see it: slots that come anew say so. */
static void rewrite(struct ex_run *run)
{
	unsigned int i;

	for (i = 0; i < run->o.vcpus; i++) {
		rewrite_arena(&run->vcpu[i]);
		readd_slot(run, i);
	}
	flush_next(run);
}

static bool share(struct ex_run *run)
{
	struct ex_vcpu *v = &run->vcpu[below(&run->random, run->o.vcpus)];

	ex_storm_lock();
	set_readonly(run, false);
	ex_storm_unlock();
	ex_share(v);
	flush_next(run);
	return ex_play(run);
}

/* All of the arena, or some pages of it. */
static void protect(struct ex_arena *arena, uint64_t *state, size_t offset, size_t size)
{
	must(mprotect(arena->mem + offset, size, below(state, 2) ? PROT_NONE : PROT_READ));
	sched_yield();
	must(mprotect(arena->mem + offset, size, PROT_READ | PROT_WRITE));
}

static void remap(struct ex_arena *arena, size_t offset, size_t size)
{
	int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
	void *here = arena->mem + offset, *away;

	away = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	/* It fails where pages of different kinds lie side by side. */
	if (away == MAP_FAILED || mremap(here, size, size, flags, away) == MAP_FAILED)
		return;
	sched_yield();
	if (mremap(away, size, size, flags, here) == MAP_FAILED)
		tap_bail("guest memory cannot be moved back");
}

static void take_away(struct ex_arena *arena, uint64_t *state)
{
	size_t unused = EX_ARENA_SIZE / 4;

	/* Private pages lose their content: those that nobody uses. */
	if (arena->shmem)
		madvise(arena->mem + below(state, EX_NEAR) * PAGE_SIZE, 8 * PAGE_SIZE,
			MADV_DONTNEED);
	else
		madvise(arena->mem + unused, unused, below(state, 2) ? MADV_DONTNEED : MADV_FREE);
}

static void fork_once(void)
{
	pid_t child = fork();

	if (!child)
		_exit(0);
	if (child > 0)
		waitpid(child, NULL, 0);
}

static void change_size(struct ex_arena *arena, uint64_t *state)
{
	bool huge = below(state, 2);

	madvise(arena->mem, EX_ARENA_SIZE, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	if (huge)
		madvise(arena->mem, EX_ARENA_SIZE, ADVICE_COLLAPSE);
}

static void paused_event(struct ex_run *run, enum event event)
{
	unsigned int i = some_arena(run, &run->random);
	struct ex_arena *arena = &run->arena[i];

	switch (event) {
	case EV_REWRITE:
		rewrite(run);
		break;
	case EV_READD:
		readd_slot(run, i);
		break;
	case EV_MOVE:
		move_slot(run, i);
		break;
	case EV_READONLY:
		set_readonly(run, !(run->slot_flags[EX_SHARED] & KVM_MEM_READONLY));
		if (!may_stay_readonly(run))
			set_readonly(run, false);
		break;
	case EV_LOG:
		toggle_log(run, i);
		break;
	case EV_SREGS:
		same_sregs(run);
		break;
	case EV_CAP:
		xioctl_val(run->vm->fd, KVM_SET_NR_MMU_PAGES, below(&run->random, 2) ? 64 : 1000);
		break;
	case EV_PROTECT:
		protect(arena, &run->random, 0, EX_ARENA_SIZE);
		break;
	case EV_REMAP:
		remap(arena, 0, EX_ARENA_SIZE);
		break;
	case EV_DONTNEED:
		take_away(arena, &run->random);
		break;
	case EV_FORK:
		fork_once();
		break;
	case EV_HUGE:
		change_size(arena, &run->random);
		break;
	default:
		madvise(arena->mem, EX_ARENA_SIZE, MADV_PAGEOUT);
	}
}

/* No vCPU runs. False: the guest's part in it went wrong. */
bool ex_outside(struct ex_run *run)
{
	enum event event = below(&run->random, NR_EVENTS);

	run->outside[event]++;
	if (event == EV_SHARE)
		return share(run);
	ex_storm_lock();
	paused_event(run, event);
	ex_storm_unlock();
	return true;
}

static void storm_event(struct ex_run *run)
{
	unsigned int i = some_arena(run, &storm_random);
	struct ex_arena *arena = &run->arena[i];
	size_t pure = EX_PURE * PAGE_SIZE, pure_size = (EX_NEAR - EX_PURE) * PAGE_SIZE;

	switch (below(&storm_random, 7)) {
	case 0:
		protect(arena, &storm_random, pure, pure_size);
		break;
	case 1:
		remap(arena, pure, pure_size);
		break;
	case 2:
		take_away(arena, &storm_random);
		break;
	case 3:
		fork_once();
		break;
	case 4:
		change_size(arena, &storm_random);
		break;
	case 5:
		toggle_log(run, i);
		break;
	case 6:
		madvise(arena->mem, EX_ARENA_SIZE, MADV_PAGEOUT);
		break;
	}
}

static void *storm_thread(void *arg)
{
	struct ex_run *run = arg;

	while (!READ_ONCE(storm_stopping)) {
		ex_storm_lock();
		storm_event(run);
		ex_storm_unlock();
		usleep(100);
	}
	return NULL;
}

void ex_storm_start(struct ex_run *run)
{
	storm_random = run->random;
	WRITE_ONCE(storm_stopping, false);
	must(-pthread_create(&storm, NULL, storm_thread, run));
}

void ex_storm_stop(void)
{
	WRITE_ONCE(storm_stopping, true);
	pthread_join(storm, NULL);
}

/* False if there is no such parameter. */
bool ex_set_pf_filter(bool on)
{
	FILE *file = fopen(PF_FILTER, "we");

	if (!file)
		return false;
	fputc(on ? 'Y' : 'N', file);
	return !fclose(file);
}
