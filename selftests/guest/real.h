/* SPDX-License-Identifier: GPL-2.0 */
/* What the guest that stays in real mode and its host agree on. */
#ifndef SELFTESTS_REAL_H
#define SELFTESTS_REAL_H

#define REAL_PORT	0x80
#define REAL_IRQ	0x21
#define REAL_TRACE	"cfisxrmbINWE"
#define REAL_X87	'X'	/* behind the end of the trace */
#define REAL_STACK	0x6000
/* Above what 20 bits reach. */
#define REAL_BIG_GPA	0x200000
#define REAL_SEL_BIG	0x08

#endif
