// SPDX-License-Identifier: GPL-2.0
/* KVM_CHECK_EXTENSION: what clients need is there, what is not there is not half there. */
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>

#include "lib/vm.h"

static const struct {
	unsigned int cap;
	const char *name;
} needed[] = {
	{ KVM_CAP_USER_MEMORY, "USER_MEMORY" },
	{ KVM_CAP_DESTROY_MEMORY_REGION_WORKS, "DESTROY_MEMORY_REGION_WORKS" },
	{ KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, "JOIN_MEMORY_REGIONS_WORKS" },
	{ KVM_CAP_SYNC_MMU, "SYNC_MMU" },
	{ KVM_CAP_NR_VCPUS, "NR_VCPUS" },
	{ KVM_CAP_MAX_VCPUS, "MAX_VCPUS" },
	{ KVM_CAP_NR_MEMSLOTS, "NR_MEMSLOTS" },
	{ KVM_CAP_READONLY_MEM, "READONLY_MEM" },
	{ KVM_CAP_SET_TSS_ADDR, "SET_TSS_ADDR" },
	{ KVM_CAP_SET_IDENTITY_MAP_ADDR, "SET_IDENTITY_MAP_ADDR" },
	{ KVM_CAP_EXT_CPUID, "EXT_CPUID" },
	{ KVM_CAP_MP_STATE, "MP_STATE" },
	{ KVM_CAP_USER_NMI, "USER_NMI" },
	{ KVM_CAP_VCPU_EVENTS, "VCPU_EVENTS" },
	{ KVM_CAP_DEBUGREGS, "DEBUGREGS" },
	{ KVM_CAP_XSAVE, "XSAVE" },
	{ KVM_CAP_XCRS, "XCRS" },
	{ KVM_CAP_IMMEDIATE_EXIT, "IMMEDIATE_EXIT" },
	{ KVM_CAP_CHECK_EXTENSION_VM, "CHECK_EXTENSION_VM" },
	{ KVM_CAP_ENABLE_CAP_VM, "ENABLE_CAP_VM" },
};

/* An ioctl that a capability announces is unknown without it, as on an older KVM. */
static const struct {
	unsigned int cap;
	unsigned long request;
	bool on_vcpu;
	const char *name;
} optional[] = {
	{ KVM_CAP_IRQCHIP, KVM_CREATE_IRQCHIP, false, "CREATE_IRQCHIP" },
	{ KVM_CAP_PIT2, KVM_CREATE_PIT2, false, "CREATE_PIT2" },
	{ KVM_CAP_IRQ_ROUTING, KVM_SET_GSI_ROUTING, false, "SET_GSI_ROUTING" },
	{ KVM_CAP_IRQFD, KVM_IRQFD, false, "IRQFD" },
	{ KVM_CAP_IOEVENTFD, KVM_IOEVENTFD, false, "IOEVENTFD" },
	{ KVM_CAP_ADJUST_CLOCK, KVM_GET_CLOCK, false, "GET_CLOCK" },
	{ KVM_CAP_COALESCED_MMIO, KVM_REGISTER_COALESCED_MMIO, false, "COALESCED_MMIO" },
	{ KVM_CAP_SET_GUEST_DEBUG, KVM_SET_GUEST_DEBUG, true, "SET_GUEST_DEBUG" },
	{ KVM_CAP_MCE, KVM_X86_SETUP_MCE, true, "X86_SETUP_MCE" },
	{ KVM_CAP_XSAVE2, KVM_GET_XSAVE2, true, "GET_XSAVE2" },
	{ KVM_CAP_SREGS2, KVM_GET_SREGS2, true, "GET_SREGS2" },
};

