// SPDX-License-Identifier: GPL-2.0
/*
 * PIC, IOAPIC and PIT in the kernel, routes, irqfd and ioeventfd, and the irqchip that is split
 * with userspace.
 */
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/irqs.h"
#include "guest/chips.h"

#define SPLIT_PINS	24

static struct vcpu *create(bool split)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { SPLIT_PINS } };
	struct vm *vm = vm_create();
	struct vcpu *vcpu;

	if (split)
		must(xioctl(vm->fd, KVM_ENABLE_CAP, &cap));
	else
		must(xioctl_val(vm->fd, KVM_CREATE_IRQCHIP, 0));
	vcpu = vcpu_create(vm, 0);
	vcpu_set_mode(vcpu, MODE_LONG);
	vm_load(vm, "chips", MODE_LONG);
	irq_map_devices(&vcpu, 1);
	return vcpu;
}

static int line(struct vm *vm, uint32_t gsi, uint32_t level)
{
	struct kvm_irq_level irq = { .irq = gsi, .level = level };

	return xioctl(vm->fd, KVM_IRQ_LINE, &irq);
}

static int line_status(struct vm *vm, uint32_t gsi, uint32_t level)
{
	struct kvm_irq_level irq = { .irq = gsi, .level = level };

	must(xioctl(vm->fd, KVM_IRQ_LINE_STATUS, &irq));
	return irq.status;
}

static void finish(struct vcpu *vcpu, const char *what)
{
	int outcome = guest_run(vcpu);

	guest_report(vcpu, outcome);
	tap_eq(outcome, GUEST_DONE, "%s", what);
}

static void test_edge(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;

	tap_eq(guest_start_op(vcpu, CHIPS_EDGE), GUEST_SYNC, "edge: unmasked");
	tap_eq(line_status(vm, CHIPS_HIGH_PIN, 1), 1, "edge: raised, one CPU takes it");
	tap_eq(line_status(vm, CHIPS_HIGH_PIN, 1), 0, "edge: raised again, nothing new");
	line(vm, CHIPS_HIGH_PIN, 0);
	tap_eq(guest_run(vcpu), GUEST_SYNC, "edge: masked");
	tap_eq(line_status(vm, CHIPS_HIGH_PIN, 1), -1, "edge: nobody takes it");
	line(vm, CHIPS_HIGH_PIN, 0);
	finish(vcpu, "IOAPIC: edge-triggered, masked");
}

static void test_level(struct vcpu *vcpu)
{
	tap_eq(guest_start_op(vcpu, CHIPS_LEVEL), GUEST_SYNC, "level: masked");
	line(vcpu->vm, CHIPS_PIN, 1);
	tap_eq(guest_run(vcpu), GUEST_SYNC, "level: again and again");
	line(vcpu->vm, CHIPS_PIN, 0);
	finish(vcpu, "IOAPIC: level-triggered until the line falls");
}

static void pulse(struct vm *vm, uint32_t gsi)
{
	must(line(vm, gsi, 1));
	must(line(vm, gsi, 0));
}

static void test_pic(struct vcpu *vcpu)
{
	tap_eq(guest_start_op(vcpu, CHIPS_PIC), GUEST_SYNC, "PIC: initialised");
	pulse(vcpu->vm, CHIPS_PIN);
	tap_eq(guest_run(vcpu), GUEST_SYNC, "PIC: the master's pin");
	pulse(vcpu->vm, CHIPS_SLAVE_IRQ);
	tap_eq(guest_run(vcpu), GUEST_SYNC, "PIC: the slave's pin");
	pulse(vcpu->vm, CHIPS_PIN);
	finish(vcpu, "PIC: masters, slaves, masks");
}

