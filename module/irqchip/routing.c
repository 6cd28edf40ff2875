// SPDX-License-Identifier: GPL-2.0
/*
 * From GSIs to pins and messages. A table is replaced as a whole under vm->lock and read under RCU:
 * an interrupt that is on its way meanwhile may still take the old route.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "chip.h"

#define PINS_OF_ONE_PIC	8

/* SDM "Message Address Register Format", "Message Data Register Format". */
#define MSI_DEST_SHIFT		12
#define MSI_LOGICAL		BIT(2)
#define MSI_REDIRECTION		BIT(3)
#define MSI_DELIVERY_SHIFT	8
#define MSI_ASSERT		BIT(14)
#define MSI_LEVEL		BIT(15)
#define MSI_HIGH_DEST		0xffffff00

static bool msi_valid(const struct um_vm *vm, u32 address_hi)
{
	return !vm->irq.wide_ids || !(address_hi & 0xff);
}

static int deliver_msi(struct um_vm *vm, u32 lo, u32 hi, u32 data)
{
	struct irq_msg msg = {
		.dest = (lo >> MSI_DEST_SHIFT) & 0xff,
		.vector = data,
		.delivery = (data >> MSI_DELIVERY_SHIFT) & 7,
		.logical = lo & MSI_LOGICAL,
		.lowest = lo & MSI_REDIRECTION,
		.level = data & MSI_LEVEL,
		.assert = true,
	};

	if (!msi_valid(vm, hi))
		return -EINVAL;
	if (vm->irq.wide_ids)
		msg.dest |= hi & MSI_HIGH_DEST;
	return um_irq_deliver(vm, &msg, NULL);
}

long um_irq_signal_msi(struct um_vm *vm, const struct kvm_msi *msi)
{
	if (!vm->irq.chip || (msi->flags & ~KVM_MSI_VALID_DEVID))
		return -EINVAL;
	return deliver_msi(vm, msi->address_lo, msi->address_hi, msi->data);
}

static int follow(struct um_irqchip *chip, const struct irq_route *route, unsigned int source,
		  bool level)
{
	const struct kvm_irq_routing_msi *msi = &route->msi;

	if (route->type == KVM_IRQ_ROUTING_IRQCHIP)
		return um_chip_set_pin(chip, &route->pin, source, level);
	return level ? deliver_msi(chip->vm, msi->address_lo, msi->address_hi, msi->data) : -1;
}

int um_irq_set(struct um_vm *vm, unsigned int source, u32 gsi, bool level)
{
	struct um_irqchip *chip = READ_ONCE(vm->irq.chip);
	const struct irq_routes *routes;
	int r = -1, one;
	u32 i;

	rcu_read_lock();
	routes = rcu_dereference(chip->routes);
	for (i = gsi < routes->nr_gsis ? routes->first[gsi] : 0;
	     gsi < routes->nr_gsis && i < routes->first[gsi + 1]; i++) {
		one = follow(chip, &routes->route[i], source, level);
		if (one >= 0)
			r = max(r, 0) + one;
	}
	rcu_read_unlock();
	return r;
}

void um_routes_acked(struct um_irqchip *chip, unsigned int nr, unsigned int pin)
{
	int gsi;

	rcu_read_lock();
	gsi = rcu_dereference(chip->routes)->gsi_of[nr][pin];
	rcu_read_unlock();
	if (gsi != UM_NO_GSI)
		um_irq_acked(chip->vm, gsi);
}

/* What userspace wants, checked and copied. 0 or -EINVAL */
static int convert(struct um_irqchip *chip, const struct kvm_irq_routing_entry *from,
		   struct irq_route *to)
{
	if (from->gsi >= UM_MAX_IRQ_ROUTES)
		return -EINVAL;
	*to = (struct irq_route){ .gsi = from->gsi, .type = from->type };
	switch (from->type) {
	case KVM_IRQ_ROUTING_MSI:
		if (from->flags & ~KVM_MSI_VALID_DEVID)
			return -EINVAL;
		to->msi = from->u.msi;
		return msi_valid(chip->vm, to->msi.address_hi) ? 0 : -EINVAL;
	case KVM_IRQ_ROUTING_IRQCHIP:
		if (from->flags || chip->split || from->u.irqchip.irqchip >= UM_NR_CHIPS)
			return -EINVAL;
		to->pin = from->u.irqchip;
		if (to->pin.irqchip == KVM_IRQCHIP_IOAPIC)
			return to->pin.pin < IOAPIC_PINS ? 0 : -EINVAL;
		if (to->pin.pin >= PINS_OF_ONE_PIC)
			return -EINVAL;
		if (to->pin.irqchip == KVM_IRQCHIP_PIC_SLAVE)
			to->pin.pin += PINS_OF_ONE_PIC;
		return 0;
	default:
		return -EINVAL;
	}
}

/* One GSI leads to one message, or to one pin of each controller. */
static bool may_share(const struct irq_route *a, const struct irq_route *b)
{
	return a->type == KVM_IRQ_ROUTING_IRQCHIP && b->type == KVM_IRQ_ROUTING_IRQCHIP &&
	       a->pin.irqchip != b->pin.irqchip;
}

