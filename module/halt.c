// SPDX-License-Identifier: GPL-2.0
/*
 * HLT in the kernel: a vCPU without work polls for a while, as long as that pays, and sleeps then.
 * vcpu->mutex guards it; wakers need no lock.
 */
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>

#include "irqchip/irqchip.h"
#include "umbra.h"

static unsigned int poll_max = 200000;
module_param_named(halt_poll_ns, poll_max, uint, 0644);
MODULE_PARM_DESC(halt_poll_ns, "longest polling after HLT, in ns; 0: none (default 200000)");

static unsigned int poll_grow = 2;
module_param_named(halt_poll_ns_grow, poll_grow, uint, 0644);
MODULE_PARM_DESC(halt_poll_ns_grow, "polling gets longer by this factor (default 2)");

static unsigned int poll_start = 10000;
module_param_named(halt_poll_ns_grow_start, poll_start, uint, 0644);
MODULE_PARM_DESC(halt_poll_ns_grow_start, "first length of polling, in ns (default 10000)");

static unsigned int poll_shrink;
module_param_named(halt_poll_ns_shrink, poll_shrink, uint, 0644);
MODULE_PARM_DESC(halt_poll_ns_shrink, "polling gets shorter by this factor; 0: ends (default 0)");

int um_hlt(struct um_vcpu *vcpu)
{
	if (!vcpu->irq.lapic) {
		vcpu->run->exit_reason = KVM_EXIT_HLT;
		return 0;
	}
	vcpu->mp_state = KVM_MP_STATE_HALTED;
	um_make_request(vcpu, UM_REQ_EVENT);
	return 1;
}

static unsigned int poll_limit(const struct um_vcpu *vcpu)
{
	u64 chosen = READ_ONCE(vcpu->vm->policy.halt_poll);

	return chosen ? (u32)chosen : READ_ONCE(poll_max);
}

static bool must_wake(struct um_vcpu *vcpu)
{
	return um_irq_has_event(vcpu) || READ_ONCE(vcpu->vm->dead);
}

static bool poll(struct um_vcpu *vcpu, ktime_t start)
{
	ktime_t stop = ktime_add_ns(start, vcpu->irq.poll_ns);

	do {
		if (must_wake(vcpu))
			return true;
		cpu_relax();
	} while (single_task_running() && !need_resched() && ktime_before(ktime_get(), stop));
	return false;
}

static void sleep(struct um_vcpu *vcpu)
{
	prepare_to_rcuwait(&vcpu->irq.wait);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (must_wake(vcpu) || signal_pending(current))
			break;
		schedule();
	}
	finish_rcuwait(&vcpu->irq.wait);
}

static unsigned int longer(unsigned int ns, unsigned int max)
{
	u64 next = max_t(u64, (u64)ns * READ_ONCE(poll_grow), READ_ONCE(poll_start));

	return min_t(u64, next, max);
}

static unsigned int shorter(unsigned int ns)
{
	unsigned int by = READ_ONCE(poll_shrink);

	ns = by ? ns / by : 0;
	return ns < READ_ONCE(poll_start) ? 0 : ns;
}

/* It paid if the sleep was short, and was in vain if it was long. */
static void learn(struct um_vcpu *vcpu, u64 halted_ns)
{
	unsigned int max = poll_limit(vcpu), ns = vcpu->irq.poll_ns;

	if (!max)
		ns = 0;
	else if (halted_ns > max)
		ns = shorter(ns);
	else if (halted_ns > ns && READ_ONCE(poll_grow))
		ns = longer(ns, max);
	vcpu->irq.poll_ns = ns;
}

void um_block(struct um_vcpu *vcpu)
{
	bool halted = vcpu->mp_state == KVM_MP_STATE_HALTED;
	ktime_t start;

	if (must_wake(vcpu))
		return;
	vcpu->irq.poll_ns = min(vcpu->irq.poll_ns, poll_limit(vcpu));
	start = ktime_get();
	if (!halted || !vcpu->irq.poll_ns || !poll(vcpu, start))
		sleep(vcpu);
	if (halted)
		learn(vcpu, ktime_to_ns(ktime_sub(ktime_get(), start)));
}
