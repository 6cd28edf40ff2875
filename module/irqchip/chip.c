// SPDX-License-Identifier: GPL-2.0
/*
 * The life and the state of a VM's interrupt controllers. vm->lock guards their creation; they live
 * as long as the VM. chip->lock guards their registers.
 */
#include <linux/slab.h>

#include "chip.h"
#include "vlapic.h"

bool um_pic_in_kernel(const struct um_vm *vm)
{
	const struct um_irqchip *chip = READ_ONCE(vm->irq.chip);

	return chip && !chip->split;
}

static int ioapic_deliver(struct ioapic *io, const struct irq_msg *msg)
{
	struct um_irqchip *chip = container_of(io, struct um_irqchip, ioapic);

	return um_irq_deliver(chip->vm, msg, NULL);
}

static struct um_irqchip *chip_alloc(struct um_vm *vm, bool split)
{
	struct um_irqchip *chip = kzalloc(sizeof(*chip), GFP_KERNEL_ACCOUNT);

	if (!chip)
		return NULL;
	chip->vm = vm;
	chip->split = split;
	raw_spin_lock_init(&chip->lock);
	pic_init(&chip->pic);
	ioapic_init(&chip->ioapic);
	chip->ioapic.deliver = ioapic_deliver;
	return chip;
}

static int chip_register(struct um_irqchip *chip)
{
	int r = 0;

	mutex_lock(&chip->vm->slots_lock);
	if (!chip->split)
		r = um_chip_register(chip);
	mutex_unlock(&chip->vm->slots_lock);
	return r;
}

long um_irqchip_create(struct um_vm *vm, bool split, u32 reserved_pins)
{
	struct um_irqchip *chip;
	int r;

	lockdep_assert_held(&vm->lock);
	if (vm->irq.chip)
		return -EEXIST;
	if (vm->nr_vcpus)
		return split ? -EEXIST : -EINVAL;
	chip = chip_alloc(vm, split);
	if (!chip)
		return -ENOMEM;
	chip->reserved_pins = reserved_pins;
	r = um_routes_init(chip);
	if (!r)
		r = chip_register(chip);
	if (r) {
		um_routes_destroy(chip);
		kfree(chip);
		return r;
	}
	/* Whoever sees it may use all of it. */
	smp_store_release(&vm->irq.chip, chip);
	return 0;
}

void um_irqchip_destroy(struct um_vm *vm)
{
	if (!vm->irq.chip)
		return;
	um_routes_destroy(vm->irq.chip);
	kfree(vm->irq.chip);
}

void um_irqchip_edge_acks(struct um_vm *vm, int change)
{
	atomic_add(change, &vm->irq.chip->edge_acks);
}

long um_irqchip_get(struct um_vm *vm, struct kvm_irqchip *state)
{
	struct um_irqchip *chip = vm->irq.chip;
	unsigned long flags;
	long r = 0;

	if (!um_pic_in_kernel(vm))
		return -ENXIO;
	raw_spin_lock_irqsave(&chip->lock, flags);
	switch (state->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		state->chip.pic = chip->pic.chip[state->chip_id];
		break;
	case KVM_IRQCHIP_IOAPIC:
		ioapic_save(&chip->ioapic, &state->chip.ioapic);
		break;
	default:
		r = -EINVAL;
	}
	raw_spin_unlock_irqrestore(&chip->lock, flags);
	return r;
}

static void set_pic(struct um_irqchip *chip, const struct kvm_irqchip *state)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&chip->lock, flags);
	chip->pic.chip[state->chip_id] = state->chip.pic;
	chip->pic.chip[state->chip_id].priority_add &= 7;
	pic_restored(&chip->pic);
	um_chip_unlock_pic(chip, flags);
}

long um_irqchip_set(struct um_vm *vm, const struct kvm_irqchip *state)
{
	struct um_irqchip *chip = vm->irq.chip;
	unsigned long flags;

	if (!um_pic_in_kernel(vm))
		return -ENXIO;
	switch (state->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		set_pic(chip, state);
		return 0;
	case KVM_IRQCHIP_IOAPIC:
		raw_spin_lock_irqsave(&chip->lock, flags);
		ioapic_restore(&chip->ioapic, &state->chip.ioapic);
		raw_spin_unlock_irqrestore(&chip->lock, flags);
		return 0;
	default:
		return -EINVAL;
	}
}

/* The local APIC passes the PIC's interrupts on, or is off and out of the way. */
static bool accepts_extint(const struct um_lapic *l)
{
	u32 lvt0 = lapic_get(&l->regs, LAPIC_LVT0);

	if (!READ_ONCE(l->regs.enabled))
		return true;
	return !(lvt0 & LAPIC_LVT_MASKED) && ((lvt0 >> 8) & 7) == IRQ_EXTINT;
}

void um_chip_unlock_pic(struct um_irqchip *chip, unsigned long flags)
	__releases(&chip->lock)
{
	bool output = chip->pic.output;
	unsigned int acked = chip->pic.acked, pin;
	struct um_vcpu *vcpu;
	unsigned long id;

	chip->pic.acked = 0;
	raw_spin_unlock_irqrestore(&chip->lock, flags);
	for (pin = 0; acked; pin++, acked >>= 1)
		if (acked & 1)
			um_routes_acked(chip, pin >> 3, pin & 7);
	if (!output)
		return;
	xa_for_each(&chip->vm->vcpus, id, vcpu) {
		if (!accepts_extint(vcpu->irq.lapic))
			continue;
		vlapic_post(vcpu);
		return;
	}
}