/* What KVM 6.1 offers and Umbra too. */
static const unsigned int offered[] = {
	KVM_CAP_IRQCHIP, KVM_CAP_HLT, KVM_CAP_MMU_SHADOW_CACHE_CONTROL, KVM_CAP_USER_MEMORY,
	KVM_CAP_SET_TSS_ADDR, KVM_CAP_EXT_CPUID, KVM_CAP_NR_VCPUS, KVM_CAP_NR_MEMSLOTS,
	KVM_CAP_PIT, KVM_CAP_NOP_IO_DELAY, KVM_CAP_MP_STATE, KVM_CAP_COALESCED_MMIO,
	KVM_CAP_SYNC_MMU, KVM_CAP_DESTROY_MEMORY_REGION_WORKS, KVM_CAP_USER_NMI,
	KVM_CAP_SET_GUEST_DEBUG, KVM_CAP_REINJECT_CONTROL, KVM_CAP_IRQ_ROUTING,
	KVM_CAP_IRQ_INJECT_STATUS, KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, KVM_CAP_MCE, KVM_CAP_IRQFD,
	KVM_CAP_PIT2, KVM_CAP_SET_BOOT_CPU_ID, KVM_CAP_PIT_STATE2, KVM_CAP_IOEVENTFD,
	KVM_CAP_SET_IDENTITY_MAP_ADDR, KVM_CAP_INTERNAL_ERROR_DATA, KVM_CAP_VCPU_EVENTS,
	KVM_CAP_DEBUGREGS, KVM_CAP_X86_ROBUST_SINGLESTEP, KVM_CAP_ENABLE_CAP, KVM_CAP_XSAVE,
	KVM_CAP_GET_TSC_KHZ, KVM_CAP_MAX_VCPUS, KVM_CAP_TSC_DEADLINE_TIMER, KVM_CAP_SYNC_REGS,
	KVM_CAP_SIGNAL_MSI, KVM_CAP_READONLY_MEM, KVM_CAP_IRQFD_RESAMPLE, KVM_CAP_EXT_EMUL_CPUID,
	KVM_CAP_IOAPIC_POLARITY_IGNORED, KVM_CAP_ENABLE_CAP_VM, KVM_CAP_IOEVENTFD_NO_LENGTH,
	KVM_CAP_CHECK_EXTENSION_VM, KVM_CAP_DISABLE_QUIRKS, KVM_CAP_X86_SMM,
	KVM_CAP_MULTI_ADDRESS_SPACE, KVM_CAP_SPLIT_IRQCHIP, KVM_CAP_IOEVENTFD_ANY_LENGTH,
	KVM_CAP_VCPU_ATTRIBUTES, KVM_CAP_MAX_VCPU_ID, KVM_CAP_X2APIC_API, KVM_CAP_IMMEDIATE_EXIT,
	KVM_CAP_X86_DISABLE_EXITS, KVM_CAP_GET_MSR_FEATURES, KVM_CAP_MSR_PLATFORM_INFO,
	KVM_CAP_COALESCED_PIO, KVM_CAP_EXCEPTION_PAYLOAD, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
	KVM_CAP_HALT_POLL, KVM_CAP_LAST_CPU, KVM_CAP_X86_USER_SPACE_MSR, KVM_CAP_X86_MSR_FILTER,
	KVM_CAP_ENFORCE_PV_FEATURE_CPUID, KVM_CAP_DIRTY_LOG_RING, KVM_CAP_SET_GUEST_DEBUG2,
	KVM_CAP_SREGS2, KVM_CAP_BINARY_STATS_FD, KVM_CAP_EXIT_ON_EMULATION_FAILURE,
	KVM_CAP_XSAVE2, KVM_CAP_DISABLE_QUIRKS2, KVM_CAP_X86_TRIPLE_FAULT_EVENT,
	KVM_CAP_DIRTY_LOG_RING_ACQ_REL, KVM_CAP_EXIT_HYPERCALL, KVM_CAP_SYS_ATTRIBUTES,
};

/* What Umbra lacks, where KVM may have it: Documentation/api.rst says why. */
static const unsigned int absent[] = {
	KVM_CAP_VAPIC, KVM_CAP_HYPERV, KVM_CAP_HYPERV_VAPIC, KVM_CAP_HYPERV_SPIN,
	KVM_CAP_PCI_SEGMENT, KVM_CAP_ASYNC_PF, KVM_CAP_HYPERV_TIME, KVM_CAP_HYPERV_SYNIC,
	KVM_CAP_HYPERV_SYNIC2, KVM_CAP_HYPERV_VP_INDEX, KVM_CAP_HYPERV_EVENTFD,
	KVM_CAP_HYPERV_TLBFLUSH, KVM_CAP_HYPERV_SEND_IPI, KVM_CAP_HYPERV_ENLIGHTENED_VMCS,
	KVM_CAP_HYPERV_CPUID, KVM_CAP_PMU_EVENT_FILTER, KVM_CAP_ASYNC_PF_INT,
	KVM_CAP_SYS_HYPERV_CPUID, KVM_CAP_VM_COPY_ENC_CONTEXT_FROM, KVM_CAP_HYPERV_ENFORCE_CPUID,
	KVM_CAP_VM_MOVE_ENC_CONTEXT_FROM, KVM_CAP_SYSTEM_EVENT_DATA,
	KVM_CAP_VM_DISABLE_NX_HUGE_PAGES, KVM_CAP_NESTED_STATE,
	KVM_CAP_SGX_ATTRIBUTE, KVM_CAP_SMALLER_MAXPHYADDR,
};

/* The CPU or the host's configuration decides. */
static const unsigned int varying[] = {
	KVM_CAP_CLOCKSOURCE, KVM_CAP_ADJUST_CLOCK, KVM_CAP_XCRS, KVM_CAP_TSC_CONTROL,
	KVM_CAP_KVMCLOCK_CTRL, KVM_CAP_STEAL_TIME, KVM_CAP_VM_TSC_CONTROL,
};

/* More than KVM 6.1 does; the second is too new for its headers. */
static const unsigned int added[] = { KVM_CAP_INTR_SHADOW, 231 };

#define LAST_CAP	260

