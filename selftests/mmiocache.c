// SPDX-License-Identifier: GPL-2.0
/*
 * A device that the guest uses again and again: what is remembered of the page and of the
 * instruction must end with a new slot there, with other code, and with other page tables.
 */
#include <string.h>

#include "lib/pgtable.h"
#include "lib/stats.h"
#include "guest/basic.h"

#define DEVICE_GPA	0x10000000UL	/* two pages */
#define OTHER_GPA	0x10001000UL
#define CODE_GPA	(SCRATCH_GPA + 0x10000)	/* two pages, one gva */
#define FLIP_GPA	(SCRATCH_GPA + 0x12000)
#define CODE_GVA	0x20000000UL
#define ROUNDS		20

struct setup {
	struct vcpu *vcpu;
	struct pgtable pt;
	uint8_t *ram;
};

/* Runs the operation to its end; every MMIO exit is compared with what must come, and answered. */
static unsigned int run_op(struct vcpu *vcpu, uint64_t op, uint64_t gpa, uint64_t answer,
			   uint64_t *written)
{
	struct kvm_run *run = vcpu->run;
	int outcome = guest_start_op(vcpu, op);
	unsigned int exits = 0;

	while (outcome == GUEST_EXIT && run->exit_reason == KVM_EXIT_MMIO &&
	       run->mmio.phys_addr == gpa) {
		exits++;
		if (run->mmio.is_write) {
			*written = 0;
			memcpy(written, run->mmio.data, run->mmio.len);
		} else {
			memcpy(run->mmio.data, &answer, sizeof(answer));
		}
		outcome = guest_run(vcpu);
	}
	if (outcome == GUEST_DONE)
		return exits;
	guest_report(vcpu, outcome);
	return ~0u;
}

static bool read_device(struct vcpu *vcpu, uint64_t gpa, uint32_t answer)
{
	uint64_t none = 0;

	vcpu->shared->arg[0] = gpa;
	return run_op(vcpu, BASIC_READ, gpa, 0xdead000000000000 | answer, &none) == 1 &&
	       vcpu->shared->result[0] == answer;
}

static bool write_device(struct vcpu *vcpu, uint64_t gpa, uint32_t value)
{
	uint64_t written = 0;

	vcpu->shared->arg[0] = gpa;
	vcpu->shared->arg[1] = value;
	return run_op(vcpu, BASIC_WRITE, gpa, 0, &written) == 1 && written == value;
}

static bool read_ram(struct vcpu *vcpu, uint64_t gpa, uint32_t value)
{
	uint64_t none = 0;

	vcpu->shared->arg[0] = gpa;
	return run_op(vcpu, BASIC_READ, gpa, 0, &none) == 0 && vcpu->shared->result[0] == value;
}

static void test_repeated(struct setup *s)
{
	bool good = true;
	uint32_t i;

	for (i = 0; i < ROUNDS; i++)
		good &= write_device(s->vcpu, DEVICE_GPA + 8, 0x1000 + i) &&
			read_device(s->vcpu, DEVICE_GPA + 8, 0x80000000 + i);
	tap_ok(good, "a device is read and written many times");
	for (i = 0; i < ROUNDS; i++)
		good &= write_device(s->vcpu, DEVICE_GPA + 8, i) &&
			write_device(s->vcpu, OTHER_GPA + 8, i) &&
			read_device(s->vcpu, DEVICE_GPA + 16, i) &&
			read_device(s->vcpu, OTHER_GPA + 16, ~i);
	tap_ok(good, "two devices in turn");
}

/* On EPT only the first access to a page is a violation. */
static void test_counts(struct setup *s)
{
	int fd = s->vcpu->fd;
	uint64_t violations, emulated, mmio;
	bool good = true;
	uint32_t i;

	if (!dev_is_umbra()) {
		tap_skip("the counters are Umbra's", "the exits are counted by cause");
		return;
	}
	read_device(s->vcpu, DEVICE_GPA, 1);
	violations = stat_value(fd, "exits_ept_violation");
	mmio = stat_value(fd, "exits_mmio");
	emulated = stat_value(fd, "insn_emulated");
	for (i = 0; i < ROUNDS; i++)
		good &= read_device(s->vcpu, DEVICE_GPA, i);
	good &= stat_value(fd, "exits_ept_violation") == violations &&
		stat_value(fd, "exits_mmio") == mmio + ROUNDS &&
		stat_value(fd, "insn_emulated") == emulated + ROUNDS;
	tap_ok(good, "the exits are counted by cause");
}

