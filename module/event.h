/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a new exception combines with one that is not delivered yet, as pure code; and the
 * delivery of an exception's side effects. No locks of its own: the vCPU's mutex guards
 * vcpu->ev.
 */
#ifndef UM_EVENT_H
#define UM_EVENT_H

#include "types.h"

struct um_vcpu;

enum um_exc_class {
	UM_EXC_BENIGN,
	UM_EXC_CONTRIBUTORY,
	UM_EXC_PAGE_FAULT,
};

enum um_exc_merge {
	UM_MERGE_REPLACE,	/* the second is delivered; the first recurs with its instruction */
	UM_MERGE_DOUBLE,
	UM_MERGE_TRIPLE,
};

/* SDM "Interrupt 8: Double Fault Exception (#DF)", table of interrupt and exception classes. */
static inline enum um_exc_class um_exc_class(u8 vector)
{
	switch (vector) {
	case UM_PF:
		return UM_EXC_PAGE_FAULT;
	case UM_DE:
	case UM_TS:
	case UM_NP:
	case UM_SS:
	case UM_GP:
		return UM_EXC_CONTRIBUTORY;
	default:
		return UM_EXC_BENIGN;
	}
}

/* @second arises while @first is being delivered. */
static inline enum um_exc_merge um_exc_merge(u8 first, u8 second)
{
	enum um_exc_class a = um_exc_class(first);
	enum um_exc_class b = um_exc_class(second);

	if (first == UM_DF)
		return UM_MERGE_TRIPLE;
	if (a == UM_EXC_CONTRIBUTORY && b == UM_EXC_CONTRIBUTORY)
		return UM_MERGE_DOUBLE;
	if (a == UM_EXC_PAGE_FAULT && b != UM_EXC_BENIGN)
		return UM_MERGE_DOUBLE;
	return UM_MERGE_REPLACE;
}

/*
 * The pending exception is handed to hardware now: set CR2, DR6, DR7.GD and RFLAGS.RF as its
 * delivery does.
 */
void um_exception_deliver(struct um_vcpu *vcpu);
/* Only CR2 or DR6: for userspace, which does not know of payloads. */
void um_exception_payload(struct um_vcpu *vcpu);

/* vcpu_events.c: ioctl handlers */
long um_ioc_get_vcpu_events(void *owner, void *arg, unsigned long uarg);
long um_ioc_set_vcpu_events(void *owner, void *arg, unsigned long uarg);
long um_ioc_interrupt(void *owner, void *arg, unsigned long uarg);
long um_ioc_nmi(void *owner, void *arg, unsigned long uarg);
void um_queue_irq(struct um_vcpu *vcpu, u8 vector);
/* NMIs that the in-kernel APIC was sent become pending. Loaded. */
void um_take_nmis(struct um_vcpu *vcpu);

#endif
