/* SPDX-License-Identifier: GPL-2.0 */
/* A VM with a console and an exit port: the run loop of `umbra run` and `umbra boot`. */
#ifndef MACHINE_H
#define MACHINE_H

#include <pthread.h>
#include <stdio.h>

#include "uart.h"
#include "vm.h"

#define DEBUG_PORT	0xe9	/* a byte written here goes to the console */
#define EXIT_PORT	0xf4	/* a byte written here ends the run with that status */

struct machine {
	struct vm vm;
	pthread_mutex_t lock;	/* guards all below against the other vCPUs' threads */
	pthread_cond_t input_read;
	bool stopped;		/* every vCPU leaves its loop; read without the lock */
	struct uart uart;
	FILE *console;
	bool irqchip;
	bool irq_level;
	u8 acpi_enable[2];	/* which fixed events raise an interrupt: none ever occurs */
	bool exited;		/* the guest wrote its status to EXIT_PORT, turned off or reset */
	int status;
	const char *until;	/* end with success once this text was on the console */
	size_t until_length;
	char *recent;		/* the last until_length bytes of the console */
};

enum machine_state {
	MACHINE_SEEN,		/* `until` was on the console */
	MACHINE_ENDED,
	MACHINE_TIMED_OUT,
};

void machine_init(struct machine *machine, const struct vm_config *config);
/* Run until the guest ends, `until` is seen or `timeout` seconds pass (0: none). */
int machine_run(struct machine *machine, unsigned int timeout);
/* The pieces of it: run until something happens, then look for `until` afresh. */
enum machine_state machine_advance(struct machine *machine);
void machine_await_again(struct machine *machine);
void machine_destroy(struct machine *machine);

/* For machine_threads.c: one KVM_RUN of the vCPU that `vm` shows; true while the guest goes on. */
bool machine_step(struct machine *machine, const struct vm *vm);
/* A byte for the serial port, if it has room. */
bool machine_input(struct machine *machine, u8 byte);

#endif
