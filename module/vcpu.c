// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU's run loop. vcpu->mutex is held by every ioctl; requests and mode are shared with whoever
 * kicks.
 */
#include <linux/sched/signal.h>
#include "apicv.h"
#include "audit.h"
#include "cr.h"
#include "guest_debug.h"
#include "host.h"
#include "irqchip/irqchip.h"
#include "mmu.h"
#include "msr.h"
#include "pv.h"
#include "smm.h"
#include "sync_regs.h"

static struct um_vcpu *pn_to_vcpu(struct preempt_notifier *pn)
{
	return container_of(pn, struct um_vcpu, pn);
}

static void sched_in(struct preempt_notifier *pn, int cpu)
{
	WRITE_ONCE(pn_to_vcpu(pn)->preempted, NULL);
	hw_load(pn_to_vcpu(pn));
	if (um_steals(pn_to_vcpu(pn)))
		um_make_request(pn_to_vcpu(pn), UM_REQ_STEAL);
}

static void sched_out(struct preempt_notifier *pn, struct task_struct *next)
{
	hw_put(pn_to_vcpu(pn));
	if (um_steals(pn_to_vcpu(pn)))
		um_steal_preempted(pn_to_vcpu(pn));
	if (task_is_running(current))
		WRITE_ONCE(pn_to_vcpu(pn)->preempted, current);
}

struct preempt_ops um_preempt_ops = { .sched_in = sched_in, .sched_out = sched_out };

void um_vcpu_load(struct um_vcpu *vcpu)
{
	preempt_disable();
	preempt_notifier_register(&vcpu->pn);
	hw_load(vcpu);
	vcpu->loaded = true;
	preempt_enable();
}

void um_vcpu_put(struct um_vcpu *vcpu)
{
	preempt_disable();
	vcpu->loaded = false;
	hw_put(vcpu);
	preempt_notifier_unregister(&vcpu->pn);
	preempt_enable();
}

void um_fpu_get(struct um_vcpu *vcpu)
{
	if (vcpu->fpu_loaded)
		return;
	host_fpu_swap(&vcpu->fpu, true);
	vcpu->fpu_loaded = true;
}

void um_fpu_put(struct um_vcpu *vcpu)
{
	if (!vcpu->fpu_loaded)
		return;
	host_fpu_swap(&vcpu->fpu, false);
	vcpu->fpu_loaded = false;
}

int um_exit_internal_error(struct um_vcpu *vcpu, u32 suberror, unsigned int ndata, const u64 *data)
{
	struct kvm_run *run = vcpu->run;
	unsigned int i;

	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->internal.suberror = suberror;
	run->internal.ndata = ndata;
	for (i = 0; i < ndata; i++)
		run->internal.data[i] = data[i];
	return 0;
}

static bool event_pending(const struct um_vcpu *vcpu)
{
	const struct um_events *ev = &vcpu->ev;

	return ev->exc.pending || ev->exc.injected || ev->irq_injected || ev->nmi_injected ||
	       ev->nmi_pending;
}

/*
 * Userspace may queue an interrupt with KVM_INTERRUPT: nothing waits to be
 * delivered and the guest takes it at once.
 */
static bool ready_for_irq(struct um_vcpu *vcpu)
{
	if (vcpu->irq.lapic && !um_irqchip_ready(vcpu))
		return false;
	return !event_pending(vcpu) && hw_irq_allowed(vcpu);
}

static int reload_root(struct um_vcpu *vcpu)
{
	int idx = srcu_read_lock(&vcpu->vm->srcu);
	int r = vcpu->mmu->load_root(vcpu);

	srcu_read_unlock(&vcpu->vm->srcu, idx);
	um_audit_vcpu(vcpu);
	/* No entry without a root: the next KVM_RUN tries again. */
	if (r)
		um_make_request(vcpu, UM_REQ_RELOAD_ROOT);
	return r;
}

/* What the guest reads of the host's time. */
static void renew_pages(struct um_vcpu *vcpu)
{
	int idx = srcu_read_lock(&vcpu->vm->srcu);

	um_clock_update(vcpu);
	um_steal_update(vcpu);
	srcu_read_unlock(&vcpu->vm->srcu, idx);
}

