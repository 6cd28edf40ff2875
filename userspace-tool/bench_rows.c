// SPDX-License-Identifier: GPL-2.0
/* The rows of the benchmark: what each does, may cost, and must produce. */
#include <errno.h>
#include <linux/kvm_para.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "bench.h"
#include "bench_irq.h"

#define CPUID_ENTRIES	512

/* KVM_GET_CPUID2 leaves nent as it was: the entries after the last are empty. */
static void expect_cpuid(const struct bench_vm *bench, u64 count, struct outcome *outcome)
{
	struct kvm_cpuid2 *cpuid;

	(void)count;
	cpuid = xcalloc(1, sizeof(*cpuid) + CPUID_ENTRIES * sizeof(cpuid->entries[0]));
	cpuid->nent = CPUID_ENTRIES;
	ioctl(bench->vm.vcpu, KVM_GET_CPUID2, cpuid);
	for (u32 i = 0; i < CPUID_ENTRIES && !outcome->value; i++)
		if (!cpuid->entries[i].function)
			outcome->value = cpuid->entries[i].eax;
	free(cpuid);
}

static void expect_vmcall(const struct bench_vm *bench, u64 count, struct outcome *outcome)
{
	(void)bench;
	(void)count;
	outcome->value = (u64)-KVM_ENOSYS;
}

static void expect_rdmsr(const struct bench_vm *bench, u64 count, struct outcome *outcome)
{
	struct kvm_sregs sregs = { 0 };

	(void)count;
	ioctl(bench->vm.vcpu, KVM_GET_SREGS, &sregs);
	outcome->value = sregs.apic_base;
}

static void expect_port_out(const struct bench_vm *bench, u64 count, struct outcome *outcome)
{
	(void)bench;
	outcome->io_exits = count;
}

static void expect_mmio_write(const struct bench_vm *bench, u64 count, struct outcome *outcome)
{
	(void)bench;
	outcome->mmio_exits = count;
}

static void expect_mmio_read(const struct bench_vm *bench, u64 count, struct outcome *outcome)
{
	(void)bench;
	outcome->mmio_exits = count;
	outcome->value = (u32)(count * (count + 1) / 2);
}

static void expect_nothing(const struct bench_vm *bench, u64 count, struct outcome *outcome)
{
	(void)bench;
	(void)count;
	(void)outcome;
}

static void expect_switch(const struct bench_vm *bench, u64 count, struct outcome *outcome)
{
	(void)bench;
	outcome->value = count * (TEST_FRAME_X + TEST_FRAME_Y);
}

static void expect_change(const struct bench_vm *bench, u64 count, struct outcome *outcome)
{
	(void)bench;
	outcome->value = (count + 1) / 2 * TEST_FRAME_Y + count / 2 * TEST_FRAME_X;
}

static void expect_unmap(const struct bench_vm *bench, u64 count, struct outcome *outcome)
{
	(void)bench;
	outcome->value = count * TEST_FRAME_X;
}

static void expect_fault(const struct bench_vm *bench, u64 count, struct outcome *outcome)
{
	(void)bench;
	outcome->faults = count;
}

static int measure_immediate_exit(const struct target *target, struct bench_vm *bench, u64 count,
				  u64 *ticks)
{
	u64 start, done;
	int vcpu = bench->vm.vcpu;

	(void)target;
	bench->vm.run->immediate_exit = 1;
	start = read_tsc();
	for (done = 0; done < count; done++)
		if (ioctl(vcpu, KVM_RUN, 0) != -1 || errno != EINTR)
			break;
	*ticks = read_tsc() - start;
	bench->vm.run->immediate_exit = 0;
	if (done != count)
		return bench_fail(bench, "KVM_RUN with immediate_exit did not answer EINTR");
	return 0;
}

static int measure_create(const struct target *target, struct bench_vm *bench, u64 count,
			  u64 *ticks)
{
	struct vm_config config = { target->device, target->backend, .ram_size = MIB };
	const char *step;
	struct vm vm;
	u64 start = read_tsc();

	for (u64 i = 0; i < count; i++) {
		if (vm_create(&vm, &config, &step))
			return bench_fail(bench, "%s: %s", step, strerror(errno));
		vm_destroy(&vm);
	}
	*ticks = read_tsc() - start;
	return 0;
}

static int run_to_port(struct bench_vm *bench)
{
	struct kvm_run *run = bench->vm.run;

	if (ioctl(bench->vm.vcpu, KVM_RUN, 0) || run->exit_reason != KVM_EXIT_IO ||
	    run->io.port != BENCH_PORT)
		return -1;
	return 0;
}