static void test_chip_state(struct vm *vm)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC }, again;

	tap_eq(xioctl(vm->fd, KVM_GET_IRQCHIP, &chip), 0, "GET_IRQCHIP: IOAPIC");
	tap_eq(chip.chip.ioapic.base_address, IOAPIC_GPA, "its base");
	tap_eq(chip.chip.ioapic.redirtbl[3].bits, 0x10000, "a masked entry");
	chip.chip.ioapic.id = 5;
	chip.chip.ioapic.redirtbl[3].bits = 0x12345;
	tap_eq(xioctl(vm->fd, KVM_SET_IRQCHIP, &chip), 0, "SET_IRQCHIP: IOAPIC");
	again.chip_id = KVM_IRQCHIP_IOAPIC;
	must(xioctl(vm->fd, KVM_GET_IRQCHIP, &again));
	tap_eq(again.chip.ioapic.id, 5, "the id reads back");
	tap_eq(again.chip.ioapic.redirtbl[3].bits, 0x12345, "the entry reads back");
	chip.chip_id = KVM_IRQCHIP_PIC_SLAVE;
	tap_eq(xioctl(vm->fd, KVM_GET_IRQCHIP, &chip), 0, "GET_IRQCHIP: slave PIC");
	tap_eq(chip.chip.pic.elcr_mask, 0xde, "its ELCR mask");
	chip.chip.pic.imr = 0x5a;
	chip.chip.pic.irq_base = 0x70;
	tap_eq(xioctl(vm->fd, KVM_SET_IRQCHIP, &chip), 0, "SET_IRQCHIP: slave PIC");
	must(xioctl(vm->fd, KVM_GET_IRQCHIP, &chip));
	tap_ok(chip.chip.pic.imr == 0x5a && chip.chip.pic.irq_base == 0x70, "it reads back");
	chip.chip_id = 3;
	tap_eq(xioctl(vm->fd, KVM_GET_IRQCHIP, &chip), -EINVAL, "GET_IRQCHIP: no such chip");
	tap_eq(xioctl(vm->fd, KVM_SET_IRQCHIP, &chip), -EINVAL, "SET_IRQCHIP: no such chip");
}

static void test_pit(struct vcpu *vcpu)
{
	struct kvm_pit_config config = { .flags = KVM_PIT_SPEAKER_DUMMY };
	struct kvm_reinject_control control = { .pit_reinject = 0 };
	struct kvm_pit_state2 state;
	struct vm *vm = vcpu->vm;

	tap_eq(xioctl(vm->fd, KVM_GET_PIT2, &state), -ENXIO, "GET_PIT2 without a PIT");
	tap_eq(xioctl(vm->fd, KVM_REINJECT_CONTROL, &control), -ENXIO, "nor REINJECT_CONTROL");
	tap_eq(xioctl(vm->fd, KVM_CREATE_PIT2, &config), 0, "CREATE_PIT2");
	tap_eq(xioctl(vm->fd, KVM_CREATE_PIT2, &config), -EEXIST, "CREATE_PIT2 again");
	guest_test(vcpu, CHIPS_PIT, "PIT: periodic and one-shot");
	tap_eq(xioctl(vm->fd, KVM_REINJECT_CONTROL, &control), 0, "no reinjection");
	guest_test(vcpu, CHIPS_PIT, "PIT: the same without reinjection");
	guest_test(vcpu, CHIPS_SPEAKER, "PIT: channel 2 and port 0x61");
	tap_eq(xioctl(vm->fd, KVM_GET_PIT2, &state), 0, "GET_PIT2");
	tap_eq(state.channels[2].mode, 0, "channel 2's mode");
	tap_eq(state.channels[2].count, 0x1000, "and count");
	tap_eq(state.flags, KVM_PIT_FLAGS_SPEAKER_DATA_ON, "the speaker's data is on");
	state.channels[1].count = 0x1234;
	state.flags = 0;
	tap_eq(xioctl(vm->fd, KVM_SET_PIT2, &state), 0, "SET_PIT2");
	must(xioctl(vm->fd, KVM_GET_PIT2, &state));
	tap_eq(state.channels[1].count, 0x1234, "the count reads back");
}

