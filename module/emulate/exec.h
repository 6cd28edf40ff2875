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

/* Write to the destination of an instruction that does not read it. */
int emu_store(struct emu_ctx *c, u64 val);

/* stack.c. Bytes of the stack pointer; write as many. */
unsigned int emu_stack_size(struct emu_ctx *c);
void emu_set_rsp(struct emu_ctx *c, u64 rsp);
/* At *@rsp, which moves; the register itself is not changed. */
int emu_push(struct emu_ctx *c, u64 *rsp, u64 val, unsigned int size);
int emu_pop(struct emu_ctx *c, u64 *rsp, u64 *val, unsigned int size);
int emu_exec_push(struct emu_ctx *c);
int emu_exec_pop(struct emu_ctx *c);
int emu_exec_pusha(struct emu_ctx *c);
int emu_exec_popa(struct emu_ctx *c);
int emu_exec_pushf(struct emu_ctx *c);
int emu_exec_popf(struct emu_ctx *c);
int emu_exec_enter(struct emu_ctx *c);
int emu_exec_leave(struct emu_ctx *c);

/* flow.c. What the flags register becomes when @val is loaded with the operand size. */
u64 emu_loaded_flags(const struct emu_ctx *c, u64 val);
int emu_exec_jcc(struct emu_ctx *c);
int emu_exec_loop(struct emu_ctx *c);
int emu_exec_jmp(struct emu_ctx *c);
int emu_exec_call(struct emu_ctx *c);
int emu_exec_ret(struct emu_ctx *c);
int emu_exec_jmp_far(struct emu_ctx *c);
int emu_exec_call_far(struct emu_ctx *c);
int emu_exec_ret_far(struct emu_ctx *c);
int emu_exec_int(struct emu_ctx *c);
int emu_exec_load_far(struct emu_ctx *c);

/* Where a far transfer goes. */
struct emu_code {
	u16 sel;
	u64 desc;	/* in protected mode */
	u64 target;
};

/*
 * segment.c. Any segment register but CS; and CS:RIP, in two steps: what may fault, and then what
 * may not. @returns: the rules of RET and IRET.
 */
int emu_load_segment(struct emu_ctx *c, unsigned int seg, u16 sel);
int emu_check_code(struct emu_ctx *c, u16 sel, u64 target, bool returns, struct emu_code *code);
bool emu_code_is_64bit(const struct emu_ctx *c, const struct emu_code *code);
void emu_enter_code(struct emu_ctx *c, const struct emu_code *code);
int emu_exec_iret(struct emu_ctx *c);

/* misc.c, sse.c */
int emu_exec_registers(struct emu_ctx *c);
int emu_exec_sse(struct emu_ctx *c);
int emu_exec_sse_half(struct emu_ctx *c);

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

static inline unsigned int emu_iopl(const struct emu_ctx *c)
{
	return (c->rflags & EMU_IOPL) >> 12;
}

static inline u64 emu_swap_bytes(u64 val)
{
	return __builtin_bswap64(val);
}

#endif
