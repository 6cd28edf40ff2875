// SPDX-License-Identifier: GPL-2.0
/* Arguments for the commands of the device and of VMs. */
#include "fuzz.h"

/* Userspace memory that an argument points to in its turn. */
static uintptr_t inner(struct fuzz_thread *t)
{
	return rarely(t, 8) ? (uintptr_t)fuzz_hva(t) :
	       (uintptr_t)t->arg + (ARG_PAGES - 1) * PAGE_SIZE;
}

static unsigned long number(struct fuzz_thread *t)
{
	return fuzz_number(t);
}

static unsigned long capability(struct fuzz_thread *t)
{
	return rarely(t, 8) ? fuzz_number(t) : below(t, 256);
}

static unsigned long mostly_zero(struct fuzz_thread *t)
{
	return rarely(t, 8) ? fuzz_number(t) : 0;
}

static uint32_t slot_number(struct fuzz_thread *t)
{
	return rarely(t, 16) ? fuzz_number(t) : 1 + below(t, 6);
}

static size_t fill_region(struct fuzz_thread *t, void *arg)
{
	static const uint64_t sizes[] = {
		0, PAGE_SIZE, PAGE_SIZE, 16 * PAGE_SIZE, SLOT_BYTES, SLOT_BYTES, 2UL << 20,
	};
	struct kvm_userspace_memory_region *r = arg;

	r->slot = slot_number(t);
	r->flags = rarely(t, 16) ? fuzz_number(t) : below(t, 4);
	r->guest_phys_addr = FUZZ_SLOT_GPA + below(t, 64) * PAGE_SIZE;
	r->memory_size = one_of(t, sizes);
	r->userspace_addr = (uintptr_t)fuzz_hva(t) & ~(PAGE_SIZE - 1);
	if (rarely(t, 16)) {
		r->slot = 0;
		r->guest_phys_addr = 0;
		r->memory_size = GUEST_MEM_SIZE;
		r->userspace_addr = (uintptr_t)t->vm->mem;
	}
	if (rarely(t, 16))
		fuzz_mutate(t, &r->guest_phys_addr, 16);
	/* This program lies in low memory. */
	if (r->userspace_addr < (uintptr_t)fuzz_arena)
		r->memory_size %= 1 << 20;
	return sizeof(*r);
}

static size_t fill_region2(struct fuzz_thread *t, void *arg)
{
	fill_region(t, arg);
	return _IOC_SIZE(FUZZ_SET_USER_MEMORY_REGION2);
}

static size_t fill_dirty_log(struct fuzz_thread *t, void *arg)
{
	struct kvm_dirty_log *log = arg;

	log->slot = slot_number(t);
	log->dirty_bitmap = (void *)inner(t);
	return sizeof(*log);
}

static size_t fill_clear_log(struct fuzz_thread *t, void *arg)
{
	static const uint32_t pages[] = { 1, 16, 32, 32, 64, GUEST_MEM_SIZE / PAGE_SIZE };
	struct kvm_clear_dirty_log *log = arg;

	log->slot = below(t, 3);
	log->num_pages = mostly(t, one_of(t, pages));
	log->first_page = mostly(t, rarely(t, 8) * 64);
	log->dirty_bitmap = (void *)inner(t);
	return sizeof(*log);
}

static unsigned long vcpu_id(struct fuzz_thread *t)
{
	return rarely(t, 8) ? fuzz_number(t) : below(t, 8);
}

static size_t fill_cap(struct fuzz_thread *t, void *arg)
{
	static const uint32_t caps[] = {
		CAP_UMBRA_MMU, KVM_CAP_DIRTY_LOG_RING, KVM_CAP_DIRTY_LOG_RING_ACQ_REL,
		KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, KVM_CAP_SPLIT_IRQCHIP, KVM_CAP_X2APIC_API,
		KVM_CAP_DISABLE_QUIRKS2, KVM_CAP_DISABLE_QUIRKS, KVM_CAP_MSR_PLATFORM_INFO,
		KVM_CAP_MAX_VCPU_ID, KVM_CAP_EXIT_ON_EMULATION_FAILURE, KVM_CAP_EXCEPTION_PAYLOAD,
		KVM_CAP_X86_TRIPLE_FAULT_EVENT, KVM_CAP_X86_DISABLE_EXITS,
		KVM_CAP_X86_USER_SPACE_MSR, KVM_CAP_X86_USER_SPACE_MSR,
	};
	struct kvm_enable_cap *cap = arg;

	cap->cap = rarely(t, 8) ? capability(t) : one_of(t, caps);
	cap->args[0] = rarely(t, 2) ? below(t, 16) : fuzz_number(t);
	if (rarely(t, 16))
		fuzz_mutate(t, cap, sizeof(*cap));
	return sizeof(*cap);
}

