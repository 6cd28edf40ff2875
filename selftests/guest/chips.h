/* SPDX-License-Identifier: GPL-2.0 */
/* What the guest that drives PIC, IOAPIC and PIT and its host agree on. */
#ifndef SELFTESTS_CHIPS_H
#define SELFTESTS_CHIPS_H

#include "apic.h"

#define CHIPS_PIN	5	/* GSI and IOAPIC pin of most tests */
#define CHIPS_HIGH_PIN	20	/* one that only the IOAPIC has */
#define CHIPS_SLAVE_IRQ	10
#define CHIPS_EDGE_VEC	0x50
#define CHIPS_LEVEL_VEC	0x61
#define CHIPS_PIC_BASE	0x40
#define CHIPS_REPEATS	3
#define CHIPS_PORT	0xc0	/* of the ioeventfds; 16 ports */

enum {
	CHIPS_IOAPIC,	/* registers */
	CHIPS_EDGE,	/* syncs: raise and lower the pin; the same while it is masked */
	CHIPS_LEVEL,	/* syncs: raise; lower, once the guest had it several times */
	CHIPS_PIC,	/* syncs: pulse the pin; the slave's; both masked */
	CHIPS_PIT,	/* periodic and one-shot through the PIC, counts */
	CHIPS_SPEAKER,	/* channel 2 through port 0x61 */
	CHIPS_WAIT,	/* program the pin (arg[1]: level), sync, HLT until it came arg[0] times */
	CHIPS_WRITES,	/* writes at ioeventfds; each write that nobody takes exits */
	CHIPS_MSI,	/* HLT until CHIPS_LEVEL_VEC came once, EOI, sync */
	CHIPS_EXTINT,	/* LVT0 passes on, sync, HLT until CHIPS_EDGE_VEC came */
};

#endif