static void note_reverse(struct irq_routes *routes, const struct irq_route *r)
{
	unsigned int pin = r->pin.pin;

	if (r->pin.irqchip != KVM_IRQCHIP_IOAPIC)
		pin %= PINS_OF_ONE_PIC;
	routes->gsi_of[r->pin.irqchip][pin] = r->gsi;
}

static struct irq_routes *routes_alloc(u32 count, u32 nr_gsis)
{
	struct irq_routes *routes;
	size_t first = array_size(nr_gsis + 1, sizeof(*routes->first));

	routes = kvzalloc(size_add(struct_size(routes, route, count), first), GFP_KERNEL_ACCOUNT);
	if (!routes)
		return NULL;
	routes->nr_gsis = nr_gsis;
	routes->first = (u32 *)&routes->route[count];
	memset(routes->gsi_of, UM_NO_GSI, sizeof(routes->gsi_of));
	return routes;
}

/* Sort by GSI, counting; the order within one stays. 0 or -EINVAL */
static int place(struct um_irqchip *chip, struct irq_routes *routes,
		 const struct kvm_irq_routing_entry *from, u32 count)
{
	struct irq_route one;
	u32 i, j;
	int r;

	for (i = 0; i < count; i++)
		routes->first[from[i].gsi + 1]++;
	for (i = 0; i < routes->nr_gsis; i++)
		routes->first[i + 1] += routes->first[i];
	for (i = 0; i < count; i++) {
		r = convert(chip, &from[i], &one);
		if (r)
			return r;
		for (j = routes->first[one.gsi]; routes->route[j].type; j++)
			if (!may_share(&routes->route[j], &one))
				return -EINVAL;
		routes->route[j] = one;
		if (one.type == KVM_IRQ_ROUTING_IRQCHIP)
			note_reverse(routes, &one);
		else if (one.gsi < chip->reserved_pins && (one.msi.data & MSI_LEVEL))
			__set_bit(one.msi.data & 0xff, routes->level_vectors);
	}
	return 0;
}

static struct irq_routes *routes_build(struct um_irqchip *chip,
				       const struct kvm_irq_routing_entry *from, u32 count)
{
	struct irq_routes *routes;
	u32 i, nr_gsis = 0;
	int r;

	for (i = 0; i < count; i++) {
		if (from[i].gsi >= UM_MAX_IRQ_ROUTES)
			return ERR_PTR(-EINVAL);
		nr_gsis = max(nr_gsis, from[i].gsi + 1);
	}
	routes = routes_alloc(count, nr_gsis);
	if (!routes)
		return ERR_PTR(-ENOMEM);
	r = place(chip, routes, from, count);
	if (r) {
		kvfree(routes);
		return ERR_PTR(r);
	}
	return routes;
}

static long routes_set(struct um_irqchip *chip, const struct kvm_irq_routing_entry *from, u32 count)
{
	struct irq_routes *routes = routes_build(chip, from, count), *old;

	if (IS_ERR(routes))
		return PTR_ERR(routes);
	old = rcu_replace_pointer(chip->routes, routes, lockdep_is_held(&chip->vm->lock));
	if (old)
		kvfree_rcu(old, rcu);
	return 0;
}

/* As a PC is wired: 16 lines to both controllers, the others to the IOAPIC. */
int um_routes_init(struct um_irqchip *chip)
{
	struct kvm_irq_routing_entry *e;
	u32 gsi, n = 0;
	int r;

	if (chip->split)
		return routes_set(chip, NULL, 0);
	e = kcalloc(IOAPIC_PINS + PIC_PINS, sizeof(*e), GFP_KERNEL_ACCOUNT);
	if (!e)
		return -ENOMEM;
	for (gsi = 0; gsi < IOAPIC_PINS; gsi++) {
		e[n].gsi = gsi;
		e[n].type = KVM_IRQ_ROUTING_IRQCHIP;
		e[n].u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		e[n++].u.irqchip.pin = gsi;
		if (gsi >= PIC_PINS)
			continue;
		e[n].gsi = gsi;
		e[n].type = KVM_IRQ_ROUTING_IRQCHIP;
		e[n].u.irqchip.irqchip = gsi / PINS_OF_ONE_PIC;
		e[n++].u.irqchip.pin = gsi % PINS_OF_ONE_PIC;
	}
	r = routes_set(chip, e, n);
	kfree(e);
	return r;
}

void um_routes_destroy(struct um_irqchip *chip)
{
	kvfree(rcu_dereference_raw(chip->routes));
}

long um_irq_set_routes(struct um_vm *vm, const struct kvm_irq_routing __user *user)
{
	struct kvm_irq_routing_entry *entries;
	struct kvm_irq_routing head;
	long r;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (!READ_ONCE(vm->irq.chip) || head.nr > UM_MAX_IRQ_ROUTES || head.flags)
		return -EINVAL;
	entries = vmemdup_user(user->entries, array_size(head.nr, sizeof(*entries)));
	if (IS_ERR(entries))
		return PTR_ERR(entries);
	mutex_lock(&vm->lock);
	r = routes_set(vm->irq.chip, entries, head.nr);
	mutex_unlock(&vm->lock);
	kvfree(entries);
	return r;
}
