// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupt messages to the local APICs that they address. Any context, also with interrupts off:
 * no lock; vCPUs are never taken out of vm->vcpus while the VM lives.
 */
#include "vlapic.h"

void vlapic_post(struct um_vcpu *vcpu)
{
	um_make_request(vcpu, UM_REQ_EVENT);
	um_kick_vcpu(vcpu);
}

static int accept_fixed(struct um_lapic *l, const struct irq_msg *msg)
{
	/* A level that goes away asks for nothing. */
	if (msg->level && !msg->assert)
		return 0;
	if (l->posted)
		return posted_accept(l, msg);
	if (!lapic_accept(&l->regs, msg->vector, msg->level))
		return 0;
	vlapic_post(l->vcpu);
	return 1;
}

static int accept_init(struct um_lapic *l, const struct irq_msg *msg)
{
	/* INIT level de-assert only matters to CPUs of long ago. */
	if (msg->level && !msg->assert)
		return 0;
	/* It wipes out a SIPI that came before. */
	WRITE_ONCE(l->pending, BIT(VLAPIC_INIT));
	vlapic_post(l->vcpu);
	return 1;
}

static int accept_sipi(struct um_lapic *l, const struct irq_msg *msg)
{
	WRITE_ONCE(l->sipi_vector, msg->vector);
	/* Pairs with um_lapic_take_sipi(): whoever sees the bit sees the vector. */
	smp_mb__before_atomic();
	set_bit(VLAPIC_SIPI, &l->pending);
	vlapic_post(l->vcpu);
	return 1;
}

int vlapic_accept(struct um_lapic *l, const struct irq_msg *msg)
{
	switch (msg->delivery) {
	case IRQ_FIXED:
	case IRQ_LOWEST:
		return accept_fixed(l, msg);
	case IRQ_NMI:
		atomic_inc(&l->nmis);
		vlapic_post(l->vcpu);
		return 1;
	case IRQ_SMI:
		um_smi_post(l->vcpu);
		return 1;
	case IRQ_REMOTE_READ:
		WRITE_ONCE(l->unhalted, true);
		vlapic_post(l->vcpu);
		return 1;
	case IRQ_INIT:
		return accept_init(l, msg);
	case IRQ_STARTUP:
		return accept_sipi(l, msg);
	default:
		/* EXTINT comes from the PIC by itself. */
		return 0;
	}
}

void vlapic_local(struct um_lapic *l, u32 lvt)
{
	u32 val = lapic_get(&l->regs, lvt);
	struct irq_msg msg = {
		.vector = val,
		.delivery = lvt == LAPIC_LVTT || lvt == LAPIC_LVTERR ? IRQ_FIXED : (val >> 8) & 7,
		.level = (lvt == LAPIC_LVT0 || lvt == LAPIC_LVT1) && (val & LAPIC_LVT_LEVEL),
		.assert = true,
	};

	if (READ_ONCE(l->regs.enabled) && !(val & LAPIC_LVT_MASKED))
		vlapic_accept(l, &msg);
}

static bool addressed(struct um_vcpu *vcpu, const struct irq_msg *msg,
		      const struct um_vcpu *source)
{
	const struct um_lapic *l = vcpu->irq.lapic;

	if (!READ_ONCE(l->regs.enabled))
		return false;
	switch (msg->shorthand) {
	case IRQ_SELF:
		return vcpu == source;
	case IRQ_ALL:
		return true;
	case IRQ_ALL_BUT_SELF:
		return vcpu != source;
	}
	return lapic_matches(&l->regs, msg, !vcpu->vm->irq.no_broadcast_quirk);
}

static int deliver_all(struct um_vm *vm, const struct irq_msg *msg, struct um_vcpu *source)
{
	struct um_vcpu *vcpu;
	unsigned long id;
	int count = 0;

	xa_for_each(&vm->vcpus, id, vcpu)
		if (addressed(vcpu, msg, source))
			count += vlapic_accept(vcpu->irq.lapic, msg);
	return count;
}

/* One of those that can take it, always the same for a vector: its cache holds the handler. */
static int deliver_one(struct um_vm *vm, const struct irq_msg *msg, struct um_vcpu *source)
{
	unsigned int candidates = 0, chosen;
	struct um_vcpu *vcpu;
	unsigned long id;

	xa_for_each(&vm->vcpus, id, vcpu)
		candidates += addressed(vcpu, msg, source) &&
			      lapic_sw_enabled(&vcpu->irq.lapic->regs);
	if (!candidates)
		return 0;
	chosen = msg->vector % candidates;
	xa_for_each(&vm->vcpus, id, vcpu) {
		if (!addressed(vcpu, msg, source) ||
		    !lapic_sw_enabled(&vcpu->irq.lapic->regs))
			continue;
		if (!chosen--)
			return vlapic_accept(vcpu->irq.lapic, msg);
	}
	return 0;
}

/* A physical destination is nearly always the id of a vCPU. */
static struct um_vcpu *direct(struct um_vm *vm, const struct irq_msg *msg)
{
	struct um_vcpu *vcpu;

	if (msg->logical || msg->shorthand != IRQ_NO_SHORTHAND || msg->dest == 0xff)
		return NULL;
	vcpu = xa_load(&vm->vcpus, msg->dest);
	return vcpu && addressed(vcpu, msg, NULL) ? vcpu : NULL;
}

int um_irq_deliver(struct um_vm *vm, const struct irq_msg *msg, struct um_vcpu *source)
{
	struct um_vcpu *vcpu;

	if (msg->shorthand == IRQ_SELF)
		return vlapic_accept(source->irq.lapic, msg);
	vcpu = direct(vm, msg);
	if (vcpu)
		return vlapic_accept(vcpu->irq.lapic, msg);
	if (msg->delivery == IRQ_LOWEST || msg->lowest)
		return deliver_one(vm, msg, source);
	return deliver_all(vm, msg, source);
}
