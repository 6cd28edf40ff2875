// SPDX-License-Identifier: GPL-2.0
/*
 * Execution of decoded instructions: memory first, then flags and registers, so that nothing is committed when an
 * access faults or must wait for userspace. Pure, no locks. Source: SDM "Instruction Set Reference".
 */
#include "emulate.h"

/* An operand's value, and where it is if it is in memory. */
struct place {
	u64 la;
	u64 val;
};

static int read_mem(struct emu_ctx *c, u64 la, unsigned int size, bool rmw, u64 *val)
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

static int read_operand(struct emu_ctx *c, const struct emu_operand *o, bool rmw, struct place *p)
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
		return r ? r : read_mem(c, p->la, o->size, rmw, &p->val);
	}
	return EMU_FAIL;
}

static int write_operand(struct emu_ctx *c, const struct emu_operand *o, u64 la, u64 val)
{
	switch (o->kind) {
	case EMU_K_REG:
		emu_reg_write(c, o->reg, o->size, val);
		return EMU_OK;
	case EMU_K_REG_HIGH:
		c->gpr[o->reg] = (c->gpr[o->reg] & ~(emu_mask(1) << 8)) | ((val & emu_mask(1)) << 8);
		return EMU_OK;
	case EMU_K_MEM:
		return c->ops->write(c, la, &val, o->size);
	}
	return EMU_FAIL;
}

/* Write what read_operand() found at @old, changed to @val; atomically if the instruction is locked. */
static int update_operand(struct emu_ctx *c, const struct emu_operand *o, const struct place *old, u64 val)
{
	if (o->kind == EMU_K_MEM && (c->insn.flags & EMU_LOCK))
		return c->ops->exchange(c, old->la, &old->val, &val, o->size);
	return write_operand(c, o, old->la, val);
}

/* Write to the destination of an instruction that does not read it. */
static int store(struct emu_ctx *c, u64 val)
{
	const struct emu_operand *dst = &c->insn.dst;
	u64 la = 0;
	int r = EMU_OK;

	if (dst->kind == EMU_K_MEM)
		r = emu_mem_operand(c, dst->size, true, &la);
	return r ? r : write_operand(c, dst, la, val);
}

static int exec_alu(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	bool update = insn->op != EMU_CMP && insn->op != EMU_TEST;
	struct place dst, src;
	u64 res, flags = c->rflags;
	int r;

	r = read_operand(c, &insn->dst, update, &dst);
	if (!r)
		r = read_operand(c, &insn->src, false, &src);
	if (r)
		return r;
	res = emu_alu(insn->op, dst.val, src.val, insn->size, &flags);
	if (update)
		r = update_operand(c, &insn->dst, &dst, res);
	if (!r)
		c->rflags = flags;
	return r;
}

static int exec_unary(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	u64 res, flags = c->rflags;
	struct place dst;
	int r;

	r = read_operand(c, &insn->dst, true, &dst);
	if (r)
		return r;
	if (insn->op == EMU_NOT)
		res = ~dst.val & emu_mask(insn->size);
	else if (insn->op == EMU_NEG)
		res = emu_neg(dst.val, insn->size, &flags);
	else
		res = emu_incdec(insn->op == EMU_INC, dst.val, insn->size, &flags);
	r = update_operand(c, &insn->dst, &dst, res);
	if (!r)
		c->rflags = flags;
	return r;
}

static int exec_shift(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	struct place dst, src;
	u64 res, flags = c->rflags;
	int r;

	r = read_operand(c, &insn->dst, true, &dst);
	if (!r)
		r = read_operand(c, &insn->src, false, &src);
	if (r)
		return r;
	res = emu_shift(insn->op, dst.val, src.val, insn->size, &flags);
	r = update_operand(c, &insn->dst, &dst, res);
	if (!r)
		c->rflags = flags;
	return r;
}

