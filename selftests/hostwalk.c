// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's own page tables in memory that cannot be written, or where there is none: whoever
 * walks them, hardware or software, must come to the same end.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/pgtable.h"
#include "guest/basic.h"

#define SLOT		7
#define ROM_GPA		0x20000000UL
#define ROM_SIZE	(16 * PAGE_SIZE)
#define NOWHERE		0x30000000UL
#define GVA		0x8000000000UL
/*
 * Where in its page the access goes: not where the entry lies in its table, which the kernel's KVM
 * confuses when it emulates on EPT.
 */
#define OFFSET		0x108UL
#define ROUTINE		0x208UL
#define VEC_PF		14
#define RET_INSN	0xc3
#define RIGHTS		(PTE_P | PTE_W | PTE_U)

struct setup {
	struct vcpu *vcpu;
	uint8_t *rom;
	struct pgtable pt;
};

/* The guest reaches GVA by tables of its own; one level of them can be led elsewhere. */
static struct setup create(enum guest_mode mode)
{
	struct setup s = { .vcpu = guest_create("basic", mode), .rom = host_pages(ROM_SIZE) };
	struct kvm_sregs sregs;

	s.pt = (struct pgtable){ s.vcpu->vm, mode, 0, TABLES_END - 16 * PAGE_SIZE };
	must(xioctl(s.vcpu->fd, KVM_GET_SREGS, &sregs));
	s.pt.root = sregs.cr3;
	must(vm_set_slot(s.vcpu->vm, SLOT, KVM_MEM_READONLY, ROM_GPA, ROM_SIZE, s.rom));
	pt_map(&s.pt, GVA, SCRATCH_GPA, RIGHTS, 1);
	vm_write32(s.vcpu->vm, SCRATCH_GPA + OFFSET, RET_INSN);
	return s;
}

static void destroy(struct setup *s)
{
	guest_destroy(s->vcpu);
	munmap(s->rom, ROM_SIZE);
}

static void lead(struct setup *s, int level, uint64_t gpa)
{
	pt_write(&s->pt, pt_entry(&s->pt, GVA, level), gpa | RIGHTS);
}

static int try_op(struct setup *s, uint64_t op)
{
	s->vcpu->shared->arg[0] = GVA + OFFSET;
	s->vcpu->shared->arg[1] = 0x77c3;
	return guest_start_op(s->vcpu, op);
}

/* The operation ends, in an exception or not. */
static void expect(struct setup *s, uint64_t op, int error, const char *what)
{
	int outcome = try_op(s, op);
	bool faulted = s->vcpu->shared->result[1] == VEC_PF + 1;
	bool good = outcome == GUEST_DONE && faulted == (error >= 0);

	if (faulted)
		good = good && (int)s->vcpu->shared->result[2] == error &&
		       s->vcpu->shared->result[3] == GVA + OFFSET;
	if (!tap_ok(good, "%s", what)) {
		guest_report(s->vcpu, outcome);
		tap_diag("vector + 1: %llu, error %#llx, cr2 %#llx", s->vcpu->shared->result[1],
			 s->vcpu->shared->result[2], s->vcpu->shared->result[3]);
	}
}

/* PUSH, MOV, 1: CALL 2f, LOOP 1b, POP, JMP 4f, 2: TEST, JZ 3f, NOP, 3: RET, 4: RET */
static const uint8_t routine[] = {
	0x53, 0xb9, 3, 0, 0, 0, 0xe8, 5, 0, 0, 0, 0xe2, 0xf9, 0x5b, 0xeb, 6, 0x85, 0xc9, 0x74, 1,
	0x90, RET_INSN, RET_INSN,
};

/*
 * Hardware that walks the table needs every access emulated, and that includes what is fetched
 * through it.
 */
static void test_rom_fetch(struct setup *s, const char *with)
{
	struct guest_shared *shared = s->vcpu->shared;

	tap_eq(try_op(s, BASIC_CALL), GUEST_DONE, "a table in a ROM, %s: a fetch", with);
	memcpy(s->vcpu->vm->mem + SCRATCH_GPA + ROUTINE, routine, sizeof(routine));
	shared->arg[0] = GVA + ROUTINE;
	tap_eq(guest_start_op(s->vcpu, BASIC_CALL), GUEST_DONE, "a table in a ROM, %s: a routine",
	       with);
}

