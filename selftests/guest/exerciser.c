// SPDX-License-Identifier: GPL-2.0
/* Performs a script of page-table operations; the host knows what should come out. */
#include "guest.h"
#include "exerciser.h"

#define MSR_EFER	0xc0000080
#define VEC_PF		14

#ifdef __x86_64__
#define WORD_SUFFIX	"q"

static void xchg64(unsigned long gpa, u64 value)
{
	asm volatile("xchgq %0, (%1)" : "+r"(value) : "r"(gpa) : "memory");
}
#else
#define WORD_SUFFIX	"l"

static void xchg64(unsigned long gpa, u64 value)
{
	while (!__sync_bool_compare_and_swap((u64 *)gpa, read64(gpa), value))
		;
}
#endif

typedef void (*step_t)(unsigned long op);

static struct ex_op *op_of(unsigned long arg)
{
	return (struct ex_op *)arg;
}

#define __kernel_text	/* where all other code is */

/* The four accesses, for each privilege: where says in which section they lie. */
#define DEFINE_READ(name, where)						\
static void where name(unsigned long arg)					\
{										\
	struct ex_op *op = op_of(arg);						\
										\
	op->got = READ_ONCE(*(unsigned long *)(unsigned long)op->gva);		\
}

#define DEFINE_WRITE(name, where)						\
static void where name(unsigned long arg)					\
{										\
	struct ex_op *op = op_of(arg);						\
										\
	WRITE_ONCE(*(unsigned long *)(unsigned long)op->gva, op->value);	\
}

#define DEFINE_XCHG(name, where)						\
static void where name(unsigned long arg)					\
{										\
	struct ex_op *op = op_of(arg);						\
	unsigned long word = op->value;						\
										\
	asm volatile("xchg %0, (%1)"						\
		     : "+r"(word) : "r"((unsigned long)op->gva) : "memory");	\
	op->got = word;								\
}

#define DEFINE_FETCH(name, where)						\
static void where name(unsigned long arg)					\
{										\
	((void (*)(void))(unsigned long)op_of(arg)->gva)();			\
}

DEFINE_READ(kernel_read, __kernel_text)
DEFINE_WRITE(kernel_write, __kernel_text)
DEFINE_XCHG(kernel_xchg, __kernel_text)
DEFINE_FETCH(kernel_fetch, __kernel_text)
DEFINE_READ(user_read, __user_text)
DEFINE_WRITE(user_write, __user_text)
DEFINE_XCHG(user_xchg, __user_text)
DEFINE_FETCH(user_fetch, __user_text)

static const step_t kernel_accesses[] = {
	[EX_READ] = kernel_read, [EX_WRITE] = kernel_write, [EX_XCHG] = kernel_xchg,
	[EX_FETCH] = kernel_fetch,
};

static const step_t user_accesses[] = {
	[EX_READ] = user_read, [EX_WRITE] = user_write, [EX_XCHG] = user_xchg,
	[EX_FETCH] = user_fetch,
};

static void with_ac(unsigned long arg)
{
	write_flags(read_flags() | X86_FLAGS_AC);
	kernel_accesses[op_of(arg)->kind](arg);
}

/* Copies between the script and the user's page, which SMAP guards. */
static void copy_op(struct ex_op *to, const struct ex_op *from)
{
	unsigned long flags = read_flags();

	write_flags(flags | X86_FLAGS_AC);
	memcpy(to, from, sizeof(*to));
	write_flags(flags);
}

static void note_trap(struct ex_op *op, bool trapped)
{
	const struct guest_trap *trap = &this_cpu()->trap;

	op->vector = trapped ? trap->vector : 0;
	op->error = trapped ? trap->error : 0;
	op->cr2 = trapped ? trap->cr2 : 0;
}

static bool try_access(struct ex_op *op)
{
	struct ex_op *box = (struct ex_op *)EX_BOX_GPA + this_cpu()->id;
	bool trapped;

	if (!(op->flags & EX_USER))
		return try_call(op->flags & EX_AC ? with_ac : kernel_accesses[op->kind],
				(unsigned long)op);
	copy_op(box, op);
	trapped = try_user(user_accesses[op->kind], (unsigned long)box);
	copy_op(op, box);
	return trapped;
}

