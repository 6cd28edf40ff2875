// SPDX-License-Identifier: GPL-2.0
/*
 * Each allocation and each user copy on the ways to a guest's memory fails in turn: KVM_RUN, the
 * ioctl or the system call ends with an error or in success and works when called again, and the
 * guest finds its memory as it should be. Each try begins with fresh memory and empty tables.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/inject.h"
#include "lib/memguest.h"

#define SIZE		(2 * SIZE_2M)
#define FIRST		510UL		/* the pages used: two below a 2 MiB boundary, two above */
#define PAGES		4UL
#define TOUCHED		0x5a		/* what mem_touch() writes */
#define FOUR		(PAGES * PAGE_SIZE)

enum memory { SMALL, HUGE, SHARED };

struct path {
	const char *what;
	enum memory memory;
	int level;			/* of the guest's pages, 1 by default */
	uint32_t flags;			/* of the slot */
	void (*before)(struct memguest *m);
	int (*op)(struct memguest *m);
	bool (*after)(struct memguest *m);
};

struct scene {
	const struct path *path;
	struct memguest m;
};

static void *used(const struct memguest *m)
{
	return m->mem + FIRST * PAGE_SIZE;
}

static int set_slot(struct memguest *m, uint32_t flags, uint64_t gpa)
{
	return vm_set_slot(m->vm, MEM_SLOT, flags, gpa, m->size, m->mem);
}

static int delete_slot(struct memguest *m)
{
	return vm_set_slot(m->vm, MEM_SLOT, 0, 0, 0, NULL);
}

static int create_slot(struct memguest *m)
{
	return set_slot(m, 0, MEM_GPA);
}

static int move_slot(struct memguest *m)
{
	return set_slot(m, 0, MEM_GPA + SIZE);
}

static int log_slot(struct memguest *m)
{
	return set_slot(m, KVM_MEM_LOG_DIRTY_PAGES, MEM_GPA);
}

/* What KVM_RUN came to, when accesses without memory behind are completed. */
static int played(struct memguest *m, int outcome)
{
	struct vcpu *vcpu = m->vcpu[0];

	while (outcome == GUEST_EXIT && vcpu->run->exit_reason == KVM_EXIT_MMIO)
		outcome = guest_run(vcpu);
	m->stuck = outcome != GUEST_DONE;
	return inject_outcome(vcpu, outcome);
}

static int touch(struct memguest *m)
{
	return played(m, mem_touch(m, FIRST, PAGES));
}

static int touch_one(struct memguest *m)
{
	return played(m, mem_touch(m, FIRST, 1));
}

static int read_one(struct memguest *m)
{
	return played(m, mem_read(m, FIRST));
}

static void have_run(struct memguest *m)
{
	must(mem_touch(m, 0, 0));
}

static void have_read(struct memguest *m)
{
	unsigned long i;

	for (i = 0; i < PAGES; i++)
		must(mem_read(m, FIRST + i));
}

static void have_touched(struct memguest *m)
{
	must(touch(m));
}

static void have_nothing(struct memguest *m)
{
	must(touch(m));
	must(delete_slot(m));
}

/* The host has its pages, the guest has not seen them. */
static void have_memory(struct memguest *m)
{
	must(mem_touch(m, 0, 0));
	memset(m->mem, 0, m->size);
}

static void have_large(struct memguest *m)
{
	have_memory(m);
	must(touch(m));
}

static void have_large_logged(struct memguest *m)
{
	have_large(m);
	must(log_slot(m));
}

static void have_split(struct memguest *m)
{
	have_large_logged(m);
	must(touch(m));
}

static pid_t child;

/* It shares the pages until somebody writes to them. */
static void have_child(struct memguest *m)
{
	must(touch(m));
	child = must(fork());
	if (!child)
		for (;;)
			pause();
}

static int fork_once(struct memguest *m)
{
	pid_t pid = fork();

	(void)m;
	if (!pid)
		_exit(0);
	return pid < 0 ? -errno : waitpid(pid, NULL, 0) == pid ? 0 : -errno;
}

