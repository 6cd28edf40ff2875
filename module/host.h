/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every fragile dependency on the host kernel: what differs between versions, and what
 * only hypervisors call. The supported kernels are 6.1 and 6.12. Each function names
 * its own context; no locks beyond the kernel's.
 */
#ifndef UM_HOST_H
#define UM_HOST_H

#include <linux/context_tracking.h>
#include <linux/cpumask.h>
#include <linux/eventfd.h>
#include <linux/ftrace.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/shrinker.h>
#include <linux/smp.h>
#include <linux/version.h>
#include <linux/vtime.h>
#include <asm/fpu/api.h>
#include <asm/irq_vectors.h>

#include "host_work.h"
#include "types.h"

#define HOST_6_12	(KERNEL_VERSION(6, 12, 0) <= LINUX_VERSION_CODE)

#if KERNEL_VERSION(6, 1, 0) > LINUX_VERSION_CODE
#error "Umbra needs Linux 6.1 or newer"
#endif
#if KERNEL_VERSION(7, 2, 0) <= LINUX_VERSION_CODE
#error "Linux 7.2 and newer keep the symbols that Umbra needs for kvm: use 6.1 or 6.12"
#endif

/*
 * Take VMX on every CPU, now and when one comes up or wakes. Prints the one line that
 * says why not. Sleeps.
 */
int host_init(void);
void host_exit(void);

/* A scratch mask that belongs to this CPU: preemption stays off while it is in use. */
struct cpumask *host_kick_mask(void);

/*
 * The frame behind @hva of a VM_IO or VM_PFNMAP @vma, without a reference. mmap_lock
 * held. 0 or errno: absent, the host must fault it in first.
 */
int host_follow_pfn(struct vm_area_struct *vma, hva_t hva, u64 *pfn, bool *writable);

/* Have @cpu take an interrupt, so that a guest running there exits. */
#if HOST_6_12
static inline void host_reschedule(int cpu)
{
	arch_smp_send_reschedule(cpu);
}
#else
static inline void host_reschedule(int cpu)
{
	smp_send_reschedule(cpu);
}
#endif

/* Can posted interrupts be notified? The kernel has a vector and its handler for that, for KVM. */
#if IS_ENABLED(CONFIG_KVM) || (!HOST_6_12 && defined(CONFIG_HAVE_KVM))
#define HOST_POSTED_VECTOR	POSTED_INTR_VECTOR
#else
#define HOST_POSTED_VECTOR	0
#endif
/* Have @cpu look at the posted-interrupt descriptor of the guest that runs there. Any context. */
void host_notify_posted(int cpu);

/* A byte that userspace may change at any time: 6.12 gives it a name that says so. */
#if HOST_6_12
#define host_immediate_exit(run)	READ_ONCE((run)->immediate_exit__unsafe)
#else
#define host_immediate_exit(run)	READ_ONCE((run)->immediate_exit)
#endif

/*
 * Have the host ask for memory back: @count says how many objects could be freed, @scan frees some.
 * NULL: out of memory. Sleeps. host_shrinker_remove() waits until neither runs any more.
 */
typedef unsigned long (*host_shrink_fn)(struct shrinker *shrinker, struct shrink_control *sc);
struct shrinker *host_shrinker_add(const char *name, host_shrink_fn count, host_shrink_fn scan);
void host_shrinker_remove(struct shrinker *shrinker);

/* Is this reader of @lock not alone? A hint, for statistics. */
#if defined(CONFIG_QUEUED_RWLOCKS) && !defined(CONFIG_PREEMPT_RT)
static inline bool host_read_shared(const rwlock_t *lock)
{
	return atomic_read(&lock->raw_lock.cnts) >= 2 * _QR_BIAS;
}
#else
static inline bool host_read_shared(const rwlock_t *lock)
{
	return false;
}
#endif