static bool extint_pending(const struct um_vcpu *vcpu)
{
	const struct um_irqchip *chip = vcpu->vm->irq.chip;
	const struct um_lapic *l = vcpu->irq.lapic;
	bool asked = chip->split ? l->extint >= 0 : READ_ONCE(chip->pic.output);

	return asked && accepts_extint(l);
}

static u8 extint_ack(struct um_vcpu *vcpu)
{
	struct um_irqchip *chip = vcpu->vm->irq.chip;
	unsigned long flags;
	u8 vector;

	if (chip->split) {
		vector = vcpu->irq.lapic->extint;
		vcpu->irq.lapic->extint = -1;
		return vector;
	}
	raw_spin_lock_irqsave(&chip->lock, flags);
	vector = pic_ack(&chip->pic);
	um_chip_unlock_pic(chip, flags);
	return vector;
}

long um_irqchip_extint(struct um_vcpu *vcpu, u8 vector)
{
	struct um_lapic *l = vcpu->irq.lapic;

	if (!vcpu->vm->irq.chip->split)
		return -ENXIO;
	if (l->extint >= 0)
		return -EEXIST;
	l->extint = vector;
	um_make_request(vcpu, UM_REQ_EVENT);
	return 0;
}

/* The CPU delivers the APIC's own itself while it runs the APIC. */
bool um_irqchip_injectable(struct um_vcpu *vcpu)
{
	return vcpu->irq.hw_apic == HW_APIC_NONE ? um_irqchip_pending(vcpu) : extint_pending(vcpu);
}

bool um_irqchip_pending(struct um_vcpu *vcpu)
{
	vlapic_take_posted(vcpu->irq.lapic);
	return extint_pending(vcpu) || lapic_pending(&vcpu->irq.lapic->regs) >= 0;
}

u8 um_irqchip_ack(struct um_vcpu *vcpu)
{
	struct lapic *l = &vcpu->irq.lapic->regs;
	int vector;

	if (extint_pending(vcpu))
		return extint_ack(vcpu);
	vector = lapic_pending(l);
	lapic_ack(l, vector);
	return vector;
}

bool um_irqchip_ready(struct um_vcpu *vcpu)
{
	return accepts_extint(vcpu->irq.lapic) && vcpu->irq.lapic->extint < 0;
}

/*
 * The pins are told before the IOAPIC looks at their lines again: who hears it may let them go.
 */
static void ioapic_ended(struct um_irqchip *chip, u8 vector, bool level, bool broadcast)
{
	unsigned long flags;
	unsigned int pin;
	u32 pins;

	raw_spin_lock_irqsave(&chip->lock, flags);
	pins = ioapic_pins_of(&chip->ioapic, vector);
	raw_spin_unlock_irqrestore(&chip->lock, flags);
	if (!pins)
		return;
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		if (pins & BIT(pin))
			um_routes_acked(chip, KVM_IRQCHIP_IOAPIC, pin);
	if (!level || !broadcast)
		return;
	raw_spin_lock_irqsave(&chip->lock, flags);
	ioapic_eoi(&chip->ioapic, vector);
	raw_spin_unlock_irqrestore(&chip->lock, flags);
}

static bool split_ended(struct um_irqchip *chip, u8 vector)
{
	bool exits;

	rcu_read_lock();
	exits = test_bit(vector, rcu_dereference(chip->routes)->level_vectors);
	rcu_read_unlock();
	return exits;
}

bool um_chip_hears(struct um_vcpu *vcpu, u8 vector)
{
	const struct um_irqchip *chip = vcpu->vm->irq.chip;

	return lapic_test_vector(&vcpu->irq.lapic->regs, LAPIC_TMR, vector) ||
	       (!chip->split && atomic_read(&chip->edge_acks));
}

bool um_chip_waits(struct um_vcpu *vcpu, const struct irq_msg *msg)
{
	const struct um_irqchip *chip = vcpu->vm->irq.chip;

	return msg->level || (msg->pin && !chip->split && atomic_read(&chip->edge_acks));
}

void um_chip_awaited(struct um_vcpu *vcpu, unsigned long *vectors)
{
	struct um_irqchip *chip = vcpu->vm->irq.chip;
	unsigned long flags;
	unsigned int pin;

	if (chip->split || !atomic_read(&chip->edge_acks))
		return;
	raw_spin_lock_irqsave(&chip->lock, flags);
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		__set_bit((u8)chip->ioapic.redir[pin], vectors);
	raw_spin_unlock_irqrestore(&chip->lock, flags);
}

void um_chip_ended(struct um_vcpu *vcpu, u8 vector, bool level, bool broadcast)
{
	struct um_irqchip *chip = vcpu->vm->irq.chip;

	if (!chip->split) {
		if (level || atomic_read(&chip->edge_acks))
			ioapic_ended(chip, vector, level, broadcast);
	} else if (level && split_ended(chip, vector)) {
		vcpu->irq.lapic->ended = vector;
		um_make_request(vcpu, UM_REQ_IOAPIC_EOI);
	}
}

u8 um_irqchip_ended_vector(const struct um_vcpu *vcpu)
{
	return vcpu->irq.lapic->ended;
}
