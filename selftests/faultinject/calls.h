/* SPDX-License-Identifier: GPL-2.0 */
/* The calls whose allocations and user copies faultinject has fail. */
#ifndef SELFTESTS_CALLS_H
#define SELFTESTS_CALLS_H

#include "../lib/vm.h"

#define FI_SLOT		5
#define FI_GPA		0x40000000UL
#define FI_SIZE		(4UL << 20)
/* What the guest touches of it. */
#define FI_TOUCHED	(FI_GPA + FI_SIZE / 2 - 2 * PAGE_SIZE)
#define FI_TOUCHED_END	(FI_TOUCHED + 4 * PAGE_SIZE)
#define FI_RING_BYTES	0x4000UL

union call_arg {
	struct kvm_cpuid cpuid_old;
	struct kvm_cpuid2 cpuid;
	struct kvm_msr_list msr_list;
	struct kvm_msrs msrs;
	struct kvm_signal_mask signal_mask;
	struct kvm_translation translation;
	struct kvm_x86_mce machine_check;
	struct kvm_irq_level irq_level;
	struct kvm_msi msi;
	struct kvm_irq_routing routing;
	struct kvm_irqfd irqfd;
	struct kvm_ioeventfd ioeventfd;
	struct kvm_reinject_control reinject;
	struct kvm_coalesced_mmio_zone zone;
	struct kvm_clock_data clock;
	struct kvm_msr_filter msr_filter;
	struct kvm_enable_cap cap;
	uint64_t word;
	uint8_t bytes[16384];
};

/* What calls start from: a guest that has not run yet, and untouched memory for a slot. */
struct setup {
	struct vcpu *vcpu;
	uint8_t *mem;
	int fd;			/* what the call opened, or a VM for the call */
	int chip_vcpu;		/* of that VM */
	int event;		/* an eventfd */
	union call_arg arg;
};

enum owner { ON_DEV, ON_VM, ON_VCPU, ON_IRQ };	/* ON_IRQ: the VM in setup.fd */

struct call {
	enum owner owner;
	unsigned long cmd;
	const char *name;
	const char *what;		/* of several with one command */
	void (*fill)(struct setup *s);	/* makes the argument */
	unsigned long get;		/* the command that makes the rest of it */
	unsigned long value;		/* or the argument is no pointer */
	int answer;			/* what it returns, if that matters */
	int also;			/* an errno for a failed copy, beside EFAULT */
	bool quiet;			/* the guest must not run after it */
	bool ring;			/* the VM has dirty rings */
	/* These begin with a VM of their own; op does the call. */
	void (*before)(struct setup *s);
	int (*op)(struct setup *s);
};

extern const struct call fi_calls[];
extern const unsigned int fi_nr_calls;
extern const struct call fi_irq_calls[];
extern const unsigned int fi_nr_irq_calls;

#endif
