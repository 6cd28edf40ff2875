/* SPDX-License-Identifier: GPL-2.0 */
/* A 16550 serial port without FIFO: bytes go to a callback, come from uart_feed() or stdin. */
#ifndef UART_H
#define UART_H

#include "util.h"

#define UART_BASE	0x3f8
#define UART_PORTS	8
#define UART_IRQ	4

struct uart {
	void (*put)(void *owner, u8 byte);
	void *owner;
	bool fed;		/* uart_feed() brings the input: do not look at stdin */
	bool input_closed;
	bool has_input;
	bool transmit_pending;	/* a "transmitter empty" interrupt nobody has seen yet */
	u8 input;
	u8 ier, lcr, mcr, scratch;
	u8 divisor[2];
};

u8 uart_read(struct uart *uart, unsigned int reg);
void uart_write(struct uart *uart, unsigned int reg, u8 value);
bool uart_irq_level(const struct uart *uart);
/* A byte comes in; false while the one before has not been read. */
bool uart_feed(struct uart *uart, u8 byte);
/* Take a byte from stdin if one waits there. */
void uart_poll_input(struct uart *uart);

#endif
