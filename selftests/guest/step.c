// SPDX-License-Identifier: GPL-2.0
/* Single-step and breakpoint traps around instructions that a hypervisor executes itself. */
#include "guest.h"
#include "step.h"

#define VEC_DB		1
#define DR6_BS		BIT(14)
#define DR6_CLEAR	0xffff0ff0UL
#define DR7_L0		BIT(0)
#define DR7_FIXED	0x400UL
#define DR7_WRITE0_4	0xd0000UL
#define DR7_WRITE0_8	0x90000UL
#define MAX_STEPS	32

static unsigned long steps[MAX_STEPS];
static unsigned int nr_steps;
static u32 watched;
static unsigned int hits;
static unsigned long hit_dr6;

static void clear_dr6(void)
{
	asm volatile("mov %0, %%dr6" : : "r"(DR6_CLEAR));
}

static unsigned long read_dr6(void)
{
	unsigned long dr6;

	asm volatile("mov %%dr6, %0" : "=r"(dr6));
	return dr6;
}

static void write_dr7(unsigned long dr7)
{
	asm volatile("mov %0, %%dr7" : : "r"(dr7) : "memory");
}

static void record_step(struct trap_frame *frame)
{
	GUEST_CHECK(read_dr6() & DR6_BS);
	clear_dr6();
	if (nr_steps < MAX_STEPS)
		steps[nr_steps++] = frame->ip;
}

static void test_step(void (*sequence)(void), const unsigned long *ips)
{
	unsigned int i;

	nr_steps = 0;
	trap_hooks[VEC_DB] = record_step;
	clear_dr6();
	sequence();
	trap_hooks[VEC_DB] = NULL;
	for (i = 0; ips[i]; i++)
		GUEST_EQ(steps[i], ips[i]);
	GUEST_EQ(nr_steps, i);
}

static void record_hit(struct trap_frame *frame)
{
	(void)frame;
	WRITE_ONCE(hits, hits + 1);
	hit_dr6 = read_dr6();
	clear_dr6();
}

static void touch(u32 value)
{
	WRITE_ONCE(watched, value);
	barrier();
}

static void test_breakpoints(void)
{
	WRITE_ONCE(hits, 0);
	trap_hooks[VEC_DB] = record_hit;
	clear_dr6();
	asm volatile("mov %0, %%dr0" : : "r"(&watched));
	write_dr7(DR7_FIXED | DR7_L0 | DR7_WRITE0_4);
	touch(1);
	GUEST_EQ(READ_ONCE(hits), 1);
	GUEST_EQ(READ_ONCE(hit_dr6) & 0xf, 1);
	guest_sync();
	touch(2);
	GUEST_EQ(READ_ONCE(hits), 2);
	write_dr7(DR7_FIXED);
	touch(3);
	GUEST_EQ(READ_ONCE(hits), 2);
	asm volatile(".byte 0xf1");	/* ICEBP */
	GUEST_EQ(READ_ONCE(hits), 3);
	trap_hooks[VEC_DB] = NULL;
}

static void ignore(struct trap_frame *frame)
{
	(void)frame;
}

/* A write breakpoint on the stack slot that the delivery of #DB itself writes, each time. */
static void test_db_loop(void)
{
	/* The stack of a vCPU that does not exist. */
	unsigned long top = STACK_GPA + MAX_VCPUS * STACK_SIZE - 16;

	set_vector_stack(VEC_DB, top);
	trap_hooks[VEC_DB] = ignore;
	asm volatile("mov %0, %%dr0" : : "r"(top - 8));
	write_dr7(DR7_FIXED | DR7_L0 | DR7_WRITE0_8);
	asm volatile(".byte 0xf1");	/* ICEBP */
	for (;;)
		barrier();
}

void guest_main(u64 op)
{
	switch (op) {
	case STEP_INSN:
		test_step(step_exits, step_exits_ips);
		break;
	case STEP_MMIO_READ:
		test_step(step_mmio_read, step_mmio_read_ips);
		break;
	case STEP_MMIO_WRITE:
		test_step(step_mmio_write, step_mmio_write_ips);
		break;
	case STEP_MOV_SS:
		test_step(step_mov_ss, step_mov_ss_ips);
		break;
	case STEP_BREAKPOINTS:
		test_breakpoints();
		break;
	case STEP_DB_LOOP:
		test_db_loop();
		break;
	}
}
