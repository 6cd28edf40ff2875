// SPDX-License-Identifier: GPL-2.0
/*
 * The moves between memory and vector registers: what an opcode does by its mandatory prefix.
 * Constant data, no locks.
 * Source: SDM "Opcode Map". A row that is absent is EMU_UNKNOWN.
 */
#include "emulate.h"

enum { NP, P66, PF3, PF2 };

#define LOAD(size)		{ EMU_SSE_MOV, EMU_FORM_V, EMU_FORM_W, EMU_SSE_##size }
#define STORE(size)		{ EMU_SSE_MOV, EMU_FORM_W, EMU_FORM_V, EMU_SSE_##size }
#define LOAD_ALIGNED		{ EMU_SSE_MOVA, EMU_FORM_V, EMU_FORM_W, EMU_SSE_16 }
#define STORE_ALIGNED		{ EMU_SSE_MOVA, EMU_FORM_W, EMU_FORM_V, EMU_SSE_16 }
/* VEX.L = 1 is undefined. */
#define LOAD_L0(size)		{ EMU_SSE_MOV, EMU_FORM_V, EMU_FORM_W, EMU_SSE_##size | EMU_SSE_L0 }
#define STORE_L0(size)		{ EMU_SSE_MOV, EMU_FORM_W, EMU_FORM_V, EMU_SSE_##size | EMU_SSE_L0 }
/* The VEX forms have a third operand. */
#define LOAD_HALF(half)		{ EMU_SSE_##half, EMU_FORM_V, EMU_FORM_W, \
				  EMU_SSE_8 | EMU_SSE_NO_VEX }
#define STORE_HALF(half)	{ EMU_SSE_##half, EMU_FORM_W, EMU_FORM_V, EMU_SSE_8 | EMU_SSE_L0 }

const struct emu_opcode emu_sse[][4] = {
	[EMU_SSE_10] = { [NP] = LOAD(16), [P66] = LOAD(16), [PF3] = LOAD(4), [PF2] = LOAD(8) },
	[EMU_SSE_11] = { [NP] = STORE(16), [P66] = STORE(16), [PF3] = STORE(4), [PF2] = STORE(8) },
	[EMU_SSE_12] = { [NP] = LOAD_HALF(LOW), [P66] = LOAD_HALF(LOW) },
	[EMU_SSE_13] = { [NP] = STORE_HALF(LOW), [P66] = STORE_HALF(LOW) },
	[EMU_SSE_16H] = { [NP] = LOAD_HALF(HIGH), [P66] = LOAD_HALF(HIGH) },
	[EMU_SSE_17] = { [NP] = STORE_HALF(HIGH), [P66] = STORE_HALF(HIGH) },
	[EMU_SSE_28] = { [NP] = LOAD_ALIGNED, [P66] = LOAD_ALIGNED },
	[EMU_SSE_29] = { [NP] = STORE_ALIGNED, [P66] = STORE_ALIGNED },
	[EMU_SSE_2B] = { [NP] = STORE_ALIGNED, [P66] = STORE_ALIGNED },
	[EMU_SSE_6E] = { [P66] = LOAD_L0(DQ) },
	[EMU_SSE_6F] = { [P66] = LOAD_ALIGNED, [PF3] = LOAD(16) },
	[EMU_SSE_7E] = { [P66] = STORE_L0(DQ), [PF3] = LOAD_L0(8) },
	[EMU_SSE_7F] = { [P66] = STORE_ALIGNED, [PF3] = STORE(16) },
	[EMU_SSE_D6] = { [P66] = STORE_L0(8) },
	[EMU_SSE_E7] = { [P66] = STORE_ALIGNED },
	[EMU_SSE_F0] = { [PF2] = LOAD(16) },
	[EMU_SSE_38_2A] = { [P66] = LOAD_ALIGNED },
};
