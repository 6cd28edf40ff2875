// SPDX-License-Identifier: GPL-2.0
/*
 * The cost model's connection to Bochs: real accesses go in, counters for the host, for guests and
 * for each VMCS come out of the port.
 */
#include "cost_space.h"

#include <string.h>

#define MODE	"cost="

struct context {
	Bit64u owner;		/* as LAB_TLB_OWNER tells it */
	tlb_counts counts, latched;
};

bool cost_enabled;
struct tlb cost_tlbs[BX_MAX_SMP_THREADS_SUPPORTED];

static const struct geometry *geometry;
static struct context contexts[LAB_TLB_CONTEXTS], others;	/* others: too many to be told apart */
static unsigned int context_count = LAB_TLB_FIRST_VMCS, selected;

void cost_init(void)
{
	const char *mode = getenv("UMBRA_LAB_TLB");

	if (!mode || strncmp(mode, MODE, strlen(MODE)))
		return;
	geometry = geometry_find(mode + strlen(MODE));
	if (!geometry) {
		fprintf(stderr, "no geometry is named %s\n", mode + strlen(MODE));
		exit(1);
	}
	for (unsigned int i = 0; i < BX_MAX_SMP_THREADS_SUPPORTED; i++)
		tlb_init(&cost_tlbs[i], geometry);
	cost_enabled = true;
}

struct tlb_space cost_space(const BX_CPU_C *cpu)
{
	struct tlb_space space = {};

	if (cpu->cr4.get_PCIDE())
		space.pcid = cpu->cr3 & 0xfff;
	if (!cpu->in_vmx_guest)
		return space;
	if (cpu->vmcs.vmexec_ctrls2.VPID_ENABLE())
		space.vpid = cpu->vmcs.vpid;
	if (cpu->vmcs.vmexec_ctrls2.EPT_ENABLE())
		space.ep4ta = cpu->vmcs.eptptr & FRAME_MASK;
	return space;
}

static struct walk ept_as_it_is(void *cpu, Bit64u gpa)
{
	return walk_ept((BX_CPU_C *)cpu, gpa);
}

static bool table_gpa(BX_CPU_C *cpu, Bit64u gpa, Bit64u *hpa)
{
	struct walk w = walk_ept(cpu, gpa);

	*hpa = w.address;
	return w.complete;
}

static struct walk linear_as_it_is(void *p, Bit64u laddr)
{
	BX_CPU_C *cpu = (BX_CPU_C *)p;

	return walk_linear(cpu, laddr, cost_space(cpu).ep4ta ? table_gpa : NULL);
}

static struct tlb_tables tables_of(BX_CPU_C *cpu)
{
	struct tlb_tables tables = { linear_as_it_is, ept_as_it_is, cpu };

	return tables;
}

static struct context *context_of(const BX_CPU_C *cpu, const struct tlb_space *space)
{
	static struct context *last = &others;
	Bit64u owner = cpu->vmcsptr | (space->ep4ta != 0);

	if (!cpu->in_vmx_guest)
		return &contexts[LAB_TLB_HOST];
	if (last->owner == owner)
		return last;
	for (unsigned int i = LAB_TLB_FIRST_VMCS; i < context_count; i++)
		if (contexts[i].owner == owner)
			return last = &contexts[i];
	if (context_count == LAB_TLB_CONTEXTS)
		return &others;
	last = &contexts[context_count++];
	last->owner = owner;
	return last;
}

/* All guests together are the sum, which is made when counters are read. */
static void sum_guests(void)
{
	Bit64u *sum = contexts[LAB_TLB_GUESTS].counts;

	memcpy(sum, others.counts, sizeof(tlb_counts));
	for (unsigned int i = LAB_TLB_FIRST_VMCS; i < context_count; i++)
		for (unsigned int k = 0; k < LAB_TLB_COUNTERS; k++)
			sum[k] += contexts[i].counts[k];
}

static bool translates(const BX_CPU_C *cpu, const struct tlb_space *space)
{
	return cpu->cr0.get_PG() || space->ep4ta;
}

static void access(BX_CPU_C *cpu, Bit64u laddr, bool write, bool fetch)
{
	struct tlb_access a = { cost_space(cpu), laddr, write, fetch };
	struct tlb_tables tables = tables_of(cpu);

	if (translates(cpu, &a.space))
		tlb_access(&cost_tlbs[cpu->bx_cpuid], &a, &tables,
			   context_of(cpu, &a.space)->counts);
}

