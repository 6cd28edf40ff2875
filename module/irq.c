// SPDX-License-Identifier: GPL-2.0
/*
 * What a vCPU with an in-kernel APIC does about its events before it enters the guest, and
 * KVM_GET_MP_STATE and KVM_SET_MP_STATE. vcpu->mutex guards it; the vCPU is loaded.
 */
#include <linux/sched/signal.h>

#include "apicv.h"
#include "event.h"
#include "guest_debug.h"
#include "hw.h"
#include "irqchip/irqchip.h"
#include "pv.h"
#include "smm.h"
#include "umbra.h"
#include "vcpu_state.h"

#define SIPI_CS_SHIFT	8
#define SIPI_BASE_SHIFT	12

/* SDM "MP Initialization Protocol": a SIPI names the page where real mode begins. */
static void start_at(struct um_vcpu *vcpu, u8 vector)
{
	um_need(vcpu, UM_ST_SEGS);
	vcpu->segs[UM_CS].selector = vector << SIPI_CS_SHIFT;
	vcpu->segs[UM_CS].base = vector << SIPI_BASE_SHIFT;
	um_dirty(vcpu, UM_ST_SEGS);
	um_set_rip(vcpu, 0);
	vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
}

void um_irq_init_sipi(struct um_vcpu *vcpu)
{
	u8 vector;

	/* INIT waits for RSM; a SIPI does not. */
	if (um_in_smm(vcpu)) {
		um_lapic_take_sipi(vcpu, &vector);
		return;
	}
	if (um_lapic_take_init(vcpu)) {
		um_vcpu_init(vcpu);
		vcpu->mp_state = vcpu->id == vcpu->vm->irq.boot_cpu ?
				 KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_INIT_RECEIVED;
	}
	if (um_lapic_take_sipi(vcpu, &vector) && vcpu->mp_state == KVM_MP_STATE_INIT_RECEIVED)
		start_at(vcpu, vector);
}

static void take_init_sipi(struct um_vcpu *vcpu)
{
	int idx;

	if (!um_lapic_has_init_sipi(vcpu))
		return;
	idx = srcu_read_lock(&vcpu->vm->srcu);
	um_irq_init_sipi(vcpu);
	srcu_read_unlock(&vcpu->vm->srcu, idx);
}

/* HLT, or AMD's variant of it for vCPUs that wait to be started. */
static bool is_halted(const struct um_vcpu *vcpu)
{
	return vcpu->mp_state == KVM_MP_STATE_HALTED ||
	       vcpu->mp_state == KVM_MP_STATE_AP_RESET_HOLD;
}

bool um_irq_has_event(struct um_vcpu *vcpu)
{
	const struct um_events *ev = &vcpu->ev;

	if (um_lapic_has_init_sipi(vcpu) && !um_in_smm(vcpu))
		return true;
	/* Nothing else wakes a vCPU that was not started. */
	if (!is_halted(vcpu))
		return false;
	if (um_lapic_unhalted(vcpu))
		return true;
	if (um_smi_wakes(vcpu) || um_lapic_nmis(vcpu) || ev->exc.pending)
		return true;
	if (ev->nmi_pending && !vcpu->nmi_block)
		return true;
	return um_irqchip_pending(vcpu) && hw_irq_allowed(vcpu);
}

/* A vCPU that waits to be started goes back to its thread: KVM_RUN answers EAGAIN, as KVM's. */
static int wait_for_start(struct um_vcpu *vcpu)
{
	um_block(vcpu);
	take_init_sipi(vcpu);
	um_make_request(vcpu, UM_REQ_EVENT);
	return signal_pending(current) ? -EINTR : -EAGAIN;
}

static int wait_until_runnable(struct um_vcpu *vcpu)
{
	if (vcpu->mp_state == KVM_MP_STATE_UNINITIALIZED)
		return wait_for_start(vcpu);
	um_block(vcpu);
	take_init_sipi(vcpu);
	if (is_halted(vcpu) && um_irq_has_event(vcpu)) {
		vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
		um_lapic_wake_seen(vcpu);
	}
	if (vcpu->mp_state == KVM_MP_STATE_RUNNABLE)
		return 1;
	/* The next turn comes here again. */
	um_make_request(vcpu, UM_REQ_EVENT);
	if (READ_ONCE(vcpu->vm->dead))
		return -EIO;
	if (!signal_pending(current))
		return 1;
	vcpu->run->exit_reason = KVM_EXIT_INTR;
	return -EINTR;
}

