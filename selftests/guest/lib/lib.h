/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the guest library share among themselves. */
#ifndef SELFTESTS_GUEST_LIB_H
#define SELFTESTS_GUEST_LIB_H

#include <stdnoreturn.h>

#include "../guest.h"

/* Called by the entry code. */
void guest_start(unsigned long id);
void cpu_init(unsigned long id);

/* start32.S, start64.S: 16 bytes of code for each vector, which call guest_trap(). */
extern char trap_stubs[];
void guest_trap(struct trap_frame *frame);
noreturn void try_unwind(unsigned long sp, bool result);
bool try_user_sp(void (*fn)(unsigned long arg), unsigned long arg, unsigned long user_sp,
		 void *sp0);
void user_exit(void);

#endif
