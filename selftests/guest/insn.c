// SPDX-License-Identifier: GPL-2.0
/* Single instructions that a hypervisor intercepts or might disturb, checked where they run. */
#include "guest.h"
#include "insn.h"

#define VEC_DE		0
#define VEC_BP		3
#define VEC_UD		6
#define VEC_NM		7
#define VEC_SS		12
#define VEC_GP		13
#define VEC_AC		17

#define CR0_MP		BIT(1)
#define CR0_TS		BIT(3)
#define CR0_ET		BIT(4)
#define CR0_AM		BIT(18)
#define CR0_NW		BIT(29)
#define CR0_PE		BIT(0)
#define CR4_TSD		BIT(2)
#define CR4_DE		BIT(3)
#define CR4_PAE		BIT(5)
#define CR4_OSXSAVE	BIT(18)
#define CR4_RESERVED	BIT(15)
#define EFER_SCE	BIT(0)
#define EFER_RESERVED	BIT(1)
#define EFER_LME	BIT(8)
#define MSR_EFER	0xc0000080
#define MSR_LSTAR	0xc0000082
#define MSR_NONE	0x8b00
#define MSR_SYSENTER_CS	0x174
#define MSR_SYSENTER_EIP	0x176
#define NONCANONICAL	BIT_ULL(63)