/* Memory comes to the remembered page, goes, and comes to the page beside it. */
static void test_slots(struct setup *s)
{
	struct vm *vm = s->vcpu->vm;
	bool ram = true, device = true;
	uint32_t i;

	for (i = 0; i < ROUNDS; i++) {
		device &= write_device(s->vcpu, DEVICE_GPA, i);
		device &= read_device(s->vcpu, DEVICE_GPA, i);
		memcpy(s->ram, &i, sizeof(i));
		must(vm_set_slot(vm, 5, 0, DEVICE_GPA, PAGE_SIZE, s->ram));
		ram &= read_ram(s->vcpu, DEVICE_GPA, i);
		device &= read_device(s->vcpu, OTHER_GPA, ~i);
		must(vm_set_slot(vm, 5, 0, OTHER_GPA, PAGE_SIZE, s->ram));
		ram &= read_ram(s->vcpu, OTHER_GPA, i);
		device &= read_device(s->vcpu, DEVICE_GPA, i);
		must(vm_set_slot(vm, 5, 0, 0, 0, NULL));
		device &= read_device(s->vcpu, OTHER_GPA, i);
	}
	tap_ok(ram, "a slot over a device that was just used is memory at once");
	tap_ok(device, "where no slot is any more, the device answers");
}

/* Memory comes while userspace is asked: its answer counts, and the next read is memory's. */
static void test_slot_during_exit(struct setup *s)
{
	struct vcpu *vcpu = s->vcpu;
	uint32_t value = 0x77;
	int outcome;

	memcpy(s->ram, &value, sizeof(value));
	read_device(vcpu, DEVICE_GPA, 1);
	vcpu->shared->arg[0] = DEVICE_GPA;
	outcome = guest_start_op(vcpu, BASIC_READ);
	tap_ok(outcome == GUEST_EXIT && vcpu->run->exit_reason == KVM_EXIT_MMIO, "a read exits");
	must(vm_set_slot(vcpu->vm, 5, 0, DEVICE_GPA, PAGE_SIZE, s->ram));
	value = 0x55;
	memcpy(vcpu->run->mmio.data, &value, sizeof(value));
	outcome = guest_run(vcpu);
	tap_ok(outcome == GUEST_DONE && vcpu->shared->result[0] == 0x55,
	       "a slot that comes meanwhile does not take userspace's answer away");
	tap_ok(read_ram(vcpu, DEVICE_GPA, 0x77), "the next read is memory's");
	must(vm_set_slot(vcpu->vm, 5, 0, 0, 0, NULL));
}

#define SET_REGS	"\x48\xbf\0\0\0\x10\0\0\0\0"	/* mov $DEVICE_GPA, %rdi */ \
			"\x48\xb8\x88\x77\x66\x55\x44\x33\x22\x11"	/* mov $0x11.., %rax */ \
			"\x48\xbe\x01\x02\x03\x04\x05\x06\x07\x08"	/* mov $0x08.., %rsi */
#define RESULT		"\x48\xa3"		/* mov %rax, the shared page's result[0] */

static void put_code(struct setup *s, unsigned int page, const char *access, size_t len)
{
	uint8_t *to = s->vcpu->vm->mem + CODE_GPA + page * PAGE_SIZE;
	uint64_t result = SHARED_GPA + offsetof(struct guest_shared, result);

	memcpy(to, SET_REGS, sizeof(SET_REGS) - 1);
	to += sizeof(SET_REGS) - 1;
	memset(to, 0x90, 8);
	memcpy(to, access, len);
	to += 8;
	memcpy(to, RESULT, 2);
	memcpy(to + 2, &result, 8);
	to[10] = 0xc3;
}

static bool call_code(struct setup *s, uint64_t answer, bool store, uint64_t value)
{
	struct vcpu *vcpu = s->vcpu;
	uint64_t written = 0;
	unsigned int exits;

	vcpu->shared->arg[0] = CODE_GVA;
	exits = run_op(vcpu, BASIC_CALL, DEVICE_GPA, answer, &written);
	return exits == 1 && (store ? written : vcpu->shared->result[0]) == value;
}

static const struct {
	const char *name, *bytes;
	size_t len;
	bool store;
	uint64_t value;		/* stored, or in RAX after a load of 0xa1a2a3a4a5a6a7a8 */
} forms[] = {
	{ "mov %al, (%rdi)", "\x88\x07", 2, true, 0x88 },
	{ "mov %ah, (%rdi)", "\x88\x27", 2, true, 0x77 },
	{ "mov %sil, (%rdi)", "\x40\x88\x37", 3, true, 0x01 },
	{ "mov %ax, (%rdi)", "\x66\x89\x07", 3, true, 0x7788 },
	{ "mov %eax, (%rdi)", "\x89\x07", 2, true, 0x55667788 },
	{ "mov %esi, (%rdi)", "\x89\x37", 2, true, 0x04030201 },
	{ "mov %rax, (%rdi)", "\x48\x89\x07", 3, true, 0x1122334455667788 },
	{ "movl $-2, (%rdi)", "\xc7\x07\xfe\xff\xff\xff", 6, true, 0xfffffffe },
	{ "movq $-2, (%rdi)", "\x48\xc7\x07\xfe\xff\xff\xff", 7, true, 0xfffffffffffffffe },
	{ "mov (%rdi), %al", "\x8a\x07", 2, false, 0x11223344556677a8 },
	{ "mov (%rdi), %ah", "\x8a\x27", 2, false, 0x112233445566a888 },
	{ "mov (%rdi), %ax", "\x66\x8b\x07", 3, false, 0x112233445566a7a8 },
	{ "mov (%rdi), %eax", "\x8b\x07", 2, false, 0xa5a6a7a8 },
	{ "mov (%rdi), %rax", "\x48\x8b\x07", 3, false, 0xa1a2a3a4a5a6a7a8 },
	{ "add (%rdi), %eax", "\x03\x07", 2, false, 0xfb0d1f30 },
	{ "xor (%rdi), %al", "\x32\x07", 2, false, 0x1122334455667720 },
	{ "cmp (%rdi), %rax", "\x48\x3b\x07", 3, false, 0x1122334455667788 },
	{ "or (%rdi), %rax", "\x48\x0b\x07", 3, false, 0xb1a2b3e4f5e6f7a8 },
};

