// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions that access memory, each run on RAM and then on a device that holds the same bytes:
 * registers and flags must come out alike, and the host compares the memory.
 */
#include "guest.h"
#include "mmio.h"
#include "mmio_forms.h"

#define VEC_PF		14
#define PATTERN		0x8182838485868788ULL

static u8 other_memory[256];

static struct regs run(const struct form *form, unsigned long operand)
{
	struct regs r = {
		.a = (unsigned long)PATTERN, .c = 3, .d = 0x11223344,
		.si = (unsigned long)other_memory + 64, .di = operand,
		.flags = 2 | FLAG_CF | (form->how & HOW_DOWN ? X86_FLAGS_DF : 0),
	};
	unsigned int i;

	for (i = 0; i < sizeof(other_memory); i++)
		other_memory[i] = 0xa0 ^ i;
	run_code(&r, form->code);
	r.flags &= form->flags;
	r.di -= operand;
	return r;
}

static u64 hash_other(void)
{
	u64 hash = 0;
	unsigned int i;

	for (i = 0; i < sizeof(other_memory); i++)
		hash = hash * 31 + other_memory[i];
	return hash;
}

#define CR4_OSXSAVE	BIT(18)
#define XCR0_AVX	7	/* with x87 and SSE */

static void enable_avx(void)
{
	write_cr4(read_cr4() | CR4_OSXSAVE);
	asm volatile("xsetbv" : : "c"(0), "a"(XCR0_AVX), "d"(0));
}

static void run_form(const struct form *form, unsigned long offset)
{
	struct regs want, got;
	u64 want_other;

	if (form->how & HOW_AVX)
		enable_avx();
	want = run(form, MMIO_COPY + MMIO_AROUND + offset);
	want_other = hash_other();
	got = run(form, MMIO_GPA + offset);
	GUEST_EQ(got.a, want.a);
	GUEST_EQ(got.c, want.c);
	GUEST_EQ(got.d, want.d);
	GUEST_EQ(got.si, want.si);
	GUEST_EQ(got.di, want.di);
	GUEST_EQ(got.r9, want.r9);
	GUEST_EQ(got.flags, want.flags);
	GUEST_EQ(hash_other(), want_other);
}

static void kernel_read(unsigned long gva)
{
	read32(gva);
}

static void kernel_write(unsigned long gva)
{
	write32(gva, 0x12345678);
}

static void __user_text user_read(unsigned long gva)
{
	read32(gva);
}

static void __user_text user_write(unsigned long gva)
{
	write32(gva, 0x12345678);
}

static void expect_fault(bool faulted, unsigned long gva, u64 error)
{
	GUEST_EQ(faulted, true);
	GUEST_EQ(this_cpu()->trap.vector, VEC_PF);
	GUEST_EQ(this_cpu()->trap.error, error);
	GUEST_EQ(this_cpu()->trap.cr2, gva);
}

static void test_rights(void)
{
	expect_fault(try_user(user_read, MMIO_GPA), MMIO_GPA, 5);
	expect_fault(try_user(user_write, MMIO_GPA), MMIO_GPA, 7);
	GUEST_EQ(try_user(user_read, MMIO_USER_GVA), false);
	GUEST_EQ(try_user(user_write, MMIO_USER_GVA), false);
	GUEST_EQ(try_call(kernel_read, MMIO_READONLY_GVA), false);
	expect_fault(try_call(kernel_write, MMIO_READONLY_GVA), MMIO_READONLY_GVA, 3);
	expect_fault(try_user(user_read, MMIO_READONLY_GVA), MMIO_READONLY_GVA, 5);
	/* Once more, now that all are known to be MMIO. */
	expect_fault(try_user(user_read, MMIO_GPA), MMIO_GPA, 5);
	expect_fault(try_call(kernel_write, MMIO_READONLY_GVA), MMIO_READONLY_GVA, 3);
}

void guest_main(u64 op)
{
	struct guest_shared *sh = shared();
	unsigned long index = sh->arg[0];
	const struct form *form = &forms[index];

	if (op == MMIO_RUN) {
		run_form(form, sh->arg[1]);
		return;
	}
	if (op == MMIO_RIGHTS) {
		test_rights();
		return;
	}
	sh->result[FORM_NAME] = 0;
	if (form >= forms_end)
		return;
	sh->result[FORM_NAME] = (unsigned long)form->name;
	sh->result[FORM_WIDTH] = form->width;
	sh->result[FORM_READS] = form->reads;
	sh->result[FORM_WRITES] = form->writes;
	sh->result[FORM_ANYWHERE] = form->how & HOW_ANYWHERE;
	sh->result[FORM_OURS] = !!(form->how & (HOW_OURS | HOW_AVX));
	sh->result[FORM_AVX] = !!(form->how & HOW_AVX);
}
