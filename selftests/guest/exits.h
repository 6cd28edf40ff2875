/* SPDX-License-Identifier: GPL-2.0 */
/* Operations of the guest that ends in exits. */
#ifndef SELFTESTS_EXITS_H
#define SELFTESTS_EXITS_H

enum {
	EXITS_VMCALL,
	EXITS_VMCALL_USER,
	EXITS_TRIPLE_FAULT,
	EXITS_JUMP,		/* to arg[0] */
	EXITS_USER_JUMP,	/* the same at CPL 3; result[0] = vector */
	EXITS_HLT,
};

#endif
