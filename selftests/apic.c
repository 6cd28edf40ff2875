// SPDX-License-Identifier: GPL-2.0
/* The local APIC in the kernel: registers, timer, IPIs, start of a second vCPU, HLT, state. */
#include <signal.h>
#include <unistd.h>
#include <linux/kvm_para.h>

#include "lib/irqs.h"
#include "guest/apic.h"

#define NR_VCPUS	2
#define REG(state, offset)	(*(uint32_t *)((state)->regs + (offset)))
#define CPUID_TSC_DEADLINE	BIT(24)

/* The feature is the module's if the capability says so, and userspace adds it. */
static void offer_deadline(struct vcpu *vcpu)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[256];
	} cpuid = { .head.nent = 256 };
	uint32_t i;

	if (!has_cap(vcpu->vm->dev, KVM_CAP_TSC_DEADLINE_TIMER))
		return;
	must(xioctl(vcpu->fd, KVM_GET_CPUID2, &cpuid));
	for (i = 0; i < cpuid.head.nent; i++)
		if (cpuid.entry[i].function == 1)
			cpuid.entry[i].ecx |= CPUID_TSC_DEADLINE;
	must(xioctl(vcpu->fd, KVM_SET_CPUID2, &cpuid));
}

static void create(struct vcpu **vcpus, unsigned int n)
{
	struct vm *vm = vm_create();
	unsigned int i;

	must(xioctl_val(vm->fd, KVM_CREATE_IRQCHIP, 0));
	for (i = 0; i < n; i++) {
		vcpus[i] = vcpu_create(vm, i);
		offer_deadline(vcpus[i]);
		vcpu_set_mode(vcpus[i], MODE_LONG);
	}
	vm_load(vm, "apic", MODE_LONG);
	irq_map_devices(vcpus, n);
}

static void destroy(struct vcpu **vcpus, unsigned int n)
{
	struct vm *vm = vcpus[0]->vm;
	unsigned int i;

	for (i = 0; i < n; i++)
		vcpu_destroy(vcpus[i]);
	vm_destroy(vm);
}

static uint32_t mp_state(struct vcpu *vcpu)
{
	struct kvm_mp_state state;

	must(xioctl(vcpu->fd, KVM_GET_MP_STATE, &state));
	return state.mp_state;
}

static int set_mp_state(struct vcpu *vcpu, uint32_t val)
{
	struct kvm_mp_state state = { val };

	return xioctl(vcpu->fd, KVM_SET_MP_STATE, &state);
}

static void test_creation(void)
{
	struct vm *vm = vm_create();
	struct kvm_lapic_state lapic;
	struct kvm_interrupt irq = { 0x40 };
	struct vcpu *vcpu = vcpu_create(vm, 0);

	tap_eq(xioctl(vcpu->fd, KVM_GET_LAPIC, &lapic), -EINVAL, "GET_LAPIC without an irqchip");
	tap_eq(xioctl(vcpu->fd, KVM_SET_LAPIC, &lapic), -EINVAL, "SET_LAPIC without an irqchip");
	tap_eq(set_mp_state(vcpu, KVM_MP_STATE_HALTED), -EINVAL, "no HALTED without an irqchip");
	tap_eq(xioctl_val(vm->fd, KVM_CREATE_IRQCHIP, 0), -EINVAL, "no irqchip after a vCPU");
	tap_eq(xioctl_val(vm->fd, KVM_SET_BOOT_CPU_ID, 0), -EBUSY, "no boot CPU after a vCPU");
	guest_destroy(vcpu);
	vm = vm_create();
	tap_eq(xioctl_val(vm->fd, KVM_SET_BOOT_CPU_ID, 1), 0, "vCPU 1 is the boot CPU");
	tap_eq(xioctl_val(vm->fd, KVM_CREATE_IRQCHIP, 0), 0, "CREATE_IRQCHIP");
	tap_eq(xioctl_val(vm->fd, KVM_CREATE_IRQCHIP, 0), -EEXIST, "CREATE_IRQCHIP again");
	vcpu = vcpu_create(vm, 0);
	tap_eq(mp_state(vcpu), KVM_MP_STATE_UNINITIALIZED, "vCPU 0 waits");
	tap_eq(xioctl(vcpu->fd, KVM_INTERRUPT, &irq), -ENXIO, "INTERRUPT with an irqchip");
	vcpu_destroy(vcpu);
	vcpu = vcpu_create(vm, 1);
	tap_eq(mp_state(vcpu), KVM_MP_STATE_RUNNABLE, "vCPU 1 runs");
	guest_destroy(vcpu);
}

/* For who compares; in the lab a tick is an instruction. */
static void tell_cost(struct vcpu *vcpu, const char *mode)
{
	const unsigned long long *cost = vcpu->shared->result;

	guest_test(vcpu, APIC_COST, "%s: many in a row", mode);
	tap_diag("%s: self-IPI with EOI %llu, TPR %llu, TSC deadline %llu, PIC read %llu ticks",
		 mode, cost[APIC_COST_SELF], cost[APIC_COST_TPR], cost[APIC_COST_DEADLINE],
		 cost[APIC_COST_PORT]);
}

