// SPDX-License-Identifier: GPL-2.0
/*
 * A local APIC that the CPU runs (APICv): what needs no exit any more, by the module's counters,
 * and that all else is as without. On a module that emulates the APIC each of these exits.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/irqs.h"
#include "lib/stats.h"
#include "guest/apic.h"

#define REG(state, offset)	(*(uint32_t *)((state)->regs + (offset)))
#define REG_TPR		0x80
#define REG_PPR		0xa0
#define REG_ISR		0x100
#define REG_IRR		0x200
#define WORD(bank, vector)	((bank) + (vector) / 32 * 16)
/* Exits that have nothing to do with it: the host's own interrupts, the beginning and the end. */
#define BACKGROUND	(APIC_MANY_ROUNDS / 4)

struct mode {
	const char *name;
	bool x2apic;
	bool by_cpu;
};

static struct vcpu *create(const struct mode *mode)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu;

	must(xioctl_val(vm->fd, KVM_CREATE_IRQCHIP, 0));
	vcpu = vcpu_create(vm, 0);
	vcpu_set_mode(vcpu, MODE_LONG);
	vm_load(vm, "apic", MODE_LONG);
	irq_map_devices(&vcpu, 1);
	if (mode->x2apic)
		guest_test(vcpu, APIC_X2ON, "x2APIC mode");
	return vcpu;
}

static void test_exits(const struct mode *mode)
{
	static const char *const what[APIC_MANY_KINDS] = {
		[APIC_MANY_TPR] = "the TPR by its register",
		[APIC_MANY_CR8] = "the TPR by CR8",
		[APIC_MANY_SELF] = "self-IPIs by their own register",
		[APIC_MANY_ICR] = "self-IPIs by the ICR",
		[APIC_MANY_READ] = "reads of registers",
	};
	struct vcpu *vcpu = create(mode);
	uint64_t kind, before, exits, most;
	/* KVM leaves more to the CPU, also where it has no APICv. */
	bool umbra = stat_read(vcpu->fd, "exits_wrmsr", &before);

	for (kind = 0; kind < APIC_MANY_KINDS; kind++) {
		before = stat_value(vcpu->fd, "exits");
		vcpu->shared->arg[0] = kind;
		guest_test(vcpu, APIC_MANY, "%s: %s", mode->name, what[kind]);
		exits = stat_value(vcpu->fd, "exits") - before;
		tap_diag("%llu exits in %u rounds", (unsigned long long)exits, APIC_MANY_ROUNDS);
		/* The module finds out whom an x2APIC's ICR addresses, and reads an xAPIC's PPR. */
		most = BACKGROUND;
		if (kind == (mode->x2apic ? APIC_MANY_ICR : APIC_MANY_TPR))
			most += APIC_MANY_ROUNDS;
		if (mode->by_cpu)
			tap_ok(exits < most, most > BACKGROUND ? "one exit each" : "no exits");
		else if (umbra)
			tap_ok(exits >= 2 * APIC_MANY_ROUNDS, "two exits or more each");
	}
	guest_destroy(vcpu);
}

static bool posts(void)
{
	FILE *file = fopen("/sys/kernel/debug/umbra/info", "re");
	bool yes = false;
	char line[80];

	while (file && fgets(line, sizeof(line), file))
		yes |= !strcmp(line, "posted_interrupts: yes\n");
	if (file)
		fclose(file);
	return yes;
}

static void test_ipis(const struct mode *mode)
{
	struct kvm_mp_state runnable = { KVM_MP_STATE_RUNNABLE };
	struct irq_runner r[2];
	struct vcpu *vcpus[2] = { create(mode) };
	uint64_t before, exits;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		tap_skip("two CPUs are needed", "%s: IPIs to a vCPU that runs",
			 mode->name);
		guest_destroy(vcpus[0]);
		return;
	}
	vcpus[1] = vcpu_create(vcpus[0]->vm, 1);
	vcpu_set_mode(vcpus[1], MODE_LONG);
	irq_map_devices(vcpus, 2);
	must(xioctl(vcpus[1]->fd, KVM_SET_MP_STATE, &runnable));
	if (mode->x2apic)
		guest_test(vcpus[1], APIC_X2ON, "x2APIC mode");
	before = stat_value(vcpus[1]->fd, "exits");
	irq_start(&r[1], vcpus[1], APIC_SPIN);
	irq_start(&r[0], vcpus[0], APIC_POST);
	irq_join(&r[0]);
	irq_join(&r[1]);
	tap_eq(r[0].outcome, GUEST_DONE, "%s: IPIs to a vCPU that runs", mode->name);
	tap_eq(r[1].outcome, GUEST_DONE, "which takes them");
	exits = stat_value(vcpus[1]->fd, "exits") - before;
	tap_diag("%llu exits in %u rounds", (unsigned long long)exits, APIC_MANY_ROUNDS);
	if (posts() && mode->by_cpu)
		tap_ok(exits < BACKGROUND, "no exits");
	else
		tap_ok(exits >= APIC_MANY_ROUNDS, "exits");
	vcpu_destroy(vcpus[1]);
	guest_destroy(vcpus[0]);
}

static void test_level(const struct mode *mode)
{
	struct kvm_irq_level line = { .irq = APIC_LEVEL_PIN, .level = 1 };
	struct vcpu *vcpu = create(mode);
	uint64_t eois;

	must(xioctl(vcpu->vm->fd, KVM_IRQ_LINE, &line));
	guest_test(vcpu, APIC_LEVEL, "%s: the IOAPIC hears of the end of each level-triggered one",
		   mode->name);
	if (mode->by_cpu) {
		eois = stat_value(vcpu->fd, "exits_eoi");
		tap_ok(eois >= APIC_LEVELS && eois <= APIC_LEVELS + 1, "whose end exits: %llu",
		       (unsigned long long)eois);
	}
	guest_destroy(vcpu);
}

