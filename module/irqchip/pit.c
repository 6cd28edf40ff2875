// SPDX-License-Identifier: GPL-2.0
/* The 8254 interval timer; pure. The caller locks. */
#include "pit.h"

#define NSEC		1000000000ULL
#define PORT_CONTROL	(PIT_PORT + 3)
#define NO_MODE		0xff

/* Control word. 8254 data sheet, "Control Word Format", "Read-Back Command". */
#define READ_BACK		3	/* as a channel */
#define KEEP_COUNT		0x20
#define KEEP_STATUS		0x10

/* How many bytes of a count are accessed, and which one is next. */
enum { RW_LATCH, RW_LSB, RW_MSB, RW_WORD, RW_WORD_HIGH };

/* Port 0x61. */
#define SPEAKER_GATE		BIT(0)
#define SPEAKER_DATA		BIT(1)
#define SPEAKER_REFRESH		BIT(4)
#define SPEAKER_OUT		BIT(5)
#define REFRESH_SHIFT		14	/* of nanoseconds: about the 15 us of a PC */

/* Ticks since the count was loaded; 64 bits last for 490 years of elapsed time. */
static u64 ticks(const struct kvm_pit_channel_state *c, u64 now)
{
	u64 ns = now - c->count_load_time;

	return ns / NSEC * PIT_HZ + ns % NSEC * PIT_HZ / NSEC;
}

static u16 count_of(const struct kvm_pit_channel_state *c, u64 now)
{
	u64 d = ticks(c, now);

	switch (c->mode) {
	case 0:
	case 1:
	case 4:
	case 5:
		return c->count - d;
	case 3:
		return c->count - 2 * d % c->count;
	default:
		return c->count - d % c->count;
	}
}

static bool out_of(const struct kvm_pit_channel_state *c, u64 now)
{
	u64 d = ticks(c, now);

	switch (c->mode) {
	case 1:
		return d < c->count;
	case 2:
		return d && !(d % c->count);
	case 3:
		return d % c->count < (c->count + 1) / 2;
	case 4:
	case 5:
		return d == c->count;
	default:
		return d >= c->count;
	}
}

static bool load(struct pit *pit, unsigned int channel, u16 val, u64 now)
{
	pit->ch[channel].count = val ? val : PIT_COUNT_MAX;
	pit->ch[channel].count_load_time = now;
	return channel == 0;
}

static void latch_count(struct kvm_pit_channel_state *c, u64 now)
{
	if (c->count_latched)
		return;
	c->latched_count = count_of(c, now);
	c->count_latched = c->rw_mode;
}

static void latch_status(struct kvm_pit_channel_state *c, u64 now)
{
	if (c->status_latched)
		return;
	c->status = out_of(c, now) << 7 | c->rw_mode << 4 | c->mode << 1 | c->bcd;
	c->status_latched = 1;
}

static void read_back(struct pit *pit, u8 val, u64 now)
{
	unsigned int i;

	for (i = 0; i < PIT_CHANNELS; i++) {
		if (!(val & (2 << i)))
			continue;
		if (!(val & KEEP_COUNT))
			latch_count(&pit->ch[i], now);
		if (!(val & KEEP_STATUS))
			latch_status(&pit->ch[i], now);
	}
}

static void write_control(struct pit *pit, u8 val, u64 now)
{
	unsigned int channel = val >> 6, access = (val >> 4) & 3;
	struct kvm_pit_channel_state *c = &pit->ch[channel % PIT_CHANNELS];

	if (channel == READ_BACK) {
		read_back(pit, val, now);
		return;
	}
	if (access == RW_LATCH) {
		latch_count(c, now);
		return;
	}
	c->rw_mode = access;
	c->read_state = access;
	c->write_state = access;
	c->mode = (val >> 1) & 7;
	if (c->mode > 5)
		c->mode -= 4;	/* modes 2 and 3 have two codes each */
	c->bcd = val & 1;
}

static bool write_count(struct pit *pit, unsigned int channel, u8 val, u64 now)
{
	struct kvm_pit_channel_state *c = &pit->ch[channel];

	switch (c->write_state) {
	case RW_MSB:
		return load(pit, channel, val << 8, now);
	case RW_WORD:
		c->write_latch = val;
		c->write_state = RW_WORD_HIGH;
		return false;
	case RW_WORD_HIGH:
		c->write_state = RW_WORD;
		return load(pit, channel, c->write_latch | val << 8, now);
	default:
		return load(pit, channel, val, now);
	}
}

/* The gate's edge starts the count over in these modes. */
static void set_gate(struct kvm_pit_channel_state *c, bool on, u64 now)
{
	if (on && !c->gate && (c->mode == 1 || c->mode == 2 || c->mode == 3 || c->mode == 5))
		c->count_load_time = now;
	c->gate = on;
}

bool pit_write(struct pit *pit, u16 port, u8 val, u64 now)
{
	if (port == PIT_SPEAKER) {
		pit->speaker = val & SPEAKER_DATA;
		set_gate(&pit->ch[2], val & SPEAKER_GATE, now);
		return false;
	}
	if (port != PORT_CONTROL)
		return write_count(pit, port - PIT_PORT, val, now);
	write_control(pit, val, now);
	return false;
}

static u8 read_latched(struct kvm_pit_channel_state *c)
{
	switch (c->count_latched) {
	case RW_WORD:
		c->count_latched = RW_MSB;
		return c->latched_count;
	case RW_MSB:
		c->count_latched = 0;
		return c->latched_count >> 8;
	default:
		c->count_latched = 0;
		return c->latched_count;
	}
}

static u8 read_count(struct kvm_pit_channel_state *c, u64 now)
{
	u16 count = count_of(c, now);

	switch (c->read_state) {
	case RW_MSB:
		return count >> 8;
	case RW_WORD:
		c->read_state = RW_WORD_HIGH;
		return count;
	case RW_WORD_HIGH:
		c->read_state = RW_WORD;
		return count >> 8;
	default:
		return count;
	}
}

static u8 read_speaker(const struct pit *pit, u64 now)
{
	return (pit->ch[2].gate ? SPEAKER_GATE : 0) | (pit->speaker ? SPEAKER_DATA : 0) |
	       ((now >> REFRESH_SHIFT) & 1 ? SPEAKER_REFRESH : 0) |
	       (out_of(&pit->ch[2], now) ? SPEAKER_OUT : 0);
}

u8 pit_read(struct pit *pit, u16 port, u64 now)
{
	struct kvm_pit_channel_state *c;

	if (port == PIT_SPEAKER)
		return read_speaker(pit, now);
	if (port == PORT_CONTROL)
		return 0;
	c = &pit->ch[port - PIT_PORT];
	if (c->status_latched) {
		c->status_latched = 0;
		return c->status;
	}
	return c->count_latched ? read_latched(c) : read_count(c, now);
}

void pit_init(struct pit *pit, u64 now)
{
	unsigned int i;

	*pit = (struct pit){};
	for (i = 0; i < PIT_CHANNELS; i++) {
		pit->ch[i].mode = NO_MODE;
		pit->ch[i].gate = i != 2;
		load(pit, i, 0, now);
	}
}

bool pit_periodic(const struct pit *pit)
{
	return pit->ch[0].mode == 2 || pit->ch[0].mode == 3;
}

bool pit_fires(const struct pit *pit)
{
	u8 mode = pit->ch[0].mode;

	return mode == 0 || mode == 1 || mode == 4 || pit_periodic(pit);
}

u64 pit_period(const struct pit *pit)
{
	return pit->ch[0].count * NSEC / PIT_HZ;
}
