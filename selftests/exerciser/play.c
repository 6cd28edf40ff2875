// SPDX-License-Identifier: GPL-2.0
/*
 * Has the guest perform the scripts, each vCPU in a thread of its own, and compares what it saw and
 * what its memory holds with the model.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exerciser.h"

#define DEADLINE	20	/* seconds for a batch, times TEST_SLOWNESS */

static const char * const kind_names[EX_NR_KINDS] = {
	[EX_ENTRY] = "entry", [EX_LOOK] = "look", [EX_COPY] = "copy", [EX_FILL] = "fill",
	[EX_READ] = "read", [EX_WRITE] = "write", [EX_XCHG] = "xchg", [EX_FETCH] = "fetch",
	[EX_CR0] = "CR0", [EX_CR3] = "CR3", [EX_CR4] = "CR4", [EX_EFER] = "EFER",
	[EX_INVLPG] = "INVLPG", [EX_INVPCID] = "INVPCID",
};

static const char * const paging_names[] = {
	[PAGING_NONE] = "unpaged", [PAGING_32] = "2-level", [PAGING_PAE] = "PAE",
	[PAGING_4LEVEL] = "4-level", [PAGING_5LEVEL] = "5-level",
};

static void describe(const struct ex_vcpu *v, const struct ex_op *op, const char *prefix)
{
	const struct ex_expect *e = &v->expect[op - v->script];
	const struct paging_desc *d = &e->desc;

	tap_diag("%svcpu %u step %lu: %s%s%s%s gva %#llx value %#llx bytes %u", prefix,
		 v->id, e->step, kind_names[op->kind], op->flags & EX_USER ? " user" : "",
		 op->flags & EX_AC ? " AC" : "", op->flags & EX_RETRY ? " retried" : "", op->gva,
		 op->value, op->bytes);
	tap_diag("  %s root %#llx%s%s%s%s%s cr4 %#llx", paging_names[d->mode],
		 (unsigned long long)d->root, d->wp ? " WP" : "", d->nxe ? " NXE" : "",
		 d->smep ? " SMEP" : "", d->smap ? " SMAP" : "", d->pse ? " PSE" : "",
		 (unsigned long long)e->cr4);
}

static void describe_walk(const struct ex_expect *e)
{
	const struct walk_result *r = &e->walk;
	unsigned int level;

	if (!e->access || e->desc.mode == PAGING_NONE)
		return;
	for (level = r->top; level >= r->level && level <= r->top; level--)
		tap_diag("  level %u: entry %#llx in table %#llx", level,
			 (unsigned long long)r->gpte[level], (unsigned long long)r->table[level]);
	if (!e->vector)
		tap_diag("  leads to %#llx", (unsigned long long)r->gpa);
}

/* What happened just before is often the cause. */
static void complain(struct ex_vcpu *v, const struct ex_op *op)
{
	const struct ex_expect *e = &v->expect[op - v->script];
	const struct ex_op *before = op - v->script > 12 ? op - 12 : v->script;

	v->complained = true;
	for (; before < op; before++)
		describe(v, before, "  before: ");
	describe(v, op, "WRONG: ");
	describe_walk(e);
	tap_diag("  expected vector %u error %#x cr2 %#llx value %#llx, uncertain %#llx", e->vector,
		 e->error, (unsigned long long)e->cr2, (unsigned long long)e->got,
		 (unsigned long long)e->uncertain);
	tap_diag("  got      vector %u error %#llx cr2 %#llx value %#llx", op->vector, op->error,
		 op->cr2, op->got);
}

/* KVM on shadow paging reports fetches with two levels, too, if EFER.NXE is set; a CPU does not. */
static uint32_t tolerated_error(const struct ex_vcpu *v, const struct ex_op *op)
{
	const struct ex_expect *e = &v->expect[op - v->script];
	bool kvm_reports = !v->run->umbra && e->desc.mode == PAGING_32 && e->desc.nxe;

	return kvm_reports && op->kind == EX_FETCH ? PFEC_I : 0;
}

static bool op_right(const struct ex_vcpu *v, const struct ex_op *op)
{
	const struct ex_expect *e = &v->expect[op - v->script];

	if (op->vector != e->vector)
		return false;
	if (e->vector == VEC_PF)
		return !((op->error ^ e->error) & ~tolerated_error(v, op)) && op->cr2 == e->cr2;
	return e->vector || !e->check_got || !((op->got ^ e->got) & ~e->uncertain);
}

static bool script_right(struct ex_vcpu *v)
{
	unsigned int i;

	for (i = 0; i < v->n; i++) {
		if (op_right(v, &v->script[i]))
			continue;
		complain(v, &v->script[i]);
		return false;
	}
	return true;
}

/* Does memory behind a slot answer, which only for a moment could not be reached? */
static bool serve_ram(struct ex_vcpu *v)
{
	struct kvm_run *run = v->vcpu->run;
	uint64_t gpa = run->mmio.phys_addr;
	struct ex_arena *arena;

	if (gpa < EX_ARENA_GPA || gpa >= EX_RAM_END)
		return false;
	arena = &v->run->arena[(gpa - EX_ARENA_GPA) / EX_ARENA_SIZE];
	ex_storm_lock();
	if (run->mmio.is_write)
		memcpy(arena->mem + (gpa - arena->gpa), run->mmio.data, run->mmio.len);
	else
		memcpy(run->mmio.data, arena->mem + (gpa - arena->gpa), run->mmio.len);
	ex_storm_unlock();
	return true;
}

