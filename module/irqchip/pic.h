/* SPDX-License-Identifier: GPL-2.0 */
/* The pair of 8259A interrupt controllers of a PC as a state machine; pure. The caller locks. */
#ifndef UM_PIC_H
#define UM_PIC_H

#include <linux/kvm.h>

#include "../types.h"

#define PIC_PINS	16	/* of the pair; pin 2 is where the second one sits */

/**
 * struct pic - both chips
 * @chip: registers as userspace gets them, the master first
 * @output: INTR is raised
 * @acked: pins whose interrupt has ended since somebody took this
 */
struct pic {
	struct kvm_pic_state chip[2];
	bool output;
	u16 acked;
};

void pic_init(struct pic *pic);
/* 1: a new interrupt, 0: one more of the same, -1: masked. */
int pic_set_line(struct pic *pic, unsigned int pin, bool level);
u8 pic_ack(struct pic *pic);	/* the processor asks for the vector */
/* @port: 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1 */
u8 pic_read(struct pic *pic, u16 port);
void pic_write(struct pic *pic, u16 port, u8 val);
void pic_restored(struct pic *pic);	/* registers came from userspace */

#endif
