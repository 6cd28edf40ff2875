// SPDX-License-Identifier: GPL-2.0
/* A guest that edits its own page tables in all the ways that operating systems do. */
#include "guest.h"
#include "tables.h"

#define PTE_P		1
#define PTE_W		2
#define PTE_U		4
#define PTE_A		0x20
#define PTE_D		0x40
#define PTE_PS		0x80
#define PTE_G		0x100
#define KERNEL		(PTE_P | PTE_W)
#define CR0_WP		BIT(16)
#define CR4_PGE		BIT(7)
#define CR4_PCIDE	BIT(17)
#define CR3_NO_FLUSH	BIT_ULL(63)
#define PDPTE_RESERVED	BIT(1)
#define VEC_GP		13
#define VEC_PF		14
#define PAGE		4096UL
#define LARGE_GPA	0x400000UL	/* RAM that nothing else uses */

static unsigned int entry_size;
static unsigned long span, pde, table, root_b, table_b, pd;

static unsigned long frame(unsigned int i)
{
	return SCRATCH_GPA + i * PAGE;
}

static unsigned long gva(unsigned int page)
{
	return TABLES_GVA + page * PAGE;
}

static void set_entry(unsigned long entry, u64 pte)
{
	write_entry(entry, pte, entry_size);
}

static u64 get_entry(unsigned long entry)
{
	return read_entry(entry, entry_size);
}

static unsigned long slot(unsigned long in_table, unsigned int index)
{
	return in_table + index * entry_size;
}

static void map(unsigned int page, u64 pte)
{
	set_entry(slot(table, page), pte);
	flush_gva(gva(page));
}

static void flush_all(void)
{
	write_cr3(read_cr3());
}

static void begin(void)
{
	unsigned int i;

	entry_size = shared()->arg[ARG_ENTRY_SIZE];
	span = shared()->arg[ARG_SPAN];
	pde = shared()->arg[ARG_PDE];
	table = shared()->arg[ARG_TABLE];
	root_b = shared()->arg[ARG_ROOT_B];
	table_b = shared()->arg[ARG_TABLE_B];
	pd = shared()->arg[ARG_PD];
	for (i = 0; i < TABLES_FRAMES; i++)
		write32(frame(i), TABLES_MARK + i);
	memset((void *)table, 0, PAGE);
	memset((void *)table_b, 0, PAGE);
	set_entry(pde, table | KERNEL | PTE_U);
	set_entry(slot(pde, 1), 0);
	flush_all();
}

static void try_write(unsigned long p)
{
	write32(p, 0xdeadbeef);
}

static void try_read(unsigned long p)
{
	read32(p);
}

static void expect_fault(void (*access)(unsigned long), unsigned long p, u64 error)
{
	GUEST_EQ(try_call(access, p), true);
	GUEST_EQ(this_cpu()->trap.vector, VEC_PF);
	GUEST_EQ(this_cpu()->trap.error, error);
	GUEST_EQ(this_cpu()->trap.cr2, p);
}

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

static void test_cr3(void)
{
	unsigned long root_a = read_cr3();
	unsigned int i;

	map(0, frame(1) | KERNEL);
	set_entry(table_b, frame(2) | KERNEL);
	for (i = 0; i < 50; i++) {
		write_cr3(root_a);
		GUEST_EQ(read32(gva(0)), TABLES_MARK + 1);
		write_cr3(root_b);
		GUEST_EQ(read32(gva(0)), TABLES_MARK + 2);
		GUEST_EQ(read_cr3(), root_b);
	}
	write_cr3(root_a);
}

static void test_cr3_changed(void)
{
	unsigned long root_a = read_cr3();
	unsigned int i;

	for (i = 0; i < 40; i++) {
		set_entry(table_b, frame(i) | KERNEL);
		write_cr3(root_b);
		GUEST_EQ(read32(gva(0)), TABLES_MARK + i);
		set_entry(table, frame(i + 1) | KERNEL);
		if (i & 1)
			set_entry(table_b, 0);
		write_cr3(root_a);
		GUEST_EQ(read32(gva(0)), TABLES_MARK + i + 1);
	}
}

static void test_pde(void)
{
	unsigned int i;

	set_entry(table, frame(1) | KERNEL);
	set_entry(table_b, frame(2) | KERNEL);
	for (i = 0; i < 20; i++) {
		set_entry(pde, table | KERNEL);
		flush_gva(gva(0));
		GUEST_EQ(read32(gva(0)), TABLES_MARK + 1);
		set_entry(pde, table_b | KERNEL);
		if (i & 1)
			flush_all();
		else
			flush_gva(gva(0));
		GUEST_EQ(read32(gva(0)), TABLES_MARK + 2);
		set_entry(pde, 0);
		flush_gva(gva(0));
		expect_fault(try_read, gva(0), 0);
	}
}

static void test_shared(void)
{
	unsigned int i;

	set_entry(slot(pde, 1), table | KERNEL);
	for (i = 0; i < 20; i++) {
		map(3, frame(i) | KERNEL);
		flush_gva(gva(3) + span);
		GUEST_EQ(read32(gva(3)), TABLES_MARK + i);
		GUEST_EQ(read32(gva(3) + span), TABLES_MARK + i);
		write32(gva(3) + span + 8, i);
		GUEST_EQ(read32(gva(3) + 8), i);
	}
}

static void __user_text user_read(unsigned long p)
{
	read32(p);
}

