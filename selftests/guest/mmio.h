/* SPDX-License-Identifier: GPL-2.0 */
/* What the MMIO guest and its host agree on. */
#ifndef SELFTESTS_MMIO_H
#define SELFTESTS_MMIO_H

/* Two pages of device between two pages of RAM, at the same gva and gpa. */
#define MMIO_GPA	0x10000000
#define MMIO_SIZE	0x2000
#define MMIO_AROUND	0x1000
/* The first page of the device with other rights. */
#define MMIO_USER_GVA	0x10010000
#define MMIO_READONLY_GVA 0x10011000
/* A copy of all that in plain RAM, where the same instruction shows what must come out. */
#define MMIO_COPY	(SCRATCH_GPA + 0x2000)

enum {
	MMIO_RUN,	/* form arg[0] at device offset arg[1] */
	MMIO_DESCRIBE,	/* form arg[0]: result[0] = name (0: no such form), [1..3] as below */
	MMIO_RIGHTS,	/* the guest's page rights hold for a device too */
};

/* result[] of MMIO_DESCRIBE */
enum { FORM_NAME, FORM_WIDTH, FORM_READS, FORM_WRITES, FORM_ANYWHERE, FORM_OURS, FORM_AVX };

#endif
