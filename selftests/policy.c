// SPDX-License-Identifier: GPL-2.0
/* What userspace chooses with KVM_ENABLE_CAP, its bounds, and the state that travels by it. */
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/irqs.h"
#include "lib/raw.h"

#define PF_VECTOR	14
#define PAYLOAD		0x123456789000ULL
#define MWAIT		"\x0f\x01\xc9"
#define HLT		"\xf4"

static void test_bounds(void)
{
	struct kvm_enable_cap flags = { .cap = KVM_CAP_DISABLE_QUIRKS2, .flags = 1 };
	struct vm *vm = vm_create();

	tap_eq(enable_cap(vm->fd, KVM_CAP_DISABLE_QUIRKS2, 1ULL << 40), -EINVAL,
	       "an unknown quirk is refused");
	tap_eq(xioctl(vm->fd, KVM_ENABLE_CAP, &flags), -EINVAL, "as are flags");
	tap_eq(enable_cap(vm->fd, KVM_CAP_X86_USER_SPACE_MSR, 1 << 10), -EINVAL,
	       "an unknown reason of an MSR exit is refused");
	tap_eq(enable_cap(vm->fd, KVM_CAP_EXIT_ON_EMULATION_FAILURE, 2), -EINVAL,
	       "EXIT_ON_EMULATION_FAILURE is 0 or 1");
	tap_eq(enable_cap(vm->fd, KVM_CAP_HALT_POLL, 1ULL << 32), -EINVAL,
	       "HALT_POLL has 32 bits");
	tap_eq(enable_cap(vm->fd, KVM_CAP_HALT_POLL, 0), 0, "no polling");
	tap_eq(enable_cap(vm->fd, 0x7fffffff, 0), -EINVAL, "an unknown capability is refused");
	vm_destroy(vm);
}

static void test_vcpu_ids(void)
{
	struct vm *vm = vm_create();
	int limit = xioctl_val(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPU_ID);
	int fd;

	tap_eq(enable_cap(vm->fd, KVM_CAP_MAX_VCPU_ID, limit + 1), -EINVAL,
	       "MAX_VCPU_ID above the limit is refused");
	tap_eq(enable_cap(vm->fd, KVM_CAP_MAX_VCPU_ID, 2), 0, "MAX_VCPU_ID 2");
	tap_eq(enable_cap(vm->fd, KVM_CAP_MAX_VCPU_ID, 2), 0, "the same again");
	tap_eq(enable_cap(vm->fd, KVM_CAP_MAX_VCPU_ID, 3), -EINVAL, "another one is refused");
	tap_eq(xioctl_val(vm->fd, KVM_CREATE_VCPU, 2), -EINVAL, "vCPU 2 is out of range");
	tap_eq(xioctl_val(vm->fd, KVM_SET_BOOT_CPU_ID, 1), 0, "BOOT_CPU_ID before the first vCPU");
	fd = xioctl_val(vm->fd, KVM_CREATE_VCPU, 1);
	tap_ok(fd >= 0, "vCPU 1 is not");
	tap_eq(xioctl_val(vm->fd, KVM_SET_BOOT_CPU_ID, 0), -EBUSY, "BOOT_CPU_ID after it");
	if (fd >= 0)
		close(fd);
	vm_destroy(vm);
}

