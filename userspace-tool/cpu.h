/* SPDX-License-Identifier: GPL-2.0 */
/* Put a vCPU into a mode: registers, segments, and the boot page tables in guest RAM. */
#ifndef CPU_H
#define CPU_H

#include "vm.h"

#define CR0_PE		BIT(0)
#define CR0_MP		BIT(1)
#define CR0_ET		BIT(4)
#define CR0_NE		BIT(5)
#define CR0_WP		BIT(16)
#define CR0_PG		BIT(31)
#define CR4_PAE		BIT(5)
#define CR4_OSFXSR	BIT(9)
#define CR4_OSXMMEXCPT	BIT(10)
#define EFER_LME	BIT(8)
#define EFER_LMA	BIT(10)
#define RFLAGS_FIXED	BIT(1)

#define PTE_P		BIT(0)
#define PTE_W		BIT(1)
#define PTE_A		BIT(5)
#define PTE_D		BIT(6)
#define PTE_PS		BIT(7)

/* Low guest RAM that the tool itself fills; free again once the guest has its own tables. */
#define GDT_GPA		0x1000
#define PML4_GPA	0x2000
#define PDPT_GPA	0x3000
#define PD_GPA		0x4000	/* four pages: 4 GiB in 2M pages */
#define BOOT_TABLES_END	0x8000

/* Selectors that the Linux boot protocol asks for. */
#define BOOT_CS		0x10
#define BOOT_DS		0x18

enum entry_mode { ENTRY_DEFAULT, ENTRY_REAL, ENTRY_32, ENTRY_64 };

enum entry_mode entry_parse(const char *name);

/* Writes the GDT and an identity map of 4 GiB in 2M pages. */
void boot_tables_write(struct vm *vm);
/* Interrupts off, rip and rsp as given, all other registers zero; 0 or -1 with errno. */
int cpu_set_mode(struct vm *vm, enum entry_mode mode, u64 rip, u64 rsp);

#endif
