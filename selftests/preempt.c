// SPDX-License-Identifier: GPL-2.0
/*
 * Several VMs and a host thread share the CPU, each with its own FPU, vector, debug and system
 * registers: nobody may see another's. Then the host's own across one KVM_RUN.
 */
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/vm.h"
#include "guest/state.h"

#define NR_GUESTS	3
#define HOLD_SECONDS	1
#define NR_VECTORS	16
#define VECTOR_BYTES	32

static bool guest_avx, host_avx;
static bool host_stop;

struct guest {
	struct vcpu *vcpu;
	pthread_t thread;
	int outcome;
};

static void pin_to_first_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *run_guest(void *arg)
{
	struct guest *g = arg;

	pin_to_first_cpu();
	g->outcome = guest_start_op(g->vcpu, STATE_HOLD);
	return NULL;
}

/* The instruction for each vector register; \\n stands for its number. */
#define EACH_VECTOR(insn)							\
	".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"	\
	insn "\n"								\
	".endr\n"
#define LOAD_XMM	EACH_VECTOR("movdqu 16*\\n(%[in]), %%xmm\\n")
#define LOAD_YMM	EACH_VECTOR("vmovdqu 32*\\n(%[in]), %%ymm\\n")
#define STORE_XMM	EACH_VECTOR("movdqu %%xmm\\n, 16*\\n(%[out])")
#define STORE_YMM	EACH_VECTOR("vmovdqu %%ymm\\n, 32*\\n(%[out])")
#define CLOBBER_XMM	"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",	\
	"xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

/* A system call with the vector registers loaded from in, stored to out afterwards. */
static long syscall_with_vectors(long nr, long a, long b, long c, const void *in, void *out)
{
	long ret = nr;

	if (host_avx)
		asm volatile(LOAD_YMM "syscall\n" STORE_YMM
			     : "+a"(ret)
			     : "D"(a), "S"(b), "d"(c), [in] "r"(in), [out] "r"(out)
			     : "rcx", "r11", "memory", CLOBBER_XMM);
	else
		asm volatile(LOAD_XMM "syscall\n" STORE_XMM
			     : "+a"(ret)
			     : "D"(a), "S"(b), "d"(c), [in] "r"(in), [out] "r"(out)
			     : "rcx", "r11", "memory", CLOBBER_XMM);
	return ret;
}

static size_t vector_size(void)
{
	return host_avx ? VECTOR_BYTES * NR_VECTORS : VECTOR_BYTES * NR_VECTORS / 2;
}

/* Competes for the CPU with values of its own in all vector registers. */
static void *run_host(void *arg)
{
	static uint8_t in[NR_VECTORS * VECTOR_BYTES], out[NR_VECTORS * VECTOR_BYTES];
	unsigned long bad = 0;
	size_t i;

	(void)arg;
	pin_to_first_cpu();
	for (i = 0; i < sizeof(in); i++)
		in[i] = 0xb0 ^ i;
	while (!READ_ONCE(host_stop)) {
		syscall_with_vectors(SYS_sched_yield, 0, 0, 0, in, out);
		bad += memcmp(in, out, vector_size()) != 0;
	}
	return (void *)bad;
}

static void test_shared_cpu(void)
{
	struct guest guests[NR_GUESTS];
	pthread_t host;
	void *bad;
	int i;

	for (i = 0; i < NR_GUESTS; i++) {
		guests[i].vcpu = guest_create("state", MODE_LONG);
		guests[i].vcpu->shared->arg[0] = 1000 + i * 77;
		/* One guest leaves AVX alone: its XCR0 differs from the others'. */
		guests[i].vcpu->shared->arg[1] = guest_avx && i != 1;
		pthread_create(&guests[i].thread, NULL, run_guest, &guests[i]);
	}
	pthread_create(&host, NULL, run_host, NULL);
	sleep(HOLD_SECONDS);
	for (i = 0; i < NR_GUESTS; i++)
		vm_write32(guests[i].vcpu->vm, STATE_STOP, 1);
	for (i = 0; i < NR_GUESTS; i++) {
		uint32_t rounds = vm_read32(guests[i].vcpu->vm, STATE_ROUNDS);

		pthread_join(guests[i].thread, NULL);
		guest_report(guests[i].vcpu, guests[i].outcome);
		tap_ok(guests[i].outcome == GUEST_DONE && rounds > 2,
		       "guest %d keeps its registers", i);
		tap_diag("%u rounds", rounds);
		guest_destroy(guests[i].vcpu);
	}
	WRITE_ONCE(host_stop, true);
	pthread_join(host, &bad);
	tap_ok(!bad, "the host thread keeps its own");
}

/* Two vCPUs by turns in one thread: no preemption, but the same registers change hands. */
static void test_turns(void)
{
	struct vcpu *a = guest_create("state", MODE_LONG);
	struct vcpu *b = guest_create("state", MODE_LONG);
	bool good = true;
	int i;

	for (i = 0; i < 10; i++) {
		a->shared->arg[0] = i;
		b->shared->arg[0] = i + 100;
		a->shared->arg[1] = guest_avx;
		b->shared->arg[1] = guest_avx && i & 1;
		good &= guest_start_op(a, STATE_SYNC) == GUEST_SYNC;
		good &= guest_start_op(b, STATE_SYNC) == GUEST_SYNC;
		good &= guest_run(a) == GUEST_DONE;
		good &= guest_run(b) == GUEST_DONE;
	}
	tap_ok(good, "two guests by turns in one thread");
	guest_destroy(a);
	guest_destroy(b);
}

static void test_host_registers(void)
{
	static uint8_t in[NR_VECTORS * VECTOR_BYTES], out[NR_VECTORS * VECTOR_BYTES];
	struct vcpu *vcpu = guest_create("state", MODE_LONG);
	uint32_t mxcsr = 0x3f80, mxcsr_after;
	uint16_t cw = 0x17f, cw_after;
	unsigned int i;
	long ret;

	for (i = 0; i < sizeof(in); i++)
		in[i] = 0x35 + i * 11;
	vcpu->shared->op = STATE_SYNC;
	vcpu->shared->arg[0] = 4;
	vcpu->shared->arg[1] = guest_avx;
	asm volatile("fldcw %0; ldmxcsr %1" : : "m"(cw), "m"(mxcsr));
	ret = syscall_with_vectors(SYS_ioctl, vcpu->fd, KVM_RUN, 0, in, out);
	asm volatile("fnstcw %0; stmxcsr %1" : "=m"(cw_after), "=m"(mxcsr_after));
	asm volatile("fninit; ldmxcsr %0" : : "m"((uint32_t){ 0x1f80 }));
	tap_eq(ret, 0, "KVM_RUN of a guest that fills its registers");
	tap_ok(!memcmp(in, out, vector_size()), "the host's vector registers are its own");
	tap_eq(cw_after, cw, "the host's x87 control word");
	tap_eq(mxcsr_after, mxcsr, "the host's MXCSR");
	tap_eq(guest_run(vcpu), GUEST_DONE, "and the guest's are the guest's");
	guest_destroy(vcpu);
}

int main(void)
{
	tap_start("preempt", 120);
	guest_avx = cpuid_has(1, 0, CPUID_ECX, 26) && cpuid_has(1, 0, CPUID_ECX, 28);
	host_avx = __builtin_cpu_supports("avx");
	if (!guest_avx)
		tap_skip("not in CPUID", "AVX in guests");
	test_turns();
	test_host_registers();
	test_shared_cpu();
	return tap_done();
}