static int drop(struct memguest *m)
{
	return madvise(used(m), FOUR, MADV_DONTNEED) ? -errno : 0;
}

static int protect(struct memguest *m)
{
	return mprotect(used(m), FOUR, PROT_READ) ? -errno : 0;
}

static int unmap(struct memguest *m)
{
	return munmap(used(m), FOUR) ? -errno : 0;
}

static void *target;

static void have_target(struct memguest *m)
{
	must(touch(m));
	target = target ?: host_pages(FOUR);
}

static int move_pages(struct memguest *m)
{
	void *at = mremap(used(m), FOUR, FOUR, MREMAP_MAYMOVE | MREMAP_FIXED, target);

	return at == target ? 0 : -errno;
}

/* What the guest writes the host sees, and the guest reads it back. */
static bool intact(struct memguest *m)
{
	unsigned long i;
	int ret = touch(m);

	for (i = 0; i < PAGES && !ret; i++)
		ret = mem_host_read(m, FIRST + i) != TOUCHED;
	if (!ret && mem_sum_is(m, FIRST, PAGES, PAGES * TOUCHED))
		return true;
	tap_diag("the guest finds its memory changed: %d", ret);
	guest_report(m->vcpu[0], ret);
	return false;
}

static bool dropped(struct memguest *m)
{
	return mem_reads(m, FIRST, 0) && intact(m);
}

static bool kept(struct memguest *m)
{
	return mem_sum_is(m, FIRST, PAGES, PAGES * TOUCHED) && intact(m);
}

static bool large(struct memguest *m)
{
	uint64_t pages;

	if (mem_large(m, SIZE_2M, &pages) && !pages) {
		tap_diag("no page of 2 MiB is mapped");
		return false;
	}
	return intact(m);
}

static bool recreate(struct memguest *m)
{
	must(create_slot(m));
	return kept(m);
}

static bool move_back(struct memguest *m)
{
	must(set_slot(m, 0, MEM_GPA));
	return kept(m);
}

static bool unprotect(struct memguest *m)
{
	bool good = mem_sum_is(m, FIRST, PAGES, PAGES * TOUCHED);

	must(mprotect(used(m), FOUR, PROT_READ | PROT_WRITE));
	return good && intact(m);
}

static bool map_again(struct memguest *m)
{
	void *at = mmap(used(m), FOUR, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	return at == used(m) && dropped(m);
}

static bool kill_child(struct memguest *m)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return kept(m);
}

/* The log has exactly what was touched, by the guest or by what the guest notes. */
static bool logged(struct memguest *m)
{
	uint64_t bits[SIZE / PAGE_SIZE / 64] = { 0 };
	struct kvm_dirty_log log = { .slot = MEM_SLOT, .dirty_bitmap = bits };
	unsigned long page;

	must(xioctl(m->vm->fd, KVM_GET_DIRTY_LOG, &log));
	for (page = FIRST; page < FIRST + PAGES; page++) {
		if (bits[page / 64] >> page % 64 & 1)
			continue;
		tap_diag("page %lu was written and is not in the log", page);
		return false;
	}
	return intact(m);
}

static bool unchanged(struct memguest *m)
{
	return mem_reads(m, FIRST, 0);
}

#define LOG	KVM_MEM_LOG_DIRTY_PAGES

