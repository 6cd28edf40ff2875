/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The port of the lab's instrumented emulator, for both sides of it: commands, counters, answers.
 *
 * Eight bytes of I/O ports, little-endian, to be accessed in any width. A command is written to the
 * lower four and carried out with its last byte, LAB_PORT + 3; then its 64-bit answer is read from
 * all eight. Before the first command the answer is that of LAB_PRESENT. What is not known is
 * answered with LAB_ERROR. Where there is no such emulator, all bits read as set.
 */
#ifndef LAB_PORT_H
#define LAB_PORT_H

#define LAB_PORT		0x5540
#define LAB_COMMAND_SIZE	4
#define LAB_ANSWER_SIZE		8

#define LAB_ARGUMENT_BITS	24
#define LAB_ARGUMENT_MASK	((1U << LAB_ARGUMENT_BITS) - 1)
#define LAB_COMMAND(number, argument) ((unsigned int)(number) << LAB_ARGUMENT_BITS | (argument))

#define LAB_PRESENT		0x01	/* answers LAB_MAGIC, above it LAB_VERSION */
#define LAB_LATCH		0x02	/* keep all counters as they are now; answers 0 */
#define LAB_READ		0x03	/* a latched counter, its number is the argument */
#define LAB_RESET		0x04	/* all counters, latched too, are 0; answers 0 */

#define LAB_MAGIC		0x52424d55U	/* "UMBR" */
#define LAB_VERSION		1
#define LAB_ERROR		(~0ULL)

/* Counters 0 to LAB_EXIT_REASONS - 1: VM exits by basic exit reason, failed entries left out. */
#define LAB_EXIT_REASONS	128

/*
 * X(NAME, text): what all CPUs executed outside of guests. A list of MSRs that VM entry or exit
 * goes through counts each of them.
 */
#define LAB_OPERATIONS(X) \
	X(INSTRUCTIONS, "instructions, guests' too")	\
	X(EXITS, "VM exits")				\
	X(FAILED_ENTRIES, "failed VM entries")		\
	X(ENTRIES, "VMLAUNCH and VMRESUME")		\
	X(VMREAD, "VMREAD")				\
	X(VMWRITE, "VMWRITE")				\
	X(VMPTRLD, "VMPTRLD")				\
	X(VMCLEAR, "VMCLEAR")				\
	X(RDMSR, "RDMSR")				\
	X(WRMSR, "WRMSR")				\
	X(MSR_LIST, "MSRs loaded and stored by VM entry and exit")	\
	X(XSAVE, "XSAVE, XSAVEOPT, XSAVEC, XSAVES, FXSAVE")		\
	X(XRSTOR, "XRSTOR, XRSTORS, FXRSTOR")		\
	X(VERW, "VERW")					\
	X(INVEPT, "INVEPT")				\
	X(INVVPID, "INVVPID")				\
	X(MOV_CR, "MOV to CR0, CR3, CR4")		\
	X(CPUID, "CPUID")

#define LAB_OPERATION(name, text) LAB_OP_##name,
enum lab_counter {
	LAB_BEFORE_OPERATIONS = LAB_EXIT_REASONS - 1,
	LAB_OPERATIONS(LAB_OPERATION)
	LAB_COUNTERS
};

#endif