static void test_payload(void)
{
	struct vcpu *vcpu = raw_create_code(RAW_END);
	struct kvm_vcpu_events set = { .flags = KVM_VCPUEVENT_VALID_PAYLOAD }, got;
	struct kvm_sregs sregs;

	set.exception.pending = 1;
	set.exception.nr = PF_VECTOR;
	set.exception.has_error_code = 1;
	set.exception_has_payload = 1;
	set.exception_payload = PAYLOAD;
	tap_eq(xioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &set), -EINVAL,
	       "a payload is refused without its capability");
	must(enable_cap(vcpu->vm->fd, KVM_CAP_EXCEPTION_PAYLOAD, 1));
	tap_eq(xioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &set), 0, "and taken with it");
	memset(&got, 0xaa, sizeof(got));
	must(xioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &got));
	tap_ok(got.exception.pending && !got.exception.injected &&
	       got.exception.nr == PF_VECTOR && got.exception_has_payload &&
	       got.exception_payload == PAYLOAD && (got.flags & KVM_VCPUEVENT_VALID_PAYLOAD),
	       "it reads back as pending, with its payload");
	must(xioctl(vcpu->fd, KVM_GET_SREGS, &sregs));
	tap_eq(sregs.cr2, 0, "CR2 is not written before the delivery");
	tap_eq(raw_run(vcpu), KVM_EXIT_SHUTDOWN, "the delivery without an IDT is a triple fault");
	must(xioctl(vcpu->fd, KVM_GET_SREGS, &sregs));
	tap_eq(sregs.cr2, PAYLOAD, "CR2 is written by the delivery");
	set.exception.nr = 32;
	tap_eq(xioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &set), -EINVAL, "vector 32 is no exception");
	guest_destroy(vcpu);
}

static void test_triple_fault(void)
{
	struct kvm_vcpu_events set = { .flags = KVM_VCPUEVENT_VALID_TRIPLE_FAULT }, got = {};
	struct vcpu *vcpu = raw_create_code(RAW_END);

	set.triple_fault.pending = 1;
	tap_eq(xioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &set), -EINVAL,
	       "a triple fault is refused without its capability");
	must(enable_cap(vcpu->vm->fd, KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1));
	tap_eq(xioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &set), 0, "and taken with it");
	must(xioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &got));
	tap_ok(got.triple_fault.pending && (got.flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT),
	       "it reads back");
	tap_eq(raw_run(vcpu), KVM_EXIT_SHUTDOWN, "and ends the guest");
	guest_destroy(vcpu);
}

static void test_sync_regs(void)
{
	struct vcpu *vcpu = raw_create_code("\x48\xff\xc3" /* inc %rbx */ RAW_END);
	struct kvm_run *run = vcpu->run;
	struct kvm_regs regs;

	run->kvm_valid_regs = 1ULL << 31;
	tap_eq(raw_run(vcpu), -EINVAL, "an unknown set of registers to read is refused");
	run->kvm_valid_regs = 0;
	run->kvm_dirty_regs = 1ULL << 31;
	tap_eq(raw_run(vcpu), -EINVAL, "and one to write");
	regs = raw_regs(vcpu);
	run->s.regs.regs = regs;
	run->s.regs.regs.rbx = 41;
	must(xioctl(vcpu->fd, KVM_GET_SREGS, &run->s.regs.sregs));
	run->s.regs.sregs.cr4 = ~0ULL;
	run->kvm_dirty_regs = KVM_SYNC_X86_SREGS;
	tap_eq(raw_run(vcpu), -EINVAL, "as is bad content");
	run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
	run->kvm_valid_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS;
	tap_eq(raw_run(vcpu), KVM_EXIT_IO, "KVM_RUN takes and gives registers");
	tap_eq(run->s.regs.regs.rbx, 42, "RBX came and went");
	tap_eq(run->kvm_dirty_regs, 0, "nothing is dirty any more");
	tap_ok(run->s.regs.sregs.cr4 != ~0ULL, "the system registers are the guest's");
	run->kvm_valid_regs = 0;
	guest_destroy(vcpu);
}

static void test_mwait(void)
{
	struct vcpu *vcpu = raw_create_code(MWAIT RAW_END);

	tap_ok(raw_run(vcpu) == KVM_EXIT_IO && raw_ended(vcpu), "MWAIT does nothing");
	must(enable_cap(vcpu->vm->fd, KVM_CAP_DISABLE_QUIRKS2,
			KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS));
	raw_load_code(vcpu, MWAIT RAW_END);
	tap_eq(raw_run(vcpu), KVM_EXIT_SHUTDOWN, "without the quirk it is #UD");
	guest_destroy(vcpu);
}

static void *interrupt_me(void *thread)
{
	usleep(200000);
	pthread_kill(*(pthread_t *)thread, SIGUSR1);
	return NULL;
}

