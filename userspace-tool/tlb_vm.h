/* SPDX-License-Identifier: GPL-2.0 */
/* A VM that holds a working set, mapped with small and with large pages, and reads it. */
#ifndef TLB_VM_H
#define TLB_VM_H

#include "bench_vm.h"
#include "guest/tlb_layout.h"
#include "tlbcount.h"

extern const u8 tlb_guest[], tlb_guest_end[];

/* Registers of a run. */
struct tlb_run {
	int operation;
	u64 count, base, size, cr3_a, cr3_b;
};

/* @large: the host backs the RAM with 2M pages; an error if it does not. */
int tlb_vm_create(struct bench_vm *bench, int device, int backend, u64 working_set, bool large);
/* One word in each of @pages pages, in a ring of random order. */
void tlb_vm_chain(struct bench_vm *bench, u64 pages);
/* The offset after @count steps from @offset. */
u64 tlb_vm_follow(const struct bench_vm *bench, u64 offset, u64 count);
/* Runs the guest until it halts. */
int tlb_vm_run(struct bench_vm *bench, const struct tlb_run *run, struct outcome *outcome);

#endif
