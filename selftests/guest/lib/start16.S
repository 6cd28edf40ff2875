/* SPDX-License-Identifier: GPL-2.0 */
/* Entry of a real-mode guest: one vCPU, all segments 0, no exception catching. */
#include "../layout.h"

	.code16gcc
	.section .start, "ax"
	.globl _start
_start:
	xorl	%ebp, %ebp
	calll	guest_start
	hlt
