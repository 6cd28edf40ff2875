// SPDX-License-Identifier: GPL-2.0
/*
 * A guest whose page tables are linked in ways that no usual system has them, that takes the ground
 * from under itself, and that turns paging on beside a vCPU that does not page.
 */
#include "parts/tables.h"
#include "graphs.h"

#define CR0_WP		BIT(16)
#define CR0_CD		BIT(30)
#define CR0_PG		BIT(31)
#define CR4_PGE		BIT(7)
#define PDPTE_RESERVED	BIT(1)
#define VEC_GP		13
#define PFEC_I		BIT(4)
#define CODE_PAGE	8
#define MOV_TO_EAX	0xb8

static const struct graphs_args *args(void)
{
	return (void *)CASES_GPA;
}

static u64 without_bits(u64 pte)
{
	return pte & ~(u64)(PTE_A | PTE_D);
}

/* What is the level-2 table of one space is a last-level table of the other at the same time. */
static void test_two_levels(void)
{
	unsigned long root_a = read_cr3(), other = TABLES_SPARE, pde_b = args()->pde_b;
	unsigned long pd_b = pde_b & ~(PAGE - 1);
	unsigned long window = gva(0) + span + (pde_b - pd_b) / entry_size * PAGE;
	u64 saved = get_entry(pde_b);
	unsigned int i;

	memset((void *)other, 0, PAGE);
	set_entry(slot(pde, 1), pd_b | KERNEL);
	flush_all();
	for (i = 0; i < 20; i++) {
		unsigned long below = i & 1 ? table_b : other;

		set_entry(below, frame(i) | KERNEL);
		set_entry(pde_b, below | KERNEL);
		flush_gva(window);
		GUEST_EQ(without_bits(get_entry(window)), frame(i) | KERNEL);
		set_entry(slot(window, 1), frame(i + 1) | KERNEL);
		write_cr3(root_b);
		GUEST_EQ(read32(gva(0)), TABLES_MARK + i);
		GUEST_EQ(read32(gva(1)), TABLES_MARK + i + 1);
		write_cr3(root_a);
	}
	set_entry(pde_b, saved);
}

/* The same last-level table in two address spaces; each changes it for the other. */
static void test_two_spaces(void)
{
	unsigned long root_a = read_cr3();
	u64 saved = get_entry(args()->pde_b);
	unsigned int i;

	set_entry(args()->pde_b, table | KERNEL);
	for (i = 0; i < 20; i++) {
		set_entry(slot(table, 2), frame(i) | KERNEL);
		write_cr3(root_b);
		GUEST_EQ(read32(gva(2)), TABLES_MARK + i);
		set_entry(slot(table, 2), i & 1 ? 0 : frame(i + 1) | KERNEL);
		write_cr3(root_a);
		if (i & 1)
			expect_fault(try_read, gva(2), 0);
		else
			GUEST_EQ(read32(gva(2)), TABLES_MARK + i + 1);
	}
	set_entry(args()->pde_b, saved);
}

/* Words that are no present entries live in a table in use, and the table maps itself as a page. */
static void test_data(void)
{
	unsigned int half = PAGE / 2, round, i;

	map(9, table | KERNEL);
	for (round = 0; round < 10; round++) {
		for (i = half; i < PAGE; i += 4)
			write32(table + i, (i * 0x10000 + round) & ~PTE_P);
		set_entry(slot(gva(9), 3), frame(round) | KERNEL);
		flush_gva(gva(3));
		GUEST_EQ(read32(gva(3)), TABLES_MARK + round);
		for (i = half; i < PAGE; i += 4)
			GUEST_EQ(read32(gva(9) + i), (i * 0x10000 + round) & ~PTE_P);
		expect_fault(try_read, gva(half / entry_size), 0);
		asm volatile("lock incl (%0)" : : "r"(gva(9) + PAGE - 8) : "memory");
		asm volatile("lock decl (%0)" : : "r"(table + PAGE - 8) : "memory");
	}
	map(9, 0);
}

