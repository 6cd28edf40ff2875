// SPDX-License-Identifier: GPL-2.0
/* A guest that takes interrupts, NMIs and software interrupts, and says where they hit it. */
#include "guest.h"
#include "irq.h"

#define VEC_DE	0
#define VEC_NMI	2
#define VEC_BP	3
#define VEC_UD	6
#define VEC_PF	14
#define ABSENT	0x3ffff000UL

/* Changed by handlers: read again after a barrier. */
static unsigned int total, nmis, depth, deepest;
static unsigned long last_vector, last_ip;
static bool sync_in_nmi;

static void on_interrupt(struct trap_frame *frame)
{
	total++;
	last_vector = frame->vector;
	last_ip = frame->ip;
}

/* A fault would come again: skip the instruction, which is two bytes long in each case here. */
static void on_fault(struct trap_frame *frame)
{
	on_interrupt(frame);
	frame->ip += 2;
}

static void on_nmi(struct trap_frame *frame)
{
	(void)frame;
	nmis++;
	if (++depth > deepest)
		deepest = depth;
	barrier();
	if (sync_in_nmi && nmis == 1)
		guest_sync();
	depth--;
}

static void test_window(void (*window)(void), const char *ip)
{
	shared()->result[IRQ_RES_LABEL] = (unsigned long)ip;
	guest_sync();
	window();
}

static void test_loop(void)
{
	unsigned int i;

	asm volatile("sti" : : : "memory");
	for (i = 0; i < IRQ_LOOPS; i++)
		outb(IRQ_PORT, i);
	asm volatile("cli" : : : "memory");
}

static void test_spin(void)
{
	asm volatile("sti");
	while (!READ_ONCE(total))
		;
	asm volatile("cli" : : : "memory");
}

static void test_nmi(bool nested)
{
	sync_in_nmi = nested;
	guest_sync();
	asm volatile("nop; nop; nop" : : : "memory");
}

/* Exits that the host answers at once, from the first instructions of the handler on. */
static void on_nmi_slow(struct trap_frame *frame)
{
	u32 eax, ebx, ecx, edx;
	int i;

	for (i = 0; i < 200; i++) {
		eax = 0;
		ecx = 0;
		asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	}
	on_nmi(frame);
}

static void test_nmi_slow(void)
{
	int i;

	trap_hooks[VEC_NMI] = on_nmi_slow;
	for (i = 0; i < IRQ_ROUNDS; i++) {
		guest_sync();
		asm volatile("nop; nop; nop" : : : "memory");
	}
}

static void raise(unsigned int vector)
{
	switch (vector) {
	case VEC_DE:
		asm volatile("div %%ecx" : : "a"(1), "d"(0), "c"(0) : "memory");
		break;
	case VEC_BP:
		asm volatile("int3" : : : "memory");
		break;
	case VEC_UD:
		asm volatile("ud2" : : : "memory");
		break;
	case VEC_PF:
		asm volatile("mov (%0), %%ecx" : : "a"(ABSENT) : "ecx", "memory");
		break;
	default:
		asm volatile("int $0x41" : : : "memory");
	}
}

static void test_soft(unsigned int vector)
{
	/* INT3 and INT push the address after them, faults that of the instruction. */
	bool fault = vector != VEC_BP && vector < IRQ_FIRST;

	trap_hooks[vector] = fault ? on_fault : on_interrupt;
	guest_sync();
	raise(vector);
	trap_hooks[vector] = NULL;
}

static void begin(void)
{
	unsigned int i;

	for (i = 0; i < IRQ_COUNT; i++)
		trap_hooks[IRQ_FIRST + i] = on_interrupt;
	trap_hooks[VEC_NMI] = on_nmi;
	total = 0;
	nmis = 0;
	deepest = 0;
	sync_in_nmi = false;
}

void guest_main(u64 op)
{
	begin();
	switch (op) {
	case IRQ_WINDOW:
		test_window(window_sti, window_sti_ip);
		break;
	case IRQ_WINDOW_SS:
		test_window(window_ss, window_ss_ip);
		break;
	case IRQ_LOOP:
		test_loop();
		break;
	case IRQ_HALT:
		asm volatile("sti; hlt; cli" : : : "memory");
		break;
	case IRQ_SPIN:
		test_spin();
		break;
	case IRQ_NMI:
	case IRQ_NMI_NESTED:
		test_nmi(op == IRQ_NMI_NESTED);
		break;
	case IRQ_NMI_SLOW:
		test_nmi_slow();
		break;
	case IRQ_SOFT:
		test_soft(shared()->arg[0]);
		break;
	}
	shared()->result[IRQ_RES_TOTAL] = total;
	shared()->result[IRQ_RES_VECTOR] = last_vector;
	shared()->result[IRQ_RES_IP] = last_ip;
	shared()->result[IRQ_RES_NMIS] = nmis;
	shared()->result[IRQ_RES_DEPTH] = deepest;
}