/* body_fn at CPL 0, user_fn at CPL 3: this vector and error code must come of it, or NOTHING. */
#define EXPECT(vector_, error_, fn)						\
	expect(#fn, __LINE__, try_call(body_##fn, 0), vector_, error_)
#define EXPECT_USER(vector_, error_, fn)					\
	expect(#fn, __LINE__, try_user(user_##fn, 0), vector_, error_)
#define NOTHING	-1

#define BODY(name, ...)								\
static void body_##name(unsigned long arg)					\
{										\
	(void)arg;								\
	__VA_ARGS__;								\
}

#define USER_BODY(name, insn)							\
static void __user_text user_##name(unsigned long arg)				\
{										\
	(void)arg;								\
	asm volatile(insn : : : "eax", "ecx", "edx", "memory");			\
}

static void expect(const char *what, u32 line, bool faulted, int vector, u64 error)
{
	const struct guest_trap *trap = &this_cpu()->trap;
	int got = faulted ? (int)trap->vector : NOTHING;

	if (got != vector)
		guest_fail(what, line, (int64_t)got, (int64_t)vector);
	if (faulted && got == vector && trap->error != error)
		guest_fail(what, line, trap->error, error);
}

static void test_tsc(void)
{
	u64 last = rdtsc();
	int i;

	for (i = 0; i < 1000; i++) {
		u64 now = rdtsc();

		GUEST_CHECK(now >= last);
		last = now;
	}
	shared()->result[0] = last;
}

BODY(rdmsr_none, rdmsr(MSR_NONE))
BODY(wrmsr_none, wrmsr(MSR_NONE, 0))
BODY(efer_reserved, wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_RESERVED))
BODY(efer_lme, wrmsr(MSR_EFER, rdmsr(MSR_EFER) ^ EFER_LME))
BODY(efer_sce, wrmsr(MSR_EFER, rdmsr(MSR_EFER) ^ EFER_SCE))
BODY(lstar, wrmsr(MSR_LSTAR, NONCANONICAL))
BODY(sysenter_eip, wrmsr(MSR_SYSENTER_EIP, NONCANONICAL))

static void test_msr_faults(void)
{
	u64 efer = rdmsr(MSR_EFER);

	EXPECT(VEC_GP, 0, rdmsr_none);
	EXPECT(VEC_GP, 0, wrmsr_none);
	EXPECT(VEC_GP, 0, efer_reserved);
	EXPECT(VEC_GP, 0, efer_lme);
	GUEST_EQ(rdmsr(MSR_EFER), efer);
	EXPECT(NOTHING, 0, efer_sce);
	GUEST_EQ(rdmsr(MSR_EFER), efer ^ EFER_SCE);
	wrmsr(MSR_EFER, efer);
	EXPECT(VEC_GP, 0, lstar);
	EXPECT(VEC_GP, 0, sysenter_eip);
	wrmsr(MSR_SYSENTER_CS, 0x1234);
	GUEST_EQ(rdmsr(MSR_SYSENTER_CS), 0x1234);
}

BODY(cr0_no_pe, write_cr0(read_cr0() & ~CR0_PE))
BODY(cr0_nw, write_cr0(read_cr0() | CR0_NW))
BODY(cr0_high, write_cr0(read_cr0() | BIT(40)))
BODY(cr4_reserved, write_cr4(read_cr4() | CR4_RESERVED))
BODY(cr4_no_pae, write_cr4(read_cr4() & ~CR4_PAE))
BODY(cr3_high, write_cr3(read_cr3() | BIT(60)))
BODY(cr8_high, asm volatile("mov %0, %%cr8" : : "r"(16UL)))

static void test_cr_faults(void)
{
	unsigned long cr0 = read_cr0(), cr3 = read_cr3(), cr4 = read_cr4();

	EXPECT(VEC_GP, 0, cr0_no_pe);
	EXPECT(VEC_GP, 0, cr0_nw);
	EXPECT(VEC_GP, 0, cr0_high);
	EXPECT(VEC_GP, 0, cr4_reserved);
	EXPECT(VEC_GP, 0, cr4_no_pae);
	EXPECT(VEC_GP, 0, cr3_high);
	EXPECT(VEC_GP, 0, cr8_high);
	GUEST_EQ(read_cr0(), cr0);
	GUEST_EQ(read_cr3(), cr3);
	GUEST_EQ(read_cr4(), cr4);
}

static void test_cr_bits(void)
{
	unsigned long cr0 = read_cr0(), cr4 = read_cr4();
	u16 msw;

	write_cr0(cr0 | CR0_TS | CR0_MP | CR0_AM);
	GUEST_EQ(read_cr0(), cr0 | CR0_TS | CR0_MP | CR0_AM);
	asm volatile("clts");
	GUEST_EQ(read_cr0(), cr0 | CR0_MP | CR0_AM);
	write_cr0(cr0 & ~CR0_ET);
	GUEST_EQ(read_cr0(), cr0);
	asm volatile("smsw %0" : "=r"(msw));
	GUEST_EQ(msw, (u16)cr0);
	/* LMSW sets TS and cannot clear PE. */
	asm volatile("lmsw %0" : : "r"((u16)((cr0 | CR0_TS) & ~CR0_PE)));
	GUEST_EQ(read_cr0(), cr0 | CR0_TS);
	write_cr0(cr0);
	write_cr4(cr4 | CR4_TSD | CR4_DE);
	GUEST_EQ(read_cr4(), cr4 | CR4_TSD | CR4_DE);
	write_cr4(cr4);
	GUEST_EQ(read_cr4(), cr4);
	write_cr2(0x123456789aUL);
	guest_sync();
	GUEST_EQ(read_cr2(), 0x123456789aUL);
}

static void test_cpuid(void)
{
	u32 a, b, c, d, leaf, again;

	cpuid(0, 0, &a, &b, &c, &d);
	GUEST_CHECK(a >= 1);
	shared()->result[0] = a;
	shared()->result[1] = b;
	shared()->result[2] = c;
	shared()->result[3] = d;
	leaf = shared()->arg[0];
	cpuid(leaf, shared()->arg[1], &a, &b, &c, &d);
	cpuid(leaf, shared()->arg[1], &again, &b, &c, &d);
	GUEST_EQ(a, again);
	shared()->result[4] = a;
	shared()->result[5] = b;
	shared()->result[6] = c;
	shared()->result[7] = d;
}

USER_BODY(cli, "cli")
USER_BODY(hlt, "hlt")
USER_BODY(in, "in $0x60, %%al")
USER_BODY(rdmsr, "mov $0x174, %%ecx; rdmsr")
USER_BODY(mov_cr0, "mov %%cr0, %%rax")
USER_BODY(mov_cr3, "mov %%rax, %%cr3")
USER_BODY(clts, "clts")
USER_BODY(invlpg, "invlpg (%%rsp)")
USER_BODY(mov_dr, "mov %%dr7, %%rax")
USER_BODY(wbinvd, "wbinvd")
USER_BODY(xsetbv, "xor %%ecx, %%ecx; xgetbv; xsetbv")
USER_BODY(rdtsc, "rdtsc")
USER_BODY(cpuid, "push %%rbx; xor %%eax, %%eax; xor %%ecx, %%ecx; cpuid; pop %%rbx")

static void test_privileged(void)
{
	unsigned long cr4 = read_cr4();

	EXPECT_USER(VEC_GP, 0, cli);
	EXPECT_USER(VEC_GP, 0, hlt);
	EXPECT_USER(VEC_GP, 0, in);
	EXPECT_USER(VEC_GP, 0, rdmsr);
	EXPECT_USER(VEC_GP, 0, mov_cr0);
	EXPECT_USER(VEC_GP, 0, mov_cr3);
	EXPECT_USER(VEC_GP, 0, clts);
	EXPECT_USER(VEC_GP, 0, invlpg);
	EXPECT_USER(VEC_GP, 0, mov_dr);
	EXPECT_USER(VEC_GP, 0, wbinvd);
	if (shared()->arg[0]) {
		write_cr4(cr4 | CR4_OSXSAVE);
		EXPECT_USER(VEC_GP, 0, xsetbv);
	}
	EXPECT_USER(NOTHING, 0, rdtsc);
	EXPECT_USER(NOTHING, 0, cpuid);
	write_cr4(cr4 | CR4_TSD);
	EXPECT_USER(VEC_GP, 0, rdtsc);
	write_cr4(cr4);
}

BODY(ud2, asm volatile("ud2"))
BODY(vmread, asm volatile("vmread %%rax, %%rax" : : : "rax"))
BODY(vmclear, asm volatile("vmclear (%%rsp)" : : : "memory"))
BODY(vmlaunch, asm volatile("vmlaunch"))
BODY(vmxoff, asm volatile("vmxoff"))
BODY(vmxon, asm volatile("vmxon (%%rsp)" : : : "memory"))
BODY(invept, asm volatile("invept (%%rsp), %%rax" : : : "memory"))
BODY(invvpid, asm volatile("invvpid (%%rsp), %%rax" : : : "memory"))
BODY(xgetbv, asm volatile("xgetbv" : : "c"(0) : "eax", "edx"))

static void test_undefined(void)
{
	write_cr4(read_cr4() & ~CR4_OSXSAVE);
	EXPECT(VEC_UD, 0, ud2);
	EXPECT(VEC_UD, 0, vmread);
	EXPECT(VEC_UD, 0, vmclear);
	EXPECT(VEC_UD, 0, vmlaunch);
	EXPECT(VEC_UD, 0, vmxoff);
	EXPECT(VEC_UD, 0, vmxon);
	EXPECT(VEC_UD, 0, invept);
	EXPECT(VEC_UD, 0, invvpid);
	EXPECT(VEC_UD, 0, xgetbv);
}

BODY(divide, asm volatile("xor %%ecx, %%ecx; div %%ecx" : : "a"(1), "d"(0) : "ecx"))
BODY(int3, asm volatile("int3"))
BODY(load_fs, asm volatile("mov %0, %%fs" : : "r"(0x5550)))
BODY(load_ss, asm volatile("mov %0, %%ss" : : "r"(SEL_UDATA)))
BODY(noncanonical, write32(BIT(62), 0))
BODY(stack, asm volatile("mov %0, %%rbp; mov (%%rbp), %%rax" : : "r"(BIT(62)) : "rax"))
BODY(soft_int, asm volatile("int $0x70"))
BODY(fpu, asm volatile("fninit"))

static void test_exceptions(void)
{
	unsigned long cr0 = read_cr0();

	EXPECT(VEC_DE, 0, divide);
	EXPECT(VEC_BP, 0, int3);
	EXPECT(VEC_GP, 0x5550, load_fs);
	EXPECT(VEC_GP, SEL_UDATA & ~3, load_ss);
	EXPECT(VEC_GP, 0, noncanonical);
	EXPECT(VEC_SS, 0, stack);
	EXPECT(0x70, 0, soft_int);
	write_cr0(cr0 | CR0_TS);
	EXPECT(VEC_NM, 0, fpu);
	write_cr0(cr0);
	EXPECT(NOTHING, 0, fpu);
}

USER_BODY(misaligned, "movl -13(%%rsp), %%eax")
USER_BODY(misaligned_ac, "pushf; orl $0x40000, (%%rsp); popf; movl -13(%%rsp), %%eax")

static void test_alignment(void)
{
	unsigned long cr0 = read_cr0();

	write_cr0(cr0 | CR0_AM);
	EXPECT_USER(NOTHING, 0, misaligned);
	EXPECT_USER(VEC_AC, 0, misaligned_ac);
	write_cr0(cr0);
	EXPECT_USER(NOTHING, 0, misaligned_ac);
}

static void set_xcr(u32 index, u64 value)
{
	asm volatile("xsetbv" : : "c"(index), "a"((u32)value), "d"((u32)(value >> 32)));
}

static u64 get_xcr0(void)
{
	u32 low, high;

	asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (u64)high << 32 | low;
}

BODY(xcr0_none, set_xcr(0, 0))
BODY(xcr0_avx_only, set_xcr(0, 5))
BODY(xcr0_reserved, set_xcr(0, 1ULL << 62 | 1))
BODY(xcr1, set_xcr(1, 1))

static void test_xsetbv(void)
{
	unsigned long cr4 = read_cr4();
	u64 old;

	write_cr4(cr4 | CR4_OSXSAVE);
	old = get_xcr0();
	EXPECT(VEC_GP, 0, xcr0_none);
	EXPECT(VEC_GP, 0, xcr0_avx_only);
	EXPECT(VEC_GP, 0, xcr0_reserved);
	EXPECT(VEC_GP, 0, xcr1);
	GUEST_EQ(get_xcr0(), old);
	set_xcr(0, 7);
	GUEST_EQ(get_xcr0(), 7);
	guest_sync();
	GUEST_EQ(get_xcr0(), 7);
	set_xcr(0, old);
	write_cr4(cr4);
}

static void test_cr8(void)
{
	unsigned long cr8;

	asm volatile("mov %0, %%cr8" : : "r"(5UL));
	asm volatile("mov %%cr8, %0" : "=r"(cr8));
	GUEST_EQ(cr8, 5);
	asm volatile("mov %0, %%cr8" : : "r"(2UL));
	asm volatile("mov %%cr8, %0" : "=r"(cr8));
	GUEST_EQ(cr8, 2);
}

void guest_main(u64 op)
{
	switch (op) {
	case INSN_TSC:
		test_tsc();
		break;
	case INSN_TSC_LATER:
		GUEST_CHECK(rdtsc() > shared()->result[0]);
		break;
	case INSN_MSR_FAULTS:
		test_msr_faults();
		break;
	case INSN_CR_FAULTS:
		test_cr_faults();
		break;
	case INSN_CR_BITS:
		test_cr_bits();
		break;
	case INSN_CPUID:
		test_cpuid();
		break;
	case INSN_PRIVILEGED:
		test_privileged();
		break;
	case INSN_UNDEFINED:
		test_undefined();
		break;
	case INSN_EXCEPTIONS:
		test_exceptions();
		break;
	case INSN_ALIGNMENT:
		test_alignment();
		break;
	case INSN_XSETBV:
		test_xsetbv();
		break;
	case INSN_CR8:
		test_cr8();
		break;
	}
}
