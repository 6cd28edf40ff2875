// SPDX-License-Identifier: GPL-2.0
/* Tells of uses of stale translations, with all that is known of them. */
#include "duty.h"
#include "stale.h"

#define MAX_REPORTS	10	/* in one test: one mistake makes many */
#define LINE_SIZE	128
#define BYTES_SHOWN	8

static unsigned int reports;
static char test[LINE_SIZE];

/* Jobs frame the output of a test by "#BEGIN NAME" and "#END NAME". */
static void take_line(const char *line)
{
	bool begin = !strncmp(line, "#BEGIN ", 7);

	if (!begin && strncmp(line, "#END ", 5))
		return;
	strcpy(test, begin ? line + 7 : "");
	reports = 0;
}

void stale_console(char c)
{
	static char line[LINE_SIZE];
	static unsigned int length;

	if (c == '\n') {
		line[length] = 0;
		take_line(line);
		length = 0;
	} else if (length < sizeof(line) - 1) {
		line[length++] = c;
	}
}

static void print_rights(const char *before, unsigned int rights)
{
	printf("%s%s%s%s%s", before, rights & RIGHT_READ ? "r" : "-",
	       rights & RIGHT_WRITE ? "w" : "-", rights & RIGHT_EXEC ? "x" : "-",
	       rights & RIGHT_USER ? "u" : "");
}

static void print_writer(Bit64u hpa)
{
	const struct writer *w = duty_writer(hpa);

	if (!w)
		printf("# the entry was not written since: another table is in use, or one above\n");
	else
		printf("# written by CPU %u%s at its instruction %llu, rip %#llx\n", w->cpu,
		       w->serving ? " for its guest" : "", (unsigned long long)w->instruction,
		       (unsigned long long)w->rip);
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

/* "real mode", "64-bit", ...: what the guest's paging and its code are. */
static const char *mode_of(BX_CPU_C *cpu)
{
	if (!cpu->cr0.get_PG())
		return cpu->cr0.get_PE() ? "protected mode without paging" : "real mode";
	if (cpu->long_mode())
		return cpu->long64_mode() ? "64-bit mode" : "compatibility mode";
	return cpu->cr4.get_PAE() ? "PAE paging" : "32-bit paging";
}

static void print_instruction(BX_CPU_C *cpu)
{
	Bit64u at = cpu->prev_rip + cpu->eipPageBias;

	printf("# used by rip %#llx:", (unsigned long long)cpu->prev_rip);
	for (unsigned int i = 0; i < BYTES_SHOWN && at + i < cpu->eipPageWindowSize; i++)
		printf(" %02x", cpu->eipFetchPtr[at + i]);
	printf("\n");
}

void report_stale(const struct use *u, const char *kind, const struct cached *c,
		  const struct walk *fresh)
{
	if (++reports > MAX_REPORTS)
		return;
	printf("\nSTALE %s used for a %s by CPU %u in a guest%s%s\n", kind,
	       u->exec ? "fetch" : u->write ? "write" : "read", u->cpu->bx_cpuid,
	       *test ? ": " : "", test);
	print_instruction(u->cpu);
	printf("# %s, %s, CPL %u, VPID %u, EPTP %#llx, CR3 %#llx\n",
	       current_ep4ta(u->cpu) ? "EPT" : "no EPT", mode_of(u->cpu), u->user ? 3 : 0,
	       u->cpu->vmcs.vpid, (unsigned long long)u->cpu->vmcs.eptptr,
	       (unsigned long long)u->cpu->cr3);
	printf("# linear address %#llx, %s %#llx\n", (unsigned long long)u->laddr,
	       u->physical ? "gpa" : "translated", (unsigned long long)u->address);
	printf("# cached: hpa %#llx", (unsigned long long)c->target);
	print_rights(" ", c->rights);
	printf(" from the entry at %#llx, which was %#llx and is %#llx\n",
	       (unsigned long long)c->source, (unsigned long long)c->entry,
	       (unsigned long long)entry_now(c->source));
	print_fresh(u, fresh);
	print_writer(c->source);
	if (reports == MAX_REPORTS)
		printf("# no more of these are told in this test\n");
	fflush(stdout);
}
