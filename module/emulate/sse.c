// SPDX-License-Identifier: GPL-2.0
/*
 * Moves between memory and vector registers. Pure, no locks.
 * Source: SDM "Instruction Set Reference", "VEX Encoding".
 */
#include "exec.h"

/* A load shorter than 16 bytes clears the rest of them; with VEX, the whole rest. */
int emu_exec_sse(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	bool to_memory = insn->dst.kind == EMU_K_MEM;
	unsigned int width = insn->size > 16 ? 32 : 16;
	u64 la, data[4] = { 0 };
	int r;

	if (c->sse_fault)
		return emu_fault(c, c->sse_fault);
	r = emu_mem_operand(c, insn->size, to_memory, &la);
	if (r)
		return r;
	if (insn->op == EMU_SSE_MOVA && (la & (insn->size - 1)))
		return emu_fault_err(c, UM_GP, 0);
	if (to_memory) {
		c->ops->vec_get(c, insn->src.reg, data, width);
		return c->ops->write(c, la, data, insn->size);
	}
	r = c->ops->read(c, la, data, insn->size, false);
	if (!r)
		c->ops->vec_set(c, insn->dst.reg, data, width, insn->flags & EMU_VEX);
	return r;
}

/* MOVLPS, MOVHPS and their like. */
int emu_exec_sse_half(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	bool high = insn->op == EMU_SSE_HIGH, to_memory = insn->dst.kind == EMU_K_MEM;
	unsigned int reg = to_memory ? insn->src.reg : insn->dst.reg;
	u64 la, data[2];
	int r;

	if (c->sse_fault)
		return emu_fault(c, c->sse_fault);
	r = emu_mem_operand(c, insn->size, to_memory, &la);
	if (r)
		return r;
	c->ops->vec_get(c, reg, data, sizeof(data));
	if (to_memory)
		return c->ops->write(c, la, &data[high], insn->size);
	r = c->ops->read(c, la, &data[high], insn->size, false);
	if (!r)
		c->ops->vec_set(c, reg, data, sizeof(data), false);
	return r;
}
