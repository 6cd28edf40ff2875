// SPDX-License-Identifier: GPL-2.0
/* A VM that holds the benchmark guest, and one run of an operation in it. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench_vm.h"
#include "deadline.h"
#include "explain.h"
#include "image.h"

#define BENCH_RAM	(64 * MIB)
#define TEST_PDPT_SLOT	(TEST_GVA >> 30)
#define PAGE		4096UL
#define ENTRIES		512UL

int bench_fail(struct bench_vm *bench, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(bench->failure, sizeof(bench->failure), fmt, args);
	va_end(args);
	return -1;
}

static u64 *table_at(struct vm *vm, u64 gpa)
{
	return (u64 *)(vm->ram + gpa);
}

void bench_tables_write(struct vm *vm)
{
	u64 *pdpt_a = table_at(vm, PDPT_GPA), *pdpt_b = table_at(vm, TEST_PDPT_B);

	boot_tables_write(vm);
	memcpy(pdpt_b, pdpt_a, TEST_PDPT_SLOT * sizeof(*pdpt_a));
	pdpt_a[TEST_PDPT_SLOT] = TEST_PD_A | PTE_USED;
	table_at(vm, TEST_PD_A)[0] = TEST_PT_A | PTE_USED;
	table_at(vm, TEST_PT_A)[0] = TEST_FRAME_X | PTE_USED;
	table_at(vm, TEST_PML4_B)[0] = TEST_PDPT_B | PTE_USED;
	pdpt_b[TEST_PDPT_SLOT] = TEST_PD_B | PTE_USED;
	table_at(vm, TEST_PD_B)[0] = TEST_PT_B | PTE_USED;
	table_at(vm, TEST_PT_B)[0] = TEST_FRAME_Y | PTE_USED;
	for (u64 i = 0; i < TOUCH_PTS; i++)
		table_at(vm, TEST_PD_A)[1 + i] = (TOUCH_PT + i * PAGE) | PTE_USED;
	for (u64 i = 0; i < TOUCH_PTS; i++)
		table_at(vm, TEST_PD_B)[1 + i] = (TOUCH_PT_B + i * PAGE) | PTE_USED;
	for (u64 i = 0; i < TOUCH_PTS * ENTRIES; i++)
		table_at(vm, TOUCH_PT_B)[i] = (TOUCH_GPA + i * PAGE) | PTE_USED;
	for (u64 i = 0; i < TOUCH_PTS * ENTRIES; i++)
		table_at(vm, TOUCH_PT)[i] = (TOUCH_GPA + i * PAGE) | PTE_USED;
	*table_at(vm, TEST_FRAME_X) = TEST_FRAME_X;
	*table_at(vm, TEST_FRAME_Y) = TEST_FRAME_Y;
}

/*
 * All guest memory is written before the first run: a hypervisor does not see the writes that
 * userspace makes to page tables, so they must not change under it.
 */
static int load_guest(struct bench_vm *bench)
{
	struct file guest = { (u8 *)bench_guest, bench_guest_end - bench_guest };
	struct image image = image_load(&bench->vm, &guest, ENTRY_64);

	if (cpu_set_mode(&bench->vm, ENTRY_64, image.entry, STACK_TOP) ||
	    ioctl(bench->vm.vcpu, KVM_GET_REGS, &bench->start))
		return bench_fail(bench, "setting registers: %s", strerror(errno));
	bench_tables_write(&bench->vm);
	return 0;
}

int bench_vm_create(struct bench_vm *bench, int device, int backend, enum bench_machine machine)
{
	struct vm_config config = {
		.device = device, .backend = backend, .ram_size = BENCH_RAM,
		.irqchip = machine != BENCH_PLAIN, .cpus = machine == BENCH_TWO_VCPUS ? 2 : 1,
	};
	const char *step;

	bench->event = -1;

	if (vm_create(&bench->vm, &config, &step))
		return bench_fail(bench, "%s: %s", step, strerror(errno));
	/* The rows count 4K pages of the host. */
	madvise(bench->vm.ram, bench->vm.ram_size, MADV_NOHUGEPAGE);
	if (!load_guest(bench))
		return 0;
	vm_destroy(&bench->vm);
	return -1;
}

void bench_vm_destroy(struct bench_vm *bench)
{
	vm_destroy(&bench->vm);
}

int bench_vm_start(const struct bench_vm *bench, int operation, u64 count, u64 argument)
{
	struct kvm_regs regs = bench->start;

	regs.rdi = operation;
	regs.rsi = count;
	regs.rdx = argument;
	return ioctl(bench->vm.vcpu, KVM_SET_REGS, &regs);
}

/* The operations read 1, 2, 3, ... from the device. */
static void answer_mmio(struct kvm_run *run, struct outcome *outcome)
{
	u32 value = ++outcome->mmio_exits;

	if (!run->mmio.is_write)
		memcpy(run->mmio.data, &value, sizeof(value));
}

static int answer_port(struct bench_vm *bench, struct outcome *outcome)
{
	outcome->io_exits++;
	if (bench->on_port && bench->on_port(bench))
		return bench_fail(bench, "asking for an interrupt: %s", strerror(errno));
	return 0;
}

static bool is_port(const struct kvm_run *run, u16 port)
{
	return run->exit_reason == KVM_EXIT_IO && run->io.port == port;
}

int bench_run_to_halt(struct bench_vm *bench, struct outcome *outcome)
{
	struct kvm_run *run = bench->vm.run;

	for (;;) {
		if (ioctl(bench->vm.vcpu, KVM_RUN, 0)) {
			if (deadline_passed())
				return bench_fail(bench, "the guest does not come to its end");
			if (errno == EINTR)
				continue;
			return bench_fail(bench, "KVM_RUN: %s", strerror(errno));
		}
		if (is_port(run, BENCH_END_PORT) || run->exit_reason == KVM_EXIT_HLT)
			return 0;
		if (run->exit_reason == KVM_EXIT_MMIO && run->mmio.phys_addr == BENCH_MMIO_GPA)
			answer_mmio(run, outcome);
		else if (!is_port(run, BENCH_PORT))
			return bench_fail(bench, "unexpected exit: %s",
					  explain_exit_short(&bench->vm));
		else if (answer_port(bench, outcome))
			return -1;
	}
}

static u64 take_signals(const struct bench_vm *bench)
{
	u64 signals = 0;

	if (bench->event >= 0 && read(bench->event, &signals, sizeof(signals)) < 0)
		return 0;
	return signals;
}

int bench_vm_run(struct bench_vm *bench, int operation, u64 count, u64 argument,
		 struct outcome *outcome, u64 *ticks)
{
	struct kvm_regs regs;
	u64 start;

	*outcome = (struct outcome){ 0 };
	if (bench_vm_start(bench, operation, count, argument))
		return bench_fail(bench, "setting registers: %s", strerror(errno));
	start = read_tsc();
	if (bench_run_to_halt(bench, outcome))
		return -1;
	*ticks = read_tsc() - start;
	if (ioctl(bench->vm.vcpu, KVM_GET_REGS, &regs))
		return bench_fail(bench, "KVM_GET_REGS: %s", strerror(errno));
	outcome->value = regs.rax;
	outcome->faults = regs.rbx;
	outcome->signals = take_signals(bench);
	return 0;
}
