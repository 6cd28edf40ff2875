// SPDX-License-Identifier: GPL-2.0
/*
 * What a thread of a world does: calls, most of all; runs guests; changes what vCPUs share with
 * userspace and the memory below the guests; closes files; forks.
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

#define FOREIGN_CALLS	16
#define MOST_RUNS	16

static __thread sigjmp_buf fault_exit;
static __thread bool may_fault;

static void on_fault(int sig)
{
	if (may_fault)
		siglongjmp(fault_exit, 1);
	signal(sig, SIG_DFL);
	raise(sig);
}

void fuzz_catch_faults(void)
{
	struct sigaction action = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

bool fuzz_copy(void *to, const void *from, size_t size)
{
	bool done = false;

	if (!sigsetjmp(fault_exit, 0)) {
		WRITE_ONCE(may_fault, true);
		barrier();
		memcpy(to, from, size);
		barrier();
		WRITE_ONCE(done, true);
	}
	WRITE_ONCE(may_fault, false);
	return done;
}

static struct kvm_run *run_of(struct fuzz_thread *t)
{
	return t->vm->run[t->nr_vcpu];
}

static void set_run_byte(struct fuzz_thread *t, size_t offset, uint8_t value)
{
	fuzz_copy((uint8_t *)run_of(t) + offset, &value, 1);
}

static void count_exit(uint32_t reason)
{
	__atomic_fetch_add(&fuzz_count->runs, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&fuzz_count->exits[reason % ARRAY_SIZE(fuzz_count->exits)], 1,
			   __ATOMIC_RELAXED);
}

static void run_guest(struct fuzz_thread *t)
{
	unsigned int n = 1 + below(t, MOST_RUNS);
	uint32_t reason;

	t->doing = "KVM_RUN";
	set_run_byte(t, offsetof(struct kvm_run, immediate_exit), rarely(t, 8));
	while (n--) {
		if (ioctl(t->vm->vcpu[t->nr_vcpu], KVM_RUN, rarely(t, 64)) < 0)
			return;
		if (fuzz_copy(&reason, &run_of(t)->exit_reason, sizeof(reason)))
			count_exit(reason);
	}
}

static void revive(struct fuzz_thread *t)
{
	vcpu_revive(t, t->vm, t->nr_vcpu);
	run_guest(t);
}

/* What userspace says in the page that it shares, while the guest runs. */
static void scribble(struct fuzz_thread *t)
{
	uint8_t *page = (uint8_t *)run_of(t) + (rarely(t, 4) ? PAGE_SIZE : 0);
	uint64_t number = fuzz_number(t), fields = below(t, 8);
	size_t at = rarely(t, 2) ? below(t, 256) : below(t, PAGE_SIZE - 8);

	if (rarely(t, 2))
		fuzz_copy(page + at, &number, 1 + below(t, 8));
	if (rarely(t, 4))
		fuzz_copy(&run_of(t)->kvm_valid_regs, &fields, 8);
	if (rarely(t, 4))
		fuzz_copy(&run_of(t)->kvm_dirty_regs, &fields, 8);
}

