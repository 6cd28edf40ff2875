// SPDX-License-Identifier: GPL-2.0
/* Keeps a VM alive until it is killed: "hold" idle, "hold run" with a guest that spins. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/vm.h"
#include "guest/basic.h"

int main(int argc, char **argv)
{
	struct vcpu *vcpu = guest_create(IMAGE(basic, 64), MODE_LONG);

	puts("holding");
	fflush(stdout);
	if (argc > 1 && !strcmp(argv[1], "run"))
		return guest_start_op(vcpu, BASIC_SPIN) != -EINTR;
	pause();
	return 0;
}
