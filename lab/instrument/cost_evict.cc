// SPDX-License-Identifier: GPL-2.0
/* The cost model's connection to Bochs: the instructions that invalidate translations. */
#include "cost_space.h"
#include "operands.h"

static Bit64u cr3_operand;

void cost_cr3_operand(Bit64u value)
{
	cr3_operand = value;
}

void cost_invept(unsigned int cpu, Bit64u type, Bit64u eptp)
{
	if (cost_enabled)
		tlb_flush_ept(&cost_tlbs[cpu], type == EPT_SINGLE, eptp & FRAME_MASK);
}

void cost_invvpid(unsigned int cpu, Bit64u type, Bit32u vpid, Bit64u laddr)
{
	struct tlb *tlb = &cost_tlbs[cpu];

	if (!cost_enabled)
		return;
	if (type == VPID_ALL)
		tlb_flush_all_vpids(tlb);
	else if (type == VPID_ADDRESS)
		tlb_flush_address(tlb, vpid, TLB_ANY_PCID, laddr, false);
	else
		tlb_flush_vpid(tlb, vpid, TLB_ANY_PCID, type == VPID_SINGLE_KEEP_GLOBAL);
}

void cost_invpcid(BX_CPU_C *cpu, Bit64u type, Bit32u pcid, Bit64u laddr)
{
	struct tlb *tlb = &cost_tlbs[cpu->bx_cpuid];
	Bit32u vpid;

	if (!cost_enabled)
		return;
	vpid = cost_space(cpu).vpid;
	if (type == PCID_ADDRESS)
		tlb_flush_address(tlb, vpid, pcid, laddr, true);
	else
		tlb_flush_vpid(tlb, vpid, type == PCID_SINGLE ? pcid : TLB_ANY_PCID,
			       type != PCID_ALL);
}

/* SDM "Operations that Invalidate TLBs and Paging-Structure Caches". */
static void control(BX_CPU_C *cpu, unsigned int what, Bit64u value)
{
	struct tlb *tlb = &cost_tlbs[cpu->bx_cpuid];
	struct tlb_space space = cost_space(cpu);

	switch (what) {
	case BX_INSTR_INVLPG:
		tlb_flush_address(tlb, space.vpid, space.pcid, value, false);
		break;
	case BX_INSTR_MOV_CR3:
	case BX_INSTR_TASK_SWITCH:
		if (!cpu->cr4.get_PCIDE() || !(cr3_operand & CR3_NO_FLUSH))
			tlb_flush_vpid(tlb, space.vpid, space.pcid, true);
		break;
	case BX_INSTR_MOV_CR0:
		if (!(value & CR0_PG))
			tlb_flush_vpid(tlb, space.vpid, TLB_ANY_PCID, false);
		break;
	case BX_INSTR_MOV_CR4:
		tlb_flush_vpid(tlb, space.vpid, TLB_ANY_PCID, false);
		break;
	}
}

void cost_control(BX_CPU_C *cpu, unsigned int what, Bit64u value)
{
	if (cost_enabled)
		control(cpu, what, value);
	cr3_operand = 0;
}

void cost_reset_cpu(unsigned int cpu)
{
	if (cost_enabled)
		tlb_flush_everything(&cost_tlbs[cpu]);
}
