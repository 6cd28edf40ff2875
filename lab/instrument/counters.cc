// SPDX-License-Identifier: GPL-2.0
/* Counters of what the emulated CPUs execute, and the port that reads them out. */
#include "bochs.h"
#include "cpu/cpu.h"

#include <string.h>

#define FAILED_ENTRY	(1U << 31)
#define REASON_MASK	0xffffU
#define CONSOLE_PORT	0xe9
#define MAX_COMPLAINTS	10

Bit64u lab_counters[LAB_COUNTERS];

static Bit64u latched[LAB_COUNTERS];
static Bit64u instructions_at_reset;
static Bit64u answer = (Bit64u)LAB_VERSION << 32 | LAB_MAGIC;

void lab_tlb_control(BX_CPU_C *cpu, unsigned int what, Bit64u value)
{
	if (stale_enabled)
		stale_control(cpu, what, value);
	cost_control(cpu, what, value);
	if (cpu->in_vmx_guest)
		return;
	switch (what) {
	case BX_INSTR_MOV_CR0:
	case BX_INSTR_MOV_CR3:
	case BX_INSTR_MOV_CR4:
		lab_counters[LAB_OP_MOV_CR]++;
		break;
	case BX_INSTR_INVEPT:
		lab_counters[LAB_OP_INVEPT]++;
		break;
	case BX_INSTR_INVVPID:
		lab_counters[LAB_OP_INVVPID]++;
		break;
	}
}

void lab_vmentry(BX_CPU_C *cpu)
{
	if (stale_enabled)
		stale_entry(cpu);
	cost_entry(cpu);
}

void lab_reset(unsigned int cpu, unsigned int type)
{
	if (type != BX_RESET_HARDWARE)
		return;
	stale_reset(cpu);
	cost_reset_cpu(cpu);
}

void lab_vmexit(BX_CPU_C *cpu, Bit32u reason, Bit64u qualification)
{
	cost_exit(cpu, reason, qualification);
	if (stale_enabled)
		stale_exit(cpu, reason, qualification);
	if (reason & FAILED_ENTRY) {
		lab_counters[LAB_OP_FAILED_ENTRIES]++;
		return;
	}
	lab_counters[LAB_OP_EXITS]++;
	if ((reason & REASON_MASK) < LAB_EXIT_REASONS)
		lab_counters[reason & REASON_MASK]++;
}

/* Bochs counts them itself, for each CPU since power-on. */
static Bit64u all_instructions(void)
{
	Bit64u sum = 0;

	for (int i = 0; i < BX_SMP_PROCESSORS; i++)
		sum += BX_CPU(i)->get_icount();
	return sum;
}

static void latch(void)
{
	lab_counters[LAB_OP_INSTRUCTIONS] = all_instructions() - instructions_at_reset;
	memcpy(latched, lab_counters, sizeof(latched));
	cost_latch();
}

static void reset(void)
{
	memset(lab_counters, 0, sizeof(lab_counters));
	memset(latched, 0, sizeof(latched));
	instructions_at_reset = all_instructions();
	cost_reset();
}

static Bit64u command(unsigned int number, Bit32u argument)
{
	switch (number) {
	case LAB_PRESENT:
		return (Bit64u)LAB_VERSION << 32 | LAB_MAGIC;
	case LAB_LATCH:
		latch();
		return 0;
	case LAB_READ:
		return argument < LAB_COUNTERS ? latched[argument] : LAB_ERROR;
	case LAB_RESET:
		reset();
		return 0;
	default:
		if (cost_enabled)
			return cost_command(number, argument);
		return LAB_ERROR;
	}
}

static Bit64u command_or_complain(Bit32u value)
{
	static unsigned int complaints;
	Bit64u result = command(value >> LAB_ARGUMENT_BITS, value & LAB_ARGUMENT_MASK);

	/* Not into the console, where it would come amid a line. */
	if (result == LAB_ERROR && complaints++ < MAX_COMPLAINTS)
		fprintf(stderr, "lab: port %#x refused command %u with argument %u\n", LAB_PORT,
			value >> LAB_ARGUMENT_BITS, value & LAB_ARGUMENT_MASK);
	return result;
}

void lab_port_out(Bit16u port, unsigned int size, Bit32u value)
{
	static Bit8u bytes[LAB_COMMAND_SIZE];

	if (stale_enabled && port == CONSOLE_PORT)
		stale_console(value);
	if (port < LAB_PORT || port + size > LAB_PORT + LAB_COMMAND_SIZE)
		return;
	memcpy(bytes + port - LAB_PORT, &value, size);
	if (port + size == LAB_PORT + LAB_COMMAND_SIZE) {
		memcpy(&value, bytes, sizeof(value));
		answer = command_or_complain(value);
	}
}

/* Called with the value that Bochs has for the port. */
void lab_port_in(Bit16u port, unsigned int size, Bit32u &value)
{
	if (port < LAB_PORT || port + size > LAB_PORT + LAB_ANSWER_SIZE)
		return;
	value = 0;
	memcpy(&value, (Bit8u *)&answer + port - LAB_PORT, size);
}