static void change_memory(struct fuzz_thread *t)
{
	static const int rights[] = { PROT_READ | PROT_WRITE, PROT_WRITE, PROT_READ, 0 };
	static const int advices[] = { MADV_DONTNEED, MADV_DONTNEED, MADV_HUGEPAGE, MADV_FREE,
				       MADV_MERGEABLE, MADV_NOHUGEPAGE };
	uint8_t *hva = t->vm->mem + below(t, GUEST_MEM_SIZE + SLOT_BYTES) / PAGE_SIZE * PAGE_SIZE;
	size_t size = (1 + below(t, 32)) * PAGE_SIZE;

	switch (below(t, 8)) {
	case 0:
		mmap(hva, size, PROT_READ | PROT_WRITE,
		     MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		break;
	case 1:
		munmap(hva, PAGE_SIZE);
		break;
	case 2:
	case 3:
	case 4:
		mprotect(hva, size, one_of(t, rights));
		break;
	default:
		madvise(hva, size, one_of(t, advices));
	}
}

/* Any part of a vCPU's file, somewhere in the arena. */
static void map_vcpu(struct fuzz_thread *t)
{
	size_t size = (1 + below(t, 4)) * PAGE_SIZE;
	int type = rarely(t, 4) ? MAP_PRIVATE : MAP_SHARED;
	uint64_t page = rarely(t, 2) ? KVM_DIRTY_LOG_PAGE_OFFSET : below(t, 6), number = 1;
	uint8_t *hva = t->vm->mem + GUEST_MEM_SIZE + below(t, FUZZ_SLOT_PAGES) * PAGE_SIZE;

	if (rarely(t, 8))
		page = fuzz_number(t) % (1ULL << 52);
	hva = mmap(hva, size, rarely(t, 8) ? PROT_READ | PROT_EXEC : PROT_READ | PROT_WRITE,
		   type | MAP_FIXED, t->vm->vcpu[t->nr_vcpu], page * PAGE_SIZE);
	if (hva != MAP_FAILED)
		fuzz_copy(hva + below(t, size) / 8 * 8, &number, sizeof(number));
}

static void close_something(struct fuzz_thread *t)
{
	switch (below(t, 8)) {
	case 0:
		close(t->vm->fd);
		break;
	case 1:
		close(t->vm->vcpu[t->nr_vcpu]);
		break;
	case 2:
		close(t->vm->stats);
		break;
	default:
		vm_renew(t, t->vm);
	}
}

static void use_events(struct fuzz_thread *t)
{
	unsigned int i = below(t, FUZZ_EVENTS);
	uint64_t number = 1;

	if (rarely(t, 4)) {
		close(fuzz_events[i]);
		fuzz_events[i] = eventfd(0, EFD_NONBLOCK);
	}
	if (write(fuzz_events[i], &number, sizeof(number)) < 0 || rarely(t, 2))
		read(fuzz_events[i], &number, sizeof(number));
}

static void read_stats(struct fuzz_thread *t)
{
	void *to = rarely(t, 8) ? fuzz_hva(t) : t->arg;
	size_t size = rarely(t, 4) ? fuzz_number(t) : below(t, 2 * PAGE_SIZE);

	if (size > ARG_PAGES * PAGE_SIZE)
		size = ARG_PAGES * PAGE_SIZE;
	if (rarely(t, 2))
		read(t->vm->stats, to, size);
	else
		pread(t->vm->stats, to, size, rarely(t, 4) ? fuzz_number(t) : below(t, PAGE_SIZE));
}

static void fork_foreign(struct fuzz_thread *t)
{
	unsigned int i;
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (i = 0; i < FOREIGN_CALLS; i++)
			fuzz_call_foreign(t);
		_exit(0);
	}
	if (pid < 0)
		return;
	__atomic_fetch_add(&fuzz_count->forks, 1, __ATOMIC_RELAXED);
	t->doing = "waitpid of a foreign process";
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

void fuzz_act(struct fuzz_thread *t)
{
	static const struct {
		unsigned int weight;
		void (*act)(struct fuzz_thread *t);
	} acts[] = {
		{ 640, fuzz_call }, { 120, run_guest }, { 100, revive }, { 60, scribble },
		{ 30, change_memory }, { 10, map_vcpu }, { 10, close_something },
		{ 15, use_events }, { 10, read_stats }, { 2, fork_foreign },
	};
	unsigned int i, at, sum = 0;

	for (i = 0; i < ARRAY_SIZE(acts); i++)
		sum += acts[i].weight;
	at = below(t, sum);
	for (i = 0; at >= acts[i].weight; i++)
		at -= acts[i].weight;
	t->vm = &one_of(t, fuzz_vms);
	t->nr_vcpu = below(t, FUZZ_VCPUS);
	acts[i].act(t);
}
