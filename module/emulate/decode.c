// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction decoder: bytes in, struct emu_insn out, driven by the tables of opcode.c. Pure,
 * no locks.
 * Source: SDM "Instruction Format".
 */
#include "decode.h"

#define NOP_OPCODE	0x90	/* XCHG rAX, rAX by its encoding */

/* Without REX, byte registers 4 to 7 are AH, CH, DH and BH. */
static void set_reg(struct emu_decoder *d, struct emu_operand *o, unsigned int reg)
{
	if (o->size == 1 && !d->rex && reg >= 4 && reg < 8) {
		o->kind = EMU_K_REG_HIGH;
		o->reg = reg - 4;
	} else {
		o->kind = EMU_K_REG;
		o->reg = emu_note_rsp(d, reg);
	}
}

static void set_modrm_operand(struct emu_decoder *d, struct emu_operand *o)
{
	if (d->mod == 3)
		set_reg(d, o, d->rm);
	else
		o->kind = EMU_K_MEM;
}

static void set_imm(struct emu_decoder *d, struct emu_operand *o, u64 val)
{
	o->kind = EMU_K_IMM;
	d->insn->imm = val & emu_mask(o->size);
}

static void set_offset(struct emu_decoder *d, struct emu_operand *o)
{
	struct emu_insn *insn = d->insn;

	o->kind = EMU_K_MEM;
	insn->disp = emu_take(d, insn->asize);
	if (d->seg != SEG_DEFAULT)
		insn->seg = d->seg;
}

static unsigned int form_size(const struct emu_decoder *d, unsigned int form)
{
	unsigned int size = d->insn->size;

	switch (form) {
	case EMU_FORM_EB:
	case EMU_FORM_CL:
		return 1;
	case EMU_FORM_EW:
	case EMU_FORM_IW:
		return 2;
	case EMU_FORM_ED:
		return size < 4 ? size : 4;
	}
	return size;
}

static void set_immediate(struct emu_decoder *d, struct emu_operand *o, unsigned int form)
{
	switch (form) {
	case EMU_FORM_I:
		set_imm(d, o, emu_take_signed(d, o->size < 4 ? o->size : 4));
		break;
	case EMU_FORM_IB:
		set_imm(d, o, emu_take_signed(d, 1));
		break;
	case EMU_FORM_IQ:
	case EMU_FORM_IW:
		set_imm(d, o, emu_take(d, o->size));
		break;
	case EMU_FORM_P:
		set_imm(d, o, emu_take(d, o->size));
		d->insn->disp = emu_take(d, 2);
		break;
	case EMU_FORM_IWB:
		set_imm(d, o, emu_take(d, 2));
		d->insn->disp = emu_take8(d);
		break;
	case EMU_FORM_1:
		set_imm(d, o, 1);
		break;
	}
}

static void set_plain(struct emu_operand *o, unsigned int kind, unsigned int reg)
{
	o->kind = kind;
	o->reg = reg;
}

/* False: this form of the instruction is not emulated. */
static bool set_operand(struct emu_decoder *d, struct emu_operand *o, unsigned int form)
{
	o->size = form_size(d, form);
	switch (form) {
	case EMU_FORM_E:
	case EMU_FORM_EB:
	case EMU_FORM_EW:
	case EMU_FORM_ED:
		set_modrm_operand(d, o);
		break;
	case EMU_FORM_M:
	case EMU_FORM_W:
		o->kind = EMU_K_MEM;
		return d->mod != 3;
	case EMU_FORM_G:
		set_reg(d, o, d->reg);
		break;
	case EMU_FORM_Z:
		set_reg(d, o, (d->opcode & 7) | (d->rex & REX_B ? 8 : 0));
		break;
	case EMU_FORM_A:
		set_plain(o, EMU_K_REG, UM_RAX);
		break;
	case EMU_FORM_CL:
		set_plain(o, EMU_K_REG, UM_RCX);
		break;
	case EMU_FORM_S:
		set_plain(o, EMU_K_SREG, d->modrm_reg);
		return d->modrm_reg <= UM_GS;
	case EMU_FORM_V:
		set_plain(o, EMU_K_XMM, d->reg);
		break;
	case EMU_FORM_O:
		set_offset(d, o);
		break;
	case EMU_FORM_STR:
		o->kind = EMU_K_STRING;
		if (d->seg != SEG_DEFAULT)
			d->insn->seg = d->seg;
		break;
	case EMU_FORM_SO:
		set_plain(o, EMU_K_SREG, (d->opcode >> 3) & 7);
		break;
	default:
		set_immediate(d, o, form);
	}
	return true;
}

