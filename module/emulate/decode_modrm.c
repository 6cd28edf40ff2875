// SPDX-License-Identifier: GPL-2.0
/*
 * The parts of an instruction around its opcode: prefixes, ModRM, SIB and displacement. Pure, no
 * locks.
 * Source: SDM "Instruction Format".
 */
#include "decode.h"

/* ES, CS, SS and DS overrides mean nothing in 64-bit mode. */
static void override(struct emu_decoder *d, unsigned int seg)
{
	if (d->bits != 64 || seg >= UM_FS)
		d->seg = seg;
}

static bool legacy_prefix(struct emu_decoder *d, u8 byte)
{
	switch (byte) {
	case 0x26: case 0x2e: case 0x36: case 0x3e:
		override(d, (byte >> 3) & 3);
		return true;
	case 0x64: case 0x65:
		override(d, byte & 7);
		return true;
	case 0x66:
		d->opsize = true;
		return true;
	case 0x67:
		d->adsize = true;
		return true;
	case 0xf0:
		d->insn->flags |= EMU_LOCK;
		return true;
	case 0xf2:
	case 0xf3:
		d->insn->flags &= ~EMU_REP;
		d->insn->flags |= byte == 0xf3 ? EMU_REPE : EMU_REPNE;
		return true;
	}
	return false;
}

/* Leaves the first opcode byte in d->opcode. A REX prefix counts only directly before it. */
void emu_take_prefixes(struct emu_decoder *d)
{
	u8 byte;

	for (;;) {
		byte = emu_take8(d);
		if (d->bits == 64 && (byte & 0xf0) == 0x40) {
			d->rex = byte;
		} else if (legacy_prefix(d, byte)) {
			d->rex = 0;
		} else {
			d->opcode = byte;
			return;
		}
	}
}

static void address16(struct emu_decoder *d)
{
	static const u8 base[8] = { UM_RBX, UM_RBX, UM_RBP, UM_RBP,
				    UM_RSI, UM_RDI, UM_RBP, UM_RBX };
	static const u8 index[8] = { UM_RSI, UM_RDI, UM_RSI, UM_RDI,
				     EMU_REG_NONE, EMU_REG_NONE, EMU_REG_NONE, EMU_REG_NONE };
	struct emu_insn *insn = d->insn;
	unsigned int rm = d->rm & 7;

	insn->base = base[rm];
	insn->index = index[rm];
	if (d->mod == 0 && rm == 6) {
		insn->base = EMU_REG_NONE;
		insn->disp = emu_take_signed(d, 2);
	} else if (d->mod) {
		insn->disp = emu_take_signed(d, d->mod);
	}
}

static void take_sib(struct emu_decoder *d)
{
	struct emu_insn *insn = d->insn;
	u8 sib = emu_take8(d);

	insn->scale = sib >> 6;
	insn->index = ((sib >> 3) & 7) | (d->rex & REX_X ? 8 : 0);
	if (insn->index == UM_RSP)
		insn->index = EMU_REG_NONE;
	insn->base = (sib & 7) | (d->rex & REX_B ? 8 : 0);
	if ((sib & 7) == UM_RBP && d->mod == 0) {
		insn->base = EMU_REG_NONE;
		insn->disp = emu_take_signed(d, 4);
	}
}

static void address32(struct emu_decoder *d)
{
	struct emu_insn *insn = d->insn;

	if ((d->rm & 7) == UM_RSP) {
		take_sib(d);
	} else if ((d->rm & 7) == UM_RBP && d->mod == 0) {
		insn->base = d->bits == 64 ? EMU_REG_RIP : EMU_REG_NONE;
		insn->disp = emu_take_signed(d, 4);
	} else {
		insn->base = d->rm;
	}
	if (d->mod)
		insn->disp = emu_take_signed(d, d->mod == 1 ? 1 : 4);
	emu_note_rsp(d, insn->base);
}

/* What the bytes after ModRM say about the memory operand. */
void emu_take_address(struct emu_decoder *d)
{
	struct emu_insn *insn = d->insn;

	if (d->mod == 3)
		return;
	if (insn->asize == 2)
		address16(d);
	else
		address32(d);
	if (d->seg != SEG_DEFAULT)
		insn->seg = d->seg;
	else if (insn->base == UM_RBP || insn->base == UM_RSP)
		insn->seg = UM_SS_SEG;
}

void emu_take_modrm(struct emu_decoder *d)
{
	u8 modrm = emu_take8(d);

	d->mod = modrm >> 6;
	d->modrm_reg = (modrm >> 3) & 7;
	d->reg = d->modrm_reg | (d->rex & REX_R ? 8 : 0);
	d->rm = (modrm & 7) | (d->rex & REX_B ? 8 : 0);
}
