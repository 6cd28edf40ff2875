// SPDX-License-Identifier: GPL-2.0
/* System-management mode: SMIs, the saved state, RSM, the second address space. */
#include <sys/mman.h>

#include "lib/smmguest.h"

#define MSR_APIC_BASE	0x1b
#define MSR_SMI_COUNT	0x34
#define EFER_LMA	BIT(10)
#define APIC_ENABLED	0xfee00900UL	/* of the boot CPU */
#define CPUID_LM	BIT(29)
#define CPUID_EXT	0x80000001

/* Where the two layouts of the saved state have things, from SMBASE + 0x8000 on. */
#define AT(smram, where, type)	(*(type *)((smram) + 0x8000 + (where)))

/* mov RAW_DATA, %eax; out %eax, $0x81; rsm; in 16-bit code with 32-bit address and operand */
#define LOAD		"\x67\x66\xa1\x00\x10\x18\x00\x66\xe7\x81\x0f\xaa"
/* mov %eax, RAW_DATA; out %eax, $0x81; rsm */
#define STORE		"\x67\x66\xa3\x00\x10\x18\x00\x66\xe7\x81\x0f\xaa"
/* x2APIC on by MSR 0x1b, then 0x44200 into its ICR: an SMI to itself; and the loop */
#define SELF_SMI	"\xb9\x1b\x00\x00\x00\x0f\x32\x0d\x00\x04\x00\x00\x0f\x30" \
			"\xb9\x30\x08\x00\x00\x31\xd2\xb8\x00\x42\x04\x00\x0f\x30" LOOP
/* 0x4500 into the ICR, in 16-bit code: INIT to APIC 0; and the mark */
#define SELF_INIT	"\x66\xb9\x30\x08\x00\x00\x66\x31\xd2\x66\xb8\x00\x45\x00\x00" \
			"\x0f\x30" MARK

static void test_slots(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	struct kvm_dirty_log log = { .slot = 2 << 16 | 1 };
	void *mem = host_pages(PAGE_SIZE);

	tap_eq(xioctl_val(vm->dev, KVM_CHECK_EXTENSION, KVM_CAP_X86_SMM), 1, "X86_SMM");
	tap_eq(xioctl_val(vm->dev, KVM_CHECK_EXTENSION, KVM_CAP_MULTI_ADDRESS_SPACE), 2,
	       "two address spaces");
	tap_eq(vm_set_slot(vm, 1 << 16 | 2, 0, RAW_DATA, PAGE_SIZE, mem), 0,
	       "a gpa of the first space is free in the second");
	tap_eq(vm_set_slot(vm, 1 << 16 | 3, 0, RAW_DATA, PAGE_SIZE, mem), -EEXIST,
	       "but not twice");
	tap_eq(vm_set_slot(vm, 2, 0, SMBASE, PAGE_SIZE, mem), 0, "and the other way round");
	tap_eq(vm_set_slot(vm, 2 << 16 | 1, 0, 0x40000000, PAGE_SIZE, mem), -EINVAL,
	       "there is no third");
	tap_eq(vm_set_slot(vm, 1 << 16 | 3, 0, 1ULL << 52, PAGE_SIZE, mem), -EINVAL,
	       "an address that no CPU has, in the second space");
	tap_eq(vm_set_slot(vm, 3, 0, (1ULL << 52) + RAW_DATA, PAGE_SIZE, mem), -EINVAL,
	       "and in the first");
	tap_eq(xioctl(vm->fd, KVM_GET_DIRTY_LOG, &log), -EINVAL, "no log of a third");
	log.slot = 1 << 16 | 2;
	tap_eq(xioctl(vm->fd, KVM_GET_DIRTY_LOG, &log), -ENOENT, "none of a slot without");
	tap_eq(vm_set_slot(vm, 2, 0, 0, 0, NULL), 0, "slots go");
	tap_eq(vm_set_slot(vm, 1 << 16 | 2, 0, 0, 0, NULL), 0, "in both spaces");
}