static unsigned long gpa(struct fuzz_thread *t)
{
	return fuzz_gpa(t);
}

static size_t fill_gpa(struct fuzz_thread *t, void *arg)
{
	*(uint64_t *)arg = fuzz_gpa(t) & (rarely(t, 4) ? ~0ULL : ~(PAGE_SIZE - 1));
	return 8;
}

static size_t fill_zone(struct fuzz_thread *t, void *arg)
{
	struct kvm_coalesced_mmio_zone *zone = arg;

	zone->pio = rarely(t, 4);
	zone->addr = zone->pio ? below(t, 0x100) : fuzz_gpa(t);
	zone->size = rarely(t, 4) ? fuzz_number(t) : 1 + below(t, PAGE_SIZE);
	return sizeof(*zone);
}

static size_t fill_filter(struct fuzz_thread *t, void *arg)
{
	struct kvm_msr_filter *filter = arg;
	unsigned int i, n = below(t, 5);

	filter->flags = rarely(t, 16) ? fuzz_number(t) : rarely(t, 4);
	for (i = 0; i < n; i++) {
		filter->ranges[i].flags = rarely(t, 16) ? fuzz_number(t) : 1 + below(t, 3);
		filter->ranges[i].nmsrs = rarely(t, 8) ? fuzz_number(t) : below(t, 1024);
		filter->ranges[i].base = fuzz_msr(t);
		filter->ranges[i].bitmap = (void *)inner(t);
	}
	return sizeof(*filter);
}

static unsigned long mmu_pages(struct fuzz_thread *t)
{
	return rarely(t, 4) ? fuzz_number(t) : 64 + below(t, 64);
}

static unsigned long tsc_khz(struct fuzz_thread *t)
{
	return rarely(t, 2) ? fuzz_number(t) : 100000 + below(t, 3) * 50;
}

/* A list whose length is its first word. */
static size_t fill_list(struct fuzz_thread *t, void *arg)
{
	*(uint32_t *)arg = rarely(t, 4) ? fuzz_number(t) : FUZZ_CPUID;
	return sizeof(struct kvm_cpuid2);
}

static size_t fill_feature_msrs(struct fuzz_thread *t, void *arg)
{
	struct kvm_msrs *msrs = arg;
	unsigned int i, n = below(t, 8);

	msrs->nmsrs = rarely(t, 16) ? fuzz_number(t) : n;
	for (i = 0; i < n; i++)
		msrs->entries[i].index = fuzz_msr(t);
	return sizeof(*msrs) + n * sizeof(msrs->entries[0]);
}

const struct fuzz_filler fuzz_vm_fillers[] = {
	{ ON_DEV, KVM_CHECK_EXTENSION, NULL, capability },
	{ ON_DEV, KVM_CREATE_VM, NULL, mostly_zero },
	{ ON_DEV, KVM_GET_SUPPORTED_CPUID, fill_list, NULL },
	{ ON_DEV, KVM_GET_EMULATED_CPUID, fill_list, NULL },
	{ ON_DEV, KVM_GET_MSR_INDEX_LIST, fill_list, NULL },
	{ ON_DEV, KVM_GET_MSR_FEATURE_INDEX_LIST, fill_list, NULL },
	{ ON_DEV, KVM_GET_MSRS, fill_feature_msrs, NULL },
	{ ON_VM, KVM_SET_USER_MEMORY_REGION, fill_region, NULL },
	{ ON_VM, FUZZ_SET_USER_MEMORY_REGION2, fill_region2, NULL },
	{ ON_VM, KVM_GET_DIRTY_LOG, fill_dirty_log, NULL },
	{ ON_VM, KVM_CLEAR_DIRTY_LOG, fill_clear_log, NULL },
	{ ON_VM, KVM_CHECK_EXTENSION, NULL, capability },
	{ ON_VM, KVM_CREATE_VCPU, NULL, vcpu_id },
	{ ON_VM, KVM_ENABLE_CAP, fill_cap, NULL },
	{ ON_VM, KVM_SET_TSS_ADDR, NULL, gpa },
	{ ON_VM, KVM_REGISTER_COALESCED_MMIO, fill_zone, NULL },
	{ ON_VM, KVM_UNREGISTER_COALESCED_MMIO, fill_zone, NULL },
	{ ON_VM, KVM_SET_TSC_KHZ, NULL, tsc_khz },
	{ ON_VM, KVM_X86_SET_MSR_FILTER, fill_filter, NULL },
	{ ON_VM, KVM_SET_IDENTITY_MAP_ADDR, fill_gpa, NULL },
	{ ON_VM, KVM_SET_NR_MMU_PAGES, NULL, mmu_pages },
	{ ON_VM, KVM_SET_BOOT_CPU_ID, NULL, number },
};

const unsigned int fuzz_nr_vm_fillers = ARRAY_SIZE(fuzz_vm_fillers);
