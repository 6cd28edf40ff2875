// SPDX-License-Identifier: GPL-2.0
/* A VM with a console and an exit port: the run loop of `umbra run` and `umbra boot`. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "acpi.h"
#include "deadline.h"
#include "explain.h"
#include "machine_threads.h"

static bool until_seen(const struct machine *machine)
{
	return machine->until && !memcmp(machine->recent, machine->until, machine->until_length);
}

static void console_put(void *owner, u8 byte)
{
	struct machine *machine = owner;

	fputc(byte, machine->console);
	if (!machine->until || until_seen(machine))
		return;
	memmove(machine->recent, machine->recent + 1, machine->until_length - 1);
	machine->recent[machine->until_length - 1] = byte;
}

static void set_irq_line(struct machine *machine)
{
	struct kvm_irq_level line = { .irq = UART_IRQ };
	bool level = machine->irqchip && uart_irq_level(&machine->uart);

	if (level == machine->irq_level)
		return;
	machine->irq_level = level;
	line.level = level;
	if (ioctl(machine->vm.fd, KVM_IRQ_LINE, &line))
		die_errno("KVM_IRQ_LINE");
}

static bool is_uart(u16 port)
{
	return port >= UART_BASE && port < UART_BASE + UART_PORTS;
}

static bool is_acpi_enable(u16 port)
{
	return port == ACPI_PM1_ENABLE || port == ACPI_PM1_ENABLE + 1;
}

static void end(struct machine *machine, int status)
{
	machine->exited = true;
	machine->status = status;
}

static void port_out(struct machine *machine, u16 port, u8 value)
{
	if (is_uart(port))
		uart_write(&machine->uart, port - UART_BASE, value);
	else if (port == DEBUG_PORT)
		console_put(machine, value);
	else if (is_acpi_enable(port))
		machine->acpi_enable[port & 1] = value;
	else if (port == EXIT_PORT)
		end(machine, value);
	else if ((port == ACPI_PM1_CONTROL + 1 && value & ACPI_SLEEP_ENABLE) ||
		 (port == RESET_PORT && value == RESET_VALUE))
		end(machine, 0);
}

/* An empty ISA bus floats high; a Bochs-like debug port says that it is there. */
static u8 port_in(struct machine *machine, u16 port)
{
	if (is_uart(port))
		return uart_read(&machine->uart, port - UART_BASE);
	if (is_acpi_enable(port))
		return machine->acpi_enable[port & 1];
	if (port >= ACPI_PM1_EVENT && port < ACPI_PM1_CONTROL + 2)
		return port == ACPI_PM1_CONTROL ? ACPI_SCI_ENABLED : 0;
	return port == DEBUG_PORT ? DEBUG_PORT : 0xff;
}

static void handle_io(struct machine *machine, struct kvm_run *run)
{
	u8 *data = (u8 *)run + run->io.data_offset;

	for (u32 i = 0; i < run->io.count && !machine->exited; i++) {
		for (u8 byte = 0; byte < run->io.size; byte++, data++) {
			u16 port = run->io.port + byte;

			if (run->io.direction == KVM_EXIT_IO_OUT)
				port_out(machine, port, *data);
			else
				*data = port_in(machine, port);
		}
	}
	set_irq_line(machine);
	if (!machine->uart.has_input)
		pthread_cond_signal(&machine->input_read);
}

/* No device lives in memory here: writes vanish, reads float high. */
static void handle_mmio(struct kvm_run *run)
{
	if (!run->mmio.is_write)
		memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
}

static bool handle_exit(struct machine *machine, const struct vm *vm)
{
	switch (vm->run->exit_reason) {
	case KVM_EXIT_IO:
		handle_io(machine, vm->run);
		return !machine->exited;
	case KVM_EXIT_MMIO:
		handle_mmio(vm->run);
		return true;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		return true;
	case KVM_EXIT_HLT:
		machine->status = 0;
		return false;
	default:
		fflush(machine->console);
		explain_exit(stderr, vm);
		machine->status = EXIT_ABNORMAL;
		return false;
	}
}

bool machine_step(struct machine *machine, const struct vm *vm)
{
	bool goes_on;

	if (ioctl(vm->vcpu, KVM_RUN, 0)) {
		if (errno != EINTR && errno != EAGAIN)
			die_errno("KVM_RUN");
		return true;
	}
	pthread_mutex_lock(&machine->lock);
	goes_on = handle_exit(machine, vm);
	pthread_mutex_unlock(&machine->lock);
	return goes_on;
}

bool machine_input(struct machine *machine, u8 byte)
{
	bool taken = uart_feed(&machine->uart, byte);

	set_irq_line(machine);
	return taken;
}

static int timeout_status(const struct machine *machine, unsigned int timeout)
{
	fflush(machine->console);
	fprintf(stderr, "umbra: the guest was still running after %u s", timeout);
	if (machine->until)
		fprintf(stderr, " and \"%s\" had not appeared", machine->until);
	fputs("; its registers:\n", stderr);
	explain_registers(stderr, &machine->vm);
	return EXIT_TIMEOUT;
}

static int ended_status(const struct machine *machine)
{
	if (!machine->until || machine->status)
		return machine->status;
	fprintf(stderr, "umbra: the guest ended before \"%s\" appeared\n", machine->until);
	return EXIT_ABNORMAL;
}

enum machine_state machine_advance(struct machine *machine)
{
	while (!deadline_passed()) {
		if (until_seen(machine))
			return MACHINE_SEEN;
		if (machine->stopped || !machine_step(machine, &machine->vm))
			return until_seen(machine) ? MACHINE_SEEN : MACHINE_ENDED;
	}
	return until_seen(machine) ? MACHINE_SEEN : MACHINE_TIMED_OUT;
}

void machine_await_again(struct machine *machine)
{
	memset(machine->recent, 0, machine->until_length);
}

int machine_run(struct machine *machine, unsigned int timeout)
{
	enum machine_state state;

	deadline_start(timeout);
	threads_start(machine);
	state = machine_advance(machine);
	threads_stop(machine);
	deadline_stop();
	fflush(machine->console);
	switch (state) {
	case MACHINE_SEEN:
		fputc('\n', machine->console);
		return 0;
	case MACHINE_TIMED_OUT:
		return timeout_status(machine, timeout);
	default:
		return ended_status(machine);
	}
}

void machine_init(struct machine *machine, const struct vm_config *config)
{
	machine->console = stdout;
	/* Whoever reads along sees each line when it ends. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	machine->irqchip = config->irqchip;
	machine->uart = (struct uart){
		.put = console_put, .owner = machine, .fed = config->irqchip };
	pthread_mutex_init(&machine->lock, NULL);
	pthread_cond_init(&machine->input_read, NULL);
	if (machine->until && !*machine->until)
		die("--until needs a text");
	if (machine->until) {
		machine->until_length = strlen(machine->until);
		machine->recent = xcalloc(1, machine->until_length + 1);
	}
	vm_create_or_die(&machine->vm, config);
}

void machine_destroy(struct machine *machine)
{
	vm_destroy(&machine->vm);
	free(machine->recent);
}
