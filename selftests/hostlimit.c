// SPDX-License-Identifier: GPL-2.0
/*
 * Guests that want more memory than their process may have: with swap they go on and nothing of
 * theirs is lost, without it KVM_RUN fails or the process is killed; the host goes on either way.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/memguest.h"
#include "lib/swap.h"
#include "guest/basic.h"

#define ROOT		"/sys/fs/cgroup"
#define GROUP		ROOT "/guests"
#define LIMIT		(16UL << 20)
#define SIZE		LIMIT
#define GUESTS		3
#define LEFT		(2UL << 20)	/* what may remain charged for a while */

static bool group_create(void)
{
	if (mount("none", ROOT, "cgroup2", 0, NULL) && errno != EBUSY)
		return false;
	sys_write(ROOT "/cgroup.subtree_control", "+memory");
	if (mkdir(GROUP, 0755) && errno != EEXIST)
		return false;
	return !access(GROUP "/memory.max", W_OK);
}

static bool group_limit(unsigned long bytes)
{
	char number[24];

	snprintf(number, sizeof(number), "%lu", bytes);
	return sys_write(GROUP "/memory.max", number);
}

static void join_group(void)
{
	if (!sys_write(GROUP "/cgroup.procs", "0"))
		_exit(9);
}

/* The charges of a process that ended go a little later. */
static bool group_empties(void)
{
	unsigned long bytes = 0;
	int i;

	for (i = 0; i < 2000; i++) {
		if (sys_read(GROUP "/memory.current", &bytes) && bytes < LEFT)
			return true;
		usleep(1000);
	}
	tap_diag("%lu KiB are still charged", bytes / 1024);
	return false;
}

/* Touches twice the limit, in pages that nobody can take back. */
static void touch_too_much(void)
{
	void *mem = aligned_pages(2 * SIZE, SIZE_2M);
	struct memguest m;
	int outcome;

	join_group();
	madvise(mem, 2 * SIZE, MADV_NOHUGEPAGE);
	m = mem_create_over(1, mem, 2 * SIZE, 0, 2);
	outcome = mem_touch(&m, 0, 2 * SIZE / PAGE_SIZE);
	_exit(outcome == -EFAULT || outcome == -ENOMEM ? 2 : outcome == GUEST_DONE ? 3 : 4);
}

static void tell(int status)
{
	if (WIFSIGNALED(status))
		tap_diag("signal %d", WTERMSIG(status));
	else
		tap_diag("status %d", WEXITSTATUS(status));
}

static bool ends_as_allowed(int status)
{
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGKILL;
	return WEXITSTATUS(status) == 2;
}

static void test_beyond(void)
{
	bool good = true;
	int status, i;
	pid_t pid;

	for (i = 0; i < GUESTS; i++) {
		pid = fork();
		if (!pid)
			touch_too_much();
		waitpid(pid, &status, 0);
		good &= ends_as_allowed(status);
		tell(status);
	}
	tap_ok(good, "a guest wants more than its process may have: an error, or the process ends");
	tap_ok(group_empties(), "and nothing of it stays charged");
}

/* All of them together use more than the limit, and check what they wrote. */
static void churn_under_pressure(void)
{
	struct memguest m;
	bool good;

	join_group();
	m = mem_create(2, LIMIT / GUESTS & ~(SIZE_2M - 1));
	m.stride = 2 * PAGE_SIZE;
	memset(m.mem, 1, m.size);
	mem_start(&m, 0);
	good = mem_progress(&m);
	good &= mem_stop(&m);
	_exit(good && !mem_faults(&m) ? 0 : 1);
}

static void test_pressure(void)
{
	pid_t pids[GUESTS];
	bool good = true;
	int status, i;

	if (!swap_on()) {
		tap_skip("no swap device", "guests under memory pressure");
		return;
	}
	group_limit(LIMIT / 2);
	for (i = 0; i < GUESTS; i++) {
		pids[i] = fork();
		if (!pids[i])
			churn_under_pressure();
	}
	for (i = 0; i < GUESTS; i++) {
		waitpid(pids[i], &status, 0);
		good &= !status;
		tell(status);
	}
	tap_ok(good, "%d VMs of 2 vCPUs with less memory than they use", GUESTS);
	tap_ok(group_empties(), "and nothing of them stays charged");
	swap_off();
}

static void test_unharmed(void)
{
	struct memguest m = mem_create(1, SIZE_2M);

	tap_eq(mem_touch(&m, 0, SIZE_2M / PAGE_SIZE), GUEST_DONE, "the next guest runs as ever");
	mem_unmap(&m);
}

int main(void)
{
	tap_start("hostlimit", 200);
	if (!group_create() || !group_limit(LIMIT)) {
		tap_skip("no cgroup with a memory limit", "guests at the limit of their memory");
		return tap_done();
	}
	test_beyond();
	test_pressure();
	test_unharmed();
	tap_ok(!rmdir(GROUP), "the group can be removed");
	return tap_done();
}