static void fill_regs(struct vcpu *vcpu)
{
	struct kvm_regs regs = { .rip = RAW_GPA, .rflags = 0x4c7 };
	unsigned long long *gpr = &regs.rax;
	unsigned int i;

	for (i = 0; i < 16; i++)
		gpr[i] = 0x123456789abcdef0ULL + i;
	raw_set_regs(vcpu, regs);
}

static void check_wide(const struct kvm_regs *r, const struct kvm_sregs *s)
{
	tap_eq(AT(smram, 0x7efc, uint32_t), 0x20064, "revision of the 64-bit layout");
	tap_eq(AT(smram, 0x7f00, uint32_t), SMBASE, "SMBASE is saved");
	tap_ok(AT(smram, 0x7ff8, uint64_t) == r->rax && AT(smram, 0x7fe0, uint64_t) == r->rbx &&
	       AT(smram, 0x7fd8, uint64_t) == r->rsp && AT(smram, 0x7f80, uint64_t) == r->r15,
	       "general registers");
	tap_ok(AT(smram, 0x7f78, uint64_t) == r->rip && AT(smram, 0x7f70, uint64_t) == r->rflags,
	       "RIP and RFLAGS");
	tap_ok(AT(smram, 0x7f58, uint64_t) == s->cr0 && AT(smram, 0x7f50, uint64_t) == s->cr3 &&
	       AT(smram, 0x7f48, uint64_t) == s->cr4 && AT(smram, 0x7ed0, uint64_t) == s->efer,
	       "control registers");
	tap_ok(AT(smram, 0x7e10, uint16_t) == s->cs.selector &&
	       AT(smram, 0x7e12, uint16_t) == (s->cs.type | s->cs.s << 4 | s->cs.dpl << 5 |
					       s->cs.present << 7 | s->cs.avl << 12 |
					       s->cs.l << 13 | s->cs.db << 14 | s->cs.g << 15) &&
	       AT(smram, 0x7e14, uint32_t) == s->cs.limit, "CS");
	tap_ok(AT(smram, 0x7e90, uint16_t) == s->tr.selector &&
	       AT(smram, 0x7e94, uint32_t) == s->tr.limit &&
	       AT(smram, 0x7e98, uint64_t) == s->tr.base, "TR");
	tap_ok(AT(smram, 0x7e68, uint64_t) == s->gdt.base &&
	       AT(smram, 0x7e64, uint32_t) == s->gdt.limit &&
	       AT(smram, 0x7e88, uint64_t) == s->idt.base, "GDTR and IDTR");
}

static void check_smm_state(const struct kvm_sregs *s)
{
	tap_ok(s->cs.base == SMBASE && s->cs.selector == (uint16_t)(SMBASE >> 4) &&
	       s->cs.limit == 0xffffffff && s->ds.limit == 0xffffffff && !s->ds.base,
	       "the handler's segments");
	tap_ok(!(s->cr0 & 0x8000000d) && !s->cr4 && !s->efer && !s->idt.limit,
	       "and control registers");
}

static void test_state(struct vcpu *vcpu)
{
	struct kvm_regs before, after;
	struct kvm_sregs sbefore, safter;
	uint64_t count = smm_msr(vcpu, MSR_SMI_COUNT, NULL);

	fill_regs(vcpu);
	tap_ok(smm_in_guest(vcpu), "the guest runs");
	before = raw_regs(vcpu);
	sbefore = smm_sregs(vcpu);
	smm_smi(vcpu);
	tap_ok(smm_events(vcpu).smi.pending && !smm_events(vcpu).smi.smm, "an SMI is pending");
	if (!tap_ok(smm_in_handler(vcpu), "and taken"))
		guest_report(vcpu, GUEST_EXIT);
	tap_ok(!smm_events(vcpu).smi.pending && smm_events(vcpu).smi.smm &&
	       smm_events(vcpu).nmi.masked,
	       "in SMM, NMIs are blocked");
	safter = smm_sregs(vcpu);
	check_smm_state(&safter);
	before.rip += 2;	/* the OUT retires first */
	check_wide(&before, &sbefore);
	if (!tap_ok(smm_in_guest(vcpu), "RSM goes back"))
		guest_report(vcpu, GUEST_EXIT);
	before.rip -= 2;	/* round the loop */
	after = raw_regs(vcpu);
	safter = smm_sregs(vcpu);
	tap_ok(!memcmp(&before, &after, sizeof(before)), "with all registers");
	tap_ok(!memcmp(&sbefore, &safter, sizeof(sbefore)), "and all system registers");
	tap_ok(!smm_events(vcpu).smi.smm && !smm_events(vcpu).nmi.masked, "NMIs are open again");
	tap_eq(smm_msr(vcpu, MSR_SMI_COUNT, NULL), count + 1, "one SMI is counted");
}

