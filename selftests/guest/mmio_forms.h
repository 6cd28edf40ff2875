/* SPDX-License-Identifier: GPL-2.0 */
/* What mmio.c and parts/mmio.S share: the description of a form, and its registers. */
#ifndef SELFTESTS_MMIO_FORMS_H
#define SELFTESTS_MMIO_FORMS_H

#define FLAG_CF		0x001
#define FLAG_PF		0x004
#define FLAG_AF		0x010
#define FLAG_ZF		0x040
#define FLAG_SF		0x080
#define FLAG_OF		0x800

#define HOW_ANYWHERE	1	/* try it unaligned and across page boundaries too */
#define HOW_DOWN	2	/* with DF set */
#define HOW_OURS	4	/* KVM does not emulate it */
#define HOW_AVX		8	/* nor this, which needs a CPU with AVX */

/* Offsets in struct regs. */
#define REGS_A		(0 * WORD)
#define REGS_C		(1 * WORD)
#define REGS_D		(2 * WORD)
#define REGS_SI		(3 * WORD)
#define REGS_DI		(4 * WORD)
#define REGS_R9		(5 * WORD)
#define REGS_FLAGS	(6 * WORD)

#ifndef __ASSEMBLER__
struct regs {
	unsigned long a, c, d, si, di, r9, flags;
};

struct form {
	const char *name;
	const void *code;
	unsigned char width, reads, writes, how;
	unsigned int flags;	/* those that the instruction defines */
};

extern const struct form forms[], forms_end[];

void run_code(struct regs *regs, const void *code);
#endif

#endif
