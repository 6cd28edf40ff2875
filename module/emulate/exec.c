// SPDX-License-Identifier: GPL-2.0
/*
 * Execution of decoded instructions: memory first, then flags and registers, so that nothing is
 * committed when an access faults or must wait for userspace. Pure, no locks. Source: SDM
 * "Instruction Set Reference".
 */
#include "exec.h"

int emu_read_mem(struct emu_ctx *c, u64 la, unsigned int size, bool rmw, u64 *val)
{
	*val = 0;
	return c->ops->read(c, la, val, size, rmw);
}

static u64 selector(struct emu_ctx *c, unsigned int seg)
{
	struct emu_segment s;

	c->ops->segment(c, seg, &s);
	return s.selector;
}

int emu_read_operand(struct emu_ctx *c, const struct emu_operand *o, bool rmw,
		     struct emu_place *p)
{
	int r;

	switch (o->kind) {
	case EMU_K_REG:
		p->val = emu_reg_read(c, o->reg, o->size);
		return EMU_OK;
	case EMU_K_REG_HIGH:
		p->val = (c->gpr[o->reg] >> 8) & emu_mask(1);
		return EMU_OK;
	case EMU_K_IMM:
		p->val = c->insn.imm;
		return EMU_OK;
	case EMU_K_SREG:
		p->val = selector(c, o->reg);
		return EMU_OK;
	case EMU_K_MEM:
		r = emu_mem_operand(c, o->size, rmw, &p->la);
		return r ? r : emu_read_mem(c, p->la, o->size, rmw, &p->val);
	}
	return EMU_FAIL;
}

int emu_write_operand(struct emu_ctx *c, const struct emu_operand *o, u64 la, u64 val)
{
	switch (o->kind) {
	case EMU_K_REG:
		emu_reg_write(c, o->reg, o->size, val);
		return EMU_OK;
	case EMU_K_REG_HIGH:
		c->gpr[o->reg] &= ~(emu_mask(1) << 8);
		c->gpr[o->reg] |= (val & emu_mask(1)) << 8;
		return EMU_OK;
	case EMU_K_MEM:
		return c->ops->write(c, la, &val, o->size);
	case EMU_K_SREG:
		return emu_load_segment(c, o->reg, val);
	}
	return EMU_FAIL;
}

/*
 * Write what emu_read_operand() found at @old, changed to @val; atomically if the instruction is
 * locked.
 */
int emu_update_operand(struct emu_ctx *c, const struct emu_operand *o,
		       const struct emu_place *old, u64 val)
{
	if (o->kind == EMU_K_MEM && (c->insn.flags & EMU_LOCK))
		return c->ops->exchange(c, old->la, &old->val, &val, o->size);
	return emu_write_operand(c, o, old->la, val);
}

int emu_store(struct emu_ctx *c, u64 val)
{
	const struct emu_operand *dst = &c->insn.dst;
	u64 la = 0;
	int r = EMU_OK;

	if (dst->kind == EMU_K_MEM)
		r = emu_mem_operand(c, dst->size, true, &la);
	return r ? r : emu_write_operand(c, dst, la, val);
}

/* MOV, MOVZX, MOVSX: they differ in what the source's size leaves open. */
static int exec_mov(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	struct emu_place src;
	int r;

	r = emu_read_operand(c, &insn->src, false, &src);
	if (r)
		return r;
	if (insn->op == EMU_MOVSX)
		src.val = emu_sext(src.val, insn->src.size);
	return emu_store(c, src.val);
}

/* XCHG with memory is locked with or without the prefix. */
static int exec_xchg(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	struct emu_place dst, src;
	int r;

	c->insn.flags |= EMU_LOCK;
	r = emu_read_operand(c, &insn->dst, true, &dst);
	if (!r)
		r = emu_read_operand(c, &insn->src, false, &src);
	if (!r)
		r = emu_update_operand(c, &insn->dst, &dst, src.val);
	return r ? r : emu_write_operand(c, &insn->src, 0, dst.val);
}

