// SPDX-License-Identifier: GPL-2.0
/* Arguments for the commands of vCPUs whose state cannot simply be got, changed and set. */
#include "fuzz.h"

#define DEBUG_FLAGS	7		/* single step, both kinds of breakpoints, BLOCKIRQ */
#define MCI_STATUS_VAL	BIT_ULL(63)

static size_t fill_interrupt(struct fuzz_thread *t, void *arg)
{
	struct kvm_interrupt *interrupt = arg;

	interrupt->irq = rarely(t, 8) ? fuzz_number(t) : 0x20 + below(t, 0xe0);
	return sizeof(*interrupt);
}

static size_t fill_translation(struct fuzz_thread *t, void *arg)
{
	struct kvm_translation *translation = arg;

	if (rarely(t, 2))
		translation->linear_address = fuzz_gpa(t);
	else
		translation->linear_address = FUZZ_WINDOW + below(t, FUZZ_PAGES) * PAGE_SIZE;
	return sizeof(*translation);
}

static uint64_t msr_value(struct fuzz_thread *t)
{
	return rarely(t, 2) ? fuzz_gpa(t) | below(t, 4) : fuzz_number(t);
}

static size_t fill_msrs(struct fuzz_thread *t, void *arg)
{
	struct kvm_msrs *msrs = arg;
	unsigned int i, n = below(t, 8);

	msrs->nmsrs = rarely(t, 16) ? fuzz_number(t) : n;
	for (i = 0; i < n; i++) {
		msrs->entries[i].index = fuzz_msr(t);
		msrs->entries[i].data = msr_value(t);
	}
	return sizeof(*msrs) + n * sizeof(msrs->entries[0]);
}

static size_t fill_debug(struct fuzz_thread *t, void *arg)
{
	struct kvm_guest_debug *debug = arg;

	if (rarely(t, 2))
		return sizeof(*debug);
	debug->control = 1 | below(t, DEBUG_FLAGS + 1) << 16 | below(t, 2) << 1;
	if (rarely(t, 4))
		debug->control |= KVM_GUESTDBG_BLOCKIRQ;
	debug->arch.debugreg[0] = ENTRY_GPA + below(t, PAGE_SIZE);
	debug->arch.debugreg[7] = below(t, 0x1000);
	if (rarely(t, 8))
		fuzz_mutate(t, debug, sizeof(*debug));
	return sizeof(*debug);
}

static size_t cpuid_size(unsigned int entries)
{
	return sizeof(struct kvm_cpuid2) + entries * sizeof(struct kvm_cpuid_entry2);
}

static size_t fill_cpuid2(struct fuzz_thread *t, void *arg)
{
	struct kvm_cpuid2 *cpuid = arg;
	size_t size = cpuid_size(fuzz_cpuid->nent);

	memcpy(cpuid, fuzz_cpuid, size);
	if (!rarely(t, 4))
		fuzz_mutate(t, cpuid->entries, size - sizeof(*cpuid));
	if (rarely(t, 8))
		cpuid->nent = fuzz_number(t);
	return size;
}

static size_t fill_cpuid(struct fuzz_thread *t, void *arg)
{
	struct kvm_cpuid *cpuid = arg;
	unsigned int i;

	for (i = 0; i < fuzz_cpuid->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &fuzz_cpuid->entries[i];

		cpuid->entries[i] = (struct kvm_cpuid_entry){
			.function = e->function, .eax = e->eax, .ebx = e->ebx, .ecx = e->ecx,
			.edx = e->edx,
		};
	}
	cpuid->nent = mostly(t, i);
	if (rarely(t, 2))
		fuzz_mutate(t, cpuid->entries, i * sizeof(cpuid->entries[0]));
	return sizeof(*cpuid) + i * sizeof(cpuid->entries[0]);
}

static size_t fill_room(struct fuzz_thread *t, void *arg)
{
	*(uint32_t *)arg = rarely(t, 4) ? fuzz_number(t) : FUZZ_CPUID;
	return sizeof(struct kvm_cpuid2);
}

