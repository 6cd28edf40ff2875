// SPDX-License-Identifier: GPL-2.0
/* The Linux x86 boot protocol: place a bzImage, its command line and initrd in guest RAM. */
#include <asm/bootparam.h>
#include <string.h>
#include <sys/ioctl.h>

#include "linux_boot.h"

#define SETUP_HEADER_OFFSET	0x1f1
#define HEADER_MAGIC		0x53726448	/* "HdrS" */
#define BOOT_FLAG		0xaa55
#define PROTOCOL_2_12		0x020c		/* has xloadflags */
#define LOADER_UNDEFINED	0xff
#define ENTRY_64_OFFSET		0x200
#define SECTOR			512
#define PAGE			4096UL

#define E820_RAM		1
#define E820_RESERVED		2

#define BOOT_PARAMS_GPA		0x10000
#define CMDLINE_GPA		0x20000
#define STACK_GPA		0x80000
#define EBDA_GPA		0x9fc00
#define HIGH_RAM_GPA		0x100000

static struct setup_header read_header(const struct file *kernel)
{
	struct setup_header header;

	if (kernel->size < SETUP_HEADER_OFFSET + sizeof(header))
		die("this is no bzImage: the file is too short");
	memcpy(&header, kernel->data + SETUP_HEADER_OFFSET, sizeof(header));
	if (header.boot_flag != BOOT_FLAG || header.header != HEADER_MAGIC)
		die("this is no bzImage: give the kernel as in /boot/vmlinuz-*, not vmlinux");
	if (header.version < PROTOCOL_2_12 || !(header.loadflags & LOADED_HIGH))
		die("this kernel's boot protocol %x.%02x is too old: 2.12 (Linux 3.8) is needed",
		    header.version >> 8, header.version & 0xff);
	return header;
}

static void place_kernel(struct vm *vm, const struct file *kernel, struct setup_header *header)
{
	size_t setup = ((header->setup_sects ?: 4) + 1) * SECTOR;
	u64 gpa = header->pref_address;

	if (kernel->size <= setup)
		die("this bzImage is cut short");
	if (gpa > vm->ram_size || header->init_size > vm->ram_size - gpa ||
	    kernel->size - setup > header->init_size)
		die("this kernel needs %lu MiB of RAM: give more with --mem",
		    (gpa + header->init_size) / MIB + 1);
	memcpy(vm->ram + gpa, kernel->data + setup, kernel->size - setup);
	header->code32_start = gpa;
}

/* As high as the kernel allows, out of the way of what it unpacks to. */
static void place_initrd(struct vm *vm, const struct file *initrd, struct setup_header *header)
{
	u64 top = vm->ram_size;
	u64 kernel_end = header->pref_address + header->init_size;

	if (!initrd->size)
		return;
	if (top > header->initrd_addr_max + 1UL)
		top = header->initrd_addr_max + 1UL;
	if (top < kernel_end || initrd->size + PAGE > top - kernel_end)
		die("the initrd does not fit beside the kernel: give more RAM with --mem");
	header->ramdisk_image = (top - initrd->size) & ~(PAGE - 1);
	header->ramdisk_size = initrd->size;
	memcpy(vm->ram + header->ramdisk_image, initrd->data, initrd->size);
}

static void place_cmdline(struct vm *vm, const char *append, struct setup_header *header)
{
	if (strlen(append) > header->cmdline_size)
		die("the kernel takes %u characters of command line, not %zu",
		    header->cmdline_size, strlen(append));
	strcpy((char *)vm->ram + CMDLINE_GPA, append);
	header->cmd_line_ptr = CMDLINE_GPA;
}

static void write_memory_map(const struct vm *vm, struct boot_params *params)
{
	params->e820_table[0] = (struct boot_e820_entry){ 0, EBDA_GPA, E820_RAM };
	params->e820_table[1] = (struct boot_e820_entry){
		EBDA_GPA, HIGH_RAM_GPA - EBDA_GPA, E820_RESERVED };
	params->e820_table[2] = (struct boot_e820_entry){
		HIGH_RAM_GPA, vm->ram_size - HIGH_RAM_GPA, E820_RAM };
	params->e820_entries = 3;
}

static int enter_kernel(struct vm *vm, const struct setup_header *header, enum entry_mode mode)
{
	u64 offset = mode == ENTRY_64 ? ENTRY_64_OFFSET : 0;
	struct kvm_regs regs;

	if (cpu_set_mode(vm, mode, header->code32_start + offset, STACK_GPA) ||
	    ioctl(vm->vcpu, KVM_GET_REGS, &regs))
		return -1;
	regs.rsi = BOOT_PARAMS_GPA;
	return ioctl(vm->vcpu, KVM_SET_REGS, &regs);
}

void linux_boot(struct vm *vm, const struct linux_image *image, enum entry_mode mode)
{
	struct setup_header header = read_header(&image->kernel);
	struct boot_params *params = (struct boot_params *)(vm->ram + BOOT_PARAMS_GPA);

	if (mode == ENTRY_DEFAULT)
		mode = header.xloadflags & XLF_KERNEL_64 ? ENTRY_64 : ENTRY_32;
	if (mode == ENTRY_64 && !(header.xloadflags & XLF_KERNEL_64))
		die("this kernel has no 64-bit entry: use --entry 32");
	header.type_of_loader = LOADER_UNDEFINED;
	place_kernel(vm, &image->kernel, &header);
	place_initrd(vm, &image->initrd, &header);
	place_cmdline(vm, image->append, &header);
	params->hdr = header;
	write_memory_map(vm, params);
	if (enter_kernel(vm, &header, mode))
		die_errno("cannot set the vCPU's registers for the kernel");
}
