/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the executor's files share: operands, and the table's functions. Pure, no locks.
 */
#ifndef EMU_EXEC_H
#define EMU_EXEC_H

#include "emulate.h"

/* An operand's value, and where it is if it is in memory. */
struct emu_place {
	u64 la;
	u64 val;
};

/* exec.c. @rmw: the operand will be written, so reading it needs the right to write. */
int emu_read_mem(struct emu_ctx *c, u64 la, unsigned int size, bool rmw, u64 *val);
int emu_read_operand(struct emu_ctx *c, const struct emu_operand *o, bool rmw,
		     struct emu_place *p);
int emu_write_operand(struct emu_ctx *c, const struct emu_operand *o, u64 la, u64 val);
int emu_update_operand(struct emu_ctx *c, const struct emu_operand *o,
		       const struct emu_place *old, u64 val);

/* Bytes of the stack pointer. */
unsigned int emu_stack_size(struct emu_ctx *c);
/* At *@rsp, which moves; the register itself is not changed. */
int emu_push(struct emu_ctx *c, u64 *rsp, u64 val, unsigned int size);
int emu_pop(struct emu_ctx *c, u64 *rsp, u64 *val, unsigned int size);

/* flow.c: what real mode adds */
int emu_exec_real(struct emu_ctx *c);

/* arith.c */
int emu_exec_alu(struct emu_ctx *c);
int emu_exec_unary(struct emu_ctx *c);
int emu_exec_shift(struct emu_ctx *c);
int emu_exec_muldiv(struct emu_ctx *c);
int emu_exec_imul_reg(struct emu_ctx *c);
int emu_exec_shift_double(struct emu_ctx *c);
int emu_exec_bit_scan(struct emu_ctx *c);
int emu_exec_bit(struct emu_ctx *c);
int emu_exec_xadd(struct emu_ctx *c);
int emu_exec_cmpxchg(struct emu_ctx *c);
int emu_exec_cmpxchg8b(struct emu_ctx *c);

/* string.c: MOVS CMPS STOS LODS SCAS INS OUTS with their prefixes. */
int emu_exec_string(struct emu_ctx *c);

#endif
