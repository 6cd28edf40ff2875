// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions that compute: operands in, alu.c or muldiv.c, result and flags out. Pure, no locks.
 * Source: SDM "Instruction Set Reference".
 */
#include "exec.h"

int emu_exec_alu(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	bool update = insn->op != EMU_CMP && insn->op != EMU_TEST;
	struct emu_place dst, src;
	u64 res, flags = c->rflags;
	int r;

	r = emu_read_operand(c, &insn->dst, update, &dst);
	if (!r)
		r = emu_read_operand(c, &insn->src, false, &src);
	if (r)
		return r;
	res = emu_alu(insn->op, dst.val, src.val, insn->size, &flags);
	if (update)
		r = emu_update_operand(c, &insn->dst, &dst, res);
	if (!r)
		c->rflags = flags;
	return r;
}

int emu_exec_unary(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	u64 res, flags = c->rflags;
	struct emu_place dst;
	int r;

	r = emu_read_operand(c, &insn->dst, true, &dst);
	if (r)
		return r;
	if (insn->op == EMU_NOT)
		res = ~dst.val & emu_mask(insn->size);
	else if (insn->op == EMU_NEG)
		res = emu_neg(dst.val, insn->size, &flags);
	else
		res = emu_incdec(insn->op == EMU_INC, dst.val, insn->size, &flags);
	r = emu_update_operand(c, &insn->dst, &dst, res);
	if (!r)
		c->rflags = flags;
	return r;
}

int emu_exec_shift(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	struct emu_place dst, src;
	u64 res, flags = c->rflags;
	int r;

	r = emu_read_operand(c, &insn->dst, true, &dst);
	if (!r)
		r = emu_read_operand(c, &insn->src, false, &src);
	if (r)
		return r;
	res = emu_shift(insn->op, dst.val, src.val, insn->size, &flags);
	r = emu_update_operand(c, &insn->dst, &dst, res);
	if (!r)
		c->rflags = flags;
	return r;
}

/* MUL, IMUL, DIV and IDIV on rDX:rAX, or AH:AL for bytes. */
int emu_exec_muldiv(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	unsigned int size = insn->size;
	u64 lo = emu_reg_read(c, UM_RAX, size), flags = c->rflags;
	u64 hi = size == 1 ? (c->gpr[UM_RAX] >> 8) & emu_mask(1) : emu_reg_read(c, UM_RDX, size);
	struct emu_place src;
	int r;

	r = emu_read_operand(c, &insn->src, false, &src);
	if (r)
		return r;
	if (!emu_muldiv(insn->op, &hi, &lo, src.val, size, &flags))
		return emu_fault(c, UM_DE);
	c->rflags = flags;
	if (size == 1) {
		emu_reg_write(c, UM_RAX, 2, hi << 8 | lo);
	} else {
		emu_reg_write(c, UM_RAX, size, lo);
		emu_reg_write(c, UM_RDX, size, hi);
	}
	return EMU_OK;
}

int emu_exec_imul_reg(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	u64 other = insn->imm;
	struct emu_place src;
	int r;

	r = emu_read_operand(c, &insn->src, false, &src);
	if (r)
		return r;
	if (!(insn->flags & EMU_HAS_IMM))
		other = emu_reg_read(c, insn->dst.reg, insn->size);
	other = emu_imul(src.val, other, insn->size, &c->rflags);
	emu_reg_write(c, insn->dst.reg, insn->size, other);
	return EMU_OK;
}

int emu_exec_shift_double(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	unsigned int count = insn->flags & EMU_HAS_IMM ? insn->imm : c->gpr[UM_RCX];
	struct emu_place dst, src;
	u64 res, flags = c->rflags;
	int r;

	r = emu_read_operand(c, &insn->dst, true, &dst);
	if (!r)
		r = emu_read_operand(c, &insn->src, false, &src);
	if (r)
		return r;
	res = emu_shift_double(insn->op == EMU_SHLD, dst.val, src.val, count, insn->size, &flags);
	r = emu_update_operand(c, &insn->dst, &dst, res);
	if (!r)
		c->rflags = flags;
	return r;
}

/* With nothing found the destination stays as it is. */
int emu_exec_bit_scan(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	struct emu_place src;
	u64 nr = 0;
	int r;

	r = emu_read_operand(c, &insn->src, false, &src);
	if (r)
		return r;
	c->rflags = (c->rflags & ~(u64)EMU_ZF) | (src.val ? 0 : EMU_ZF);
	if (!src.val)
		return EMU_OK;
	if (insn->op == EMU_BSF)
		while (!((src.val >> nr) & 1))
			nr++;
	else
		while (src.val >> nr >> 1)
			nr++;
	emu_reg_write(c, insn->dst.reg, insn->size, nr);
	return EMU_OK;
}

