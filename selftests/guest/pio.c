// SPDX-License-Identifier: GPL-2.0
/* Port I/O in every form; the host plays the device and judges. */
#include "guest.h"
#include "pio.h"

#define DEFINE_STRING_IO(suffix)							\
static void outs##suffix(u16 port, unsigned long *si, unsigned long *count)		\
{											\
	asm volatile("rep outs" #suffix : "+S"(*si), "+c"(*count) : "d"(port) : "memory");	\
}											\
static void ins##suffix(u16 port, unsigned long *di, unsigned long *count)		\
{											\
	asm volatile("rep ins" #suffix : "+D"(*di), "+c"(*count) : "d"(port) : "memory");	\
}											\
static void outs##suffix##_once(u16 port, unsigned long *si)				\
{											\
	asm volatile("outs" #suffix : "+S"(*si) : "d"(port) : "memory");		\
}											\
static void ins##suffix##_once(u16 port, unsigned long *di)				\
{											\
	asm volatile("ins" #suffix : "+D"(*di) : "d"(port) : "memory");			\
}

DEFINE_STRING_IO(b)
DEFINE_STRING_IO(w)
DEFINE_STRING_IO(l)

static void (* const outs[])(u16, unsigned long *, unsigned long *) = {
	[1] = outsb, [2] = outsw, [4] = outsl,
};

static void (* const ins[])(u16, unsigned long *, unsigned long *) = {
	[1] = insb, [2] = insw, [4] = insl,
};

static void (* const outs_once[])(u16, unsigned long *) = {
	[1] = outsb_once, [2] = outsw_once, [4] = outsl_once,
};

static void (* const ins_once[])(u16, unsigned long *) = {
	[1] = insb_once, [2] = insw_once, [4] = insl_once,
};

static void test_out(void)
{
	outb(PIO_PORT, 0x12);
	outw(PIO_PORT, 0x3456);
	outl(PIO_PORT, 0x789abcde);
	asm volatile("outb %%al, $0x7f" : : "a"(0x55));
	asm volatile("outw %%ax, $0x7f" : : "a"(0x6677));
	asm volatile("outl %%eax, $0x7f" : : "a"(0x8899aabb));
	outb(0xffff, 0xee);
}

/* Narrow input leaves the rest of EAX alone. */
static void test_in(void)
{
	u32 eax;

	asm volatile("inb %w1, %b0" : "=a"(eax) : "d"(PIO_PORT), "0"(0x11223344));
	GUEST_EQ(eax, 0x11223380);
	asm volatile("inw %w1, %w0" : "=a"(eax) : "d"(PIO_PORT), "0"(0x11223344));
	GUEST_EQ(eax, 0x11228281);
	asm volatile("inl %w1, %0" : "=a"(eax) : "d"(PIO_PORT), "0"(0x11223344));
	GUEST_EQ(eax, 0x86858483);
	asm volatile("inb $0x7f, %b0" : "=a"(eax) : "0"(0));
	GUEST_EQ(eax, 0x87);
}

static void test_string(u64 op)
{
	unsigned long index = shared()->arg[PIO_ARG_START], count = shared()->arg[PIO_ARG_COUNT];
	unsigned int width = shared()->arg[PIO_ARG_WIDTH];
	bool rep = shared()->arg[PIO_ARG_REP];

	if (shared()->arg[PIO_ARG_DOWN])
		asm volatile("std");
	if (op == PIO_OUTS && rep)
		outs[width](PIO_PORT, &index, &count);
	else if (op == PIO_OUTS)
		outs_once[width](PIO_PORT, &index);
	else if (rep)
		ins[width](PIO_PORT, &index, &count);
	else
		ins_once[width](PIO_PORT, &index);
	asm volatile("cld");
	shared()->result[PIO_RES_INDEX] = index;
	shared()->result[PIO_RES_COUNT] = count;
}

void guest_main(u64 op)
{
	switch (op) {
	case PIO_OUT:
		test_out();
		break;
	case PIO_IN:
		test_in();
		break;
	default:
		test_string(op);
	}
}
