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
	volatile u32 counter;
	volatile u32 lock;
	volatile u32 arrived[2];
	volatile u32 request, answer;	/* round numbers */
	volatile u32 guarded;
};

static struct common common;

static unsigned long frame(unsigned int i)
{
	return SCRATCH_GPA + i * PAGE;
}

static volatile u32 *word(unsigned long gva)
{
	return (volatile u32 *)gva;
}

static bool first(void)
{
	return this_cpu()->id == 0;
}

/* Waits until the other vCPU comes to the same point as often as this one. */
static void meet(void)
{
	unsigned int me = this_cpu()->id;
	u32 turn = ++common.arrived[me];

	while ((int32_t)(common.arrived[!me] - turn) < 0)
		asm volatile("pause" : : : "memory");
}

/* All frames are below 4 GiB, so the upper half of a long entry stays 0. */
static void set_pte(u32 pte)
{
	*word(shared()->arg[SMP_ARG_TABLE]) = pte;
	barrier();
}

static u32 get_pte(void)
{
	return *word(shared()->arg[SMP_ARG_TABLE]);
}

static void add(volatile u32 *counter)
{
	asm volatile("lock incl %0" : "+m"(*counter) : : "memory");
}

static void count(volatile u32 *counter)
{
	unsigned int i;

	meet();
	for (i = 0; i < SMP_LOOPS; i++)
		add(counter);
	meet();
	GUEST_EQ(*counter, 2 * SMP_LOOPS);
	meet();
	if (first())
		*counter = 0;
	meet();
}

static u32 xchg(volatile u32 *p, u32 value)
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
			asm volatile("pause");
		common.guarded++;
		xchg(&common.lock, 0);
	}
	meet();
	GUEST_EQ(common.guarded, 2 * SMP_LOOPS);
}

/* One vCPU asks for a flush and waits for the answer. */
static void ask(void)
{
	u32 round = ++common.request;

	while (common.answer != round)
		asm volatile("pause" : : : "memory");
}

static void await_request(u32 round)
{
	while (common.request != round)
		asm volatile("pause" : : : "memory");
}

static void test_shootdown(void)
{
	u32 round = common.request;
	unsigned int i;

	meet();
	for (i = 0; i < SMP_ROUNDS; i++) {
		if (first()) {
			*word(frame(i % 2)) = i + 1;
			set_pte(frame(i % 2) | PTE_P | PTE_W);
			ask();
		} else {
			await_request(++round);
			invlpg(SMP_GVA);
			GUEST_EQ(*word(SMP_GVA), i + 1);
			common.answer = round;
		}
	}
	meet();
}

static void do_read(unsigned long gva)
{
	(void)*word(gva);
}

static void do_write(unsigned long gva)
{
	*word(gva) = 0x77;
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
			*word(frame(3)) = i + 1;
			set_pte(frame(3) | PTE_P);
			ask();
		} else {
			await_request(++round);
			invlpg(SMP_GVA);
			GUEST_EQ(try_call(do_read, SMP_GVA), true);
			common.answer = round;
			await_request(++round);
			GUEST_EQ(*word(SMP_GVA), i + 1);
			common.answer = round;
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
			*word(frame(4)) = 0;
			set_pte(frame(4) | PTE_P);
			ask();
			GUEST_EQ(*word(frame(4)), 0);
			GUEST_EQ(get_pte() & PTE_D, 0);
		} else {
			await_request(++round);
			invlpg(SMP_GVA);
			*word(SMP_GVA) = i;
			common.answer = round;
			await_request(++round);
			invlpg(SMP_GVA);
			GUEST_EQ(try_call(do_write, SMP_GVA), true);
			GUEST_EQ(this_cpu()->trap.error, 3);
			common.answer = round;
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
		count(word(shared()->arg[SMP_ARG_TABLE] + 64));
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
	}
}
