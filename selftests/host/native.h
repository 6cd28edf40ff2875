/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Runs one instruction on the CPU at hand with chosen registers, as the oracle of exec_test.c. A
 * fault is caught and its signal reported. One thread.
 */
#ifndef HOST_NATIVE_H
#define HOST_NATIVE_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ucontext.h>

#include "types.h"

struct native_state {
	u64 gpr[UM_NR_GPRS];
	u64 rflags;
	u64 xmm[16][2];
};

/* Shared with native.S, which reaches them relative to RIP. */
__attribute__((visibility("hidden"))) struct native_state native_state;
__attribute__((visibility("hidden"))) u64 native_code, native_saved_rsp;
__attribute__((visibility("hidden"))) void native_enter(void);
__attribute__((visibility("hidden"))) void native_leave(void);
static int native_signal;

static void native_fault(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)info;
	if ((u64)uc->uc_mcontext.gregs[REG_RIP] != native_code) {
		signal(sig, SIG_DFL);	/* a fault of the test itself */
		return;
	}
	native_signal = sig;
	uc->uc_mcontext.gregs[REG_RIP] = (greg_t)native_leave;
}

static inline void native_init(void)
{
	static u8 stack[65536];
	stack_t alt = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa = { .sa_sigaction = native_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	sigaltstack(&alt, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	sigaction(SIGILL, &sa, NULL);
	sigaction(SIGFPE, &sa, NULL);
}

/*
 * Run the instruction at @code, which has room for the jump back behind it; 0 or the signal that it
 * raised.
 */
static inline int native_run(u8 *code, unsigned int len)
{
	u64 back = (u64)native_leave;

	memcpy(code + len, (u8 []){ 0xff, 0x25, 0, 0, 0, 0 }, 6);	/* jmp *0(%rip) */
	memcpy(code + len + 6, &back, 8);
	native_signal = 0;
	native_code = (u64)code;
	native_enter();
	return native_signal;
}

#endif
