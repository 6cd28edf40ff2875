// SPDX-License-Identifier: GPL-2.0
/* Two vCPUs in one guest: atomic operations, locks, and page tables that both use. */
#include "guest.h"
#include "smp.h"

#define PTE_P		1
#define PTE_W		2
#define PTE_A		0x20
#define PTE_D		0x40
#define VEC_PF		14
#define PAGE		4096UL

struct common {
	u32 counter;
	u32 lock;
	u32 arrived[2];
	u32 request, answer;	/* round numbers */
	u32 guarded;
};

static struct common common;

static unsigned long frame(unsigned int i)
{
	return SCRATCH_GPA + i * PAGE;
}

static bool first(void)
{
	return this_cpu()->id == 0;
}

static void relax(void)
{
	asm volatile("pause" : : : "memory");
}

/* Waits until the other vCPU comes to the same point as often as this one. */
static void meet(void)
{
	unsigned int me = this_cpu()->id;
	u32 turn = common.arrived[me] + 1;

	WRITE_ONCE(common.arrived[me], turn);
	while ((int32_t)(READ_ONCE(common.arrived[!me]) - turn) < 0)
		relax();
}

/* All frames are below 4 GiB, so the upper half of a long entry stays 0. */
static void set_pte(u32 pte)
{
	write32(shared()->arg[SMP_ARG_TABLE], pte);
	barrier();
}

static u32 get_pte(void)
{
	return read32(shared()->arg[SMP_ARG_TABLE]);
}

static void add(u32 *counter)
{
	asm volatile("lock incl %0" : "+m"(*counter) : : "memory");
}

static void count(u32 *counter)
{
	unsigned int i;

	meet();
	for (i = 0; i < SMP_LOOPS; i++)
		add(counter);
	meet();
	GUEST_EQ(READ_ONCE(*counter), 2 * SMP_LOOPS);
	meet();
	if (first())
		WRITE_ONCE(*counter, 0);
	meet();
}

static u32 xchg(u32 *p, u32 value)
{
	asm volatile("xchgl %0, %1" : "+r"(value), "+m"(*p) : : "memory");
	return value;
}

static void test_xchg(void)
{
	unsigned int i;

	common.guarded = 0;
	meet();
	for (i = 0; i < SMP_LOOPS; i++) {
		while (xchg(&common.lock, 1))
			relax();
		WRITE_ONCE(common.guarded, common.guarded + 1);
		xchg(&common.lock, 0);
	}
	meet();
	GUEST_EQ(READ_ONCE(common.guarded), 2 * SMP_LOOPS);
}

/* One vCPU asks for a flush and waits for the answer. */
static void ask(void)
{
	u32 round = common.request + 1;

	WRITE_ONCE(common.request, round);
	while (READ_ONCE(common.answer) != round)
		relax();
}

static void await_request(u32 round)
{
	while (READ_ONCE(common.request) != round)
		relax();
}

static void test_shootdown(void)
{
	u32 round = common.request;
	unsigned int i;

	meet();
	for (i = 0; i < SMP_ROUNDS; i++) {
		if (first()) {
			write32(frame(i % 2), i + 1);
			set_pte(frame(i % 2) | PTE_P | PTE_W);
			ask();
		} else {
			await_request(++round);
			flush_gva(SMP_GVA);
			GUEST_EQ(read32(SMP_GVA), i + 1);
			WRITE_ONCE(common.answer, round);
		}
	}
	meet();
}

static void do_read(unsigned long gva)
{
	read32(gva);
}

static void do_write(unsigned long gva)
{
	write32(gva, 0x77);
}

static void test_present(void)
{
	u32 round = common.request;
	unsigned int i;

	meet();
	for (i = 0; i < SMP_ROUNDS; i++) {
		if (first()) {
			set_pte(0);
			ask();
			write32(frame(3), i + 1);
			set_pte(frame(3) | PTE_P);
			ask();
		} else {
			await_request(++round);
			flush_gva(SMP_GVA);
			GUEST_EQ(try_call(do_read, SMP_GVA), true);
			WRITE_ONCE(common.answer, round);
			await_request(++round);
			GUEST_EQ(read32(SMP_GVA), i + 1);
			WRITE_ONCE(common.answer, round);
		}
	}
	meet();
}

