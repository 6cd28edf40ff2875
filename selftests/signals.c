// SPDX-License-Identifier: GPL-2.0
/* Signals against KVM_RUN: EINTR, the signal mask, immediate_exit, and a guest that never stops. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/vm.h"
#include "guest/basic.h"
#include "guest/pio.h"
#include "guest/step.h"

#define COUNTER		SCRATCH_GPA
#define STOP		(SCRATCH_GPA + 64)

static unsigned int signals_seen;

static void on_signal(int sig)
{
	(void)sig;
	WRITE_ONCE(signals_seen, signals_seen + 1);
}

static void handle(int sig)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(sig, &action, NULL);
	WRITE_ONCE(signals_seen, 0);
}

static int set_run_mask(struct vcpu *vcpu, const sigset_t *set)
{
	struct {
		struct kvm_signal_mask head;
		uint8_t set[8];
	} mask = { .head.len = 8 };

	memcpy(mask.set, set, 8);
	return xioctl(vcpu->fd, KVM_SET_SIGNAL_MASK, &mask);
}

static void *kick_thread(void *target)
{
	usleep(100000);
	pthread_kill(*(pthread_t *)target, SIGUSR1);
	return NULL;
}

static int run_and_kick(struct vcpu *vcpu, uint64_t op)
{
	pthread_t self = pthread_self(), thread;
	int outcome;

	pthread_create(&thread, NULL, kick_thread, &self);
	outcome = guest_start_op(vcpu, op);
	pthread_join(thread, NULL);
	return outcome;
}

static void test_interrupted(struct vcpu *vcpu)
{
	handle(SIGUSR1);
	tap_eq(run_and_kick(vcpu, BASIC_SPIN), -EINTR, "a signal ends KVM_RUN with EINTR");
	tap_eq(vcpu->run->exit_reason, KVM_EXIT_INTR, "the exit reason is INTR");
	tap_eq(READ_ONCE(signals_seen), 1, "its handler ran");
}

static void test_pending(struct vcpu *vcpu)
{
	sigset_t block, run_mask;

	handle(SIGUSR1);
	sigemptyset(&run_mask);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &block, NULL);
	must(set_run_mask(vcpu, &run_mask));
	raise(SIGUSR1);
	tap_eq(vcpu_run(vcpu), -EINTR, "a signal that only KVM_RUN lets in ends it at once");
	tap_eq(vcpu->run->exit_reason, KVM_EXIT_INTR, "the exit reason is INTR");
	tap_eq(READ_ONCE(signals_seen), 0, "it stays blocked outside");
	pthread_sigmask(SIG_UNBLOCK, &block, NULL);
	tap_eq(READ_ONCE(signals_seen), 1, "and is delivered when it may be");
	must(xioctl(vcpu->fd, KVM_SET_SIGNAL_MASK, NULL));
}

static void test_masked(struct vcpu *vcpu)
{
	sigset_t run_mask;

	handle(SIGUSR1);
	handle(SIGUSR2);
	sigemptyset(&run_mask);
	sigaddset(&run_mask, SIGUSR1);
	must(set_run_mask(vcpu, &run_mask));
	vm_write32(vcpu->vm, STOP, 1);
	vcpu->shared->arg[0] = COUNTER;
	vcpu->shared->arg[1] = STOP;
	raise(SIGUSR2);
	tap_eq(READ_ONCE(signals_seen), 1, "a signal outside KVM_RUN");
	tap_eq(guest_start_op(vcpu, BASIC_COUNT), GUEST_DONE, "KVM_RUN with another signal masked");
	must(xioctl(vcpu->fd, KVM_SET_SIGNAL_MASK, NULL));
}

static void test_immediate_exit(struct vcpu *vcpu)
{
	struct kvm_regs before, after;

	if (!has_cap(vcpu->vm->dev, KVM_CAP_IMMEDIATE_EXIT)) {
		tap_skip("no KVM_CAP_IMMEDIATE_EXIT", "immediate_exit");
		return;
	}
	vcpu->run->immediate_exit = 1;
	tap_eq(vcpu_run(vcpu), -EINTR, "immediate_exit: EINTR");
	/* The first one may have completed an I/O instruction. */
	must(xioctl(vcpu->fd, KVM_GET_REGS, &before));
	tap_eq(vcpu_run(vcpu), -EINTR, "immediate_exit: it is not cleared");
	vcpu->run->immediate_exit = 0;
	must(xioctl(vcpu->fd, KVM_GET_REGS, &after));
	tap_ok(!memcmp(&before, &after, sizeof(before)), "immediate_exit: the guest did not run");
}