/* A root first: it may change what a flush means. 1: go on, 0: to userspace, <0: errno. */
static int serve_requests(struct um_vcpu *vcpu)
{
	int r;

	if (um_request_check(vcpu, UM_REQ_TRIPLE_FAULT)) {
		vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
		return 0;
	}
	if (um_request_check(vcpu, UM_REQ_RELOAD_ROOT)) {
		r = reload_root(vcpu);
		if (r)
			return r;
	}
	if (um_request_check(vcpu, UM_REQ_TLB_FLUSH)) {
		preempt_disable();
		hw_flush(vcpu, HW_FLUSH_ALL, 0, 0);
		preempt_enable();
	}
	if (um_request_check(vcpu, UM_REQ_RING_FULL) && um_dirty_ring_stop(vcpu))
		return 0;
	if (um_request_check(vcpu, UM_REQ_STEPPED) && um_debug_steps(vcpu))
		return um_exit_debug(vcpu, UM_DB, UM_DR6_BS);
	if (um_request_check(vcpu, UM_REQ_CLOCK) | um_request_check(vcpu, UM_REQ_STEAL))
		renew_pages(vcpu);
	if (um_request_check(vcpu, UM_REQ_MSR_FILTER))
		um_msr_filter_serve(vcpu);
	if (um_request_check(vcpu, UM_REQ_IOAPIC_EOI)) {
		vcpu->run->exit_reason = KVM_EXIT_IOAPIC_EOI;
		vcpu->run->eoi.vector = um_irqchip_ended_vector(vcpu);
		return 0;
	}
	if (um_request_check(vcpu, UM_REQ_SMI)) {
		vcpu->ev.smi_pending = true;
		um_smi_serve(vcpu);
	}
	um_audit_serve(vcpu);
	if (um_request_check(vcpu, UM_REQ_KICK) && READ_ONCE(vcpu->vm->dead))
		return -EIO;
	/* Last, since it may sleep. */
	if (um_request_check(vcpu, UM_REQ_EVENT) && vcpu->irq.lapic)
		return um_irq_serve(vcpu);
	return 1;
}

static int interrupted(struct um_vcpu *vcpu)
{
	vcpu->run->exit_reason = KVM_EXIT_INTR;
	return -EINTR;
}

/* What has to happen with interrupts on before an entry. 1: enter, 0: to userspace, <0: errno. */
static int before_entry(struct um_vcpu *vcpu)
{
	int r;

	if (unlikely(host_guest_work_pending())) {
		if (host_guest_work())
			return interrupted(vcpu);
	}
	/* An event in delivery kept it waiting. The interrupts served below come after it. */
	if (unlikely(vcpu->ev.smi_pending))
		um_smi_serve(vcpu);
	if (um_request_pending(vcpu)) {
		r = serve_requests(vcpu);
		if (r <= 0)
			return r;
	}
	if (unlikely(vcpu->run->request_interrupt_window) && !um_pic_in_kernel(vcpu->vm)) {
		if (ready_for_irq(vcpu)) {
			vcpu->run->exit_reason = KVM_EXIT_IRQ_WINDOW_OPEN;
			return 0;
		}
		hw_request_irq_window(vcpu, true);
	}
	if (um_debug_steps(vcpu))
		um_debug_enter(vcpu);
	if (unlikely(event_pending(vcpu) || vcpu->ev.armed) && !um_interpreted(vcpu))
		hw_inject(vcpu);
	return 1;
}

/*
 * The inner loop: interrupts stay off over exits that need nothing from the host
 * kernel. It takes no lock that anyone holds while waiting for an IPI. False: no
 * entry was made, there is work to do first.
 */
static bool inner_loop(struct um_vcpu *vcpu)
{
	WRITE_ONCE(vcpu->mode, UM_IN_GUEST_MODE);
	/*
	 * Pairs with the barrier in um_request_all() and um_kick_vcpu(): either
	 * they see the mode or we the request; and likewise um_apicv_notify().
	 */
	smp_mb();
	if (um_request_pending(vcpu) || um_apicv_posted(vcpu) || host_guest_work_pending()) {
		WRITE_ONCE(vcpu->mode, UM_OUTSIDE_GUEST);
		return false;
	}
	host_fpu_ready();
	host_guest_timing_enter();
	host_guest_rcu_note();
	do {
		vcpu->stats.entries++;
	} while (hw_enter(vcpu) && hw_handle_exit_fast(vcpu) &&
		 !um_request_pending(vcpu) && !host_guest_work_pending());
	hw_leave(vcpu);
	/* The guest's accesses end here, and are logged: they need no IPI any more. */
	smp_store_release(&vcpu->mode, UM_OUTSIDE_GUEST);
	return true;
}

