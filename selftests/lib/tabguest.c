// SPDX-License-Identifier: GPL-2.0
/* Two address spaces that differ in one lowest-level table, for guests that edit them. */
#include <string.h>

#include "tabguest.h"

const char * const tab_tables_ops[] = {
	[TABLES_REMAP] = "PTE changes followed by INVLPG",
	[TABLES_WRITES] = "writes through changing PTEs reach the right frames",
	[TABLES_RECURSIVE] = "a table that maps itself",
	[TABLES_LARGE] = "a large page becomes a table and back",
	[TABLES_REUSE] = "a table becomes data and a table again",
	[TABLES_WIDTHS] = "PTEs written in parts and with odd instructions",
	[TABLES_COPY] = "whole tables copied and cleared by string instructions",
	[TABLES_BITS] = "A and D bits come back after the guest clears them",
	[TABLES_WP] = "write protection holds after a write with CR0.WP clear",
	[TABLES_MMIO] = "a PTE alternates between RAM and MMIO",
};

const char * const tab_spaces_ops[] = {
	[SPACES_CR3] = "two address spaces in turn",
	[SPACES_CR3_CHANGED] = "the other address space changed meanwhile",
	[SPACES_PDE] = "a level-2 entry moves to another table",
	[SPACES_SHARED] = "one table under two level-2 entries",
	[SPACES_ROLES] = "one table under entries with different rights",
	[SPACES_GLOBAL] = "global pages, flushed by CR4.PGE",
	[SPACES_MANY] = "many tables, more than a small cache holds",
	[SPACES_PDPTE] = "root entries are loaded by MOV to CR3 alone",
	[SPACES_PCID] = "process-context identifiers",
	[SPACES_WINDOW] = "a table is written through a page mapped for that alone",
	[SPACES_ALIAS] = "INVLPG of one of two addresses, then a load of CR3",
	[SPACES_ROOTS] = "a dozen address spaces in turn",
	[SPACES_SELF] = "entries of a level-2 table that is a lowest-level table, too",
};

uint64_t tab_address_space(struct pgtable *pt, struct vm *vm, enum guest_mode mode, uint64_t next)
{
	pt_init(pt, vm, mode, next);
	pt_identity(pt);
	pt_map(pt, TABLES_GVA, 0, 0, 1);
	return pt_entry(pt, TABLES_GVA, 2);
}

struct tabguest tab_create(const char *program, enum guest_mode mode)
{
	struct tabguest g = { .mode = mode };
	struct kvm_sregs sregs;
	struct pgtable a, b;
	uint64_t pde_b;

	g.vcpu = guest_create(program, mode);
	g.arg[ARG_ENTRY_SIZE] = pt_entry_size(mode);
	g.arg[ARG_SPAN] = pt_page_size(mode, 2);
	g.arg[ARG_PDE] = tab_address_space(&a, g.vcpu->vm, mode, TABLES_GPA);
	g.arg[ARG_TABLE] = pt_read(&a, g.arg[ARG_PDE]) & ~(PAGE_SIZE - 1);
	g.arg[ARG_PD] = g.arg[ARG_PDE] & ~(PAGE_SIZE - 1);
	pde_b = tab_address_space(&b, g.vcpu->vm, mode, a.next);
	g.arg[ARG_ROOT_B] = b.root;
	g.arg[ARG_TABLE_B] = pt_read(&b, pde_b) & ~(PAGE_SIZE - 1);
	must(xioctl(g.vcpu->fd, KVM_GET_SREGS, &sregs));
	sregs.cr3 = a.root;
	must(xioctl(g.vcpu->fd, KVM_SET_SREGS, &sregs));
	return g;
}

static int play_device(struct tabguest *g, int outcome)
{
	uint32_t value = DEVICE_VALUE;

	while (outcome == GUEST_EXIT && g->vcpu->run->exit_reason == KVM_EXIT_MMIO &&
	       g->vcpu->run->mmio.phys_addr == DEVICE_GPA) {
		memcpy(g->vcpu->run->mmio.data, &value, sizeof(value));
		outcome = guest_run(g->vcpu);
	}
	return outcome;
}

int tab_start(struct tabguest *g, uint64_t op)
{
	memcpy(g->vcpu->shared->arg, g->arg, sizeof(g->arg));
	return play_device(g, guest_start_op(g->vcpu, op));
}

int tab_run(struct tabguest *g)
{
	return play_device(g, guest_run(g->vcpu));
}

bool tab_pcid_offered(void)
{
	return cpuid_has(1, 0, CPUID_ECX, 17) && cpuid_has(7, 0, CPUID_EBX, 10);
}

bool tab_space_op_possible(unsigned int op, enum guest_mode mode)
{
	if (op == SPACES_PDPTE)
		return mode == MODE_PAE;
	if (op == SPACES_ROOTS)
		return mode == MODE_PSE;
	return op != SPACES_PCID || (mode == MODE_LONG && tab_pcid_offered());
}
