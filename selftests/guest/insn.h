/* SPDX-License-Identifier: GPL-2.0 */
/* Operations of the guest that executes single instructions and checks what they do. */
#ifndef SELFTESTS_INSN_H
#define SELFTESTS_INSN_H

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

#endif
