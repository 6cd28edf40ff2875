/* SPDX-License-Identifier: GPL-2.0 */
/* Where interrupts may come again after STI; the labels say where the first one must hit. */
#include "../layout.h"

	.text
	.globl	window_sti, window_sti_ip
window_sti:
	sti
	nop
window_sti_ip:
	nop
	nop
	cli
	ret

	/* MOV to SS ends one shadow with another. */
	.globl	window_ss, window_ss_ip
window_ss:
	mov	%ss, %eax
	sti
	mov	%eax, %ss
	nop
window_ss_ip:
	nop
	nop
	cli
	ret