/* KVM's way to end an interrupt without an exit. */
static void test_pv_eoi(struct vcpu *vcpu, const char *mode, bool by_cpu)
{
	if (!cpuid_has(KVM_CPUID_FEATURES, 0, CPUID_EAX, KVM_FEATURE_PV_EOI)) {
		tap_skip("not offered", "%s: PV EOI", mode);
		return;
	}
	vcpu->shared->arg[0] = 1;
	guest_test(vcpu, APIC_PV_EOI, "%s: PV EOI is turned on", mode);
	if (by_cpu) {
		tap_skip("they end without an exit", "%s: interrupts end in memory", mode);
	} else {
		guest_test(vcpu, APIC_PV_COUNT, "%s: interrupts end in memory", mode);
		tap_ok(vcpu->shared->result[0] >= APIC_ROUNDS - 5,
		       "%s: nearly all of them: %llu of %u", mode, vcpu->shared->result[0],
		       APIC_ROUNDS);
	}
	guest_test(vcpu, APIC_SELF, "%s: self-IPIs by priority with PV EOI", mode);
	guest_test(vcpu, APIC_TIMER, "%s: timer with PV EOI", mode);
	guest_test(vcpu, APIC_SLEEP, "%s: HLT with PV EOI", mode);
	vcpu->shared->arg[0] = 0;
	guest_test(vcpu, APIC_PV_EOI, "%s: PV EOI is turned off", mode);
}

static void test_alone(void)
{
	struct vcpu *vcpu;

	create(&vcpu, 1);
	guest_test(vcpu, APIC_REGS, "registers by MMIO");
	guest_test(vcpu, APIC_SELF, "self-IPIs by priority");
	guest_test(vcpu, APIC_WINDOW, "interrupts wait for IF, STI and MOV SS");
	guest_test(vcpu, APIC_TIMER, "timer: one-shot, periodic, masked");
	guest_test(vcpu, APIC_SLEEP, "HLT until the timer");
	if (has_cap(vcpu->vm->dev, KVM_CAP_TSC_DEADLINE_TIMER))
		guest_test(vcpu, APIC_DEADLINE, "timer: TSC deadline");
	else
		tap_skip("not offered", "timer: TSC deadline");
	tell_cost(vcpu, "xAPIC");
	test_pv_eoi(vcpu, "xAPIC", irq_apicv_xapic());
	guest_test(vcpu, APIC_X2, "x2APIC by MSR");
	guest_test(vcpu, APIC_SELF, "self-IPIs by MSR");
	guest_test(vcpu, APIC_TIMER, "timer by MSR");
	guest_test(vcpu, APIC_SLEEP, "HLT until the timer, by MSR");
	tell_cost(vcpu, "x2APIC");
	test_pv_eoi(vcpu, "x2APIC", irq_apicv());
	destroy(&vcpu, 1);
}

static void run_both(struct vcpu **vcpus, uint64_t op0, uint64_t op1, const char *what)
{
	struct irq_runner r[NR_VCPUS];
	unsigned int i;

	irq_start(&r[1], vcpus[1], op1);
	irq_start(&r[0], vcpus[0], op0);
	for (i = 0; i < NR_VCPUS; i++)
		irq_join(&r[i]);
	tap_ok(r[0].outcome == GUEST_DONE && r[1].outcome == GUEST_DONE, "%s", what);
}

static void test_ipis(void)
{
	struct vcpu *vcpus[NR_VCPUS];

	create(vcpus, NR_VCPUS);
	must(set_mp_state(vcpus[1], KVM_MP_STATE_RUNNABLE));
	run_both(vcpus, APIC_SEND, APIC_RECEIVE, "IPIs by every kind of destination");
	run_both(vcpus, APIC_PING, APIC_PING, "IPIs to and fro between halted vCPUs");
	run_both(vcpus, APIC_PV_IPI, APIC_PV_IPI, "IPIs by hypercall");
	run_both(vcpus, APIC_KICK, APIC_KICKED, "a hypercall wakes what no interrupt can");
	destroy(vcpus, NR_VCPUS);
}

/* mov $mark, %ax: CS, stored for vCPU 0, then HLT for ever. */
static const uint8_t trampoline[] = {
	0x8c, 0xc8,			/* mov %cs, %ax */
	0x31, 0xdb,			/* xor %bx, %bx */
	0x8e, 0xdb,			/* mov %bx, %ds */
	0xa3, 0x00, 0x90,		/* mov %ax, APIC_STARTED */
	0xfa,				/* cli */
	0xf4,				/* hlt */
	0xeb, 0xfd,			/* jmp to hlt */
};