static void test_chips(void)
{
	struct vcpu *vcpu = create(false);

	guest_test(vcpu, CHIPS_IOAPIC, "IOAPIC: registers");
	test_edge(vcpu);
	test_level(vcpu);
	test_pic(vcpu);
	test_pit(vcpu);
	test_chip_state(vcpu->vm);
	guest_destroy(vcpu);
}

static struct kvm_irq_routing *routing(unsigned int nr)
{
	struct kvm_irq_routing *r;

	r = calloc(1, sizeof(*r) + nr * sizeof(r->entries[0]));
	r->nr = nr;
	return r;
}

static void set_msi(struct kvm_irq_routing_entry *e, uint32_t gsi, uint32_t data)
{
	e->gsi = gsi;
	e->type = KVM_IRQ_ROUTING_MSI;
	e->u.msi.address_lo = APIC_GPA;
	e->u.msi.data = data;
}

static void set_pin(struct kvm_irq_routing_entry *e, uint32_t gsi, uint32_t chip, uint32_t pin)
{
	e->gsi = gsi;
	e->type = KVM_IRQ_ROUTING_IRQCHIP;
	e->u.irqchip.irqchip = chip;
	e->u.irqchip.pin = pin;
}

static void bad_routes(struct vm *vm)
{
	struct kvm_irq_routing *r = routing(2);

	set_pin(&r->entries[0], 1, KVM_IRQCHIP_IOAPIC, 24);
	set_pin(&r->entries[1], 2, KVM_IRQCHIP_IOAPIC, 2);
	tap_eq(xioctl(vm->fd, KVM_SET_GSI_ROUTING, r), -EINVAL, "routes: no such pin");
	set_pin(&r->entries[0], 1, KVM_IRQCHIP_PIC_SLAVE, 8);
	tap_eq(xioctl(vm->fd, KVM_SET_GSI_ROUTING, r), -EINVAL, "routes: no such PIC pin");
	set_pin(&r->entries[0], 1, 7, 1);
	tap_eq(xioctl(vm->fd, KVM_SET_GSI_ROUTING, r), -EINVAL, "routes: no such chip");
	set_pin(&r->entries[0], 2, KVM_IRQCHIP_IOAPIC, 1);
	tap_eq(xioctl(vm->fd, KVM_SET_GSI_ROUTING, r), -EINVAL, "routes: a chip twice");
	set_msi(&r->entries[0], 2, 0x50);
	tap_eq(xioctl(vm->fd, KVM_SET_GSI_ROUTING, r), -EINVAL, "routes: a pin and a message");
	set_msi(&r->entries[0], 4096, 0x50);
	tap_eq(xioctl(vm->fd, KVM_SET_GSI_ROUTING, r), -EINVAL, "routes: GSI 4096");
	set_msi(&r->entries[0], 1, 0x50);
	r->entries[0].type = 77;
	tap_eq(xioctl(vm->fd, KVM_SET_GSI_ROUTING, r), -EINVAL, "routes: unknown type");
	r->flags = 1;
	tap_eq(xioctl(vm->fd, KVM_SET_GSI_ROUTING, r), -EINVAL, "routes: flags");
	r->flags = 0;
	r->nr = 4097;
	tap_eq(xioctl(vm->fd, KVM_SET_GSI_ROUTING, r), -EINVAL, "routes: too many");
	free(r);
}

