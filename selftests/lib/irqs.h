/* SPDX-License-Identifier: GPL-2.0 */
/* Guests whose interrupt controllers are in the kernel: their pages, and vCPUs in threads. */
#ifndef SELFTESTS_IRQS_H
#define SELFTESTS_IRQS_H

#include <pthread.h>

#include "vm.h"

struct irq_runner {
	struct vcpu *vcpu;
	pthread_t thread;
	uint64_t op;
	int outcome;
};

/* Maps the controllers and a device for 64-bit vCPUs that have their mode already. */
void irq_map_devices(struct vcpu **vcpus, unsigned int n);
/* The CPU runs the APICs of vCPUs that are in x2APIC mode: Umbra and its parameter apicv. */
bool irq_apicv(void);
bool irq_apicv_xapic(void);	/* in xAPIC mode too */
/* SIGUSR1 ends KVM_RUN and nothing else. */
void irq_catch_signals(void);
/* Runs op in a thread of its own, and waits for its end; a signal ends a guest that hangs. */
void irq_start(struct irq_runner *r, struct vcpu *vcpu, uint64_t op);
void irq_join(struct irq_runner *r);

#endif
