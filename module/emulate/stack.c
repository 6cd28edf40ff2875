// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions that move data to and from the stack. Memory first, as in exec.c. Pure, no locks.
 * Source: SDM "Stack Behavior", "Instruction Set Reference".
 */
#include "exec.h"

#define ENTER_LEVELS	32

unsigned int emu_stack_size(struct emu_ctx *c)
{
	struct emu_segment s;

	if (c->bits == 64)
		return 8;
	c->ops->segment(c, UM_SS_SEG, &s);
	return s.db ? 4 : 2;
}

void emu_set_rsp(struct emu_ctx *c, u64 rsp)
{
	emu_reg_write(c, UM_RSP, emu_stack_size(c), rsp);
}

/* The slot has @size bytes, of which @len are written. */
static int push_part(struct emu_ctx *c, u64 *rsp, u64 val, unsigned int size, unsigned int len)
{
	u64 la, top = (*rsp - size) & emu_mask(emu_stack_size(c));
	int r = emu_linear(c, UM_SS_SEG, top, len, true, &la);

	if (!r)
		r = c->ops->write(c, la, &val, len);
	if (!r)
		*rsp = top;
	return r;
}

int emu_push(struct emu_ctx *c, u64 *rsp, u64 val, unsigned int size)
{
	return push_part(c, rsp, val, size, size);
}

int emu_pop(struct emu_ctx *c, u64 *rsp, u64 *val, unsigned int size)
{
	u64 la, mask = emu_mask(emu_stack_size(c));
	int r = emu_linear(c, UM_SS_SEG, *rsp & mask, size, false, &la);

	if (!r)
		r = emu_read_mem(c, la, size, false, val);
	if (!r)
		*rsp = (*rsp + size) & mask;
	return r;
}

/* A selector pushed as 4 bytes writes 2 of them. */
int emu_exec_push(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	u64 rsp = c->gpr[UM_RSP];
	struct emu_place src;
	unsigned int len = insn->size;
	int r;

	r = emu_read_operand(c, &insn->src, false, &src);
	if (insn->src.kind == EMU_K_SREG && len == 4)
		len = 2;
	if (!r)
		r = push_part(c, &rsp, src.val, insn->size, len);
	if (!r)
		emu_set_rsp(c, rsp);
	return r;
}

/* The destination's address is formed after RSP was incremented. */
int emu_exec_pop(struct emu_ctx *c)
{
	u64 val, old = c->gpr[UM_RSP], rsp = old;
	int r = emu_pop(c, &rsp, &val, c->insn.size);

	if (r)
		return r;
	emu_set_rsp(c, rsp);
	r = emu_store(c, val);
	if (r)
		c->gpr[UM_RSP] = old;
	return r;
}

int emu_exec_pusha(struct emu_ctx *c)
{
	u64 rsp = c->gpr[UM_RSP];
	unsigned int reg;
	int r = EMU_OK;

	for (reg = UM_RAX; !r && reg <= UM_RDI; reg++)
		r = emu_push(c, &rsp, c->gpr[reg], c->insn.size);
	if (!r)
		emu_set_rsp(c, rsp);
	return r;
}

int emu_exec_popa(struct emu_ctx *c)
{
	u64 val[UM_RDI + 1], rsp = c->gpr[UM_RSP];
	unsigned int reg;
	int r = EMU_OK;

	for (reg = UM_RDI + 1; !r && reg-- > 0;)
		r = emu_pop(c, &rsp, &val[reg], c->insn.size);
	if (r)
		return r;
	for (reg = UM_RAX; reg <= UM_RDI; reg++)
		if (reg != UM_RSP)
			emu_reg_write(c, reg, c->insn.size, val[reg]);
	emu_set_rsp(c, rsp);
	return EMU_OK;
}

/* Virtual-8086 mode may not touch FLAGS without IOPL 3. */
static bool flags_allowed(const struct emu_ctx *c)
{
	return !(c->rflags & EMU_VM) || emu_iopl(c) == 3;
}

int emu_exec_pushf(struct emu_ctx *c)
{
	u64 rsp = c->gpr[UM_RSP];
	int r;

	if (!flags_allowed(c))
		return emu_fault_err(c, UM_GP, 0);
	r = emu_push(c, &rsp, c->rflags & ~(u64)(EMU_RF | EMU_VM), c->insn.size);
	if (!r)
		emu_set_rsp(c, rsp);
	return r;
}

int emu_exec_popf(struct emu_ctx *c)
{
	u64 flags, rsp = c->gpr[UM_RSP];
	int r;

	if (!flags_allowed(c))
		return emu_fault_err(c, UM_GP, 0);
	r = emu_pop(c, &rsp, &flags, c->insn.size);
	if (r)
		return r;
	emu_set_rsp(c, rsp);
	c->rflags = emu_loaded_flags(c, flags & ~(u64)EMU_RF);
	return EMU_OK;
}

/* The frame pointers of the enclosing levels, from the old frame to the new one. */
static int copy_display(struct emu_ctx *c, u64 *rsp, u64 frame, unsigned int level)
{
	u64 la, val, rbp = c->gpr[UM_RBP], mask = emu_mask(emu_stack_size(c));
	unsigned int size = c->insn.size;
	int r = EMU_OK;

	while (!r && --level) {
		rbp -= size;
		r = emu_linear(c, UM_SS_SEG, rbp & mask, size, false, &la);
		if (!r)
			r = emu_read_mem(c, la, size, false, &val);
		if (!r)
			r = emu_push(c, rsp, val, size);
	}
	return r ? r : emu_push(c, rsp, frame, size);
}

/* It faults as a write at the final top of the stack would. */
int emu_exec_enter(struct emu_ctx *c)
{
	unsigned int size = c->insn.size, level = c->insn.disp % ENTER_LEVELS;
	u64 la, frame, rsp = c->gpr[UM_RSP], mask = emu_mask(emu_stack_size(c));
	int r = emu_push(c, &rsp, c->gpr[UM_RBP], size);

	frame = (c->gpr[UM_RSP] & ~mask) | rsp;
	if (!r && level)
		r = copy_display(c, &rsp, frame, level);
	rsp = (rsp - c->insn.imm) & mask;
	if (!r)
		r = emu_linear(c, UM_SS_SEG, rsp, size, true, &la);
	if (!r)
		r = c->ops->probe(c, la, size);
	if (r)
		return r;
	emu_reg_write(c, UM_RBP, size, frame);
	emu_set_rsp(c, rsp);
	return EMU_OK;
}

int emu_exec_leave(struct emu_ctx *c)
{
	u64 val, rsp = c->gpr[UM_RBP];
	int r = emu_pop(c, &rsp, &val, c->insn.size);

	if (r)
		return r;
	emu_reg_write(c, UM_RBP, c->insn.size, val);
	emu_set_rsp(c, rsp);
	return EMU_OK;
}
