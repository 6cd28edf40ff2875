/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the host wants between two entries, and its events that end the guest. Alone, because
 * <linux/kvm_host.h>, which the implementation needs, defines names that types.h defines too.
 */
#ifndef UM_HOST_WORK_H
#define UM_HOST_WORK_H

#include <linux/sched.h>

/*
 * Signals, rescheduling and task work that must be served before the guest is
 * entered. Any context.
 */
static __always_inline bool host_guest_work_pending(void)
{
	return read_thread_flags() & (_TIF_NEED_RESCHED | _TIF_SIGPENDING |
				      _TIF_NOTIFY_SIGNAL | _TIF_NOTIFY_RESUME);
}

int host_guest_work(void);	/* serve it; 0 or -EINTR for a signal. Sleeps, interrupts on */

/* The event that ended the guest, as if it had come by itself. Interrupts off. */
void host_run_nmi(void);
void host_machine_check(void);

#endif
