// SPDX-License-Identifier: GPL-2.0
/* The I/O APIC: redirection table, lines and end of interrupt; pure. The caller locks. */
#include "ioapic.h"

/* Windows into the registers. 82093AA data sheet, "Memory Mapped Registers". */
#define SELECT		0x00
#define WINDOW		0x10
#define REG_ID		0x00
#define REG_VERSION	0x01
#define REG_ARB		0x02
#define REG_REDIR	0x10
#define VERSION		(0x11 | (IOAPIC_PINS - 1) << 16)
#define ID_SHIFT	24
#define ID_MASK		0xf

/* A redirection entry. */
#define REDIR_DELIVERY_SHIFT	8
#define REDIR_LOGICAL		BIT_ULL(11)
#define REDIR_STATUS		BIT_ULL(12)
#define REDIR_REMOTE_IRR	BIT_ULL(14)
#define REDIR_LEVEL		BIT_ULL(15)
#define REDIR_MASKED		BIT_ULL(16)
#define REDIR_DEST_SHIFT	56
#define REDIR_READ_ONLY		(REDIR_STATUS | REDIR_REMOTE_IRR)
#define LOW_HALF		0xffffffffULL

static int service(struct ioapic *io, unsigned int pin)
{
	u64 *e = &io->redir[pin];
	struct irq_msg msg = {
		.dest = *e >> REDIR_DEST_SHIFT,
		.vector = *e,
		.delivery = (*e >> REDIR_DELIVERY_SHIFT) & 7,
		.logical = *e & REDIR_LOGICAL,
		.level = *e & REDIR_LEVEL,
		.assert = true,
		.pin = true,
	};
	int r;

	if ((*e & REDIR_MASKED) || (msg.level && (*e & REDIR_REMOTE_IRR)))
		return -1;
	if (!msg.level)
		io->delivered |= BIT(pin);
	r = io->deliver(io, &msg);
	/* Whoever took it owes an EOI. */
	if (r > 0 && msg.level)
		*e |= REDIR_REMOTE_IRR;
	return r;
}

int ioapic_set_line(struct ioapic *io, unsigned int pin, bool level)
{
	u32 bit = BIT(pin);
	bool was = io->irr & bit;

	if (!level) {
		io->irr &= ~bit;
		return 1;
	}
	io->irr |= bit;
	if (!(io->redir[pin] & REDIR_LEVEL)) {
		io->delivered &= ~bit;
		if (was)
			return 0;
	}
	return service(io, pin);
}

static void write_entry(struct ioapic *io, unsigned int pin, bool high, u32 val)
{
	u64 *e = &io->redir[pin], old = *e;

	*e = high ? (old & LOW_HALF) | (u64)val << 32 : (old & ~LOW_HALF) | val;
	*e = (*e & ~REDIR_READ_ONLY) | (old & REDIR_READ_ONLY);
	/* Systems clear the remote IRR so. */
	if (!(*e & REDIR_LEVEL))
		*e &= ~REDIR_REMOTE_IRR;
	else if (io->irr & BIT(pin))
		service(io, pin);
}

static void write_window(struct ioapic *io, u32 val)
{
	u32 entry = io->select - REG_REDIR;

	if (io->select == REG_ID)
		io->id = (val >> ID_SHIFT) & ID_MASK;
	else if (io->select >= REG_REDIR && entry / 2 < IOAPIC_PINS)
		write_entry(io, entry / 2, entry & 1, val);
}

static u32 read_window(const struct ioapic *io)
{
	u32 entry = io->select - REG_REDIR;

	switch (io->select) {
	case REG_VERSION:
		return VERSION;
	case REG_ID:
	case REG_ARB:
		return io->id << ID_SHIFT;
	}
	if (io->select < REG_REDIR || entry / 2 >= IOAPIC_PINS)
		return ~0u;
	return io->redir[entry / 2] >> (entry & 1 ? 32 : 0);
}

u32 ioapic_read(const struct ioapic *io, unsigned int offset)
{
	switch (offset) {
	case SELECT:
		return io->select;
	case WINDOW:
		return read_window(io);
	default:
		return 0;
	}
}

void ioapic_write(struct ioapic *io, unsigned int offset, u32 val)
{
	if (offset == SELECT)
		io->select = val & 0xff;
	else if (offset == WINDOW)
		write_window(io, val);
}

u32 ioapic_pins_of(const struct ioapic *io, u8 vector)
{
	unsigned int pin;
	u32 pins = 0;

	for (pin = 0; pin < IOAPIC_PINS; pin++)
		if ((u8)io->redir[pin] == vector)
			pins |= BIT(pin);
	return pins;
}

void ioapic_eoi(struct ioapic *io, u8 vector)
{
	u32 pins = ioapic_pins_of(io, vector);
	unsigned int pin;

	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		if (!(pins & BIT(pin)) || !(io->redir[pin] & REDIR_LEVEL))
			continue;
		io->redir[pin] &= ~REDIR_REMOTE_IRR;
		if (io->irr & BIT(pin))
			service(io, pin);
	}
}

void ioapic_init(struct ioapic *io)
{
	unsigned int pin;

	for (pin = 0; pin < IOAPIC_PINS; pin++)
		io->redir[pin] = REDIR_MASKED;
	io->irr = 0;
	io->delivered = 0;
	io->id = 0;
	io->select = 0;
}

void ioapic_save(const struct ioapic *io, struct kvm_ioapic_state *state)
{
	unsigned int pin;

	*state = (struct kvm_ioapic_state) {
		.base_address = IOAPIC_BASE,
		.ioregsel = io->select,
		.id = io->id,
		/* An edge that was sent is not to be sent again over there. */
		.irr = io->irr & ~io->delivered,
	};
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		state->redirtbl[pin].bits = io->redir[pin];
}

void ioapic_restore(struct ioapic *io, const struct kvm_ioapic_state *state)
{
	unsigned int pin;

	io->select = state->ioregsel;
	io->id = state->id;
	io->irr = 0;
	io->delivered = 0;
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		io->redir[pin] = state->redirtbl[pin].bits;
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		if (state->irr & BIT(pin))
			ioapic_set_line(io, pin, true);
}
