// SPDX-License-Identifier: GPL-2.0
/* A guest that switches between address spaces and shares tables among them. */
#include "parts/tables.h"

#define CR4_PGE		BIT(7)
#define CR4_PCIDE	BIT(17)
#define CR3_NO_FLUSH	BIT_ULL(63)
#define PDPTE_RESERVED	BIT(1)
#define VEC_GP		13

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

/* Address space after address space, each with tables of its own, then all of them again. */
static void test_many(void)
{
	unsigned long tables = LARGE_GPA;
	unsigned int n = 100, round, i;

	for (i = 0; i < n; i++) {
		memset((void *)(tables + i * PAGE), 0, PAGE);
		set_entry(tables + i * PAGE, frame(i % TABLES_FRAMES) | KERNEL);
	}
	for (round = 0; round < 2; round++) {
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

/*
 * Writes the first entry of table_b through a page that is mapped for this alone, as kernels with
 * little address space do: afterwards nothing maps the table writable.
 */
static void write_through_window(u64 pte)
{
	unsigned long window = gva(5) + 2 * span;

	set_entry(slot(pde, 2), table | KERNEL);
	set_entry(slot(table, 5), table_b | KERNEL);
	flush_gva(window);
	set_entry(window, pte);
	set_entry(slot(table, 5), 0);
	flush_gva(window);
}

static void test_window(void)
{
	unsigned long root_a = read_cr3();
	unsigned int i;

	for (i = 0; i < 20; i++) {
		write_through_window(frame(i) | KERNEL);
		write_cr3(root_b);
		GUEST_EQ(read32(gva(0)), TABLES_MARK + i);
		write_cr3(root_a);
	}
}

/* INVLPG of one address, then a load of CR3: what else the entry maps is flushed by that. */
static void test_alias(void)
{
	unsigned long root_a = read_cr3();
	unsigned int i;

	set_entry(pde, table_b | KERNEL);
	set_entry(slot(pde, 1), table_b | KERNEL);
	flush_all();
	for (i = 0; i < 20; i++) {
		write_through_window(frame(i) | KERNEL);
		flush_gva(gva(0));
		GUEST_EQ(read32(gva(0)), TABLES_MARK + i);
		write_cr3(i & 1 ? root_b : root_a);
		GUEST_EQ(read32(gva(0)), TABLES_MARK + i);
		write_cr3(root_a);
		GUEST_EQ(read32(gva(0) + span), TABLES_MARK + i);
	}
}

/* More address spaces than a hypervisor may keep; 32-bit: a root is a copy of the level-2 table. */
static void test_roots(void)
{
	unsigned long root_a = read_cr3();
	unsigned int i, n = 12;

	for (i = 0; i < n; i++) {
		unsigned long root = LARGE_GPA + 2 * i * PAGE, leaf = root + PAGE;

		memcpy((void *)root, (void *)pd, PAGE);
		memset((void *)leaf, 0, PAGE);
		set_entry(leaf, frame(i) | KERNEL);
		set_entry(root + (pde - pd), leaf | KERNEL);
	}
	for (i = 0; i < 3 * n; i++) {
		write_cr3(LARGE_GPA + 2 * (i % n) * PAGE);
		GUEST_EQ(read32(gva(0)), TABLES_MARK + i % n);
	}
	write_cr3(root_a);
}

/* The level-2 table also serves as a lowest-level table, and has entries for that use alone. */
static void test_self(void)
{
	unsigned long root_a = read_cr3(), entry = slot(pde, 3);
	unsigned long p = gva((entry - pd) / entry_size) + span;
	unsigned int i;

	set_entry(slot(pde, 1), pd | KERNEL);
	flush_all();
	for (i = 0; i < 20; i++) {
		set_entry(entry, frame(i) | KERNEL);
		write_cr3(root_a);
		GUEST_EQ(read32(p), TABLES_MARK + i);
	}
	set_entry(entry, 0);
	set_entry(slot(pde, 1), 0);
	flush_all();
}

void guest_main(u64 op)
{
	static void (* const tests[])(void) = {
		[SPACES_CR3] = test_cr3,
		[SPACES_CR3_CHANGED] = test_cr3_changed,
		[SPACES_PDE] = test_pde,
		[SPACES_SHARED] = test_shared,
		[SPACES_ROLES] = test_roles,
		[SPACES_GLOBAL] = test_global,
		[SPACES_MANY] = test_many,
		[SPACES_PDPTE] = test_pdpte,
		[SPACES_PCID] = test_pcid,
		[SPACES_WINDOW] = test_window,
		[SPACES_ALIAS] = test_alias,
		[SPACES_SELF] = test_self,
		[SPACES_ROOTS] = test_roots,
	};

	begin_operation();
	tests[op]();
}
