/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The 8254 interval timer of a PC and port 0x61 beside it as a state machine; pure. Time is in
 * nanoseconds of the caller's clock. The caller locks.
 */
#ifndef UM_PIT_H
#define UM_PIT_H

#include <linux/kvm.h>

#include "../types.h"

#define PIT_CHANNELS	3
#define PIT_HZ		1193181ULL
#define PIT_PORT	0x40
#define PIT_SPEAKER	0x61
#define PIT_COUNT_MAX	0x10000

/**
 * struct pit - the channels, as userspace gets them
 * @ch: see <linux/kvm.h>; count_load_time is in the caller's clock
 * @speaker: the speaker's data bit
 */
struct pit {
	struct kvm_pit_channel_state ch[PIT_CHANNELS];
	bool speaker;
};

void pit_init(struct pit *pit, u64 now);
u8 pit_read(struct pit *pit, u16 port, u64 now);
/* True: channel 0 was given a new count, its timer starts over. */
bool pit_write(struct pit *pit, u16 port, u8 val, u64 now);
/* Channel 0 makes interrupts: after pit_period() once, or over and over. */
bool pit_fires(const struct pit *pit);
bool pit_periodic(const struct pit *pit);
u64 pit_period(const struct pit *pit);

#endif
