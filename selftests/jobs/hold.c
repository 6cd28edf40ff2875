// SPDX-License-Identifier: GPL-2.0
/*
 * Keeps a VM alive until it is killed: "hold idle", or "hold run" with a guest that spins.
 * "hold once" runs a guest and says by its status whether that worked.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/vm.h"
#include "guest/basic.h"

int main(int argc, char **argv)
{
	struct vcpu *vcpu = guest_create("basic", MODE_LONG);

	if (argc != 2)
		return 2;
	if (!strcmp(argv[1], "once"))
		return guest_start_op(vcpu, BASIC_NOTHING) != GUEST_DONE;
	puts("holding");
	fflush(stdout);
	if (!strcmp(argv[1], "run"))
		return guest_start_op(vcpu, BASIC_SPIN) != -EINTR;
	pause();
	return 0;
}
