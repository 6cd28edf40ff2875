// SPDX-License-Identifier: GPL-2.0
/* Fills every register that a vCPU owns with values of its own and checks that they stay. */
#include "guest.h"
#include "state.h"

#define MSR_SYSENTER_ESP	0x175
#define MSR_STAR		0xc0000081
#define MSR_LSTAR		0xc0000082
#define MSR_CSTAR		0xc0000083
#define MSR_SFMASK		0xc0000084
#define MSR_FS_BASE		0xc0000100
#define MSR_GS_BASE		0xc0000101
#define MSR_KERNEL_GS_BASE	0xc0000102
#define CR4_OSFXSR		BIT(9)
#define CR4_OSXSAVE		BIT(18)
#define XCR0_ALL		7
#define XMM_BYTES		16
#define YMM_BYTES		32
#define NR_VECTORS		16
#define NR_ST			8

static u8 want[NR_VECTORS * YMM_BYTES];
static u8 got[NR_VECTORS * YMM_BYTES];
static u64 seed;
static bool avx;

static u64 value(unsigned int i)
{
	return (seed + i) * 0x9e3779b97f4a7c15ULL;
}

/* The instruction for each vector register; \\n stands for its number. */
#define EACH_VECTOR(insn)							\
	".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"	\
	insn "\n"								\
	".endr\n"

static void load_vectors(void)
{
	if (avx)
		asm volatile(EACH_VECTOR("vmovdqu 32*\\n(%0), %%ymm\\n") : : "r"(want) : "memory");
	else
		asm volatile(EACH_VECTOR("movdqu 16*\\n(%0), %%xmm\\n") : : "r"(want) : "memory");
}

static void store_vectors(void)
{
	if (avx)
		asm volatile(EACH_VECTOR("vmovdqu %%ymm\\n, 32*\\n(%0)") : : "r"(got) : "memory");
	else
		asm volatile(EACH_VECTOR("movdqu %%xmm\\n, 16*\\n(%0)") : : "r"(got) : "memory");
}

static void fill_vectors(void)
{
	unsigned int size = NR_VECTORS * (avx ? YMM_BYTES : XMM_BYTES), i;

	for (i = 0; i < size; i++)
		want[i] = value(i / 8) >> (8 * (i % 8));
	load_vectors();
}

static void check_vectors(void)
{
	unsigned int size = NR_VECTORS * (avx ? YMM_BYTES : XMM_BYTES), i;

	store_vectors();
	for (i = 0; i < size; i += 8)
		GUEST_EQ(*(u64 *)(got + i), *(u64 *)(want + i));
}

/* x87 registers as integers that doubles hold exactly, and both control words. */
static void fill_fpu(void)
{
	u32 mxcsr = seed & 1 ? 0x1f80 : 0x9fc0;
	u16 cw = seed & 1 ? 0x37f : 0x27f;
	unsigned int i;

	asm volatile("fninit; fldcw %0; ldmxcsr %1" : : "m"(cw), "m"(mxcsr));
	for (i = 0; i < NR_ST; i++) {
		u32 n = (u32)value(i) >> 1;

		asm volatile("fildl %0" : : "m"(n));
	}
}

static void check_fpu(void)
{
	u32 mxcsr, n;
	int i;
	u16 cw;

	asm volatile("fnstcw %0; stmxcsr %1" : "=m"(cw), "=m"(mxcsr));
	GUEST_EQ(cw, seed & 1 ? 0x37f : 0x27f);
	GUEST_EQ(mxcsr, seed & 1 ? 0x1f80 : 0x9fc0);
	for (i = NR_ST - 1; i >= 0; i--) {
		asm volatile("fistpl %0" : "=m"(n));
		GUEST_EQ(n, (u32)value(i) >> 1);
	}
	fill_fpu();
}

