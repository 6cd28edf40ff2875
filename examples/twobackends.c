// SPDX-License-Identifier: GPL-2.0
/*
 * Two VMs in one process: one on EPT, one on shadow page tables, running the same guest.
 *
 *	cc -I../uapi -o twobackends twobackends.c && ./twobackends [/dev/umbra]
 *
 * Only KVM_ENABLE_CAP differs between them. The guest turns paging on by itself, maps one page
 * twice, and reads through one address what it wrote through the other.
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <umbra.h>

#define RAM_SIZE	0x10000

/*
 * 32-bit protected mode at gpa 0. The table at 0x2000 maps the first 64K one to one, and then
 * 0x8000 also at 0x10000; the directory at 0x1000 points at it.
 */
asm(".pushsection .rodata\n"
    "guest:	.code32\n"
    "	movl	$0x2003, 0x1000\n"	/* directory entry: present, writable */
    "	mov	$16, %ecx\n"
    "1:	lea	-1(%ecx), %eax\n"	/* entry i maps page i */
    "	shl	$12, %eax\n"
    "	or	$3, %eax\n"
    "	mov	%eax, 0x2000 - 4(, %ecx, 4)\n"
    "	loop	1b\n"
    "	movl	$0x8003, 0x2040\n"	/* entry 16 maps page 8 again */
    "	mov	$0x1000, %eax\n"
    "	mov	%eax, %cr3\n"
    "	mov	%cr0, %eax\n"
    "	or	$0x80000000, %eax\n"
    "	mov	%eax, %cr0\n"		/* from here on every access is translated */
    "	movl	$4711, 0x8000\n"
    "	mov	0x10000, %ebx\n"
    "	hlt\n"
    "guest_end:	.code64\n"
    ".popsection");
extern const char guest[], guest_end[];

struct machine {
	int vm, vcpu;
	struct kvm_run *run;
};

static int check(int ret, const char *what)
{
	if (ret < 0)
		err(1, "%s", what);
	return ret;
}

static void enter_protected_mode(int vcpu)
{
	struct kvm_segment code = { .limit = 0xffffffff, .selector = 8, .type = 11,
				    .present = 1, .db = 1, .s = 1, .g = 1 };
	struct kvm_segment data = { .limit = 0xffffffff, .selector = 16, .type = 3,
				    .present = 1, .db = 1, .s = 1, .g = 1 };
	struct kvm_regs regs = { .rip = 0, .rflags = 2 };
	struct kvm_sregs sregs;

	check(ioctl(vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.cr0 |= 1;
	check(ioctl(vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
	check(ioctl(vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
}

static struct machine create(int device, int backend)
{
	struct machine m = { .vm = check(ioctl(device, KVM_CREATE_VM, 0), "KVM_CREATE_VM") };
	struct kvm_enable_cap choice = { .cap = UM_CAP_BACKEND, .args = { backend } };
	char *ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct kvm_userspace_memory_region slot = {
		.memory_size = RAM_SIZE, .userspace_addr = (unsigned long)ram };

	/* The choice is made before the first vCPU exists, and holds for the VM's life. */
	check(ioctl(m.vm, KVM_ENABLE_CAP, &choice), "choosing the backend");
	check(ioctl(m.vm, KVM_SET_TSS_ADDR, 0xfffbd000), "KVM_SET_TSS_ADDR");
	check(ioctl(m.vm, KVM_SET_USER_MEMORY_REGION, &slot), "KVM_SET_USER_MEMORY_REGION");
	memcpy(ram, guest, guest_end - guest);
	m.vcpu = check(ioctl(m.vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	m.run = mmap(NULL, check(ioctl(device, KVM_GET_VCPU_MMAP_SIZE, 0), "mmap size"),
		     PROT_READ | PROT_WRITE, MAP_SHARED, m.vcpu, 0);
	enter_protected_mode(m.vcpu);
	return m;
}

static void run(struct machine *m, const char *name)
{
	struct kvm_regs regs;

	check(ioctl(m->vcpu, KVM_RUN, 0), "KVM_RUN");
	if (m->run->exit_reason != KVM_EXIT_HLT)
		errx(1, "%s: unexpected exit %u", name, m->run->exit_reason);
	check(ioctl(m->vcpu, KVM_GET_REGS, &regs), "KVM_GET_REGS");
	printf("%-6s the guest wrote 4711 at 0x8000 and reads %llu at 0x10000\n", name, regs.rbx);
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/dev/umbra";
	int device = check(open(path, O_RDWR), path);
	int mask = check(ioctl(device, KVM_CHECK_EXTENSION, UM_CAP_BACKEND), "UM_CAP_BACKEND");

	if (~mask & (1 << UM_BACKEND_EPT | 1 << UM_BACKEND_SHADOW))
		errx(1, "%s does not offer both backends on this CPU", path);

	struct machine ept = create(device, UM_BACKEND_EPT);
	struct machine shadow = create(device, UM_BACKEND_SHADOW);

	run(&ept, "ept");
	run(&shadow, "shadow");
	return 0;
}