static void test_start(void)
{
	struct vcpu *vcpus[NR_VCPUS];
	struct irq_runner ap;

	create(vcpus, NR_VCPUS);
	memcpy(vcpus[0]->vm->mem + APIC_TRAMPOLINE, trampoline, sizeof(trampoline));
	irq_start(&ap, vcpus[1], 0);
	guest_test(vcpus[0], APIC_START, "INIT and SIPI start a vCPU");
	pthread_kill(ap.thread, SIGUSR1);
	pthread_join(ap.thread, NULL);
	tap_eq(ap.outcome, -EINTR, "a signal ends KVM_RUN of a halted vCPU");
	tap_eq(vcpus[1]->run->exit_reason, KVM_EXIT_INTR, "with KVM_EXIT_INTR");
	tap_eq(mp_state(vcpus[1]), KVM_MP_STATE_HALTED, "which stays halted");
	destroy(vcpus, NR_VCPUS);
}

static void test_mp_state(void)
{
	struct vcpu *vcpus[NR_VCPUS];
	struct kvm_sregs sregs;

	create(vcpus, NR_VCPUS);
	tap_eq(mp_state(vcpus[0]), KVM_MP_STATE_RUNNABLE, "the boot CPU runs");
	tap_eq(mp_state(vcpus[1]), KVM_MP_STATE_UNINITIALIZED, "the other waits");
	tap_eq(set_mp_state(vcpus[1], 77), -EINVAL, "an unknown state");
	tap_eq(set_mp_state(vcpus[1], KVM_MP_STATE_HALTED), 0, "set to HALTED");
	tap_eq(mp_state(vcpus[1]), KVM_MP_STATE_HALTED, "reads back");
	tap_eq(set_mp_state(vcpus[1], KVM_MP_STATE_SIPI_RECEIVED), 0, "set to SIPI_RECEIVED");
	tap_eq(mp_state(vcpus[1]), KVM_MP_STATE_RUNNABLE, "is a start");
	must(xioctl(vcpus[1]->fd, KVM_GET_SREGS, &sregs));
	tap_eq(sregs.cs.selector, 0, "at the vector given last, 0");
	destroy(vcpus, NR_VCPUS);
}

/* What is written comes back, but for what hardware computes. */
static void test_state(void)
{
	struct kvm_lapic_state lapic, again;
	struct vcpu *vcpu;

	create(&vcpu, 1);
	must(xioctl(vcpu->fd, KVM_GET_LAPIC, &lapic));
	tap_eq(REG(&lapic, 0x30), 0x50014, "GET_LAPIC: version");
	tap_eq(REG(&lapic, 0xe0), 0xffffffff, "GET_LAPIC: DFR");
	tap_eq(REG(&lapic, 0xf0), 0xff, "GET_LAPIC: SPIV");
	tap_eq(REG(&lapic, 0x350), 0x700, "GET_LAPIC: LVT0");
	REG(&lapic, 0x80) = 0x30;
	REG(&lapic, 0xf0) = 0x1ff;
	REG(&lapic, 0x240) = 0x3;	/* IRR: 0x40 and 0x41 */
	REG(&lapic, 0x300) = 0x4567;
	REG(&lapic, 0x310) = 0x12000000;
	tap_eq(xioctl(vcpu->fd, KVM_SET_LAPIC, &lapic), 0, "SET_LAPIC");
	must(xioctl(vcpu->fd, KVM_GET_LAPIC, &again));
	tap_eq(REG(&again, 0x80), 0x30, "TPR reads back");
	tap_eq(REG(&again, 0x300), 0x4567, "ICR reads back");
	tap_eq(REG(&again, 0x310), 0x12000000, "ICR2 reads back");
	tap_eq(REG(&again, 0x240), 3, "IRR reads back");
	vcpu->run->immediate_exit = 1;
	tap_eq(vcpu_run(vcpu), -EINTR, "KVM_RUN that returns at once");
	tap_eq(vcpu->run->cr8, 3, "CR8 in the run page is the TPR");
	destroy(&vcpu, 1);
}

static void test_msi(void)
{
	struct kvm_msi msi = { .address_lo = APIC_GPA, .data = 0x60 };
	struct irq_runner r;
	struct vcpu *vcpu;
	int got;

	create(&vcpu, 1);
	vcpu->shared->arg[0] = 0x60;
	vcpu->shared->arg[1] = 1;
	irq_start(&r, vcpu, APIC_WAIT);
	do {
		got = xioctl(vcpu->vm->fd, KVM_SIGNAL_MSI, &msi);
		usleep(1000);
	} while (!got);
	irq_join(&r);
	tap_eq(got, 1, "SIGNAL_MSI reaches one vCPU");
	tap_eq(r.outcome, GUEST_DONE, "which wakes up");
	msi.flags = 4;
	tap_eq(xioctl(vcpu->vm->fd, KVM_SIGNAL_MSI, &msi), -EINVAL, "SIGNAL_MSI: a bad flag");
	msi.flags = 0;
	msi.address_lo |= 9 << 12;
	tap_eq(xioctl(vcpu->vm->fd, KVM_SIGNAL_MSI, &msi), 0, "SIGNAL_MSI to nobody");
	destroy(&vcpu, 1);
}

int main(void)
{
	tap_start("apic", 240);
	irq_catch_signals();
	test_creation();
	test_alone();
	test_mp_state();
	test_state();
	test_ipis();
	test_start();
	test_msi();
	return tap_done();
}
