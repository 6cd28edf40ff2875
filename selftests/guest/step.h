/* SPDX-License-Identifier: GPL-2.0 */
/* What the guest that single-steps, its assembly and its host agree on. */
#ifndef SELFTESTS_STEP_H
#define SELFTESTS_STEP_H

#define STEP_DEVICE_PORT	0x60
#define STEP_DEVICE_GPA		0x10000000	/* mapped, no slot */

#ifndef __ASSEMBLER__
enum {
	STEP_INSN,
	STEP_MMIO_READ,
	STEP_MMIO_WRITE,
	STEP_MOV_SS,
	STEP_BREAKPOINTS,
	STEP_DB_LOOP,		/* delivery of #DB raises #DB, for ever */
};

/* Each sequence of parts/step.S, and where it must trap; the list ends with 0. */
void step_exits(void);
void step_mmio_read(void);
void step_mmio_write(void);
void step_mov_ss(void);

extern const unsigned long step_exits_ips[];
extern const unsigned long step_mmio_read_ips[];
extern const unsigned long step_mmio_write_ips[];
extern const unsigned long step_mov_ss_ips[];
#endif

#endif
