// SPDX-License-Identifier: GPL-2.0
/*
 * Two VMs in one process: one on EPT, one on shadow page tables, running the same guest.
 *
 *	cc -I../uapi twobackends.c -o twobackends && ./twobackends [/dev/umbra]
 *
 * Only KVM_ENABLE_CAP differs between them. The guest has 32-bit page tables that map one page
 * twice: it reads through one address what it wrote through the other.
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <umbra.h>

#define RAM_SIZE	0x10000		/* 16 pages, the guest's code in the first */
#define DIRECTORY_GPA	0x1000
#define TABLE_GPA	0x2000
#define PTE_PRESENT	0x1
#define PTE_WRITABLE	0x2
#define CR0_PE		0x1		/* protected mode */
#define CR0_PG		0x80000000	/* paging */

static const uint8_t guest[] = {
	0xc7, 0x05, 0x00, 0x80, 0x00, 0x00,	/* movl	$4711, 0x8000	*/
	0x67, 0x12, 0x00, 0x00,
	0x8b, 0x1d, 0x00, 0x00, 0x01, 0x00,	/* mov	0x10000, %ebx	*/
	0xf4					/* hlt			*/
};

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

/* Page i at address i * 4096, and page 8 again at 0x10000. */
static void write_page_tables(char *ram)
{
	uint32_t *table = (uint32_t *)(ram + TABLE_GPA);

	*(uint32_t *)(ram + DIRECTORY_GPA) = TABLE_GPA | PTE_PRESENT | PTE_WRITABLE;
	for (uint32_t i = 0; i < 16; i++)
		table[i] = i << 12 | PTE_PRESENT | PTE_WRITABLE;
	table[16] = 8 << 12 | PTE_PRESENT | PTE_WRITABLE;
}

static void set_registers(int vcpu)
{
	struct kvm_segment code = { .limit = 0xffffffff, .selector = 8, .type = 11,
				    .present = 1, .db = 1, .s = 1, .g = 1 };
	struct kvm_segment data = { .limit = 0xffffffff, .selector = 16, .type = 3,
				    .present = 1, .db = 1, .s = 1, .g = 1 };
	struct kvm_regs regs = { .rip = 0, .rflags = 2 };
	struct kvm_sregs sregs;

	check(ioctl(vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.cs = code;
	sregs.ss = data;
	sregs.ds = data;
	sregs.cr3 = DIRECTORY_GPA;
	sregs.cr0 |= CR0_PE | CR0_PG;
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
	memcpy(ram, guest, sizeof(guest));
	write_page_tables(ram);
	m.vcpu = check(ioctl(m.vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	m.run = mmap(NULL, check(ioctl(device, KVM_GET_VCPU_MMAP_SIZE, 0), "mmap size"),
		     PROT_READ | PROT_WRITE, MAP_SHARED, m.vcpu, 0);
	set_registers(m.vcpu);
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
