/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Operations of this thread in which one allocation, or one copy from or to userspace, fails. Only
 * a kernel that is built for it can do so.
 */
#ifndef SELFTESTS_INJECT_H
#define SELFTESTS_INJECT_H

#include "vm.h"

enum injected {
	INJECTED_NONE,		/* the operation came to its end before */
	INJECTED_ALLOC,
	INJECTED_COPY,
};

/* False if this kernel cannot; the test's other threads and children never fail. */
bool inject_ready(void);
/* The thread's nth allocation or copy from here on fails. */
void inject_arm(unsigned int nth);
enum injected inject_disarm(void);
/*
 * What guest_run() has come to, as a result: 0 if the guest is done, -EFAULT if an instruction
 * could not be read and so not be emulated, else what it was. In any case the guest can go on.
 */
int inject_outcome(struct vcpu *vcpu, int outcome);
/* May a call end with this (0, -errno) after that failure? */
bool inject_permits(enum injected what, int ret);

/*
 * try(nth, context) performs an operation whose nth allocation or copy fails, and answers what
 * failed, or <0 after a diagnostic if something went wrong. One result: it is called with 1, 2...
 * until nothing fails any more.
 */
void inject_each(int (*try)(unsigned int nth, void *context), void *context, const char *what);
/* As that, but of the later ones of a long operation, which repeat themselves, 1 in 2, 3... */
void inject_many(int (*try)(unsigned int nth, void *context), void *context, const char *what);

#endif