static void test_routes(void)
{
	struct kvm_irq_routing *r = routing(2);
	struct vcpu *vcpu = create(false);
	struct irq_runner runner;

	bad_routes(vcpu->vm);
	set_msi(&r->entries[0], 40, CHIPS_EDGE_VEC);
	set_pin(&r->entries[1], 41, KVM_IRQCHIP_IOAPIC, CHIPS_PIN);
	tap_eq(xioctl(vcpu->vm->fd, KVM_SET_GSI_ROUTING, r), 0, "routes to a message and a pin");
	vcpu->shared->arg[0] = 2;
	vcpu->shared->arg[1] = 0;
	tap_eq(guest_start_op(vcpu, CHIPS_WAIT), GUEST_SYNC, "a guest waits");
	irq_start(&runner, vcpu, CHIPS_WAIT);
	usleep(10000);
	tap_eq(line_status(vcpu->vm, 40, 1), 1, "the message arrives");
	usleep(50000);
	tap_eq(line_status(vcpu->vm, 41, 1), 1, "and the pin");
	tap_eq(line_status(vcpu->vm, 42, 1), -1, "no route");
	irq_join(&runner);
	tap_eq(runner.outcome, GUEST_DONE, "the guest had both");
	free(r);
	guest_destroy(vcpu);
}

static int irqfd(struct vm *vm, int fd, uint32_t gsi, uint32_t flags, int resamplefd)
{
	struct kvm_irqfd args = {
		.fd = fd,
		.gsi = gsi,
		.flags = flags,
		.resamplefd = resamplefd,
	};

	return xioctl(vm->fd, KVM_IRQFD, &args);
}

static void signal_fd(int fd)
{
	uint64_t one = 1;

	must(write(fd, &one, sizeof(one)) == sizeof(one) ? 0 : -1);
}

/* Waits for a while; 0: it was not signalled. */
static uint64_t signalled(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t count = 0;

	if (poll(&p, 1, ms) == 1)
		must(read(fd, &count, sizeof(count)));
	return count;
}

static void irqfd_errors(struct vm *vm, int fd)
{
	int other = eventfd(0, EFD_NONBLOCK);

	tap_eq(irqfd(vm, fd, 1, 8, 0), -EINVAL, "irqfd: unknown flag");
	tap_eq(irqfd(vm, 9999, 1, 0, 0), -EBADF, "irqfd: bad descriptor");
	tap_eq(irqfd(vm, vm->dev, 1, 0, 0), -EINVAL, "irqfd: not an eventfd");
	tap_eq(irqfd(vm, fd, CHIPS_PIN, 0, 0), 0, "irqfd: assigned");
	tap_eq(irqfd(vm, fd, CHIPS_PIN, 0, 0), -EBUSY, "irqfd: assigned twice");
	tap_eq(irqfd(vm, other, CHIPS_PIN, KVM_IRQFD_FLAG_DEASSIGN, 0), 0,
	       "irqfd: deassign another");
	tap_eq(irqfd(vm, other, 2, 0, 0), 0, "irqfd: a second one");
	close(other);
}

static void test_irqfd(void)
{
	int fd = eventfd(0, EFD_NONBLOCK), resample = eventfd(0, EFD_NONBLOCK);
	struct vcpu *vcpu = create(false);
	struct vm *vm = vcpu->vm;
	struct irq_runner runner;

	irqfd_errors(vm, fd);
	vcpu->shared->arg[0] = 2;
	vcpu->shared->arg[1] = 0;
	tap_eq(guest_start_op(vcpu, CHIPS_WAIT), GUEST_SYNC, "irqfd: a guest waits");
	irq_start(&runner, vcpu, CHIPS_WAIT);
	signal_fd(fd);
	usleep(50000);
	signal_fd(fd);
	irq_join(&runner);
	tap_eq(runner.outcome, GUEST_DONE, "irqfd: two interrupts");
	tap_eq(irqfd(vm, fd, CHIPS_PIN, KVM_IRQFD_FLAG_DEASSIGN, 0), 0, "irqfd: deassigned");
	signal_fd(fd);
	tap_eq(signalled(fd, 0), 1, "irqfd: nobody takes it then");
	tap_eq(irqfd(vm, fd, CHIPS_PIN, KVM_IRQFD_FLAG_RESAMPLE, resample), 0, "irqfd: resample");
	vcpu->shared->arg[0] = 1;
	vcpu->shared->arg[1] = 1;
	tap_eq(guest_start_op(vcpu, CHIPS_WAIT), GUEST_SYNC, "resample: a guest waits");
	tap_eq(signalled(resample, 0), 0, "resample: not yet");
	signal_fd(fd);
	irq_start(&runner, vcpu, CHIPS_WAIT);
	irq_join(&runner);
	tap_eq(runner.outcome, GUEST_DONE, "resample: one interrupt, the line is low after it");
	tap_eq(signalled(resample, 1000), 1, "resample: told at the end of the interrupt");
	close(fd);
	close(resample);
	guest_destroy(vcpu);
}

