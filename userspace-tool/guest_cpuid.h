/* SPDX-License-Identifier: GPL-2.0 */
/* What the guest of a PC with several processors finds in CPUID. */
#ifndef GUEST_CPUID_H
#define GUEST_CPUID_H

#include "vm.h"

/* For vCPU 0 of `cpus`, under a hypervisor with a local APIC: topology and timer. */
void cpuid_fit(struct kvm_cpuid2 *cpuid, int vm_fd, unsigned int cpus);
/* The same for the vCPU with that APIC id. */
void cpuid_set_id(struct kvm_cpuid2 *cpuid, u32 apic_id);

#endif