static int outer_turn(struct um_vcpu *vcpu)
{
	bool entered;

	preempt_disable();
	local_irq_disable();
	entered = inner_loop(vcpu);
	if (entered)
		hw_interrupt(vcpu);
	/*
	 * The interrupt that ended the guest is taken here, and its tick still
	 * counts as the guest's.
	 */
	local_irq_enable();
	if (entered) {
		local_irq_disable();
		host_guest_timing_exit();
		local_irq_enable();
	}
	preempt_enable();
	if (!entered || !hw_exit_pending(vcpu))
		return 1;
	return hw_handle_exit(vcpu);
}

/* Instead of an entry, where the CPU cannot run the guest's mode. */
static int interpret_turn(struct um_vcpu *vcpu)
{
	int idx = srcu_read_lock(&vcpu->vm->srcu);
	int r = 1;

	um_pv_eoi_settle(vcpu);
	if (event_pending(vcpu))
		r = um_interpret_event(vcpu);
	if (r > 0 && !um_request_pending(vcpu))
		r = um_interpret(vcpu);
	srcu_read_unlock(&vcpu->vm->srcu, idx);
	if (vcpu->irq.window)
		um_make_request(vcpu, UM_REQ_EVENT);
	return r;
}

static int run_loop(struct um_vcpu *vcpu)
{
	int r;

	um_vcpu_load(vcpu);
	um_fpu_get(vcpu);
	if (vcpu->mmu->doubt)
		vcpu->mmu->doubt(vcpu, false);
	if (um_steals(vcpu))
		um_make_request(vcpu, UM_REQ_STEAL);
	do {
		r = before_entry(vcpu);
		if (r <= 0)
			break;
		if (unlikely(um_interpreted(vcpu)))
			r = interpret_turn(vcpu);
		else
			r = outer_turn(vcpu);
	} while (r > 0);
	if (unlikely(vcpu->pv.eoi_offered))
		um_irq_settle(vcpu);
	if (vcpu->run->request_interrupt_window && !vcpu->irq.window)
		hw_request_irq_window(vcpu, false);
	/* For fill_run(), while the VMCS is at hand. */
	um_need(vcpu, UM_ST_RFLAGS | UM_ST_INTR);
	um_fpu_put(vcpu);
	um_vcpu_put(vcpu);
	return r;
}

static int complete_pending(struct um_vcpu *vcpu)
{
	int (*complete)(struct um_vcpu *vcpu) = vcpu->complete;
	int idx, r;

	if (!complete)
		return 1;
	vcpu->complete = NULL;
	idx = srcu_read_lock(&vcpu->vm->srcu);
	r = complete(vcpu);
	srcu_read_unlock(&vcpu->vm->srcu, idx);
	return r;
}

static void sigset_on(struct um_vcpu *vcpu)
{
	/*
	 * A pending signal of the temporary mask must end this ioctl, and only
	 * later reach its handler.
	 */
	if (vcpu->sigset_active)
		sigprocmask(SIG_SETMASK, &vcpu->sigset, &current->real_blocked);
}

static void sigset_off(struct um_vcpu *vcpu)
{
	if (!vcpu->sigset_active)
		return;
	sigprocmask(SIG_SETMASK, &current->real_blocked, NULL);
	sigemptyset(&current->real_blocked);
}

/* Bits of the shared page that userspace reads after any KVM_RUN. */
static void fill_run(struct um_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	run->if_flag = !!(um_rflags(vcpu) & X86_EFLAGS_IF);
	run->cr8 = vcpu->cr8;
	run->apic_base = vcpu->msr.apic_base;
	run->ready_for_interrupt_injection = um_pic_in_kernel(vcpu->vm) || ready_for_irq(vcpu);
	run->flags = um_in_smm(vcpu) ? KVM_RUN_X86_SMM : 0;
}

static long run_checked(struct um_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	int r;

	if (unlikely(run->kvm_valid_regs || run->kvm_dirty_regs)) {
		r = um_sync_regs_in(vcpu);
		if (r)
			return r;
	}
	if (run->cr8 != vcpu->cr8 && !vcpu->irq.lapic && um_set_cr8(vcpu, run->cr8))
		return -EINVAL;
	r = complete_pending(vcpu);
	if (r <= 0)
		return r;
	if (host_immediate_exit(run))
		return -EINTR;
	return run_loop(vcpu);
}

long um_vcpu_run(struct um_vcpu *vcpu)
{
	long r;

	sigset_on(vcpu);
	r = run_checked(vcpu);
	if (unlikely(vcpu->run->kvm_valid_regs))
		um_sync_regs_out(vcpu);
	fill_run(vcpu);
	sigset_off(vcpu);
	if (!r)
		vcpu->stats.user_exits++;
	return r;
}
