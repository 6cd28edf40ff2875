// SPDX-License-Identifier: GPL-2.0
/*
 * Whose duty an invalidation is, and when it is overdue (Documentation/tlb.rst): remembers who
 * wrote to tables last, which CPUs have come out of the kernel since, and what guests invalidate.
 */
#include "duty.h"
#include "stale.h"

#define WRITERS		(1U << 16)
#define CR3_NO_FLUSH	(1ULL << 63)
#define NO_ADDRESS	(~0ULL)

/* INVPCID of all contexts, with or without global translations. */
#define INVPCID_ALL	2

/* Since its last VM exit, or since it last ran something else than the kernel. */
struct stay {
	Bit64u wrote;		/* when it last wrote to tables; 0: it did not */
	bool serving;		/* its guest asked for something, and nothing else ran since */
};

/* What the exit that is being served invalidates for the guest, by the next entry. */
struct asked {
	bool all;
	Bit64u laddr;		/* or NO_ADDRESS */
};

static struct writer writers[WRITERS];
static struct stay stays[BX_MAX_SMP_THREADS_SUPPORTED];
static struct asked asked[BX_MAX_SMP_THREADS_SUPPORTED];
/* When the guest last invalidated everything that this CPU has cached under a VPID. */
static std::unordered_map<Bit32u, Bit64u> invalidated[BX_MAX_SMP_THREADS_SUPPORTED];
static Bit64u now;

/* The guest's root when it was last seen, by VPID. */
struct root {
	Bit64u root;
	bool set;		/* by the module, since the guest loaded one itself */
};

static std::unordered_map<Bit32u, struct root> roots;

void duty_write(BX_CPU_C *cpu, Bit64u hpa)
{
	struct writer *w = &writers[hpa / 8 % WRITERS];
	struct stay *stay = &stays[cpu->bx_cpuid];

	stay->wrote = ++now;
	w->word = hpa / 8;
	w->rip = cpu->prev_rip;
	w->instruction = cpu->get_icount();
	w->when = now;
	w->cpu = cpu->bx_cpuid;
	w->serving = stay->serving;
}

const struct writer *duty_writer(Bit64u hpa)
{
	const struct writer *w = &writers[hpa / 8 % WRITERS];

	return w->word == hpa / 8 ? w : NULL;
}

/* Another CPU is still on its way from a write to the flush that follows. */
static bool flush_in_progress(unsigned int cpu)
{
	for (int i = 0; i < BX_SMP_PROCESSORS; i++)
		if ((unsigned int)i != cpu && stays[i].wrote)
			return true;
	return false;
}

enum duty duty_of(const struct use *u, const struct cached *c, bool leaf)
{
	unsigned int cpu = u->cpu->bx_cpuid;
	const struct writer *w = duty_writer(c->source);

	if (flush_in_progress(cpu))
		return DUTY_NOT_YET;
	if (!leaf || current_ep4ta(u->cpu) || !w || !w->serving)
		return DUTY_MODULE;
	if (w->when > c->invalidated && w->when > invalidated[cpu][current_vpid(u->cpu)])
		return DUTY_GUEST;
	return DUTY_MODULE;
}

/*
 * Kernel code that holds a spinlock runs to its end before its CPU runs user code, a guest or
 * nothing: whatever flush its writes call for has been made. From now on all others must know.
 */
static void settle(unsigned int cpu)
{
	if (!stays[cpu].wrote)
		return;
	stays[cpu].wrote = 0;
	for (int i = 0; i < BX_SMP_PROCESSORS; i++)
		if ((unsigned int)i != cpu && BX_CPU(i)->in_vmx_guest)
			BX_CPU(i)->TLB_flush();
}

void stale_left_kernel(unsigned int cpu)
{
	if (BX_CPU(cpu)->in_vmx_guest)
		return;
	stays[cpu].serving = false;
	settle(cpu);
}

void stale_switched(unsigned int cpu)
{
	stays[cpu].serving = false;
}

/* MOV to CR3 or CR4; CLTS, LMSW and the others invalidate nothing. */
static bool invalidates_all(BX_CPU_C *cpu, Bit64u qualification)
{
	Bit64u value = cpu->gen_reg[(qualification >> 8) & 0xf].rrx;
	unsigned int cr = qualification & 0xf, type = (qualification >> 4) & 3;

	if (type)
		return false;
	return cr == 4 || (cr == 3 && !(value & CR3_NO_FLUSH));
}

static unsigned int invpcid_type(BX_CPU_C *cpu)
{
	Bit32u info = cpu->VMread32(VMCS_32BIT_VMEXIT_INSTRUCTION_INFO);

	return cpu->gen_reg[info >> 28].rrx;
}

bool duty_root_was_set(BX_CPU_C *cpu)
{
	return roots[current_vpid(cpu)].set;
}

void stale_root_loaded(BX_CPU_C *cpu)
{
	roots[current_vpid(cpu)].set = false;
}

void duty_exit(BX_CPU_C *cpu, Bit32u reason, Bit64u qualification)
{
	struct asked *a = &asked[cpu->bx_cpuid];

	stays[cpu->bx_cpuid].serving = reason != VMX_VMEXIT_EXTERNAL_INTERRUPT;
	roots[current_vpid(cpu)].root = guest_root(cpu);
	a->all = false;
	a->laddr = NO_ADDRESS;
	if (reason == VMX_VMEXIT_INVLPG)
		a->laddr = qualification;
	else if (reason == VMX_VMEXIT_CR_ACCESS)
		a->all = invalidates_all(cpu, qualification);
	else if (reason == VMX_VMEXIT_INVPCID)
		a->all = invpcid_type(cpu) >= INVPCID_ALL;
}

static void invalidate_address(BX_CPU_C *cpu, Bit64u laddr)
{
	for (auto &tagged : caches[cpu->bx_cpuid].tags) {
		unsigned int level;
		struct cached *leaf;

		if (tagged.first.ep4ta || tagged.first.vpid != current_vpid(cpu))
			continue;
		leaf = cache_find_leaf(tagged.second, laddr, &level);
		if (leaf)
			leaf->invalidated = now;
	}
}

void duty_entry(BX_CPU_C *cpu)
{
	struct asked *a = &asked[cpu->bx_cpuid];
	struct root *root = &roots[current_vpid(cpu)];

	root->set |= root->root != guest_root(cpu);
	stays[cpu->bx_cpuid].serving = false;
	settle(cpu->bx_cpuid);
	if (a->all)
		invalidated[cpu->bx_cpuid][current_vpid(cpu)] = now;
	if (a->laddr != NO_ADDRESS)
		invalidate_address(cpu, a->laddr);
	a->all = false;
	a->laddr = NO_ADDRESS;
}