void cost_data(BX_CPU_C *cpu, Bit64u laddr, Bit64u hpa, unsigned int rw)
{
	access(cpu, laddr, rw & 1, false);
	tlb_touch_line(&cost_tlbs[cpu->bx_cpuid], hpa);
}

void cost_fetch(BX_CPU_C *cpu, Bit64u laddr)
{
	access(cpu, laddr, false, true);
}

/* A fault evicts, and so does the EPT violation that an access may end in. */
static void fault(BX_CPU_C *cpu, Bit64u laddr, bool write, bool fetch)
{
	struct tlb_access a = { cost_space(cpu), laddr, write, fetch };
	struct tlb_tables tables = tables_of(cpu);
	struct tlb *tlb = &cost_tlbs[cpu->bx_cpuid];

	tlb_fault(tlb, &a, &tables, context_of(cpu, &a.space)->counts);
	tlb_flush_address(tlb, a.space.vpid, a.space.pcid, laddr, false);
}

void cost_page_fault(BX_CPU_C *cpu, Bit64u laddr, unsigned int rw)
{
	if (cost_enabled)
		fault(cpu, laddr, rw & 1, rw == BX_EXECUTE);
}

#define QUALIFICATION_WRITE	(1U << 1)
#define QUALIFICATION_FETCH	(1U << 2)
#define QUALIFICATION_LADDR	(1U << 7)

static void ept_violation(BX_CPU_C *cpu, Bit64u qualification)
{
	if (qualification & QUALIFICATION_LADDR)
		fault(cpu, cpu->VMread64(VMCS_GUEST_LINEAR_ADDR),
		      qualification & QUALIFICATION_WRITE, qualification & QUALIFICATION_FETCH);
	tlb_flush_gpa(&cost_tlbs[cpu->bx_cpuid], cost_space(cpu).ep4ta,
		      cpu->VMread64(VMCS_64BIT_GUEST_PHYSICAL_ADDR));
}

void cost_entry(BX_CPU_C *cpu)
{
	if (cost_enabled && !cpu->vmcs.vmexec_ctrls2.VPID_ENABLE())
		tlb_flush_vpid(&cost_tlbs[cpu->bx_cpuid], 0, TLB_ANY_PCID, false);
}

void cost_exit(BX_CPU_C *cpu, unsigned int reason, Bit64u qualification)
{
	struct tlb *tlb = &cost_tlbs[cpu->bx_cpuid];

	if (!cost_enabled)
		return;
	if (reason == VMX_VMEXIT_EPT_VIOLATION)
		ept_violation(cpu, qualification);
	if (reason == VMX_VMEXIT_EPT_MISCONFIGURATION)
		fault(cpu, cpu->VMread64(VMCS_GUEST_LINEAR_ADDR), false, false);
	if (reason == VMX_VMEXIT_PML_LOGFULL)
		tlb_flush_ept(tlb, true, cost_space(cpu).ep4ta);
	cost_entry(cpu);	/* which flushes as an exit does */
}

void cost_latch(void)
{
	sum_guests();
	for (unsigned int i = 0; i < context_count; i++)
		memcpy(contexts[i].latched, contexts[i].counts, sizeof(tlb_counts));
}

void cost_reset(void)
{
	memset(contexts, 0, sizeof(contexts));
	memset(&others, 0, sizeof(others));
	context_count = LAB_TLB_FIRST_VMCS;
	selected = LAB_TLB_HOST;
}

static Bit64u latency(Bit32u which)
{
	if (which >= LAB_TLB_LATENCIES)
		return LAB_ERROR;
	return which ? geometry->reference[which - 1] : geometry->second_hit;
}

static Bit64u name_from(Bit32u offset)
{
	Bit64u name = 0;

	if (offset > strlen(geometry->name))
		return LAB_ERROR;
	memcpy(&name, geometry->name + offset,
	       std::min(sizeof(name), strlen(geometry->name + offset)));
	return name;
}

Bit64u cost_command(unsigned int number, Bit32u argument)
{
	switch (number) {
	case LAB_TLB_GEOMETRY:
		return name_from(argument);
	case LAB_TLB_SELECT:
		if (argument >= context_count)
			return LAB_ERROR;
		selected = argument;
		return 0;
	case LAB_TLB_OWNER:
		return contexts[selected].owner;
	case LAB_TLB_READ:
		return argument < LAB_TLB_COUNTERS ? contexts[selected].latched[argument] :
						     LAB_ERROR;
	case LAB_TLB_LATENCY:
		return latency(argument);
	default:
		return LAB_ERROR;
	}
}
