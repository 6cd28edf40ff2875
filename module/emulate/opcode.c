// SPDX-License-Identifier: GPL-2.0
/*
 * The opcode tables: what each encoding does and how its operands are encoded. Constant data, no
 * locks.
 * Source: SDM "Opcode Map". A row that is absent is EMU_UNKNOWN.
 */
#include "emulate.h"

#define ROW(op, dst, src, flags)	{ EMU_##op, EMU_FORM_##dst, EMU_FORM_##src, (flags) }
#define BYTE		EMU_OF_BYTE
#define MODRM		EMU_OF_MODRM

#define D64		EMU_OF_D64
#define NEAR		EMU_OF_NEAR
#define NOT64		EMU_OF_NOT64

enum { GROUP3, GROUP4, GROUP5, GROUP7, GROUP1A, GROUP11, GROUP8, GROUP9, GROUP15 };

#define GROUP(n, flags)	{ GROUP##n, 0, 0, (flags) | MODRM | EMU_OF_GROUP }
#define SSE(n)		{ EMU_SSE_##n, 0, 0, MODRM | EMU_OF_SSE }

/* The six encodings of a two-operand arithmetic instruction. */
#define EB_GB(op)	ROW(op, E, G, BYTE | MODRM)
#define EV_GV(op)	ROW(op, E, G, MODRM)
#define GB_EB(op)	ROW(op, G, E, BYTE | MODRM)
#define GV_EV(op)	ROW(op, G, E, MODRM)
#define AL_IB(op)	ROW(op, A, I, BYTE)
#define EAX_IZ(op)	ROW(op, A, I, 0)

