// SPDX-License-Identifier: GPL-2.0
/*
 * Straight into 64-bit mode: the hypervisor sets up what a boot loader would have to.
 *
 *	cc longmode.c -o longmode && ./longmode [/dev/umbra]
 *
 * The guest needs page tables. We write three of them into its memory, the last with one 2M
 * entry, so that gva 0 to 2M is gpa 0 to 2M. The guest computes with a 64-bit register.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define RAM_SIZE	(2 << 20)
#define PML4_GPA	0x1000		/* top-level table, */
#define PDPT_GPA	0x2000		/* the next, */
#define PD_GPA		0x3000		/* and the last: its entry maps 2M */
#define CODE_GPA	0x4000

#define PTE_PRESENT	0x1
#define PTE_WRITABLE	0x2
#define PTE_LARGE	0x80
#define CR0_PE		0x1		/* protected mode */
#define CR0_PG		0x80000000	/* paging */
#define CR4_PAE		0x20		/* 64-bit table entries */
#define EFER_LME	0x100		/* long mode enabled, */
#define EFER_LMA	0x400		/* and active */

/* 20! needs 62 bits: leave it in RAX. */
static const uint8_t guest[] = {
	0xb8, 0x01, 0x00, 0x00, 0x00,		/*	mov	$1, %eax	*/
	0xb9, 0x14, 0x00, 0x00, 0x00,		/*	mov	$20, %ecx	*/
	0x48, 0xf7, 0xe1,			/* 1:	mul	%rcx		*/
	0xe2, 0xfb,				/*	loop	1b		*/
	0xf4					/*	hlt			*/
};

static int check(int ret, const char *what)
{
	if (ret < 0)
		err(1, "%s", what);
	return ret;
}

static void write_page_tables(char *ram)
{
	*(uint64_t *)(ram + PML4_GPA) = PDPT_GPA | PTE_PRESENT | PTE_WRITABLE;
	*(uint64_t *)(ram + PDPT_GPA) = PD_GPA | PTE_PRESENT | PTE_WRITABLE;
	*(uint64_t *)(ram + PD_GPA) = 0 | PTE_PRESENT | PTE_WRITABLE | PTE_LARGE;
}

/* What the CPU keeps of segments is set here directly: no descriptor table is needed. */
static void set_long_mode(struct kvm_sregs *sregs)
{
	struct kvm_segment code = { .limit = 0xffffffff, .selector = 8, .type = 11,
				    .present = 1, .s = 1, .l = 1, .g = 1 };
	struct kvm_segment data = { .limit = 0xffffffff, .selector = 16, .type = 3,
				    .present = 1, .s = 1, .db = 1, .g = 1 };

	sregs->cs = code;
	sregs->ss = data;
	sregs->ds = data;
	sregs->cr3 = PML4_GPA;
	sregs->cr4 |= CR4_PAE;
	sregs->cr0 |= CR0_PE | CR0_PG;
	sregs->efer |= EFER_LME | EFER_LMA;
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/dev/umbra";
	int device = check(open(path, O_RDWR), path);
	int vm = check(ioctl(device, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	char *ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct kvm_userspace_memory_region slot = {
		.memory_size = RAM_SIZE, .userspace_addr = (unsigned long)ram };

	check(ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000), "KVM_SET_TSS_ADDR");
	check(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot), "KVM_SET_USER_MEMORY_REGION");
	memcpy(ram + CODE_GPA, guest, sizeof(guest));
	write_page_tables(ram);

	int vcpu = check(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	int size = check(ioctl(device, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
	struct kvm_run *run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	struct kvm_regs regs = { .rip = CODE_GPA, .rflags = 2 };
	struct kvm_sregs sregs;

	check(ioctl(vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	set_long_mode(&sregs);
	check(ioctl(vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
	check(ioctl(vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");

	check(ioctl(vcpu, KVM_RUN, 0), "KVM_RUN");
	if (run->exit_reason != KVM_EXIT_HLT)
		errx(1, "unexpected exit %u", run->exit_reason);
	check(ioctl(vcpu, KVM_GET_REGS, &regs), "KVM_GET_REGS");
	printf("20! = %llu\n", regs.rax);
	return 0;
}