/*
 * The CPU stays in HLT until a signal ends KVM_RUN. An emulated one may leave it at any interrupt
 * of the host's; then the guest comes to its end.
 */
static void test_hlt_inside(void)
{
	struct vm *vm = vm_create();
	pthread_t me = pthread_self(), other;
	struct vcpu *vcpu;
	int r;

	tap_ok(xioctl_val(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_X86_DISABLE_EXITS) &
	       KVM_X86_DISABLE_EXITS_HLT, "HLT need not exit");
	tap_eq(enable_cap(vm->fd, KVM_CAP_X86_DISABLE_EXITS, KVM_X86_DISABLE_EXITS_HLT), 0,
	       "and is told not to");
	vcpu = vcpu_create(vm, 0);
	vcpu_set_mode(vcpu, MODE_LONG);
	raw_load_code(vcpu, HLT RAW_END);
	irq_catch_signals();
	must(pthread_create(&other, NULL, interrupt_me, &me));
	r = raw_run(vcpu);
	tap_ok(r == -EINTR || (r == KVM_EXIT_IO && raw_ended(vcpu)), "it does not exit");
	pthread_join(other, NULL);
	tap_eq(raw_regs(vcpu).rip, RAW_GPA + 1, "the guest is behind its HLT");
	guest_destroy(vcpu);
}

static void test_system_attr(void)
{
	uint64_t xcr0 = 0, cpuid = cpuid_value(0xd, 0, CPUID_EAX);
	struct kvm_device_attr attr = { .attr = KVM_X86_XCOMP_GUEST_SUPP };
	int fd = dev_open();

	attr.addr = (uintptr_t)&xcr0;
	tap_eq(xioctl(fd, KVM_HAS_DEVICE_ATTR, &attr), 0, "the system tells of XSAVE's states");
	tap_eq(xioctl(fd, KVM_GET_DEVICE_ATTR, &attr), 0, "and which");
	tap_eq(xcr0 & 0xffffffff, cpuid, "those of CPUID");
	attr.addr = 8;
	tap_eq(xioctl(fd, KVM_GET_DEVICE_ATTR, &attr), -EFAULT, "not to a bad address");
	attr.attr = 1;
	tap_eq(xioctl(fd, KVM_HAS_DEVICE_ATTR, &attr), -ENXIO, "nothing else");
	tap_eq(xioctl(fd, KVM_GET_DEVICE_ATTR, &attr), -ENXIO, "can be read");
	attr.group = 1;
	tap_eq(xioctl(fd, KVM_HAS_DEVICE_ATTR, &attr), -ENXIO, "nor is there another group");
	close(fd);
}

static void test_sregs2(void)
{
	struct vcpu *vcpu = raw_create_code(RAW_END);
	struct kvm_sregs2 s2, again;
	struct kvm_sregs s;

	memset(&s2, 0xaa, sizeof(s2));
	must(xioctl(vcpu->fd, KVM_GET_SREGS, &s));
	must(xioctl(vcpu->fd, KVM_GET_SREGS2, &s2));
	tap_ok(!memcmp(&s, &s2, offsetof(struct kvm_sregs, interrupt_bitmap)),
	       "SREGS2 begins as SREGS");
	tap_eq(s2.flags, 0, "without PDPTEs in 64-bit mode");
	tap_eq(xioctl(vcpu->fd, KVM_SET_SREGS2, &s2), 0, "it can be set");
	must(xioctl(vcpu->fd, KVM_GET_SREGS2, &again));
	tap_ok(!memcmp(&s2, &again, offsetof(struct kvm_sregs2, pdptrs)), "and reads back");
	s2.flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
	tap_eq(xioctl(vcpu->fd, KVM_SET_SREGS2, &s2), -EINVAL, "PDPTEs are PAE's alone");
	s2.flags = 1ULL << 40;
	tap_eq(xioctl(vcpu->fd, KVM_SET_SREGS2, &s2), -EINVAL, "unknown flags are refused");
	vcpu_set_mode(vcpu, MODE_PAE);
	raw_set_regs(vcpu, (struct kvm_regs){ .rip = RAW_GPA, .rflags = 2 });
	tap_eq(raw_run(vcpu), KVM_EXIT_IO, "a PAE guest runs");
	must(xioctl(vcpu->fd, KVM_GET_SREGS2, &s2));
	tap_ok((s2.flags & KVM_SREGS2_FLAGS_PDPTRS_VALID) && (s2.pdptrs[0] & 1),
	       "its PDPTEs are told");
	s2.pdptrs[0] |= 1ULL << 62;
	if (dev_is_umbra())
		tap_eq(xioctl(vcpu->fd, KVM_SET_SREGS2, &s2), -EINVAL, "a bad PDPTE is refused");
	else
		tap_skip("KVM leaves that to the VM entry", "a bad PDPTE");
	guest_destroy(vcpu);
}

