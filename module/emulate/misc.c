// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions on registers and flags alone, which code that cannot run elsewhere needs too. Pure,
 * no locks.
 * Source: SDM "Instruction Set Reference".
 */
#include "exec.h"

#define FLAGS_AH	(EMU_CF | EMU_PF | EMU_AF | EMU_ZF | EMU_SF)

/* Low bits of the opcodes under EMU_FLAG. */
enum { FLAG_CMC = 5, FLAG_CLC = 8, FLAG_STC, FLAG_CLI, FLAG_CLD = 12, FLAG_STD };

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

static int change_flag(struct emu_ctx *c)
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
		if (c->cpl > emu_iopl(c))
			return emu_fault_err(c, UM_GP, 0);
		c->rflags &= ~(u64)EMU_IF;
		break;
	case FLAG_CLD:
		c->rflags &= ~(u64)EMU_DF;
		break;
	case FLAG_STD:
		c->rflags |= EMU_DF;
		break;
	}
	return EMU_OK;
}

/* CLFLUSH and its like are checked as a load of a byte is. */
static int exec_nop(struct emu_ctx *c)
{
	u64 la;

	return c->insn.src.kind == EMU_K_MEM ? emu_mem_operand(c, 1, false, &la) : EMU_OK;
}

int emu_exec_registers(struct emu_ctx *c)
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
		rax = (c->rflags & FLAGS_AH) | EMU_FIXED;
		emu_reg_write(c, UM_RAX, 2, rax << 8 | (u8)c->gpr[UM_RAX]);
		break;
	case EMU_FLAG:
		return change_flag(c);
	case EMU_XLAT:
		return exec_xlat(c);
	case EMU_NOP:
		return exec_nop(c);
	case EMU_BSWAP:
		size = size < 4 ? 4 : size;	/* 2 bytes are undefined */
		rax = emu_swap_bytes(c->gpr[insn->dst.reg]) >> (64 - 8 * size);
		emu_reg_write(c, insn->dst.reg, size, rax);
		break;
	}
	return EMU_OK;
}
