// SPDX-License-Identifier: GPL-2.0
/* A 16550 serial port without FIFO: bytes go to a callback, come from uart_feed() or stdin. */
#include <linux/serial_reg.h>
#include <poll.h>
#include <unistd.h>

#include "uart.h"

void uart_poll_input(struct uart *uart)
{
	struct pollfd poll_stdin = { .fd = STDIN_FILENO, .events = POLLIN };

	if (uart->has_input || uart->input_closed || poll(&poll_stdin, 1, 0) != 1)
		return;
	if (read(STDIN_FILENO, &uart->input, 1) == 1)
		uart->has_input = true;
	else
		uart->input_closed = true;
}

bool uart_feed(struct uart *uart, u8 byte)
{
	if (uart->has_input)
		return false;
	uart->input = byte;
	uart->has_input = true;
	return true;
}

static bool divisor_latched(const struct uart *uart)
{
	return uart->lcr & UART_LCR_DLAB;
}

static bool receive_interrupt(const struct uart *uart)
{
	return uart->has_input && uart->ier & UART_IER_RDI;
}

static bool transmit_interrupt(const struct uart *uart)
{
	return uart->transmit_pending && uart->ier & UART_IER_THRI;
}

bool uart_irq_level(const struct uart *uart)
{
	return receive_interrupt(uart) || transmit_interrupt(uart);
}

static u8 read_interrupt_id(struct uart *uart)
{
	if (receive_interrupt(uart))
		return UART_IIR_RDI;
	if (!transmit_interrupt(uart))
		return UART_IIR_NO_INT;
	uart->transmit_pending = false;
	return UART_IIR_THRI;
}

static u8 read_line_status(struct uart *uart)
{
	if (!uart->fed)
		uart_poll_input(uart);
	return UART_LSR_THRE | UART_LSR_TEMT | (uart->has_input ? UART_LSR_DR : 0);
}

static u8 read_data(struct uart *uart)
{
	u8 byte = uart->has_input ? uart->input : 0;

	uart->has_input = false;
	return byte;
}

u8 uart_read(struct uart *uart, unsigned int reg)
{
	if (divisor_latched(uart) && reg <= UART_DLM)
		return uart->divisor[reg];
	switch (reg) {
	case UART_RX:
		return read_data(uart);
	case UART_IER:
		return uart->ier;
	case UART_IIR:
		return read_interrupt_id(uart);
	case UART_LCR:
		return uart->lcr;
	case UART_MCR:
		return uart->mcr;
	case UART_LSR:
		return read_line_status(uart);
	case UART_MSR:
		return UART_MSR_CTS | UART_MSR_DSR | UART_MSR_DCD;
	default:
		return uart->scratch;
	}
}

static void write_data(struct uart *uart, u8 byte)
{
	uart->transmit_pending = true;
	if (uart->mcr & UART_MCR_LOOP) {
		uart->input = byte;
		uart->has_input = true;
	} else {
		uart->put(uart->owner, byte);
	}
}

void uart_write(struct uart *uart, unsigned int reg, u8 value)
{
	if (divisor_latched(uart) && reg <= UART_DLM) {
		uart->divisor[reg] = value;
		return;
	}
	switch (reg) {
	case UART_TX:
		write_data(uart, value);
		break;
	case UART_IER:
		uart->transmit_pending |= value & UART_IER_THRI & ~uart->ier;
		uart->ier = value & 0xf;
		break;
	case UART_LCR:
		uart->lcr = value;
		break;
	case UART_MCR:
		uart->mcr = value;
		break;
	case UART_SCR:
		uart->scratch = value;
		break;
	}
}