static void test_needed(struct vm *vm)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(needed); i++) {
		int dev = xioctl_val(vm->dev, KVM_CHECK_EXTENSION, needed[i].cap);

		if (needed[i].cap == KVM_CAP_XCRS && !cpuid_has(1, 0, CPUID_ECX, 26)) {
			tap_skip("the CPU has no XSAVE", "XCRS");
			continue;
		}
		tap_ok(dev > 0, "%s", needed[i].name);
		tap_eq(xioctl_val(vm->fd, KVM_CHECK_EXTENSION, needed[i].cap), dev,
		       "%s: the VM answers alike", needed[i].name);
	}
}

static void test_optional(struct vm *vm, struct vcpu *vcpu)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(optional); i++) {
		int none = optional[i].on_vcpu ? -EINVAL : -ENOTTY;
		int fd = optional[i].on_vcpu ? vcpu->fd : vm->fd;

		if (!has_cap(vm->fd, optional[i].cap))
			tap_eq(xioctl_val(fd, optional[i].request, 0), none,
			       "%s: not offered, not known", optional[i].name);
	}
}

static void test_numbers(struct vm *vm)
{
	int vcpus = xioctl_val(vm->dev, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
	int ids = xioctl_val(vm->dev, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPU_ID);
	int usual = xioctl_val(vm->dev, KVM_CHECK_EXTENSION, KVM_CAP_NR_VCPUS);

	tap_ok(usual <= vcpus, "NR_VCPUS %d is not above MAX_VCPUS %d", usual, vcpus);
	tap_ok(!ids || ids >= vcpus, "MAX_VCPU_ID %d is 0 or not below MAX_VCPUS", ids);
}

static enum { NEITHER, OFFERED, ABSENT, VARYING, ADDED } kinds[LAST_CAP + 1];

static void mark(unsigned int kind, const unsigned int *caps, size_t n)
{
	while (n--)
		kinds[caps[n]] = kind;
}

static bool as_listed(unsigned int cap, bool here)
{
	switch (kinds[cap]) {
	case NEITHER:
		return !here;
	case OFFERED:
		return here;
	case VARYING:
		return true;
	case ABSENT:
		return !here || !dev_is_umbra();
	case ADDED:
		return here == dev_is_umbra();
	}
	return false;
}

/* The lists are the truth, on either device. */
static void test_lists(struct vm *vm)
{
	unsigned int cap, wrong = 0;
	struct utsname host;

	uname(&host);
	if (!dev_is_umbra() && strncmp(host.release, "6.1.", 4)) {
		tap_skip("another KVM than 6.1", "nothing more is offered, nor less");
		return;
	}
	mark(OFFERED, offered, ARRAY_SIZE(offered));
	mark(ABSENT, absent, ARRAY_SIZE(absent));
	mark(VARYING, varying, ARRAY_SIZE(varying));
	mark(ADDED, added, ARRAY_SIZE(added));
	for (cap = 0; cap <= LAST_CAP; cap++) {
		bool here = has_cap(vm->fd, cap);

		if (as_listed(cap, here))
			continue;
		tap_diag("capability %u is %soffered", cap, here ? "" : "not ");
		wrong++;
	}
	tap_eq(wrong, 0, "nothing more is offered, nor less");
}

static void test_cpuid(struct vm *vm)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[256];
	} cpuid;
	unsigned int i, j, twice = 0;

	cpuid.head.nent = ARRAY_SIZE(cpuid.entry);
	must(xioctl(vm->dev, KVM_GET_SUPPORTED_CPUID, &cpuid));
	for (i = 0; i < cpuid.head.nent; i++)
		for (j = 0; j < i; j++)
			twice += cpuid.entry[i].function == cpuid.entry[j].function &&
				 cpuid.entry[i].index == cpuid.entry[j].index;
	tap_eq(twice, 0, "no CPUID leaf is offered twice");
}

static void test_backends(struct vm *vm)
{
	int mask = xioctl_val(vm->dev, KVM_CHECK_EXTENSION, CAP_UMBRA_MMU);

	if (!dev_is_umbra()) {
		tap_skip("the backend choice is Umbra's", "backends");
		return;
	}
	tap_ok(mask & 1 << MMU_SHADOW, "shadow paging is always there");
	tap_eq(mask & ~(1 << MMU_EPT | 1 << MMU_SHADOW), 0, "no unknown backend");
	tap_eq(xioctl_val(vm->fd, KVM_CHECK_EXTENSION, CAP_UMBRA_MMU), mask,
	       "the VM answers alike");
}

int main(void)
{
	struct vcpu *vcpu;
	struct vm *vm;

	tap_start("caps", 60);
	vm = vm_create();
	vcpu = vcpu_create(vm, 0);
	test_needed(vm);
	test_optional(vm, vcpu);
	test_numbers(vm);
	test_lists(vm);
	test_cpuid(vm);
	test_backends(vm);
	guest_destroy(vcpu);
	return tap_done();
}
