// SPDX-License-Identifier: GPL-2.0
/* The pair of 8259A interrupt controllers; pure. The caller locks. */
#include "pic.h"

#define CASCADE		2	/* the master's pin for the slave */
#define SPURIOUS	7
#define NONE		8	/* as a priority */
#define PORT_SLAVE	0xa0
#define PORT_ELCR	0x4d0
/* Pins that may be level-triggered: not the timer, keyboard, cascade, clock and FPU. */
#define ELCR_MASTER	0xf8
#define ELCR_SLAVE	0xde

/* Command words. 8259A data sheet, "Programming the 8259A". */
#define ICW1		0x10
#define ICW1_NEEDS_ICW4	0x01
#define ICW4_AUTO_EOI	0x02
#define ICW4_NESTED	0x10
#define OCW3		0x08
#define OCW3_POLL	0x04
#define OCW3_READ	0x02
#define OCW3_MASK_MODE	0x40
#define OCW2_ROTATE	0x80
#define OCW2_SPECIFIC	0x40
#define OCW2_EOI	0x20

enum { EXPECT_NONE, EXPECT_ICW2, EXPECT_ICW3, EXPECT_ICW4 };

static bool is_slave(const struct pic *pic, const struct kvm_pic_state *c)
{
	return c == &pic->chip[1];
}

/* How many places behind the highest the first of @pins is. */
static unsigned int priority_of(const struct kvm_pic_state *c, u8 pins)
{
	unsigned int p;

	for (p = 0; p < NONE; p++)
		if (pins & BIT((p + c->priority_add) & 7))
			break;
	return p;
}

/* The pin that asks for service, -1: none does, or what is served is more important. */
static int asking(const struct pic *pic, const struct kvm_pic_state *c)
{
	unsigned int p = priority_of(c, c->irr & ~c->imr);
	u8 serving = c->isr;

	if (p == NONE)
		return -1;
	/* The slave may interrupt its own handler then. */
	if (c->special_fully_nested_mode && !is_slave(pic, c))
		serving &= ~BIT(CASCADE);
	if (p >= priority_of(c, serving))
		return -1;
	return (p + c->priority_add) & 7;
}

static int set_pin(struct kvm_pic_state *c, unsigned int pin, bool level)
{
	u8 bit = BIT(pin);
	int r = 1;

	if (!level) {
		if (c->elcr & bit)
			c->irr &= ~bit;
		c->last_irr &= ~bit;
	} else {
		if ((c->elcr & bit) || !(c->last_irr & bit)) {
			r = !(c->irr & bit);
			c->irr |= bit;
		}
		c->last_irr |= bit;
	}
	return c->imr & bit ? -1 : r;
}

static void update(struct pic *pic)
{
	if (asking(pic, &pic->chip[1]) >= 0) {
		set_pin(&pic->chip[0], CASCADE, true);
		set_pin(&pic->chip[0], CASCADE, false);
	}
	pic->output = asking(pic, &pic->chip[0]) >= 0;
}

int pic_set_line(struct pic *pic, unsigned int pin, bool level)
{
	int r = set_pin(&pic->chip[pin >> 3], pin & 7, level);

	update(pic);
	return r;
}

static void end(struct pic *pic, struct kvm_pic_state *c, unsigned int pin)
{
	c->isr &= ~BIT(pin);
	pic->acked |= BIT(pin + (is_slave(pic, c) ? 8 : 0));
}

static void serve(struct pic *pic, struct kvm_pic_state *c, unsigned int pin)
{
	c->isr |= BIT(pin);
	if (!(c->elcr & BIT(pin)))
		c->irr &= ~BIT(pin);
	if (!c->auto_eoi)
		return;
	if (c->rotate_on_auto_eoi)
		c->priority_add = (pin + 1) & 7;
	end(pic, c, pin);
}

static u8 ack_slave(struct pic *pic)
{
	struct kvm_pic_state *slave = &pic->chip[1];
	int pin = asking(pic, slave);

	if (pin >= 0)
		serve(pic, slave, pin);
	return slave->irq_base + (pin >= 0 ? pin : SPURIOUS);
}

u8 pic_ack(struct pic *pic)
{
	struct kvm_pic_state *master = &pic->chip[0];
	int pin = asking(pic, master);
	u8 vector = master->irq_base + (pin >= 0 ? pin : SPURIOUS);

	if (pin >= 0)
		serve(pic, master, pin);
	if (pin == CASCADE)
		vector = ack_slave(pic);
	update(pic);
	return vector;
}

