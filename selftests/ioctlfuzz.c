// SPDX-License-Identifier: GPL-2.0
/*
 * ioctlfuzz [SECONDS [SEED]]: from several threads, every ioctl of the device, of VMs, vCPUs and
 * statistics, with arguments that are random, on the edge and mostly right, while guests run. The
 * host must neither complain nor hang, and a new guest works afterwards. Processes ("worlds")
 * follow each other; most are killed as they are.
 */
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ioctlfuzz/fuzz.h"
#include "guest/basic.h"

#define DEFAULT_SECONDS	4
#define DEFAULT_SEED	1
#define WORLD_SECONDS	0.25
#define TICK_US		500
#define SLOWEST_DEATH	20	/* in seconds */
#define ENOUGH_CALLS	64	/* for one to succeed */

struct fuzz_count *fuzz_count;
static struct fuzz_thread *threads;	/* of the running world */

static void *shared_pages(size_t size)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED)
		tap_bail("mmap of %zu bytes: %s", size, strerror(errno));
	return pages;
}

static double slowness(void)
{
	const char *factor = getenv("TEST_SLOWNESS");

	return factor ? atof(factor) : 1;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void on_tick(int sig)
{
	(void)sig;
}

/* Pages to write, one to read, one that is not there. */
static uint8_t *argument_pages(void)
{
	uint8_t *pages = host_pages((ARG_PAGES + 2) * PAGE_SIZE);

	mprotect(pages + ARG_PAGES * PAGE_SIZE, PAGE_SIZE, PROT_READ);
	mprotect(pages + (ARG_PAGES + 1) * PAGE_SIZE, PAGE_SIZE, PROT_NONE);
	return pages;
}

static void *thread_main(void *context)
{
	struct fuzz_thread *t = context;

	t->arg = argument_pages();
	for (;;)
		fuzz_act(t);
	return NULL;
}

/* Signals end what waits: a guest that spins, a vCPU that was never started. */
static void tick(pthread_t *id, double end)
{
	unsigned int n = 0;

	while (now() < end) {
		usleep(TICK_US * slowness());
		pthread_kill(id[n++ % FUZZ_THREADS], SIGUSR1);
	}
}

/* The process ends by itself, or a little later by a signal, in the middle of everything. */
static void world_main(uint64_t seed, bool killed)
{
	struct sigaction action = { .sa_handler = on_tick };
	pthread_t id[FUZZ_THREADS];
	unsigned int i;

	setpgid(0, 0);
	sigaction(SIGUSR1, &action, NULL);
	fuzz_catch_faults();
	world_create(seed);
	for (i = 0; i < FUZZ_THREADS; i++) {
		threads[i].random = seed + (i + 1) * 0x9e3779b97f4a7c15ULL;
		pthread_create(&id[i], NULL, thread_main, &threads[i]);
	}
	tick(id, killed ? INFINITY : now() + WORLD_SECONDS * slowness());
	_exit(0);
}

static bool wait_for(pid_t pid, int *status, double seconds)
{
	double end = now() + seconds;

	for (;;) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return true;
		if (now() > end)
			return false;
		usleep(TICK_US * slowness());
	}
}

/* What the threads were at, and where they are in the kernel. */
static void report_threads(pid_t pid)
{
	char command[100];
	unsigned int i;

	for (i = 0; i < FUZZ_THREADS; i++)
		tap_diag("thread %u: %s", i, threads[i].doing ? threads[i].doing : "nothing yet");
	snprintf(command, sizeof(command), "grep . /proc/%d/task/*/stack | sed 's/^/# /'", pid);
	if (system(command))
		tap_diag("their stacks are unknown");
}

static bool world_ended(pid_t pid, int *status, bool killed)
{
	if (wait_for(pid, status, (killed ? WORLD_SECONDS : SLOWEST_DEATH) * slowness()))
		return true;
	kill(-pid, SIGKILL);
	__atomic_fetch_add(&fuzz_count->kills, 1, __ATOMIC_RELAXED);
	return wait_for(pid, status, SLOWEST_DEATH * slowness());
}