/* What the handler changes in SMRAM is what RSM loads. */
static void test_changes(struct vcpu *vcpu)
{
	uint64_t moved = SMBASE + 0x8000;

	smm_smi(vcpu);
	tap_ok(smm_in_handler(vcpu), "SMM again");
	AT(smram, 0x7ff8, uint64_t) = 0x1122334455667788;
	AT(smram, 0x7f00, uint32_t) = moved;
	tap_ok(smm_in_guest(vcpu), "RSM");
	tap_eq(raw_regs(vcpu).rax, 0x1122334455667788, "RAX comes from SMRAM");
	tap_eq(smm_msr(vcpu, MSR_SMBASE, NULL), moved, "and so does SMBASE");
	memset(smram + HANDLER, 0, sizeof(MARK));
	memcpy(smram + 0x8000 + HANDLER, MARK, sizeof(MARK));
	smm_smi(vcpu);
	tap_ok(smm_in_handler(vcpu), "the next handler begins there");
	tap_ok(smm_in_guest(vcpu), "RSM");
	smm_set_base(vcpu, SMBASE);
}

static void test_memory(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	uint32_t *mem = host_pages(PAGE_SIZE);
	unsigned long bits = 0;
	struct kvm_dirty_log log = { .slot = 1 << 16 | 2, .dirty_bitmap = &bits };

	*mem = 0xcafe;
	vm_write32(vm, RAW_DATA, 0xbeef);
	must(vm_set_slot(vm, 1 << 16 | 2, KVM_MEM_LOG_DIRTY_PAGES, RAW_DATA, PAGE_SIZE, mem));
	smm_handler(LOAD);
	smm_smi(vcpu);
	tap_ok(smm_in_handler(vcpu), "a handler that reads");
	tap_eq(smm_told(vcpu), 0xcafe, "sees the memory of its space");
	smm_handler(STORE);
	tap_ok(smm_in_guest(vcpu), "RSM");
	must(xioctl(vm->fd, KVM_GET_DIRTY_LOG, &log));
	smm_smi(vcpu);
	tap_ok(smm_in_handler(vcpu), "a handler that writes");
	tap_eq(vm_read32(vm, RAW_DATA), 0xbeef, "leaves the other space alone");
	tap_ok(*mem != 0xcafe, "and writes its own");
	must(xioctl(vm->fd, KVM_GET_DIRTY_LOG, &log));
	tap_eq(bits, 1, "which is logged");
	tap_ok(smm_in_guest(vcpu), "RSM");
	smm_smi(vcpu);
	tap_ok(smm_in_handler(vcpu), "it writes again");
	must(xioctl(vm->fd, KVM_GET_DIRTY_LOG, &log));
	tap_eq(bits, 1, "which is logged again");
	must(vm_set_slot(vm, 1 << 16 | 2, 0, 0, 0, NULL));
	smm_handler(LOAD);
	tap_ok(smm_in_guest(vcpu), "RSM");
	smm_smi(vcpu);
	tap_eq(raw_run(vcpu), KVM_EXIT_MMIO, "without memory the handler's access exits");
	tap_eq(vcpu->run->mmio.phys_addr, RAW_DATA, "at its address");
	tap_ok(smm_in_handler(vcpu) && smm_in_guest(vcpu), "and goes on");
	smm_handler(MARK);
}

