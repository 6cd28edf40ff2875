// SPDX-License-Identifier: GPL-2.0
/*
 * The opcodes that only the interpreter of real mode needs: control flow, the stack, flags, segment
 * registers and system instructions. Elsewhere the CPU runs them itself. Constant data, no locks.
 * Source: SDM "Opcode Map". A row that is absent is that of opcode.c.
 */
#include "emulate.h"

#define ROW(op, dst, src, flags)	{ EMU_##op, EMU_FORM_##dst, EMU_FORM_##src, (flags) }
#define BYTE		EMU_OF_BYTE
#define MODRM		EMU_OF_MODRM

enum { GROUP5, GROUP7 };

#define GROUP(n)	{ GROUP##n, 0, 0, MODRM | EMU_OF_GROUP }

const struct emu_opcode emu_opcodes_real[2][256] = {
	{
		[0x06] = ROW(PUSH, NONE, SO, 0), [0x07] = ROW(POP, SO, NONE, 0),
		[0x0e] = ROW(PUSH, NONE, SO, 0),
		[0x16] = ROW(PUSH, NONE, SO, 0), [0x17] = ROW(POP, SO, NONE, 0),
		[0x1e] = ROW(PUSH, NONE, SO, 0), [0x1f] = ROW(POP, SO, NONE, 0),
		[0x40 ... 0x47] = ROW(INC, Z, NONE, 0), [0x48 ... 0x4f] = ROW(DEC, Z, NONE, 0),
		[0x50 ... 0x57] = ROW(PUSH, NONE, Z, 0), [0x58 ... 0x5f] = ROW(POP, Z, NONE, 0),
		[0x60] = ROW(PUSHA, NONE, NONE, 0), [0x61] = ROW(POPA, NONE, NONE, 0),
		[0x68] = ROW(PUSH, NONE, I, 0), [0x6a] = ROW(PUSH, NONE, IB, 0),
		[0x70 ... 0x7f] = ROW(JCC, NONE, IB, 0),
		[0x8d] = ROW(LEA, G, M, MODRM), [0x8e] = ROW(MOV, S, EW, MODRM),
		[0x90 ... 0x97] = ROW(XCHG, Z, A, 0),
		[0x98] = ROW(WIDEN, NONE, NONE, 0), [0x99] = ROW(SIGN, NONE, NONE, 0),
		[0x9a] = ROW(CALL_FAR, NONE, P, 0),
		[0x9c] = ROW(PUSHF, NONE, NONE, 0), [0x9d] = ROW(POPF, NONE, NONE, 0),
		[0x9e] = ROW(SAHF, NONE, NONE, 0), [0x9f] = ROW(LAHF, NONE, NONE, 0),
		[0xc2] = ROW(RET, NONE, IW, 0), [0xc3] = ROW(RET, NONE, NONE, 0),
		[0xc4] = ROW(LES, G, M, MODRM), [0xc5] = ROW(LDS, G, M, MODRM),
		[0xc9] = ROW(LEAVE, NONE, NONE, 0),
		[0xca] = ROW(RET_FAR, NONE, IW, 0), [0xcb] = ROW(RET_FAR, NONE, NONE, 0),
		[0xcc] = ROW(INT3, NONE, NONE, 0), [0xcd] = ROW(INT, NONE, IB, 0),
		[0xce] = ROW(INTO, NONE, NONE, 0), [0xcf] = ROW(IRET, NONE, NONE, 0),
		[0xd7] = ROW(XLAT, NONE, NONE, 0),
		[0xe0 ... 0xe3] = ROW(LOOP, NONE, IB, 0),
		[0xe4] = ROW(IN, NONE, IB, BYTE), [0xe5] = ROW(IN, NONE, IB, 0),
		[0xe6] = ROW(OUT, NONE, IB, BYTE), [0xe7] = ROW(OUT, NONE, IB, 0),
		[0xe8] = ROW(CALL, NONE, I, 0), [0xe9] = ROW(JMP, NONE, I, 0),
		[0xea] = ROW(JMP_FAR, NONE, P, 0), [0xeb] = ROW(JMP, NONE, IB, 0),
		[0xec] = ROW(IN, NONE, NONE, BYTE), [0xed] = ROW(IN, NONE, NONE, 0),
		[0xee] = ROW(OUT, NONE, NONE, BYTE), [0xef] = ROW(OUT, NONE, NONE, 0),
		[0xf4] = ROW(HLT, NONE, NONE, 0), [0xf5] = ROW(FLAG, NONE, NONE, 0),
		[0xf8 ... 0xfa] = ROW(FLAG, NONE, NONE, 0), [0xfb] = ROW(STI, NONE, NONE, 0),
		[0xfc ... 0xfd] = ROW(FLAG, NONE, NONE, 0),
		[0xff] = GROUP(5),
	}, {
		[0x01] = GROUP(7), [0x06] = ROW(CLTS, NONE, NONE, 0),
		/* INVD and WBINVD: nothing of the host's is for the guest to flush. */
		[0x08 ... 0x09] = ROW(NOP, NONE, NONE, 0), [0x1f] = ROW(NOP, NONE, NONE, MODRM),
		[0x20] = ROW(CR_READ, E, G, MODRM), [0x21] = ROW(DR_READ, E, G, MODRM),
		[0x22] = ROW(CR_WRITE, G, E, MODRM), [0x23] = ROW(DR_WRITE, G, E, MODRM),
		[0x30] = ROW(WRMSR, NONE, NONE, 0), [0x31] = ROW(RDTSC, NONE, NONE, 0),
		[0x32] = ROW(RDMSR, NONE, NONE, 0),
		[0x80 ... 0x8f] = ROW(JCC, NONE, I, 0),
		[0xa0] = ROW(PUSH, NONE, SO, 0), [0xa1] = ROW(POP, SO, NONE, 0),
		[0xa2] = ROW(CPUID, NONE, NONE, 0),
		[0xa8] = ROW(PUSH, NONE, SO, 0), [0xa9] = ROW(POP, SO, NONE, 0),
		[0xb2] = ROW(LSS, G, M, MODRM),
		[0xb4] = ROW(LFS, G, M, MODRM), [0xb5] = ROW(LGS, G, M, MODRM),
		[0xc8 ... 0xcf] = ROW(BSWAP, Z, NONE, 0),
	},
};

const struct emu_opcode emu_groups_real[][8] = {
	[GROUP5] = {
		[0] = ROW(INC, E, NONE, 0), [1] = ROW(DEC, E, NONE, 0),
		[2] = ROW(CALL, NONE, E, 0), [3] = ROW(CALL_FAR, NONE, M, 0),
		[4] = ROW(JMP, NONE, E, 0), [5] = ROW(JMP_FAR, NONE, M, 0),
		[6] = ROW(PUSH, NONE, E, 0),
	},
	[GROUP7] = {
		[0] = ROW(SGDT, NONE, M, 0), [1] = ROW(SIDT, NONE, M, 0),
		[2] = ROW(LGDT, NONE, M, 0), [3] = ROW(LIDT, NONE, M, 0),
		[4] = ROW(SMSW, EW, NONE, 0), [6] = ROW(LMSW, NONE, EW, 0),
		[7] = ROW(NOP, NONE, M, 0),	/* INVLPG: nothing is paged */
	},
};
