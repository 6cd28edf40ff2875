// SPDX-License-Identifier: GPL-2.0
/* Performs accesses through page-table entries as asked; the host knows what should come out. */
#include "guest.h"
#include "paging.h"

#define MSR_EFER	0xc0000080
#define EFER_NXE	BIT_ULL(11)
#define CR0_WP		BIT(16)
#define CR4_PAE		BIT(5)
#define CR4_SMEP	BIT(20)
#define CR4_SMAP	BIT(21)
#define CR4_PKE		BIT(22)
#define CR4_PROTECTION	(CR4_SMEP | CR4_SMAP | CR4_PKE)

static void do_read(unsigned long gva)
{
	read8(gva);
}

static void do_write(unsigned long gva)
{
	write8(gva, PAGING_RET);
}

static void do_read_ac(unsigned long gva)
{
	write_flags(read_flags() | X86_FLAGS_AC);
	do_read(gva);
}

static void do_write_ac(unsigned long gva)
{
	write_flags(read_flags() | X86_FLAGS_AC);
	do_write(gva);
}

static void do_fetch(unsigned long gva)
{
	((void (*)(void))gva)();
}

static void __user_text user_read(unsigned long gva)
{
	read8(gva);
}

static void __user_text user_write(unsigned long gva)
{
	write8(gva, PAGING_RET);
}

static void __user_text user_fetch(unsigned long gva)
{
	((void (*)(void))gva)();
}

static unsigned long with(unsigned long reg, unsigned long bit, bool set)
{
	return set ? reg | bit : reg & ~bit;
}

static void set_controls(u64 flags)
{
	unsigned long cr4 = read_cr4(), want = cr4 & ~CR4_PROTECTION;

	write_cr0(with(read_cr0(), CR0_WP, flags & CASE_WP));
	if (cr4 & CR4_PAE) {
		u64 efer = rdmsr(MSR_EFER);

		wrmsr(MSR_EFER, flags & CASE_NXE ? efer | EFER_NXE : efer & ~EFER_NXE);
	}
	want = with(want, CR4_SMEP, flags & CASE_SMEP);
	want = with(want, CR4_SMAP, flags & CASE_SMAP);
	want = with(want, CR4_PKE, flags & CASE_PKE);
	if (want != cr4)
		write_cr4(want);
}

static void write_entries(const struct paging_case *c, unsigned int size)
{
	unsigned int i;

	for (i = 0; i < PAGING_LEVELS && c->entry_gpa[i]; i++)
		if (!(c->flags & CASE_KEEP) ||
		    read_entry(c->entry_gpa[i], size) != c->entry[i])
			write_entry(c->entry_gpa[i], c->entry[i], size);
}

static bool do_access(const struct paging_case *c)
{
	static void (* const by_kernel[])(unsigned long) = { do_read, do_write, do_fetch };
	static void (* const with_ac[])(unsigned long) = { do_read_ac, do_write_ac, do_fetch };
	static void (* const by_user[])(unsigned long) = { user_read, user_write, user_fetch };

	if (c->flags & CASE_USER)
		return try_user(by_user[c->access], c->gva);
	return try_call((c->flags & CASE_AC ? with_ac : by_kernel)[c->access], c->gva);
}

static void run_case(struct paging_case *c, unsigned int size)
{
	const struct guest_trap *trap = &this_cpu()->trap;
	unsigned int i;

	write_entries(c, size);
	if (c->flags & CASE_LOAD_CR3)
		write_cr3(read_cr3());
	else if (!(c->flags & CASE_NO_FLUSH))
		flush_gva(c->gva);
	set_controls(c->flags);
	if (c->flags & CASE_PKE)
		asm volatile("wrpkru" : : "a"((u32)c->pkru), "c"(0), "d"(0) : "memory");
	c->faulted = do_access(c);
	set_controls(CASE_WP | CASE_NXE);
	c->vector = trap->vector;
	c->error = trap->error;
	c->cr2 = trap->cr2;
	for (i = 0; i < PAGING_LEVELS && c->entry_gpa[i]; i++)
		c->after[i] = read_entry(c->entry_gpa[i], size);
}

void guest_main(u64 op)
{
	struct paging_case *cases = (void *)CASES_GPA;
	u64 i;

	GUEST_EQ(op, PAGING_RUN);
	for (i = 0; i < shared()->arg[0]; i++)
		run_case(&cases[i], shared()->arg[1]);
}
