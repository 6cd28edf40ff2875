// SPDX-License-Identifier: GPL-2.0
/*
 * Mistakes that other hypervisors made at the border to userspace, one test for each class, named
 * after it. Documentation/testing.rst says where the other classes are tried.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/vm.h"

#define SLOT_GPA	0x10000000UL
#define SPAN		4		/* pages of the slot in the way */
#define CREATIONS	200
#define BUFFER		8192

static int set_slot(struct vm *vm, uint64_t gpa, uint64_t pages, void *hva)
{
	return vm_set_slot(vm, 2, 0, gpa, pages * PAGE_SIZE, hva);
}

/* Every size at every place around another slot. */
static void test_overlap(struct vm *vm, void *hva)
{
	int64_t at, pages, want;
	bool good = true;

	must(vm_set_slot(vm, 1, 0, SLOT_GPA, SPAN * PAGE_SIZE, hva));
	for (at = -SPAN - 2; at <= SPAN + 2; at++) {
		for (pages = 1; pages <= 2 * SPAN; pages++) {
			want = at < SPAN && at + pages > 0 ? -EEXIST : 0;
			if (set_slot(vm, SLOT_GPA + at * (int64_t)PAGE_SIZE, pages, hva) != want) {
				tap_diag("%ld pages at %ld", (long)pages, (long)at);
				good = false;
			}
			set_slot(vm, 0, 0, NULL);
		}
	}
	must(vm_set_slot(vm, 1, 0, 0, 0, NULL));
	tap_ok(good, "memslot overlap: every size at every place around a slot");
}

static void test_wrap(struct vm *vm, void *hva)
{
	static const uint64_t pages[] = { 1, 2, 16, 1UL << 30, 1UL << 31, 1UL << 40, 1UL << 51 };
	bool good = true;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		uint64_t size = pages[i] * PAGE_SIZE;

		/* Ends at 2^64 exactly, or behind it. */
		good &= set_slot(vm, -size, pages[i], hva) == -EINVAL;
		good &= set_slot(vm, SLOT_GPA, pages[i], (void *)-size) == -EINVAL;
		if (pages[i] == 1)
			continue;
		good &= set_slot(vm, -size + PAGE_SIZE, pages[i], hva) == -EINVAL;
		good &= set_slot(vm, SLOT_GPA, pages[i], (void *)(-size + PAGE_SIZE)) == -EINVAL;
	}
	tap_ok(good, "memslot wrap: guest and host addresses that end past 2^64");
}

static void test_kernel_addresses(struct vm *vm)
{
	static const uint64_t hvas[] = {
		0x7ffffffff000, 0x800000000000, 0xfffffffffffff000, 0xffff800000000000,
		0xffff888000000000, 0xffffffff81000000, 0xffffffffff600000, 0x100000000000000,
	};
	bool good = true;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hvas); i++) {
		if (set_slot(vm, SLOT_GPA, 1, (void *)hvas[i]) == -EINVAL)
			continue;
		tap_diag("hva %#llx is taken", (unsigned long long)hvas[i]);
		good = false;
		set_slot(vm, 0, 0, NULL);
	}
	/* The last page that a process can have, and one page more. */
	good &= !set_slot(vm, SLOT_GPA, 1, (void *)0x7fffffffe000);
	set_slot(vm, 0, 0, NULL);
	good &= set_slot(vm, SLOT_GPA, 2, (void *)0x7fffffffe000) == -EINVAL;
	tap_ok(good, "memslot with kernel addresses: none is taken");
}

/* Without EPT, the kernel's KVM has an address space of 52 bits on every CPU. */
static unsigned int address_bits(void)
{
	char ept = 0;
	int fd;

	if (!dev_is_umbra()) {
		fd = open("/sys/module/kvm_intel/parameters/ept", O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && read(fd, &ept, 1) == 1 && ept == 'N')
			return 52;
	}
	return cpuid_value(0x80000008, 0, CPUID_EAX) & 0xff;
}

static void test_highest(struct vm *vm, void *hva)
{
	uint64_t end = 1ULL << address_bits();

	tap_eq(set_slot(vm, end - 2 * PAGE_SIZE, 2, hva), 0, "memslot wrap: the last pages");
	set_slot(vm, 0, 0, NULL);
	tap_eq(set_slot(vm, end - PAGE_SIZE, 2, hva), -EINVAL, "memslot wrap: one page more");
	tap_eq(set_slot(vm, end, 1, hva), -EINVAL, "memslot wrap: the page behind");
}

static void test_vcpu_ids(void)
{
	static const unsigned long ids[] = {
		0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
	};
	struct vm *vm = vm_create();
	int fd = must(xioctl_val(vm->fd, KVM_CREATE_VCPU, 0)), fd2;
	bool good = true;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ids); i++)
		good &= xioctl_val(vm->fd, KVM_CREATE_VCPU, ids[i]) == -EINVAL;
	tap_ok(good, "vcpu id out of range: huge ones");
	for (i = 0; i < 20; i++)
		good &= xioctl_val(vm->fd, KVM_CREATE_VCPU, 0) == -EEXIST;
	tap_ok(good, "vcpu id, double create: EEXIST each time");
	/* The argument has 64 bits, the id 32: older kernels look at these alone. */
	fd2 = xioctl_val(vm->fd, KVM_CREATE_VCPU, 1UL << 32);
	tap_ok(fd2 == -EEXIST || fd2 == -EINVAL, "vcpu id out of range: 2^32");
	close(fd);
	vm_destroy(vm);
}

