// SPDX-License-Identifier: GPL-2.0
/* A guest that goes through every mode by itself, from real to long mode and back, twice. */
#include <string.h>

#include "lib/vm.h"

/* Its selectors are its own; of the shared layout only the load address counts. */
#undef SEL_CODE32
#include "guest/modes.h"

static const char *stage_name(char letter)
{
	switch (letter) {
	case 'R': return "real mode";
	case 'B': return "protection and paging at once";
	case 'P': return "protected mode";
	case '2': return "2-level paging";
	case 'A': return "PAE paging";
	case 'C': return "long mode, compatibility code";
	case 'L': return "long mode, 64-bit code";
	case 'c': return "compatibility code again";
	case 'p': return "protected mode again";
	case 'r': return "real mode again";
	default: return "the end";
	}
}

static bool reaches(struct vcpu *vcpu, char letter)
{
	const struct kvm_run *run = vcpu->run;
	int ret = vcpu_run(vcpu);
	char got = 0;

	if (!ret && run->exit_reason == KVM_EXIT_IO && run->io.port == MODES_PORT)
		got = *((const char *)run + run->io.data_offset);
	if (got && got != letter)
		tap_diag("the guest says '%c'", got);
	if (!got)
		guest_report(vcpu, ret < 0 ? ret : GUEST_EXIT);
	return got == letter;
}

int main(void)
{
	struct vcpu *vcpu;
	const char *letter;

	tap_start("modes", 60);
	vcpu = guest_create("modes", MODE_REAL);
	for (letter = MODES_TRACE; *letter; letter++)
		if (!tap_ok(reaches(vcpu, *letter), "%s", stage_name(*letter)))
			break;
	guest_destroy(vcpu);
	return tap_done();
}
