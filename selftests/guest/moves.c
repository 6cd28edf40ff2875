// SPDX-License-Identifier: GPL-2.0
/*
 * vCPUs that turn paging on and off, each when it likes, beside others that never page. All of them
 * write the same page tables all the while: each its own entries, paged or not.
 */
#include "guest.h"
#include "moves.h"

#define KERNEL		3	/* P, W */
#define PTE_A		0x20
#define PTE_D		0x40
#define CR0_WP		BIT(16)
#define CR0_PG		BIT(31)
#define PAGE		4096UL
#define MARK_AT		64	/* in each page, a word that stays the same */
#define MARK		0xabc00000U
#define VCPU_SHIFT	8
#define ROUND_SHIFT	12
#define POSTS		4
#define PATIENCE	20000

struct state {
	u32 written[MOVES_PAGES];	/* by number of the page */
	unsigned char at[MOVES_PAGES];	/* which page the n-th entry maps */
	u32 posted, taken;		/* by the vCPU itself; by the reader */
	u32 posted_page;
};

static struct state states[MAX_VCPUS];

static struct state *mine(void)
{
	return &states[this_id()];
}

static unsigned long arg(unsigned int n)
{
	return shared()->arg[n];
}

static unsigned int page_number(unsigned int vcpu, unsigned int page)
{
	return vcpu * MOVES_PAGES + page;
}

static unsigned long frame(unsigned int page)
{
	return MOVES_GPA + page_number(this_id(), page) * PAGE;
}

static unsigned long gva(unsigned int vcpu, unsigned int entry)
{
	return MOVES_GVA + (vcpu * MOVES_ENTRIES + entry) * PAGE;
}

static unsigned long entry_at(unsigned long table, unsigned int entry)
{
	return table + (this_id() * MOVES_ENTRIES + entry) * arg(MOVES_ARG_ENTRY_SIZE);
}

static void set_entry(unsigned long table, unsigned int entry, unsigned int page)
{
	write_entry(entry_at(table, entry), frame(page) | KERNEL, arg(MOVES_ARG_ENTRY_SIZE));
}

/* What is read first may be mapped for reading alone. */
static void check_entry(unsigned int entry, unsigned int page)
{
	u64 pte = read_entry(entry_at(arg(MOVES_ARG_TABLE), entry), arg(MOVES_ARG_ENTRY_SIZE));

	GUEST_EQ(pte & ~(u64)(PTE_A | PTE_D), frame(page) | KERNEL);
}

static bool may_be(u32 was, u32 want)
{
	return was == want || (!was && (arg(MOVES_ARG_FLAGS) & MOVES_LOSES));
}

/* Checks what the page holds and writes another word. */
static void check(unsigned long p, unsigned int page, u32 round)
{
	u32 *written = &mine()->written[page];
	u32 was = read32(p);

	if (!may_be(was, *written))
		GUEST_EQ(was, *written);
	*written = round << ROUND_SHIFT | page_number(this_id(), page);
	write32(p, *written);
	write32(p + MARK_AT, MARK | page_number(this_id(), page));
}

static void check_frames(u32 round)
{
	unsigned int i;

	for (i = 0; i < MOVES_PAGES; i++)
		check(frame(i), i, round);
}

/* Entry n maps the page that is @turn after its own. */
static void check_window(u32 round, unsigned int turn)
{
	unsigned int i;

	for (i = 0; i < MOVES_PAGES; i++)
		check(gva(this_id(), i), mine()->at[(i + turn) % MOVES_PAGES], round);
}

/* Exchanges two entries; a vCPU that pages has to flush them. */
static void exchange(u32 round, bool paged)
{
	unsigned int a = round % MOVES_PAGES, b = (round * 7 + 3) % MOVES_PAGES;
	struct state *s = mine();
	unsigned char was = s->at[a];

	check_entry(a, s->at[a]);
	check_entry(b, s->at[b]);
	s->at[a] = s->at[b];
	s->at[b] = was;
	set_entry(arg(MOVES_ARG_TABLE), a, s->at[a]);
	set_entry(arg(MOVES_ARG_TABLE), b, s->at[b]);
	if (paged) {
		flush_gva(gva(this_id(), a));
		flush_gva(gva(this_id(), b));
	}
}