static void test_roles(void)
{
	unsigned int i;

	map(0, frame(1) | KERNEL | PTE_U);
	for (i = 0; i < 10; i++) {
		set_entry(pde, table | KERNEL | PTE_U);
		set_entry(slot(pde, 1), table | (i & 1 ? PTE_P | PTE_U : KERNEL));
		flush_all();
		write32(gva(0) + 4, i);
		GUEST_EQ(try_user(user_read, gva(0)), false);
		GUEST_EQ(read32(gva(0) + span + 4), i);
		if (i & 1) {
			expect_fault(try_write, gva(0) + span, 3);
			GUEST_EQ(try_user(user_read, gva(0) + span), false);
		} else {
			write32(gva(0) + span + 4, i);
			GUEST_EQ(try_user(user_read, gva(0) + span), true);
			GUEST_EQ(this_cpu()->trap.error, 5);
		}
		write32(gva(0) + 4, i + 1);
	}
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

static void test_global(void)
{
	unsigned long root_a = read_cr3(), cr4 = read_cr4();
	unsigned int i;

	write_cr4(cr4 | CR4_PGE);
	for (i = 0; i < 10; i++) {
		map(2, frame(i) | KERNEL | PTE_G);
		GUEST_EQ(read32(gva(2)), TABLES_MARK + i);
		set_entry(slot(table, 2), frame(i + 20) | KERNEL | PTE_G);
		set_entry(slot(table_b, 2), frame(i + 20) | KERNEL | PTE_G);
		write_cr4(cr4);
		GUEST_EQ(read32(gva(2)), TABLES_MARK + i + 20);
		write_cr4(cr4 | CR4_PGE);
		write_cr3(root_b);
		GUEST_EQ(read32(gva(2)), TABLES_MARK + i + 20);
		write_cr3(root_a);
	}
	write_cr4(cr4);
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

/* Address space after address space, each with tables of its own, then all of them again. */
static void test_many(void)
{
	unsigned long tables = LARGE_GPA;
	unsigned int n = 256, round, i;

	for (i = 0; i < n; i++) {
		memset((void *)(tables + i * PAGE), 0, PAGE);
		set_entry(tables + i * PAGE, frame(i % TABLES_FRAMES) | KERNEL);
	}
	for (round = 0; round < 3; round++) {
		for (i = 0; i < n; i++) {
			set_entry(pde, (tables + i * PAGE) | KERNEL);
			flush_gva(gva(0));
			GUEST_EQ(read32(gva(0)), TABLES_MARK + i % TABLES_FRAMES);
		}
	}
}

/* PAE's root entries are registers, loaded and checked by MOV to CR3. */
static void test_pdpte(void)
{
	unsigned long root_a = read_cr3(), pdpte = root_a + sizeof(u64);
	u64 good = read64(pdpte);

	map(0, frame(1) | KERNEL);
	write64(pdpte, 0);
	flush_gva(gva(0));
	GUEST_EQ(read32(gva(0)), TABLES_MARK + 1);
	write_cr3(root_a);
	expect_fault(try_read, gva(0), 0);
	write64(pdpte, good);
	expect_fault(try_read, gva(0), 0);
	write64(pdpte, good | PDPTE_RESERVED);
	GUEST_EQ(try_call(write_cr3, root_a), true);
	GUEST_EQ(this_cpu()->trap.vector, VEC_GP);
	write64(pdpte, good);
	write_cr3(root_a);
	GUEST_EQ(read32(gva(0)), TABLES_MARK + 1);
}

static void flush_pcid(unsigned long type, u64 pcid, u64 linear)
{
	u64 descriptor[2] = { pcid, linear };

	asm volatile("invpcid %0, %1" : : "m"(descriptor), "r"(type) : "memory");
}

/* Two address spaces with a PCID each; their translations may stay, but changes must be seen. */
static void test_pcid(void)
{
	unsigned long root_a = read_cr3(), cr4 = read_cr4();
	unsigned long a = root_a | 1, b = root_b | 2;
	unsigned int i;

	write_cr4(cr4 | CR4_PCIDE);
	for (i = 0; i < 20; i++) {
		write_cr3(a | (i & 1 ? CR3_NO_FLUSH : 0));
		GUEST_EQ(read_cr3(), a);
		map(0, frame(i) | KERNEL);
		GUEST_EQ(read32(gva(0)), TABLES_MARK + i);
		set_entry(table_b, frame(i + 1) | KERNEL);
		flush_pcid(i & 3, 2, gva(0));
		write_cr3(b | CR3_NO_FLUSH);
		GUEST_EQ(read32(gva(0)), TABLES_MARK + i + 1);
		write_cr3(a | CR3_NO_FLUSH);
		GUEST_EQ(read32(gva(0)), TABLES_MARK + i);
	}
	write_cr3(root_a);
	write_cr4(cr4);
}

void guest_main(u64 op)
{
	static void (* const tests[])(void) = {
		[TABLES_REMAP] = test_remap,
		[TABLES_WRITES] = test_writes,
		[TABLES_CR3] = test_cr3,
		[TABLES_CR3_CHANGED] = test_cr3_changed,
		[TABLES_PDE] = test_pde,
		[TABLES_SHARED] = test_shared,
		[TABLES_ROLES] = test_roles,
		[TABLES_RECURSIVE] = test_recursive,
		[TABLES_LARGE] = test_large,
		[TABLES_REUSE] = test_reuse,
		[TABLES_WIDTHS] = test_widths,
		[TABLES_COPY] = test_copy,
		[TABLES_BITS] = test_bits,
		[TABLES_WP] = test_wp,
		[TABLES_GLOBAL] = test_global,
		[TABLES_MMIO] = test_mmio,
		[TABLES_MANY] = test_many,
		[TABLES_PDPTE] = test_pdpte,
		[TABLES_PCID] = test_pcid,
	};

	begin();
	tests[op]();
}
