// SPDX-License-Identifier: GPL-2.0
/* Failures on demand, by the kernel's fault injection; they belong to the thread that asks. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inject.h"

#define MAX_POINTS	3000
#define SPARSE		16
#define DEBUGFS		"/sys/kernel/debug/"
#define COPIES		DEBUGFS "fail_usercopy/times"
#define RSEQ_SIZE	32	/* what the first ABI registers, __rseq_size is without padding */

static int nth_fd;

static void write_knob(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	must(write(fd, value, strlen(value)));
	close(fd);
}

/* The kernel writes there on its way out, and answers a page that it cannot copy with SIGSEGV. */
static void leave_rseq(void)
{
	char *area = (char *)__builtin_thread_pointer() + __rseq_offset;

	if (__rseq_size)
		must(syscall(SYS_rseq, area, RSEQ_SIZE, RSEQ_FLAG_UNREGISTER, RSEQ_SIG));
}

/* By default only atomic allocations may fail, and each failure fills the log. */
bool inject_ready(void)
{
	static const char * const attrs[] = { "failslab", "fail_page_alloc", "fail_usercopy" };
	char path[100];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(attrs); i++) {
		snprintf(path, sizeof(path), DEBUGFS "%s/verbose", attrs[i]);
		write_knob(path, "0");
		snprintf(path, sizeof(path), DEBUGFS "%s/ignore-gfp-wait", attrs[i]);
		write_knob(path, "N");
	}
	write_knob(DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N");
	write_knob(DEBUGFS "fail_page_alloc/min-order", "0");
	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (nth_fd < 0)
		return false;
	leave_rseq();
	return true;
}

void inject_arm(unsigned int nth)
{
	char text[16];

	write_knob(COPIES, "1");
	must(pwrite(nth_fd, text, snprintf(text, sizeof(text), "%u", nth), 0));
}

/* A copy that failed has used up the one that may. */
static bool copy_failed(void)
{
	int fd = must(open(COPIES, O_RDONLY | O_CLOEXEC));
	char text[16] = "1";

	must(read(fd, text, sizeof(text) - 1));
	close(fd);
	return atoi(text) == 0;
}

/* The copies that asking takes count too. */
enum injected inject_disarm(void)
{
	char text[16] = "1";
	bool failed = pread(nth_fd, text, sizeof(text) - 1, 0) > 0 && atoi(text) == 0;

	if (pwrite(nth_fd, "0", 1, 0) != 1)
		must(pwrite(nth_fd, "0", 1, 0));
	if (!failed)
		return INJECTED_NONE;
	return copy_failed() ? INJECTED_COPY : INJECTED_ALLOC;
}

/* The #UD that the guest is to get for an instruction that cannot be emulated. */
static void take_back_exception(struct vcpu *vcpu)
{
	struct kvm_vcpu_events events;

	must(xioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events));
	memset(&events.exception, 0, sizeof(events.exception));
	must(xioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events));
}

int inject_outcome(struct vcpu *vcpu, int outcome)
{
	if (outcome != GUEST_EXIT || vcpu->run->exit_reason != KVM_EXIT_INTERNAL_ERROR)
		return outcome == GUEST_DONE ? 0 : outcome;
	take_back_exception(vcpu);
	return -EFAULT;
}

bool inject_permits(enum injected what, int ret)
{
	switch (what) {
	case INJECTED_ALLOC:
		return !ret || ret == -ENOMEM;
	case INJECTED_COPY:
		return !ret || ret == -EFAULT;
	default:
		return !ret;
	}
}

static void inject(int (*try)(unsigned int nth, void *context), void *context, const char *what,
		   unsigned int all)
{
	unsigned int nth = 1, allocations = 0, copies = 0;
	int failed;

	for (;;) {
		failed = try(nth, context);
		if (failed <= INJECTED_NONE || nth >= MAX_POINTS)
			break;
		allocations += failed == INJECTED_ALLOC;
		copies += failed == INJECTED_COPY;
		nth += nth < all ? 1 : nth / SPARSE;
	}
	tap_ok(failed == INJECTED_NONE, "%s", what);
	tap_diag("failed in turn: allocations %u, copies %u", allocations, copies);
}

void inject_each(int (*try)(unsigned int nth, void *context), void *context, const char *what)
{
	inject(try, context, what, MAX_POINTS);
}

void inject_many(int (*try)(unsigned int nth, void *context), void *context, const char *what)
{
	inject(try, context, what, 2 * SPARSE);
}