/* The handler has the guest's page table in its own space, and changes it. */
static void test_page_table(struct vcpu *vcpu)
{
	/* mov %cr3, %rax; mov %rax, %cr3; mov 0x600000, %eax; out %al, $0x80; jmp to the start */
	static const char reader[] = "\x0f\x20\xd8\x0f\x22\xd8\x8b\x04\x25\x00\x00\x60\x00"
				     "\xe6\x80\xeb\xef";
	struct vm *vm = vcpu->vm;
	uint64_t *pde = NULL, cr3 = smm_sregs(vcpu).cr3 & ~0xfffULL;

	if (!dev_is_umbra()) {
		tap_skip("KVM with ept=0 does not see it", "SMM changes a page table");
		return;
	}
	smm_settle(vcpu);
	raw_load(vcpu, reader, sizeof(reader) - 1);
	vm_write32(vm, 0x600000, 6);
	vm_write32(vm, 0x400000, 4);
	tap_ok(smm_in_guest(vcpu), "the guest reads");
	tap_eq(raw_regs(vcpu).rax, 6, "its page");
	smm_smi(vcpu);
	tap_ok(smm_in_handler(vcpu), "SMM");
	/* Through two tables down to the page directory of the first GiB. */
	pde = (uint64_t *)(vm->mem + cr3);
	pde = (uint64_t *)(vm->mem + (*pde & ~0xfffULL));
	pde = (uint64_t *)(vm->mem + (*pde & ~0xfffULL));
	pde[3] = (pde[3] & 0x1fffffULL) | 0x400000;
	tap_ok(smm_in_guest(vcpu), "RSM");
	tap_eq(raw_regs(vcpu).rax, 4, "the guest sees what SMM made of its tables");
	smm_smi(vcpu);
	tap_ok(smm_in_handler(vcpu), "SMM");
	pde[3] = (pde[3] & 0x1fffffULL) | 0x600000;
	tap_ok(smm_in_guest(vcpu), "RSM");
	smm_settle(vcpu);
	raw_load_code(vcpu, LOOP);
}

/* The host takes a page of the guest's while only the other space is loaded. */
static void test_lost_page(struct vcpu *vcpu)
{
	/* mov 0x600000, %eax; out %al, $0x80; jmp to the start */
	static const char reader[] = "\x8b\x04\x25\x00\x00\x60\x00\xe6\x80\xeb\xf5";
	struct vm *vm = vcpu->vm;

	smm_settle(vcpu);
	raw_load(vcpu, reader, sizeof(reader) - 1);
	vm_write32(vm, 0x600000, 6);
	tap_ok(smm_in_guest(vcpu), "the guest reads");
	tap_eq(raw_regs(vcpu).rax, 6, "its page");
	smm_smi(vcpu);
	tap_ok(smm_in_handler(vcpu), "SMM");
	must(madvise(vm->mem + 0x600000, PAGE_SIZE, MADV_DONTNEED));
	tap_ok(smm_in_guest(vcpu), "RSM");
	tap_eq(raw_regs(vcpu).rax, 0, "the guest reads the page that took its place");
	smm_settle(vcpu);
	raw_load_code(vcpu, LOOP);
}

static void test_priorities(struct vcpu *vcpu)
{
	struct kvm_vcpu_events e;

	raw_load_code(vcpu, LOOP);
	smm_smi(vcpu);
	tap_ok(smm_in_handler(vcpu), "SMM");
	smm_smi(vcpu);
	tap_ok(smm_in_handler(vcpu), "a second SMI waits for RSM, and is taken then");
	tap_ok(smm_in_guest(vcpu), "RSM");
	e = smm_events(vcpu);
	e.nmi.masked = 1;
	must(xioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &e));
	smm_smi(vcpu);
	tap_ok(smm_in_handler(vcpu), "an SMI in an NMI's handler");
	tap_ok(smm_events(vcpu).smi.smm_inside_nmi, "which is remembered");
	tap_ok(smm_in_guest(vcpu) && smm_events(vcpu).nmi.masked, "NMIs stay blocked after RSM");
	e.nmi.masked = 0;
	must(xioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &e));
	must(xioctl_val(vcpu->fd, KVM_NMI, 0));
	smm_smi(vcpu);
	tap_ok(smm_in_handler(vcpu), "an SMI comes before an NMI");
	tap_ok(smm_events(vcpu).nmi.pending, "which waits");
	tap_eq(raw_run(vcpu), KVM_EXIT_SHUTDOWN, "for RSM: without an IDT it is the end");
}