/* The next entry delivers something that comes before interrupts. */
static bool entry_is_taken(const struct um_vcpu *vcpu)
{
	const struct um_events *ev = &vcpu->ev;

	return ev->exc.pending || ev->exc.injected || ev->irq_injected || ev->nmi_injected ||
	       (ev->nmi_pending && !vcpu->nmi_block);
}

static void take_irq(struct um_vcpu *vcpu)
{
	bool more;

	if (hw_caps.apicv)
		um_apicv_serve(vcpu);
	more = um_irqchip_injectable(vcpu) && !um_debug_blocks(vcpu);

	if (more && hw_irq_allowed(vcpu) && !entry_is_taken(vcpu)) {
		vcpu->ev.irq_injected = true;
		vcpu->ev.irq_soft = false;
		vcpu->ev.irq_vector = um_irqchip_ack(vcpu);
		vcpu->stats.irq_injections++;
		/* An end that costs no exit needs no offer. */
		if (unlikely(vcpu->pv.eoi & KVM_MSR_ENABLED) &&
		    vcpu->irq.hw_apic == HW_APIC_NONE)
			um_pv_eoi_offer(vcpu, vcpu->ev.irq_vector);
		more = um_irqchip_injectable(vcpu);
	}
	vcpu->irq.window = more;
	hw_request_irq_window(vcpu, more);
}

void um_irq_settle(struct um_vcpu *vcpu)
{
	int idx = srcu_read_lock(&vcpu->vm->srcu);

	um_pv_eoi_settle(vcpu);
	srcu_read_unlock(&vcpu->vm->srcu, idx);
}

int um_irq_serve(struct um_vcpu *vcpu)
{
	int r = 1;

	if (unlikely(vcpu->pv.eoi_offered))
		um_irq_settle(vcpu);
	take_init_sipi(vcpu);
	if (vcpu->mp_state != KVM_MP_STATE_RUNNABLE) {
		r = wait_until_runnable(vcpu);
		if (r < 0 || vcpu->mp_state != KVM_MP_STATE_RUNNABLE)
			return r;
		/* It comes before what else has woken the vCPU. */
		if (um_smi_wakes(vcpu)) {
			um_make_request(vcpu, UM_REQ_EVENT);
			return r;
		}
	}
	um_take_nmis(vcpu);
	take_irq(vcpu);
	return r;
}

long um_ioc_get_mp_state(void *owner, void *arg, unsigned long uarg)
{
	struct kvm_mp_state *state = arg;
	struct um_vcpu *vcpu = owner;

	if (vcpu->irq.lapic)
		um_irq_init_sipi(vcpu);
	state->mp_state = vcpu->mp_state;
	if (is_halted(vcpu) && um_lapic_unhalted(vcpu))
		state->mp_state = KVM_MP_STATE_RUNNABLE;
	return 0;
}

static bool state_valid(const struct um_vcpu *vcpu, u32 state)
{
	switch (state) {
	case KVM_MP_STATE_RUNNABLE:
		return true;
	case KVM_MP_STATE_UNINITIALIZED:
	case KVM_MP_STATE_HALTED:
	case KVM_MP_STATE_INIT_RECEIVED:
	case KVM_MP_STATE_SIPI_RECEIVED:
	case KVM_MP_STATE_AP_RESET_HOLD:
		return vcpu->irq.lapic;
	default:
		return false;
	}
}

long um_ioc_set_mp_state(void *owner, void *arg, unsigned long uarg)
{
	const struct kvm_mp_state *state = arg;
	struct um_vcpu *vcpu = owner;

	if (!state_valid(vcpu, state->mp_state))
		return -EINVAL;
	if ((um_in_smm(vcpu) || vcpu->ev.smi_pending) &&
	    (state->mp_state == KVM_MP_STATE_INIT_RECEIVED ||
	     state->mp_state == KVM_MP_STATE_SIPI_RECEIVED))
		return -EINVAL;
	vcpu->mp_state = state->mp_state;
	if (state->mp_state == KVM_MP_STATE_SIPI_RECEIVED) {
		vcpu->mp_state = KVM_MP_STATE_INIT_RECEIVED;
		um_lapic_post_sipi(vcpu);
	}
	um_make_request(vcpu, UM_REQ_EVENT);
	return 0;
}