static void run_access(struct ex_op *op)
{
	bool trapped = try_access(op);

	if (trapped && op->flags & EX_RETRY)
		trapped = try_access(op);
	note_trap(op, trapped);
}

static void write_bytes(unsigned long gpa, u64 pte, unsigned int size)
{
	while (size--)
		write8(gpa + size, pte >> (8 * size));
}

static void write_locked(unsigned long gpa, u64 pte, unsigned int size)
{
	u32 word = pte;

	if (size == 8)
		xchg64(gpa, pte);
	else
		asm volatile("xchgl %0, (%1)" : "+r"(word) : "r"(gpa) : "memory");
}

static void run_entry(struct ex_op *op)
{
	unsigned int size = op->flags & EX_LONG ? 8 : 4;

	switch (op->flags >> EX_HOW_SHIFT & EX_HOW_MASK) {
	case EX_WHOLE:
		/* 32-bit code has no plain store of eight bytes. */
		if (size <= sizeof(long)) {
			write_entry(op->gva, op->value, size);
			break;
		}
		fallthrough;
	case EX_HALVES:
		if (size == 8)
			write32(op->gva + 4, op->value >> 32);
		write32(op->gva, op->value);
		break;
	case EX_BYTES:
		write_bytes(op->gva, op->value, size);
		break;
	case EX_LOCKED:
		write_locked(op->gva, op->value, size);
		break;
	}
}

static void run_copy(struct ex_op *op)
{
	unsigned long to = op->gva, from = op->value, words = op->bytes / sizeof(long);

	asm volatile("rep movs" WORD_SUFFIX
		     : "+D"(to), "+S"(from), "+c"(words) : : "memory");
}

static void run_fill(struct ex_op *op)
{
	unsigned long to = op->gva, word = op->value, words = op->bytes / sizeof(long);

	asm volatile("rep stos" WORD_SUFFIX
		     : "+D"(to), "+c"(words) : "a"(word) : "memory");
}

static void do_cr0(unsigned long arg)
{
	write_cr0(op_of(arg)->value);
}

static void do_cr3(unsigned long arg)
{
	write_cr3(op_of(arg)->value);
}

static void do_cr4(unsigned long arg)
{
	write_cr4(op_of(arg)->value);
}

static void do_efer(unsigned long arg)
{
	wrmsr(MSR_EFER, op_of(arg)->value);
}

static void do_invlpg(unsigned long arg)
{
	flush_gva(op_of(arg)->gva);
}

static void do_invpcid(unsigned long arg)
{
	struct ex_op *op = op_of(arg);
	u64 desc[2] = { op->value, op->gva };

	asm volatile("invpcid %0, %1"
		     : : "m"(desc), "r"((unsigned long)op->bytes) : "memory");
}

static void run_op(struct ex_op *op)
{
	static const step_t steps[EX_NR_KINDS] = {
		[EX_CR0] = do_cr0, [EX_CR3] = do_cr3, [EX_CR4] = do_cr4, [EX_EFER] = do_efer,
		[EX_INVLPG] = do_invlpg, [EX_INVPCID] = do_invpcid,
	};

	switch (op->kind) {
	case EX_ENTRY:
		run_entry(op);
		break;
	case EX_LOOK:
		op->got = read_entry(op->gva, op->flags & EX_LONG ? 8 : 4);
		break;
	case EX_COPY:
		run_copy(op);
		break;
	case EX_FILL:
		run_fill(op);
		break;
	case EX_READ:
	case EX_WRITE:
	case EX_XCHG:
	case EX_FETCH:
		run_access(op);
		break;
	default:
		note_trap(op, try_call(steps[op->kind], (unsigned long)op));
	}
}

void guest_main(u64 op)
{
	struct ex_op *script = (void *)(CASES_GPA + this_cpu()->id * EX_SCRIPT_BYTES);
	u64 i;

	GUEST_EQ(op, EX_RUN);
	for (i = 0; i < shared()->arg[0]; i++) {
		shared()->result[0] = i;
		run_op(&script[i]);
	}
}