static void test_dirty(void)
{
	u32 round = common.request;
	unsigned int i;

	meet();
	for (i = 0; i < SMP_ROUNDS; i++) {
		if (first()) {
			set_pte(frame(4) | PTE_P | PTE_W);
			ask();
			GUEST_EQ(get_pte(), frame(4) | PTE_P | PTE_W | PTE_A | PTE_D);
			write32(frame(4), 0);
			set_pte(frame(4) | PTE_P);
			ask();
			GUEST_EQ(read32(frame(4)), 0);
			GUEST_EQ(get_pte() & PTE_D, 0);
		} else {
			await_request(++round);
			flush_gva(SMP_GVA);
			write32(SMP_GVA, i);
			WRITE_ONCE(common.answer, round);
			await_request(++round);
			flush_gva(SMP_GVA);
			GUEST_EQ(try_call(do_write, SMP_GVA), true);
			GUEST_EQ(this_cpu()->trap.error, 3);
			WRITE_ONCE(common.answer, round);
		}
	}
	meet();
}

static void test_together(void)
{
	unsigned int i;

	for (i = 0; i < SMP_ROUNDS; i++)
		meet();
}

static void set_entry(unsigned int i, u32 pte)
{
	write32(shared()->arg[SMP_ARG_TABLE] + i * shared()->arg[SMP_ARG_ENTRY_SIZE], pte);
	barrier();
}

static u32 entry_value(unsigned int i)
{
	return 0xab000000 + i % SMP_FRAMES;
}

static void map_entry(unsigned int i)
{
	set_entry(i, frame(i % SMP_FRAMES) | PTE_P | PTE_W);
}

static void check_entry(unsigned int i)
{
	GUEST_EQ(read32(SMP_GVA + i * PAGE), entry_value(i));
}

static void unmap_entry(unsigned int i)
{
	set_entry(i, 0);
	flush_gva(SMP_GVA + i * PAGE);
	GUEST_EQ(try_call(do_read, SMP_GVA + i * PAGE), true);
}

/* Each its own entries; all of them map the same few frames. */
static void fault_apart(unsigned int me)
{
	unsigned int i;

	for (i = me; i < SMP_ENTRIES; i += 2)
		map_entry(i);
	meet();
	for (i = me; i < SMP_ENTRIES; i += 2)
		check_entry(i);
	for (i = me; i < SMP_ENTRIES; i += 2)
		unmap_entry(i);
}

/* Both the same entries, the first access at the same time. */
static void fault_together(void)
{
	unsigned int i;

	for (i = 0; i < SMP_FRAMES; i++) {
		if (first())
			map_entry(i);
		meet();
		check_entry(i);
		write32(SMP_GVA + i * PAGE, entry_value(i));
		meet();
		if (first())
			set_entry(i, 0);
		meet();
		flush_gva(SMP_GVA + i * PAGE);
		GUEST_EQ(try_call(do_read, SMP_GVA + i * PAGE), true);
	}
}

static void test_faults(void)
{
	unsigned int i, me = this_cpu()->id;

	for (i = 0; first() && i < SMP_FRAMES; i++)
		write32(frame(i), entry_value(i));
	meet();
	for (i = 0; i < 4; i++) {
		fault_apart(me);
		meet();
		fault_together();
		meet();
	}
}

void guest_main(u64 op)
{
	switch (op) {
	case SMP_COUNT:
		count(&common.counter);
		break;
	case SMP_XCHG:
		test_xchg();
		break;
	case SMP_TABLE_COUNT:
		/* A word of an entry that nobody uses. */
		count((u32 *)((unsigned long)shared()->arg[SMP_ARG_TABLE] + 64));
		break;
	case SMP_SHOOTDOWN:
		test_shootdown();
		break;
	case SMP_PRESENT:
		test_present();
		break;
	case SMP_DIRTY:
		test_dirty();
		break;
	case SMP_TOGETHER:
		test_together();
		break;
	case SMP_FAULTS:
		test_faults();
		break;
	}
}
