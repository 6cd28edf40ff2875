/* SPDX-License-Identifier: GPL-2.0 */
/* Operations of the guest that executes single instructions and checks what they do. */
#ifndef SELFTESTS_INSN_H
#define SELFTESTS_INSN_H

#define INSN_PORT	0x60
#define INSN_MMIO	0x10000000	/* mapped, no slot */

/* guest/insn.c */
enum {
	INSN_TSC,
	INSN_TSC_LATER,		/* the TSC went on while the host slept */
	INSN_MSR_FAULTS,
	INSN_CR_FAULTS,
	INSN_CR_BITS,
	INSN_CPUID,		/* leaf arg[0], subleaf arg[1] */
	INSN_PRIVILEGED,	/* at CPL 3 */
	INSN_UNDEFINED,
	INSN_EXCEPTIONS,
	INSN_ALIGNMENT,
	INSN_XSETBV,
	INSN_CR8,
};

/* guest/step.c */
enum { STEP_INSN, STEP_MMIO_READ, STEP_MMIO_WRITE, STEP_MOV_SS, STEP_BREAKPOINTS };

/* guest/exits.c */
enum {
	EXITS_VMCALL,
	EXITS_VMCALL_USER,
	EXITS_TRIPLE_FAULT,
	EXITS_JUMP,		/* to arg[0] */
	EXITS_USER_JUMP,	/* the same at CPL 3; result[0] = vector */
	EXITS_HLT,
};

#endif