/* Another vCPU's turn to look: a page through an entry that is new. */
static void post(u32 round)
{
	struct state *s = mine();

	if (READ_ONCE(s->posted) != READ_ONCE(s->taken))
		return;
	if (s->posted)
		check_entry(MOVES_POSTED, s->posted_page);
	s->posted_page = round % MOVES_PAGES;
	write32(frame(s->posted_page) + MARK_AT,
		MARK | page_number(this_id(), s->posted_page));
	set_entry(arg(MOVES_ARG_TABLE), MOVES_POSTED, s->posted_page);
	barrier();
	WRITE_ONCE(s->posted, s->posted + 1);
}

static bool take_posts(void)
{
	bool any = false;
	unsigned int i;

	for (i = 1; i < MAX_VCPUS; i++) {
		struct state *s = &states[i];
		u32 posted = READ_ONCE(s->posted), mark, want;

		if (posted == s->taken)
			continue;
		barrier();
		want = MARK | page_number(i, s->posted_page);
		flush_gva(gva(i, MOVES_POSTED));
		mark = read32(gva(i, MOVES_POSTED) + MARK_AT);
		if (!may_be(mark, want))
			GUEST_EQ(mark, want);
		WRITE_ONCE(s->taken, posted);
		any = true;
	}
	return any;
}

/* Writes nothing to the tables meanwhile, so that whoever shadows them believes to know them. */
static void await_posts(void)
{
	unsigned int i, tries = 0;

	for (i = 0; i < POSTS; i++)
		while (!take_posts() && tries++ < PATIENCE)
			asm volatile("pause" : : : "memory");
}

/* Links the other table for a while; there each entry is one further. */
static void through_table_b(u32 round)
{
	unsigned int size = arg(MOVES_ARG_ENTRY_SIZE), i;

	for (i = 0; i < MOVES_PAGES; i++)
		set_entry(arg(MOVES_ARG_TABLE_B), i, mine()->at[(i + 1) % MOVES_PAGES]);
	write_entry(arg(MOVES_ARG_PDE), arg(MOVES_ARG_TABLE_B) | KERNEL, size);
	write_cr3(read_cr3());
	check_window(round, 1);
	write_entry(arg(MOVES_ARG_PDE), arg(MOVES_ARG_TABLE) | KERNEL, size);
	write_cr3(read_cr3());
}

static void page_for_a_while(u32 round)
{
	write_cr4(arg(MOVES_ARG_CR4));
	write_cr3(arg(MOVES_ARG_ROOT));
	write_cr0(read_cr0() | CR0_PG | CR0_WP);
	check_window(round, 0);
	if (!this_id() && round % 4 == 1)
		await_posts();
	exchange(round + 5, true);
	check_window(round, 0);
	if (round % 4 == 0)
		through_table_b(round);
	if (!this_id())
		take_posts();
	write_cr0(read_cr0() & ~(CR0_PG | CR0_WP));
}

static void begin(void)
{
	struct state *s = mine();
	unsigned int i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < MOVES_PAGES; i++) {
		s->at[i] = i;
		set_entry(arg(MOVES_ARG_TABLE), i, i);
		write32(frame(i), 0);
	}
}

void guest_main(u64 op)
{
	u32 round;

	begin();
	for (round = 1; !read32(arg(MOVES_ARG_STOP)); round++) {
		check_frames(round);
		exchange(round, false);
		if (this_id())
			post(round);
		if (arg(MOVES_ARG_FLAGS) & MOVES_TURNS)
			page_for_a_while(round);
		shared()->result[0] = round;
	}
	(void)op;
}
