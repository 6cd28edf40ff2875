// SPDX-License-Identifier: GPL-2.0
/* Arguments for the commands of interrupt controllers. */
#include <sys/ioctl.h>

#include "fuzz.h"
#include "../guest/apic.h"

#define MAX_ROUTES	32
#define DELIVERY_MODES	8

static size_t fill_line(struct fuzz_thread *t, void *arg)
{
	struct kvm_irq_level *line = arg;

	line->irq = fuzz_gsi(t);
	line->level = rarely(t, 8) ? fuzz_number(t) : below(t, 2);
	return sizeof(*line);
}

static uint32_t msi_data(struct fuzz_thread *t)
{
	if (rarely(t, 8))
		return fuzz_number(t);
	return (0x20 + below(t, 0xe0)) | below(t, DELIVERY_MODES) << 8;
}

static uint32_t msi_address(struct fuzz_thread *t)
{
	if (rarely(t, 8))
		return fuzz_number(t);
	return APIC_GPA | below(t, 4) << 12 | below(t, 4) << 2;
}

static size_t fill_msi(struct fuzz_thread *t, void *arg)
{
	struct kvm_msi *msi = arg;

	msi->address_lo = msi_address(t);
	msi->address_hi = mostly(t, 0);
	msi->data = msi_data(t);
	msi->flags = mostly(t, 0);
	return sizeof(*msi);
}

static void fill_route(struct fuzz_thread *t, struct kvm_irq_routing_entry *e)
{
	e->gsi = fuzz_gsi(t);
	e->type = rarely(t, 16) ? fuzz_number(t) : 1 + below(t, 2);
	e->flags = mostly(t, 0);
	if (e->type == KVM_IRQ_ROUTING_MSI) {
		e->u.msi.address_lo = msi_address(t);
		e->u.msi.data = msi_data(t);
		return;
	}
	e->u.irqchip.irqchip = rarely(t, 16) ? fuzz_number(t) : below(t, 3);
	e->u.irqchip.pin = rarely(t, 16) ? fuzz_number(t) : below(t, 24);
}

static size_t fill_routes(struct fuzz_thread *t, void *arg)
{
	struct kvm_irq_routing *routing = arg;
	unsigned int i, n = below(t, MAX_ROUTES);

	routing->nr = rarely(t, 16) ? fuzz_number(t) : n;
	routing->flags = mostly(t, 0);
	for (i = 0; i < n; i++)
		fill_route(t, &routing->entries[i]);
	return sizeof(*routing) + n * sizeof(routing->entries[0]);
}

static int event(struct fuzz_thread *t)
{
	return rarely(t, 16) ? (int)fuzz_number(t) : one_of(t, fuzz_events);
}

static size_t fill_irqfd(struct fuzz_thread *t, void *arg)
{
	struct kvm_irqfd *irqfd = arg;

	irqfd->fd = event(t);
	irqfd->gsi = fuzz_gsi(t);
	irqfd->flags = rarely(t, 16) ? fuzz_number(t) : below(t, 4);
	irqfd->resamplefd = event(t);
	return sizeof(*irqfd);
}

static size_t fill_ioeventfd(struct fuzz_thread *t, void *arg)
{
	static const uint32_t lengths[] = { 0, 1, 2, 4, 8, 3, 16 };
	static const uint64_t ports[] = { 0x80, 0x200, 0x3f8, 0x20, 0xffff };
	struct kvm_ioeventfd *e = arg;

	e->flags = rarely(t, 16) ? fuzz_number(t) : below(t, 8);
	e->addr = e->flags & KVM_IOEVENTFD_FLAG_PIO ? one_of(t, ports) : fuzz_gpa(t);
	e->len = one_of(t, lengths);
	e->datamatch = below(t, 4);
	e->fd = event(t);
	return sizeof(*e);
}

static size_t fill_chip(struct fuzz_thread *t, void *arg)
{
	struct kvm_irqchip *chip = arg;

	chip->chip_id = rarely(t, 16) ? fuzz_number(t) : below(t, 3);
	return sizeof(*chip);
}

static size_t fill_new_chip(struct fuzz_thread *t, void *arg)
{
	fill_chip(t, arg);
	ioctl(t->fd, KVM_GET_IRQCHIP, arg);
	fuzz_mutate(t, arg, sizeof(struct kvm_irqchip));
	return sizeof(struct kvm_irqchip);
}

static size_t fill_pit(struct fuzz_thread *t, void *arg)
{
	struct kvm_pit_config *config = arg;

	config->flags = rarely(t, 16) ? fuzz_number(t) : below(t, 2);
	return sizeof(*config);
}

static size_t fill_reinject(struct fuzz_thread *t, void *arg)
{
	struct kvm_reinject_control *control = arg;

	control->pit_reinject = below(t, 2);
	return sizeof(*control);
}

static size_t fill_vapic(struct fuzz_thread *t, void *arg)
{
	struct kvm_vapic_addr *vapic = arg;

	vapic->vapic_addr = fuzz_gpa(t);
	return sizeof(*vapic);
}

const struct fuzz_filler fuzz_irq_fillers[] = {
	{ ON_VM, KVM_IRQ_LINE, fill_line, NULL },
	{ ON_VM, KVM_IRQ_LINE_STATUS, fill_line, NULL },
	{ ON_VM, KVM_SIGNAL_MSI, fill_msi, NULL },
	{ ON_VM, KVM_SET_GSI_ROUTING, fill_routes, NULL },
	{ ON_VM, KVM_IRQFD, fill_irqfd, NULL },
	{ ON_VM, KVM_IOEVENTFD, fill_ioeventfd, NULL },
	{ ON_VM, KVM_GET_IRQCHIP, fill_chip, NULL },
	{ ON_VM, KVM_SET_IRQCHIP, fill_new_chip, NULL },
	{ ON_VM, KVM_CREATE_PIT2, fill_pit, NULL },
	{ ON_VM, KVM_REINJECT_CONTROL, fill_reinject, NULL },
	{ ON_VCPU, KVM_SET_VAPIC_ADDR, fill_vapic, NULL },
};

const unsigned int fuzz_nr_irq_fillers = ARRAY_SIZE(fuzz_irq_fillers);