static int ioeventfd(struct vm *vm, int fd, uint64_t where, uint32_t len, uint32_t flags,
		     uint64_t match)
{
	struct kvm_ioeventfd args = {
		.fd = fd,
		.addr = where,
		.len = len,
		.flags = flags,
		.datamatch = match,
	};

	return xioctl(vm->fd, KVM_IOEVENTFD, &args);
}

#define PIO	KVM_IOEVENTFD_FLAG_PIO
#define MATCH	KVM_IOEVENTFD_FLAG_DATAMATCH
#define REMOVE	KVM_IOEVENTFD_FLAG_DEASSIGN

static void ioeventfd_errors(struct vm *vm, int fd)
{
	tap_eq(ioeventfd(vm, fd, 0x10, 3, PIO, 0), -EINVAL, "ioeventfd: 3 bytes");
	tap_eq(ioeventfd(vm, fd, 0x10, 1, 0x80, 0), -EINVAL, "ioeventfd: unknown flag");
	tap_eq(ioeventfd(vm, fd, -2UL, 4, 0, 0), -EINVAL, "ioeventfd: wraps");
	tap_eq(ioeventfd(vm, fd, 0x10, 0, MATCH, 0), -EINVAL, "ioeventfd: match of any length");
	tap_eq(ioeventfd(vm, 9999, 0x10, 1, 0, 0), -EBADF, "ioeventfd: bad descriptor");
	tap_eq(ioeventfd(vm, fd, 0x10, 1, REMOVE, 0), -ENOENT, "ioeventfd: not there");
}

static void test_ioeventfd(void)
{
	static const struct {
		uint64_t where;
		uint32_t len, flags;
		uint64_t match;
		unsigned int want;
	} rows[] = {
		{ CHIPS_PORT, 1, PIO | MATCH, 1, 1 },
		{ CHIPS_PORT + 1, 1, PIO, 0, 2 },
		{ CHIPS_PORT + 2, 0, PIO, 0, 1 },
		{ CHIPS_PORT + 4, 1, PIO | MATCH, 'y', 1 },
		{ DEVICE_GPA, 4, MATCH, 5, 1 },
		{ DEVICE_GPA + 8, 0, 0, 0, 3 },
	};
	struct vcpu *vcpu = create(false);
	struct vm *vm = vcpu->vm;
	int fds[ARRAY_SIZE(rows)], outcome;
	unsigned int i, exits = 0;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		fds[i] = eventfd(0, EFD_NONBLOCK);
		tap_eq(ioeventfd(vm, fds[i], rows[i].where, rows[i].len, rows[i].flags,
				 rows[i].match), 0, "ioeventfd: row %u", i);
	}
	ioeventfd_errors(vm, fds[0]);
	tap_eq(ioeventfd(vm, fds[1], CHIPS_PORT, 1, PIO | MATCH, 1), -EEXIST, "ioeventfd: taken");
	tap_eq(ioeventfd(vm, fds[1], CHIPS_PORT, 1, PIO, 0), -EEXIST, "ioeventfd: overlaps");
	for (outcome = guest_start_op(vcpu, CHIPS_WRITES); outcome == GUEST_EXIT;
	     outcome = guest_run(vcpu))
		exits++;
	guest_report(vcpu, outcome);
	tap_eq(outcome, GUEST_DONE, "ioeventfd: the guest has written");
	/* OUT 2 and the word, one MMIO, x and z, the last port. */
	tap_eq(exits, 6, "ioeventfd: the others exit");
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		tap_eq(signalled(fds[i], 0), rows[i].want, "ioeventfd: row %u signalled", i);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		tap_eq(ioeventfd(vm, fds[i], rows[i].where, rows[i].len, rows[i].flags | REMOVE,
				 rows[i].match), 0, "ioeventfd: row %u removed", i);
		close(fds[i]);
	}
	guest_destroy(vcpu);
}

