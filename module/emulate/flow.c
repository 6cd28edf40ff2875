// SPDX-License-Identifier: GPL-2.0
/*
 * Execution of what opcode_real.c adds: control flow, the stack, flags and segment
 * registers in real mode. Memory first, as in exec.c. Pure, no locks. Source: SDM
 * "Instruction Set Reference", "Real-Address Mode".
 */
#include "exec.h"

#define FLAG_TF		BIT(8)
#define FLAG_IF		BIT(9)
#define FLAG_RF		BIT(16)
#define FLAG_VM		BIT(17)
#define FLAG_AC		BIT(18)
#define FLAG_ID		BIT(21)
#define FLAGS_FIXED	BIT(1)
#define FLAGS_LOW	0x7fd5U	/* all of FLAGS that is not reserved */
#define FLAGS_AH	(EMU_CF | EMU_PF | EMU_AF | EMU_ZF | EMU_SF)

/* Low bits of the opcodes under EMU_FLAG and EMU_LOOP. */
enum { FLAG_CMC = 5, FLAG_CLC = 8, FLAG_STC, FLAG_CLI, FLAG_CLD = 12, FLAG_STD };
enum { LOOP_NE, LOOP_E, LOOP_ANY, LOOP_CXZ };

static u64 next_rip(const struct emu_ctx *c)
{
	return c->rip + c->insn.len;
}

static int jump(struct emu_ctx *c, u64 target)
{
	struct emu_segment cs;

	target &= emu_mask(c->insn.size);
	c->ops->segment(c, UM_CS, &cs);
	if (target > cs.limit)
		return emu_fault_err(c, UM_GP, 0);
	c->target = target;
	c->jumped = true;
	return EMU_OK;
}

static int jump_far(struct emu_ctx *c, u16 sel, u64 target)
{
	int r = jump(c, target);

	if (!r)
		c->ops->set_segment(c, UM_CS, sel);
	return r;
}

static void set_rsp(struct emu_ctx *c, u64 rsp)
{
	emu_reg_write(c, UM_RSP, emu_stack_size(c), rsp);
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

static int exec_jcc(struct emu_ctx *c)
{
	if (!emu_condition(c->insn.cond, c->rflags))
		return EMU_OK;
	return jump(c, next_rip(c) + c->insn.imm);
}

static int exec_loop(struct emu_ctx *c)
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
	if (!r)
		emu_reg_write(c, UM_RCX, size, count);
	return r;
}

static int exec_jmp(struct emu_ctx *c)
{
	u64 target;
	int r = near_target(c, &target);

	return r ? r : jump(c, target);
}

static int exec_call(struct emu_ctx *c)
{
	u64 target, rsp = c->gpr[UM_RSP];
	int r = near_target(c, &target);

	if (!r)
		r = jump(c, target);
	if (!r)
		r = emu_push(c, &rsp, next_rip(c), c->insn.size);
	if (!r)
		set_rsp(c, rsp);
	return r;
}

static int exec_ret(struct emu_ctx *c)
{
	u64 target, rsp = c->gpr[UM_RSP];
	int r = emu_pop(c, &rsp, &target, c->insn.size);

	if (!r)
		r = jump(c, target);
	if (!r)
		set_rsp(c, rsp + c->insn.imm);
	return r;
}

static int exec_jmp_far(struct emu_ctx *c)
{
	u64 sel, offset;
	int r = far_operand(c, &sel, &offset);

	return r ? r : jump_far(c, sel, offset);
}

static int exec_call_far(struct emu_ctx *c)
{
	u64 sel, offset, rsp = c->gpr[UM_RSP];
	int r = far_operand(c, &sel, &offset);

	if (!r)
		r = emu_push(c, &rsp, code_selector(c), c->insn.size);
	if (!r)
		r = emu_push(c, &rsp, next_rip(c), c->insn.size);
	if (!r)
		r = jump_far(c, sel, offset);
	if (!r)
		set_rsp(c, rsp);
	return r;
}

