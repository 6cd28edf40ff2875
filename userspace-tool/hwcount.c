// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware operations, counted by the lab's emulator. The port is ours only while it is read: the
 * kernel does more at each return to a process that has ports, and that would be measured too.
 */
#include <string.h>
#include <sys/io.h>

#include "hwcount.h"

/* Bochs answers a read of this port with its number; on real machines nothing is there. */
#define BOCHS_PORT	0xe9

#define NAME(name, text) #name,
const char *const hwcount_names[] = { LAB_OPERATIONS(NAME) };

u64 lab_command(u32 number, u32 argument)
{
	u32 low;

	outl(LAB_COMMAND(number, argument), LAB_PORT);
	low = inl(LAB_PORT);
	return (u64)inl(LAB_PORT + sizeof(low)) << 32 | low;
}

static bool find_bochs(void)
{
	bool found;

	if (ioperm(BOCHS_PORT, 1, 1))
		return false;
	found = inb(BOCHS_PORT) == BOCHS_PORT;
	ioperm(BOCHS_PORT, 1, 0);
	return found;
}

static bool find_instrumentation(void)
{
	bool found;

	if (!find_bochs() || ioperm(LAB_PORT, LAB_ANSWER_SIZE, 1))
		return false;
	found = lab_command(LAB_PRESENT, 0) == ((u64)LAB_VERSION << 32 | LAB_MAGIC);
	ioperm(LAB_PORT, LAB_ANSWER_SIZE, 0);
	return found;
}

bool hwcount_present(void)
{
	static int found = -1;

	if (found < 0)
		found = find_instrumentation();
	return found;
}

bool lab_port_open(void)
{
	return hwcount_present() && !ioperm(LAB_PORT, LAB_ANSWER_SIZE, 1);
}

void lab_port_close(void)
{
	ioperm(LAB_PORT, LAB_ANSWER_SIZE, 0);
}

void hwcount_read(struct hwcounts *counts)
{
	memset(counts, 0, sizeof(*counts));
	if (!lab_port_open())
		return;
	lab_command(LAB_LATCH, 0);
	for (u32 i = 0; i < HW_COUNT; i++)
		counts->value[i] = lab_command(LAB_READ, LAB_EXIT_REASONS + i);
	lab_port_close();
}
