// SPDX-License-Identifier: GPL-2.0
/*
 * Control flow, and the interrupts of real mode. Memory first, as in exec.c.
 * Pure, no locks.
 * Source: SDM "Instruction Set Reference", "Real-Address Mode".
 */
#include "exec.h"

/* Low bits of the opcodes under EMU_LOOP. */
enum { LOOP_NE, LOOP_E, LOOP_ANY, LOOP_CXZ };

static u64 next_rip(const struct emu_ctx *c)
{
	return c->rip + c->insn.len;
}

static int jump(struct emu_ctx *c, u64 target)
{
	struct emu_segment cs;

	target &= emu_mask(c->insn.size);
	if (c->bits == 64) {
		if (!emu_canonical(c, target))
			return emu_fault_err(c, UM_GP, 0);
	} else {
		c->ops->segment(c, UM_CS, &cs);
		if (target > cs.limit)
			return emu_fault_err(c, UM_GP, 0);
	}
	c->target = target;
	c->jumped = true;
	return EMU_OK;
}

static u16 code_selector(struct emu_ctx *c)
{
	struct emu_segment cs;

	c->ops->segment(c, UM_CS, &cs);
	return cs.selector;
}

/* Relative if the operand is an immediate. */
static int near_target(struct emu_ctx *c, u64 *target)
{
	struct emu_place src;
	int r = emu_read_operand(c, &c->insn.src, false, &src);

	*target = src.val + (c->insn.src.kind == EMU_K_IMM ? next_rip(c) : 0);
	return r;
}

static int far_operand(struct emu_ctx *c, u64 *sel, u64 *offset)
{
	const struct emu_insn *insn = &c->insn;
	u64 la;
	int r;

	*sel = insn->disp;
	*offset = insn->imm;
	if (insn->src.kind == EMU_K_IMM)
		return EMU_OK;
	r = emu_mem_operand(c, insn->size + 2, false, &la);
	if (!r)
		r = emu_read_mem(c, la, insn->size, false, offset);
	if (!r)
		r = emu_read_mem(c, la + insn->size, 2, false, sel);
	return r;
}

int emu_exec_jcc(struct emu_ctx *c)
{
	if (!emu_condition(c->insn.cond, c->rflags))
		return EMU_OK;
	return jump(c, next_rip(c) + c->insn.imm);
}

int emu_exec_loop(struct emu_ctx *c)
{
	unsigned int kind = c->insn.cond, size = c->insn.asize;
	u64 count = emu_reg_read(c, UM_RCX, size);
	bool taken = !count;
	int r = EMU_OK;

	if (kind != LOOP_CXZ) {
		count = (count - 1) & emu_mask(size);
		taken = count && (kind == LOOP_ANY || !(c->rflags & EMU_ZF) == (kind == LOOP_NE));
	}
	if (taken)
		r = jump(c, next_rip(c) + c->insn.imm);
	if (!r && kind != LOOP_CXZ)
		emu_reg_write(c, UM_RCX, size, count);
	return r;
}

int emu_exec_jmp(struct emu_ctx *c)
{
	u64 target;
	int r = near_target(c, &target);

	return r ? r : jump(c, target);
}

int emu_exec_call(struct emu_ctx *c)
{
	u64 target, rsp = c->gpr[UM_RSP];
	int r = near_target(c, &target);

	if (!r)
		r = jump(c, target);
	if (!r)
		r = emu_push(c, &rsp, next_rip(c), c->insn.size);
	if (!r)
		emu_set_rsp(c, rsp);
	return r;
}

int emu_exec_ret(struct emu_ctx *c)
{
	u64 target, rsp = c->gpr[UM_RSP];
	int r = emu_pop(c, &rsp, &target, c->insn.size);

	if (!r)
		r = jump(c, target);
	if (!r)
		emu_set_rsp(c, rsp + c->insn.imm);
	return r;
}

int emu_exec_jmp_far(struct emu_ctx *c)
{
	struct emu_code code;
	u64 sel, offset;
	int r = far_operand(c, &sel, &offset);

	if (!r)
		r = emu_check_code(c, sel, offset, false, &code);
	if (!r)
		emu_enter_code(c, &code);
	return r;
}

