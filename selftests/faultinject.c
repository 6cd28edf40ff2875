// SPDX-License-Identifier: GPL-2.0
/*
 * Each allocation and each user copy of each ioctl fails in turn: the call ends with an error or in
 * success, the same call works afterwards, and so does the guest. What is leaked or broken
 * meanwhile, the debug kernel finds; other kernels cannot inject failures.
 */
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/inject.h"
#include "lib/pgtable.h"
#include "faultinject/calls.h"
#include "guest/basic.h"

/* The module's tables of its commands. */
static const char * const tables[] = {
	[ON_DEV] = "um_dev_ioctls", [ON_VM] = "vm_ioctls", [ON_VCPU] = "um_vcpu_ioctls",
	[ON_IRQ] = "vm_irq_ioctls",
};

static struct vcpu *create_guest(bool ring)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_DIRTY_LOG_RING, .args = { FI_RING_BYTES } };
	struct vm *vm = vm_create();
	struct vcpu *vcpu;

	if (ring)
		must(xioctl(vm->fd, KVM_ENABLE_CAP, &cap));
	vcpu = vcpu_create(vm, 0);
	vm_load(vm, "basic", MODE_LONG);
	vcpu_set_mode(vcpu, MODE_LONG);
	return vcpu;
}

static struct setup setup_create(bool ring)
{
	struct setup s = { .vcpu = create_guest(ring), .fd = -1, .chip_vcpu = -1,
			   .event = -1 };
	struct pgtable pt = { s.vcpu->vm, MODE_LONG, 0, TABLES_END - 16 * PAGE_SIZE };
	struct kvm_sregs sregs;
	uint64_t gpa;

	must(xioctl(s.vcpu->fd, KVM_GET_SREGS, &sregs));
	pt.root = sregs.cr3;
	pt_map(&pt, FI_GPA, FI_GPA, PTE_P | PTE_W, 1);
	for (gpa = FI_TOUCHED; gpa < FI_TOUCHED_END; gpa += PAGE_SIZE)
		pt_map(&pt, gpa, gpa, PTE_P | PTE_W, 1);
	s.mem = host_pages(FI_SIZE);
	madvise(s.mem, FI_SIZE, MADV_NOHUGEPAGE);
	return s;
}

static void setup_destroy(struct setup *s)
{
	if (s->chip_vcpu >= 0)
		close(s->chip_vcpu);
	if (s->event >= 0)
		close(s->event);
	if (s->fd >= 0)
		close(s->fd);
	guest_destroy(s->vcpu);
	munmap(s->mem, FI_SIZE);
}

/* What the module's tables hold when the test is built. */
static const struct {
	const char *table, *name;
	unsigned long cmd;
} commands[] = {
#include "commands.h"
};

static bool is_among(const struct call *calls, size_t count, const char *table, unsigned long cmd)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (calls[i].cmd == cmd && !strcmp(tables[calls[i].owner], table))
			return true;
	return false;
}

static bool is_called(const char *table, unsigned long cmd)
{
	return is_among(fi_calls, fi_nr_calls, table, cmd) ||
	       is_among(fi_irq_calls, fi_nr_irq_calls, table, cmd);
}

static void test_all_are_called(void)
{
	bool all = true;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (is_called(commands[i].table, commands[i].cmd))
			continue;
		tap_diag("%s: %s is not called", commands[i].table, commands[i].name);
		all = false;
	}
	tap_ok(all && i, "every command of the module is called");
}

static int call(const struct call *c, struct setup *s)
{
	int fd[] = { s->vcpu->vm->dev, s->vcpu->vm->fd, s->vcpu->fd, s->fd };
	int ret;

	if (c->op)
		return c->op(s);
	ret = xioctl_val(fd[c->owner], c->cmd, _IOC_DIR(c->cmd) ? (uintptr_t)&s->arg : c->value);
	/* A count that fell short tells of a failure. */
	return ret < 0 ? ret : c->answer && ret != c->answer ? -EFAULT : 0;
}

static void prepare(const struct call *c, struct setup *s)
{
	memset(&s->arg, 0, sizeof(s->arg));
	if (c->before)
		c->before(s);
	if (c->fill)
		c->fill(s);
	if (c->get)
		must(xioctl(s->vcpu->fd, c->get, &s->arg));
}

/* The guest runs, and its memory is the host's. */
static bool guest_works(struct setup *s)
{
	static uint32_t value;
	int outcome;

	s->vcpu->shared->arg[0] = SCRATCH_GPA;
	s->vcpu->shared->arg[1] = ++value;
	outcome = guest_start_op(s->vcpu, BASIC_WRITE);
	guest_report(s->vcpu, outcome);
	return outcome == GUEST_DONE && vm_read32(s->vcpu->vm, SCRATCH_GPA) == value;
}

static enum injected fail_call(const struct call *c, struct setup *s, unsigned int nth, int *ret)
{
	enum injected failed;

	prepare(c, s);
	s->vcpu->shared->op = BASIC_NOTHING;
	inject_arm(nth);
	*ret = call(c, s);
	failed = inject_disarm();
	if (!inject_permits(failed, *ret) && !(failed == INJECTED_COPY && *ret == c->also)) {
		tap_diag("failure %u: result %d", nth, *ret);
		guest_report(s->vcpu, *ret);
		return -1;
	}
	return failed;
}

static int try_on(const struct call *c, struct setup *s, unsigned int nth)
{
	int ret, failed = fail_call(c, s, nth, &ret);

	if (failed >= 0 && ret) {
		ret = call(c, s);
		if (ret) {
			tap_diag("after failure %u: result %d", nth, ret);
			return -1;
		}
	}
	if (failed >= 0 && !c->quiet && !guest_works(s)) {
		tap_diag("the guest does not work after failure %u", nth);
		return -1;
	}
	return failed;
}

static int try_fresh(unsigned int nth, void *context)
{
	const struct call *c = context;
	struct setup s = setup_create(c->ring);
	int failed = try_on(c, &s, nth);

	setup_destroy(&s);
	return failed;
}

/* What leaves the VM as it was needs none of its own. */
static int try_shared(unsigned int nth, void *context)
{
	static struct setup s;

	if (!s.vcpu)
		s = setup_create(false);
	return try_on(context, &s, nth);
}

static const char *name_of(const struct call *c)
{
	return c->cmd ? c->name : "mmap";
}

static void test_call(const struct call *c)
{
	bool fresh = c->op || c->before || c->quiet;
	char what[100];

	snprintf(what, sizeof(what), "%s%s%s", name_of(c), c->what ? ": " : "",
		 c->what ? c->what : "");
	inject_each(fresh ? try_fresh : try_shared, (void *)c, what);
}

/* Those whose name begins with @prefix. */
static void test_calls(const struct call *calls, size_t count, const char *prefix)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!strncmp(name_of(&calls[i]), prefix, strlen(prefix)))
			test_call(&calls[i]);
}

int main(int argc, char **argv)
{
	const char *prefix = argc > 1 ? argv[1] : "";

	tap_start("faultinject", 3600);
	test_all_are_called();
	if (!inject_ready()) {
		tap_skip("this kernel has no fault injection", "calls whose allocations fail");
		return tap_done();
	}
	test_calls(fi_calls, fi_nr_calls, prefix);
	test_calls(fi_irq_calls, fi_nr_irq_calls, prefix);
	return tap_done();
}
