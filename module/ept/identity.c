// SPDX-License-Identifier: GPL-2.0
/*
 * Protected mode without paging, on a CPU that must page: hardware uses one table of 4 MiB pages
 * that maps every address to itself. It lies where KVM_SET_IDENTITY_MAP_ADDR says, so the guest's
 * memory must not. No locks: all VMs share it, nobody can write it, it never changes.
 */
#include <linux/mm.h>
#include <linux/vmalloc.h>
#include "ept.h"

#define DEFAULT_GPA	0xfffbc000UL
#define LARGE_SHIFT	22
#define NR_ENTRIES	1024
/* A and D are set, so that the walk has nothing to write. */
#define ENTRY_FLAGS	(GPTE_P | GPTE_W | GPTE_U | GPTE_A | GPTE_D | GPTE_PS)

static u32 identity[NR_ENTRIES] __aligned(PAGE_SIZE);

void ept_identity_init(void)
{
	u32 i;

	for (i = 0; i < NR_ENTRIES; i++)
		identity[i] = i << LARGE_SHIFT | ENTRY_FLAGS;
}

gpa_t ept_identity_gpa(const struct um_vm *vm)
{
	return vm->identity_map ? vm->identity_map : DEFAULT_GPA;
}

u64 ept_identity_pfn(void)
{
	return vmalloc_to_pfn(identity);
}