const struct emu_opcode emu_opcodes[EMU_NR_MAPS][256] = {
	[EMU_MAP_1] = {
		[0x00] = EB_GB(ADD), [0x01] = EV_GV(ADD), [0x02] = GB_EB(ADD),
		[0x03] = GV_EV(ADD), [0x04] = AL_IB(ADD), [0x05] = EAX_IZ(ADD),
		[0x06] = ROW(PUSH, NONE, SO, NOT64), [0x07] = ROW(POP, SO, NONE, NOT64),
		[0x08] = EB_GB(OR), [0x09] = EV_GV(OR), [0x0a] = GB_EB(OR),
		[0x0b] = GV_EV(OR), [0x0c] = AL_IB(OR), [0x0d] = EAX_IZ(OR),
		[0x0e] = ROW(PUSH, NONE, SO, NOT64),
		[0x10] = EB_GB(ADC), [0x11] = EV_GV(ADC), [0x12] = GB_EB(ADC),
		[0x13] = GV_EV(ADC), [0x14] = AL_IB(ADC), [0x15] = EAX_IZ(ADC),
		[0x16] = ROW(PUSH, NONE, SO, NOT64), [0x17] = ROW(POP, SO, NONE, NOT64),
		[0x18] = EB_GB(SBB), [0x19] = EV_GV(SBB), [0x1a] = GB_EB(SBB),
		[0x1b] = GV_EV(SBB), [0x1c] = AL_IB(SBB), [0x1d] = EAX_IZ(SBB),
		[0x1e] = ROW(PUSH, NONE, SO, NOT64), [0x1f] = ROW(POP, SO, NONE, NOT64),
		[0x20] = EB_GB(AND), [0x21] = EV_GV(AND), [0x22] = GB_EB(AND),
		[0x23] = GV_EV(AND), [0x24] = AL_IB(AND), [0x25] = EAX_IZ(AND),
		[0x28] = EB_GB(SUB), [0x29] = EV_GV(SUB), [0x2a] = GB_EB(SUB),
		[0x2b] = GV_EV(SUB), [0x2c] = AL_IB(SUB), [0x2d] = EAX_IZ(SUB),
		[0x30] = EB_GB(XOR), [0x31] = EV_GV(XOR), [0x32] = GB_EB(XOR),
		[0x33] = GV_EV(XOR), [0x34] = AL_IB(XOR), [0x35] = EAX_IZ(XOR),
		[0x38] = EB_GB(CMP), [0x39] = EV_GV(CMP), [0x3a] = GB_EB(CMP),
		[0x3b] = GV_EV(CMP), [0x3c] = AL_IB(CMP), [0x3d] = EAX_IZ(CMP),
		[0x40 ... 0x47] = ROW(INC, Z, NONE, NOT64),
		[0x48 ... 0x4f] = ROW(DEC, Z, NONE, NOT64),
		[0x50 ... 0x57] = ROW(PUSH, NONE, Z, D64), [0x58 ... 0x5f] = ROW(POP, Z, NONE, D64),
		[0x60] = ROW(PUSHA, NONE, NONE, NOT64), [0x61] = ROW(POPA, NONE, NONE, NOT64),
		[0x63] = ROW(MOVSX, G, ED, MODRM),
		[0x68] = ROW(PUSH, NONE, I, D64), [0x6a] = ROW(PUSH, NONE, IB, D64),
		[0x69] = ROW(IMUL_REG, G, E, MODRM | EMU_OF_IMM),
		[0x6b] = ROW(IMUL_REG, G, E, MODRM | EMU_OF_IMM8),
		[0x6c] = ROW(INS, STR, NONE, BYTE), [0x6d] = ROW(INS, STR, NONE, 0),
		[0x6e] = ROW(OUTS, NONE, STR, BYTE), [0x6f] = ROW(OUTS, NONE, STR, 0),
		[0x70 ... 0x7f] = ROW(JCC, NONE, IB, NEAR),
		[0x80] = ROW(ADD, E, I, BYTE | MODRM | EMU_OF_REGOP),
		[0x81] = ROW(ADD, E, I, MODRM | EMU_OF_REGOP),
		[0x82] = ROW(ADD, E, I, BYTE | MODRM | EMU_OF_REGOP | NOT64),
		[0x83] = ROW(ADD, E, IB, MODRM | EMU_OF_REGOP),
		[0x84] = ROW(TEST, E, G, BYTE | MODRM), [0x85] = ROW(TEST, E, G, MODRM),
		[0x86] = ROW(XCHG, E, G, BYTE | MODRM), [0x87] = ROW(XCHG, E, G, MODRM),
		[0x88] = ROW(MOV, E, G, BYTE | MODRM), [0x89] = ROW(MOV, E, G, MODRM),
		[0x8a] = ROW(MOV, G, E, BYTE | MODRM), [0x8b] = ROW(MOV, G, E, MODRM),
		[0x8c] = ROW(MOV, E, S, MODRM), [0x8d] = ROW(LEA, G, M, MODRM),
		[0x8e] = ROW(MOV, S, EW, MODRM), [0x8f] = GROUP(1A, D64),
		[0x90 ... 0x97] = ROW(XCHG, Z, A, 0),
		[0x98] = ROW(WIDEN, NONE, NONE, 0), [0x99] = ROW(SIGN, NONE, NONE, 0),
		[0x9a] = ROW(CALL_FAR, NONE, P, NOT64),
		[0x9c] = ROW(PUSHF, NONE, NONE, D64), [0x9d] = ROW(POPF, NONE, NONE, D64),
		[0x9e] = ROW(SAHF, NONE, NONE, 0), [0x9f] = ROW(LAHF, NONE, NONE, 0),
		[0xa0] = ROW(MOV, A, O, BYTE), [0xa1] = ROW(MOV, A, O, 0),
		[0xa2] = ROW(MOV, O, A, BYTE), [0xa3] = ROW(MOV, O, A, 0),
		[0xa4] = ROW(MOVS, STR, STR, BYTE), [0xa5] = ROW(MOVS, STR, STR, 0),
		[0xa6] = ROW(CMPS, STR, STR, BYTE), [0xa7] = ROW(CMPS, STR, STR, 0),
		[0xa8] = ROW(TEST, A, I, BYTE), [0xa9] = ROW(TEST, A, I, 0),
		[0xaa] = ROW(STOS, STR, A, BYTE), [0xab] = ROW(STOS, STR, A, 0),
		[0xac] = ROW(LODS, A, STR, BYTE), [0xad] = ROW(LODS, A, STR, 0),
		[0xae] = ROW(SCAS, A, STR, BYTE), [0xaf] = ROW(SCAS, A, STR, 0),
		[0xb0 ... 0xb7] = ROW(MOV, Z, I, BYTE), [0xb8 ... 0xbf] = ROW(MOV, Z, IQ, 0),
		[0xc0] = ROW(ROL, E, IB, BYTE | MODRM | EMU_OF_REGOP),
		[0xc1] = ROW(ROL, E, IB, MODRM | EMU_OF_REGOP),
		[0xc2] = ROW(RET, NONE, IW, NEAR), [0xc3] = ROW(RET, NONE, NONE, NEAR),
		[0xc4] = ROW(LES, G, M, MODRM | NOT64), [0xc5] = ROW(LDS, G, M, MODRM | NOT64),
		[0xc6] = GROUP(11, BYTE), [0xc7] = GROUP(11, 0),
		[0xc8] = ROW(ENTER, NONE, IWB, D64), [0xc9] = ROW(LEAVE, NONE, NONE, D64),
		[0xca] = ROW(RET_FAR, NONE, IW, 0), [0xcb] = ROW(RET_FAR, NONE, NONE, 0),
		[0xcc] = ROW(INT3, NONE, NONE, 0), [0xcd] = ROW(INT, NONE, IB, 0),
		[0xce] = ROW(INTO, NONE, NONE, NOT64), [0xcf] = ROW(IRET, NONE, NONE, 0),
		[0xd0] = ROW(ROL, E, 1, BYTE | MODRM | EMU_OF_REGOP),
		[0xd1] = ROW(ROL, E, 1, MODRM | EMU_OF_REGOP),
		[0xd2] = ROW(ROL, E, CL, BYTE | MODRM | EMU_OF_REGOP),
		[0xd3] = ROW(ROL, E, CL, MODRM | EMU_OF_REGOP),
		[0xd7] = ROW(XLAT, NONE, STR, BYTE),
		[0xe0 ... 0xe3] = ROW(LOOP, NONE, IB, NEAR),
		[0xe4] = ROW(IN, NONE, IB, BYTE), [0xe5] = ROW(IN, NONE, IB, 0),
		[0xe6] = ROW(OUT, NONE, IB, BYTE), [0xe7] = ROW(OUT, NONE, IB, 0),
		[0xe8] = ROW(CALL, NONE, I, NEAR), [0xe9] = ROW(JMP, NONE, I, NEAR),
		[0xea] = ROW(JMP_FAR, NONE, P, NOT64), [0xeb] = ROW(JMP, NONE, IB, NEAR),
		[0xec] = ROW(IN, NONE, NONE, BYTE), [0xed] = ROW(IN, NONE, NONE, 0),
		[0xee] = ROW(OUT, NONE, NONE, BYTE), [0xef] = ROW(OUT, NONE, NONE, 0),
		[0xf4] = ROW(HLT, NONE, NONE, 0), [0xf5] = ROW(FLAG, NONE, NONE, 0),
		[0xf6] = GROUP(3, BYTE), [0xf7] = GROUP(3, 0),
		[0xf8 ... 0xfa] = ROW(FLAG, NONE, NONE, 0), [0xfb] = ROW(STI, NONE, NONE, 0),
		[0xfc ... 0xfd] = ROW(FLAG, NONE, NONE, 0),
		[0xfe] = GROUP(4, BYTE), [0xff] = GROUP(5, 0),
	},
	[EMU_MAP_0F] = {
		[0x01] = GROUP(7, 0), [0x06] = ROW(CLTS, NONE, NONE, 0),
		[0x08 ... 0x09] = ROW(WBINVD, NONE, NONE, 0),
		[0x0b] = ROW(UD, NONE, NONE, 0),
		[0x10] = SSE(10), [0x11] = SSE(11), [0x12] = SSE(12), [0x13] = SSE(13),
		[0x16] = SSE(16H), [0x17] = SSE(17),
		[0x18] = ROW(NOP, NONE, NONE, MODRM), [0x1f] = ROW(NOP, NONE, NONE, MODRM),
		[0x20] = ROW(CR_READ, E, G, MODRM), [0x21] = ROW(DR_READ, E, G, MODRM),
		[0x22] = ROW(CR_WRITE, G, E, MODRM), [0x23] = ROW(DR_WRITE, G, E, MODRM),
		[0x28] = SSE(28), [0x29] = SSE(29), [0x2b] = SSE(2B),
		[0x30] = ROW(WRMSR, NONE, NONE, 0), [0x31] = ROW(RDTSC, NONE, NONE, 0),
		[0x32] = ROW(RDMSR, NONE, NONE, 0),
		[0x40 ... 0x4f] = ROW(CMOVCC, G, E, MODRM),
		[0x6e] = SSE(6E), [0x6f] = SSE(6F), [0x7e] = SSE(7E), [0x7f] = SSE(7F),
		[0x80 ... 0x8f] = ROW(JCC, NONE, I, NEAR),
		[0x90 ... 0x9f] = ROW(SETCC, EB, NONE, BYTE | MODRM),
		[0xa0] = ROW(PUSH, NONE, SO, D64), [0xa1] = ROW(POP, SO, NONE, D64),
		[0xa2] = ROW(CPUID, NONE, NONE, 0),
		[0xa3] = ROW(BT, E, G, MODRM), [0xab] = ROW(BTS, E, G, MODRM),
		[0xa4] = ROW(SHLD, E, G, MODRM | EMU_OF_IMM8), [0xa5] = ROW(SHLD, E, G, MODRM),
		[0xa8] = ROW(PUSH, NONE, SO, D64), [0xa9] = ROW(POP, SO, NONE, D64),
		[0xaa] = ROW(RSM, NONE, NONE, 0),
		[0xac] = ROW(SHRD, E, G, MODRM | EMU_OF_IMM8), [0xad] = ROW(SHRD, E, G, MODRM),
		[0xae] = GROUP(15, 0), [0xaf] = ROW(IMUL_REG, G, E, MODRM),
		[0xb0] = ROW(CMPXCHG, E, G, BYTE | MODRM), [0xb1] = ROW(CMPXCHG, E, G, MODRM),
		[0xb2] = ROW(LSS, G, M, MODRM), [0xb3] = ROW(BTR, E, G, MODRM),
		[0xb4] = ROW(LFS, G, M, MODRM), [0xb5] = ROW(LGS, G, M, MODRM),
		[0xb6] = ROW(MOVZX, G, EB, MODRM), [0xb7] = ROW(MOVZX, G, EW, MODRM),
		[0xb9] = ROW(UD, NONE, NONE, MODRM),
		[0xba] = GROUP(8, 0), [0xbb] = ROW(BTC, E, G, MODRM),
		[0xbc] = ROW(BSF, G, E, MODRM), [0xbd] = ROW(BSR, G, E, MODRM),
		[0xbe] = ROW(MOVSX, G, EB, MODRM), [0xbf] = ROW(MOVSX, G, EW, MODRM),
		[0xc0] = ROW(XADD, E, G, BYTE | MODRM), [0xc1] = ROW(XADD, E, G, MODRM),
		[0xc3] = ROW(MOV, M, G, MODRM | EMU_OF_DWORD), [0xc7] = GROUP(9, 0),
		[0xc8 ... 0xcf] = ROW(BSWAP, Z, NONE, 0),
		[0xd6] = SSE(D6), [0xe7] = SSE(E7), [0xf0] = SSE(F0),
		[0xff] = ROW(UD, NONE, NONE, MODRM),
	},
	[EMU_MAP_0F38] = {
		[0x2a] = SSE(38_2A),
		[0xf0] = ROW(MOVBE, G, M, MODRM), [0xf1] = ROW(MOVBE, M, G, MODRM),
	},
};

