/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Runs one instruction on the CPU at hand, in 64-, 32- or 16-bit code, with chosen registers and
 * segments: a signal handler puts the whole state in place, the instruction runs, and the
 * breakpoint behind it or its own fault brings the state back, or a timer if it does not end. One
 * thread.
 */
#ifndef HOST_CPU_H
#define HOST_CPU_H

#include <asm/ldt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/ucontext.h>
#include <unistd.h>

#include "types.h"

#define CPU_CS64		0x33	/* Linux's selectors for user code and data */
#define CPU_SS			0x2b
#define CPU_LDT(nr)		((nr) << 3 | 7)
#define CPU_ENDLESS		256	/* for a vector: the instruction did not end */
#define CPU_SETTABLE		0x50dd5UL	/* what a signal's return takes of RFLAGS */

struct cpu_state {
	u64 gpr[UM_NR_GPRS];
	u64 rip;
	u64 rflags;
	u64 ymm[16][4];
};

struct cpu_fault {
	unsigned int vector;
	u64 error, cr2;
};

/* In: what to run. Out: what came of it. */
static struct cpu_state cpu_state;
static u16 cpu_cs, cpu_ss;
static u16 cpu_sel[UM_FS];	/* out: ES, CS, SS and DS */
static u16 cpu_gs;
static struct cpu_fault cpu_fault;

/* Layout of a signal frame's FPU state (SDM "Standard Format of the XSAVE Area"). */
#define FRAME_XMM		160
#define FRAME_XSTATE_BV		512
#define FRAME_YMM		576
#define XSTATE_SSE_AVX		6

static greg_t cpu_home[NGREG];
static bool cpu_running;
static unsigned long cpu_runs;

/* In the order of enum um_gpr. */
static const int cpu_greg[UM_NR_GPRS] = {
	REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
	REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

static void cpu_put_vectors(u8 *fp)
{
	unsigned int i;

	*(u64 *)(fp + FRAME_XSTATE_BV) |= XSTATE_SSE_AVX;
	for (i = 0; i < 16; i++) {
		memcpy(fp + FRAME_XMM + 16 * i, cpu_state.ymm[i], 16);
		memcpy(fp + FRAME_YMM + 16 * i, &cpu_state.ymm[i][2], 16);
	}
}

/* A component that is not in use reads as 0. */
static void cpu_get_vectors(const u8 *fp)
{
	u64 used = *(const u64 *)(fp + FRAME_XSTATE_BV);
	unsigned int i;

	memset(cpu_state.ymm, 0, sizeof(cpu_state.ymm));
	for (i = 0; i < 16; i++) {
		if (used & 2)
			memcpy(cpu_state.ymm[i], fp + FRAME_XMM + 16 * i, 16);
		if (used & 4)
			memcpy(&cpu_state.ymm[i][2], fp + FRAME_YMM + 16 * i, 16);
	}
}

static void cpu_begin(ucontext_t *uc)
{
	greg_t *g = uc->uc_mcontext.gregs;
	u64 others = g[REG_CSGSFS] & 0x0000ffffffff0000ULL;
	unsigned int i;

	memcpy(cpu_home, g, sizeof(cpu_home));
	for (i = 0; i < UM_NR_GPRS; i++)
		g[cpu_greg[i]] = cpu_state.gpr[i];
	g[REG_RIP] = cpu_state.rip;
	g[REG_EFL] = cpu_state.rflags;
	g[REG_CSGSFS] = others | cpu_cs | (u64)cpu_ss << 48;
	cpu_put_vectors((u8 *)uc->uc_mcontext.fpregs);
}

static void cpu_end(int sig, ucontext_t *uc)
{
	greg_t *g = uc->uc_mcontext.gregs;
	unsigned int i;

	for (i = 0; i < UM_NR_GPRS; i++)
		cpu_state.gpr[i] = g[cpu_greg[i]];
	cpu_state.rip = g[REG_RIP];
	cpu_state.rflags = g[REG_EFL];
	cpu_sel[UM_CS] = g[REG_CSGSFS];
	cpu_sel[UM_SS_SEG] = g[REG_CSGSFS] >> 48;
	asm volatile("mov %%es, %0; mov %%ds, %1; mov %%gs, %2" :
		     "=m"(cpu_sel[UM_ES]), "=m"(cpu_sel[UM_DS]), "=m"(cpu_gs));
	cpu_fault = (struct cpu_fault){ g[REG_TRAPNO], g[REG_ERR], g[REG_CR2] };
	cpu_get_vectors((u8 *)uc->uc_mcontext.fpregs);
	if (sig == SIGALRM)
		cpu_fault.vector = CPU_ENDLESS;
	memcpy(g, cpu_home, sizeof(cpu_home));
}

/* Once a second: is it still the instruction of the last time? */
static bool cpu_endless(void)
{
	static unsigned long seen;
	bool same = cpu_running && cpu_runs == seen;

	seen = cpu_runs;
	return same;
}

static void cpu_signal(int sig, siginfo_t *info, void *context)
{
	(void)info;
	asm volatile("push $2; popfq" : : : "cc", "memory");	/* AC and NT may be set */
	if (sig == SIGALRM && !cpu_endless())
		return;
	if (cpu_running)
		cpu_end(sig, context);
	else if (sig == SIGTRAP)
		cpu_begin(context);
	else
		signal(sig, SIG_DFL);	/* a fault of the test itself */
	cpu_running = !cpu_running;
}

static inline void cpu_init(void)
{
	static const int signals[] = { SIGTRAP, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGALRM };
	static u8 stack[1 << 16];
	struct itimerval second = { .it_interval.tv_sec = 1, .it_value.tv_sec = 1 };
	stack_t alt = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa = { .sa_sigaction = cpu_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	unsigned int i;

	sigfillset(&sa.sa_mask);
	sigaltstack(&alt, NULL);
	for (i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &sa, NULL);
	setitimer(ITIMER_REAL, &second, NULL);
}

/* All registers come back as they were but those of vectors. */
static inline void cpu_run(void)
{
	cpu_runs++;
	asm volatile("int3" : : : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
		     "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
		     "xmm15");
}

/* Put a descriptor into the LDT; false: the kernel has none. */
static inline bool cpu_set_ldt(const struct user_desc *desc)
{
	return !syscall(SYS_modify_ldt, 0x11, desc, sizeof(*desc));
}

static inline void cpu_load_data(u16 ds, u16 es, u16 gs)
{
	asm volatile("mov %0, %%ds; mov %1, %%es; mov %2, %%gs" : : "r"(ds), "r"(es), "r"(gs));
}

#endif