static unsigned int operand_size(const struct emu_decoder *d, unsigned int flags)
{
	if (flags & EMU_OF_BYTE)
		return 1;
	if (d->rex & REX_W)
		return 8;
	if (flags & EMU_OF_DWORD)
		return 4;
	if (d->bits == 64 && (flags & EMU_OF_NEAR))
		return 8;
	if (d->bits == 64 && (flags & EMU_OF_D64))
		return d->opsize ? 2 : 8;
	return (d->bits == 16) == d->opsize ? 4 : 2;
}

static unsigned int address_size(const struct emu_decoder *d)
{
	if (d->bits == 64)
		return d->adsize ? 4 : 8;
	return (d->bits == 16) == d->adsize ? 4 : 2;
}

static unsigned int sse_size(const struct emu_decoder *d, unsigned int flags)
{
	switch (flags & EMU_SSE_SIZE) {
	case EMU_SSE_4:
		return 4;
	case EMU_SSE_8:
		return 8;
	case EMU_SSE_DQ:
		return d->rex & REX_W ? 8 : 4;
	}
	return d->vex_l ? 32 : 16;
}

/* Find the row of an SSE opcode by its mandatory prefix: F2 and F3 go before 66. */
static const struct emu_opcode *sse_row(struct emu_decoder *d, unsigned int nr)
{
	const struct emu_opcode *row = &emu_sse[nr][d->opsize];

	if (d->insn->flags & EMU_REPNE)
		row = &emu_sse[nr][3];
	else if (d->insn->flags & EMU_REPE)
		row = &emu_sse[nr][2];
	if (d->vex_l && (row->flags & EMU_SSE_L0))
		d->undefined = true;
	return row;
}

/* The opcodes whose prefix decides what they are, beside those of SSE. */
static bool prefix_valid(const struct emu_decoder *d)
{
	unsigned int rep = d->insn->flags & EMU_REP;

	switch (d->map << 8 | d->opcode) {
	case EMU_MAP_0F << 8 | 0xbc:	/* TZCNT */
	case EMU_MAP_0F << 8 | 0xbd:	/* LZCNT */
		return !(rep & EMU_REPE);
	case EMU_MAP_0F << 8 | 0xc3:	/* MOVNTI */
		return !rep && !d->opsize;
	case EMU_MAP_0F << 8 | 0xae:	/* CLWB beside XSAVEOPT */
		return !rep && (d->modrm_reg == 7 || d->opsize);
	case EMU_MAP_0F38 << 8 | 0xf0:	/* CRC32 */
	case EMU_MAP_0F38 << 8 | 0xf1:
		return !rep;
	}
	return true;
}

/* Bytes that mean something else, or nothing, in this mode or with this prefix. */
static bool valid_here(const struct emu_decoder *d, const struct emu_opcode *row)
{
	bool sse = d->row_flags & EMU_OF_SSE;

	if (row->op == EMU_UNKNOWN || (d->bits == 64 && (d->row_flags & EMU_OF_NOT64)))
		return false;
	if (d->insn->flags & EMU_VEX)
		return sse && !(row->flags & EMU_SSE_NO_VEX);
	if (row->op == EMU_MOVSX && d->map == EMU_MAP_1)	/* else ARPL */
		return d->bits == 64;
	return sse || prefix_valid(d);
}

/* MOV to and from these has no memory operand, whatever ModRM.mod says. */
static bool on_control_register(unsigned int op)
{
	return op >= EMU_CR_READ && op <= EMU_DR_WRITE;
}