static int exec_ret_far(struct emu_ctx *c)
{
	u64 sel, offset, rsp = c->gpr[UM_RSP];
	int r = emu_pop(c, &rsp, &offset, c->insn.size);

	if (!r)
		r = emu_pop(c, &rsp, &sel, c->insn.size);
	if (!r)
		r = jump_far(c, sel, offset);
	if (!r)
		set_rsp(c, rsp + c->insn.imm);
	return r;
}

/* What FLAGS or EFLAGS become when @val is loaded at CPL 0. */
static u64 loaded_flags(const struct emu_ctx *c, u64 val)
{
	u64 mask = FLAGS_LOW;

	if (c->insn.size == 4)
		mask |= FLAG_RF | FLAG_AC | FLAG_ID;
	return (c->rflags & ~mask) | (val & mask) | FLAGS_FIXED;
}

int emu_interrupt(struct emu_ctx *c, u8 vector, u64 rip)
{
	u64 rsp = c->gpr[UM_RSP], entry;
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
		r = jump_far(c, entry >> 16, entry);
	if (r)
		return r;
	set_rsp(c, rsp);
	c->rflags &= ~(u64)(FLAG_TF | FLAG_IF | FLAG_RF | FLAG_AC);
	return EMU_OK;
}

static int exec_int(struct emu_ctx *c)
{
	u8 vector = c->insn.imm;

	if (c->insn.op == EMU_INT3)
		vector = UM_BP;
	if (c->insn.op == EMU_INTO)
		vector = UM_OF;
	if (c->insn.op == EMU_INTO && !(c->rflags & EMU_OF))
		return EMU_OK;
	return emu_interrupt(c, vector, next_rip(c));
}

static int exec_iret(struct emu_ctx *c)
{
	u64 offset, sel, flags, rsp = c->gpr[UM_RSP];
	int r = emu_pop(c, &rsp, &offset, c->insn.size);

	if (!r)
		r = emu_pop(c, &rsp, &sel, c->insn.size);
	if (!r)
		r = emu_pop(c, &rsp, &flags, c->insn.size);
	if (!r)
		r = jump_far(c, sel, offset);
	if (r)
		return r;
	set_rsp(c, rsp);
	c->rflags = loaded_flags(c, flags);
	return EMU_OK;
}

static int exec_pusha(struct emu_ctx *c)
{
	u64 rsp = c->gpr[UM_RSP];
	unsigned int reg;
	int r = EMU_OK;

	for (reg = UM_RAX; !r && reg <= UM_RDI; reg++)
		r = emu_push(c, &rsp, c->gpr[reg], c->insn.size);
	if (!r)
		set_rsp(c, rsp);
	return r;
}

static int exec_popa(struct emu_ctx *c)
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
	set_rsp(c, rsp);
	return EMU_OK;
}

static int exec_pushf(struct emu_ctx *c)
{
	u64 rsp = c->gpr[UM_RSP];
	int r = emu_push(c, &rsp, c->rflags & ~(u64)(FLAG_RF | FLAG_VM), c->insn.size);

	if (!r)
		set_rsp(c, rsp);
	return r;
}

static int exec_popf(struct emu_ctx *c)
{
	u64 flags, rsp = c->gpr[UM_RSP];
	int r = emu_pop(c, &rsp, &flags, c->insn.size);

	if (r)
		return r;
	set_rsp(c, rsp);
	c->rflags = loaded_flags(c, flags & ~(u64)FLAG_RF);
	return EMU_OK;
}

static int exec_leave(struct emu_ctx *c)
{
	u64 val, rsp = c->gpr[UM_RBP];
	int r = emu_pop(c, &rsp, &val, c->insn.size);

	if (r)
		return r;
	emu_reg_write(c, UM_RBP, c->insn.size, val);
	set_rsp(c, rsp);
	return EMU_OK;
}

/* LES and its like: the pointer is the source, the register the destination. */
static int exec_load_far(struct emu_ctx *c)
{
	u64 sel, offset;
	int r = far_operand(c, &sel, &offset);

	if (r)
		return r;
	c->ops->set_segment(c, c->insn.op - EMU_LES, sel);
	return emu_write_operand(c, &c->insn.dst, 0, offset);
}

