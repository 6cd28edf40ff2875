// SPDX-License-Identifier: GPL-2.0
/* The calls of faultinject that need interrupt controllers, each on a VM of its own. */
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../lib/inject.h"
#include "calls.h"

#define IRQ_GSI		5
#define MSI_ADDRESS	0xfee00000
#define MSI_VECTOR	0x30
#define EVENT_PORT	0x200

static void have_vm(struct setup *s)
{
	s->fd = xioctl_val(s->vcpu->vm->dev, KVM_CREATE_VM, 0);
	must(s->fd < 0 ? s->fd : 0);
}

static void have_chips(struct setup *s)
{
	have_vm(s);
	must(xioctl_val(s->fd, KVM_CREATE_IRQCHIP, 0));
}

static void have_pit(struct setup *s)
{
	struct kvm_pit_config config = { .flags = KVM_PIT_SPEAKER_DUMMY };

	have_chips(s);
	must(xioctl(s->fd, KVM_CREATE_PIT2, &config));
}

static void have_lapic(struct setup *s)
{
	have_chips(s);
	s->chip_vcpu = xioctl_val(s->fd, KVM_CREATE_VCPU, 0);
	must(s->chip_vcpu < 0 ? s->chip_vcpu : 0);
}

static void line(struct setup *s)
{
	s->arg.irq_level = (struct kvm_irq_level){ .irq = IRQ_GSI, .level = 1 };
}

static void msi(struct setup *s)
{
	s->arg.msi = (struct kvm_msi){ .address_lo = MSI_ADDRESS, .data = MSI_VECTOR };
}

static void one_route(struct setup *s)
{
	struct kvm_irq_routing *routing = &s->arg.routing;

	routing->nr = 1;
	routing->entries[0] = (struct kvm_irq_routing_entry){
		.gsi = IRQ_GSI, .type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { KVM_IRQCHIP_IOAPIC, IRQ_GSI },
	};
}

static void pic_state(struct setup *s)
{
	must(xioctl(s->fd, KVM_GET_IRQCHIP, &s->arg));
}

static void pit_state(struct setup *s)
{
	must(xioctl(s->fd, KVM_GET_PIT2, &s->arg));
}

static void have_event(struct setup *s)
{
	have_chips(s);
	s->event = must(eventfd(0, 0));
}

static void irqfd(struct setup *s)
{
	s->arg.irqfd = (struct kvm_irqfd){ .gsi = IRQ_GSI, .fd = s->event };
}

static void ioeventfd(struct setup *s)
{
	s->arg.ioeventfd = (struct kvm_ioeventfd){ .addr = EVENT_PORT, .len = 2, .fd = s->event,
						   .flags = KVM_IOEVENTFD_FLAG_PIO };
}

/* A pointer, though the command's number has no size. */
static int set_reinject(struct setup *s)
{
	return xioctl(s->fd, KVM_REINJECT_CONTROL, &s->arg);
}

static int create_vcpu(struct setup *s)
{
	s->chip_vcpu = xioctl_val(s->fd, KVM_CREATE_VCPU, 0);
	return s->chip_vcpu < 0 ? s->chip_vcpu : 0;
}

static int get_lapic(struct setup *s)
{
	return xioctl(s->chip_vcpu, KVM_GET_LAPIC, &s->arg);
}

static void lapic_state(struct setup *s)
{
	must(get_lapic(s));
}

static int set_lapic(struct setup *s)
{
	return xioctl(s->chip_vcpu, KVM_SET_LAPIC, &s->arg);
}

static int set_vapic(struct setup *s)
{
	struct kvm_vapic_addr vapic = { 0 };

	return xioctl(s->chip_vcpu, KVM_SET_VAPIC_ADDR, &vapic);
}

#define IRQ(command)	.owner = ON_IRQ, .cmd = command, .name = #command
#define VCPU(command)	.owner = ON_VCPU, .cmd = command, .name = #command

const struct call fi_irq_calls[] = {
	{ IRQ(KVM_CREATE_IRQCHIP), .before = have_vm },
	{ IRQ(KVM_SET_BOOT_CPU_ID), .before = have_vm },
	{ IRQ(KVM_GET_IRQCHIP), .before = have_chips },
	{ IRQ(KVM_SET_IRQCHIP), .before = have_chips, .fill = pic_state },
	{ IRQ(KVM_IRQ_LINE), .before = have_lapic, .fill = line },
	{ IRQ(KVM_IRQ_LINE_STATUS), .before = have_lapic, .fill = line },
	{ IRQ(KVM_SIGNAL_MSI), .before = have_lapic, .fill = msi },
	{ IRQ(KVM_SET_GSI_ROUTING), .before = have_chips, .fill = one_route },
	{ IRQ(KVM_IRQFD), .before = have_event, .fill = irqfd },
	{ IRQ(KVM_IOEVENTFD), .before = have_event, .fill = ioeventfd },
	{ IRQ(KVM_CREATE_PIT), .before = have_chips },
	{ IRQ(KVM_CREATE_PIT2), .before = have_chips },
	{ IRQ(KVM_GET_PIT), .before = have_pit },
	{ IRQ(KVM_SET_PIT), .before = have_pit, .fill = pit_state },
	{ IRQ(KVM_GET_PIT2), .before = have_pit },
	{ IRQ(KVM_SET_PIT2), .before = have_pit, .fill = pit_state },
	{ IRQ(KVM_REINJECT_CONTROL), .before = have_pit, .op = set_reinject },
	{ VCPU(KVM_CREATE_VCPU), "with a local APIC", .before = have_chips, .op = create_vcpu },
	{ VCPU(KVM_GET_LAPIC), .before = have_lapic, .op = get_lapic },
	{ VCPU(KVM_SET_LAPIC), .before = have_lapic, .fill = lapic_state, .op = set_lapic },
	{ VCPU(KVM_SET_VAPIC_ADDR), .before = have_lapic, .op = set_vapic },
};

const unsigned int fi_nr_irq_calls = ARRAY_SIZE(fi_irq_calls);
