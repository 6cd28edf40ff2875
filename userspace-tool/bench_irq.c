// SPDX-License-Identifier: GPL-2.0
/* Rows of interrupts and of what the kernel serves itself: preparing, measuring, expecting. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bench_irq.h"

#define MSI_ADDRESS	0xfee00000U	/* to the APIC with ID 0, physical, fixed, edge */
#define IRQFD_GSI	24		/* beyond the IOAPIC's */

/* SDM, "Local APIC Register Address Map": In-Service Register, 32 of 256 bits in each word. */
#define APIC_ISR	0x100
#define APIC_STRIDE	0x10
#define ISR_FIRST_WORD	1		/* vectors below 32 are the CPU's */
#define ISR_WORDS	8
#define ISR_VECTORS	((ISR_WORDS - ISR_FIRST_WORD) * 32U)

static int ask_interrupt(struct bench_vm *bench)
{
	struct kvm_interrupt interrupt = { .irq = VECTOR_EXTERNAL };

	return ioctl(bench->vm.vcpu, KVM_INTERRUPT, &interrupt);
}

int prepare_interrupt(struct bench_vm *bench)
{
	bench->on_port = ask_interrupt;
	return 0;
}

static int ask_msi(struct bench_vm *bench)
{
	struct kvm_msi msi = { .address_lo = MSI_ADDRESS, .data = VECTOR_APIC };

	return ioctl(bench->vm.fd, KVM_SIGNAL_MSI, &msi) == 1 ? 0 : -1;
}

int prepare_msi(struct bench_vm *bench)
{
	bench->on_port = ask_msi;
	return 0;
}

static int ask_irqfd(struct bench_vm *bench)
{
	u64 one = 1;

	return write(bench->event, &one, sizeof(one)) == sizeof(one) ? 0 : -1;
}

static int open_event(struct bench_vm *bench)
{
	bench->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return bench->event < 0 ? bench_fail(bench, "eventfd: %s", strerror(errno)) : 0;
}

void close_event(struct bench_vm *bench)
{
	if (bench->event >= 0)
		close(bench->event);
	bench->event = -1;
}

/* The irqfd empties the eventfd itself: the guest has raised nothing. */
int prepare_irqfd(struct bench_vm *bench)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry;
	} routing = {
		.head.nr = 1,
		.entry = {
			.gsi = IRQFD_GSI, .type = KVM_IRQ_ROUTING_MSI,
			.u.msi = { .address_lo = MSI_ADDRESS, .data = VECTOR_APIC },
		},
	};
	struct kvm_irqfd irqfd = { .gsi = IRQFD_GSI };

	if (open_event(bench))
		return -1;
	irqfd.fd = bench->event;
	bench->on_port = ask_irqfd;
	if (ioctl(bench->vm.fd, KVM_SET_GSI_ROUTING, &routing))
		return bench_fail(bench, "KVM_SET_GSI_ROUTING: %s", strerror(errno));
	if (ioctl(bench->vm.fd, KVM_IRQFD, &irqfd))
		return bench_fail(bench, "KVM_IRQFD: %s", strerror(errno));
	return 0;
}

static int prepare_ioeventfd(struct bench_vm *bench, struct kvm_ioeventfd *ioeventfd)
{
	if (open_event(bench))
		return -1;
	ioeventfd->fd = bench->event;
	if (ioctl(bench->vm.fd, KVM_IOEVENTFD, ioeventfd))
		return bench_fail(bench, "KVM_IOEVENTFD: %s", strerror(errno));
	return 0;
}

int prepare_ioeventfd_pio(struct bench_vm *bench)
{
	struct kvm_ioeventfd ioeventfd = {
		.addr = BENCH_PORT, .len = 1, .flags = KVM_IOEVENTFD_FLAG_PIO };

	return prepare_ioeventfd(bench, &ioeventfd);
}

int prepare_ioeventfd_mmio(struct bench_vm *bench)
{
	struct kvm_ioeventfd ioeventfd = { .addr = BENCH_MMIO_GPA };

	return prepare_ioeventfd(bench, &ioeventfd);
}

static u32 *isr_word(struct kvm_lapic_state *lapic, u32 word)
{
	return (u32 *)(lapic->regs + APIC_ISR + word * APIC_STRIDE);
}

/* Every vector is in service: so many EOIs have something to end. */
static int fill_isr(struct bench_vm *bench)
{
	struct kvm_lapic_state lapic;

	if (ioctl(bench->vm.vcpu, KVM_GET_LAPIC, &lapic))
		return bench_fail(bench, "KVM_GET_LAPIC: %s", strerror(errno));
	for (u32 word = ISR_FIRST_WORD; word < ISR_WORDS; word++)
		*isr_word(&lapic, word) = ~0U;
	if (ioctl(bench->vm.vcpu, KVM_SET_LAPIC, &lapic))
		return bench_fail(bench, "KVM_SET_LAPIC: %s", strerror(errno));
	return 0;
}

static int check_isr(struct bench_vm *bench, u64 ended)
{
	struct kvm_lapic_state lapic;
	u64 left = 0;

	if (ioctl(bench->vm.vcpu, KVM_GET_LAPIC, &lapic))
		return bench_fail(bench, "KVM_GET_LAPIC: %s", strerror(errno));
	for (u32 word = ISR_FIRST_WORD; word < ISR_WORDS; word++)
		left += __builtin_popcount(*isr_word(&lapic, word));
	if (left != ISR_VECTORS - ended)
		return bench_fail(bench, "%lu EOIs left %lu interrupts in service", ended, left);
	return 0;
}

int measure_eoi(const struct target *target, struct bench_vm *bench, u64 count, u64 *ticks)
{
	(void)target;
	*ticks = 0;
	for (u64 part; count; count -= part) {
		struct outcome outcome;
		u64 empty, full;

		part = count < ISR_VECTORS ? count : ISR_VECTORS;
		if (fill_isr(bench) || bench_vm_run(bench, OP_EOI, 0, 0, &outcome, &empty) ||
		    bench_vm_run(bench, OP_EOI, part, 0, &outcome, &full) ||
		    check_isr(bench, part))
			return -1;
		*ticks += full - empty;
	}
	return 0;
}

void expect_two_reads(const struct bench_vm *bench, u64 count, struct outcome *outcome)
{
	(void)bench;
	outcome->value = 2 * count * TEST_FRAME_X;
}

/* The guest counts down to 1. */
void expect_last(const struct bench_vm *bench, u64 count, struct outcome *outcome)
{
	(void)bench;
	(void)count;
	outcome->value = 1;
}

void expect_asked(const struct bench_vm *bench, u64 count, struct outcome *outcome)
{
	(void)bench;
	outcome->io_exits = count;
	outcome->faults = count;
}

void expect_handled(const struct bench_vm *bench, u64 count, struct outcome *outcome)
{
	(void)bench;
	outcome->faults = count;
}

void expect_signals(const struct bench_vm *bench, u64 count, struct outcome *outcome)
{
	(void)bench;
	outcome->signals = count;
}

void expect_pic_mask(const struct bench_vm *bench, u64 count, struct outcome *outcome)
{
	(void)bench;
	(void)count;
	outcome->value = PIC_MASK;
}

void expect_ioapic_version(const struct bench_vm *bench, u64 count, struct outcome *outcome)
{
	(void)bench;
	(void)count;
	outcome->value = IOAPIC_VERSION;
}
