// SPDX-License-Identifier: GPL-2.0
/* Guests of every paging mode that edit their own page tables; they check, the host sets up. */
#include "lib/tabguest.h"

static void run_op(struct tabguest *g, uint64_t op, const char *what)
{
	int outcome = tab_start(g, op);

	if (!tap_ok(outcome == GUEST_DONE, "%s: %s", mode_name(g->mode), what))
		guest_report(g->vcpu, outcome);
}

/* Each operation twice in one VM, so that the second meets what the first left behind. */
static void test_mode(enum guest_mode mode)
{
	struct tabguest tables = tab_create("tables", mode), spaces = tab_create("spaces", mode);
	unsigned int i;

	for (i = 0; i < 2 * TABLES_NR_OPS; i++)
		run_op(&tables, i % TABLES_NR_OPS, tab_tables_ops[i % TABLES_NR_OPS]);
	for (i = 0; i < 2 * SPACES_NR_OPS; i++)
		if (tab_space_op_possible(i % SPACES_NR_OPS, mode))
			run_op(&spaces, i % SPACES_NR_OPS, tab_spaces_ops[i % SPACES_NR_OPS]);
	guest_destroy(tables.vcpu);
	guest_destroy(spaces.vcpu);
}

int main(void)
{
	tap_start("tables", 200);
	test_mode(MODE_PSE);
	test_mode(MODE_PAE);
	test_mode(MODE_LONG);
	if (!tab_pcid_offered())
		tap_skip("not in CPUID", "PCID");
	if (mode_offered(MODE_LA57))
		test_mode(MODE_LA57);
	else
		tap_skip("not in CPUID", "5-level paging");
	return tap_done();
}
