// SPDX-License-Identifier: GPL-2.0
/* What evicts cached translations: instructions with their operands, faults, VM entry and exit. */
#include "duty.h"
#include "operands.h"
#include "stale.h"

static Bit64u cr3_operand;

void stale_cr3_operand(Bit64u value)
{
	cr3_operand = value;
}

void stale_invept(unsigned int cpu, Bit64u type, Bit64u eptp)
{
	cache_invept(&caches[cpu], type == EPT_SINGLE, eptp & FRAME_MASK);
}

void stale_invvpid(unsigned int cpu, Bit64u type, Bit32u vpid, Bit64u laddr)
{
	if (type == VPID_ALL)
		cache_drop_all_vpids(&caches[cpu]);
	else if (type == VPID_ADDRESS)
		cache_drop_address(&caches[cpu], vpid, PCID_ANY, laddr, false);
	else
		cache_drop_vpid(&caches[cpu], vpid, PCID_ANY, type == VPID_SINGLE_KEEP_GLOBAL);
}

/* Outside of guests these are about VPID 0, of which nothing outlives a VM entry. */
void stale_invpcid(BX_CPU_C *cpu, Bit64u type, Bit32u pcid, Bit64u laddr)
{
	struct cpu_cache *cache = &caches[cpu->bx_cpuid];

	if (!cpu->in_vmx_guest)
		return;
	if (type == PCID_ADDRESS)
		cache_drop_address(cache, current_vpid(cpu), pcid, laddr, true);
	else
		cache_drop_vpid(cache, current_vpid(cpu), type == PCID_SINGLE ? pcid : PCID_ANY,
				type != PCID_ALL);
}

static void control(BX_CPU_C *cpu, unsigned int what, Bit64u value)
{
	struct cpu_cache *cache = &caches[cpu->bx_cpuid];
	bool keep = cpu->cr4.get_PCIDE() && (cr3_operand & CR3_NO_FLUSH);

	switch (what) {
	case BX_INSTR_INVLPG:
		cache_drop_address(cache, current_vpid(cpu), PCID_ANY, value, false);
		break;
	case BX_INSTR_MOV_CR3:
	case BX_INSTR_TASK_SWITCH:
		if (!keep)
			cache_drop_vpid(cache, current_vpid(cpu), current_pcid(cpu), true);
		break;
	case BX_INSTR_MOV_CR0:
		if (!(value & CR0_PG))
			cache_drop_vpid(cache, current_vpid(cpu), PCID_ANY, false);
		break;
	case BX_INSTR_MOV_CR4:
		cache_drop_vpid(cache, current_vpid(cpu), PCID_ANY, false);
		break;
	}
}

void stale_control(BX_CPU_C *cpu, unsigned int what, Bit64u value)
{
	if (cpu->in_vmx_guest) {
		control(cpu, what, value);
		if (what == BX_INSTR_MOV_CR3)
			stale_root_loaded(cpu);
	} else if (what == BX_INSTR_MOV_CR3) {
		stale_switched(cpu->bx_cpuid);
	}
	cr3_operand = 0;
}

static void drop_physical(BX_CPU_C *cpu, Bit64u gpa)
{
	struct tag tag = { current_ep4ta(cpu), PHYSICAL_VPID, 0 };
	mappings &m = caches[cpu->bx_cpuid].tags[tag];

	cache_drop_leaf(m, gpa);
	cache_drop_tables(m, gpa);
}

/*
 * SDM "Operations that Invalidate TLBs and Paging-Structure Caches". Where SMAP, a reserved bit or
 * the like was the reason, EPT's dirty flags were not all set.
 */
void stale_page_fault(BX_CPU_C *cpu, Bit64u laddr)
{
	struct cpu_cache *cache = &caches[cpu->bx_cpuid];

	if (!cpu->in_vmx_guest || cache->in_window)
		return;
	cache_drop_address(cache, current_vpid(cpu), current_pcid(cpu), laddr, false);
	while (cache->nr_dirtied)
		drop_physical(cpu, cache->dirtied[--cache->nr_dirtied]);
}

static void drop_unless_vpid(BX_CPU_C *cpu)
{
	if (!current_vpid(cpu))
		cache_drop_vpid(&caches[cpu->bx_cpuid], 0, PCID_ANY, false);
}

void stale_entry(BX_CPU_C *cpu)
{
	drop_unless_vpid(cpu);
	duty_entry(cpu);
}

/* SDM "Operations that Invalidate Cached Mappings". */
void stale_exit(BX_CPU_C *cpu, Bit32u reason, Bit64u qualification)
{
	struct cpu_cache *cache = &caches[cpu->bx_cpuid];

	/* The access that found the log full has set no dirty flag, and comes again. */
	if (reason == VMX_VMEXIT_PML_LOGFULL)
		cache_invept(cache, true, current_ep4ta(cpu));
	if (reason == VMX_VMEXIT_EPT_VIOLATION && !cache->in_window) {
		drop_physical(cpu, cpu->VMread64(VMCS_64BIT_GUEST_PHYSICAL_ADDR));
		cache_drop_address(cache, current_vpid(cpu), current_pcid(cpu),
				   cpu->VMread64(VMCS_GUEST_LINEAR_ADDR), false);
	}
	drop_unless_vpid(cpu);
	duty_exit(cpu, reason, qualification);
}

void stale_reset(unsigned int cpu)
{
	caches[cpu].tags.clear();
}

/* The CPU's own accessed and dirty flags come as writes of the guest. */
void stale_table_write(Bit64u hpa)
{
	BX_CPU_C *writer = BX_CPU(stale_cpu);

	if (!writer->in_vmx_guest)
		duty_write(writer, hpa);
}
