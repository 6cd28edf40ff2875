// SPDX-License-Identifier: GPL-2.0
/* The calls of faultinject: every ioctl that the module has, and KVM_RUN to different ends. */
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "../lib/inject.h"
#include "calls.h"
#include "../guest/basic.h"

int vcpu_set_supported_cpuid(int vcpu_fd);

#define MSR_PAT		0x277
#define MSR_ARCH_CAPS	0x10a
#define MCI_STATUS_VAL	BIT_ULL(63)

/* An ioctl that opens a file. */
static int opens(struct setup *s, int fd, unsigned long cmd, unsigned long arg)
{
	s->fd = xioctl_val(fd, cmd, arg);
	return s->fd < 0 ? s->fd : 0;
}

static int create_vm(struct setup *s)
{
	return opens(s, s->vcpu->vm->dev, KVM_CREATE_VM, 0);
}

/* A VM without vCPUs, so that there is still a choice. */
static void have_vm(struct setup *s)
{
	must(create_vm(s));
}

static int choose_mmu(struct setup *s)
{
	return vm_choose_mmu(s->fd, mmu_wanted() ? mmu_wanted() : MMU_EPT);
}

static int enable(struct setup *s, uint32_t what, uint64_t arg)
{
	struct kvm_enable_cap cap = { .cap = what, .args = { arg } };

	return xioctl(s->fd, KVM_ENABLE_CAP, &cap);
}

static int enable_ring(struct setup *s)
{
	return enable(s, KVM_CAP_DIRTY_LOG_RING, FI_RING_BYTES);
}

static int enable_manual(struct setup *s)
{
	return enable(s, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE);
}

static int set_identity_map(struct setup *s)
{
	uint64_t gpa = IDENTITY_MAP_GPA;

	return xioctl(s->fd, KVM_SET_IDENTITY_MAP_ADDR, &gpa);
}

static int create_vcpu(struct setup *s)
{
	return opens(s, s->vcpu->vm->fd, KVM_CREATE_VCPU, 1);
}

static int set_slot(struct setup *s, uint32_t flags, uint64_t gpa)
{
	return vm_set_slot(s->vcpu->vm, FI_SLOT, flags, gpa, FI_SIZE, s->mem);
}

static int create_slot(struct setup *s)
{
	return set_slot(s, 0, FI_GPA);
}

static int log_slot(struct setup *s)
{
	return set_slot(s, KVM_MEM_LOG_DIRTY_PAGES, FI_GPA);
}

static int move_slot(struct setup *s)
{
	return set_slot(s, 0, FI_GPA + FI_SIZE);
}

static int move_logged_slot(struct setup *s)
{
	return set_slot(s, KVM_MEM_LOG_DIRTY_PAGES, FI_GPA + FI_SIZE);
}

static int delete_slot(struct setup *s)
{
	return vm_set_slot(s->vcpu->vm, FI_SLOT, 0, 0, 0, NULL);
}

/* The guest begins an operation, or goes on with the one that a failure has ended. */
static int run_op(struct setup *s, uint64_t op)
{
	bool begun = s->vcpu->shared->op == op;

	return inject_outcome(s->vcpu,
			      begun ? guest_run(s->vcpu) : guest_start_op(s->vcpu, op));
}

static int touch_slot(struct setup *s)
{
	s->vcpu->shared->arg[0] = FI_TOUCHED;
	s->vcpu->shared->arg[1] = FI_TOUCHED_END;
	return run_op(s, BASIC_TOUCH);
}

static int first_run(struct setup *s)
{
	s->vcpu->shared->arg[0] = 0;
	s->vcpu->shared->arg[1] = 0;
	return run_op(s, BASIC_SUM);
}

/* One read of unbacked memory, up to the exit and to its end. */
static int read_mmio(struct setup *s)
{
	int outcome;

	s->vcpu->shared->arg[0] = FI_GPA;
	outcome = run_op(s, BASIC_READ);
	if (outcome == GUEST_EXIT && s->vcpu->run->exit_reason == KVM_EXIT_MMIO)
		outcome = run_op(s, BASIC_READ);
	return outcome;
}