/* Signals end KVM_RUN: seldom block them. */
static size_t fill_mask(struct fuzz_thread *t, void *arg)
{
	struct kvm_signal_mask *mask = arg;

	mask->len = rarely(t, 8) ? fuzz_number(t) : 8;
	if (rarely(t, 32))
		fuzz_mutate(t, mask->sigset, 8);
	return sizeof(*mask) + 8;
}

static unsigned long tsc_khz(struct fuzz_thread *t)
{
	return rarely(t, 2) ? fuzz_number(t) : 0;
}

static size_t fill_attr(struct fuzz_thread *t, void *arg)
{
	struct kvm_device_attr *attr = arg;

	attr->group = mostly(t, KVM_VCPU_TSC_CTRL);
	attr->attr = mostly(t, KVM_VCPU_TSC_OFFSET);
	attr->addr = rarely(t, 8) ? (uintptr_t)fuzz_hva(t) : (uintptr_t)t->arg + PAGE_SIZE;
	attr->flags = mostly(t, 0);
	return sizeof(*attr);
}

static size_t fill_cap(struct fuzz_thread *t, void *arg)
{
	struct kvm_enable_cap *cap = arg;

	cap->cap = mostly(t, KVM_CAP_ENFORCE_PV_FEATURE_CPUID);
	cap->args[0] = below(t, 2);
	cap->flags = mostly(t, 0);
	return sizeof(*cap);
}

static size_t fill_mce_cap(struct fuzz_thread *t, void *arg)
{
	*(uint64_t *)arg = rarely(t, 4) ? fuzz_number(t) : 1 + below(t, 32);
	return 8;
}

static size_t fill_mce(struct fuzz_thread *t, void *arg)
{
	struct kvm_x86_mce *mce = arg;

	mce->status = MCI_STATUS_VAL | (rarely(t, 2) ? fuzz_number(t) : 0);
	mce->bank = rarely(t, 8) ? fuzz_number(t) : below(t, 4);
	return sizeof(*mce);
}

const struct fuzz_filler fuzz_vcpu_fillers[] = {
	{ ON_VCPU, KVM_INTERRUPT, fill_interrupt, NULL },
	{ ON_VCPU, KVM_TRANSLATE, fill_translation, NULL },
	{ ON_VCPU, KVM_GET_MSRS, fill_msrs, NULL },
	{ ON_VCPU, KVM_SET_MSRS, fill_msrs, NULL },
	{ ON_VCPU, KVM_SET_GUEST_DEBUG, fill_debug, NULL },
	{ ON_VCPU, KVM_SET_CPUID2, fill_cpuid2, NULL },
	{ ON_VCPU, KVM_GET_CPUID2, fill_room, NULL },
	{ ON_VCPU, KVM_SET_CPUID, fill_cpuid, NULL },
	{ ON_VCPU, KVM_SET_SIGNAL_MASK, fill_mask, NULL },
	{ ON_VCPU, KVM_SET_TSC_KHZ, NULL, tsc_khz },
	/* The system has one attribute, of the same number. */
	{ ON_DEV, KVM_HAS_DEVICE_ATTR, fill_attr, NULL },
	{ ON_DEV, KVM_GET_DEVICE_ATTR, fill_attr, NULL },
	{ ON_VCPU, KVM_HAS_DEVICE_ATTR, fill_attr, NULL },
	{ ON_VCPU, KVM_GET_DEVICE_ATTR, fill_attr, NULL },
	{ ON_VCPU, KVM_SET_DEVICE_ATTR, fill_attr, NULL },
	{ ON_VCPU, KVM_ENABLE_CAP, fill_cap, NULL },
	{ ON_VCPU, KVM_X86_SETUP_MCE, fill_mce_cap, NULL },
	{ ON_VCPU, KVM_X86_SET_MCE, fill_mce, NULL },
};

const unsigned int fuzz_nr_vcpu_fillers = ARRAY_SIZE(fuzz_vcpu_fillers);