static const struct path paths[] = {
	{ "first read, empty tables", .op = read_one },
	{ "first writes, empty tables", .op = touch },
	{ "first writes", .before = have_run, .op = touch },
	{ "writes to pages that were read", .before = have_read, .op = touch },
	{ "writes to pages shared with a child", .before = have_child, .op = touch,
	  .after = kill_child },
	{ "shared memory", SHARED, .before = have_run, .op = touch },
	{ "large guest pages over small ones", .level = 2, .before = have_run, .op = touch },
	{ "small guest pages over large ones", HUGE, .before = have_memory, .op = touch },
	{ "large pages over large ones", HUGE, 2, .before = have_memory, .op = touch,
	  .after = large },
	{ "logged pages", .flags = LOG, .before = have_run, .op = touch, .after = logged },
	{ "logged large guest pages", .level = 2, .flags = LOG, .before = have_run, .op = touch,
	  .after = logged },
	{ "logging begins", HUGE, 2, .before = have_large, .op = log_slot },
	{ "a write splits a large page", HUGE, 2, .before = have_large_logged, .op = touch,
	  .after = logged },
	{ "logging ends", HUGE, 2, .before = have_split, .op = create_slot },
	{ "a device is read", .before = have_nothing, .op = read_one, .after = recreate },
	{ "a device is written", .before = have_nothing, .op = touch_one, .after = recreate },
	{ "read-only memory is written", .flags = KVM_MEM_READONLY, .before = have_run,
	  .op = touch_one, .after = unchanged },
	{ "read-only memory is read", .flags = KVM_MEM_READONLY, .before = have_run,
	  .op = read_one, .after = unchanged },
	{ "a populated slot is deleted", .before = have_touched, .op = delete_slot,
	  .after = recreate },
	{ "and created", .before = have_nothing, .op = create_slot, .after = kept },
	{ "and moved", .before = have_touched, .op = move_slot, .after = move_back },
	{ "large pages are deleted", HUGE, 2, .before = have_large, .op = delete_slot,
	  .after = recreate },
	{ "MADV_DONTNEED", .before = have_touched, .op = drop, .after = dropped },
	{ "MADV_DONTNEED of a part of large pages", HUGE, 2, .before = have_large, .op = drop,
	  .after = dropped },
	{ "mprotect", .before = have_touched, .op = protect, .after = unprotect },
	{ "mprotect of a part of large pages", HUGE, 2, .before = have_large, .op = protect,
	  .after = unprotect },
	{ "munmap", .before = have_touched, .op = unmap, .after = map_again },
	{ "mremap", .before = have_target, .op = move_pages, .after = map_again },
	{ "fork", .before = have_touched, .op = fork_once, .after = kept },
};

static void begin(struct scene *s)
{
	struct memguest *m = &s->m;

	delete_slot(m);
	must(madvise(m->mem, m->size, s->path->memory == SHARED ? MADV_REMOVE : MADV_DONTNEED));
	must(set_slot(m, s->path->flags, MEM_GPA));
	if (s->path->before)
		s->path->before(m);
}

/* The guest goes on where it was; what is no guest's access begins anew. */
static int again(struct scene *s)
{
	return s->m.stuck ? played(&s->m, guest_run(s->m.vcpu[0])) : s->path->op(&s->m);
}

static int try_path(unsigned int nth, void *context)
{
	struct scene *s = context;
	bool (*after)(struct memguest *m);
	enum injected failed;
	int ret, first;

	begin(s);
	inject_arm(nth);
	first = s->path->op(&s->m);
	failed = inject_disarm();
	ret = first && inject_permits(failed, first) ? again(s) : first;
	if (!inject_permits(failed, first) || ret) {
		tap_diag("failure %u: result %d, then %d", nth, first, ret);
		guest_report(s->m.vcpu[0], ret);
		return -1;
	}
	after = s->path->after ?: intact;
	if (after(&s->m))
		return failed;
	tap_diag("after failure %u: result was %d", nth, first);
	return -1;
}

static void *memory(enum memory kind)
{
	void *mem;

	if (kind == SHARED) {
		mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		return mem != MAP_FAILED ? mem : NULL;
	}
	mem = aligned_pages(SIZE, SIZE_2M);
	madvise(mem, SIZE, kind == HUGE ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	return mem;
}

static void test_path(const struct path *path)
{
	struct scene s = { .path = path };

	s.m = mem_create_over(1, memory(path->memory), SIZE, path->flags, path->level ?: 1);
	inject_each(try_path, &s, path->what);
	mem_unmap(&s.m);
}

int main(void)
{
	size_t i;

	tap_start("faultpaths", 3600);
	if (!inject_ready()) {
		tap_skip("this kernel has no fault injection", "accesses whose allocations fail");
		return tap_done();
	}
	sys_write("/sys/kernel/mm/transparent_hugepage/enabled", "madvise");
	for (i = 0; i < ARRAY_SIZE(paths); i++)
		test_path(&paths[i]);
	return tap_done();
}
