// SPDX-License-Identifier: GPL-2.0
/* Descriptor tables and exception dispatch of 32- and 64-bit guests, one set for each vCPU. */
#include "lib.h"

#define DESC_CODE	0x00cf9b000000ffffULL
#define DESC_DATA	0x00cf93000000ffffULL
#define DESC_DPL3	(3ULL << 45)
#define DESC_LONG	(BIT_ULL(53) | BIT_ULL(54))	/* toggles: L set, D clear */
#define DESC_TSS	0x0000890000000000ULL
#define GATE_INTR	0x8e00
#define GATE_DPL3	0x6000
#define TSS_IST1	6	/* in rest[] of a 64-bit TSS */
#define STUB_BYTES	16
#define VEC_PF		14

/* What LGDT and LIDT read begins at limit; the padding puts base directly after it. */
struct desc_ptr {
	u16 padding[sizeof(long) / 2 - 1];
	u16 limit;
	unsigned long base;
};

#ifdef __x86_64__
#define KCODE_DESC	(DESC_CODE ^ DESC_LONG)

struct tss {
	u32 reserved;
	u32 sp0[2];
	u32 rest[23];
};

#define SET_SS0(tss)

struct gate {
	u16 offset_low, selector, type, offset_mid;
	u32 offset_high, reserved;
};
#else
#define KCODE_DESC	DESC_CODE

struct tss {
	u32 link;
	u32 sp0[1];
	u32 ss0;
	u32 rest[23];
};

#define SET_SS0(tss)	((tss)->ss0 = SEL_KDATA)

struct gate {
	u16 offset_low, selector, type, offset_mid;
};
#endif

trap_hook_t trap_hooks[256];
static struct gate idt[256];
static u64 gdts[MAX_VCPUS][8];
static struct tss tsses[MAX_VCPUS];

static void report_trap(const struct guest_trap *trap)
{
	shared()->trap = *trap;
	for (;;)
		outl(UCALL_PORT, UCALL_TRAP);
}

void guest_trap(struct trap_frame *frame)
{
	struct guest_cpu *cpu = this_cpu();
	struct guest_trap *trap = &cpu->trap;

	if (frame->vector == VEC_USER_DONE && cpu->try_sp)
		try_unwind(cpu->try_sp, false);
	trap->vector = frame->vector;
	trap->error = frame->error;
	trap->cr2 = frame->vector == VEC_PF ? read_cr2() : 0;
	trap->ip = frame->ip;
	trap->flags = frame->flags;
	cpu->traps++;
	if (trap_hooks[frame->vector])
		trap_hooks[frame->vector](frame);
	else if (cpu->try_sp)
		try_unwind(cpu->try_sp, true);
	else
		report_trap(trap);
}

bool try_user(void (*fn)(unsigned long arg), unsigned long arg)
{
	unsigned long *user_sp = (void *)(USER_STACK_TOP - (1 + this_cpu()->id) * 512);
	unsigned long flags = read_flags();

	/* SMAP forbids the next two writes unless AC is set. */
	write_flags(flags | X86_FLAGS_AC);
	/* A 32-bit function looks for its argument above the return address. */
	user_sp[1] = arg;
	user_sp[0] = (unsigned long)user_exit;
	write_flags(flags);
	return try_user_sp(fn, arg, (unsigned long)user_sp, tsses[this_cpu()->id].sp0);
}

static void set_gate(unsigned int vector)
{
	unsigned long stub = (unsigned long)trap_stubs + vector * STUB_BYTES;

	/* Images are linked below 4 GiB: the upper half of a 64-bit gate stays 0. */
	idt[vector].offset_low = stub;
	idt[vector].offset_mid = stub >> 16;
	idt[vector].selector = SEL_KCODE;
	idt[vector].type = GATE_INTR | (vector == VEC_USER_DONE ? GATE_DPL3 : 0);
}

#ifdef __x86_64__
void set_vector_stack(unsigned int vector, unsigned long top)
{
	u32 *ist1 = &tsses[this_cpu()->id].rest[TSS_IST1];

	ist1[0] = top;
	ist1[1] = top >> 32;
	idt[vector].type |= 1;
}
#endif

static u64 tss_desc(const struct tss *tss)
{
	u64 base = (unsigned long)tss;

	return DESC_TSS | (sizeof(*tss) - 1) | (base & 0xffffff) << 16 | (base >> 24) << 56;
}

static void load_tables(u64 *gdt)
{
	struct desc_ptr gdtr = { .limit = sizeof(gdts[0]) - 1, .base = (unsigned long)gdt };
	struct desc_ptr idtr = { .limit = sizeof(idt) - 1, .base = (unsigned long)idt };

	asm volatile("lgdt %0" : : "m"(gdtr.limit), "m"(gdtr));
	asm volatile("lidt %0" : : "m"(idtr.limit), "m"(idtr));
	asm volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%ss" : : "r"(SEL_KDATA));
	asm volatile("ltr %w0" : : "r"(SEL_TSS));
}

void cpu_init(unsigned long id)
{
	struct guest_cpu *cpu = this_cpu();
	struct tss *tss = &tsses[id];
	u64 *gdt = gdts[id];
	unsigned int i;

	cpu->id = id;
	for (i = 0; i < 256; i++)
		set_gate(i);
	tss->rest[22] = sizeof(*tss) << 16;	/* no I/O permission map */
	SET_SS0(tss);
	gdt[SEL_KCODE >> 3] = KCODE_DESC;
	gdt[SEL_KDATA >> 3] = DESC_DATA;
	gdt[SEL_UCODE >> 3] = KCODE_DESC | DESC_DPL3;
	gdt[SEL_UDATA >> 3] = DESC_DATA | DESC_DPL3;
	gdt[SEL_CODE32 >> 3] = DESC_CODE;
	gdt[SEL_TSS >> 3] = tss_desc(tss);
	load_tables(gdt);
}
