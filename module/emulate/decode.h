/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the decoder share: the instruction being decoded and the bytes that are left of
 * it. Pure, no locks.
 */
#ifndef UM_EMULATE_DECODE_H
#define UM_EMULATE_DECODE_H

#include "emulate.h"

/* The REX prefix. */
#define REX_B	BIT(0)
#define REX_X	BIT(1)
#define REX_R	BIT(2)
#define REX_W	BIT(3)
#define REX	BIT(6)	/* set in every REX prefix, also one without W, R, X and B */

#define SEG_DEFAULT	EMU_REG_NONE

struct emu_decoder {
	struct emu_insn *insn;
	const u8 *next, *end;
	u8 bits;
	bool over;		/* bytes were asked for beyond the end */
	bool opsize, adsize;	/* prefixes 66 and 67 */
	bool undefined;		/* #UD, whatever follows */
	u8 rex;
	u8 seg;			/* SEG_DEFAULT: no override */
	u8 map;			/* of the opcode: EMU_MAP_* */
	u8 opcode;
	bool vex_l;
	u16 row_flags;		/* EMU_OF_* */
	u8 mod, reg, rm;	/* reg and rm with their REX bits */
	u8 modrm_reg;		/* without */
};

static inline u64 emu_take(struct emu_decoder *d, unsigned int size)
{
	u64 val = 0;

	if ((size_t)(d->end - d->next) < size) {
		d->over = true;
		d->next = d->end;
		return 0;
	}
	memcpy(&val, d->next, size);	/* x86 is little-endian, as is what it decodes */
	d->next += size;
	return val;
}

static inline u8 emu_take8(struct emu_decoder *d)
{
	return emu_take(d, 1);
}

static inline s64 emu_take_signed(struct emu_decoder *d, unsigned int size)
{
	return emu_sext(emu_take(d, size), size);
}

static inline u8 emu_note_rsp(struct emu_decoder *d, u8 reg)
{
	if (reg == UM_RSP)
		d->insn->flags |= EMU_USES_RSP;
	return reg;
}

/* Up to the opcode, with its map. A VEX prefix counts as the legacy prefixes that it replaces. */
void emu_take_prefixes(struct emu_decoder *d);
void emu_take_modrm(struct emu_decoder *d);
void emu_take_address(struct emu_decoder *d);	/* what follows ModRM */

#endif
