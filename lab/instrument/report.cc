// SPDX-License-Identifier: GPL-2.0
/* Tells of uses of stale translations, and remembers who wrote to tables last. */
#include "report.h"

#define MAX_REPORTS	10	/* one mistake makes many */
#define WRITERS		(1U << 16)

struct writer {
	Bit64u word;		/* hpa / 8 */
	Bit64u rip, when;
	unsigned int cpu;
	bool guest;
};

static struct writer writers[WRITERS];
static unsigned int reports;

void report_write(BX_CPU_C *cpu, Bit64u hpa)
{
	struct writer *w = &writers[hpa / 8 % WRITERS];

	w->word = hpa / 8;
	w->rip = cpu->prev_rip;
	w->when = cpu->get_icount();
	w->cpu = cpu->bx_cpuid;
	w->guest = cpu->in_vmx_guest;
}

static void print_rights(const char *before, unsigned int rights)
{
	printf("%s%s%s%s%s", before, rights & RIGHT_READ ? "r" : "-",
	       rights & RIGHT_WRITE ? "w" : "-", rights & RIGHT_EXEC ? "x" : "-",
	       rights & RIGHT_USER ? "u" : "");
}

static void print_writer(Bit64u hpa)
{
	const struct writer *w = &writers[hpa / 8 % WRITERS];

	if (w->word != hpa / 8)
		printf("# the entry was not written since: another table is in use, or one above\n");
	else
		printf("# written by CPU %u %s, rip %#llx, at its instruction %llu\n", w->cpu,
		       w->guest ? "as a guest" : "outside of guests", (unsigned long long)w->rip,
		       (unsigned long long)w->when);
}

static Bit64u entry_now(Bit64u hpa)
{
	Bit64u entry = 0;

	if (in_ram(hpa))
		memcpy(&entry, BX_MEM(0)->get_vector(hpa), sizeof(entry));
	return entry;
}

static void print_fresh(const struct use *u, const struct walk *fresh)
{
	if (!fresh->complete) {
		printf("# now: not present\n");
		return;
	}
	printf("# now: hpa %#llx", (unsigned long long)fresh->address);
	print_rights(" ", fresh->rights);
	printf("%s\n", u->write && !fresh->dirty ? ", dirty flag clear" : "");
}

void report_stale(const struct use *u, const char *kind, const struct cached *c,
		  const struct walk *fresh)
{
	if (++reports > MAX_REPORTS)
		return;
	printf("\nSTALE %s used for a %s by CPU %u in a guest\n", kind,
	       u->exec ? "fetch" : u->write ? "write" : "read", u->cpu->bx_cpuid);
	printf("# rip %#llx, linear address %#llx, %s %#llx, VPID %u, EPTP %#llx, CR3 %#llx\n",
	       (unsigned long long)u->cpu->prev_rip, (unsigned long long)u->laddr,
	       u->physical ? "gpa" : "translated", (unsigned long long)u->address,
	       u->cpu->vmcs.vpid, (unsigned long long)u->cpu->vmcs.eptptr,
	       (unsigned long long)u->cpu->cr3);
	printf("# cached: hpa %#llx", (unsigned long long)c->target);
	print_rights(" ", c->rights);
	printf(" from the entry at %#llx, which was %#llx and is %#llx\n",
	       (unsigned long long)c->source, (unsigned long long)c->entry,
	       (unsigned long long)entry_now(c->source));
	print_fresh(u, fresh);
	print_writer(c->source);
	if (reports == MAX_REPORTS)
		printf("# no more of these are told\n");
	fflush(stdout);
}
