/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Moves between memory and a vector register known only at run time: void um_NAME(nr, data).
 * The caller keeps the FPU state where it is. No locks.
 */
#include <linux/linkage.h>

	.macro	read_xmm nr
	movups	%xmm\nr, (%rsi)
	.endm

	.macro	read_ymm nr
	vmovups	%ymm\nr, (%rsi)
	.endm

	/* The legacy form leaves the rest of the register alone, those with VEX clear it. */
	.macro	write_xmm nr
	movups	(%rsi), %xmm\nr
	.endm

	.macro	write_xmm_clear nr
	vmovups	(%rsi), %xmm\nr
	.endm

	.macro	write_ymm nr
	vmovups	(%rsi), %ymm\nr
	.endm

	.macro	for_each_vector insn
SYM_FUNC_START(um_\insn)
	.irp	nr, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	cmp	$\nr, %edi
	jne	1f
	\insn	\nr
	RET
1:
	.endr
	RET
SYM_FUNC_END(um_\insn)
	.endm

	.text
	for_each_vector read_xmm
	for_each_vector read_ymm
	for_each_vector write_xmm
	for_each_vector write_xmm_clear
	for_each_vector write_ymm
