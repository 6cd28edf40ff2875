// SPDX-License-Identifier: GPL-2.0
/*
 * What the host wants between two entries, and the host's events that end the guest. No locks; each
 * function names its context.
 */
#include <linux/entry-kvm.h>
#include <linux/kvm_host.h>
#include <asm/mce.h>
#include "host_work.h"

/*
 * The kernel's generic entry code takes a struct kvm_vcpu only to note a signal in its run page and
 * statistics. One dummy serves all: what is written there is never read.
 */
static struct kvm_run dummy_run;
static struct kvm_vcpu dummy_vcpu = { .run = &dummy_run };

int host_guest_work(void)
{
	return xfer_to_guest_mode_handle_work(&dummy_vcpu);
}

void host_run_nmi(void)
{
	asm volatile("int $2");
}

#if IS_ENABLED(CONFIG_X86_MCE)
void host_machine_check(void)
{
	struct pt_regs regs = {
		/* As if it came from userspace: the guest's fault, not the kernel's. */
		.cs = 3,
		.flags = X86_EFLAGS_IF,
	};

	do_machine_check(&regs);
}
#else
void host_machine_check(void)
{
}
#endif
