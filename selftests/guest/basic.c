// SPDX-License-Identifier: GPL-2.0
/* Small operations for tests that need any guest at all. */
#include "guest.h"
#include "basic.h"

#define CR0_PG	BIT(31)

static void touch_pages(void)
{
	unsigned long p = shared()->arg[0], end = shared()->arg[1];

	for (; p < end; p += 4096)
		write8(p, 0x5a);
}

static void sum_pages(void)
{
	unsigned long p = shared()->arg[0], end = shared()->arg[1];
	u64 sum = 0;

	for (; p < end; p += 4096)
		sum += read32(p);
	shared()->result[0] = sum;
}

static void count(unsigned long counter, unsigned long stop)
{
	while (!read32(stop))
		write32(counter, read32(counter) + 1);
}

/*
 * Each vCPU has a word of its own in each page, and knows what it wrote there last. The two writes
 * differ, so that a page that went back to an older state shows.
 */
static void churn(void)
{
	static u32 written[MAX_VCPUS][CHURN_PAGES];
	unsigned long word = shared()->arg[0] + this_id() * 64, stride = shared()->arg[4];
	unsigned int pages = (unsigned long)(shared()->arg[1] - shared()->arg[0]) / stride, i;
	bool loses = shared()->arg[3] & CHURN_LOSES;
	u32 *mine = written[this_id()];
	u32 round, was;

	memset(mine, 0, sizeof(written[0]));
	for (i = 0; i < pages; i++)
		write32(word + i * stride, 0);
	for (round = 1; !read32(shared()->arg[2]); round++) {
		for (i = 0; i < pages; i++) {
			was = read32(word + i * stride);
			if (was || !loses)
				GUEST_EQ(was, mine[i]);
			mine[i] = round << CHURN_SHIFT | i;
			write32(word + i * stride, mine[i]);
		}
		shared()->result[0] = round;
	}
}

static void do_read(unsigned long gva)
{
	shared()->result[0] = read32(gva);
}

static void do_write(unsigned long gva)
{
	write32(gva, shared()->arg[1]);
}

/* Of 32-bit guests, which are mapped one to one. */
static void read_around_unpaged(unsigned long gva)
{
	unsigned long cr0;

	shared()->result[1] = read32(gva);
	asm volatile("mov %%cr0, %0" : "=r"(cr0));
	asm volatile("mov %0, %%cr0" : : "r"(cr0 & ~(unsigned long)CR0_PG) : "memory");
	guest_sync();
	asm volatile("mov %0, %%cr0" : : "r"(cr0) : "memory");
	do_read(gva);
}

static void try_access(void (*access)(unsigned long gva))
{
	bool faulted = try_call(access, shared()->arg[0]);

	shared()->result[1] = faulted ? this_cpu()->trap.vector + 1 : 0;
	shared()->result[2] = this_cpu()->trap.error;
	shared()->result[3] = this_cpu()->trap.cr2;
}

void guest_main(u64 op)
{
	switch (op) {
	case BASIC_SPIN:
		for (;;)
			barrier();
	case BASIC_READ:
		do_read(shared()->arg[0]);
		break;
	case BASIC_WRITE:
		do_write(shared()->arg[0]);
		break;
	case BASIC_TOUCH:
		touch_pages();
		break;
	case BASIC_SUM:
		sum_pages();
		break;
	case BASIC_COUNT:
		count(shared()->arg[0], shared()->arg[1]);
		break;
	case BASIC_CALL:
		((void (*)(void))(unsigned long)shared()->arg[0])();
		break;
	case BASIC_TRY_READ:
		try_access(do_read);
		break;
	case BASIC_TRY_WRITE:
		try_access(do_write);
		break;
	case BASIC_HLT:
		asm volatile("hlt");
		break;
	case BASIC_CHURN:
		churn();
		break;
	case BASIC_RELOAD:
		write_cr3(read_cr3());
		do_read(shared()->arg[0]);
		break;
	case BASIC_SPACE:
		write_cr3(shared()->arg[1]);
		do_read(shared()->arg[0]);
		break;
	case BASIC_UNPAGED:
		read_around_unpaged(shared()->arg[0]);
		break;
	case BASIC_FLUSH:
		flush_gva(shared()->arg[0]);
		do_read(shared()->arg[0]);
		break;
	}
}