static void have_slot(struct setup *s)
{
	must(create_slot(s));
}

static void have_touched_slot(struct setup *s)
{
	must(create_slot(s));
	must(touch_slot(s));
}

static void have_untouched_log(struct setup *s)
{
	must(log_slot(s));
}

static void have_logged_slot(struct setup *s)
{
	must(log_slot(s));
	must(touch_slot(s));
}

static void have_run_and_slot(struct setup *s)
{
	must(first_run(s));
	must(create_slot(s));
}

static void have_run(struct setup *s)
{
	must(first_run(s));
}

static int get_dirty_log(struct setup *s)
{
	struct kvm_dirty_log log = { .slot = FI_SLOT, .dirty_bitmap = s->arg.bytes };

	return xioctl(s->vcpu->vm->fd, KVM_GET_DIRTY_LOG, &log);
}

static int clear_dirty_log(struct setup *s)
{
	struct kvm_clear_dirty_log log = {
		.slot = FI_SLOT, .num_pages = FI_SIZE / PAGE_SIZE, .dirty_bitmap = s->arg.bytes,
	};

	memset(&s->arg, -1, sizeof(s->arg));
	return xioctl(s->vcpu->vm->fd, KVM_CLEAR_DIRTY_LOG, &log);
}

static int reset_rings(struct setup *s)
{
	int ret = xioctl_val(s->vcpu->vm->fd, KVM_RESET_DIRTY_RINGS, 0);

	return ret < 0 ? ret : 0;
}

static int map_pages(int fd, size_t size, unsigned long offset)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
			   offset);

	if (pages == MAP_FAILED)
		return -errno;
	munmap(pages, size);
	return 0;
}

static int map_vcpu(struct setup *s)
{
	return map_pages(s->vcpu->fd, s->vcpu->run_size, 0);
}

static int map_ring(struct setup *s)
{
	return map_pages(s->vcpu->fd, FI_RING_BYTES, KVM_DIRTY_LOG_PAGE_OFFSET * PAGE_SIZE);
}

static int set_cpuid(struct setup *s)
{
	return vcpu_set_supported_cpuid(s->vcpu->fd);
}

static int vm_stats(struct setup *s)
{
	return opens(s, s->vcpu->vm->fd, KVM_GET_STATS_FD, 0);
}

static int vcpu_stats(struct setup *s)
{
	return opens(s, s->vcpu->fd, KVM_GET_STATS_FD, 0);
}

static void cpuid_room(struct setup *s)
{
	s->arg.cpuid.nent = 256;
}

static void msr_room(struct setup *s)
{
	s->arg.msr_list.nmsrs = 1024;
}

static void one_msr(struct setup *s, uint32_t index)
{
	struct kvm_msrs *msrs = &s->arg.msrs;

	msrs->nmsrs = 1;
	msrs->entries[0] = (struct kvm_msr_entry){ .index = index };
}

static void pat(struct setup *s)
{
	one_msr(s, MSR_PAT);
}

static void arch_caps(struct setup *s)
{
	one_msr(s, MSR_ARCH_CAPS);
}

/* KVM_SET_CPUID has entries of its own. */
static void old_cpuid(struct setup *s)
{
	static struct kvm_cpuid_entry old[256];
	struct kvm_cpuid2 *cpuid = &s->arg.cpuid;
	uint32_t i;

	cpuid_room(s);
	must(xioctl(s->vcpu->fd, KVM_GET_CPUID2, cpuid));
	for (i = 0; i < cpuid->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		old[i] = (struct kvm_cpuid_entry){ .function = e->function, .eax = e->eax,
						   .ebx = e->ebx, .ecx = e->ecx, .edx = e->edx };
	}
	memcpy(s->arg.cpuid_old.entries, old, i * sizeof(old[0]));
}

static int set_old_cpuid(struct setup *s)
{
	return xioctl(s->vcpu->fd, KVM_SET_CPUID, &s->arg);
}

