// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions that access memory, each run on RAM and then on a device that holds the same bytes:
 * registers and flags must come out alike, and the host compares the memory.
 */
#include "guest.h"
#include "mmio.h"
#include "mmio_forms.h"

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

static void run_form(const struct form *form, unsigned long offset)
{
	struct regs want, got;
	u64 want_other;

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

void guest_main(u64 op)
{
	struct guest_shared *sh = shared();
	unsigned long index = sh->arg[0];
	const struct form *form = &forms[index];

	if (op == MMIO_RUN) {
		run_form(form, sh->arg[1]);
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
}
