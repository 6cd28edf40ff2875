// SPDX-License-Identifier: GPL-2.0
/* A VM that holds a working set, mapped with small and with large pages, and reads it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "image.h"
#include "tlb_vm.h"

#define PAGE		4096UL
#define LARGE_PAGE	(2 * MIB)
#define ENTRIES		512UL
#define PDPT_SLOT	(TLB_GVA >> 30)
#define SEED		0x2545f4914f6cdd1dUL

static u64 *table_at(struct vm *vm, u64 gpa)
{
	return (u64 *)(vm->ram + gpa);
}

/* Space B shows the first 2M in reverse order, so that no translation serves both. */
static void write_space_b(struct vm *vm)
{
	u64 *pdpt = table_at(vm, TLB_PDPT_B);

	memcpy(pdpt, table_at(vm, PDPT_GPA), PAGE);
	pdpt[PDPT_SLOT] = TLB_PD_B | TLB_PTE;
	table_at(vm, TLB_PML4_B)[0] = TLB_PDPT_B | TLB_PTE;
	table_at(vm, TLB_PD_B)[0] = TLB_PT_B | TLB_PTE;
	for (u64 i = 0; i < ENTRIES; i++)
		table_at(vm, TLB_PT_B)[i] = (TLB_WS_GPA + (ENTRIES - 1 - i) * PAGE) | TLB_PTE;
}

/* Before the first run: a hypervisor does not see what userspace writes to page tables. */
static void write_tables(struct vm *vm, u64 working_set)
{
	u64 pages = working_set / PAGE, tables = (pages + ENTRIES - 1) / ENTRIES;

	boot_tables_write(vm);
	for (u64 i = 0; i * ENTRIES < tables; i++)
		table_at(vm, PDPT_GPA)[PDPT_SLOT + i] = (TLB_PDS + i * PAGE) | TLB_PTE;
	for (u64 i = 0; i < tables; i++)
		table_at(vm, TLB_PDS)[i] = (TLB_PTS + i * PAGE) | TLB_PTE;
	for (u64 i = 0; i < pages; i++)
		table_at(vm, TLB_PTS)[i] = (TLB_WS_GPA + i * PAGE) | TLB_PTE;
	write_space_b(vm);
}

static u64 huge_kib(void)
{
	FILE *rollup = fopen("/proc/self/smaps_rollup", "re");
	char line[128];
	u64 kib = 0;

	while (rollup && fgets(line, sizeof(line), rollup))
		sscanf(line, "AnonHugePages: %lu", &kib);
	if (rollup)
		fclose(rollup);
	return kib;
}

/* All pages are there before the first run. */
static int back_ram(struct bench_vm *bench, bool large)
{
	struct vm *vm = &bench->vm;
	u64 before = huge_kib();

	if (madvise(vm->ram, vm->ram_size, large ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
		return bench_fail(bench, "madvise: %s", strerror(errno));
	if (madvise(vm->ram, vm->ram_size, MADV_POPULATE_WRITE))
		return bench_fail(bench, "no memory: %s", strerror(errno));
	if (large && huge_kib() - before < vm->ram_size >> 10)
		return bench_fail(bench, "the host has no 2M pages for it");
	return 0;
}

static int load_guest(struct bench_vm *bench, u64 working_set)
{
	struct file guest = { (u8 *)tlb_guest, tlb_guest_end - tlb_guest };
	struct image image = image_load(&bench->vm, &guest, ENTRY_64);

	if (cpu_set_mode(&bench->vm, ENTRY_64, image.entry, TLB_STACK_TOP) ||
	    ioctl(bench->vm.vcpu, KVM_GET_REGS, &bench->start))
		return bench_fail(bench, "setting registers: %s", strerror(errno));
	write_tables(&bench->vm, working_set);
	return 0;
}

int tlb_vm_create(struct bench_vm *bench, int device, int backend, u64 working_set, bool large)
{
	struct vm_config config = {
		.device = device,
		.backend = backend,
		.ram_size = TLB_WS_GPA + (working_set + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE,
		.align = LARGE_PAGE,
	};
	const char *step;

	if (vm_create(&bench->vm, &config, &step))
		return bench_fail(bench, "%s: %s", step, strerror(errno));
	if (!back_ram(bench, large) && !load_guest(bench, working_set))
		return 0;
	vm_destroy(&bench->vm);
	return -1;
}

/* Of the word in a page; the lines differ, so that the caches' sets are all in use. */
static u64 word_of(u64 page)
{
	return page * PAGE + page * TLB_LINE % PAGE;
}

static u64 random_below(u64 *state, u64 limit)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state % limit;
}

void tlb_vm_chain(struct bench_vm *bench, u64 pages)
{
	u64 *order = xcalloc(pages, sizeof(*order)), state = SEED;
	u8 *set = bench->vm.ram + TLB_WS_GPA;

	for (u64 i = 0; i < pages; i++)
		order[i] = i;
	for (u64 i = pages - 1; i > 0; i--) {
		u64 other = random_below(&state, i), page = order[i];

		order[i] = order[other];
		order[other] = page;
	}
	for (u64 i = 0; i < pages; i++)
		*(u64 *)(set + word_of(order[i])) = word_of(order[(i + 1) % pages]);
	free(order);
}

u64 tlb_vm_follow(const struct bench_vm *bench, u64 offset, u64 count)
{
	while (count--)
		offset = *(u64 *)(bench->vm.ram + TLB_WS_GPA + offset);
	return offset;
}

static int set_registers(struct bench_vm *bench, const struct tlb_run *run)
{
	struct kvm_regs regs = bench->start;

	regs.rdi = run->operation;
	regs.rsi = run->count;
	regs.rdx = run->base;
	regs.rcx = run->size;
	regs.r8 = run->cr3_a;
	regs.r9 = run->cr3_b;
	return ioctl(bench->vm.vcpu, KVM_SET_REGS, &regs);
}

int tlb_vm_run(struct bench_vm *bench, const struct tlb_run *run, struct outcome *outcome)
{
	struct kvm_regs regs;

	*outcome = (struct outcome){ 0 };
	if (set_registers(bench, run))
		return bench_fail(bench, "setting registers: %s", strerror(errno));
	if (bench_run_to_halt(bench, outcome))
		return -1;
	if (ioctl(bench->vm.vcpu, KVM_GET_REGS, &regs))
		return bench_fail(bench, "KVM_GET_REGS: %s", strerror(errno));
	outcome->value = regs.rax;
	outcome->faults = regs.rbx;
	return 0;
}