static void test_refused(void)
{
	struct vcpu *vcpu = smm_create(false);
	struct kvm_vcpu_events e;

	/* rsm */
	raw_load_code(vcpu, "\x0f\xaa");
	tap_eq(raw_run(vcpu), KVM_EXIT_SHUTDOWN, "RSM outside of SMM is undefined");
	guest_destroy(vcpu);
	vcpu = smm_create(false);
	smm_smi(vcpu);
	tap_ok(smm_in_handler(vcpu), "SMM");
	AT(smram, 0x7f58, uint64_t) = BIT(31);
	tap_eq(raw_run(vcpu), KVM_EXIT_SHUTDOWN, "RSM to paging in real mode");
	guest_destroy(vcpu);
	vcpu = smm_create(false);
	smm_smi(vcpu);
	tap_ok(smm_in_handler(vcpu), "SMM");
	AT(smram, 0x7f48, uint64_t) = ~0ULL;
	tap_eq(raw_run(vcpu), KVM_EXIT_SHUTDOWN, "RSM with reserved bits of CR4");
	guest_destroy(vcpu);
	vcpu = smm_create(true);
	e = smm_events(vcpu);
	must(xioctl(vcpu->fd, KVM_SET_MP_STATE,
		    &(struct kvm_mp_state){ KVM_MP_STATE_INIT_RECEIVED }));
	e.smi.pending = 1;
	tap_eq(xioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &e), -EINVAL,
	       "no SMI for a vCPU that waits to be started");
	guest_destroy(vcpu);
}

static void test_apic(void)
{
	struct vcpu *vcpu = smm_create(true);
	struct kvm_mp_state state = { KVM_MP_STATE_HALTED };
	const uint64_t base = APIC_ENABLED;
	struct kvm_sregs s;

	smm_msr(vcpu, MSR_APIC_BASE, &base);
	must(xioctl(vcpu->fd, KVM_SET_MP_STATE, &state));
	smm_smi(vcpu);
	tap_ok(smm_in_handler(vcpu), "an SMI wakes a halted vCPU");
	must(xioctl(vcpu->fd, KVM_GET_MP_STATE, &state));
	tap_eq(state.mp_state, KVM_MP_STATE_RUNNABLE, "which runs");
	tap_ok(smm_in_guest(vcpu), "RSM");
	smm_settle(vcpu);
	raw_load_code(vcpu, SELF_SMI);
	if (!tap_ok(smm_in_handler(vcpu), "an SMI by the local APIC"))
		guest_report(vcpu, GUEST_EXIT);
	tap_ok(smm_in_guest(vcpu), "RSM");
	smm_handler(SELF_INIT);
	smm_smi(vcpu);
	tap_ok(smm_in_handler(vcpu), "a handler that sends INIT to itself goes on");
	tap_ok(smm_events(vcpu).smi.latched_init, "INIT waits");
	state.mp_state = KVM_MP_STATE_INIT_RECEIVED;
	tap_eq(xioctl(vcpu->fd, KVM_SET_MP_STATE, &state), -EINVAL,
	       "no wait for a start in SMM");
	raw_run(vcpu);
	s = smm_sregs(vcpu);
	tap_ok(!smm_events(vcpu).smi.latched_init && s.cs.base == 0xffff0000 &&
	       raw_regs(vcpu).rip == 0xfff0, "RSM lets it in");
	tap_eq(smm_msr(vcpu, MSR_SMI_COUNT, NULL), 0, "and the count begins anew");
	guest_destroy(vcpu);
}