static int exec_setcc(struct emu_ctx *c)
{
	return emu_store(c, emu_condition(c->insn.cond, c->rflags));
}

/*
 * The source is read, and may fault, whatever the condition says; a 4-byte destination always loses
 * its upper half.
 */
static int exec_cmovcc(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	struct emu_place dst, src;
	int r;

	r = emu_read_operand(c, &insn->src, false, &src);
	if (!r)
		r = emu_read_operand(c, &insn->dst, false, &dst);
	if (r)
		return r;
	return emu_store(c, emu_condition(insn->cond, c->rflags) ? src.val : dst.val);
}

/* MOVBE, between memory and a register. */
static int exec_movbe(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	struct emu_place src;
	int r = emu_read_operand(c, &insn->src, false, &src);

	if (r)
		return r;
	return emu_store(c, emu_swap_bytes(src.val) >> (64 - 8 * insn->size));
}

static int exec_ud(struct emu_ctx *c)
{
	return emu_fault(c, UM_UD);
}

static int (*const exec_table[EMU_NR_OPS])(struct emu_ctx *c) = {
	[EMU_ADD ... EMU_CMP] = emu_exec_alu,
	[EMU_ROL ... EMU_SAR] = emu_exec_shift,
	[EMU_BT ... EMU_BTC] = emu_exec_bit,
	[EMU_TEST] = emu_exec_alu,
	[EMU_INC ... EMU_NEG] = emu_exec_unary,
	[EMU_MUL ... EMU_IDIV] = emu_exec_muldiv,
	[EMU_IMUL_REG] = emu_exec_imul_reg,
	[EMU_SHLD ... EMU_SHRD] = emu_exec_shift_double,
	[EMU_BSF ... EMU_BSR] = emu_exec_bit_scan,
	[EMU_MOV ... EMU_MOVSX] = exec_mov,
	[EMU_XCHG] = exec_xchg,
	[EMU_XADD] = emu_exec_xadd,
	[EMU_CMPXCHG] = emu_exec_cmpxchg,
	[EMU_CMPXCHG8B] = emu_exec_cmpxchg8b,
	[EMU_SETCC] = exec_setcc,
	[EMU_CMOVCC] = exec_cmovcc,
	[EMU_PUSH] = emu_exec_push,
	[EMU_POP] = emu_exec_pop,
	[EMU_MOVS ... EMU_OUTS] = emu_exec_string,
	[EMU_SSE_MOV ... EMU_SSE_MOVA] = emu_exec_sse,
	[EMU_SSE_LOW ... EMU_SSE_HIGH] = emu_exec_sse_half,
	[EMU_MOVBE] = exec_movbe,
	[EMU_UD] = exec_ud,
	[EMU_JCC] = emu_exec_jcc,
	[EMU_LOOP] = emu_exec_loop,
	[EMU_JMP] = emu_exec_jmp,
	[EMU_CALL] = emu_exec_call,
	[EMU_RET] = emu_exec_ret,
	[EMU_JMP_FAR] = emu_exec_jmp_far,
	[EMU_CALL_FAR] = emu_exec_call_far,
	[EMU_RET_FAR] = emu_exec_ret_far,
	[EMU_INT ... EMU_INTO] = emu_exec_int,
	[EMU_IRET] = emu_exec_iret,
	[EMU_PUSHA] = emu_exec_pusha,
	[EMU_POPA] = emu_exec_popa,
	[EMU_PUSHF] = emu_exec_pushf,
	[EMU_POPF] = emu_exec_popf,
	[EMU_ENTER] = emu_exec_enter,
	[EMU_LEAVE] = emu_exec_leave,
	[EMU_LES ... EMU_LGS] = emu_exec_load_far,
	[EMU_LEA ... EMU_NOP] = emu_exec_registers,
};

int emu_exec(struct emu_ctx *c)
{
	if (c->insn.op >= EMU_NR_OPS || !exec_table[c->insn.op])
		return EMU_FAIL;
	return exec_table[c->insn.op](c);
}
