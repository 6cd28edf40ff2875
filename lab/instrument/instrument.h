/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What Bochs calls at the events of its CPUs and ports: counters inline, all other hooks empty.
 * One emulated CPU runs at a time, so nothing is locked. Bochs includes this in every CPU file.
 */
#ifndef LAB_INSTRUMENT_H
#define LAB_INSTRUMENT_H

#include "cost.h"
#include "port.h"
#include "stale.h"

class BX_CPU_C;

extern Bit64u lab_counters[LAB_COUNTERS];

void lab_tlb_control(BX_CPU_C *cpu, unsigned int what, Bit64u value);
void lab_vmentry(BX_CPU_C *cpu);
void lab_vmexit(BX_CPU_C *cpu, Bit32u reason, Bit64u qualification);
void lab_reset(unsigned int cpu, unsigned int type);
void lab_port_in(Bit16u port, unsigned int size, Bit32u &value);
void lab_port_out(Bit16u port, unsigned int size, Bit32u value);

/* hooks.patch places it at the beginning of instructions; members of BX_CPU_C only. */
#define BX_INSTR_COUNT(name) (lab_counters[LAB_OP_##name] += !BX_CPU_THIS_PTR in_vmx_guest)

#define BX_INSTR_TLB_CNTRL(cpu, what, value) lab_tlb_control(BX_CPU(cpu), what, value)
#define BX_INSTR_VMEXIT(cpu, reason, qualification) lab_vmexit(BX_CPU(cpu), reason, qualification)
/* Bochs hands its own variable over: the answer takes the place of an unowned port's. */
#define BX_INSTR_INP2(port, size, value) lab_port_in(port, size, value)
#define BX_INSTR_OUTP(port, size, value) lab_port_out(port, size, value)

#define BX_INSTR_INIT_ENV() (stale_init(), cost_init())

/* Others of hooks.patch. */
#define BX_INSTR_VMENTRY(cpu) lab_vmentry(BX_CPU(cpu))
#define BX_INSTR_INVEPT_OPERANDS(cpu, type, eptp) \
	(stale_invept(cpu, type, eptp), cost_invept(cpu, type, eptp))
#define BX_INSTR_INVVPID_OPERANDS(cpu, type, vpid, laddr) \
	(stale_invvpid(cpu, type, vpid, laddr), cost_invvpid(cpu, type, vpid, laddr))
#define BX_INSTR_INVPCID_OPERANDS(cpu, type, pcid, laddr) \
	(stale_invpcid(BX_CPU(cpu), type, pcid, laddr), \
	 cost_invpcid(BX_CPU(cpu), type, pcid, laddr))
#define BX_INSTR_CR3_OPERAND(value) (stale_cr3_operand(value), cost_cr3_operand(value))
#define BX_INSTR_PAGE_FAULT(cpu, laddr, rw) \
	(cost_page_fault(BX_CPU(cpu), laddr, rw), stale_page_fault(BX_CPU(cpu), laddr))
#define BX_INSTR_RUN(cpu) (stale_cpu = (cpu))

/* Bochs' own TLB has no answer. */
#define BX_INSTR_TRANSLATE(cpu, laddr, user, rw) do { \
	if (stale_enabled && BX_CPU_THIS_PTR in_vmx_guest) \
		stale_access(BX_CPU(cpu), laddr, user, rw); \
} while (0)

/* The cost model sees every access: Bochs must not copy or fill several units in one. */
#define BX_INSTR_EVERY_ACCESS() (__builtin_expect(cost_enabled, 0))
#define BX_INSTR_LIN_ACCESS(cpu, laddr, paddr, len, memtype, rw) do { \
	if (BX_INSTR_EVERY_ACCESS()) \
		cost_data(BX_CPU(cpu), laddr, paddr, rw); \
} while (0)
#define BX_INSTR_FETCH(cpu, laddr) do { \
	if (BX_INSTR_EVERY_ACCESS()) \
		cost_fetch(BX_CPU(cpu), laddr); \
} while (0)

/*
 * What Linux does against leaks: its MSRs, and code of which only the shape tells. CALL and JMP
 * have five and two bytes there.
 */
#define BX_INSTR_WRMSR(cpu, index, value) do { \
	if ((index) == BX_MSR_IA32_SPEC_CTRL) \
		BX_INSTR_COUNT(SPEC_CTRL); \
	else if ((index) == BX_MSR_IA32_PRED_CMD) \
		BX_INSTR_COUNT(PRED_CMD); \
	else if ((index) == BX_MSR_IA32_FLUSH_CMD) \
		BX_INSTR_COUNT(FLUSH_CMD); \
} while (0)
#define BX_INSTR_UCNEAR_BRANCH(cpu, what, from, to) do { \
	if ((what) == BX_INSTR_IS_CALL && (to) - (from) == 6) \
		BX_INSTR_COUNT(RSB_CALL); \
	else if ((what) == BX_INSTR_IS_JMP && (to) - (from) == 3) \
		BX_INSTR_COUNT(BHB_JUMP); \
} while (0)

/* The CPU comes out of the kernel. */
#define BX_INSTR_HLT(cpu) (stale_enabled ? stale_left_kernel(cpu) : (void)0)
#define BX_INSTR_MWAIT(cpu, paddr, len, flags) BX_INSTR_HLT(cpu)
#define BX_INSTR_FAR_BRANCH(cpu, what, from_cs, from, to_cs, to) do { \
	if (stale_enabled && ((to_cs) & 3) == 3) \
		stale_left_kernel(cpu); \
} while (0)

/* Every write to memory. */
#define BX_INSTR_PHY_WRITE(paddr) do { \
	if (stale_watched[((paddr) >> 12) % WATCHED_PAGES]) \
		stale_table_write(paddr); \
} while (0)

#define BX_INSTR_EXIT_ENV()
#define BX_INSTR_INITIALIZE(cpu)
#define BX_INSTR_EXIT(cpu)
#define BX_INSTR_RESET(cpu, type) lab_reset(cpu, type)
#define BX_INSTR_DEBUG_PROMPT()
#define BX_INSTR_DEBUG_CMD(cmd)
#define BX_INSTR_CNEAR_BRANCH_TAKEN(cpu, from, to)
#define BX_INSTR_CNEAR_BRANCH_NOT_TAKEN(cpu, from)
#define BX_INSTR_OPCODE(cpu, i, opcode, len, is32, is64)
#define BX_INSTR_EXCEPTION(cpu, vector, error)
#define BX_INSTR_INTERRUPT(cpu, vector)
#define BX_INSTR_HWINTERRUPT(cpu, vector, cs, ip)
#define BX_INSTR_CLFLUSH(cpu, laddr, paddr)
#define BX_INSTR_CACHE_CNTRL(cpu, what)
#define BX_INSTR_PREFETCH_HINT(cpu, what, seg, offset)
#define BX_INSTR_BEFORE_EXECUTION(cpu, i)
#define BX_INSTR_AFTER_EXECUTION(cpu, i)
#define BX_INSTR_REPEAT_ITERATION(cpu, i)
#define BX_INSTR_PHY_ACCESS(cpu, phy, len, memtype, rw)
#define BX_INSTR_INP(port, size)

#endif
