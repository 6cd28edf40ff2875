/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One stub for each vector that the host's devices and IPIs use: a software interrupt runs the
 * handler as the interrupt would have, had the CPU not acknowledged it when it ended the guest.
 * Called with interrupts off, and so returns; no lock.
 */
#include <linux/linkage.h>
#include <asm/irq_vectors.h>
#include <asm/nospec-branch.h>
#include <asm/unwind_hints.h>

#define STUB_SIZE	16	/* VMX_IRQ_STUB_SIZE */

.text
.balign STUB_SIZE
SYM_CODE_START(vmx_irq_stubs)
vector = FIRST_EXTERNAL_VECTOR
.rept NR_VECTORS - FIRST_EXTERNAL_VECTOR
	UNWIND_HINT_FUNC
0:
	ENDBR
	int $vector
	RET
	.fill 0b + STUB_SIZE - ., 1, 0xcc
	vector = vector + 1
.endr
SYM_CODE_END(vmx_irq_stubs)
