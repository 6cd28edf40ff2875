/* SPDX-License-Identifier: GPL-2.0 */
/* Tells of uses of stale translations: into the console, amid the output of the test at fault. */
#ifndef LAB_REPORT_H
#define LAB_REPORT_H

#include "cache.h"

struct use {
	BX_CPU_C *cpu;
	Bit64u laddr;		/* of the guest's instruction, or of the access it caused */
	Bit64u address;		/* what was translated: laddr, or a gpa */
	bool physical;		/* address is a gpa */
	bool write, exec, user;
	unsigned int need;	/* RIGHT_* */
};

/* @c would be used; @fresh is what the tables say now. */
void report_stale(const struct use *u, const char *kind, const struct cached *c,
		  const struct walk *fresh);

#endif
