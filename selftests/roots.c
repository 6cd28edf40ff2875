// SPDX-License-Identifier: GPL-2.0
/*
 * One root after another, and what hardware cached meanwhile: more address spaces than a vCPU keeps
 * roots, a root that is synced without a flush of its own, the root of SMM. The lab's emulator
 * caches little: lab/run --tlb stale looks for translations that outlive their pages.
 */
#include <sys/mman.h>

#include "lib/memguest.h"
#include "lib/smmguest.h"
#include "guest/basic.h"

#define PAGES		32UL
#define SPACES		20U	/* more than any backend keeps */
#define SPACE_TABLES	(16 * PAGE_SIZE)	/* of each */
#define SPACES_GPA	0x400000UL	/* RAM that nothing else uses */
#define ONE_GVA		0x80000000UL
#define VALUE		0x5ace

static bool reads(struct memguest *m, uint64_t op, uint64_t cr3, uint32_t want)
{
	m->vcpu[0]->shared->arg[0] = ONE_GVA;
	m->vcpu[0]->shared->arg[1] = cr3;
	return guest_start_op(m->vcpu[0], op) == GUEST_DONE && mem_result(m) == want;
}

/* Each maps another page at the one address; gives its CR3. */
static uint64_t make_space(struct memguest *m, unsigned int i)
{
	struct pgtable pt;

	pt_init(&pt, m->vm, MODE_LONG, SPACES_GPA + i * SPACE_TABLES);
	pt_identity(&pt);
	pt_map(&pt, ONE_GVA, MEM_GPA + i * PAGE_SIZE, PTE_P | PTE_W, 1);
	mem_host_write(m, i, VALUE + i);
	return pt.root;
}

/* Once the tables are known no root that takes another's place changes anything but itself. */
static void test_spaces(void)
{
	struct memguest m = mem_create(1, PAGES * PAGE_SIZE);
	unsigned int i, round, wrong = 0;
	uint64_t cr3[SPACES];

	for (i = 0; i < SPACES; i++)
		cr3[i] = make_space(&m, i);
	for (round = 0; round < 4; round++)
		for (i = 0; i < SPACES; i++)
			wrong += !reads(&m, BASIC_SPACE, cr3[i], VALUE + i);
	tap_eq(wrong, 0, "%u address spaces in turn, a page of its own in each", SPACES);
	mem_unmap(&m);
}

/*
 * The guest changes an entry, the log takes the right to write to its table, the guest uses the old
 * page once more: the CR3 load that must end this finds nothing left to protect.
 */
static void test_synced(void)
{
	struct memguest m = mem_create(1, PAGES * PAGE_SIZE);
	struct guest_shared *shared = m.vcpu[0]->shared;
	struct vm *vm = m.vm;
	uint64_t cr3 = make_space(&m, 0);
	struct pgtable pt = { vm, MODE_LONG, cr3, 0 };

	mem_host_write(&m, 1, VALUE + 1);
	tap_ok(reads(&m, BASIC_SPACE, cr3, VALUE), "the guest reads a page");
	shared->arg[0] = pt_entry(&pt, ONE_GVA, 1);
	shared->arg[1] = (MEM_GPA + PAGE_SIZE) | PTE_P | PTE_W | PTE_A;
	tap_eq(guest_start_op(m.vcpu[0], BASIC_WRITE), GUEST_DONE, "it puts another there");
	must(vm_set_slot(vm, 0, KVM_MEM_LOG_DIRTY_PAGES, 0, vm->mem_size, vm->mem));
	shared->arg[0] = ONE_GVA;
	tap_eq(guest_start_op(m.vcpu[0], BASIC_READ), GUEST_DONE, "the log starts, it reads");
	tap_ok(reads(&m, BASIC_RELOAD, 0, VALUE + 1), "it loads CR3: the other page is there");
	mem_unmap(&m);
}

static bool handler_tells(struct vcpu *vcpu, uint32_t port_value)
{
	smm_smi(vcpu);
	return smm_in_handler(vcpu) && (smm_told(vcpu) & 0xff) == port_value &&
	       smm_in_guest(vcpu);
}

/* The host takes SMRAM while the vCPU is not in SMM, and so on another root. */
static void test_smram_taken(enum guest_mode mode)
{
	struct vcpu *vcpu = smm_create(false);

	vcpu_set_mode(vcpu, mode);
	raw_load_code(vcpu, LOOP);
	tap_ok(smm_in_guest(vcpu), "a guest runs with%s paging", mode == MODE_PROT ? "out" : "");
	tap_ok(handler_tells(vcpu, 0x5a), "and serves an SMI");
	must(madvise(smram, SMRAM_SIZE, MADV_DONTNEED));
	tap_ok(smm_in_guest(vcpu), "the host takes SMRAM while it goes on");
	/* mov $0x5b, %al; out %al, $0x81; rsm */
	smm_handler("\xb0\x5b\xe6\x81\x0f\xaa");
	tap_ok(handler_tells(vcpu, 0x5b), "the next SMI finds the new handler");
	guest_destroy(vcpu);
}

int main(void)
{
	tap_start("roots", 60);
	test_spaces();
	test_synced();
	test_smram_taken(MODE_LONG);
	test_smram_taken(MODE_PROT);
	return tap_done();
}