static void signal_mask(struct setup *s)
{
	s->arg.signal_mask.len = 8;
}

static void gva(struct setup *s)
{
	s->arg.translation.linear_address = SCRATCH_GPA;
}

static void one_bank(struct setup *s)
{
	s->arg.word = 1;
}

/* Of a corrected error. */
static void machine_check(struct setup *s)
{
	s->arg.machine_check = (struct kvm_x86_mce){ .status = MCI_STATUS_VAL };
}

static void zone(struct setup *s)
{
	s->arg.zone = (struct kvm_coalesced_mmio_zone){ .addr = FI_GPA, .size = PAGE_SIZE };
}

static void have_zone(struct setup *s)
{
	zone(s);
	must(xioctl(s->vcpu->vm->fd, KVM_REGISTER_COALESCED_MMIO, &s->arg));
}

static void clock_data(struct setup *s)
{
	must(xioctl(s->vcpu->vm->fd, KVM_GET_CLOCK, &s->arg));
	s->arg.clock.flags = 0;
}

static int set_vm_tsc_khz(struct setup *s)
{
	int khz = xioctl_val(s->vcpu->fd, KVM_GET_TSC_KHZ, 0);

	return xioctl_val(s->fd, KVM_SET_TSC_KHZ, khz);
}

/* The guest may read one MSR and may not write it. */
static void filter(struct setup *s)
{
	static uint8_t bitmap[1];

	s->arg.msr_filter.ranges[0] = (struct kvm_msr_filter_range){
		.flags = KVM_MSR_FILTER_WRITE, .nmsrs = 1, .base = MSR_PAT, .bitmap = bitmap,
	};
}

static int tsc_offset(struct setup *s, unsigned long cmd)
{
	uint64_t offset = 0;
	struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET, .addr = (uintptr_t)&offset,
	};

	return xioctl(s->vcpu->fd, cmd, &attr);
}

static int system_attr(struct setup *s, unsigned long cmd)
{
	uint64_t states;
	struct kvm_device_attr attr = {
		.attr = KVM_X86_XCOMP_GUEST_SUPP, .addr = (uintptr_t)&states,
	};

	return xioctl(s->vcpu->vm->dev, cmd, &attr);
}

static int has_system_attr(struct setup *s)
{
	return system_attr(s, KVM_HAS_DEVICE_ATTR);
}

static int get_system_attr(struct setup *s)
{
	return system_attr(s, KVM_GET_DEVICE_ATTR);
}

static int has_attr(struct setup *s)
{
	return tsc_offset(s, KVM_HAS_DEVICE_ATTR);
}

static int get_attr(struct setup *s)
{
	return tsc_offset(s, KVM_GET_DEVICE_ATTR);
}

static int set_attr(struct setup *s)
{
	return tsc_offset(s, KVM_SET_DEVICE_ATTR);
}

/* A guest without a clock page has nothing to stop. */
static int stop_clock(struct setup *s)
{
	int ret = xioctl_val(s->vcpu->fd, KVM_KVMCLOCK_CTRL, 0);

	return ret == -EINVAL ? 0 : ret;
}

static int enforce_pv(struct setup *s)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_ENFORCE_PV_FEATURE_CPUID };

	return xioctl(s->vcpu->fd, KVM_ENABLE_CAP, &cap);
}

#define DEV(command)	.owner = ON_DEV, .cmd = command, .name = #command
#define VM(command)	.owner = ON_VM, .cmd = command, .name = #command
#define VCPU(command)	.owner = ON_VCPU, .cmd = command, .name = #command

