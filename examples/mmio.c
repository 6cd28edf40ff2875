// SPDX-License-Identifier: GPL-2.0
/*
 * A device in memory: where the guest has no RAM, its loads and stores come to this program.
 *
 *	cc mmio.c -o mmio && ./mmio [/dev/umbra]
 *
 * The device has one register. A load reads how often it was read; a store prints the number.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define DEVICE_GPA	0x8000		/* beyond the guest's only page of RAM */

/* Real mode: add up four loads from the device, store the sum into it. */
static const uint8_t guest[] = {
	0x66, 0x31, 0xc0,			/*	xor	%eax, %eax	*/
	0xb9, 0x04, 0x00,			/*	mov	$4, %cx		*/
	0x66, 0x03, 0x06, 0x00, 0x80,		/* 1:	add	0x8000, %eax	*/
	0xe2, 0xf9,				/*	loop	1b		*/
	0x66, 0xa3, 0x00, 0x80,			/*	mov	%eax, 0x8000	*/
	0xf4					/*	hlt			*/
};

static int check(int ret, const char *what)
{
	if (ret < 0)
		err(1, "%s", what);
	return ret;
}

/* The hypervisor found and decoded the instruction; here is only what it wants. */
static void device_access(struct kvm_run *run)
{
	static uint32_t reads;

	if (run->mmio.phys_addr != DEVICE_GPA || run->mmio.len != 4)
		errx(1, "nothing lives at %#llx", run->mmio.phys_addr);
	if (run->mmio.is_write) {
		uint32_t value;

		memcpy(&value, run->mmio.data, sizeof(value));
		printf("the guest stored %u\n", value);
	} else {
		reads++;
		memcpy(run->mmio.data, &reads, sizeof(reads));
		printf("the guest loads %u\n", reads);
	}
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/dev/umbra";
	int device = check(open(path, O_RDWR), path);
	int vm = check(ioctl(device, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	char *ram = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct kvm_userspace_memory_region slot = {
		.memory_size = 4096, .userspace_addr = (unsigned long)ram };

	check(ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000), "KVM_SET_TSS_ADDR");
	check(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot), "KVM_SET_USER_MEMORY_REGION");
	memcpy(ram, guest, sizeof(guest));

	int vcpu = check(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	int size = check(ioctl(device, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
	struct kvm_run *run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	struct kvm_regs regs = { .rip = 0, .rflags = 2 };
	struct kvm_sregs sregs;

	check(ioctl(vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	check(ioctl(vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
	check(ioctl(vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");

	/* A load completes only when KVM_RUN is entered again. */
	while (!ioctl(vcpu, KVM_RUN, 0) && run->exit_reason == KVM_EXIT_MMIO)
		device_access(run);
	if (run->exit_reason != KVM_EXIT_HLT)
		errx(1, "unexpected exit %u", run->exit_reason);
	return 0;
}