/* The root's last entry leads to the root: every table can be reached, also to change it. */
static void test_root(void)
{
	unsigned long root = args()->path[0], last = PAGE / entry_size - 1;
	unsigned long size = span, levels, window;
	u64 saved = get_entry(slot(root, last));
	unsigned int i;

	for (levels = 2; levels < GRAPHS_LEVELS && args()->path[levels]; levels++)
		size *= PAGE / entry_size;
	set_entry(slot(root, last), root | KERNEL);
	flush_all();
	window = -size + gva(0) / PAGE * entry_size;
	for (i = 0; i < 20; i++) {
		set_entry(slot(window, 5), frame(i) | KERNEL);
		flush_gva(gva(5));
		GUEST_EQ(read32(gva(5)), TABLES_MARK + i);
		GUEST_EQ(without_bits(get_entry(slot(table, 5))), frame(i) | KERNEL);
	}
	GUEST_EQ(without_bits(get_entry(-(unsigned long)entry_size)), root | KERNEL);
	set_entry(slot(root, last), saved);
	flush_all();
	if (!(saved & PTE_P))
		expect_fault(try_read, window, 0);
}

/* Each table on the way to where we are loses its own address, and works as before. */
static void test_own_table(void)
{
	unsigned int round, i;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < GRAPHS_LEVELS && args()->path[i]; i++) {
			unsigned long victim = args()->path[i];
			unsigned long entry = slot(args()->low_table, victim / PAGE);
			u64 saved = get_entry(entry);

			map(5, args()->low_table | KERNEL);
			map(6, victim | KERNEL);
			set_entry(entry, 0);
			flush_gva(victim);
			expect_fault(try_read, victim, 0);
			flush_all();
			map(7, frame(i) | KERNEL);
			GUEST_EQ(read32(gva(7)), TABLES_MARK + i);
			set_entry(gva(5) + (entry & (PAGE - 1)), saved);
			GUEST_EQ(read32(victim), read32(gva(6)));
		}
	}
}

/* movl %ecx, (%eax); invlpg (%edx); then what the page at hand has there */
static const u8 remap_code[] = { 0x89, 0x08, 0x0f, 0x01, 0x3a };

static void place_code(unsigned long at, u32 answer)
{
	u8 *after = (u8 *)at + sizeof(remap_code);

	memcpy((void *)at, remap_code, sizeof(remap_code));
	after[0] = MOV_TO_EAX;
	memcpy(after + 1, &answer, sizeof(answer));
	after[1 + sizeof(answer)] = 0xc3;
}

static u32 run_code(unsigned long entry, u32 pte)
{
	unsigned long result = entry;

	asm volatile("call *%3" : "+a"(result) : "c"(pte), "d"(gva(CODE_PAGE)),
		     "r"(gva(CODE_PAGE)) : "memory");
	return result;
}

static void unmap_own_code(unsigned long entry)
{
	run_code(entry, 0);
}

/* After the INVLPG the next instruction is not there any more. */
static void test_own_code(void)
{
	unsigned long entry = slot(table, CODE_PAGE), next = gva(CODE_PAGE) + sizeof(remap_code);
	unsigned int i;

	place_code(frame(0), 1);
	for (i = 0; i < 10; i++) {
		map(CODE_PAGE, frame(0) | KERNEL);
		GUEST_EQ(try_call(unmap_own_code, entry), true);
		GUEST_EQ(this_cpu()->trap.vector, VEC_PF);
		GUEST_EQ(this_cpu()->trap.error, entry_size == 8 ? PFEC_I : 0);
		GUEST_EQ(this_cpu()->trap.cr2, next);
		GUEST_EQ(this_cpu()->trap.ip, next);
	}
}

/* After the INVLPG the next instruction is that of another page. */
static void test_code_swapped(void)
{
	unsigned long entry = slot(table, CODE_PAGE);
	unsigned int i;

	place_code(frame(0), 100);
	place_code(frame(1), 101);
	map(CODE_PAGE, frame(0) | KERNEL);
	for (i = 0; i < 20; i++)
		GUEST_EQ(run_code(entry, frame(!(i & 1)) | KERNEL), 100 + !(i & 1));
}

/*
 * A table is read through an entry that has D already, so that nothing but its use as a table keeps
 * the page from being writable; then it is written through that entry.
 */
