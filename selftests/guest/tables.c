// SPDX-License-Identifier: GPL-2.0
/* A guest that edits entries of its own page tables in all the ways that operating systems do. */
#include "parts/tables.h"

#define CR0_WP		BIT(16)

static void test_remap(void)
{
	unsigned int i;

	for (i = 0; i < 3 * TABLES_FRAMES; i++) {
		map(0, frame(i % TABLES_FRAMES) | KERNEL);
		GUEST_EQ(read32(gva(0)), TABLES_MARK + i % TABLES_FRAMES);
		if (i % 8)
			continue;
		map(0, 0);
		expect_fault(try_read, gva(0), 0);
	}
}

static void test_writes(void)
{
	unsigned int i;

	for (i = 0; i < TABLES_FRAMES; i++) {
		map(1, frame(i) | KERNEL);
		write32(gva(1) + 8, i * 3);
		GUEST_EQ(read32(frame(i) + 8), i * 3);
	}
	map(1, frame(5));
	for (i = 0; i < TABLES_FRAMES; i++)
		GUEST_EQ(read32(frame(i) + 8), i * 3);
}

/* The level-2 table as its own lowest-level table: its tables show up as pages. */
static void test_recursive(void)
{
	unsigned long index = (pde - pd) / entry_size, self = index + 1;
	unsigned long window = TABLES_GVA + span + index * PAGE;
	unsigned int i;

	set_entry(slot(pd, self), pd | KERNEL);
	flush_all();
	for (i = 0; i < 20; i++) {
		set_entry(slot(window, 4), frame(i) | KERNEL);
		flush_gva(gva(4));
		GUEST_EQ(read32(gva(4)), TABLES_MARK + i);
		GUEST_EQ(get_entry(slot(table, 4)) & ~(u64)(PTE_A | PTE_D), frame(i) | KERNEL);
	}
	GUEST_EQ(get_entry(slot(TABLES_GVA + span + self * PAGE, self)) & ~(u64)(PTE_A | PTE_D),
		 pd | KERNEL);
	set_entry(slot(pd, self), 0);
	flush_all();
	expect_fault(try_read, window, 0);
}

static void test_large(void)
{
	unsigned int i;

	write32(LARGE_GPA, 0x1a49e);
	set_entry(table, frame(9) | KERNEL);
	for (i = 0; i < 10; i++) {
		set_entry(pde, LARGE_GPA | KERNEL | PTE_PS);
		flush_gva(gva(0));
		GUEST_EQ(read32(gva(0)), 0x1a49e);
		write32(gva(0) + span - 4, i);
		GUEST_EQ(read32(LARGE_GPA + span - 4), i);
		set_entry(pde, table | KERNEL);
		flush_gva(gva(0));
		GUEST_EQ(read32(gva(0)), TABLES_MARK + 9);
	}
}

static void test_reuse(void)
{
	unsigned int round, i;

	for (round = 0; round < 4; round++) {
		map(0, frame(round) | KERNEL);
		GUEST_EQ(read32(gva(0)), TABLES_MARK + round);
		set_entry(pde, 0);
		flush_all();
		for (i = 0; i < PAGE; i += 4)
			write32(table + i, i * 0x10001 + round);
		for (i = 0; i < PAGE; i += 4)
			GUEST_EQ(read32(table + i), i * 0x10001 + round);
		memset((void *)table, 0, PAGE);
		set_entry(pde, table | KERNEL);
		flush_all();
		expect_fault(try_read, gva(0), 0);
	}
}

static void write_bytes(unsigned long entry, u64 pte)
{
	unsigned int i;

	for (i = 0; i < entry_size; i++)
		write8(entry + i, pte >> (8 * i));
}

static void write_words(unsigned long entry, u64 pte)
{
	unsigned int i;

	for (i = 0; i < entry_size; i += 2)
		WRITE_ONCE(*(u16 *)(entry + i), pte >> (8 * i));
}

static void write_xchg(unsigned long entry, u64 pte)
{
	u32 low = pte;

	asm volatile("xchgl %0, (%1)" : "+r"(low) : "r"(entry) : "memory");
}

static void write_cmpxchg(unsigned long entry, u64 pte)
{
	u32 old = read32(entry);

	asm volatile("lock cmpxchgl %2, (%1)" : "+a"(old) : "r"(entry), "r"((u32)pte) : "memory");
}

static void write_or(unsigned long entry, u64 pte)
{
	write32(entry, 0);
	asm volatile("lock orl %1, (%0)" : : "r"(entry), "r"((u32)pte) : "memory");
}

static void write_stos(unsigned long entry, u64 pte)
{
	asm volatile("stosl" : "+D"(entry) : "a"((u32)pte) : "memory");
}

