// SPDX-License-Identifier: GPL-2.0
/*
 * The parts of an instruction around its opcode: prefixes, ModRM, SIB and displacement. Pure, no
 * locks.
 * Source: SDM "Instruction Format".
 */
#include "decode.h"

#define ESCAPE		0x0f	/* another opcode map follows, */
#define ESCAPE_38	0x38	/* after this yet another */

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

/* A REX prefix counts only directly before the opcode. */
static void take_legacy_prefixes(struct emu_decoder *d)
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

#define VEX3		0xc4	/* the prefix of three bytes */
#define VEX2		0xc5
#define VEX_MAP		0x1f
#define VEX_W		BIT(7)
#define VEX_NO_VVVV	(0xf << 3)	/* stored inverted: no third operand */
#define VEX_L		BIT(2)
#define VEX_PP		3		/* the mandatory prefix: none, 66, F3, F2 */

/* Outside 64-bit mode these bytes are LES and LDS, which have no register form. */
static bool is_vex(const struct emu_decoder *d)
{
	if (d->opcode != VEX3 && d->opcode != VEX2)
		return false;
	return d->bits == 64 || (d->next < d->end && *d->next >> 6 == 3);
}

/* W, vvvv, L and pp, which end either form of the prefix. No instruction here has a vvvv. */
static void take_vex_end(struct emu_decoder *d, u8 byte)
{
	static const u8 prefix[] = { 0, 0, EMU_REPE, EMU_REPNE };

	if ((byte & VEX_NO_VVVV) != VEX_NO_VVVV)
		d->undefined = true;
	d->vex_l = byte & VEX_L;
	d->opsize = (byte & VEX_PP) == 1;
	d->insn->flags |= EMU_VEX | prefix[byte & VEX_PP];
}

static void take_vex(struct emu_decoder *d)
{
	bool three = d->opcode == VEX3;
	u8 byte, rxb = ~emu_take8(d);

	if (d->opsize || d->rex || (d->insn->flags & (EMU_LOCK | EMU_REP)))
		d->undefined = true;
	d->map = three ? ~rxb & VEX_MAP : EMU_MAP_0F;
	byte = three ? emu_take8(d) : ~rxb & ~VEX_W;
	if (d->bits == 64)
		d->rex = REX | (rxb >> 5 & (three ? REX_R | REX_X | REX_B : REX_R)) |
			 (byte & VEX_W ? REX_W : 0);
	take_vex_end(d, byte);
	d->opcode = emu_take8(d);
}

void emu_take_prefixes(struct emu_decoder *d)
{
	take_legacy_prefixes(d);
	if (is_vex(d)) {
		take_vex(d);
		return;
	}
	if (d->opcode != ESCAPE)
		return;
	d->map = EMU_MAP_0F;
	d->opcode = emu_take8(d);
	if (d->opcode == ESCAPE_38) {
		d->map = EMU_MAP_0F38;
		d->opcode = emu_take8(d);
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