static int measure_two_vms(const struct target *target, struct bench_vm *bench, u64 count,
			   u64 *ticks)
{
	struct bench_vm *vm[2] = { bench, xcalloc(1, sizeof(*bench)) };
	u64 left = count, start;

	if (bench_vm_create(vm[1], target->device, target->backend, BENCH_PLAIN)) {
		free(vm[1]);
		return bench_fail(bench, "a second VM cannot be created");
	}
	for (int i = 0; i < 2; i++)
		if (bench_vm_start(vm[i], OP_PORT_OUT, count + 1, 0) || run_to_port(vm[i]))
			goto out;
	start = read_tsc();
	while (left && !run_to_port(vm[left % 2]))
		left--;
	*ticks = read_tsc() - start;
out:
	bench_vm_destroy(vm[1]);
	free(vm[1]);
	return left ? bench_fail(bench, "a VM did not come to its OUT") : 0;
}

const struct bench_row bench_rows[ROW_COUNT] = {
	[ROW_CPUID] = {
		"cpuid", "CPUID",
		"the smallest exit: the module answers, the guest goes on",
		200, 200, OP_CPUID, expect_cpuid },
	[ROW_VMCALL] = {
		"vmcall", "VMCALL",
		"a hypercall that the module answers",
		200, 200, OP_VMCALL, expect_vmcall },
	[ROW_RDMSR] = {
		"rdmsr", "RDMSR",
		"an MSR whose value the module keeps (IA32_APIC_BASE)",
		200, 200, OP_RDMSR, expect_rdmsr },
	[ROW_IMMEDIATE_EXIT] = {
		"immediate_exit", "KVM_RUN, back at once",
		"the ioctl alone: immediate_exit is set, no guest instruction runs",
		850, 850, -1, .measure = measure_immediate_exit },
	[ROW_PORT_OUT] = {
		"pio", "OUT to userspace",
		"an I/O port that this program serves: exit, return, KVM_RUN again",
		1400, 1400, OP_PORT_OUT, expect_port_out },
	[ROW_MMIO_WRITE] = {
		"mmio_write", "MMIO write to userspace",
		"a store where no memory is: found by a fault, decoded, served by this program",
		2200, 2200, OP_MMIO_WRITE, expect_mmio_write },
	[ROW_MMIO_READ] = {
		"mmio_read", "MMIO read from userspace",
		"a load there: userspace gives the value, the instruction is completed",
		2200, 2200, OP_MMIO_READ, expect_mmio_read },
	[ROW_TOUCH] = {
		"touch", "first touch of a 4K page",
		"a store to RAM that the host has not allocated yet (guest maps it as 2M)",
		4500, 5200, OP_TOUCH, expect_nothing },
	[ROW_TOUCH_SMALL] = {
		"touch_small", "the same, guest's 4K pages",
		"through a table of 4K entries, accessed and dirty as Linux writes them",
		4500, 0, OP_TOUCH, expect_nothing, .touch_offset = TOUCH_GVA - TOUCH_GPA },
	[ROW_READ_SHARED] = {
		"read_shared", "read of pages in use",
		"in another address space with 4K entries, as after a fork",
		0, 0, OP_READ_SHARED, expect_nothing, .touch_offset = TOUCH_GVA - TOUCH_GPA },
	[ROW_SWITCH_CR3] = {
		"cr3", "two CR3 loads, two reads",
		"address spaces A, B, A: free under EPT, an exit or a cached root under shadow",
		0, 500, OP_SWITCH_CR3, expect_switch },
	[ROW_CHANGE_PTE] = {
		"pte_change", "PTE change, INVLPG, read",
		"the guest points a 4K entry, not yet accessed, at another frame",
		0, 1500, OP_CHANGE_PTE, expect_change },
	[ROW_CHANGE_YOUNG] = {
		"pte_change_young", "the same, entry accessed",
		"with the accessed and dirty bits set already, as Linux writes its entries",
		0, 1500, OP_CHANGE_YOUNG, expect_change },
	[ROW_MAP_UNMAP] = {
		"map_unmap", "map, read, unmap, INVLPG",
		"the guest maps a page for one read: shadow must learn and forget it",
		0, 1500, OP_MAP_UNMAP, expect_unmap },
	[ROW_GUEST_FAULT] = {
		"guest_fault", "guest's own page fault",
		"a read of an absent page, skipped by the guest's handler: best without an exit",
		0, 6, OP_GUEST_FAULT, expect_fault },
	[ROW_CREATE_VM] = {
		"create_vm", "create and destroy a VM",
		"with its RAM slot and one vCPU, never run",
		600000, 600000, -1, .measure = measure_create },
	[ROW_TOGGLE_WP] = {
		"cr0_wp", "CR0.WP off and on",
		"with a read of a page after each",
		0, 0, OP_TOGGLE_WP, expect_two_reads },
	[ROW_TOGGLE_PGE] = {
		"cr4_pge", "CR4.PGE on and off",
		"with a read of a page after each: the guest flushes its TLB",
		0, 0, OP_TOGGLE_PGE, expect_two_reads },
	[ROW_TSC_ADJUST] = {
		"tsc_adjust", "WRMSR of TSC_ADJUST",
		"moves the guest's clock",
		0, 0, OP_TSC_ADJUST, expect_last },
	[ROW_INTERRUPT] = {
		"interrupt", "KVM_INTERRUPT",
		"userspace has the controllers: OUT, KVM_INTERRUPT, KVM_RUN, the guest's handler",
		0, 0, OP_INTERRUPT, expect_asked, .prepare = prepare_interrupt },
	[ROW_MSI] = {
		"msi", "KVM_SIGNAL_MSI",
		"OUT, KVM_SIGNAL_MSI, KVM_RUN, the guest's handler and its EOI",
		0, 0, OP_APIC_INTERRUPT, expect_asked, .machine = BENCH_IRQCHIP,
		.prepare = prepare_msi },
	[ROW_IRQFD] = {
		"irqfd", "irqfd",
		"OUT, a write to an eventfd, KVM_RUN, the guest's handler and its EOI",
		0, 0, OP_APIC_INTERRUPT, expect_asked, .machine = BENCH_IRQCHIP,
		.prepare = prepare_irqfd, .finish = close_event },
	[ROW_IOEVENTFD_PIO] = {
		"ioeventfd_pio", "OUT to an ioeventfd",
		"the module raises an eventfd, the guest goes on",
		0, 0, OP_PORT_OUT, expect_signals, .prepare = prepare_ioeventfd_pio,
		.finish = close_event },
	[ROW_IOEVENTFD_MMIO] = {
		"ioeventfd_mmio", "MMIO write to an ioeventfd",
		"of any length, as a virtio device asks for it",
		0, 0, OP_MMIO_WRITE, expect_signals, .prepare = prepare_ioeventfd_mmio,
		.finish = close_event },
	[ROW_SELF_IPI] = {
		"self_ipi", "self-IPI",
		"WRMSR of the x2APIC, the guest's handler and its EOI",
		0, 0, OP_SELF_IPI, expect_handled, .machine = BENCH_IRQCHIP },
	[ROW_EOI] = {
		"eoi", "EOI",
		"WRMSR of the x2APIC while an interrupt is in service",
		0, 0, OP_EOI, .measure = measure_eoi, .machine = BENCH_IRQCHIP },
	[ROW_DEADLINE] = {
		"tsc_deadline", "TSC deadline, due now",
		"WRMSR, the guest's handler and its EOI",
		0, 0, OP_DEADLINE, expect_handled, .machine = BENCH_IRQCHIP },
	[ROW_ARM_DEADLINE] = {
		"tsc_deadline_arm", "TSC deadline, never due",
		"WRMSR of a moment in the far future",
		0, 0, OP_ARM_DEADLINE, expect_nothing, .machine = BENCH_IRQCHIP },
	[ROW_PIC_READ] = {
		"pic_read", "IN from the PIC",
		"a port that the module serves",
		0, 0, OP_PIC_READ, expect_pic_mask, .machine = BENCH_IRQCHIP },
	[ROW_IOAPIC_READ] = {
		"ioapic_read", "read of the IOAPIC",
		"MMIO that the module serves",
		0, 0, OP_IOAPIC_READ, expect_ioapic_version, .machine = BENCH_IRQCHIP },
	[ROW_TWO_VMS] = {
		"two_vms", "OUT of two VMs in turn",
		"as OUT to userspace; each KVM_RUN is the other VM's",
		0, 0, -1, .measure = measure_two_vms },
	[ROW_IPI_RUNNING] = {
		"ipi_running", "IPI to a running vCPU",
		"from the WRMSR to the first vCPU's sight of what the second one's handler did",
		0, 0, OP_IPI, .measure = measure_ipi, .machine = BENCH_TWO_VCPUS,
		.prepare = prepare_spinning, .finish = peer_stop },
	[ROW_IPI_HALTED] = {
		"ipi_halted", "IPI to a halted vCPU",
		"the same; its thread sleeps in the kernel",
		0, 0, OP_IPI, .measure = measure_ipi, .machine = BENCH_TWO_VCPUS,
		.prepare = prepare_sleeping, .finish = peer_stop },
};
