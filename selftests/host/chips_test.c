// SPDX-License-Identifier: GPL-2.0
/* PIC, IOAPIC and PIT as state machines. */
#include "irqchip/ioapic.h"
#include "irqchip/pic.h"
#include "irqchip/pit.h"
#include "tap.h"

static struct irq_msg sent;
static unsigned int sends;

static int deliver(struct ioapic *io, const struct irq_msg *msg)
{
	sent = *msg;
	sends++;
	return 1;
}

static struct ioapic new_ioapic(unsigned int pin, u32 low, u32 high)
{
	struct ioapic io = { .deliver = deliver };

	ioapic_init(&io);
	ioapic_write(&io, 0, 0x10 + 2 * pin + 1);
	ioapic_write(&io, 0x10, high);
	ioapic_write(&io, 0, 0x10 + 2 * pin);
	ioapic_write(&io, 0x10, low);
	sends = 0;
	return io;
}

static void test_ioapic_edge(void)
{
	struct ioapic io = new_ioapic(3, 0x0931, 0x07000000);
	struct kvm_ioapic_state state;

	ok(ioapic_set_line(&io, 3, true) == 1 && sends == 1, "edge: sent once");
	ok(sent.vector == 0x31 && sent.delivery == IRQ_LOWEST && sent.logical && sent.dest == 7 &&
	   !sent.level, "edge: as the entry says");
	ioapic_save(&io, &state);
	ok(!state.irr, "edge: what was sent is not saved");
	ok(ioapic_set_line(&io, 3, true) == 0 && sends == 1, "edge: no news while high");
	ioapic_save(&io, &state);
	ok(state.irr == 8, "edge: one that could not be sent is");
	ioapic_set_line(&io, 3, false);
	ok(ioapic_set_line(&io, 3, true) == 1 && sends == 2, "edge: the next one");
	ioapic_eoi(&io, 0x31);
	ok(sends == 2, "edge: an EOI does nothing");
}

static void test_ioapic_level(void)
{
	struct ioapic io = new_ioapic(4, 0x18041, 0);

	ok(ioapic_set_line(&io, 4, true) == -1 && !sends, "level: masked");
	ioapic_write(&io, 0x10, 0x8041);
	ok(sends == 1 && sent.level, "level: sent when the mask goes");
	ok(ioapic_set_line(&io, 4, true) == -1 && sends == 1, "level: not before the EOI");
	ioapic_write(&io, 0x10, 0x8041);
	ok((ioapic_read(&io, 0x10) & 0x4000) && sends == 1, "level: remote IRR is read-only");
	ioapic_eoi(&io, 0x41);
	ok(sends == 2, "level: sent again by the EOI while high");
	ioapic_set_line(&io, 4, false);
	ioapic_eoi(&io, 0x41);
	ok(sends == 2 && !(ioapic_read(&io, 0x10) & 0x4000), "level: over");
	ioapic_set_line(&io, 4, true);
	ioapic_write(&io, 0x10, 0x41);
	ok(!(ioapic_read(&io, 0x10) & 0x4000), "to edge-triggered: the remote IRR goes");
}

static struct pic new_pic(void)
{
	static const struct {
		u16 port;
		u8 val;
	} init[] = {
		{ 0x20, 0x11 }, { 0x21, 0x40 }, { 0x21, 4 }, { 0x21, 1 },
		{ 0xa0, 0x11 }, { 0xa1, 0x48 }, { 0xa1, 2 }, { 0xa1, 1 },
	};
	struct pic pic;
	unsigned int i;

	pic_init(&pic);
	for (i = 0; i < ARRAY_SIZE(init); i++)
		pic_write(&pic, init[i].port, init[i].val);
	return pic;
}

