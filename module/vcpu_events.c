// SPDX-License-Identifier: GPL-2.0
/*
 * Events that userspace raises or moves: KVM_INTERRUPT, KVM_NMI, KVM_GET_VCPU_EVENTS and
 * KVM_SET_VCPU_EVENTS. The vCPU's mutex guards vcpu->ev; the vCPU is loaded.
 */
#include <asm/kvm.h>

#include "event.h"
#include "irqchip/irqchip.h"
#include "smm.h"
#include "umbra.h"

#define UM_EVENTS_REPORTED	(KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW | \
				 KVM_VCPUEVENT_VALID_SMM)
/* A SIPI vector is ignored: only its delivery ends the wait for it. */
#define UM_EVENTS_ACCEPTED	(UM_EVENTS_REPORTED | KVM_VCPUEVENT_VALID_SIPI_VECTOR | \
				 KVM_VCPUEVENT_VALID_PAYLOAD | \
				 KVM_VCPUEVENT_VALID_TRIPLE_FAULT)
#define UM_LAST_EXCEPTION	31
#define UM_MAX_NMIS		2

void um_queue_irq(struct um_vcpu *vcpu, u8 vector)
{
	vcpu->ev.irq_injected = true;
	vcpu->ev.irq_soft = false;
	vcpu->ev.irq_vector = vector;
	um_make_request(vcpu, UM_REQ_EVENT);
}

/* Without an in-kernel irqchip userspace is the controller: the latest vector wins. */
long um_ioc_interrupt(void *owner, void *arg, unsigned long uarg)
{
	const struct kvm_interrupt *irq = arg;
	struct um_vcpu *vcpu = owner;

	if (irq->irq >= KVM_NR_INTERRUPTS)
		return -EINVAL;
	if (vcpu->irq.lapic)
		return um_irqchip_extint(vcpu, irq->irq);
	um_queue_irq(vcpu, irq->irq);
	return 0;
}

/* One NMI can wait behind the one being handled, and one more while none is. */
static void um_add_nmis(struct um_vcpu *vcpu, unsigned int count)
{
	struct um_events *ev = &vcpu->ev;
	unsigned int limit;

	um_need(vcpu, UM_ST_INTR);
	limit = vcpu->nmi_block || ev->nmi_injected ? 1 : UM_MAX_NMIS;
	ev->nmi_pending = min(ev->nmi_pending + count, limit);
}

long um_ioc_nmi(void *owner, void *arg, unsigned long uarg)
{
	um_add_nmis(owner, 1);
	um_make_request(owner, UM_REQ_EVENT);
	return 0;
}

void um_take_nmis(struct um_vcpu *vcpu)
{
	unsigned int count = um_lapic_take_nmis(vcpu);

	if (count)
		um_add_nmis(vcpu, count);
}

/*
 * Without KVM_CAP_EXCEPTION_PAYLOAD userspace cannot tell a pending exception from one in
 * delivery, so both are reported as injected and its CR2 or DR6 is set now. INT3 and INTO are
 * left out: they recur, because RIP was not advanced.
 */
static void um_get_exception(struct um_vcpu *vcpu, struct kvm_vcpu_events *events)
{
	const struct um_exception *exc = &vcpu->ev.exc;
	bool payload = vcpu->vm->policy.exception_payload;

	if (exc->pending && !payload)
		um_exception_payload(vcpu);
	if (exc->vector != UM_BP && exc->vector != UM_OF) {
		events->exception.injected = exc->injected || (exc->pending && !payload);
		events->exception.pending = exc->pending;
	}
	events->exception.nr = exc->vector;
	events->exception.has_error_code = exc->has_error;
	events->exception.error_code = exc->error;
	events->exception_has_payload = exc->has_payload;
	events->exception_payload = exc->payload;
	if (payload)
		events->flags |= KVM_VCPUEVENT_VALID_PAYLOAD;
}

static void um_get_smi(struct um_vcpu *vcpu, struct kvm_vcpu_events *events)
{
	if (um_request_check(vcpu, UM_REQ_SMI))
		vcpu->ev.smi_pending = true;
	events->smi.smm = um_in_smm(vcpu);
	events->smi.pending = vcpu->ev.smi_pending;
	events->smi.smm_inside_nmi = vcpu->ev.smm_inside_nmi;
	events->smi.latched_init = vcpu->irq.lapic && um_lapic_has_init(vcpu);
}