/* MUL, IMUL, DIV and IDIV on rDX:rAX, or AH:AL for bytes. */
static int exec_muldiv(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	unsigned int size = insn->size;
	u64 lo = emu_reg_read(c, UM_RAX, size), flags = c->rflags;
	u64 hi = size == 1 ? (c->gpr[UM_RAX] >> 8) & emu_mask(1) : emu_reg_read(c, UM_RDX, size);
	struct place src;
	int r;

	r = read_operand(c, &insn->src, false, &src);
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

static int exec_imul_reg(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	u64 other = insn->flags & EMU_HAS_IMM ? insn->imm : emu_reg_read(c, insn->dst.reg, insn->size);
	struct place src;
	int r;

	r = read_operand(c, &insn->src, false, &src);
	if (r)
		return r;
	emu_reg_write(c, insn->dst.reg, insn->size, emu_imul(src.val, other, insn->size, &c->rflags));
	return EMU_OK;
}

static int exec_shift_double(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	unsigned int count = insn->flags & EMU_HAS_IMM ? insn->imm : c->gpr[UM_RCX];
	struct place dst, src;
	u64 res, flags = c->rflags;
	int r;

	r = read_operand(c, &insn->dst, true, &dst);
	if (!r)
		r = read_operand(c, &insn->src, false, &src);
	if (r)
		return r;
	res = emu_shift_double(insn->op == EMU_SHLD, dst.val, src.val, count, insn->size, &flags);
	r = update_operand(c, &insn->dst, &dst, res);
	if (!r)
		c->rflags = flags;
	return r;
}

/* With nothing found the destination stays as it is. */
static int exec_bit_scan(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	struct place src;
	u64 nr = 0;
	int r;

	r = read_operand(c, &insn->src, false, &src);
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
static int read_bit_string(struct emu_ctx *c, u64 offset, bool rmw, struct place *p)
{
	const struct emu_insn *insn = &c->insn;
	u64 ea = emu_effective_address(c);
	int r;

	if (insn->src.kind == EMU_K_REG)
		ea += (emu_sext(offset, insn->size) >> 3) & ~(s64)(insn->size - 1);
	r = emu_linear(c, insn->seg, ea & emu_mask(insn->asize), insn->size, rmw, &p->la);
	return r ? r : read_mem(c, p->la, insn->size, rmw, &p->val);
}

static int exec_bit(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	bool update = insn->op != EMU_BT;
	struct place dst, src;
	u64 bit, res;
	int r;

	r = read_operand(c, &insn->src, false, &src);
	if (r)
		return r;
	if (insn->dst.kind == EMU_K_MEM)
		r = read_bit_string(c, src.val, update, &dst);
	else
		r = read_operand(c, &insn->dst, update, &dst);
	if (r)
		return r;
	bit = 1ULL << (src.val & (8 * insn->size - 1));
	res = insn->op == EMU_BTS ? dst.val | bit : insn->op == EMU_BTR ? dst.val & ~bit : dst.val ^ bit;
	if (update)
		r = update_operand(c, &insn->dst, &dst, res);
	if (!r)
		c->rflags = (c->rflags & ~(u64)EMU_CF) | (dst.val & bit ? EMU_CF : 0);
	return r;
}

/* MOV, MOVZX, MOVSX: they differ in what the source's size leaves open. */
static int exec_mov(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	struct place src;
	int r;

	r = read_operand(c, &insn->src, false, &src);
	if (r)
		return r;
	return store(c, insn->op == EMU_MOVSX ? (u64)emu_sext(src.val, insn->src.size) : src.val);
}

/* XCHG with memory is locked with or without the prefix. */
static int exec_xchg(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	struct place dst, src;
	int r;

	c->insn.flags |= EMU_LOCK;
	r = read_operand(c, &insn->dst, true, &dst);
	if (!r)
		r = read_operand(c, &insn->src, false, &src);
	if (!r)
		r = update_operand(c, &insn->dst, &dst, src.val);
	return r ? r : write_operand(c, &insn->src, 0, dst.val);
}

static int exec_xadd(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	struct place dst, src;
	u64 res, flags = c->rflags;
	int r;

	r = read_operand(c, &insn->dst, true, &dst);
	if (!r)
		r = read_operand(c, &insn->src, false, &src);
	if (r)
		return r;
	res = emu_alu(EMU_ADD, dst.val, src.val, insn->size, &flags);
	if (insn->dst.kind == EMU_K_MEM)
		r = update_operand(c, &insn->dst, &dst, res);
	if (r)
		return r;
	c->rflags = flags;
	r = write_operand(c, &insn->src, 0, dst.val);
	if (insn->dst.kind != EMU_K_MEM)	/* last: the sum wins when both are the same register */
		r = write_operand(c, &insn->dst, 0, res);
	return r;
}

static int exec_cmpxchg(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	u64 acc = emu_reg_read(c, UM_RAX, insn->size), flags = c->rflags;
	struct place dst, src;
	bool equal;
	int r;

	r = read_operand(c, &insn->dst, true, &dst);
	if (!r)
		r = read_operand(c, &insn->src, false, &src);
	if (r)
		return r;
	emu_alu(EMU_CMP, acc, dst.val, insn->size, &flags);
	equal = acc == dst.val;
	if (equal || insn->dst.kind == EMU_K_MEM)	/* memory is written either way */
		r = update_operand(c, &insn->dst, &dst, equal ? src.val : dst.val);
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

static int exec_cmpxchg8b(struct emu_ctx *c)
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

static int exec_setcc(struct emu_ctx *c)
{
	return store(c, emu_condition(c->insn.cond, c->rflags));
}

/* The source is read, and may fault, whatever the condition says; a 4-byte destination always loses its upper half. */
static int exec_cmovcc(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	struct place dst, src;
	int r;

	r = read_operand(c, &insn->src, false, &src);
	if (!r)
		r = read_operand(c, &insn->dst, false, &dst);
	if (r)
		return r;
	return store(c, emu_condition(insn->cond, c->rflags) ? src.val : dst.val);
}

/* Size of the stack pointer. */
static unsigned int stack_size(struct emu_ctx *c)
{
	struct emu_segment s;

	if (c->bits == 64)
		return 8;
	c->ops->segment(c, UM_SS_SEG, &s);
	return s.db ? 4 : 2;
}

static int exec_push(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	unsigned int width = stack_size(c);
	u64 la, rsp = (c->gpr[UM_RSP] - insn->size) & emu_mask(width);
	struct place src;
	int r;

	r = read_operand(c, &insn->src, false, &src);
	if (!r)
		r = emu_linear(c, UM_SS_SEG, rsp, insn->size, true, &la);
	if (!r)
		r = c->ops->write(c, la, &src.val, insn->size);
	if (!r)
		emu_reg_write(c, UM_RSP, width, rsp);
	return r;
}

/* The destination's address is formed after RSP was incremented. */
static int exec_pop(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	unsigned int width = stack_size(c);
	u64 la, val, rsp = c->gpr[UM_RSP];
	int r;

	r = emu_linear(c, UM_SS_SEG, rsp & emu_mask(width), insn->size, false, &la);
	if (!r)
		r = read_mem(c, la, insn->size, false, &val);
	if (r)
		return r;
	emu_reg_write(c, UM_RSP, width, rsp + insn->size);
	r = store(c, val);
	if (r)
		c->gpr[UM_RSP] = rsp;
	return r;
}

/* A load shorter than 16 bytes clears the rest of the register. */
static int exec_sse(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	bool to_memory = insn->dst.kind == EMU_K_MEM;
	u64 la, data[2] = { 0 };
	int r;

	if (c->sse_fault)
		return emu_fault(c, c->sse_fault);
	r = emu_mem_operand(c, insn->size, to_memory, &la);
	if (r)
		return r;
	if (insn->op == EMU_SSE_MOVA && (la & (insn->size - 1)))
		return emu_fault_err(c, UM_GP, 0);
	if (to_memory) {
		c->ops->xmm_get(c, insn->src.reg, data);
		return c->ops->write(c, la, data, insn->size);
	}
	r = c->ops->read(c, la, data, insn->size, false);
	if (!r)
		c->ops->xmm_set(c, insn->dst.reg, data);
	return r;
}

static int exec_ud(struct emu_ctx *c)
{
	return emu_fault(c, UM_UD);
}

static int (*const exec_table[EMU_NR_OPS])(struct emu_ctx *c) = {
	[EMU_ADD ... EMU_CMP] = exec_alu,
	[EMU_ROL ... EMU_SAR] = exec_shift,
	[EMU_BT ... EMU_BTC] = exec_bit,
	[EMU_TEST] = exec_alu,
	[EMU_INC ... EMU_NEG] = exec_unary,
	[EMU_MUL ... EMU_IDIV] = exec_muldiv,
	[EMU_IMUL_REG] = exec_imul_reg,
	[EMU_SHLD ... EMU_SHRD] = exec_shift_double,
	[EMU_BSF ... EMU_BSR] = exec_bit_scan,
	[EMU_MOV ... EMU_MOVSX] = exec_mov,
	[EMU_XCHG] = exec_xchg,
	[EMU_XADD] = exec_xadd,
	[EMU_CMPXCHG] = exec_cmpxchg,
	[EMU_CMPXCHG8B] = exec_cmpxchg8b,
	[EMU_SETCC] = exec_setcc,
	[EMU_CMOVCC] = exec_cmovcc,
	[EMU_PUSH] = exec_push,
	[EMU_POP] = exec_pop,
	[EMU_MOVS ... EMU_OUTS] = emu_exec_string,
	[EMU_SSE_MOV ... EMU_SSE_MOVA] = exec_sse,
	[EMU_UD] = exec_ud,
};

int emu_exec(struct emu_ctx *c)
{
	if (c->insn.op >= EMU_NR_OPS || !exec_table[c->insn.op])
		return EMU_FAIL;
	return exec_table[c->insn.op](c);
}