static void start_init(struct pic *pic, struct kvm_pic_state *c, u8 val)
{
	c->init4 = val & ICW1_NEEDS_ICW4;
	c->last_irr = 0;
	c->irr &= c->elcr;
	c->imr = 0;
	c->priority_add = 0;
	c->special_mask = 0;
	c->read_reg_select = 0;
	if (!c->init4) {
		c->special_fully_nested_mode = 0;
		c->auto_eoi = 0;
	}
	c->init_state = EXPECT_ICW2;
	update(pic);
}

static void write_ocw3(struct kvm_pic_state *c, u8 val)
{
	if (val & OCW3_POLL)
		c->poll = 1;
	if (val & OCW3_READ)
		c->read_reg_select = val & 1;
	if (val & OCW3_MASK_MODE)
		c->special_mask = (val >> 5) & 1;
}

/* End of interrupt of the pin named or of the one served, rotation, or both. */
static void write_ocw2(struct pic *pic, struct kvm_pic_state *c, u8 val)
{
	unsigned int pin = val & 7, p;

	if (!(val & (OCW2_EOI | OCW2_SPECIFIC))) {
		c->rotate_on_auto_eoi = !!(val & OCW2_ROTATE);
		return;
	}
	if (!(val & OCW2_SPECIFIC)) {
		p = priority_of(c, c->isr);
		if (p == NONE)
			return;
		pin = (p + c->priority_add) & 7;
	}
	if (val & OCW2_EOI)
		end(pic, c, pin);
	if (val & OCW2_ROTATE)
		c->priority_add = (pin + 1) & 7;
	update(pic);
}

static void write_data(struct pic *pic, struct kvm_pic_state *c, u8 val)
{
	switch (c->init_state) {
	case EXPECT_NONE:
		c->imr = val;
		update(pic);
		break;
	case EXPECT_ICW2:
		c->irq_base = val & 0xf8;
		c->init_state = EXPECT_ICW3;
		break;
	case EXPECT_ICW3:
		c->init_state = c->init4 ? EXPECT_ICW4 : EXPECT_NONE;
		break;
	case EXPECT_ICW4:
		c->special_fully_nested_mode = !!(val & ICW4_NESTED);
		c->auto_eoi = !!(val & ICW4_AUTO_EOI);
		c->init_state = EXPECT_NONE;
		break;
	}
}

static struct kvm_pic_state *chip_at(struct pic *pic, u16 port)
{
	if (port >= PORT_ELCR)
		return &pic->chip[port & 1];
	return &pic->chip[port >= PORT_SLAVE];
}

void pic_write(struct pic *pic, u16 port, u8 val)
{
	struct kvm_pic_state *c = chip_at(pic, port);

	if (port >= PORT_ELCR)
		c->elcr = val & c->elcr_mask;
	else if (port & 1)
		write_data(pic, c, val);
	else if (val & ICW1)
		start_init(pic, c, val);
	else if (val & OCW3)
		write_ocw3(c, val);
	else
		write_ocw2(pic, c, val);
}

/* A poll is an acknowledgment and an end in one. */
static u8 read_poll(struct pic *pic, struct kvm_pic_state *c)
{
	int pin = asking(pic, c);

	if (pin >= 0) {
		if (is_slave(pic, c)) {
			end(pic, &pic->chip[0], CASCADE);
			pic->chip[0].irr &= ~BIT(CASCADE);
		}
		c->irr &= ~BIT(pin);
		end(pic, c, pin);
	}
	update(pic);
	return pin >= 0 ? pin : SPURIOUS;
}

u8 pic_read(struct pic *pic, u16 port)
{
	struct kvm_pic_state *c = chip_at(pic, port);

	if (port >= PORT_ELCR)
		return c->elcr;
	if (c->poll) {
		c->poll = 0;
		return read_poll(pic, c);
	}
	if (port & 1)
		return c->imr;
	return c->read_reg_select ? c->isr : c->irr;
}

void pic_init(struct pic *pic)
{
	*pic = (struct pic) {};
	pic->chip[0].elcr_mask = ELCR_MASTER;
	pic->chip[1].elcr_mask = ELCR_SLAVE;
}

void pic_restored(struct pic *pic)
{
	update(pic);
}