static int exec_xlat(struct emu_ctx *c)
{
	u64 la, val, ea = c->gpr[UM_RBX] + (u8)c->gpr[UM_RAX];
	int r = emu_linear(c, c->insn.seg, ea & emu_mask(c->insn.asize), 1, false, &la);

	if (!r)
		r = emu_read_mem(c, la, 1, false, &val);
	if (!r)
		emu_reg_write(c, UM_RAX, 1, val);
	return r;
}

static void change_flag(struct emu_ctx *c)
{
	switch (c->insn.cond) {
	case FLAG_CMC:
		c->rflags ^= EMU_CF;
		break;
	case FLAG_CLC:
		c->rflags &= ~(u64)EMU_CF;
		break;
	case FLAG_STC:
		c->rflags |= EMU_CF;
		break;
	case FLAG_CLI:
		c->rflags &= ~(u64)FLAG_IF;
		break;
	case FLAG_CLD:
		c->rflags &= ~(u64)EMU_DF;
		break;
	case FLAG_STD:
		c->rflags |= EMU_DF;
		break;
	}
}

static u32 swap_bytes(u32 val)
{
	return val >> 24 | (val >> 8 & 0xff00) | (val & 0xff00) << 8 | val << 24;
}

/* What touches registers and flags alone. */
static int exec_registers(struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	unsigned int size = insn->size;
	u64 rax = c->gpr[UM_RAX];

	switch (insn->op) {
	case EMU_LEA:
		return emu_write_operand(c, &insn->dst, 0, emu_effective_address(c));
	case EMU_WIDEN:
		emu_reg_write(c, UM_RAX, size, emu_sext(rax, size / 2));
		break;
	case EMU_SIGN:
		emu_reg_write(c, UM_RDX, size, emu_sext(rax, size) < 0 ? ~0ULL : 0);
		break;
	case EMU_SAHF:
		c->rflags = (c->rflags & ~(u64)FLAGS_AH) | (rax >> 8 & FLAGS_AH);
		break;
	case EMU_LAHF:
		rax = (c->rflags & FLAGS_AH) | FLAGS_FIXED;
		emu_reg_write(c, UM_RAX, 2, rax << 8 | (u8)c->gpr[UM_RAX]);
		break;
	case EMU_FLAG:
		change_flag(c);
		break;
	case EMU_BSWAP:
		emu_reg_write(c, insn->dst.reg, 4, swap_bytes(c->gpr[insn->dst.reg]));
		break;
	}
	return EMU_OK;
}

static int (*const real_table[])(struct emu_ctx *c) = {
	[EMU_JCC - EMU_JCC] = exec_jcc,
	[EMU_LOOP - EMU_JCC] = exec_loop,
	[EMU_JMP - EMU_JCC] = exec_jmp,
	[EMU_CALL - EMU_JCC] = exec_call,
	[EMU_RET - EMU_JCC] = exec_ret,
	[EMU_JMP_FAR - EMU_JCC] = exec_jmp_far,
	[EMU_CALL_FAR - EMU_JCC] = exec_call_far,
	[EMU_RET_FAR - EMU_JCC] = exec_ret_far,
	[EMU_INT - EMU_JCC ... EMU_INTO - EMU_JCC] = exec_int,
	[EMU_IRET - EMU_JCC] = exec_iret,
	[EMU_PUSHA - EMU_JCC] = exec_pusha,
	[EMU_POPA - EMU_JCC] = exec_popa,
	[EMU_PUSHF - EMU_JCC] = exec_pushf,
	[EMU_POPF - EMU_JCC] = exec_popf,
	[EMU_LEAVE - EMU_JCC] = exec_leave,
	[EMU_LEA - EMU_JCC] = exec_registers,
	[EMU_LES - EMU_JCC ... EMU_LGS - EMU_JCC] = exec_load_far,
	[EMU_WIDEN - EMU_JCC ... EMU_FLAG - EMU_JCC] = exec_registers,
	[EMU_XLAT - EMU_JCC] = exec_xlat,
	[EMU_BSWAP - EMU_JCC ... EMU_NOP - EMU_JCC] = exec_registers,
};

int emu_exec_real(struct emu_ctx *c)
{
	return real_table[c->insn.op - EMU_JCC](c);
}
