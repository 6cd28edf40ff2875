// SPDX-License-Identifier: GPL-2.0
/* Writes to random pages; each vCPU has a word of its own in every page. */
#include "guest.h"
#include "dirty.h"

#define PAGE	4096UL

static unsigned long word_of(u32 page)
{
	return shared()->arg[0] + page * PAGE + this_id() * 64;
}

/* Each value written differs from what was there. */
static u32 write_random(u32 x)
{
	x = dirty_next(x);
	write32(word_of(dirty_page(x, shared()->arg[1])), x);
	return x;
}

static void write_some(u64 count)
{
	u32 x = shared()->arg[3];

	while (count--)
		x = write_random(x);
}

static void write_until(unsigned long stop)
{
	u32 x = shared()->arg[3];

	while (!read32(stop))
		x = write_random(x);
}

static void touch(void)
{
	u32 page;

	for (page = 0; page < shared()->arg[1]; page++)
		write32(word_of(page), page);
}

static void read_all(void)
{
	u32 page;

	for (page = 0; page < shared()->arg[1]; page++)
		read32(word_of(page));
}

static void copy(unsigned long to, unsigned long from)
{
	asm volatile("movsl" : "+D"(to), "+S"(from) : : "memory");
}

void guest_main(u64 op)
{
	switch (op) {
	case DIRTY_WRITE:
		write_some(shared()->arg[2]);
		break;
	case DIRTY_TOUCH:
		touch();
		break;
	case DIRTY_READ:
		read_all();
		break;
	case DIRTY_LOOP:
		write_until(shared()->arg[2]);
		break;
	case DIRTY_COPY:
		copy(shared()->arg[0], shared()->arg[2]);
		break;
	}
}
