/* SPDX-License-Identifier: GPL-2.0 */
/* Rows of interrupts and of what the kernel serves itself: preparing, measuring, expecting. */
#ifndef BENCH_IRQ_H
#define BENCH_IRQ_H

#include "bench.h"

int prepare_interrupt(struct bench_vm *bench);
int prepare_msi(struct bench_vm *bench);
int prepare_irqfd(struct bench_vm *bench);
int prepare_ioeventfd_pio(struct bench_vm *bench);
int prepare_ioeventfd_mmio(struct bench_vm *bench);
void close_event(struct bench_vm *bench);

/* Start the second vCPU in a thread of its own; each thread stays on one CPU. */
int prepare_spinning(struct bench_vm *bench);
int prepare_sleeping(struct bench_vm *bench);
void peer_stop(struct bench_vm *bench);

int measure_eoi(const struct target *target, struct bench_vm *bench, u64 count, u64 *ticks);
int measure_ipi(const struct target *target, struct bench_vm *bench, u64 count, u64 *ticks);

void expect_two_reads(const struct bench_vm *bench, u64 count, struct outcome *outcome);
void expect_last(const struct bench_vm *bench, u64 count, struct outcome *outcome);
void expect_asked(const struct bench_vm *bench, u64 count, struct outcome *outcome);
void expect_handled(const struct bench_vm *bench, u64 count, struct outcome *outcome);
void expect_signals(const struct bench_vm *bench, u64 count, struct outcome *outcome);
void expect_pic_mask(const struct bench_vm *bench, u64 count, struct outcome *outcome);
void expect_ioapic_version(const struct bench_vm *bench, u64 count, struct outcome *outcome);

#endif