static void split_errors(void)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { 5000 } };
	struct kvm_irqchip chip = { .chip_id = 0 };
	struct kvm_pit_config config = { 0 };
	struct vm *vm = vm_create();

	tap_eq(xioctl(vm->fd, KVM_ENABLE_CAP, &cap), -EINVAL, "split: too many pins");
	tap_eq(line(vm, 1, 1), -ENXIO, "IRQ_LINE without an irqchip");
	tap_eq(xioctl(vm->fd, KVM_GET_IRQCHIP, &chip), -ENXIO, "GET_IRQCHIP without an irqchip");
	cap.args[0] = SPLIT_PINS;
	tap_eq(xioctl(vm->fd, KVM_ENABLE_CAP, &cap), 0, "split: enabled");
	tap_eq(xioctl(vm->fd, KVM_ENABLE_CAP, &cap), -EEXIST, "split: twice");
	tap_eq(xioctl_val(vm->fd, KVM_CREATE_IRQCHIP, 0), -EEXIST, "split: no whole irqchip after");
	tap_eq(xioctl(vm->fd, KVM_GET_IRQCHIP, &chip), -ENXIO, "split: no PIC to get");
	(void)config;
	vm_destroy(vm);
}

static void test_split(void)
{
	struct kvm_irq_routing *r = routing(1);
	struct kvm_interrupt irq = { .irq = CHIPS_EDGE_VEC };
	struct vcpu *vcpu;
	int outcome;

	split_errors();
	vcpu = create(true);
	set_pin(&r->entries[0], CHIPS_PIN, KVM_IRQCHIP_IOAPIC, CHIPS_PIN);
	tap_eq(xioctl(vcpu->vm->fd, KVM_SET_GSI_ROUTING, r), -EINVAL, "split: no pins");
	set_msi(&r->entries[0], CHIPS_PIN, 0xc000 | CHIPS_LEVEL_VEC);
	tap_eq(xioctl(vcpu->vm->fd, KVM_SET_GSI_ROUTING, r), 0, "split: a pin is a message");
	tap_eq(guest_start_op(vcpu, CHIPS_MSI), GUEST_SYNC, "split: a guest waits");
	tap_eq(line_status(vcpu->vm, CHIPS_PIN, 1), 1, "split: the line is raised");
	outcome = guest_run(vcpu);
	tap_ok(outcome == GUEST_EXIT && vcpu->run->exit_reason == KVM_EXIT_IOAPIC_EOI,
	       "split: the end of the interrupt exits (%u)", vcpu->run->exit_reason);
	tap_eq(vcpu->run->eoi.vector, CHIPS_LEVEL_VEC, "split: with its vector");
	tap_eq(guest_run(vcpu), GUEST_SYNC, "split: the guest goes on");
	finish(vcpu, "split: to its end");
	tap_eq(guest_start_op(vcpu, CHIPS_EXTINT), GUEST_SYNC, "split: LVT0 passes on");
	tap_eq(xioctl(vcpu->fd, KVM_INTERRUPT, &irq), 0, "split: INTERRUPT");
	tap_eq(xioctl(vcpu->fd, KVM_INTERRUPT, &irq), -EEXIST, "split: one at a time");
	finish(vcpu, "split: the guest takes it");
	free(r);
	guest_destroy(vcpu);
}

int main(void)
{
	tap_start("chips", 240);
	irq_catch_signals();
	test_chips();
	test_routes();
	test_irqfd();
	test_ioeventfd();
	test_split();
	return tap_done();
}
