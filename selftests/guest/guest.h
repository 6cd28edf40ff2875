/* SPDX-License-Identifier: GPL-2.0 */
/* What guest programs are written with: talk to the host, catch exceptions, reach the machine. */
#ifndef SELFTESTS_GUEST_H
#define SELFTESTS_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler.h"
#include "layout.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

/* __user_text, from the Makefile, puts a function where CPL 3 may execute it. */

struct guest_cpu {
	unsigned long try_sp;		/* where try_call() unwinds to; 0 when none is running */
	unsigned long id;
	struct guest_trap trap;		/* the latest exception */
	u64 traps;			/* how many there were */
};

#ifdef __x86_64__
struct trap_frame {
	unsigned long r15, r14, r13, r12, r11, r10, r9, r8, di, si, bp, bx, dx, cx, ax;
	unsigned long vector, error, ip, cs, flags, sp, ss;
};
#else
/* SP and SS are there only if the trap came from CPL 3. */
struct trap_frame {
	unsigned long di, si, bp, sp_unused, bx, dx, cx, ax, es, ds;
	unsigned long vector, error, ip, cs, flags, sp, ss;
};
#endif

void *memset(void *dst, int c, size_t n);
void *memcpy(void *dst, const void *src, size_t n);

/* Each guest program defines it; the host chose op. */
void guest_main(u64 op);

/* Handles a vector in place: the interrupted code goes on afterwards. */
typedef void (*trap_hook_t)(struct trap_frame *frame);
extern trap_hook_t trap_hooks[256];

/* Runs fn(arg); true if an exception ended it, then described in this_cpu()->trap. */
bool try_call(void (*fn)(unsigned long arg), unsigned long arg);
/* The same at CPL 3; fn must be __user_text. */
bool try_user(void (*fn)(unsigned long arg), unsigned long arg);

/* 64-bit code only: deliver this vector on a stack of its own. */
void set_vector_stack(unsigned int vector, unsigned long top);

void guest_fail(const char *text, u64 line, u64 got, u64 want);
void guest_sync(void);

#define GUEST_EQ(got, want)							\
	do {									\
		u64 __got = (got), __want = (want);				\
										\
		if (__got != __want)						\
			guest_fail(#got " == " #want, __LINE__, __got, __want);	\
	} while (0)
#define GUEST_CHECK(cond)							\
	do {									\
		if (!(cond))							\
			guest_fail(#cond, __LINE__, 0, 1);			\
	} while (0)

#ifdef __x86_64__
#define STACK_POINTER "rsp"
#else
#define STACK_POINTER "esp"
#endif

static inline unsigned long read_sp(void)
{
	unsigned long sp;

	asm volatile("mov %%" STACK_POINTER ", %0" : "=r"(sp));
	return sp;
}

static inline struct guest_cpu *this_cpu(void)
{
	return (void *)(read_sp() & ~(STACK_SIZE - 1UL));
}

/* In real mode there is one vCPU and no struct guest_cpu. */
#ifdef GUEST16
#define this_id() 0UL
#else
#define this_id() (this_cpu()->id)
#endif

/* The host changes it only while the guest is out in guest_sync() or between operations. */
static inline struct guest_shared *shared(void)
{
	return (void *)(SHARED_GPA + this_id() * SHARED_SIZE);
}

/* Guest memory at an address that the test computed: one access of this width. */
static inline u8 read8(unsigned long gva)
{
	return READ_ONCE(*(u8 *)gva);
}

static inline void write8(unsigned long gva, u8 value)
{
	WRITE_ONCE(*(u8 *)gva, value);
}

static inline u32 read32(unsigned long gva)
{
	return READ_ONCE(*(u32 *)gva);
}

static inline void write32(unsigned long gva, u32 value)
{
	WRITE_ONCE(*(u32 *)gva, value);
}

/* 32-bit code needs two accesses for these, the low half first. */
static inline u64 read64(unsigned long gva)
{
	if (sizeof(long) == 8)
		return READ_ONCE(*(unsigned long *)gva);
	return read32(gva) | (u64)read32(gva + 4) << 32;
}

static inline void write64(unsigned long gva, u64 value)
{
	if (sizeof(long) == 8) {
		WRITE_ONCE(*(unsigned long *)gva, value);
		return;
	}
	write32(gva, value);
	write32(gva + 4, value >> 32);
}

/* Page-table entries of 4 or 8 bytes. */
static inline u64 read_entry(unsigned long gva, unsigned int size)
{
	return size == 8 ? read64(gva) : read32(gva);
}

static inline void write_entry(unsigned long gva, u64 pte, unsigned int size)
{
	if (size == 8)
		write64(gva, pte);
	else
		write32(gva, pte);
}

static inline void outb(u16 port, u8 value)
{
	asm volatile("out %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void outw(u16 port, u16 value)
{
	asm volatile("out %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void outl(u16 port, u32 value)
{
	asm volatile("out %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline u8 inb(u16 port)
{
	u8 value;

	asm volatile("in %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline u16 inw(u16 port)
{
	u16 value;

	asm volatile("in %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline u32 inl(u16 port)
{
	u32 value;

	asm volatile("in %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline u64 rdmsr(u32 msr)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (u64)high << 32 | low;
}

static inline void wrmsr(u32 msr, u64 value)
{
	asm volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

static inline void cpuid(u32 leaf, u32 subleaf, u32 *a, u32 *b, u32 *c, u32 *d)
{
	asm volatile("cpuid" : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(*d) : "a"(leaf), "c"(subleaf));
}

static inline u64 rdtsc(void)
{
	u32 low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	return (u64)high << 32 | low;
}

static inline void flush_gva(unsigned long gva)
{
	asm volatile("invlpg (%0)" : : "r"(gva) : "memory");
}

#define DEFINE_CR(n)								\
static inline unsigned long read_cr##n(void)					\
{										\
	unsigned long value;							\
										\
	asm volatile("mov %%cr" #n ", %0" : "=r"(value) : : "memory");		\
	return value;								\
}										\
static inline void write_cr##n(unsigned long value)				\
{										\
	asm volatile("mov %0, %%cr" #n : : "r"(value) : "memory");		\
}

DEFINE_CR(0)
DEFINE_CR(2)
DEFINE_CR(3)
DEFINE_CR(4)

#define X86_FLAGS_TF	0x100UL
#define X86_FLAGS_IF	0x200UL
#define X86_FLAGS_DF	0x400UL
#define X86_FLAGS_AC	0x40000UL

static inline unsigned long read_flags(void)
{
	unsigned long flags;

	asm volatile("pushf; pop %0" : "=r"(flags) : : "memory");
	return flags;
}

static inline void write_flags(unsigned long flags)
{
	asm volatile("push %0; popf" : : "r"(flags) : "memory", "cc");
}

#endif