/* Breakpoint addresses; DR7 has none of them enabled. */
static void fill_debug(void)
{
	asm volatile("mov %0, %%dr0" : : "r"(value(0) >> 20));
	asm volatile("mov %0, %%dr1" : : "r"(value(1) >> 20));
	asm volatile("mov %0, %%dr2" : : "r"(value(2) >> 20));
	asm volatile("mov %0, %%dr3" : : "r"(value(3) >> 20));
	asm volatile("mov %0, %%dr7" : : "r"(seed & 1 ? 0xd0400UL : 0x400UL));
}

#define CHECK_DR(n)								\
	do {									\
		u64 __dr;							\
										\
		asm volatile("mov %%dr" #n ", %0" : "=r"(__dr));		\
		GUEST_EQ(__dr, value(n) >> 20);					\
	} while (0)

static void check_debug(void)
{
	u64 dr7;

	CHECK_DR(0);
	CHECK_DR(1);
	CHECK_DR(2);
	CHECK_DR(3);
	asm volatile("mov %%dr7, %0" : "=r"(dr7));
	GUEST_EQ(dr7, seed & 1 ? 0xd0400UL : 0x400UL);
}

static const struct {
	u32 index;
	u64 mask;	/* keeps addresses canonical, selectors short */
} msrs[] = {
	{ MSR_SYSENTER_ESP, 0xffffffffff },
	{ MSR_STAR, ~0ULL },
	{ MSR_LSTAR, 0xffffffffff },
	{ MSR_CSTAR, 0xffffffffff },
	{ MSR_SFMASK, 0xffffffff },
	{ MSR_FS_BASE, 0xffffffffff },
	{ MSR_GS_BASE, 0xffffffffff },
	{ MSR_KERNEL_GS_BASE, 0xffffffffff },
};

static void fill_msrs(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		wrmsr(msrs[i].index, value(i) & msrs[i].mask);
}

static void check_msrs(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		GUEST_EQ(rdmsr(msrs[i].index), value(i) & msrs[i].mask);
}

/* General registers over a loop long enough to be preempted in. */
static void check_general(void)
{
	u64 sum = 0, want_sum = 0;
	unsigned int i;

	for (i = 0; i < 8; i++)
		want_sum += value(i);
	asm volatile("mov %[v0], %%r8; mov %[v1], %%r9; mov %[v2], %%r10; mov %[v3], %%r11\n"
		     "mov %[v4], %%r12; mov %[v5], %%r13; mov %[v6], %%r14; mov %[v7], %%r15\n"
		     "mov $3000, %%ecx\n1: dec %%ecx\njnz 1b\n"
		     "lea (%%r8, %%r9), %[s]; add %%r10, %[s]; add %%r11, %[s]; add %%r12, %[s]\n"
		     "add %%r13, %[s]; add %%r14, %[s]; add %%r15, %[s]"
		     : [s] "=&r"(sum)
		     : [v0] "m"((u64){ value(0) }), [v1] "m"((u64){ value(1) }),
		       [v2] "m"((u64){ value(2) }), [v3] "m"((u64){ value(3) }),
		       [v4] "m"((u64){ value(4) }), [v5] "m"((u64){ value(5) }),
		       [v6] "m"((u64){ value(6) }), [v7] "m"((u64){ value(7) })
		     : "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rcx", "cc");
	GUEST_EQ(sum, want_sum);
}

static void fill(void)
{
	seed = shared()->arg[0];
	avx = shared()->arg[1];
	write_cr4(read_cr4() | CR4_OSFXSR | (avx ? CR4_OSXSAVE : 0));
	if (avx)
		asm volatile("xsetbv" : : "c"(0), "a"(XCR0_ALL), "d"(0));
	fill_vectors();
	fill_fpu();
	fill_debug();
	fill_msrs();
	write_cr2(value(9));
}

static void check(void)
{
	check_vectors();
	check_fpu();
	check_debug();
	check_msrs();
	check_general();
	GUEST_EQ(read_cr2(), value(9));
}

void guest_main(u64 op)
{
	fill();
	if (op == STATE_SYNC) {
		guest_sync();
		check();
		return;
	}
	do {
		check();
		write32(STATE_ROUNDS, read32(STATE_ROUNDS) + 1);
	} while (!read32(STATE_STOP));
}
