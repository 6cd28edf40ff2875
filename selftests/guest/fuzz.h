/* SPDX-License-Identifier: GPL-2.0 */
/* Where the guest of ioctlfuzz finds what it plays with; its host maps it. */
#ifndef SELFTESTS_GUEST_FUZZ_H
#define SELFTESTS_GUEST_FUZZ_H

#define FUZZ_WINDOW	0x40000000UL	/* gva: the devices, a page each, then the slots' pages */
#define FUZZ_DEVICES	4		/* local APIC, IOAPIC, a device, nothing */
#define FUZZ_SLOT_GPA	0x10000000UL
#define FUZZ_SLOT_PAGES	64
#define FUZZ_PAGES	(FUZZ_DEVICES + FUZZ_SLOT_PAGES)
/* Its pages of scratch memory; those that no test code is written to get other PTEs. */
#define FUZZ_CODE	SCRATCH_GPA
#define FUZZ_DATA	(SCRATCH_GPA + 0x10000)
#define FUZZ_DATA_PAGES	16

/* arg[0]: the seed; arg[1]: the gva of the PTE of FUZZ_DATA, 0 without paging; arg[2]: its size */

#endif
