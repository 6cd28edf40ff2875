/* SPDX-License-Identifier: GPL-2.0 */
/* The cost model of translations: what Bochs' CPUs tell it. Off unless lab/run --tlb cost asks. */
#ifndef LAB_COST_H
#define LAB_COST_H

class BX_CPU_C;

extern bool cost_enabled;

void cost_init(void);
void cost_data(BX_CPU_C *cpu, Bit64u laddr, Bit64u hpa, unsigned int rw);
void cost_fetch(BX_CPU_C *cpu, Bit64u laddr);
void cost_page_fault(BX_CPU_C *cpu, Bit64u laddr, unsigned int rw);
void cost_entry(BX_CPU_C *cpu);
void cost_exit(BX_CPU_C *cpu, unsigned int reason, Bit64u qualification);
void cost_reset_cpu(unsigned int cpu);

/* Operands as the instructions have them. */
void cost_invept(unsigned int cpu, Bit64u type, Bit64u eptp);
void cost_invvpid(unsigned int cpu, Bit64u type, Bit32u vpid, Bit64u laddr);
void cost_invpcid(BX_CPU_C *cpu, Bit64u type, Bit32u pcid, Bit64u laddr);
void cost_control(BX_CPU_C *cpu, unsigned int what, Bit64u value);
/* MOV to CR3 with this operand comes next. */
void cost_cr3_operand(Bit64u value);

/* The port's side (port.h). */
void cost_latch(void);
void cost_reset(void);
Bit64u cost_command(unsigned int number, Bit32u argument);

#endif