long um_ioc_get_vcpu_events(void *owner, void *arg, unsigned long uarg)
{
	struct kvm_vcpu_events *events = arg;
	struct um_vcpu *vcpu = owner;
	const struct um_events *ev = &vcpu->ev;

	um_need(vcpu, UM_ST_INTR);
	events->flags = UM_EVENTS_REPORTED;
	if (vcpu->irq.lapic)
		um_take_nmis(vcpu);
	um_get_exception(vcpu, events);
	events->interrupt.injected = ev->irq_injected && !ev->irq_soft;
	events->interrupt.nr = ev->irq_vector;
	if (vcpu->movss_block)
		events->interrupt.shadow |= KVM_X86_SHADOW_INT_MOV_SS;
	if (vcpu->sti_block)
		events->interrupt.shadow |= KVM_X86_SHADOW_INT_STI;
	events->nmi.injected = ev->nmi_injected;
	events->nmi.pending = ev->nmi_pending != 0;
	events->nmi.masked = vcpu->nmi_block;
	um_get_smi(vcpu, events);
	if (vcpu->vm->policy.triple_fault_event) {
		events->triple_fault.pending = test_bit(UM_REQ_TRIPLE_FAULT, &vcpu->requests);
		events->flags |= KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	}
	return 0;
}

static bool um_events_valid(const struct um_vcpu *vcpu, const struct kvm_vcpu_events *events)
{
	const struct um_vm_policy *policy = &vcpu->vm->policy;
	bool pending = (events->flags & KVM_VCPUEVENT_VALID_PAYLOAD) && events->exception.pending;

	if (events->flags & ~UM_EVENTS_ACCEPTED)
		return false;
	if ((events->flags & KVM_VCPUEVENT_VALID_PAYLOAD) && !policy->exception_payload)
		return false;
	if ((events->flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT) && !policy->triple_fault_event)
		return false;
	if ((events->exception.injected || pending) &&
	    (events->exception.nr > UM_LAST_EXCEPTION || events->exception.nr == UM_NMI))
		return false;
	if (!(events->flags & KVM_VCPUEVENT_VALID_SMM) ||
	    vcpu->mp_state != KVM_MP_STATE_INIT_RECEIVED)
		return true;
	return !events->smi.smm && !events->smi.pending;
}

static struct um_exception um_events_exception(const struct kvm_vcpu_events *events)
{
	bool pending = (events->flags & KVM_VCPUEVENT_VALID_PAYLOAD) && events->exception.pending;

	return (struct um_exception){
		.pending = pending,
		.injected = !pending && events->exception.injected,
		.vector = events->exception.nr,
		.has_error = events->exception.has_error_code,
		.error = events->exception.error_code,
		.has_payload = pending && events->exception_has_payload,
		.payload = events->exception_payload,
	};
}

static void um_set_triple_fault(struct um_vcpu *vcpu, bool pending)
{
	if (pending)
		um_make_request(vcpu, UM_REQ_TRIPLE_FAULT);
	else
		clear_bit(UM_REQ_TRIPLE_FAULT, &vcpu->requests);
}

static void um_set_shadow(struct um_vcpu *vcpu, u8 shadow)
{
	vcpu->movss_block = shadow & KVM_X86_SHADOW_INT_MOV_SS;
	vcpu->sti_block = !vcpu->movss_block && (shadow & KVM_X86_SHADOW_INT_STI);
}

static void um_set_smi(struct um_vcpu *vcpu, const struct kvm_vcpu_events *events)
{
	struct um_events *ev = &vcpu->ev;

	um_smm_set(vcpu, events->smi.smm);
	ev->smi_pending = events->smi.pending;
	if (events->smi.smm)
		ev->smm_inside_nmi = events->smi.smm_inside_nmi;
	if (vcpu->irq.lapic)
		um_lapic_set_init(vcpu, events->smi.latched_init);
}

long um_ioc_set_vcpu_events(void *owner, void *arg, unsigned long uarg)
{
	const struct kvm_vcpu_events *events = arg;
	struct um_vcpu *vcpu = owner;
	struct um_events *ev = &vcpu->ev;

	if (!um_events_valid(vcpu, events))
		return -EINVAL;
	um_need(vcpu, UM_ST_INTR);
	ev->exc = um_events_exception(events);
	ev->irq_injected = events->interrupt.injected;
	ev->irq_vector = events->interrupt.nr;
	ev->irq_soft = events->interrupt.soft;
	ev->irq_insn_len = 0;
	if (events->flags & KVM_VCPUEVENT_VALID_SHADOW)
		um_set_shadow(vcpu, events->interrupt.shadow);
	ev->nmi_injected = events->nmi.injected;
	if (events->flags & KVM_VCPUEVENT_VALID_NMI_PENDING)
		ev->nmi_pending = min_t(u8, events->nmi.pending, UM_MAX_NMIS);
	vcpu->nmi_block = events->nmi.masked;
	if (events->flags & KVM_VCPUEVENT_VALID_SMM)
		um_set_smi(vcpu, events);
	if (events->flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT)
		um_set_triple_fault(vcpu, events->triple_fault.pending);
	um_dirty(vcpu, UM_ST_INTR);
	um_make_request(vcpu, UM_REQ_EVENT);
	return 0;
}