/*
 * RCU need not wait for a CPU that runs a guest. Said once for a run of entries with
 * interrupts off: that lasts no longer than to the next tick, and context tracking, where
 * it is on, says it at each entry by itself.
 */
#if HOST_6_12
static __always_inline void host_guest_rcu_note(void)
{
	rcu_virt_note_context_switch();
}
#else
static __always_inline void host_guest_rcu_note(void)
{
	rcu_virt_note_context_switch(smp_processor_id());
}
#endif

/*
 * The guest as lockdep, RCU, context tracking and CPU time accounting see it.
 * Interrupts off throughout; timing brackets state, and timing_exit runs only after the
 * interrupt that ended the guest was taken (its tick belongs to the guest). Between
 * state_enter and state_exit nothing may be traced or use RCU.
 */
/* Nanoseconds that the thread has waited for a CPU. */
#ifdef CONFIG_SCHED_INFO
static inline u64 host_run_delay(void)
{
	return current->sched_info.run_delay;
}
#else
static inline u64 host_run_delay(void)
{
	return 0;
}
#endif

static __always_inline void host_guest_timing_enter(void)
{
	instrumentation_begin();
	vtime_account_guest_enter();
	instrumentation_end();
}

static __always_inline void host_guest_timing_exit(void)
{
	instrumentation_begin();
	vtime_account_guest_exit();
	instrumentation_end();
}

static __always_inline void host_guest_state_enter(void)
{
	instrumentation_begin();
	trace_hardirqs_on_prepare();
	lockdep_hardirqs_on_prepare();
	instrumentation_end();

	context_tracking_guest_enter();
	lockdep_hardirqs_on(CALLER_ADDR0);
}

static __always_inline void host_guest_state_exit(void)
{
	lockdep_hardirqs_off(CALLER_ADDR0);
	context_tracking_guest_exit();
	instrumentation_begin();
	trace_hardirqs_off_finish();
	instrumentation_end();
}

#if HOST_6_12
static inline void host_eventfd_signal(struct eventfd_ctx *ctx)
{
	eventfd_signal(ctx);
}
#else
static inline void host_eventfd_signal(struct eventfd_ctx *ctx)
{
	eventfd_signal(ctx, 1);
}
#endif

/*
 * The guest's FPU state. alloc: 0 or -ENOMEM, sleeps, charged to the caller's cgroup as
 * the kernel decides.
 */
static inline int host_fpu_alloc(struct fpu_guest *fpu)
{
	return fpu_alloc_guest_fpstate(fpu) ? 0 : -ENOMEM;
}

static inline void host_fpu_free(struct fpu_guest *fpu)
{
	fpu_free_guest_fpstate(fpu);
}

/*
 * Exchange the registers in the CPU: the task's for the guest's (@enter) or back.
 * Preemption may be on.
 */
static inline void host_fpu_swap(struct fpu_guest *fpu, bool enter)
{
	fpu_swap_kvm_fpstate(fpu, enter);
}

/*
 * The registers of whoever the task's FPU now belongs to are in the CPU: a context switch
 * may have left them in memory. Interrupts off, right before the guest is entered.
 */
static inline void host_fpu_ready(void)
{
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
}

/*
 * @fpu as an XSAVE area in standard format into @buf of @size bytes; only the features
 * in @xfeatures. Not loaded.
 */
static inline void host_fpu_copy_to_uabi(struct fpu_guest *fpu, void *buf, unsigned int size,
					 u64 xfeatures, u32 pkru)
{
	fpu_copy_guest_fpstate_to_uabi(fpu, buf, size, xfeatures, pkru);
}

/*
 * The reverse; -EINVAL for a malformed area or a feature outside @xcr0. @pkru gets PKRU
 * if the area holds it.
 */
static inline int host_fpu_copy_from_uabi(struct fpu_guest *fpu, const void *buf, u64 xcr0,
					  u32 *pkru)
{
	return fpu_copy_uabi_to_guest_fpstate(fpu, buf, xcr0, pkru);
}

#endif
