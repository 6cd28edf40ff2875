// SPDX-License-Identifier: GPL-2.0
/*
 * The PICs and the IOAPIC on the buses, and their lines. chip->lock guards them.
 */
#include "chip.h"

#define PORT_MASTER	0x20
#define PORT_SLAVE	0xa0
#define PORT_ELCR	0x4d0

static bool pic_io(struct um_irqchip *chip, u16 port, unsigned int len, u8 *data, bool write)
{
	unsigned long flags;

	/* The bus of a PC has no wider access to them. */
	if (len != 1) {
		if (!write)
			memset(data, 0, len);
		return true;
	}
	raw_spin_lock_irqsave(&chip->lock, flags);
	if (write)
		pic_write(&chip->pic, port, *data);
	else
		*data = pic_read(&chip->pic, port);
	um_chip_unlock_pic(chip, flags);
	return true;
}

static bool pic_port_read(struct um_iodev *dev, struct um_vcpu *vcpu, u64 where,
			  unsigned int len, void *data)
{
	return pic_io(container_of(dev, struct chip_port, dev)->chip, where, len, data, false);
}

static bool pic_port_write(struct um_iodev *dev, struct um_vcpu *vcpu, u64 where,
			   unsigned int len, const void *data)
{
	return pic_io(container_of(dev, struct chip_port, dev)->chip, where, len, (void *)data,
		      true);
}

static const struct um_iodev_ops pic_ops = { .read = pic_port_read, .write = pic_port_write };

static bool ioapic_mmio_read(struct um_iodev *dev, struct um_vcpu *vcpu, u64 where,
			     unsigned int len, void *data)
{
	struct um_irqchip *chip = container_of(dev, struct um_irqchip, ioapic_mmio);
	unsigned long flags;
	u64 val;

	raw_spin_lock_irqsave(&chip->lock, flags);
	val = ioapic_read(&chip->ioapic, where - IOAPIC_BASE);
	raw_spin_unlock_irqrestore(&chip->lock, flags);
	memset(data, 0, len);
	memcpy(data, &val, min_t(unsigned int, len, sizeof(val)));
	return true;
}

static bool ioapic_mmio_write(struct um_iodev *dev, struct um_vcpu *vcpu, u64 where,
			      unsigned int len, const void *data)
{
	struct um_irqchip *chip = container_of(dev, struct um_irqchip, ioapic_mmio);
	unsigned long flags;
	u32 val = 0;

	memcpy(&val, data, min_t(unsigned int, len, sizeof(val)));
	raw_spin_lock_irqsave(&chip->lock, flags);
	ioapic_write(&chip->ioapic, where - IOAPIC_BASE, val);
	raw_spin_unlock_irqrestore(&chip->lock, flags);
	return true;
}

static const struct um_iodev_ops ioapic_mmio_ops = {
	.read = ioapic_mmio_read,
	.write = ioapic_mmio_write,
};

int um_chip_register(struct um_irqchip *chip)
{
	static const u16 ports[] = { PORT_MASTER, PORT_SLAVE, PORT_ELCR };
	struct um_vm *vm = chip->vm;
	unsigned int i;
	int r = 0;

	for (i = 0; !r && i < ARRAY_SIZE(ports); i++) {
		chip->pic_ports[i].dev = (struct um_iodev){ &pic_ops, ports[i], 2 };
		chip->pic_ports[i].chip = chip;
		r = um_bus_add(vm, UM_BUS_PIO, &chip->pic_ports[i].dev);
	}
	if (!r) {
		chip->ioapic_mmio = (struct um_iodev){ &ioapic_mmio_ops, IOAPIC_BASE, IOAPIC_LEN };
		r = um_bus_add(vm, UM_BUS_MMIO, &chip->ioapic_mmio);
		i++;
	}
	if (!r)
		return 0;
	/* The last one failed. */
	for (i--; i--;)
		um_bus_del(vm, UM_BUS_PIO, &chip->pic_ports[i].dev);
	return r;
}

static bool line(u8 *sources, unsigned int source, bool level)
{
	if (level)
		*sources |= BIT(source);
	else
		*sources &= ~BIT(source);
	return *sources;
}

int um_chip_set_pin(struct um_irqchip *chip, const struct kvm_irq_routing_irqchip *pin,
		    unsigned int source, bool level)
{
	unsigned long flags;
	int r;

	raw_spin_lock_irqsave(&chip->lock, flags);
	if (pin->irqchip == KVM_IRQCHIP_IOAPIC) {
		level = line(&chip->ioapic_sources[pin->pin], source, level);
		r = ioapic_set_line(&chip->ioapic, pin->pin, level);
		raw_spin_unlock_irqrestore(&chip->lock, flags);
		return r;
	}
	level = line(&chip->pic_sources[pin->pin], source, level);
	r = pic_set_line(&chip->pic, pin->pin, level);
	um_chip_unlock_pic(chip, flags);
	return r;
}