static int predicted_fd = -1;

static void *close_predicted(void *arg)
{
	int fd;

	(void)arg;
	while ((fd = READ_ONCE(predicted_fd)) != -2)
		if (fd >= 0)
			close(fd);
	return NULL;
}

/* Another thread closes the number that is about to be given out. */
static void test_early_close(void)
{
	struct vm *vm = vm_create();
	bool good = true;
	pthread_t thread;
	unsigned int i;

	pthread_create(&thread, NULL, close_predicted, NULL);
	for (i = 0; i < CREATIONS; i++) {
		int next = must(dup(vm->dev)), fd;

		close(next);
		WRITE_ONCE(predicted_fd, next);
		fd = i % 2 ? xioctl_val(vm->fd, KVM_CREATE_VCPU, i) :
			     xioctl_val(vm->dev, KVM_CREATE_VM, 0);
		good &= fd == next;
		WRITE_ONCE(predicted_fd, -1);
		close(fd);
	}
	WRITE_ONCE(predicted_fd, -2);
	pthread_join(thread, NULL);
	tap_ok(good, "fd published before its reference: closed before the ioctl returns");
	vm_destroy(vm);
}

static const struct {
	const char *name;
	unsigned long request;
} gets[] = {
	{ "GET_REGS", KVM_GET_REGS },
	{ "GET_SREGS", KVM_GET_SREGS },
	{ "GET_FPU", KVM_GET_FPU },
	{ "GET_XSAVE", KVM_GET_XSAVE },
	{ "GET_XCRS", KVM_GET_XCRS },
	{ "GET_MP_STATE", KVM_GET_MP_STATE },
	{ "GET_VCPU_EVENTS", KVM_GET_VCPU_EVENTS },
	{ "GET_DEBUGREGS", KVM_GET_DEBUGREGS },
};

/* Each byte of a result is written, and with the same value each time. */
static bool fully_written(int fd, unsigned long request, size_t size)
{
	static uint8_t one[BUFFER], two[BUFFER];
	size_t i;

	memset(one, 0x5a, sizeof(one));
	memset(two, 0xa5, sizeof(two));
	if (ioctl(fd, request, one) || ioctl(fd, request, two))
		return false;
	for (i = 0; i < size; i++) {
		if (one[i] == two[i])
			continue;
		tap_diag("byte %zu is not written", i);
		return false;
	}
	for (; i < sizeof(one); i++) {
		if (one[i] == 0x5a && two[i] == 0xa5)
			continue;
		tap_diag("byte %zu is written", i);
		return false;
	}
	return true;
}

static void test_poisoned_gets(struct vcpu *vcpu)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(gets); i++)
		tap_ok(fully_written(vcpu->fd, gets[i].request, _IOC_SIZE(gets[i].request)),
		       "uninitialised bytes to userspace: %s", gets[i].name);
}

/* Of a list, each entry is written as a whole or not at all. */
static bool cpuid_written(int fd, unsigned long request)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[200];
	} one, two;
	unsigned int i, j, written = 0;

	memset(&one, 0x5a, sizeof(one));
	memset(&two, 0xa5, sizeof(two));
	one.head.nent = ARRAY_SIZE(one.entry);
	two.head.nent = ARRAY_SIZE(two.entry);
	must(xioctl(fd, request, &one));
	must(xioctl(fd, request, &two));
	for (i = 0; i < ARRAY_SIZE(one.entry); i++) {
		const uint8_t *a = (uint8_t *)&one.entry[i], *b = (uint8_t *)&two.entry[i];

		if (!memcmp(a, b, sizeof(one.entry[i]))) {
			written++;
			continue;
		}
		for (j = 0; j < sizeof(one.entry[i]); j++)
			if (a[j] != 0x5a || b[j] != 0xa5)
				return false;
	}
	return written && written < ARRAY_SIZE(one.entry);
}

static void test_poisoned_cpuid(struct vcpu *vcpu)
{
	tap_ok(cpuid_written(vcpu->fd, KVM_GET_CPUID2),
	       "uninitialised bytes to userspace: GET_CPUID2");
	tap_ok(cpuid_written(vcpu->vm->dev, KVM_GET_SUPPORTED_CPUID),
	       "uninitialised bytes to userspace: GET_SUPPORTED_CPUID");
}

/* The two pages that a vCPU shares with userspace begin as zeros. */
static void test_fresh_pages(struct vcpu *vcpu)
{
	const uint8_t *page = (const uint8_t *)vcpu->run;
	size_t i;

	for (i = 0; i < 2 * PAGE_SIZE && !page[i]; i++)
		;
	tap_eq(i, 2 * PAGE_SIZE, "uninitialised bytes to userspace: a new vCPU's pages");
}

int main(void)
{
	struct vcpu *vcpu;
	struct vm *vm;
	void *hva;

	tap_start("classes_abi", 120);
	hva = host_pages(16 * PAGE_SIZE);
	vm = vm_create();
	test_overlap(vm, hva);
	test_wrap(vm, hva);
	test_kernel_addresses(vm);
	test_highest(vm, hva);
	vcpu = vcpu_create(vm, 0);
	test_fresh_pages(vcpu);
	test_poisoned_gets(vcpu);
	test_poisoned_cpuid(vcpu);
	vcpu_destroy(vcpu);
	vm_destroy(vm);
	test_vcpu_ids();
	test_early_close();
	return tap_done();
}