/* A bit offset in a register reaches beyond the memory operand, in units of its size. */
static int read_bit_string(struct emu_ctx *c, u64 offset, bool rmw, struct emu_place *p)
{
	const struct emu_insn *insn = &c->insn;
	u64 ea = emu_effective_address(c);
	int r;

	if (insn->src.kind == EMU_K_REG)
		ea += (emu_sext(offset, insn->size) >> 3) & ~(s64)(insn->size - 1);
	r = emu_linear(c, insn->seg, ea & emu_mask(insn->asize), insn->size, rmw, &p->la);
	return r ? r : emu_read_mem(c, p->la, insn->size, rmw, &p->val);
}

static u64 changed_bit(unsigned int op, u64 val, u64 bit)
{
	switch (op) {
	case EMU_BTS:
		return val | bit;
	case EMU_BTR:
		return val & ~bit;
	}
	return val ^ bit;
}

int emu_exec_bit(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	bool update = insn->op != EMU_BT;
	struct emu_place dst, src;
	u64 bit;
	int r;

	r = emu_read_operand(c, &insn->src, false, &src);
	if (r)
		return r;
	if (insn->dst.kind == EMU_K_MEM)
		r = read_bit_string(c, src.val, update, &dst);
	else
		r = emu_read_operand(c, &insn->dst, update, &dst);
	if (r)
		return r;
	bit = BIT_ULL(src.val & (8 * insn->size - 1));
	if (update)
		r = emu_update_operand(c, &insn->dst, &dst, changed_bit(insn->op, dst.val, bit));
	if (!r)
		c->rflags = (c->rflags & ~(u64)EMU_CF) | (dst.val & bit ? EMU_CF : 0);
	return r;
}

int emu_exec_xadd(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	struct emu_place dst, src;
	u64 res, flags = c->rflags;
	int r;

	r = emu_read_operand(c, &insn->dst, true, &dst);
	if (!r)
		r = emu_read_operand(c, &insn->src, false, &src);
	if (r)
		return r;
	res = emu_alu(EMU_ADD, dst.val, src.val, insn->size, &flags);
	if (insn->dst.kind == EMU_K_MEM)
		r = emu_update_operand(c, &insn->dst, &dst, res);
	if (r)
		return r;
	c->rflags = flags;
	r = emu_write_operand(c, &insn->src, 0, dst.val);
	/* The sum wins when both are the same register. */
	if (insn->dst.kind != EMU_K_MEM)
		r = emu_write_operand(c, &insn->dst, 0, res);
	return r;
}

int emu_exec_cmpxchg(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	u64 acc = emu_reg_read(c, UM_RAX, insn->size), flags = c->rflags;
	struct emu_place dst, src;
	bool equal;
	int r;

	r = emu_read_operand(c, &insn->dst, true, &dst);
	if (!r)
		r = emu_read_operand(c, &insn->src, false, &src);
	if (r)
		return r;
	emu_alu(EMU_CMP, acc, dst.val, insn->size, &flags);
	equal = acc == dst.val;
	if (equal || insn->dst.kind == EMU_K_MEM)	/* memory is written either way */
		r = emu_update_operand(c, &insn->dst, &dst, equal ? src.val : dst.val);
	if (r)
		return r;
	c->rflags = flags;
	if (!equal)
		emu_reg_write(c, UM_RAX, insn->size, dst.val);
	return EMU_OK;
}

/* The 8 or 16 bytes that two registers hold. */
static void pair_read(const struct emu_ctx *c, unsigned int hi, unsigned int lo, u64 pair[2])
{
	if (c->insn.size == 16) {
		pair[0] = c->gpr[lo];
		pair[1] = c->gpr[hi];
	} else {
		pair[0] = emu_reg_read(c, lo, 4) | emu_reg_read(c, hi, 4) << 32;
		pair[1] = 0;
	}
}

static void pair_write(struct emu_ctx *c, unsigned int hi, unsigned int lo, const u64 pair[2])
{
	bool wide = c->insn.size == 16;

	emu_reg_write(c, lo, wide ? 8 : 4, pair[0]);
	emu_reg_write(c, hi, wide ? 8 : 4, wide ? pair[1] : pair[0] >> 32);
}

int emu_exec_cmpxchg8b(struct emu_ctx *c)
{
	unsigned int size = c->insn.size;
	u64 old[2] = { 0 }, expect[2], new[2], la;
	bool equal;
	int r;

	r = emu_mem_operand(c, size, true, &la);
	if (!r && size == 16 && (la & (size - 1)))
		r = emu_fault_err(c, UM_GP, 0);
	if (!r)
		r = c->ops->read(c, la, old, size, true);
	if (r)
		return r;
	pair_read(c, UM_RDX, UM_RAX, expect);
	pair_read(c, UM_RCX, UM_RBX, new);
	equal = old[0] == expect[0] && old[1] == expect[1];
	if (c->insn.flags & EMU_LOCK)
		r = c->ops->exchange(c, la, old, equal ? new : old, size);
	else
		r = c->ops->write(c, la, equal ? new : old, size);
	if (r)
		return r;
	c->rflags = (c->rflags & ~(u64)EMU_ZF) | (equal ? EMU_ZF : 0);
	if (!equal)
		pair_write(c, UM_RDX, UM_RAX, old);
	return EMU_OK;
}