/* The same RIP: each of the instructions twice in a row, then one after the other. */
static void test_code(struct setup *s)
{
	const uint64_t answer = 0xa1a2a3a4a5a6a7a8;
	bool mixed = true;
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		bool good = true;

		put_code(s, 0, forms[i].bytes, forms[i].len);
		for (j = 0; j < 3; j++)
			good &= call_code(s, answer, forms[i].store, forms[i].value);
		tap_ok(good, "%s, three times", forms[i].name);
	}
	for (i = 0; i < 4 * ARRAY_SIZE(forms); i++) {
		j = (i * 7) % ARRAY_SIZE(forms);
		put_code(s, 0, forms[j].bytes, forms[j].len);
		mixed &= call_code(s, answer, forms[j].store, forms[j].value);
	}
	tap_ok(mixed, "code that is rewritten at the same address");
}

/* The guest writes an entry of its own tables and forgets the translation. */
static void guest_maps_code(struct setup *s, uint64_t entry, uint64_t gpa)
{
	uint8_t code[] = { 0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0,	/* mov $entry, %rax */
			   0x48, 0xb9, 0, 0, 0, 0, 0, 0, 0, 0,	/* mov $pte, %rcx */
			   0x48, 0x89, 0x08,			/* mov %rcx, (%rax) */
			   0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0,	/* mov $CODE_GVA, %rax */
			   0x0f, 0x01, 0x38, 0xc3 };		/* invlpg (%rax); ret */
	uint64_t pte = gpa | PTE_P | PTE_W, gva = CODE_GVA;

	memcpy(code + 2, &entry, sizeof(entry));
	memcpy(code + 12, &pte, sizeof(pte));
	memcpy(code + 25, &gva, sizeof(gva));
	memcpy(s->vcpu->vm->mem + FLIP_GPA, code, sizeof(code));
	s->vcpu->shared->arg[0] = FLIP_GPA;
	if (guest_start_op(s->vcpu, BASIC_CALL) != GUEST_DONE)
		tap_bail("the guest does not change its tables");
}

/* The same RIP, another frame. */
static void test_remapped_code(struct setup *s, uint64_t entry)
{
	bool good = true;
	unsigned int i;

	put_code(s, 0, forms[4].bytes, forms[4].len);
	put_code(s, 1, forms[5].bytes, forms[5].len);
	for (i = 0; i < ROUNDS; i++) {
		unsigned int page = i / 2 % 2;

		guest_maps_code(s, entry, CODE_GPA + page * PAGE_SIZE);
		good &= call_code(s, 0, true, forms[4 + page].value);
	}
	tap_ok(good, "a code page that the guest maps elsewhere");
}

int main(void)
{
	struct setup s = { 0 };
	struct kvm_sregs sregs;
	uint64_t entry;

	tap_start("mmiocache", 60);
	s.vcpu = guest_create("basic", MODE_LONG);
	s.ram = host_pages(PAGE_SIZE);
	must(xioctl(s.vcpu->fd, KVM_GET_SREGS, &sregs));
	s.pt = (struct pgtable){ s.vcpu->vm, MODE_LONG, sregs.cr3, TABLES_END - 16 * PAGE_SIZE };
	pt_map(&s.pt, DEVICE_GPA, DEVICE_GPA, PTE_P | PTE_W, 1);
	pt_map(&s.pt, OTHER_GPA, OTHER_GPA, PTE_P | PTE_W, 1);
	entry = pt_map(&s.pt, CODE_GVA, CODE_GPA, PTE_P | PTE_W, 1);
	test_repeated(&s);
	test_counts(&s);
	test_slots(&s);
	test_slot_during_exit(&s);
	test_code(&s);
	test_remapped_code(&s, entry);
	guest_destroy(s.vcpu);
	return tap_done();
}
