// SPDX-License-Identifier: GPL-2.0
/* Single-step and breakpoint traps around instructions that a hypervisor executes itself. */
#include "guest.h"
#include "insn.h"

#define VEC_DB		1
#define DR6_BS		(1UL << 14)
#define DR6_CLEAR	0xffff0ff0UL
#define DR7_L0		(1UL << 0)
#define DR7_FIXED	0x400UL
#define DR7_WRITE0_4	0xd0000UL

#define MAX_STEPS 32
static unsigned long steps[MAX_STEPS];
static unsigned int nr_steps;

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

static void record_step(struct trap_frame *frame)
{
	GUEST_CHECK(read_dr6() & DR6_BS);
	clear_dr6();
	if (nr_steps < MAX_STEPS)
		steps[nr_steps++] = frame->ip;
}

/* The bodies put the address after each of their instructions here. */
static void check_steps(const unsigned long *want, unsigned int n)
{
	unsigned int i;

	GUEST_EQ(nr_steps, n);
	for (i = 0; i < n; i++)
		GUEST_EQ(steps[i], want[i]);
}

#define SET_TF		"pushf; orl $0x100, (%%rsp); popf\n"
#define CLEAR_TF	"pushf; andl $~0x100, (%%rsp); popf\n"

static void start_steps(void)
{
	nr_steps = 0;
	trap_hooks[VEC_DB] = record_step;
	clear_dr6();
}

#define ADDRESSES(table, n)							\
	extern const unsigned long table[];					\
	check_steps(table, n)

static void test_step(void)
{
	start_steps();
	asm volatile(SET_TF
		     "nop\n1: xor %%eax, %%eax\n2: cpuid\n3: rdtsc\n4: inb $0x60, %%al\n"
		     "5: mov %%cr0, %%rax\n6: mov %%rax, %%cr0\n7: mov %%cr3, %%rax\n"
		     "8: mov %%rax, %%cr3\n9: mov $0x174, %%ecx\n10: rdmsr\n11: wrmsr\n"
		     "12: vmcall\n13: outb %%al, $0x60\n14:" CLEAR_TF
		     ".pushsection .rodata; .balign 8; step_ips: .quad 1b, 2b, 3b, 4b, 5b, 6b, 7b,"
		     "8b, 9b, 10b, 11b, 12b, 13b, 14b, 14b + 1, 14b + 8, 14b + 9; .popsection"
		     : : : "rax", "rbx", "rcx", "rdx", "memory", "cc");
	trap_hooks[VEC_DB] = NULL;
	/* After the last: PUSHF (1 byte), AND (7 bytes), POPF, which still traps. */
	ADDRESSES(step_ips, 17);
}

static void test_step_mmio_read(void)
{
	start_steps();
	asm volatile(SET_TF
		     "mov (%%rdi), %%eax\n1: testb $1, (%%rdi)\n2: movzbl (%%rdi), %%eax\n3:" CLEAR_TF
		     ".pushsection .rodata; .balign 8; step_read_ips: .quad 1b, 2b, 3b, 3b + 1,"
		     "3b + 8, 3b + 9; .popsection"
		     : : "D"(INSN_MMIO) : "rax", "memory", "cc");
	trap_hooks[VEC_DB] = NULL;
	ADDRESSES(step_read_ips, 6);
}

static void test_step_mmio_write(void)
{
	unsigned long device = INSN_MMIO;

	start_steps();
	asm volatile(SET_TF
		     "mov %%eax, (%%rdi)\n1: addl $1, (%%rdi)\n2: stosl\n3:" CLEAR_TF
		     ".pushsection .rodata; .balign 8; step_write_ips: .quad 1b, 2b, 3b, 3b + 1,"
		     "3b + 8, 3b + 9; .popsection"
		     : "+D"(device) : : "rax", "memory", "cc");
	trap_hooks[VEC_DB] = NULL;
	ADDRESSES(step_write_ips, 6);
}

/* MOV to SS holds the trap back over the next instruction. */
static void test_step_mov_ss(void)
{
	start_steps();
	asm volatile(SET_TF
		     "mov %%ss, %%eax\n1: mov %%eax, %%ss\nnop\n2: mov %%eax, %%ss\ncpuid\n3:" CLEAR_TF
		     ".pushsection .rodata; .balign 8; step_ss_ips: .quad 1b, 2b, 3b, 3b + 1,"
		     "3b + 8, 3b + 9; .popsection"
		     : : : "rax", "rbx", "rcx", "rdx", "memory", "cc");
	trap_hooks[VEC_DB] = NULL;
	ADDRESSES(step_ss_ips, 6);
}

static volatile u32 watched;
static volatile unsigned int hits;
static volatile unsigned long hit_dr6;

static void record_hit(struct trap_frame *frame)
{
	(void)frame;
	hits++;
	hit_dr6 = read_dr6();
	clear_dr6();
}

static void test_breakpoints(void)
{
	hits = 0;
	trap_hooks[VEC_DB] = record_hit;
	clear_dr6();
	asm volatile("mov %0, %%dr0" : : "r"(&watched));
	asm volatile("mov %0, %%dr7" : : "r"(DR7_FIXED | DR7_L0 | DR7_WRITE0_4));
	watched = 1;
	GUEST_EQ(hits, 1);
	GUEST_EQ(hit_dr6 & 0xf, 1);
	guest_sync();
	watched = 2;
	GUEST_EQ(hits, 2);
	asm volatile("mov %0, %%dr7" : : "r"(DR7_FIXED));
	watched = 3;
	GUEST_EQ(hits, 2);
	asm volatile(".byte 0xf1");	/* ICEBP */
	GUEST_EQ(hits, 3);
	trap_hooks[VEC_DB] = NULL;
}

void guest_main(u64 op)
{
	switch (op) {
	case STEP_INSN:
		test_step();
		break;
	case STEP_MMIO_READ:
		test_step_mmio_read();
		break;
	case STEP_MMIO_WRITE:
		test_step_mmio_write();
		break;
	case STEP_MOV_SS:
		test_step_mov_ss();
		break;
	case STEP_BREAKPOINTS:
		test_breakpoints();
		break;
	}
}
