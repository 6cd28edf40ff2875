// SPDX-License-Identifier: GPL-2.0
/* The second vCPU of a benchmark: its thread on a CPU of its own, and the rows of IPIs to it. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "bench_irq.h"
#include "cpu.h"

#define KICK	SIGUSR1
/* Longer than a hypervisor waits for work before it lets a halted vCPU's thread sleep. */
#define TICKS_BETWEEN	100000

struct peer {
	pthread_t thread;
	struct vm vm;		/* the benchmark's, seen from the second vCPU */
	bool stopped;
};

static void on_kick(int signal)
{
	(void)signal;
}

static void *run_peer(void *argument)
{
	struct peer *peer = argument;

	while (!__atomic_load_n(&peer->stopped, __ATOMIC_ACQUIRE))
		if (ioctl(peer->vm.vcpu, KVM_RUN, 0) && errno != EINTR)
			break;
	return NULL;
}

static int stay_on(pthread_t thread, unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return pthread_setaffinity_np(thread, sizeof(set), &set);
}

static int set_peer_state(const struct bench_vm *bench, struct vm *vm, int operation)
{
	struct kvm_mp_state runnable = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct kvm_regs regs;

	if (cpu_set_mode(vm, ENTRY_64, bench->start.rip, STACK_TOP_2) ||
	    ioctl(vm->vcpu, KVM_SET_MP_STATE, &runnable) || ioctl(vm->vcpu, KVM_GET_REGS, &regs))
		return -1;
	regs.rdi = operation;
	regs.rsi = 1;
	return ioctl(vm->vcpu, KVM_SET_REGS, &regs);
}

/* The time limit's signal is for the first vCPU's thread alone. */
static int start_thread(struct peer *peer)
{
	struct sigaction action = { .sa_handler = on_kick };	/* no SA_RESTART */
	sigset_t alarm, before;
	int error;

	sigaction(KICK, &action, NULL);
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm, &before);
	error = pthread_create(&peer->thread, NULL, run_peer, peer);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

static int start(struct bench_vm *bench, int operation)
{
	struct peer *peer = xcalloc(1, sizeof(*peer));
	int error;

	peer->vm = bench->vm;
	peer->vm.vcpu = bench->vm.extra[0].fd;
	peer->vm.run = bench->vm.extra[0].run;
	if (set_peer_state(bench, &peer->vm, operation)) {
		free(peer);
		return bench_fail(bench, "setting the second vCPU's state: %s", strerror(errno));
	}
	error = start_thread(peer);
	if (error) {
		free(peer);
		return bench_fail(bench, "the second vCPU's thread: %s", strerror(error));
	}
	bench->peer = peer;
	error = stay_on(pthread_self(), 0) ?: stay_on(peer->thread, 1);
	return error ? bench_fail(bench, "staying on a CPU: %s", strerror(error)) : 0;
}

int prepare_spinning(struct bench_vm *bench)
{
	return start(bench, OP_SPIN);
}

int prepare_sleeping(struct bench_vm *bench)
{
	return start(bench, OP_SLEEP);
}

/* immediate_exit closes the gap between looking at `stopped` and entering the guest. */
void peer_stop(struct bench_vm *bench)
{
	struct peer *peer = bench->peer;

	if (!peer)
		return;
	__atomic_store_n(&peer->stopped, true, __ATOMIC_RELEASE);
	peer->vm.run->immediate_exit = 1;
	pthread_kill(peer->thread, KICK);
	pthread_join(peer->thread, NULL);
	free(peer);
	bench->peer = NULL;
}

int measure_ipi(const struct target *target, struct bench_vm *bench, u64 count, u64 *ticks)
{
	const u64 *taken = (const u64 *)(bench->vm.ram + IPI_COUNT);
	u64 before = __atomic_load_n(taken, __ATOMIC_RELAXED), after, all;
	struct outcome outcome;

	(void)target;
	if (bench_vm_run(bench, OP_IPI, count, TICKS_BETWEEN, &outcome, &all))
		return -1;
	after = __atomic_load_n(taken, __ATOMIC_RELAXED);
	if (after - before != count)
		return bench_fail(bench, "%lu IPIs were taken in place of %lu", after - before,
				  count);
	*ticks = outcome.value;
	return 0;
}
