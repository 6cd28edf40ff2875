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
/* The cost model of lab/run --tlb cost; without it they are unknown commands. */
#define LAB_TLB_GEOMETRY	0x05	/* eight characters of the name, from the argument on */
#define LAB_TLB_SELECT		0x06	/* a LAB_TLB_* context, or one after them; answers 0 */
#define LAB_TLB_OWNER		0x07	/* the selected context's VMCS; bit 0: with EPT */
#define LAB_TLB_READ		0x08	/* a latched counter of the selected context */
#define LAB_TLB_LATENCY		0x09	/* cycles: 0 = L2 TLB, 1 to 3 = caches, 4 = memory */

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
	X(CPUID, "CPUID")				\
	X(SPEC_CTRL, "WRMSR of IA32_SPEC_CTRL")		\
	X(PRED_CMD, "WRMSR of IA32_PRED_CMD: IBPB")	\
	X(FLUSH_CMD, "WRMSR of IA32_FLUSH_CMD: flush of the L1D")	\
	X(RSB_CALL, "CALLs over one byte: they fill the return stack buffer")	\
	X(BHB_JUMP, "JMPs over one byte: they clear the branch history")

/* Contexts: outside of guests; all guests together; then each VMCS, with and without EPT. */
#define LAB_TLB_HOST		0
#define LAB_TLB_GUESTS		1
#define LAB_TLB_FIRST_VMCS	2
#define LAB_TLB_CONTEXTS	64	/* later ones count as guests only */
#define LAB_TLB_LATENCIES	5

/* Data, then the same of instruction fetches: one for each stay on a page. */
#define LAB_TLB_EVENTS(X) \
	X(ACCESSES, "accesses")				\
	X(L1_HITS, "L1 TLB hits")			\
	X(L2_HITS, "L2 TLB hits")			\
	X(MISSES, "misses")				\
	X(FETCHES, "fetches")				\
	X(FETCH_L1_HITS, "L1 TLB hits of fetches")	\
	X(FETCH_L2_HITS, "L2 TLB hits of fetches")	\
	X(FETCH_MISSES, "misses of fetches")		\
	X(FAULTS, "walks that ended in a fault")	\
	X(GUEST_REFERENCES, "entries read, not of EPT")	\
	X(EPT_REFERENCES, "EPT entries read")		\
	X(REFERENCES_L1, "entries found in the L1 cache")	\
	X(REFERENCES_L2, "entries found in the L2 cache")	\
	X(REFERENCES_L3, "entries found in the L3 cache")	\
	X(REFERENCES_MEMORY, "entries read from memory")	\
	X(CYCLES, "estimated cycles of walks and L2 TLB lookups")	\
	X(EPT_CYCLES, "those of EPT entries alone")

#define LAB_TLB_EVENT(name, text) LAB_TLB_##name,
enum lab_tlb_counter { LAB_TLB_EVENTS(LAB_TLB_EVENT) LAB_TLB_COUNTERS };

#define LAB_OPERATION(name, text) LAB_OP_##name,
enum lab_counter {
	LAB_BEFORE_OPERATIONS = LAB_EXIT_REASONS - 1,
	LAB_OPERATIONS(LAB_OPERATION)
	LAB_COUNTERS
};

#endif
