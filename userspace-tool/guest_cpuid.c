// SPDX-License-Identifier: GPL-2.0
/* What the guest of a PC with several processors finds in CPUID. */
#include <sys/ioctl.h>

#include "guest_cpuid.h"

#define LEAF_FEATURES		1
#define LEAF_TOPOLOGY		0xb
#define LEAF_TOPOLOGY_V2	0x1f

#define FEATURES_APIC_ID_SHIFT	24
#define FEATURES_TSC_DEADLINE	BIT(24)	/* ECX */
#define FEATURES_HYPERVISOR	BIT(31)
#define TOPOLOGY_SMT		BIT(8)
#define TOPOLOGY_CORE		BIT(9)

static u32 bits_for(u32 count)
{
	u32 bits = 0;

	while (1U << bits < count)
		bits++;
	return bits;
}

/* One thread per core, all cores in one package (SDM, "CPUID", leaf 0BH). */
static void fit_topology(struct kvm_cpuid_entry2 *entry, u32 cpus)
{
	entry->eax = 0;
	entry->ebx = 0;
	entry->ecx = entry->index;
	if (entry->index == 0) {
		entry->ebx = 1;
		entry->ecx |= TOPOLOGY_SMT;
	} else if (entry->index == 1) {
		entry->eax = bits_for(cpus);
		entry->ebx = cpus;
		entry->ecx |= TOPOLOGY_CORE;
	}
}

static bool is_topology(const struct kvm_cpuid_entry2 *entry)
{
	return entry->function == LEAF_TOPOLOGY || entry->function == LEAF_TOPOLOGY_V2;
}

void cpuid_set_id(struct kvm_cpuid2 *cpuid, u32 apic_id)
{
	for (u32 i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

		if (is_topology(entry)) {
			entry->edx = apic_id;
		} else if (entry->function == LEAF_FEATURES) {
			entry->ebx &= (1U << FEATURES_APIC_ID_SHIFT) - 1;
			entry->ebx |= apic_id << FEATURES_APIC_ID_SHIFT;
		}
	}
}

void cpuid_fit(struct kvm_cpuid2 *cpuid, int vm_fd, unsigned int cpus)
{
	bool deadline = ioctl(vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0;

	for (u32 i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

		if (is_topology(entry)) {
			fit_topology(entry, cpus);
		} else if (entry->function == LEAF_FEATURES) {
			entry->ecx |= FEATURES_HYPERVISOR;
			if (deadline)
				entry->ecx |= FEATURES_TSC_DEADLINE;
		}
	}
	cpuid_set_id(cpuid, 0);
}