static bool run_world(uint64_t seed)
{
	bool killed = seed & 1;
	int status;
	pid_t pid;

	memset(threads, 0, FUZZ_THREADS * sizeof(*threads));
	fflush(stdout);
	pid = must(fork());
	if (!pid)
		world_main(seed, killed);
	if (!world_ended(pid, &status, killed)) {
		report_threads(pid);
		tap_bail("the process of seed %#llx does not end", (unsigned long long)seed);
	}
	kill(-pid, SIGKILL);
	if (WIFEXITED(status) ? !WEXITSTATUS(status) : WTERMSIG(status) == SIGKILL)
		return true;
	report_threads(pid);
	tap_diag("the process of seed %#llx ended with status %#x", (unsigned long long)seed,
		 status);
	return false;
}

static void run_worlds(double seconds, uint64_t seed)
{
	struct fuzz_thread chooser = { .random = seed };
	double end = now() + seconds;
	unsigned int worlds = 0, bad = 0;

	do {
		bad += !run_world(fuzz_random(&chooser));
		worlds++;
	} while (now() < end);
	tap_eq(bad, 0, "%u processes end as they should", worlds);
}

/* Of what this CPU does not have. */
static bool must_fail(const struct fuzz_command *command)
{
	int dev = dev_open();
	bool xcrs = has_cap(dev, KVM_CAP_XCRS);

	close(dev);
	return command->cmd == KVM_SET_XCRS && !xcrs;
}

static void check_commands(void)
{
	unsigned int i, uncalled = 0, failing = 0;
	unsigned long long calls;

	for (i = 0; i < fuzz_nr_commands; i++) {
		calls = fuzz_count->calls[i];
		uncalled += !calls;
		failing += calls >= ENOUGH_CALLS && !fuzz_count->successes[i] &&
			   !must_fail(&fuzz_commands[i]);
		if (!fuzz_count->successes[i])
			tap_diag("%s: %s: %llu calls, no success", fuzz_commands[i].table,
				 fuzz_commands[i].name, calls);
	}
	tap_eq(uncalled, 0, "each of %u commands of the module is called", fuzz_nr_commands);
	tap_eq(failing, 0, "none fails every time");
}

static void report_counts(void)
{
	unsigned long long calls = 0, good = 0;
	unsigned int i;

	for (i = 0; i < fuzz_nr_commands; i++) {
		calls += fuzz_count->calls[i];
		good += fuzz_count->successes[i];
	}
	tap_diag("%llu calls, %llu succeeded; %llu VMs, %llu forks, %llu kills, %llu exits", calls,
		 good, (unsigned long long)fuzz_count->vms, (unsigned long long)fuzz_count->forks,
		 (unsigned long long)fuzz_count->kills, (unsigned long long)fuzz_count->runs);
	for (i = 0; i < ARRAY_SIZE(fuzz_count->exits); i++)
		if (fuzz_count->exits[i])
			tap_diag("exit reason %u: %llu", i,
				 (unsigned long long)fuzz_count->exits[i]);
}

static void check_guest(void)
{
	struct vcpu *vcpu = guest_create("basic", MODE_LONG);

	vcpu->shared->arg[0] = SCRATCH_GPA;
	vcpu->shared->arg[1] = 0x5a;
	guest_test(vcpu, BASIC_WRITE, "a new guest runs");
	tap_eq(vm_read32(vcpu->vm, SCRATCH_GPA), 0x5a, "and writes its memory");
	guest_destroy(vcpu);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : DEFAULT_SECONDS * slowness();
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : DEFAULT_SEED;

	tap_start("ioctlfuzz", seconds + 120);
	if (!dev_is_umbra()) {
		tap_skip("this looks for faults of Umbra's", "random ioctls");
		return tap_done();
	}
	tap_diag("%g seconds, seed %#llx", seconds, (unsigned long long)seed);
	fuzz_count = shared_pages(sizeof(*fuzz_count));
	threads = shared_pages(FUZZ_THREADS * sizeof(*threads));
	fuzz_templates();
	run_worlds(seconds, seed);
	report_counts();
	check_commands();
	tap_eq(fuzz_count->foreign, 0, "another process gets EIO");
	check_guest();
	return tap_done();
}
