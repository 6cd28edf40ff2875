// SPDX-License-Identifier: GPL-2.0
/* Guests of every paging mode that edit their own page tables; they check, the host sets up. */
#include <string.h>

#include "lib/pgtable.h"
#include "guest/tables.h"

static const char * const tables_ops[] = {
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

static const char * const spaces_ops[] = {
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

struct setup {
	struct vcpu *vcpu;
	enum guest_mode mode;
	unsigned long long arg[8];
};

/* Builds one address space and returns the gpa of its level-2 entry for TABLES_GVA. */
static uint64_t address_space(struct pgtable *pt, struct vm *vm, enum guest_mode mode,
			      uint64_t next)
{
	pt_init(pt, vm, mode, next);
	pt_identity(pt);
	pt_map(pt, TABLES_GVA, 0, 0, 1);
	return pt_entry(pt, TABLES_GVA, 2);
}

static struct setup setup_create(const char *program, enum guest_mode mode)
{
	struct setup s = { .mode = mode };
	struct kvm_sregs sregs;
	struct pgtable a, b;
	uint64_t pde_b;

	s.vcpu = guest_create(program, mode);
	s.arg[ARG_ENTRY_SIZE] = pt_entry_size(mode);
	s.arg[ARG_SPAN] = pt_page_size(mode, 2);
	s.arg[ARG_PDE] = address_space(&a, s.vcpu->vm, mode, TABLES_GPA);
	s.arg[ARG_TABLE] = pt_read(&a, s.arg[ARG_PDE]) & ~(PAGE_SIZE - 1);
	s.arg[ARG_PD] = s.arg[ARG_PDE] & ~(PAGE_SIZE - 1);
	pde_b = address_space(&b, s.vcpu->vm, mode, a.next);
	s.arg[ARG_ROOT_B] = b.root;
	s.arg[ARG_TABLE_B] = pt_read(&b, pde_b) & ~(PAGE_SIZE - 1);
	must(xioctl(s.vcpu->fd, KVM_GET_SREGS, &sregs));
	sregs.cr3 = a.root;
	must(xioctl(s.vcpu->fd, KVM_SET_SREGS, &sregs));
	return s;
}

static void run_op(struct setup *s, uint64_t op, const char *what)
{
	uint32_t value = DEVICE_VALUE;
	int outcome;

	memcpy(s->vcpu->shared->arg, s->arg, sizeof(s->arg));
	outcome = guest_start_op(s->vcpu, op);
	while (outcome == GUEST_EXIT && s->vcpu->run->exit_reason == KVM_EXIT_MMIO &&
	       s->vcpu->run->mmio.phys_addr == DEVICE_GPA) {
		memcpy(s->vcpu->run->mmio.data, &value, sizeof(value));
		outcome = guest_run(s->vcpu);
	}
	if (!tap_ok(outcome == GUEST_DONE, "%s: %s", mode_name(s->mode), what))
		guest_report(s->vcpu, outcome);
}

static bool pcid_offered(void)
{
	return cpuid_has(1, 0, CPUID_ECX, 17) && cpuid_has(7, 0, CPUID_EBX, 10);
}

static bool space_op_possible(unsigned int op, enum guest_mode mode)
{
	if (op == SPACES_PDPTE)
		return mode == MODE_PAE;
	if (op == SPACES_ROOTS)
		return mode == MODE_PSE;
	return op != SPACES_PCID || (mode == MODE_LONG && pcid_offered());
}

/* Each operation twice in one VM, so that the second meets what the first left behind. */
static void test_mode(enum guest_mode mode)
{
	struct setup tables = setup_create("tables", mode), spaces = setup_create("spaces", mode);
	unsigned int i;

	for (i = 0; i < 2 * TABLES_NR_OPS; i++)
		run_op(&tables, i % TABLES_NR_OPS, tables_ops[i % TABLES_NR_OPS]);
	for (i = 0; i < 2 * SPACES_NR_OPS; i++)
		if (space_op_possible(i % SPACES_NR_OPS, mode))
			run_op(&spaces, i % SPACES_NR_OPS, spaces_ops[i % SPACES_NR_OPS]);
	guest_destroy(tables.vcpu);
	guest_destroy(spaces.vcpu);
}

int main(void)
{
	tap_start("tables", 200);
	test_mode(MODE_PSE);
	test_mode(MODE_PAE);
	test_mode(MODE_LONG);
	if (!pcid_offered())
		tap_skip("not in CPUID", "PCID");
	if (mode_offered(MODE_LA57))
		test_mode(MODE_LA57);
	else
		tap_skip("not in CPUID", "5-level paging");
	return tap_done();
}
