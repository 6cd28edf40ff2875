/* SPDX-License-Identifier: GPL-2.0 */
/* A VM that holds the benchmark guest, and one run of an operation in it. */
#ifndef BENCH_VM_H
#define BENCH_VM_H

#include "guest/layout.h"
#include "vm.h"

#define FAILURE_TEXT_MAX	120

struct outcome {
	u64 value;		/* RAX at the end */
	u64 faults;		/* page faults and interrupts that the guest's own handlers saw */
	u64 io_exits, mmio_exits;
	u64 signals;		/* how often the guest raised `event` */
};

enum bench_machine {
	BENCH_PLAIN,		/* no interrupt controllers */
	BENCH_IRQCHIP,		/* those of the kernel */
	BENCH_TWO_VCPUS,	/* and a second vCPU, on a CPU of its own */
};

struct bench_vm {
	struct vm vm;
	struct kvm_regs start;		/* at the guest's first instruction */
	int event;			/* an eventfd, or -1 */
	/* What userspace does when the guest writes BENCH_PORT: 0, or -1 with errno. */
	int (*on_port)(struct bench_vm *bench);
	struct peer *peer;		/* who runs the second vCPU */
	char failure[FAILURE_TEXT_MAX];	/* set wherever a function returns -1 */
};

extern const u8 bench_guest[], bench_guest_end[], demo_guest[], demo_guest_end[];

__printf(2, 3) int bench_fail(struct bench_vm *bench, const char *fmt, ...);

/* Page tables of layout.h, marks in the two test frames. */
void bench_tables_write(struct vm *vm);
int bench_vm_create(struct bench_vm *bench, int device, int backend, enum bench_machine machine);
void bench_vm_destroy(struct bench_vm *bench);

/* To HLT, or to the OUT to BENCH_END_PORT of guests that cannot leave by HLT. */
int bench_run_to_halt(struct bench_vm *bench, struct outcome *outcome);
/* The next KVM_RUN begins `count` operations; 0 or -1 with errno. */
int bench_vm_start(const struct bench_vm *bench, int operation, u64 count, u64 argument);
/* Runs the guest until it has done all operations; *ticks is the time of that. */
int bench_vm_run(struct bench_vm *bench, int operation, u64 count, u64 argument,
		 struct outcome *outcome, u64 *ticks);

#endif
