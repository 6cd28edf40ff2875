// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions that access memory, each run on RAM and then on a device that holds the same bytes:
 * registers and flags must come out alike, and the host compares the memory.
 */
#include "guest.h"
#include "mmio.h"
#include "mmio_forms.h"

#define FLAG_CF		0x001UL
#define FLAG_PF		0x004UL
#define FLAG_AF		0x010UL
#define FLAG_ZF		0x040UL
#define FLAG_SF		0x080UL
#define FLAG_OF		0x800UL
#define ARITH		(FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)
#define LOGIC		(ARITH & ~FLAG_AF)
#define CARRY		FLAG_CF

struct regs {
	unsigned long a, c, d, si, di, flags;
};

struct form {
	const char *name;
	void (*run)(struct regs *r);
	u8 width, reads, writes;
	u16 flags;		/* those that the instruction defines */
	bool anywhere;		/* also across page boundaries */
	bool down;		/* with DF set */
};

/* DI points at the operand, SI at other memory. */
#define DEFINE_FORM(id, insn, width, reads, writes, flags_defined, anywhere, down)	\
static void id(struct regs *r)						\
{									\
	asm volatile("push %[f]; popf; " insn "; pushf; pop %[f]; cld"	\
		     : "+a"(r->a), "+c"(r->c), "+d"(r->d), "+S"(r->si),	\
		       "+D"(r->di), [f] "+b"(r->flags)			\
		     : : SCRATCH_REGS "memory", "cc");				\
}

#ifdef __x86_64__
#define AX "%%rax"
#define DI "(%%rdi)"
#define SWAP "xchg %%rdi, %%rsi"
#define SCRATCH_REGS "r8", "r15",
#define WORD 8
#else
#define AX "%%eax"
#define DI "(%%edi)"
#define SWAP "xchg %%edi, %%esi"
#define SCRATCH_REGS
#define WORD 4
#endif

#ifdef __x86_64__
#define ALL_FORMS(X) COMMON_FORMS(X) LONG_FORMS(X)
#else
#define ALL_FORMS(X) COMMON_FORMS(X)
#endif

ALL_FORMS(DEFINE_FORM)

#define LIST_FORM(id, insn, width, reads, writes, flags_defined, anywhere, down)	\
	{ #id, id, width, reads, writes, flags_defined, anywhere, down },

static const struct form forms[] = {
	ALL_FORMS(LIST_FORM)
};

static u8 other_memory[256] __attribute__((aligned(64)));

static struct regs run(const struct form *form, unsigned long operand)
{
	struct regs r = {
		.a = (unsigned long)0x8182838485868788ULL, .c = 3, .d = 0x11223344,
		.si = (unsigned long)other_memory + 64, .di = operand,
		.flags = 2 | FLAG_CF | (form->down ? X86_FLAGS_DF : 0),
	};
	unsigned int i;

	for (i = 0; i < sizeof(other_memory); i++)
		other_memory[i] = 0xa0 ^ i;
	form->run(&r);
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
	GUEST_EQ(got.flags, want.flags);
	GUEST_EQ(hash_other(), want_other);
}

void guest_main(u64 op)
{
	volatile struct guest_shared *sh = shared();
	unsigned long index = sh->arg[0];
	const struct form *form = &forms[index];

	if (op == MMIO_RUN) {
		run_form(form, sh->arg[1]);
		return;
	}
	sh->result[FORM_NAME] = 0;
	if (index >= sizeof(forms) / sizeof(forms[0]))
		return;
	sh->result[FORM_NAME] = (unsigned long)form->name;
	sh->result[FORM_WIDTH] = form->width;
	sh->result[FORM_READS] = form->reads;
	sh->result[FORM_WRITES] = form->writes;
	sh->result[FORM_ANYWHERE] = form->anywhere;
}
