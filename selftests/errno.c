// SPDX-License-Identifier: GPL-2.0
/* Wrong arguments of device and VM ioctls: the errno is KVM's and nothing changes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/vm.h"
#include "guest/basic.h"

#define SLOT_GPA	0x10000000UL
#define SLOT_SIZE	(16 * PAGE_SIZE)
/* Below TASK_SIZE of no x86-64 process. */
#define KERNEL_HVA	((void *)0xffff888000000000UL)

/* No such number, with an argument of each direction. */
#define NO_IOCTL	_IO(KVMIO, 0xfe)
#define NO_IOCTL_IN	_IOW(KVMIO, 0xfe, struct kvm_regs)

/* Memory that no ioctl can read or write. */
static void *bad_ptr;

static void expect(int fd, unsigned long request, void *arg, int want, const char *what)
{
	tap_eq(xioctl(fd, request, arg), want, "%s", what);
}

static void expect_val(int fd, unsigned long request, unsigned long arg, int want,
		       const char *what)
{
	expect(fd, request, (void *)arg, want, what);
}

static void test_device(int dev)
{
	expect_val(dev, KVM_GET_API_VERSION, 1, -EINVAL, "GET_API_VERSION with an argument");
	expect_val(dev, KVM_GET_VCPU_MMAP_SIZE, 1, -EINVAL, "GET_VCPU_MMAP_SIZE with an argument");
	expect_val(dev, KVM_CREATE_VM, 1UL << 31, -EINVAL, "CREATE_VM of an unknown type");
	expect_val(dev, KVM_CHECK_EXTENSION, 0x7fffffff, 0, "CHECK_EXTENSION of an unknown one");
	expect_val(dev, NO_IOCTL, 0, -EINVAL, "unknown device ioctl");
	expect(dev, NO_IOCTL_IN, bad_ptr, -EINVAL, "unknown device ioctl with data");
	expect_val(dev, KVM_RUN, 0, -EINVAL, "a vCPU ioctl on the device");
	expect_val(dev, KVM_CREATE_VCPU, 0, -EINVAL, "a VM ioctl on the device");
}

static void test_lists(int dev)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[256];
	} cpuid = { .head.nent = 0 };
	struct {
		struct kvm_msr_list head;
		__u32 indices[1024];
	} msrs = { .head.nmsrs = 0 };

	expect(dev, KVM_GET_SUPPORTED_CPUID, bad_ptr, -EFAULT, "GET_SUPPORTED_CPUID of nothing");
	expect(dev, KVM_GET_SUPPORTED_CPUID, &cpuid, -E2BIG, "GET_SUPPORTED_CPUID with no room");
	cpuid.head.nent = 1;
	expect(dev, KVM_GET_SUPPORTED_CPUID, &cpuid, -E2BIG, "GET_SUPPORTED_CPUID with room for 1");
	cpuid.head.nent = 256;
	expect(dev, KVM_GET_SUPPORTED_CPUID, &cpuid, 0, "GET_SUPPORTED_CPUID with room");
	tap_ok(cpuid.head.nent > 4 && cpuid.head.nent < 256, "it gives the number of entries");
	expect(dev, KVM_GET_MSR_INDEX_LIST, bad_ptr, -EFAULT, "GET_MSR_INDEX_LIST of nothing");
	expect(dev, KVM_GET_MSR_INDEX_LIST, &msrs, -E2BIG, "GET_MSR_INDEX_LIST with no room");
	tap_ok(msrs.head.nmsrs > 5 && msrs.head.nmsrs <= 1024, "it says how much room it needs");
	expect(dev, KVM_GET_MSR_INDEX_LIST, &msrs, 0, "GET_MSR_INDEX_LIST with just enough");
}

static int slot(struct vm *vm, uint32_t id, uint32_t flags, uint64_t gpa, uint64_t size, void *hva)
{
	return vm_set_slot(vm, id, flags, gpa, size, hva);
}

