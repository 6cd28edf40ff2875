/* SPDX-License-Identifier: GPL-2.0 */
/* What the guest that fills all its registers and its host agree on. */
#ifndef SELFTESTS_STATE_H
#define SELFTESTS_STATE_H

#define STATE_STOP	SCRATCH_GPA	/* the u32 here ends STATE_HOLD */
#define STATE_ROUNDS	(SCRATCH_GPA + 64)	/* and this one counts its rounds */

enum {
	STATE_SYNC,	/* fill everything from seed arg[0], sync, check all */
	STATE_HOLD,	/* fill once, check in a loop until told to stop */
};

/* arg[1]: use AVX, which the CPUID offers */

#endif
