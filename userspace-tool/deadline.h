/* SPDX-License-Identifier: GPL-2.0 */
/* A time limit that gets a vCPU out of KVM_RUN. */
#ifndef DEADLINE_H
#define DEADLINE_H

#include <stdbool.h>

/* From then on KVM_RUN answers EINTR again and again; 0 seconds: no limit. */
void deadline_start(unsigned int seconds);
void deadline_stop(void);
bool deadline_passed(void);

#endif