const struct emu_opcode emu_groups[][8] = {
	[GROUP3] = {
		[0] = ROW(TEST, E, I, 0), [1] = ROW(TEST, E, I, 0),
		[2] = ROW(NOT, E, NONE, 0), [3] = ROW(NEG, E, NONE, 0),
		[4] = ROW(MUL, NONE, E, 0), [5] = ROW(IMUL, NONE, E, 0),
		[6] = ROW(DIV, NONE, E, 0), [7] = ROW(IDIV, NONE, E, 0),
	},
	[GROUP4] = { [0] = ROW(INC, E, NONE, 0), [1] = ROW(DEC, E, NONE, 0) },
	[GROUP5] = {
		[0] = ROW(INC, E, NONE, 0), [1] = ROW(DEC, E, NONE, 0),
		[2] = ROW(CALL, NONE, E, NEAR), [3] = ROW(CALL_FAR, NONE, M, 0),
		[4] = ROW(JMP, NONE, E, NEAR), [5] = ROW(JMP_FAR, NONE, M, 0),
		[6] = ROW(PUSH, NONE, E, D64),
	},
	[GROUP7] = {
		[0] = ROW(SGDT, NONE, M, 0), [1] = ROW(SIDT, NONE, M, 0),
		[2] = ROW(LGDT, NONE, M, 0), [3] = ROW(LIDT, NONE, M, 0),
		[4] = ROW(SMSW, EW, NONE, 0), [6] = ROW(LMSW, NONE, EW, 0),
		[7] = ROW(INVLPG, NONE, M, 0),
	},
	[GROUP1A] = { [0] = ROW(POP, E, NONE, 0) },
	[GROUP11] = { [0] = ROW(MOV, E, I, 0) },
	[GROUP8] = {
		[4] = ROW(BT, E, IB, 0), [5] = ROW(BTS, E, IB, 0),
		[6] = ROW(BTR, E, IB, 0), [7] = ROW(BTC, E, IB, 0),
	},
	[GROUP9] = { [1] = ROW(CMPXCHG8B, M, NONE, 0) },
	/* CLWB, CLFLUSH and CLFLUSHOPT: a device has no line to write back. */
	[GROUP15] = { [6] = ROW(NOP, NONE, M, 0), [7] = ROW(NOP, NONE, M, 0) },
};
