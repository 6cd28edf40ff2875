/* SPDX-License-Identifier: GPL-2.0 */
/* Who has to invalidate after a change of an entry, and whether it should have happened by now. */
#ifndef LAB_DUTY_H
#define LAB_DUTY_H

#include "report.h"

/* The last write to an entry from outside of guests. */
struct writer {
	Bit64u word;		/* hpa / 8 */
	Bit64u rip, instruction;
	Bit64u when;		/* of all such writes */
	unsigned int cpu;
	bool serving;		/* by the module, on behalf of the guest that ran on that CPU */
};

enum duty {
	DUTY_MODULE,		/* an invalidation is missing */
	DUTY_NOT_YET,		/* the writer may still be about to see to it */
	DUTY_GUEST		/* the guest changed its tables, and has not invalidated either */
};

/* NULL: not known. */
const struct writer *duty_writer(Bit64u hpa);
/* Of an access that @c answers otherwise than the tables do; @leaf: not a pointer to a table. */
enum duty duty_of(const struct use *u, const struct cached *c, bool leaf);
/* The module, and not the guest, made the guest's root what it is. */
bool duty_root_was_set(BX_CPU_C *cpu);

void duty_write(BX_CPU_C *cpu, Bit64u hpa);
void duty_exit(BX_CPU_C *cpu, Bit32u reason, Bit64u qualification);
void duty_entry(BX_CPU_C *cpu);

#endif