static void test_clean(void)
{
	unsigned long window = gva(10);
	unsigned int i;

	for (i = 0; i < 20; i++) {
		/* Used, so that the table is in sync with what is made of it. */
		set_entry(slot(table, 11), frame(i) | KERNEL | PTE_A | PTE_D);
		set_entry(slot(table, 10), table_b | KERNEL | PTE_A | PTE_D);
		set_entry(slot(pde, 1), table_b | KERNEL);
		set_entry(table_b, frame(i) | KERNEL | PTE_A | PTE_D);
		flush_all();
		GUEST_EQ(read32(gva(0) + span), TABLES_MARK + i);
		expect_fault(try_read, gva(1) + span, 0);
		GUEST_EQ(get_entry(window), frame(i) | KERNEL | PTE_A | PTE_D);
		set_entry(window, frame(i + 1) | KERNEL);
		set_entry(slot(window, 1), frame(i + 2) | KERNEL);
		GUEST_EQ(read32(gva(1) + span), TABLES_MARK + i + 2);
		flush_gva(gva(0) + span);
		GUEST_EQ(read32(gva(0) + span), TABLES_MARK + i + 1);
		set_entry(slot(window, 1), 0);
		flush_gva(gva(1) + span);
	}
}

static void toggle_pge(unsigned long unused)
{
	(void)unused;
	write_cr4(read_cr4() ^ CR4_PGE);
}

static void toggle_cd(unsigned long unused)
{
	(void)unused;
	write_cr0(read_cr0() ^ CR0_CD);
}

/* What loads the root entries beside MOV to CR3 (SDM "PDPTE Registers"). */
static void test_pdpte_loads(void)
{
	static void (* const loads[])(unsigned long) = { toggle_pge, toggle_cd };
	unsigned long pdpte = (read_cr3() & ~31UL) + sizeof(u64);
	u64 good = read64(pdpte);
	unsigned int i;

	map(0, frame(1) | KERNEL);
	for (i = 0; i < 4 * ARRAY_SIZE(loads); i++) {
		void (*load)(unsigned long) = loads[i / 2 % ARRAY_SIZE(loads)];

		write64(pdpte, 0);
		flush_gva(gva(0));
		GUEST_EQ(read32(gva(0)), TABLES_MARK + 1);
		load(0);
		expect_fault(try_read, gva(0), 0);
		write64(pdpte, good | PDPTE_RESERVED);
		GUEST_EQ(try_call(load, 0), true);
		GUEST_EQ(this_cpu()->trap.vector, VEC_GP);
		expect_fault(try_read, gva(0), 0);
		write64(pdpte, good);
		load(0);
		GUEST_EQ(read32(gva(0)), TABLES_MARK + 1);
	}
}

static void paging_on(void)
{
	write_cr4(shared()->arg[1]);
	write_cr3(shared()->arg[0]);
	write_cr0(read_cr0() | CR0_PG | CR0_WP);
}

static bool unpaged_op(u64 op)
{
	struct guest_shared *sh = shared();

	switch (op) {
	case GRAPHS_PAGING_ON:
		paging_on();
		return true;
	case GRAPHS_PAGING_OFF:
		write_cr0(read_cr0() & ~CR0_PG);
		return true;
	case GRAPHS_SET:
		write_entry(sh->arg[0], sh->arg[1], sh->arg[2]);
		return true;
	case GRAPHS_GET:
		if (sh->arg[1])
			flush_gva(sh->arg[0]);
		sh->result[0] = read32(sh->arg[0]);
		return true;
	default:
		return false;
	}
}

void guest_main(u64 op)
{
	static void (* const tests[])(void) = {
		[GRAPHS_TWO_LEVELS] = test_two_levels,
		[GRAPHS_TWO_SPACES] = test_two_spaces,
		[GRAPHS_DATA] = test_data,
		[GRAPHS_ROOT] = test_root,
		[GRAPHS_OWN_TABLE] = test_own_table,
		[GRAPHS_OWN_CODE] = test_own_code,
		[GRAPHS_CODE_SWAPPED] = test_code_swapped,
		[GRAPHS_CLEAN] = test_clean,
		[GRAPHS_PDPTE_LOADS] = test_pdpte_loads,
	};

	if (unpaged_op(op))
		return;
	begin_operation();
	tests[op]();
}
