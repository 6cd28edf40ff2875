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

extern struct native_state native_state __attribute__((visibility("hidden")));
extern u64 native_code __attribute__((visibility("hidden")));
extern u64 native_saved_rsp __attribute__((visibility("hidden")));
extern char native_leave[] __attribute__((visibility("hidden")));
void native_enter(void);

struct native_state native_state;
u64 native_code, native_saved_rsp;
static int native_signal;

#define FOR_GPRS(X) \
	X("rax", 0) X("rcx", 8) X("rdx", 16) X("rbx", 24) X("rbp", 40) X("rsi", 48) X("rdi", 56) \
	X("r8", 64) X("r9", 72) X("r10", 80) X("r11", 88) X("r12", 96) X("r13", 104) \
	X("r14", 112) X("r15", 120) X("rsp", 32)
#define LOAD_GPR(reg, at)	"mov native_state+" #at "(%rip), %" reg "\n"
#define SAVE_GPR(reg, at)	"mov %" reg ", native_state+" #at "(%rip)\n"
#define FOR_XMM(X) \
	X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define LOAD_XMM(n)	"movdqu native_state+136+16*" #n "(%rip), %xmm" #n "\n"
#define SAVE_XMM(n)	"movdqu %xmm" #n ", native_state+136+16*" #n "(%rip)\n"
#define LOAD_GPR_S(reg, at)	LOAD_GPR(reg, at)
#define SAVE_GPR_S(reg, at)	SAVE_GPR(reg, at)

/* The code ends with a jump to native_leave that changes no register and no flag. */
asm(".text\n"
    ".globl native_enter\n"
    "native_enter:\n"
    "push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n"
    "mov %rsp, native_saved_rsp(%rip)\n"
    FOR_XMM(LOAD_XMM)
    "pushq native_state+128(%rip)\n"
    "popfq\n"
    FOR_GPRS(LOAD_GPR_S)
    "jmp *native_code(%rip)\n"
    ".globl native_leave\n"
    "native_leave:\n"
    FOR_GPRS(SAVE_GPR_S)
    "mov native_saved_rsp(%rip), %rsp\n"
    "pushfq\n"
    "popq native_state+128(%rip)\n"
    "cld\n"
    FOR_XMM(SAVE_XMM)
    "pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n"
    "ret\n");

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
