// SPDX-License-Identifier: GPL-2.0
/*
 * The smallest hypervisor: a guest of seven instructions prints through an I/O port.
 *
 *	cc hello.c -o hello && ./hello [/dev/umbra]
 *
 * It needs <linux/kvm.h> alone and runs unchanged on /dev/kvm.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/* The guest, in 16-bit real mode at guest-physical address 0: print until the zero byte. */
static const unsigned char guest[] = {
	0xbe, 0x0d, 0x00,	/*	mov	$text, %si			*/
	0xac,			/* 1:	lodsb					*/
	0x84, 0xc0,		/*	test	%al, %al			*/
	0x74, 0x04,		/*	jz	2f				*/
	0xe6, 0xe9,		/*	out	%al, $0xe9	KVM_EXIT_IO	*/
	0xeb, 0xf7,		/*	jmp	1b				*/
	0xf4,			/* 2:	hlt			KVM_EXIT_HLT	*/
	'h', 'e', 'l', 'l', 'o', ' ', 'f', 'r', 'o', 'm', ' ',		/* text: */
	't', 'h', 'e', ' ', 'g', 'u', 'e', 's', 't', '\n', 0
};

static int check(int ret, const char *what)
{
	if (ret < 0)
		err(1, "%s", what);
	return ret;
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/dev/umbra";
	int device = check(open(path, O_RDWR), path);
	int vm = check(ioctl(device, KVM_CREATE_VM, 0), "KVM_CREATE_VM");

	/* A CPU that cannot run real mode as it is needs three pages of guest space to fake it. */
	check(ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000), "KVM_SET_TSS_ADDR");

	/* One page of this process becomes the guest's memory; both see the same bytes. */
	char *ram = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct kvm_userspace_memory_region slot = {
		.guest_phys_addr = 0, .memory_size = 4096, .userspace_addr = (unsigned long)ram };

	check(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot), "KVM_SET_USER_MEMORY_REGION");
	memcpy(ram, guest, sizeof(guest));

	/* One virtual CPU; struct kvm_run is where it tells why it stopped. */
	int vcpu = check(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	int size = check(ioctl(device, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
	struct kvm_run *run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	struct kvm_regs regs = { .rip = 0, .rflags = 2 };
	struct kvm_sregs sregs;

	/* After reset a CPU fetches from just under 4 GiB: start at 0 instead. */
	check(ioctl(vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	check(ioctl(vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
	check(ioctl(vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");

	/* Run until the guest needs us, serve it, and run again. */
	while (!ioctl(vcpu, KVM_RUN, 0) && run->exit_reason == KVM_EXIT_IO)
		putchar(((char *)run)[run->io.data_offset]);
	if (run->exit_reason != KVM_EXIT_HLT)
		errx(1, "unexpected exit %u", run->exit_reason);
	return 0;
}
