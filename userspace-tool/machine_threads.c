// SPDX-License-Identifier: GPL-2.0
/* The threads beside the first vCPU's: the other vCPUs, and what types into the serial port. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "machine_threads.h"

#define KICK	SIGUSR1

struct vcpu_thread {
	pthread_t thread;
	struct machine *machine;
	struct vm vm;		/* the machine's, seen from this vCPU */
};

static struct vcpu_thread *vcpus;
static pthread_t first, input;

static void on_kick(int signal)
{
	(void)signal;
}

/* immediate_exit closes the gap between looking at `stopped` and entering the guest. */
static void stop_vcpu(struct kvm_run *run, pthread_t thread)
{
	run->immediate_exit = 1;
	pthread_kill(thread, KICK);
}

static void stop(struct machine *machine)
{
	__atomic_store_n(&machine->stopped, true, __ATOMIC_RELEASE);
	stop_vcpu(machine->vm.run, first);
}

static void *run_vcpu(void *argument)
{
	struct vcpu_thread *vcpu = argument;
	struct machine *machine = vcpu->machine;

	while (!__atomic_load_n(&machine->stopped, __ATOMIC_ACQUIRE))
		if (!machine_step(machine, &vcpu->vm))
			stop(machine);
	return NULL;
}

static void *read_input(void *argument)
{
	struct machine *machine = argument;
	u8 byte;

	while (read(STDIN_FILENO, &byte, 1) == 1) {
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
		pthread_mutex_lock(&machine->lock);
		while (!machine->stopped && !machine_input(machine, byte))
			pthread_cond_wait(&machine->input_read, &machine->lock);
		pthread_mutex_unlock(&machine->lock);
		pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	}
	return NULL;
}

static void start_vcpu(struct machine *machine, unsigned int index)
{
	struct vcpu_thread *vcpu = &vcpus[index];

	vcpu->machine = machine;
	vcpu->vm = machine->vm;
	vcpu->vm.vcpu = machine->vm.extra[index].fd;
	vcpu->vm.run = machine->vm.extra[index].run;
	if (pthread_create(&vcpu->thread, NULL, run_vcpu, vcpu))
		die("cannot create a thread for vCPU %u", index + 1);
}

void threads_start(struct machine *machine)
{
	struct sigaction action = { .sa_handler = on_kick };	/* no SA_RESTART */
	sigset_t alarm, before;

	if (!machine->irqchip)
		return;
	first = pthread_self();
	vcpus = xcalloc(machine->vm.extra_count + 1, sizeof(*vcpus));
	sigaction(KICK, &action, NULL);
	/* The time limit's signal is for the first vCPU's thread alone. */
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm, &before);
	for (unsigned int i = 0; i < machine->vm.extra_count; i++)
		start_vcpu(machine, i);
	if (pthread_create(&input, NULL, read_input, machine))
		die("cannot create a thread for the serial port");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void threads_stop(struct machine *machine)
{
	if (!machine->irqchip)
		return;
	stop(machine);
	for (unsigned int i = 0; i < machine->vm.extra_count; i++) {
		stop_vcpu(machine->vm.extra[i].run, vcpus[i].thread);
		pthread_join(vcpus[i].thread, NULL);
	}
	pthread_mutex_lock(&machine->lock);
	pthread_cond_signal(&machine->input_read);
	pthread_mutex_unlock(&machine->lock);
	pthread_cancel(input);
	pthread_join(input, NULL);
	free(vcpus);
}