/* A page table in a ROM serves, but A and D cannot be set in it. */
static void test_rom_table(uint64_t bits)
{
	struct setup s = create(MODE_LONG);
	uint64_t pte = SCRATCH_GPA | RIGHTS | bits, *rom = (uint64_t *)s.rom;
	const char *with = bits & PTE_D ? "A and D set" : bits ? "A set" : "A and D clear";
	struct vm *vm = s.vcpu->vm;
	unsigned int i;
	char what[80];

	rom[0] = pte;
	lead(&s, 2, ROM_GPA);
	for (i = 0; i < 3; i++) {
		snprintf(what, sizeof(what), "a table in a ROM, %s: a read", with);
		expect(&s, BASIC_TRY_READ, -1, what);
		test_rom_fetch(&s, with);
		snprintf(what, sizeof(what), "a table in a ROM, %s: a write", with);
		expect(&s, BASIC_TRY_WRITE, -1, what);
		tap_eq(vm_read32(vm, SCRATCH_GPA + OFFSET), 0x77c3, "which arrives");
		vm_write32(vm, SCRATCH_GPA + OFFSET, RET_INSN);
	}
	if (rom[0] != pte && (rom[0] & ~(PTE_A | PTE_D)) == (pte & ~(PTE_A | PTE_D)) &&
	    cpu_walks_only_read())
		tap_skip("the emulator asks EPT for no right to set A and D", "the table stays");
	else
		tap_eq(rom[0], pte, "the table stays as it was");
	destroy(&s);
}

static void test_rom_readonly_mapping(void)
{
	struct setup s = create(MODE_LONG);

	((uint64_t *)s.rom)[0] = SCRATCH_GPA | RIGHTS;
	must(mprotect(s.rom, ROM_SIZE, PROT_READ));
	lead(&s, 2, ROM_GPA);
	expect(&s, BASIC_TRY_READ, -1, "the same where the host may not write either: a read");
	expect(&s, BASIC_TRY_WRITE, -1, "a write");
	must(mprotect(s.rom, ROM_SIZE, PROT_READ | PROT_WRITE));
	destroy(&s);
}

/* No memory at all where a table should be: as if the entry were not present. */
static void test_nowhere(int level)
{
	struct setup s = create(MODE_LONG);
	char what[80];

	lead(&s, level, NOWHERE);
	snprintf(what, sizeof(what), "no memory for a table of level %d: a read faults", level - 1);
	expect(&s, BASIC_TRY_READ, 0, what);
	expect(&s, BASIC_TRY_WRITE, 2, "a write, too");
	expect(&s, BASIC_TRY_READ, 0, "and again");
	must(vm_set_slot(s.vcpu->vm, SLOT + 1, 0, NOWHERE, ROM_SIZE, s.rom));
	expect(&s, BASIC_TRY_READ, 0, "zeros there: not present");
	if (level == 2) {
		must(vm_set_slot(s.vcpu->vm, SLOT + 1, 0, 0, 0, NULL));
		((uint64_t *)s.rom)[0] = SCRATCH_GPA | RIGHTS;
		must(vm_set_slot(s.vcpu->vm, SLOT + 1, 0, NOWHERE, ROM_SIZE, s.rom));
		expect(&s, BASIC_TRY_READ, -1, "a table there: the page");
	}
	destroy(&s);
}

/* The root itself points nowhere: not even an exception can be delivered. */
static void test_root(uint64_t root, const char *what)
{
	struct setup s = create(MODE_LONG);
	struct kvm_sregs sregs;
	int i;

	must(xioctl(s.vcpu->fd, KVM_GET_SREGS, &sregs));
	sregs.cr3 = root;
	must(xioctl(s.vcpu->fd, KVM_SET_SREGS, &sregs));
	for (i = 0; i < 2; i++)
		tap_ok(guest_start_op(s.vcpu, BASIC_NOTHING) == GUEST_EXIT &&
		       s.vcpu->run->exit_reason == KVM_EXIT_SHUTDOWN, "%s: SHUTDOWN", what);
	destroy(&s);
}

/*
 * A slot is there, but no memory of the process behind it. Hardware that walks the tables cannot go
 * on; software finds that the entry cannot be read.
 */
static void test_no_memory(void)
{
	struct setup s = create(MODE_LONG);
	int outcome;

	munmap(s.rom, ROM_SIZE);
	lead(&s, 2, ROM_GPA);
	outcome = try_op(&s, BASIC_TRY_READ);
	tap_ok(outcome == -EFAULT || (outcome == GUEST_DONE && s.vcpu->shared->result[1]),
	       "a table in a slot without memory: EFAULT or a fault of the guest");
	guest_destroy(s.vcpu);
}

int main(void)
{
	tap_start("hostwalk", 120);
	test_rom_table(0);
	test_rom_table(PTE_A);
	test_rom_table(PTE_A | PTE_D);
	test_rom_readonly_mapping();
	test_nowhere(2);
	test_nowhere(3);
	test_nowhere(4);
	test_root(NOWHERE, "a root where there is no memory");
	test_no_memory();
	return tap_done();
}