const struct call fi_calls[] = {
	{ DEV(KVM_CHECK_EXTENSION), .value = KVM_CAP_HLT },
	{ DEV(KVM_CREATE_VM), .op = create_vm },
	{ DEV(KVM_GET_API_VERSION) },
	{ DEV(KVM_GET_VCPU_MMAP_SIZE) },
	{ DEV(KVM_GET_SUPPORTED_CPUID), .fill = cpuid_room },
	/* KVM's answer where it cannot read the padding of an entry. */
	{ DEV(KVM_GET_EMULATED_CPUID), .fill = cpuid_room, .also = -EINVAL },
	{ DEV(KVM_GET_MSR_INDEX_LIST), .fill = msr_room },
	{ DEV(KVM_GET_MSR_FEATURE_INDEX_LIST), .fill = msr_room },
	{ DEV(KVM_GET_MSRS), .fill = arch_caps, .answer = 1 },
	{ DEV(KVM_X86_GET_MCE_CAP_SUPPORTED) },
	{ DEV(KVM_HAS_DEVICE_ATTR), .op = has_system_attr },
	{ DEV(KVM_GET_DEVICE_ATTR), .op = get_system_attr },
	{ VM(KVM_SET_USER_MEMORY_REGION), "create a slot", .op = create_slot },
	{ VM(KVM_SET_USER_MEMORY_REGION), "create a logged slot", .op = log_slot },
	{ VM(KVM_SET_USER_MEMORY_REGION), "create one for rings", .op = log_slot, .ring = true },
	{ VM(KVM_SET_USER_MEMORY_REGION), "move", .before = have_touched_slot, .op = move_slot },
	{ VM(KVM_SET_USER_MEMORY_REGION), "move a logged slot", .before = have_logged_slot,
	  .op = move_logged_slot },
	{ VM(KVM_SET_USER_MEMORY_REGION), "delete", .before = have_touched_slot,
	  .op = delete_slot },
	{ VM(KVM_SET_USER_MEMORY_REGION), "delete a logged slot", .before = have_logged_slot,
	  .op = delete_slot },
	{ VM(KVM_SET_USER_MEMORY_REGION), "log", .before = have_touched_slot, .op = log_slot },
	{ VM(KVM_SET_USER_MEMORY_REGION), "log no more", .before = have_logged_slot,
	  .op = create_slot },
	{ VM(KVM_GET_DIRTY_LOG), .before = have_logged_slot, .op = get_dirty_log },
	{ VM(KVM_CLEAR_DIRTY_LOG), .before = have_logged_slot, .op = clear_dirty_log },
	{ VM(KVM_RESET_DIRTY_RINGS), .before = have_logged_slot, .op = reset_rings, .ring = true },
	{ VM(KVM_CHECK_EXTENSION), .value = KVM_CAP_HLT },
	{ VM(KVM_CREATE_VCPU), .op = create_vcpu },
	{ VM(KVM_CREATE_VCPU), "with a ring", .op = create_vcpu, .ring = true },
	{ VM(KVM_ENABLE_CAP), "the backend", .before = have_vm, .op = choose_mmu },
	{ VM(KVM_ENABLE_CAP), "dirty rings", .before = have_vm, .op = enable_ring },
	{ VM(KVM_ENABLE_CAP), "manual protection", .before = have_vm, .op = enable_manual },
	{ VM(KVM_SET_TSS_ADDR), .value = TSS_GPA },
	{ VM(KVM_SET_IDENTITY_MAP_ADDR), .before = have_vm, .op = set_identity_map },
	{ VM(KVM_SET_NR_MMU_PAGES), .value = 1000 },
	{ VM(KVM_GET_NR_MMU_PAGES) },
	{ VM(KVM_GET_STATS_FD), .op = vm_stats },
	{ VM(KVM_REGISTER_COALESCED_MMIO), .fill = zone, .quiet = true },
	{ VM(KVM_UNREGISTER_COALESCED_MMIO), .before = have_zone },
	{ VM(KVM_GET_CLOCK) },
	{ VM(KVM_SET_CLOCK), .fill = clock_data },
	{ VM(KVM_GET_TSC_KHZ) },
	{ VM(KVM_SET_TSC_KHZ), .before = have_vm, .op = set_vm_tsc_khz },
	{ VM(KVM_X86_SET_MSR_FILTER), .fill = filter, .quiet = true },
	{ VCPU(KVM_GET_REGS) },
	{ VCPU(KVM_SET_REGS), .get = KVM_GET_REGS },
	{ VCPU(KVM_GET_SREGS) },
	{ VCPU(KVM_SET_SREGS), .get = KVM_GET_SREGS },
	{ VCPU(KVM_GET_SREGS2) },
	{ VCPU(KVM_SET_SREGS2), .get = KVM_GET_SREGS2 },
	{ VCPU(KVM_INTERRUPT), .quiet = true },
	{ VCPU(KVM_NMI), .quiet = true },
	{ VCPU(KVM_SMI), .quiet = true },
	{ VCPU(KVM_TRANSLATE), .fill = gva },
	{ VCPU(KVM_GET_MSRS), .fill = pat, .answer = 1 },
	{ VCPU(KVM_SET_MSRS), .fill = pat, .get = KVM_GET_MSRS, .answer = 1 },
	{ VCPU(KVM_GET_VCPU_EVENTS) },
	{ VCPU(KVM_SET_VCPU_EVENTS), .get = KVM_GET_VCPU_EVENTS },
	{ VCPU(KVM_GET_MP_STATE) },
	{ VCPU(KVM_SET_MP_STATE), .get = KVM_GET_MP_STATE },
	{ VCPU(KVM_GET_FPU) },
	{ VCPU(KVM_SET_FPU), .get = KVM_GET_FPU },
	{ VCPU(KVM_GET_XSAVE) },
	{ VCPU(KVM_SET_XSAVE), .get = KVM_GET_XSAVE },
	{ VCPU(KVM_GET_XSAVE2) },
	{ VCPU(KVM_GET_XCRS) },
	{ VCPU(KVM_SET_XCRS), .get = KVM_GET_XCRS },
	{ VCPU(KVM_GET_DEBUGREGS) },
	{ VCPU(KVM_SET_DEBUGREGS), .get = KVM_GET_DEBUGREGS },
	{ VCPU(KVM_SET_GUEST_DEBUG) },
	{ VCPU(KVM_HAS_DEVICE_ATTR), .op = has_attr },
	{ VCPU(KVM_GET_DEVICE_ATTR), .op = get_attr },
	{ VCPU(KVM_SET_DEVICE_ATTR), .op = set_attr },
	{ VCPU(KVM_KVMCLOCK_CTRL), .op = stop_clock },
	{ VCPU(KVM_ENABLE_CAP), .op = enforce_pv },
	{ VCPU(KVM_SET_CPUID2), .op = set_cpuid },
	{ VCPU(KVM_GET_CPUID2), .fill = cpuid_room },
	{ VCPU(KVM_SET_CPUID), .before = old_cpuid, .op = set_old_cpuid },
	{ VCPU(KVM_SET_SIGNAL_MASK), .fill = signal_mask },
	{ VCPU(KVM_GET_TSC_KHZ) },
	{ VCPU(KVM_SET_TSC_KHZ) },
	{ VCPU(KVM_X86_SETUP_MCE), .fill = one_bank },
	{ VCPU(KVM_X86_SET_MCE), .fill = machine_check },
	{ VCPU(KVM_GET_STATS_FD), .op = vcpu_stats },
	{ VCPU(KVM_RUN), "for the first time", .op = first_run },
	{ VCPU(KVM_RUN), "to fresh pages", .before = have_slot, .op = touch_slot },
	{ VCPU(KVM_RUN), "to fresh pages later", .before = have_run_and_slot, .op = touch_slot },
	{ VCPU(KVM_RUN), "with a ring", .before = have_untouched_log, .op = touch_slot,
	  .ring = true },
	{ VCPU(KVM_RUN), "to unbacked memory", .before = have_run, .op = read_mmio },
	{ VCPU(0), "map it", .op = map_vcpu },
	{ VCPU(0), "map a ring", .op = map_ring, .ring = true },
};

const unsigned int fi_nr_calls = ARRAY_SIZE(fi_calls);
