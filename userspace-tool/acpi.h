/* SPDX-License-Identifier: GPL-2.0 */
/* The ACPI tables of a small PC: processors, interrupt controllers, power off and reset. */
#ifndef ACPI_H
#define ACPI_H

#include "vm.h"

/* Fixed hardware that the tables name; the run loop answers these ports. */
#define ACPI_PM1_EVENT		0x600	/* four bytes: status, enable */
#define ACPI_PM1_ENABLE		0x602
#define ACPI_PM1_CONTROL	0x604	/* two bytes */
#define ACPI_SLEEP_ENABLE	BIT(5)	/* in the high byte of the control register */
#define ACPI_SCI_ENABLED	BIT(0)	/* in the low byte */
#define RESET_PORT		0x64	/* the keyboard controller's, as on PCs */
#define RESET_VALUE		0xfe

/* Writes the tables to the BIOS area below 1 MiB, where a kernel looks for them. */
void acpi_write(const struct vm *vm, unsigned int cpus);

#endif
