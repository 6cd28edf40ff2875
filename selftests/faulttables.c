// SPDX-License-Identifier: GPL-2.0
/*
 * Guests that edit their page tables and change modes, while each allocation of the host fails in
 * turn: KVM_RUN tells of it and goes on when called again, and the guest, which checks what it
 * reads, notices nothing. Before each try all that the host derived from guest memory is dropped.
 */
#include <stdio.h>

#include "lib/inject.h"
#include "lib/tabguest.h"

/* guest/modes.h has selectors of its own. */
#undef SEL_CODE32
#include "guest/modes.h"

#define FEW_PAGES	64	/* the least that KVM_SET_NR_MMU_PAGES takes */

struct scene {
	const char *program;
	unsigned int max_pages;		/* of the shadow, 0 for as many as it likes */
	struct tabguest guest;
	uint64_t op;
};

static void forget_all(struct vm *vm)
{
	must(vm_set_slot(vm, 0, 0, 0, 0, NULL));
	must(vm_set_slot(vm, 0, 0, 0, vm->mem_size, vm->mem));
}

/* Where the host cannot read a table of the guest, the guest gets an exception, as on KVM. */
static bool guest_faulted(const struct vcpu *vcpu, enum injected failed, int ret)
{
	if (failed != INJECTED_COPY)
		return false;
	return ret == GUEST_TRAPPED || ret == GUEST_FAILED ||
	       (ret == GUEST_EXIT && vcpu->run->exit_reason == KVM_EXIT_SHUTDOWN);
}

static int judge(struct vcpu *vcpu, unsigned int nth, enum injected failed, int ret)
{
	if (inject_permits(failed, ret))
		return failed;
	tap_diag("failure %u: result %d", nth, ret);
	guest_report(vcpu, ret);
	return -1;
}

static void scene_create(struct scene *s, enum guest_mode mode)
{
	s->guest = tab_create(s->program, mode);
	if (s->max_pages)
		must(xioctl_val(s->guest.vcpu->vm->fd, KVM_SET_NR_MMU_PAGES, s->max_pages));
}

static int try_op(unsigned int nth, void *context)
{
	struct scene *s = context;
	struct tabguest *g = &s->guest;
	enum injected failed;
	int ret;

	forget_all(g->vcpu->vm);
	inject_arm(nth);
	ret = inject_outcome(g->vcpu, tab_start(g, s->op));
	failed = inject_disarm();
	if (guest_faulted(g->vcpu, failed, ret)) {
		guest_destroy(g->vcpu);
		scene_create(s, g->mode);
		return failed;
	}
	if (judge(g->vcpu, nth, failed, ret) < 0)
		return -1;
	if (ret)
		ret = inject_outcome(g->vcpu, tab_run(g));
	return ret ? judge(g->vcpu, nth, INJECTED_NONE, ret) : (int)failed;
}

static void test_op(struct scene *s, uint64_t op, const char *what)
{
	char name[150];

	s->op = op;
	snprintf(name, sizeof(name), "%s: %s%s", mode_name(s->guest.mode), what,
		 s->max_pages ? ", few shadow pages" : "");
	inject_many(try_op, s, name);
}

/* The operations whose bits are set. */
static void test_tables(enum guest_mode mode, uint64_t ops)
{
	struct scene s = { .program = "tables" };
	unsigned int op;

	scene_create(&s, mode);
	for (op = 0; op < TABLES_NR_OPS; op++)
		if (ops & BIT(op))
			test_op(&s, op, tab_tables_ops[op]);
	guest_destroy(s.guest.vcpu);
}

static void test_spaces(enum guest_mode mode, uint64_t ops, unsigned int max_pages)
{
	struct scene s = { .program = "spaces", .max_pages = max_pages };
	unsigned int op;

	scene_create(&s, mode);
	for (op = 0; op < SPACES_NR_OPS; op++)
		if ((ops & BIT(op)) && tab_space_op_possible(op, mode))
			test_op(&s, op, tab_spaces_ops[op]);
	guest_destroy(s.guest.vcpu);
}

/* Goes on until the guest says that it was in every mode. */
static int run_modes(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;
	int ret;

	do {
		ret = vcpu_run(vcpu);
		if (ret || run->exit_reason != KVM_EXIT_IO || run->io.port != MODES_PORT)
			return ret ?: inject_outcome(vcpu, GUEST_EXIT);
	} while (*((const char *)run + run->io.data_offset) != '.');
	return 0;
}

static int try_modes(unsigned int nth, void *context)
{
	struct vcpu *vcpu = context;
	enum injected failed;
	int ret;

	forget_all(vcpu->vm);
	vm_load(vcpu->vm, "modes", MODE_REAL);
	vcpu_set_mode(vcpu, MODE_REAL);
	inject_arm(nth);
	ret = run_modes(vcpu);
	failed = inject_disarm();
	if (guest_faulted(vcpu, failed, ret))
		return failed;
	if (judge(vcpu, nth, failed, ret) < 0)
		return -1;
	if (ret)
		ret = run_modes(vcpu);
	return ret ? judge(vcpu, nth, INJECTED_NONE, ret) : (int)failed;
}

static void test_modes(void)
{
	struct vcpu *vcpu = guest_create("modes", MODE_REAL);

	inject_many(try_modes, vcpu, "every mode in turn");
	guest_destroy(vcpu);
}

int main(void)
{
	tap_start("faulttables", 3600);
	if (!inject_ready()) {
		tap_skip("this kernel has no fault injection", "guests whose allocations fail");
		return tap_done();
	}
	test_modes();
	test_tables(MODE_LONG, -1);
	test_spaces(MODE_LONG, -1, 0);
	test_spaces(MODE_LONG, BIT(SPACES_CR3) | BIT(SPACES_MANY), FEW_PAGES);
	/* The others differ in how a root and its tables are built. */
	test_tables(MODE_PSE, BIT(TABLES_REMAP) | BIT(TABLES_LARGE));
	test_spaces(MODE_PSE, BIT(SPACES_CR3), 0);
	test_tables(MODE_PAE, BIT(TABLES_REMAP) | BIT(TABLES_LARGE));
	test_spaces(MODE_PAE, BIT(SPACES_CR3) | BIT(SPACES_PDPTE), 0);
	return tap_done();
}