static int push_return(struct emu_ctx *c)
{
	u64 rsp = c->gpr[UM_RSP];
	int r = emu_push(c, &rsp, code_selector(c), c->insn.size);

	if (!r)
		r = emu_push(c, &rsp, next_rip(c), c->insn.size);
	if (!r)
		emu_set_rsp(c, rsp);
	return r;
}

/* The return address goes to the stack as the code that is called sees it. */
int emu_exec_call_far(struct emu_ctx *c)
{
	unsigned int bits = c->bits;
	struct emu_code code;
	u64 sel, offset;
	int r = far_operand(c, &sel, &offset);

	if (!r)
		r = emu_check_code(c, sel, offset, false, &code);
	if (r)
		return r;
	if (c->long_mode)
		c->bits = emu_code_is_64bit(c, &code) ? 64 : 32;
	r = push_return(c);
	c->bits = bits;
	if (!r)
		emu_enter_code(c, &code);
	return r;
}

int emu_exec_ret_far(struct emu_ctx *c)
{
	u64 sel, offset, rsp = c->gpr[UM_RSP];
	struct emu_code code;
	int r = emu_pop(c, &rsp, &offset, c->insn.size);

	if (!r)
		r = emu_pop(c, &rsp, &sel, c->insn.size);
	if (!r)
		r = emu_check_code(c, sel, offset, true, &code);
	if (r)
		return r;
	emu_set_rsp(c, rsp + c->insn.imm);
	emu_enter_code(c, &code);
	return EMU_OK;
}

u64 emu_loaded_flags(const struct emu_ctx *c, u64 val)
{
	u64 mask = EMU_ARITH | EMU_TF | EMU_DF | EMU_NT;

	if (c->insn.size > 2)
		mask |= EMU_RF | EMU_AC | EMU_ID;
	if (!c->cpl)
		mask |= EMU_IOPL;
	if (c->cpl <= emu_iopl(c))
		mask |= EMU_IF;
	return (c->rflags & ~mask) | (val & mask) | EMU_FIXED;
}

int emu_interrupt(struct emu_ctx *c, u8 vector, u64 rip)
{
	u64 rsp = c->gpr[UM_RSP], entry;
	struct emu_code code;
	int r;

	if (vector * 4 + 3 > c->idt_limit)
		return emu_fault_err(c, UM_GP, 0);
	c->insn.size = 2;
	r = emu_read_mem(c, c->idt_base + vector * 4, 4, false, &entry);
	if (!r)
		r = emu_push(c, &rsp, c->rflags, 2);
	if (!r)
		r = emu_push(c, &rsp, code_selector(c), 2);
	if (!r)
		r = emu_push(c, &rsp, rip, 2);
	if (!r)
		r = emu_check_code(c, entry >> 16, entry, false, &code);
	if (r)
		return r;
	emu_enter_code(c, &code);
	emu_set_rsp(c, rsp);
	c->rflags &= ~(u64)(EMU_TF | EMU_IF | EMU_RF | EMU_AC);
	return EMU_OK;
}

int emu_exec_int(struct emu_ctx *c)
{
	u8 vector = c->insn.imm;

	if (!c->real)
		return EMU_FAIL;
	if (c->insn.op == EMU_INT3)
		vector = UM_BP;
	if (c->insn.op == EMU_INTO)
		vector = UM_OF;
	if (c->insn.op == EMU_INTO && !(c->rflags & EMU_OF))
		return EMU_OK;
	return emu_interrupt(c, vector, next_rip(c));
}

/* LES and its like: the pointer is the source, the register the destination. */
int emu_exec_load_far(struct emu_ctx *c)
{
	u64 sel, offset;
	int r = far_operand(c, &sel, &offset);

	if (r)
		return r;
	r = emu_load_segment(c, c->insn.op - EMU_LES, sel);
	return r ? r : emu_write_operand(c, &c->insn.dst, 0, offset);
}