static bool serve_mmio(struct ex_vcpu *v)
{
	struct kvm_run *run = v->vcpu->run;
	uint64_t value;
	bool write;

	if (serve_ram(v))
		return true;
	while (v->mmio_next < v->n && !v->expect[v->mmio_next].mmio)
		v->mmio_next++;
	if (v->mmio_next == v->n || v->expect[v->mmio_next].mmio_gpa != run->mmio.phys_addr)
		return false;
	write = v->script[v->mmio_next].kind == EX_WRITE;
	if (run->mmio.is_write != write)
		return false;
	value = run->mmio.is_write ? v->script[v->mmio_next].value :
				     ex_mmio_value(run->mmio.phys_addr);
	if (run->mmio.is_write && memcmp(run->mmio.data, &value, run->mmio.len))
		return false;
	memcpy(run->mmio.data, &value, run->mmio.len);
	v->mmio_next++;
	return true;
}

static bool again(struct ex_vcpu *v)
{
	if (v->outcome == GUEST_EXIT && v->vcpu->run->exit_reason == KVM_EXIT_MMIO)
		return serve_mmio(v);
	if (v->outcome == -EINTR || v->outcome == -EAGAIN)
		return !v->stuck;
	if (v->outcome != -EFAULT || !v->run->o.storm)
		return false;
	sched_yield();
	return true;
}

static void *run_script(void *arg)
{
	struct ex_vcpu *v = arg;

	v->vcpu->shared->arg[0] = v->n;
	v->mmio_next = 0;
	v->outcome = guest_start_op(v->vcpu, EX_RUN);
	while (again(v))
		v->outcome = guest_run(v->vcpu);
	return NULL;
}

static unsigned int ex_slowness(void)
{
	const char *factor = getenv("TEST_SLOWNESS");

	return factor ? atoi(factor) : 1;
}

static void on_signal(int sig)
{
	(void)sig;
}

/* A vCPU that faults for ever would never come out. */
static void join(struct ex_vcpu *v, pthread_t thread)
{
	struct timespec deadline;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += DEADLINE * ex_slowness();
	if (!pthread_timedjoin_np(thread, NULL, &deadline))
		return;
	tap_diag("vcpu %u is stuck", v->id);
	WRITE_ONCE(v->stuck, true);
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, NULL);
}

static void complain_of_exit(struct ex_vcpu *v)
{
	uint64_t at = v->vcpu->shared->result[0];

	tap_diag("WRONG: vcpu %u did not come to the end of its script", v->id);
	guest_report(v->vcpu, v->outcome);
	if (at < v->n)
		complain(v, &v->script[at]);
}

/* Every script to its end, and every result compared. */
bool ex_play(struct ex_run *run)
{
	struct sigaction action = { .sa_handler = on_signal };
	pthread_t thread[MAX_VCPUS];
	bool good = true;
	unsigned int i;

	sigaction(SIGUSR1, &action, NULL);
	for (i = 0; i < run->o.vcpus; i++)
		if (run->vcpu[i].n)
			must(-pthread_create(&thread[i], NULL, run_script, &run->vcpu[i]));
	for (i = 0; i < run->o.vcpus; i++)
		if (run->vcpu[i].n)
			join(&run->vcpu[i], thread[i]);
	for (i = 0; i < run->o.vcpus; i++) {
		struct ex_vcpu *v = &run->vcpu[i];

		if (v->n && v->outcome != GUEST_DONE) {
			complain_of_exit(v);
			good = false;
		} else {
			good &= script_right(v);
		}
		v->n = 0;
	}
	return good && ex_memory_right(run);
}

static bool page_right(const struct ex_arena *arena, unsigned int page)
{
	uint64_t offset = ex_page_gpa(arena, page) - arena->gpa;
	const uint32_t *got = (const void *)(arena->mem + offset);
	const uint32_t *want = (const void *)(arena->model + offset);
	unsigned int i;

	if (!memcmp(got, want, PAGE_SIZE))
		return true;
	for (i = 0; i < EX_WORDS; i++) {
		uint32_t uncertain = arena->maybe[page][i] ? PTE_A : 0;

		if (!((got[i] ^ want[i]) & ~uncertain))
			continue;
		tap_diag("WRONG: word at %#llx: expected %#x, got %#x",
			 (unsigned long long)(arena->gpa + offset + 4 * i), want[i], got[i]);
		return false;
	}
	return true;
}

bool ex_memory_right(struct ex_run *run)
{
	unsigned int i, page;
	bool good = true;

	ex_storm_lock();
	for (i = 0; i < EX_ARENAS; i++) {
		if (i >= run->o.vcpus && i != EX_SHARED)
			continue;
		for (page = 0; page < EX_PAGES && good; page++)
			good = page_right(&run->arena[i], page);
	}
	ex_storm_unlock();
	return good;
}
