// SPDX-License-Identifier: GPL-2.0
/* Two vCPUs of one VM, each in a thread of its own; they check each other. */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/pgtable.h"
#include "lib/stats.h"
#include "guest/smp.h"

#define NR_VCPUS	2
#define DEADLINE	15	/* seconds */

struct runner {
	struct vcpu *vcpu;
	pthread_t thread;
	uint64_t op;
	int outcome;
};

static void *run_thread(void *arg)
{
	struct runner *r = arg;

	r->outcome = guest_start_op(r->vcpu, r->op);
	return NULL;
}

static void on_signal(int sig)
{
	(void)sig;
}

/* A vCPU whose partner has failed would wait for it for ever. */
static void join(struct runner *r)
{
	struct timespec deadline;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += DEADLINE;
	if (!pthread_timedjoin_np(r->thread, NULL, &deadline))
		return;
	pthread_kill(r->thread, SIGUSR1);
	pthread_join(r->thread, NULL);
}

static void run_both(struct runner *runners, uint64_t op, const char *mode, const char *what)
{
	bool good = true;
	int i;

	for (i = 0; i < NR_VCPUS; i++) {
		runners[i].op = op;
		pthread_create(&runners[i].thread, NULL, run_thread, &runners[i]);
	}
	for (i = 0; i < NR_VCPUS; i++) {
		join(&runners[i]);
		guest_report(runners[i].vcpu, runners[i].outcome);
		good &= runners[i].outcome == GUEST_DONE;
	}
	tap_ok(good, "%s: %s", mode, what);
}

static void setup(struct runner *runners, struct vm *vm, enum guest_mode mode)
{
	struct pgtable pt = { .vm = vm, .mode = mode, .next = TABLES_END - 16 * PAGE_SIZE };
	struct kvm_sregs sregs;
	uint64_t table;
	int i;

	vm_load(vm, "smp", mode);
	for (i = 0; i < NR_VCPUS; i++) {
		runners[i].vcpu = vcpu_create(vm, i);
		vcpu_set_mode(runners[i].vcpu, mode);
	}
	must(xioctl(runners[0].vcpu->fd, KVM_GET_SREGS, &sregs));
	pt.root = sregs.cr3;
	table = pt_map(&pt, SMP_GVA, SCRATCH_GPA, 0, 1);
	for (i = 0; i < NR_VCPUS; i++) {
		/* PAE's root entries are read when CR3 is set. */
		must(xioctl(runners[i].vcpu->fd, KVM_SET_SREGS, &sregs));
		runners[i].vcpu->shared->arg[SMP_ARG_TABLE] = table;
		runners[i].vcpu->shared->arg[SMP_ARG_ENTRY_SIZE] = pt_entry_size(mode);
	}
}

/* More than one vCPU was in the fault handler's parallel section at once. */
static void check_parallel(struct vm *vm, const char *mode)
{
	uint64_t count;

	if (mmu_wanted() != MMU_SHADOW || !stat_read(vm->fd, "mmu_parallel", &count))
		tap_skip("only shadow paging counts it", "%s: faults at once", mode);
	else if (sysconf(_SC_NPROCESSORS_ONLN) < NR_VCPUS)
		tap_skip("there is one CPU", "%s: faults at once", mode);
	else
		tap_ok(count, "%s: %lu faults beside another", mode, count);
}

static void test_mode(enum guest_mode mode)
{
	struct runner runners[NR_VCPUS] = { 0 };
	struct vm *vm = vm_create();
	const char *name = mode_name(mode);
	int i;

	setup(runners, vm, mode);
	run_both(runners, SMP_TOGETHER, name, "both vCPUs run at once");
	run_both(runners, SMP_COUNT, name, "atomic additions");
	run_both(runners, SMP_XCHG, name, "a lock");
	run_both(runners, SMP_TABLE_COUNT, name, "atomic additions in a live page table");
	run_both(runners, SMP_SHOOTDOWN, name, "a PTE change seen by the other after INVLPG");
	run_both(runners, SMP_PRESENT, name, "a new PTE seen by the other at once");
	run_both(runners, SMP_DIRTY, name, "no write after write protection was flushed");
	run_both(runners, SMP_FAULTS, name, "page faults of both vCPUs at once");
	check_parallel(vm, name);
	for (i = 0; i < NR_VCPUS; i++)
		vcpu_destroy(runners[i].vcpu);
	vm_destroy(vm);
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	tap_start("smp", 400);
	sigaction(SIGUSR1, &action, NULL);
	tap_diag("%ld host CPUs", sysconf(_SC_NPROCESSORS_ONLN));
	test_mode(MODE_PSE);
	test_mode(MODE_PAE);
	test_mode(MODE_LONG);
	return tap_done();
}