static void test_slot_arguments(struct vm *vm, void *hva)
{
	int slots = xioctl_val(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS);
	int spaces = xioctl_val(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_MULTI_ADDRESS_SPACE);

	expect(vm->fd, KVM_SET_USER_MEMORY_REGION, bad_ptr, -EFAULT, "a slot from nowhere");
	tap_eq(slot(vm, 1, 0, SLOT_GPA + 1, SLOT_SIZE, hva), -EINVAL, "slot: odd gpa");
	tap_eq(slot(vm, 1, 0, SLOT_GPA, SLOT_SIZE + 1, hva), -EINVAL, "slot: odd size");
	tap_eq(slot(vm, 1, 0, SLOT_GPA, SLOT_SIZE, hva + 8), -EINVAL, "slot: odd hva");
	tap_eq(slot(vm, 1, 1 << 5, SLOT_GPA, SLOT_SIZE, hva), -EINVAL, "slot: unknown flag");
	tap_eq(slot(vm, 1, 0, SLOT_GPA, SLOT_SIZE, KERNEL_HVA), -EINVAL, "slot: kernel hva");
	tap_eq(slot(vm, 1, 0, SLOT_GPA, SLOT_SIZE, (void *)-PAGE_SIZE), -EINVAL,
	       "slot: hva wraps");
	tap_eq(slot(vm, 1, 0, -PAGE_SIZE, SLOT_SIZE, hva), -EINVAL, "slot: gpa wraps");
	tap_eq(slot(vm, 1, 0, SLOT_GPA, 1UL << 50, (void *)PAGE_SIZE), -EINVAL,
	       "slot: more pages than a slot may have");
	tap_eq(slot(vm, 1, 0, SLOT_GPA, 0, hva), -EINVAL, "slot: delete one that is not there");
	tap_ok(slots >= 32, "there are %d slots", slots);
	tap_eq(slot(vm, slots, 0, SLOT_GPA, SLOT_SIZE, hva), -EINVAL, "slot: id past the last");
	tap_eq(slot(vm, 0xffff, 0, SLOT_GPA, SLOT_SIZE, hva), -EINVAL, "slot: id 65535");
	tap_eq(slot(vm, (spaces > 1 ? spaces : 1) << 16, 0, SLOT_GPA, SLOT_SIZE, hva), -EINVAL,
	       "slot: address space past the last");
}

static void test_slot_changes(struct vm *vm, void *hva)
{
	tap_eq(slot(vm, 1, 0, SLOT_GPA, SLOT_SIZE, hva), 0, "slot: create");
	tap_eq(slot(vm, 1, 0, SLOT_GPA, SLOT_SIZE, hva), 0, "slot: the same again");
	tap_eq(slot(vm, 1, 0, SLOT_GPA, SLOT_SIZE / 2, hva), -EINVAL, "slot: resize");
	tap_eq(slot(vm, 1, 0, SLOT_GPA, SLOT_SIZE, hva + PAGE_SIZE), -EINVAL, "slot: another hva");
	tap_eq(slot(vm, 1, KVM_MEM_READONLY, SLOT_GPA, SLOT_SIZE, hva), -EINVAL,
	       "slot: becomes read-only");
	tap_eq(slot(vm, 2, 0, SLOT_GPA, SLOT_SIZE, hva), -EEXIST, "slot: another at the same gpa");
	tap_eq(slot(vm, 2, 0, SLOT_GPA + SLOT_SIZE - PAGE_SIZE, SLOT_SIZE, hva), -EEXIST,
	       "slot: overlap by the last page");
	tap_eq(slot(vm, 2, 0, SLOT_GPA - SLOT_SIZE + PAGE_SIZE, SLOT_SIZE, hva), -EEXIST,
	       "slot: overlap by the first page");
	tap_eq(slot(vm, 2, 0, SLOT_GPA - SLOT_SIZE, 3 * SLOT_SIZE, hva), -EEXIST,
	       "slot: around another");
	tap_eq(slot(vm, 2, 0, SLOT_GPA + SLOT_SIZE, SLOT_SIZE, hva), 0, "slot: directly after");
	tap_eq(slot(vm, 2, 0, SLOT_GPA, SLOT_SIZE, hva), -EEXIST, "slot: move onto another");
	tap_eq(slot(vm, 2, 0, SLOT_GPA + 4 * SLOT_SIZE, SLOT_SIZE, hva), 0, "slot: move");
	tap_eq(slot(vm, 3, 0, SLOT_GPA + SLOT_SIZE, SLOT_SIZE, hva), 0, "slot: where one was");
	tap_eq(slot(vm, 1, 0, 0, 0, NULL), 0, "slot: delete");
	tap_eq(slot(vm, 1, 0, 0, 0, NULL), -EINVAL, "slot: delete twice");
	tap_eq(slot(vm, 1, KVM_MEM_READONLY, SLOT_GPA, SLOT_SIZE, hva), 0,
	       "slot: read-only from the start");
}