/* All of it by userspace, as after a migration: from inside the handler in one VM to another. */
static void test_move(void)
{
	struct vcpu *from = smm_create(false), *to;
	struct kvm_vcpu_events e;
	struct kvm_sregs s;
	struct kvm_regs r;
	uint8_t *old;

	tap_ok(smm_in_guest(from), "the guest runs");
	smm_smi(from);
	tap_ok(smm_in_handler(from), "SMM");
	smm_settle(from);
	e = smm_events(from);
	s = smm_sregs(from);
	r = raw_regs(from);
	old = smram;
	to = smm_create(false);
	memcpy(smram, old, SMRAM_SIZE);
	memcpy(to->vm->mem, from->vm->mem, GUEST_MEM_SIZE);
	must(xioctl(to->fd, KVM_SET_SREGS, &s));
	raw_set_regs(to, r);
	must(xioctl(to->fd, KVM_SET_VCPU_EVENTS, &e));
	tap_ok(smm_in_guest(to), "RSM in another VM goes back");
	s = smm_sregs(to);
	tap_ok(s.efer & EFER_LMA, "into 64-bit mode");
	guest_destroy(from);
	guest_destroy(to);
}

/* The CPUID of a processor without 64-bit mode. */
static void narrow_cpuid(struct vcpu *vcpu)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[256];
	} cpuid = { .head.nent = 256 };
	uint32_t i;

	must(xioctl(vcpu->fd, KVM_GET_CPUID2, &cpuid));
	for (i = 0; i < cpuid.head.nent; i++)
		if (cpuid.entry[i].function == CPUID_EXT)
			cpuid.entry[i].edx &= ~CPUID_LM;
	must(xioctl(vcpu->fd, KVM_SET_CPUID2, &cpuid));
}

static void test_narrow(enum guest_mode mode)
{
	struct vcpu *vcpu = smm_create(false);
	struct kvm_sregs before, after;
	uint64_t rip;

	narrow_cpuid(vcpu);
	vcpu_set_mode(vcpu, mode);
	if (mode == MODE_REAL)
		memcpy(vcpu->vm->mem + IMAGE16_GPA, LOOP, sizeof(LOOP));
	else
		raw_load_code(vcpu, LOOP);
	rip = raw_regs(vcpu).rip;
	tap_ok(smm_in_guest(vcpu), "%s: the guest runs", mode_name(mode));
	before = smm_sregs(vcpu);
	smm_smi(vcpu);
	tap_ok(smm_in_handler(vcpu), "SMM");
	tap_eq(AT(smram, 0x7efc, uint32_t), 0x20000, "revision of the 32-bit layout");
	tap_ok(AT(smram, 0x7ff0, uint32_t) == rip + 2 &&
	       AT(smram, 0x7ffc, uint32_t) == before.cr0 &&
	       AT(smram, 0x7ff8, uint32_t) == before.cr3 &&
	       AT(smram, 0x7f14, uint32_t) == before.cr4 &&
	       AT(smram, 0x7fac, uint32_t) == before.cs.selector &&
	       AT(smram, 0x7ef8, uint32_t) == SMBASE, "what it holds");
	AT(smram, 0x7fd0, uint32_t) = 0x11223344;
	if (!tap_ok(smm_in_guest(vcpu), "RSM"))
		guest_report(vcpu, GUEST_EXIT);
	after = smm_sregs(vcpu);
	tap_ok(!memcmp(&before, &after, sizeof(before)), "with all system registers");
	tap_eq(raw_regs(vcpu).rax, 0x11223344, "EAX comes from SMRAM");
	guest_destroy(vcpu);
}

int main(void)
{
	struct vcpu *vcpu;

	tap_start("smm", 60);
	vcpu = smm_create(false);
	test_slots(vcpu);
	test_state(vcpu);
	test_changes(vcpu);
	test_memory(vcpu);
	test_page_table(vcpu);
	test_lost_page(vcpu);
	test_priorities(vcpu);
	guest_destroy(vcpu);
	test_refused();
	test_apic();
	test_move();
	test_narrow(MODE_PROT);
	test_narrow(MODE_PSE);
	test_narrow(MODE_PAE);
	test_narrow(MODE_REAL);
	return tap_done();
}
