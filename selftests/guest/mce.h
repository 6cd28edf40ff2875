/* SPDX-License-Identifier: GPL-2.0 */
/* What the guest that has machine checks and its host agree on. */
#ifndef SELFTESTS_MCE_H
#define SELFTESTS_MCE_H

#define MCE_VEC		0x50	/* of a corrected machine-check interrupt */
#define MCE_BASE	0x400	/* MSRs of bank 0; four for each */
#define MCE_STATUS	0x17a	/* MCG_STATUS */

enum {
	MCE_READ,	/* MSR arg[0] */
	MCE_WRITE,	/* arg[1] to MSR arg[0] */
	MCE_TAKE,	/* sync with CR4.MCE = arg[0]; the handler reads bank arg[1] */
	MCE_CMCI,	/* sync with LVT CMCI = arg[0], then wait for an interrupt */
	MCE_VERSION,	/* of the local APIC */
};

/* result[] of MCE_READ, MCE_WRITE: the vector of a fault, or 0; what was read */
enum { MCE_RES_FAULT, MCE_RES_VALUE };
/* of MCE_TAKE; of MCE_CMCI the first alone, and how many NMIs */
enum { MCE_RES_TAKEN, MCE_RES_MCG, MCE_RES_STATUS, MCE_RES_ADDR, MCE_RES_MISC };
#define MCE_RES_NMIS	1

#endif
