// SPDX-License-Identifier: GPL-2.0
/* What ends in an exit of its own or must not: hypercalls, a triple fault, a jump into nowhere. */
#include "guest.h"
#include "exits.h"

#define VEC_UD	6

static unsigned long vmcall(void)
{
	unsigned long result;

	asm volatile("vmcall" : "=a"(result) : "0"(0x4242UL) : "memory");
	return result;
}

static void __user_text user_vmcall(unsigned long arg)
{
	(void)arg;
	asm volatile("vmcall; ud2" : : "a"(0x4242UL) : "memory");
}

static unsigned long user_result;

static void take_result(struct trap_frame *frame)
{
	user_result = frame->ax;
	frame->ip += 2;	/* past UD2 */
}

static void test_vmcall_user(void)
{
	trap_hooks[VEC_UD] = take_result;
	GUEST_EQ(try_user(user_vmcall, 0), false);
	trap_hooks[VEC_UD] = NULL;
	shared()->result[0] = user_result;
}

static void triple_fault(void)
{
	static const unsigned long none[2];

	asm volatile("lidt %0; ud2" : : "m"(none));
}

static void __user_text user_jump(unsigned long target)
{
	((void (*)(void))target)();
}

static void test_user_jump(void)
{
	bool faulted = try_user(user_jump, shared()->arg[0]);

	shared()->result[0] = faulted ? this_cpu()->trap.vector : ~0ULL;
}

void guest_main(u64 op)
{
	switch (op) {
	case EXITS_VMCALL:
		shared()->result[0] = vmcall();
		break;
	case EXITS_VMCALL_USER:
		test_vmcall_user();
		break;
	case EXITS_TRIPLE_FAULT:
		triple_fault();
		break;
	case EXITS_JUMP:
		((void (*)(void))(unsigned long)shared()->arg[0])();
		break;
	case EXITS_USER_JUMP:
		test_user_jump();
		break;
	case EXITS_HLT:
		asm volatile("hlt");
		break;
	}
}
