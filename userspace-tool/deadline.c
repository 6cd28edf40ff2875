// SPDX-License-Identifier: GPL-2.0
/* A time limit that gets a vCPU out of KVM_RUN. */
#include <signal.h>
#include <stddef.h>
#include <sys/time.h>

#include "deadline.h"
#include "util.h"

/* A signal just before KVM_RUN would be lost: send it again until somebody has looked. */
#define REPEAT_USEC	100000

static int passed;

static void on_alarm(int signal)
{
	(void)signal;
	__atomic_store_n(&passed, 1, __ATOMIC_RELAXED);
}

void deadline_start(unsigned int seconds)
{
	struct sigaction action = { .sa_handler = on_alarm };	/* no SA_RESTART */
	struct itimerval timer = {
		.it_value.tv_sec = seconds, .it_interval.tv_usec = REPEAT_USEC };

	passed = 0;
	if (sigaction(SIGALRM, &action, NULL) || setitimer(ITIMER_REAL, &timer, NULL))
		die_errno("cannot set a time limit");
}

void deadline_stop(void)
{
	struct itimerval never = { 0 };

	setitimer(ITIMER_REAL, &never, NULL);
}

bool deadline_passed(void)
{
	return __atomic_load_n(&passed, __ATOMIC_RELAXED);
}
