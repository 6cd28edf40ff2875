// SPDX-License-Identifier: GPL-2.0
/* Put a vCPU into a mode: registers, segments, and the boot page tables in guest RAM. */
#include <string.h>
#include <sys/ioctl.h>

#include "cpu.h"

#define PAGE_2M		(2 * MIB)
#define TABLE_ENTRIES	512

/* Segment types, SDM "Code- and Data-Segment Descriptor Types". */
#define SEG_DATA_RW	3
#define SEG_CODE_RX	11

enum entry_mode entry_parse(const char *name)
{
	if (!strcmp(name, "real"))
		return ENTRY_REAL;
	if (!strcmp(name, "32"))
		return ENTRY_32;
	if (!strcmp(name, "64"))
		return ENTRY_64;
	die("unknown entry mode \"%s\": say real, 32 or 64", name);
}

static struct kvm_segment flat_segment(u16 selector, u8 type, bool long_mode)
{
	return (struct kvm_segment) {
		.limit = 0xffffffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.db = !long_mode,
		.s = 1,
		.l = long_mode,
		.g = 1,
	};
}

/* The eight bytes of a descriptor, SDM "Segment Descriptors"; base 0 and 4 GiB only. */
static u64 flat_descriptor(const struct kvm_segment *segment)
{
	u64 access = segment->type | segment->s << 4 | segment->present << 7;
	u64 flags = segment->l << 1 | segment->db << 2 | segment->g << 3;

	return 0xffffULL | access << 40 | 0xfULL << 48 | flags << 52;
}

static void write_gdt(struct vm *vm, bool long_mode)
{
	struct kvm_segment code = flat_segment(BOOT_CS, SEG_CODE_RX, long_mode);
	struct kvm_segment data = flat_segment(BOOT_DS, SEG_DATA_RW, false);
	u64 *gdt = (u64 *)(vm->ram + GDT_GPA);

	gdt[BOOT_CS / 8] = flat_descriptor(&code);
	gdt[BOOT_DS / 8] = flat_descriptor(&data);
}

void boot_tables_write(struct vm *vm)
{
	u64 *pml4 = (u64 *)(vm->ram + PML4_GPA);
	u64 *pdpt = (u64 *)(vm->ram + PDPT_GPA);
	u64 *pd = (u64 *)(vm->ram + PD_GPA);

	pml4[0] = PDPT_GPA | PTE_P | PTE_W;
	for (u64 i = 0; i < 4; i++)
		pdpt[i] = (PD_GPA + i * 0x1000) | PTE_P | PTE_W;
	for (u64 i = 0; i < 4 * TABLE_ENTRIES; i++)
		pd[i] = i * PAGE_2M | PTE_P | PTE_W | PTE_PS;
}

static void enter_real(struct kvm_sregs *sregs)
{
	sregs->cs.selector = 0;
	sregs->cs.base = 0;
}

static void enter_protected(struct vm *vm, struct kvm_sregs *sregs, bool long_mode)
{
	struct kvm_segment data = flat_segment(BOOT_DS, SEG_DATA_RW, false);

	write_gdt(vm, long_mode);
	sregs->gdt.base = GDT_GPA;
	sregs->gdt.limit = BOOT_DS + 7;
	sregs->cs = flat_segment(BOOT_CS, SEG_CODE_RX, long_mode);
	sregs->ds = data;
	sregs->es = data;
	sregs->fs = data;
	sregs->gs = data;
	sregs->ss = data;
	sregs->cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE;
	sregs->cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;
}

static void enter_long(struct vm *vm, struct kvm_sregs *sregs)
{
	boot_tables_write(vm);
	sregs->cr3 = PML4_GPA;
	sregs->cr4 |= CR4_PAE;
	sregs->cr0 |= CR0_PG | CR0_WP;
	sregs->efer = EFER_LME | EFER_LMA;
}

int cpu_set_mode(struct vm *vm, enum entry_mode mode, u64 rip, u64 rsp)
{
	struct kvm_regs regs = { .rip = rip, .rsp = rsp, .rflags = RFLAGS_FIXED };
	struct kvm_sregs sregs;

	if (ioctl(vm->vcpu, KVM_GET_SREGS, &sregs))
		return -1;
	if (mode == ENTRY_REAL)
		enter_real(&sregs);
	else
		enter_protected(vm, &sregs, mode == ENTRY_64);
	if (mode == ENTRY_64)
		enter_long(vm, &sregs);
	if (ioctl(vm->vcpu, KVM_SET_SREGS, &sregs))
		return -1;
	return ioctl(vm->vcpu, KVM_SET_REGS, &regs);
}
