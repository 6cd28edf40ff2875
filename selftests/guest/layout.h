/* SPDX-License-Identifier: GPL-2.0 */
/* Where things live in guest memory and how guest and host talk; the linker reads it too. */
#ifndef SELFTESTS_LAYOUT_H
#define SELFTESTS_LAYOUT_H

/* One page for each vCPU to exchange arguments and results with the host. */
#define SHARED_GPA	0x1000
#define SHARED_SIZE	0x1000
#define MAX_VCPUS	4
/* Real-mode images stay below 64 KiB. */
#define IMAGE16_GPA	0x8000
#define STACK16_GPA	0x6000
/* The others begin with two pages that CPL 3 may use: code, then its stack. */
#define IMAGE_GPA	0x10000
#define USER_GPA	IMAGE_GPA
#define USER_STACK_TOP	0x12000
#define ENTRY_GPA	0x12000
#define IMAGE_END	0x50000
/* Each vCPU has a stack with its struct guest_cpu at the bottom. */
#define STACK_GPA	0x50000
#define STACK_SIZE	0x4000
/* Tables of cases, too long for the shared page. */
#define CASES_GPA	0x60000
#define CASES_SIZE	0x20000
/* Page tables are built by the host from here on. */
#define TABLES_GPA	0x100000
#define TABLES_END	0x180000
/* Free for each test, inside the memory that every guest has. */
#define SCRATCH_GPA	0x180000
#define LOW_END		0x200000
#define GUEST_MEM_SIZE	0x800000

#define UCALL_PORT	0x0554
/* What the guest tells the host through the port. */
#define UCALL_DONE	1	/* the operation asked for is over */
#define UCALL_SYNC	2	/* the host may look or act, then the guest goes on */
#define UCALL_FAIL	3	/* a check failed, see fail_* */
#define UCALL_TRAP	4	/* an exception that nobody expected, see trap */

#define SEL_KCODE	0x08
#define SEL_KDATA	0x10
#define SEL_UCODE	0x1b
#define SEL_UDATA	0x23
#define SEL_CODE32	0x28
#define SEL_TSS		0x30

#define VEC_USER_DONE	0x80

#ifndef __ASSEMBLER__
struct guest_trap {
	unsigned long long vector;
	unsigned long long error;
	unsigned long long cr2;
	unsigned long long ip;
	unsigned long long flags;
};

struct guest_shared {
	unsigned long long op;
	unsigned long long arg[8];
	unsigned long long result[16];
	struct guest_trap trap;
	unsigned long long fail_got;
	unsigned long long fail_want;
	unsigned long long fail_line;
	char fail_text[128];
};
#endif

#endif