/* From the opcode to op, size and the forms of the operands. NULL: not emulated. */
static const struct emu_opcode *take_opcode(struct emu_decoder *d)
{
	const struct emu_opcode *row;
	struct emu_insn *insn = d->insn;
	unsigned int flags;

	emu_take_prefixes(d);
	if (d->map >= EMU_NR_MAPS)
		return NULL;
	row = &emu_opcodes[d->map][d->opcode];
	flags = row->flags;
	if (flags & EMU_OF_MODRM)
		emu_take_modrm(d);
	if (flags & EMU_OF_GROUP) {
		row = &emu_groups[row->op][d->modrm_reg];
		flags |= row->flags;
	}
	if (flags & EMU_OF_SSE) {
		row = sse_row(d, row->op);
		insn->size = sse_size(d, row->flags);
	} else {
		insn->size = operand_size(d, flags);
	}
	insn->op = row->op + (flags & EMU_OF_REGOP ? d->modrm_reg : 0);
	insn->asize = address_size(d);
	insn->cond = d->opcode & 0xf;
	d->row_flags = flags;
	if (!valid_here(d, row))
		return NULL;
	if (on_control_register(insn->op)) {
		insn->size = d->bits == 64 ? 8 : 4;
		d->mod = 3;
	}
	if (flags & EMU_OF_MODRM)
		emu_take_address(d);
	return row;
}

/* A third operand. */
static void take_immediate(struct emu_decoder *d)
{
	struct emu_insn *insn = d->insn;
	unsigned int size;

	if (!(d->row_flags & (EMU_OF_IMM8 | EMU_OF_IMM)))
		return;
	size = insn->size < 4 ? insn->size : 4;
	if (d->row_flags & EMU_OF_IMM8)
		size = 1;
	insn->flags |= EMU_HAS_IMM;
	insn->imm = emu_take_signed(d, size) & emu_mask(insn->size);
}

/* What the tables cannot say. */
static void fix_up(struct emu_decoder *d)
{
	struct emu_insn *insn = d->insn;

	switch (insn->op) {
	case EMU_CMPXCHG8B:
		insn->size = d->rex & REX_W ? 16 : 8;
		insn->dst.size = insn->size;
		break;
	case EMU_MOV:
		if (insn->src.kind == EMU_K_SREG && insn->dst.kind == EMU_K_MEM)
			insn->dst.size = 2;
		if (insn->dst.kind == EMU_K_SREG && insn->dst.reg == UM_CS)
			d->undefined = true;
		break;
	case EMU_XCHG:
		if (d->map == EMU_MAP_1 && d->opcode == NOP_OPCODE && !(d->rex & REX_B))
			insn->op = EMU_NOP;
		break;
	case EMU_PUSH ... EMU_POP:
	case EMU_CALL ... EMU_LEAVE:
		insn->flags |= EMU_USES_RSP | EMU_TWO_MEM;
		break;
	case EMU_MOVS ... EMU_CMPS:
	case EMU_JMP_FAR:
	case EMU_LES ... EMU_LGS:
		insn->flags |= EMU_TWO_MEM;
		break;
	case EMU_INS:
	case EMU_OUTS:
		if (insn->size == 8)
			insn->size = 4;
		break;
	}
}

/* LOCK needs a memory destination and an instruction that reads, modifies and writes it. */
static bool lock_valid(const struct emu_decoder *d, const struct emu_opcode *row)
{
	unsigned int op = d->insn->op;

	if (!(d->insn->flags & EMU_LOCK))
		return true;
	if (d->insn->dst.kind != EMU_K_MEM)
		return false;
	if (op >= EMU_ADD && op <= EMU_XOR)
		return row->dst == EMU_FORM_E;
	return (op >= EMU_BTS && op <= EMU_BTC) || (op >= EMU_INC && op <= EMU_NEG) ||
	       (op >= EMU_XCHG && op <= EMU_CMPXCHG8B);
}

enum emu_decode_status emu_decode(struct emu_insn *insn, const u8 *bytes, unsigned int len,
				  unsigned int bits)
{
	struct emu_decoder d = {
		.insn = insn,
		.next = bytes,
		.end = bytes + (len < EMU_MAX_LEN ? len : EMU_MAX_LEN),
		.bits = bits,
		.seg = SEG_DEFAULT,
	};
	const struct emu_opcode *row;
	bool known;

	*insn = (struct emu_insn){ .seg = UM_DS, .base = EMU_REG_NONE, .index = EMU_REG_NONE };
	row = take_opcode(&d);
	known = row && set_operand(&d, &insn->dst, row->dst) &&
		set_operand(&d, &insn->src, row->src);
	if (known)
		take_immediate(&d);
	if (d.over)
		return len < EMU_MAX_LEN ? EMU_DECODE_SHORT : EMU_DECODE_LONG;
	if (!known)
		return EMU_DECODE_UNKNOWN;
	fix_up(&d);
	if (d.undefined || !lock_valid(&d, row))
		return EMU_DECODE_UD;
	insn->len = d.next - bytes;
	return EMU_DECODED;
}