static void test_pic_priorities(void)
{
	struct pic pic = new_pic();

	pic_set_line(&pic, 6, true);
	pic_set_line(&pic, 9, true);
	pic_set_line(&pic, 3, true);
	ok(pic.output && pic_ack(&pic) == 0x49, "the slave comes before the master's third pin");
	ok(!pic.output, "which waits");
	pic_set_line(&pic, 1, true);
	ok(pic.output && pic_ack(&pic) == 0x41, "a higher one does not");
	pic_write(&pic, 0x20, 0x20);
	ok(!pic.output && pic.acked == 2, "its EOI");
	pic_write(&pic, 0xa0, 0x20);
	pic_write(&pic, 0x20, 0x20);
	ok(pic.output && pic_ack(&pic) == 0x43, "after the slave's EOIs");
	pic_write(&pic, 0x20, 0x63);
	ok(pic.output && pic_ack(&pic) == 0x46, "a specific EOI");
	pic_set_line(&pic, 6, false);
	pic_set_line(&pic, 6, true);
	ok(!pic.output, "the one that is served waits too");
	pic_set_line(&pic, 6, false);
	pic.chip[0].irr = 0;
	ok(pic_ack(&pic) == 0x47, "nothing: spurious");
	pic_write(&pic, 0x20, 0x0b);
	ok(pic_read(&pic, 0x20) == BIT(6), "ISR reads");
}

static void test_pic_lines(void)
{
	struct pic pic = new_pic();

	pic_set_line(&pic, 5, true);
	pic_set_line(&pic, 5, false);
	ok(pic.output, "an edge is remembered");
	ok(pic_set_line(&pic, 5, true) == 0, "and the next is none while it waits");
	pic_write(&pic, 0x21, 0xff);
	ok(!pic.output && pic_set_line(&pic, 4, true) == -1, "the mask");
	pic = new_pic();
	pic_write(&pic, 0x4d0, 0xff);
	ok(pic_read(&pic, 0x4d0) == 0xf8, "some pins are never level-triggered");
	pic_set_line(&pic, 5, true);
	pic_set_line(&pic, 5, false);
	ok(!pic.output, "a level is forgotten");
	pic = new_pic();
	pic_write(&pic, 0x20, 0x11);
	pic_write(&pic, 0x21, 0x40);
	pic_write(&pic, 0x21, 4);
	pic_write(&pic, 0x21, 3);
	pic_set_line(&pic, 5, true);
	pic_ack(&pic);
	ok(!pic.chip[0].isr && pic.acked == BIT(5), "automatic EOI");
}

#define MS	1000000ULL

static void test_pit(void)
{
	struct pit pit;
	u64 now = 5000 * MS;

	pit_init(&pit, now);
	ok(!pit_fires(&pit), "nothing before a mode is set");
	pit_write(&pit, 0x43, 0x34, now);
	ok(!pit_write(&pit, 0x40, 0xa9, now) && pit_write(&pit, 0x40, 0x04, now),
	   "the second byte starts it");
	ok(pit_fires(&pit) && pit_periodic(&pit) &&
	   pit_period(&pit) == 0x4a9 * 1000000000ULL / PIT_HZ,
	   "periodic, 1 kHz");
	pit_write(&pit, 0x43, 0, now + MS / 2);
	ok(pit_read(&pit, 0x40, now + MS) == ((0x4a9 - 596) & 0xff) &&
	   pit_read(&pit, 0x40, now + MS) == (0x4a9 - 596) >> 8, "a latched count stays");
	pit_write(&pit, 0x43, 0x30, now);
	pit_write(&pit, 0x40, 0, now);
	pit_write(&pit, 0x40, 0, now);
	ok(pit_fires(&pit) && !pit_periodic(&pit) && pit.ch[0].count == 0x10000, "0 is 65536");
	pit_write(&pit, 0x43, 0xe2, now + 54 * MS);
	ok(pit_read(&pit, 0x40, now) == 0x30, "status before the end");
	pit_write(&pit, 0x43, 0xe2, now + 56 * MS);
	ok(pit_read(&pit, 0x40, now) == 0xb0, "status after it: the output is high");
	pit_write(&pit, 0x61, 3, now);
	ok((pit_read(&pit, 0x61, now) & 3) == 3, "the speaker's port");
}

int main(void)
{
	test_ioapic_edge();
	test_ioapic_level();
	test_pic_priorities();
	test_pic_lines();
	test_pit();
	return tap_done();
}