static void test_widths(void)
{
	static void (* const writers[])(unsigned long entry, u64 pte) = {
		write_bytes, write_words, write_xchg, write_cmpxchg, write_or, write_stos,
	};
	unsigned int w, i;

	for (w = 0; w < ARRAY_SIZE(writers); w++) {
		for (i = 0; i < 8; i++) {
			writers[w](slot(table, 6), frame(i) | KERNEL);
			flush_gva(gva(6));
			GUEST_EQ(read32(gva(6)), TABLES_MARK + i);
		}
	}
	/* Four bytes that belong to two entries; frames 1 and 3 differ in the low 16 bits alone. */
	set_entry(slot(table, 7), frame(1) | KERNEL);
	write32(slot(table, 7) - 2, (u32)((frame(3) | KERNEL) & 0xffff) << 16);
	flush_gva(gva(7));
	flush_gva(gva(6));
	GUEST_EQ(read32(gva(7)), TABLES_MARK + 3);
	if (entry_size == 8)
		GUEST_EQ(read32(gva(6)), TABLES_MARK + 7);
}

static void test_copy(void)
{
	unsigned long to, from, count;
	unsigned int round, i;

	for (round = 0; round < 4; round++) {
		for (i = 0; i < TABLES_FRAMES; i++)
			set_entry(slot(TABLES_SPARE, i),
				  frame((i + round) % TABLES_FRAMES) | KERNEL);
		to = table, from = TABLES_SPARE, count = PAGE / 4;
		asm volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
		flush_all();
		for (i = 0; i < TABLES_FRAMES; i++)
			GUEST_EQ(read32(gva(i)), TABLES_MARK + (i + round) % TABLES_FRAMES);
		to = table, count = PAGE / 4;
		asm volatile("rep stosl" : "+D"(to), "+c"(count) : "a"(0) : "memory");
		flush_all();
		for (i = 0; i < TABLES_FRAMES; i += 16)
			expect_fault(try_read, gva(i), 0);
	}
}

static void test_bits(void)
{
	u64 clean = frame(2) | KERNEL;
	unsigned int i;

	for (i = 0; i < 10; i++) {
		map(2, clean);
		read32(gva(2));
		GUEST_EQ(get_entry(slot(table, 2)), clean | PTE_A);
		read32(gva(2));
		GUEST_EQ(get_entry(slot(table, 2)), clean | PTE_A);
		write32(gva(2) + 16, i);
		GUEST_EQ(get_entry(slot(table, 2)), clean | PTE_A | PTE_D);
		map(2, clean | PTE_A);
		write32(gva(2) + 16, i);
		GUEST_EQ(get_entry(slot(table, 2)), clean | PTE_A | PTE_D);
		map(2, clean);
		write32(gva(2) + 16, i);
		GUEST_EQ(get_entry(slot(table, 2)), clean | PTE_A | PTE_D);
		map(2, clean | PTE_D);
		read32(gva(2));
		GUEST_EQ(get_entry(slot(table, 2)), clean | PTE_A | PTE_D);
	}
	set_entry(pde, table | KERNEL);
	flush_all();
	read32(gva(2));
	GUEST_EQ(get_entry(pde) & ~(u64)PTE_D, table | KERNEL | PTE_A);
}

static void test_wp(void)
{
	unsigned int i;

	map(2, frame(2) | PTE_P | PTE_U);
	for (i = 0; i < 5; i++) {
		expect_fault(try_write, gva(2), 3);
		write_cr0(read_cr0() & ~CR0_WP);
		write32(gva(2) + 4, i);
		GUEST_EQ(read32(frame(2) + 4), i);
		GUEST_EQ(try_user(user_read, gva(2)), false);
		write_cr0(read_cr0() | CR0_WP);
		expect_fault(try_write, gva(2), 3);
		GUEST_EQ(try_user(user_read, gva(2)), false);
	}
	GUEST_EQ(read32(frame(2)), TABLES_MARK + 2);
}

static void test_mmio(void)
{
	unsigned int i;

	for (i = 0; i < 12; i++) {
		map(2, frame(i) | KERNEL);
		GUEST_EQ(read32(gva(2)), TABLES_MARK + i);
		map(2, DEVICE_GPA | KERNEL);
		GUEST_EQ(read32(gva(2)), DEVICE_VALUE);
		GUEST_EQ(read32(gva(2)), DEVICE_VALUE);
		if (i & 1)
			map(2, 0);
	}
}

void guest_main(u64 op)
{
	static void (* const tests[])(void) = {
		[TABLES_REMAP] = test_remap,
		[TABLES_WRITES] = test_writes,
		[TABLES_RECURSIVE] = test_recursive,
		[TABLES_LARGE] = test_large,
		[TABLES_REUSE] = test_reuse,
		[TABLES_WIDTHS] = test_widths,
		[TABLES_COPY] = test_copy,
		[TABLES_BITS] = test_bits,
		[TABLES_WP] = test_wp,
		[TABLES_MMIO] = test_mmio,
	};

	begin_operation();
	tests[op]();
}