static void test_enable_cap(struct vm *vm)
{
	struct kvm_enable_cap cap = { .cap = 0x7fffffff };

	expect(vm->fd, KVM_ENABLE_CAP, bad_ptr, -EFAULT, "ENABLE_CAP of nothing");
	expect(vm->fd, KVM_ENABLE_CAP, &cap, -EINVAL, "ENABLE_CAP of an unknown one");
	cap.cap = KVM_CAP_USER_MEMORY;
	expect(vm->fd, KVM_ENABLE_CAP, &cap, -EINVAL, "ENABLE_CAP of one that needs no enabling");
}

static void test_choose_mmu(struct vm *vm)
{
	struct kvm_enable_cap cap = { .cap = CAP_UMBRA_MMU, .args = { MMU_SHADOW } };
	struct vcpu *vcpu;
	int mask = xioctl_val(vm->dev, KVM_CHECK_EXTENSION, CAP_UMBRA_MMU);

	if (!mask) {
		expect(vm->fd, KVM_ENABLE_CAP, &cap, -EINVAL, "no choice of backend here");
		tap_skip("the backend choice is Umbra's", "backend choice");
		return;
	}
	tap_eq(vm_choose_mmu(vm->fd, 0), -EINVAL, "backend 0");
	tap_eq(vm_choose_mmu(vm->fd, 3), -EINVAL, "both backends at once");
	tap_eq(vm_choose_mmu(vm->fd, 64), -EINVAL, "unknown backend");
	cap.flags = 1;
	expect(vm->fd, KVM_ENABLE_CAP, &cap, -EINVAL, "backend choice with flags");
	if (mask & 1 << MMU_SHADOW)
		tap_eq(vm_choose_mmu(vm->fd, MMU_SHADOW), 0, "shadow");
	if (mask & 1 << MMU_EPT)
		tap_eq(vm_choose_mmu(vm->fd, MMU_EPT), 0, "and EPT after it");
	else
		tap_eq(vm_choose_mmu(vm->fd, MMU_EPT), -EINVAL, "EPT where the CPU lacks it");
	vcpu = vcpu_create(vm, 9);
	tap_eq(vm_choose_mmu(vm->fd, MMU_SHADOW), -EBUSY, "choice with a vCPU there");
	vcpu_destroy(vcpu);
}

static void test_vm(struct vm *vm)
{
	__u64 identity = IDENTITY_MAP_GPA;
	struct vcpu *vcpu;

	expect_val(vm->fd, NO_IOCTL, 0, -ENOTTY, "unknown VM ioctl");
	expect_val(vm->fd, KVM_RUN, 0, -ENOTTY, "a vCPU ioctl on a VM");
	expect_val(vm->fd, KVM_CREATE_VM, 0, -ENOTTY, "a device ioctl on a VM");
	expect_val(vm->fd, KVM_SET_TSS_ADDR, 0xfffff000UL, -EINVAL, "SET_TSS_ADDR past 4 GiB");
	expect(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, bad_ptr, -EFAULT, "SET_IDENTITY_MAP_ADDR: fault");
	vcpu = vcpu_create(vm, 8);
	expect(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity, -EINVAL,
	       "SET_IDENTITY_MAP_ADDR with a vCPU there");
	vcpu_destroy(vcpu);
}

static void test_unharmed(struct vm *vm)
{
	struct vcpu *vcpu = vcpu_create(vm, 0);

	vm_load(vm, "basic", MODE_LONG);
	vcpu_set_mode(vcpu, MODE_LONG);
	guest_test(vcpu, BASIC_NOTHING, "a guest runs in the VM after all this");
	vcpu_destroy(vcpu);
}

int main(void)
{
	struct vm *vm;
	void *hva;

	tap_start("errno", 120);
	bad_ptr = mmap(NULL, PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	hva = host_pages(4 * SLOT_SIZE);
	vm = vm_create();
	test_device(vm->dev);
	test_lists(vm->dev);
	test_slot_arguments(vm, hva);
	test_slot_changes(vm, hva);
	test_enable_cap(vm);
	test_choose_mmu(vm);
	test_vm(vm);
	test_unharmed(vm);
	vm_destroy(vm);
	return tap_done();
}