/* An IN that userspace answered is finished by the next KVM_RUN, even one that runs nothing. */
static void test_completion(void)
{
	struct vcpu *vcpu = guest_create("pio", MODE_LONG);
	struct kvm_regs before, after;
	int outcome = guest_start_op(vcpu, PIO_IN);

	tap_ok(outcome == GUEST_EXIT && vcpu->run->exit_reason == KVM_EXIT_IO, "an IN exit");
	must(xioctl(vcpu->fd, KVM_GET_REGS, &before));
	*((uint8_t *)vcpu->run + vcpu->run->io.data_offset) = 0x80;
	vcpu->run->immediate_exit = 1;
	tap_eq(vcpu_run(vcpu), -EINTR, "completed with immediate_exit");
	vcpu->run->immediate_exit = 0;
	must(xioctl(vcpu->fd, KVM_GET_REGS, &after));
	tap_eq(after.rax & 0xff, 0x80, "AL holds the answer");
	tap_eq(after.rip, before.rip + 1, "RIP is past the instruction");
	guest_destroy(vcpu);
}

/* Many signals in a short time must neither lose work nor wake the dead. */
static void test_storm(struct vcpu *vcpu)
{
	struct itimerspec every = { { 0, 2000000 }, { 0, 2000000 } };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2 };
	unsigned int interrupted = 0;
	uint32_t before;
	bool progress = true;
	timer_t timer;
	int outcome;

	handle(SIGUSR2);
	vm_write32(vcpu->vm, STOP, 0);
	vcpu->shared->arg[0] = COUNTER;
	vcpu->shared->arg[1] = STOP;
	must(timer_create(CLOCK_MONOTONIC, &event, &timer));
	must(timer_settime(timer, 0, &every, NULL));
	before = vm_read32(vcpu->vm, COUNTER);
	outcome = guest_start_op(vcpu, BASIC_COUNT);
	while (outcome == -EINTR && ++interrupted < 100) {
		if (interrupted % 20 == 0) {
			progress &= vm_read32(vcpu->vm, COUNTER) != before;
			before = vm_read32(vcpu->vm, COUNTER);
		}
		outcome = guest_run(vcpu);
	}
	timer_delete(timer);
	tap_eq(interrupted, 100, "100 signals");
	tap_ok(progress, "the guest goes on between them");
	vm_write32(vcpu->vm, STOP, 1);
	tap_eq(guest_run(vcpu), GUEST_DONE, "and ends as asked");
}

/* Delivery of an exception that raises the same again: the guest never gets any further. */
static void test_endless_delivery(void)
{
	struct vcpu *vcpu = guest_create("step", MODE_LONG);

	handle(SIGUSR1);
	tap_eq(run_and_kick(vcpu, STEP_DB_LOOP), -EINTR, "a signal ends an endless #DB");
	guest_destroy(vcpu);
}

int main(void)
{
	struct vcpu *vcpu;

	tap_start("signals", 120);
	vcpu = guest_create("basic", MODE_LONG);
	test_masked(vcpu);
	test_immediate_exit(vcpu);
	test_storm(vcpu);
	test_pending(vcpu);
	test_interrupted(vcpu);
	guest_destroy(vcpu);
	test_completion();
	test_endless_delivery();
	return tap_done();
}
