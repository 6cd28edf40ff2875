/* SPDX-License-Identifier: GPL-2.0 */
/* The threads beside the first vCPU's: the other vCPUs, and what types into the serial port. */
#ifndef MACHINE_THREADS_H
#define MACHINE_THREADS_H

#include "machine.h"

/* Only a machine with interrupt controllers has such threads. */
void threads_start(struct machine *machine);
/* Gets all vCPUs out of the guest and waits for their threads. */
void threads_stop(struct machine *machine);

#endif