static void test_xsave2(void)
{
	struct vcpu *vcpu = raw_create_code(RAW_END);
	int size = xioctl_val(vcpu->vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_XSAVE2);
	static uint8_t one[4096], two[16384];

	if (!cpuid_has(1, 0, CPUID_ECX, 26)) {
		tap_skip("the CPU has no XSAVE", "XSAVE2");
	} else if (tap_ok(size >= 4096 && size <= (int)sizeof(two), "XSAVE2 tells its size")) {
		memset(two, 0xaa, sizeof(two));
		must(xioctl(vcpu->fd, KVM_GET_XSAVE, one));
		must(xioctl(vcpu->fd, KVM_GET_XSAVE2, two));
		tap_ok(!memcmp(one, two, sizeof(one)), "and begins as XSAVE");
		tap_ok(size == sizeof(two) || two[size] == 0xaa, "and writes no more");
	}
	guest_destroy(vcpu);
}

static void test_enforce(void)
{
	struct vcpu *vcpu = raw_create_code(RAW_END);

	tap_eq(enable_cap(vcpu->fd, KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1), 0,
	       "a vCPU has KVM_ENABLE_CAP");
	tap_eq(enable_cap(vcpu->fd, KVM_CAP_X86_USER_SPACE_MSR, 1), -EINVAL,
	       "not for what belongs to the VM");
	guest_destroy(vcpu);
}

/* The headers of older kernels lack it. */
struct region2 {
	struct kvm_userspace_memory_region region;
	uint64_t guest_memfd_offset;
	uint32_t guest_memfd, pad1;
	uint64_t pad2[14];
};

#define CAP_USER_MEMORY2		231
#define SET_USER_MEMORY_REGION2		_IOW(KVMIO, 0x49, struct region2)
#define MEM_GUEST_MEMFD			4

static void test_region2(void)
{
	struct region2 r = { .region = { .slot = 3, .guest_phys_addr = 1UL << 32 } };
	struct vm *vm = vm_create();

	if (has_cap(vm->fd, CAP_USER_MEMORY2)) {
		r.region.memory_size = PAGE_SIZE;
		r.region.userspace_addr = (uintptr_t)host_pages(PAGE_SIZE);
		tap_eq(xioctl(vm->fd, SET_USER_MEMORY_REGION2, &r), 0, "a slot by REGION2");
		tap_eq(vm_set_slot(vm, 4, 0, 1UL << 32, PAGE_SIZE,
				   (void *)(uintptr_t)r.region.userspace_addr), -EEXIST,
		       "it is a slot as any other");
		r.region.slot = 5;
		r.region.guest_phys_addr *= 2;
		r.region.flags = MEM_GUEST_MEMFD;
		tap_eq(xioctl(vm->fd, SET_USER_MEMORY_REGION2, &r), -EINVAL,
		       "guest memory without a mapping is refused");
	} else {
		tap_skip("not offered", "USER_MEMORY_REGION2");
	}
	vm_destroy(vm);
}

int main(void)
{
	tap_start("policy", 60);
	test_bounds();
	test_vcpu_ids();
	test_payload();
	test_triple_fault();
	test_sync_regs();
	test_mwait();
	test_system_attr();
	test_hlt_inside();
	test_sregs2();
	test_xsave2();
	test_enforce();
	test_region2();
	return tap_done();
}