/* What the CPU knows besides the page follows it: from the guest to userspace, and back. */
static void test_state(const struct mode *mode)
{
	struct kvm_lapic_state lapic;
	struct kvm_sregs sregs;
	struct vcpu *vcpu = create(mode);

	guest_test(vcpu, APIC_OFF, "%s: switched off by software it takes nothing", mode->name);
	guest_test(vcpu, APIC_LEAVE, "requests that wait");
	must(xioctl(vcpu->fd, KVM_GET_LAPIC, &lapic));
	must(xioctl(vcpu->fd, KVM_GET_SREGS, &sregs));
	tap_eq(REG(&lapic, REG_TPR), APIC_LEAVE_TPR, "GET_LAPIC: TPR");
	tap_eq(REG(&lapic, REG_PPR), APIC_LEAVE_TPR, "GET_LAPIC: PPR");
	tap_eq(sregs.cr8, APIC_LEAVE_TPR >> 4, "GET_SREGS: CR8");
	tap_eq(vcpu->run->cr8, APIC_LEAVE_TPR >> 4, "CR8 in the run page");
	tap_eq(REG(&lapic, WORD(REG_IRR, APIC_LEAVE_VEC)), 1 << APIC_LEAVE_VEC % 32,
	       "GET_LAPIC: a request");
	tap_eq(REG(&lapic, WORD(REG_IRR, APIC_LEAVE_HIGH)), 1 << APIC_LEAVE_HIGH % 32,
	       "GET_LAPIC: and another");
	REG(&lapic, WORD(REG_IRR, 0x51)) |= 1 << 0x51 % 32;
	REG(&lapic, WORD(REG_ISR, APIC_SERVING_VEC)) |= 1 << APIC_SERVING_VEC % 32;
	must(xioctl(vcpu->fd, KVM_SET_LAPIC, &lapic));
	guest_test(vcpu, APIC_SERVING, "SET_LAPIC: by priority after what is in service");
	guest_destroy(vcpu);
}

static void test_blocked(const struct mode *mode)
{
	struct kvm_guest_debug debug = { .control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_BLOCKIRQ };
	struct vcpu *vcpu = create(mode);

	must(xioctl(vcpu->fd, KVM_SET_GUEST_DEBUG, &debug));
	guest_test(vcpu, APIC_BLOCKED, "%s: userspace holds interrupts back", mode->name);
	debug.control = 0;
	must(xioctl(vcpu->fd, KVM_SET_GUEST_DEBUG, &debug));
	guest_test(vcpu, APIC_UNBLOCKED, "and lets them come");
	guest_destroy(vcpu);
}

/* All vCPUs of a VM share the page: the second one's x2APIC takes it from the first. */
static void test_mixed(void)
{
	const struct mode xapic = { .name = "xAPIC" };
	struct kvm_mp_state runnable = { KVM_MP_STATE_RUNNABLE };
	struct vcpu *vcpus[2] = { create(&xapic) };

	guest_test(vcpus[0], APIC_SELF, "beside no x2APIC");
	vcpus[1] = vcpu_create(vcpus[0]->vm, 1);
	vcpu_set_mode(vcpus[1], MODE_LONG);
	irq_map_devices(vcpus, 2);
	must(xioctl(vcpus[1]->fd, KVM_SET_MP_STATE, &runnable));
	guest_test(vcpus[1], APIC_X2ON, "a second vCPU's x2APIC");
	guest_test(vcpus[1], APIC_HOLE, "which is not in memory");
	guest_test(vcpus[0], APIC_SELF, "beside an x2APIC");
	guest_test(vcpus[0], APIC_TIMER, "and its timer");
	vcpu_destroy(vcpus[1]);
	guest_destroy(vcpus[0]);
}

/* A memslot there is memory, as without APICv; without it again the APIC. */
static void test_covered(void)
{
	const struct mode xapic = { .name = "xAPIC" };
	struct vcpu *vcpu = create(&xapic);
	struct vm *vm = vcpu->vm;
	uint32_t *page = host_pages(PAGE_SIZE);

	guest_test(vcpu, APIC_SELF, "before a memslot covers it");
	if (vm_set_slot(vm, 9, 0, APIC_GPA, PAGE_SIZE, page) < 0) {
		tap_skip("the device keeps the place", "a memslot in its place");
	} else {
		page[0] = 0x12345678;
		guest_test(vcpu, APIC_COVERED, "a memslot in its place");
		tap_eq(page[1], 0x12345679, "which the guest writes");
		must(vm_set_slot(vm, 9, 0, APIC_GPA, 0, NULL));
	}
	guest_test(vcpu, APIC_SELF, "and afterwards");
	guest_destroy(vcpu);
	munmap(page, PAGE_SIZE);
}

int main(void)
{
	const struct mode modes[] = {
		{ "xAPIC", false, irq_apicv_xapic() },
		{ "x2APIC", true, irq_apicv() },
	};
	size_t i;

	tap_start("apicv", 120);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		tap_diag("%s: APICv is %s", modes[i].name, modes[i].by_cpu ? "on" : "off");
		test_exits(&modes[i]);
		test_ipis(&modes[i]);
		test_level(&modes[i]);
		test_state(&modes[i]);
		test_blocked(&modes[i]);
	}
	test_mixed();
	test_covered();
	return tap_done();
}
