/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every kind of instruction that exec_test.c draws, as templates for insn_gen.h. Families that
 * differ by a digit are spelled out by add_families().
 */
#ifndef HOST_INSN_LIST_H
#define HOST_INSN_LIST_H

#include <stdio.h>

#include "emulate/emulate.h"

/* How an instruction is made. */
enum {
	BYTE	= BIT(0),	/* operand of one byte */
	MODRM	= BIT(1),
	DIGIT	= BIT(2),	/* ModRM.reg is template.digit */
	IMM8	= BIT(3),
	IMMZ	= BIT(4),	/* of the operand size, at most 4 bytes */
	IMMV	= BIT(5),	/* of the operand size */
	MEM	= BIT(6),	/* memory operand only */
	LOCK	= BIT(7),	/* may be locked */
	PLUSR	= BIT(8),	/* register in the opcode */
	MOFFS	= BIT(9),
	STR	= BIT(10),
	SSE	= BIT(11),	/* template.prefix decides */
	STACK	= BIT(12),
	BITS	= BIT(13),	/* bit offset in a register */
	DIVIDE	= BIT(19),	/* a quotient that fits, now and then */
	DOUBLE	= BIT(20),	/* SHLD, SHRD */
	ALIGN	= BIT(14),	/* to 16 bytes */
	NOSIZE	= BIT(15),	/* no operand-size prefix */
	SHIFT	= BIT(16),
	ANYREP	= BIT(17),	/* REPE and REPNE differ */
	WIDE	= BIT(18),	/* 8 or 16 bytes, aligned */
};

struct template {
	char name[24];
	u8 map;			/* 1: 0F */
	u8 opcode;
	u8 range;		/* opcodes opcode .. opcode + range */
	u8 digit;
	u8 prefix;		/* mandatory, SSE */
	u32 flags;
	u32 undefined;		/* flags that the SDM leaves undefined */
};

#define SSE_MOVE	(SSE | MODRM | MEM | NOSIZE)
#define MUL_UNDEF	(EMU_SF | EMU_ZF | EMU_AF | EMU_PF)
#define BT_UNDEF	(EMU_OF | EMU_SF | EMU_AF | EMU_PF)

static const struct template single[] = {
	{ "IMUL Gv,Ev", 1, 0xaf, 0, 0, 0, MODRM, MUL_UNDEF },
	{ "IMUL Gv,Ev,Iz", 0, 0x69, 0, 0, 0, MODRM | IMMZ, MUL_UNDEF },
	{ "IMUL Gv,Ev,Ib", 0, 0x6b, 0, 0, 0, MODRM | IMM8, MUL_UNDEF },
	{ "SHLD Ib", 1, 0xa4, 0, 0, 0, MODRM | IMM8 | SHIFT | DOUBLE, 0 },
	{ "SHLD CL", 1, 0xa5, 0, 0, 0, MODRM | SHIFT | DOUBLE, 0 },
	{ "SHRD Ib", 1, 0xac, 0, 0, 0, MODRM | IMM8 | SHIFT | DOUBLE, 0 },
	{ "SHRD CL", 1, 0xad, 0, 0, 0, MODRM | SHIFT | DOUBLE, 0 },
	{ "BSF", 1, 0xbc, 0, 0, 0, MODRM, EMU_ARITH & ~EMU_ZF },
	{ "BSR", 1, 0xbd, 0, 0, 0, MODRM, EMU_ARITH & ~EMU_ZF },
	{ "TEST Eb,Gb", 0, 0x84, 0, 0, 0, BYTE | MODRM, EMU_AF },
	{ "TEST Ev,Gv", 0, 0x85, 0, 0, 0, MODRM, EMU_AF },
	{ "TEST AL,Ib", 0, 0xa8, 0, 0, 0, BYTE | IMMZ, EMU_AF },
	{ "TEST eAX,Iz", 0, 0xa9, 0, 0, 0, IMMZ, EMU_AF },
	{ "TEST Eb,Ib", 0, 0xf6, 0, 0, 0, BYTE | MODRM | DIGIT | IMMZ, EMU_AF },
	{ "TEST Ev,Iz", 0, 0xf7, 0, 1, 0, MODRM | DIGIT | IMMZ, EMU_AF },
	{ "XCHG Eb,Gb", 0, 0x86, 0, 0, 0, BYTE | MODRM | LOCK, 0 },
	{ "XCHG Ev,Gv", 0, 0x87, 0, 0, 0, MODRM | LOCK, 0 },
	{ "MOV Eb,Gb", 0, 0x88, 0, 0, 0, BYTE | MODRM, 0 },
	{ "MOV Ev,Gv", 0, 0x89, 0, 0, 0, MODRM, 0 },
	{ "MOV Gb,Eb", 0, 0x8a, 0, 0, 0, BYTE | MODRM, 0 },
	{ "MOV Gv,Ev", 0, 0x8b, 0, 0, 0, MODRM, 0 },
	{ "MOV AL,Ob", 0, 0xa0, 0, 0, 0, BYTE | MOFFS, 0 },
	{ "MOV eAX,Ov", 0, 0xa1, 0, 0, 0, MOFFS, 0 },
	{ "MOV Ob,AL", 0, 0xa2, 0, 0, 0, BYTE | MOFFS, 0 },
	{ "MOV Ov,eAX", 0, 0xa3, 0, 0, 0, MOFFS, 0 },
	{ "MOV Zb,Ib", 0, 0xb0, 0, 0, 0, BYTE | PLUSR | IMMV, 0 },
	{ "MOV Zv,Iv", 0, 0xb8, 0, 0, 0, PLUSR | IMMV, 0 },
	{ "MOV Eb,Ib", 0, 0xc6, 0, 0, 0, BYTE | MODRM | DIGIT | IMMZ, 0 },
	{ "MOV Ev,Iz", 0, 0xc7, 0, 0, 0, MODRM | DIGIT | IMMZ, 0 },
	{ "MOVSXD Gv,Ed", 0, 0x63, 0, 0, 0, MODRM | NOSIZE, 0 },
	{ "MOVZX Gv,Eb", 1, 0xb6, 0, 0, 0, MODRM, 0 },
	{ "MOVZX Gv,Ew", 1, 0xb7, 0, 0, 0, MODRM, 0 },
	{ "MOVSX Gv,Eb", 1, 0xbe, 0, 0, 0, MODRM, 0 },
	{ "MOVSX Gv,Ew", 1, 0xbf, 0, 0, 0, MODRM, 0 },
	{ "MOVNTI", 1, 0xc3, 0, 0, 0, MODRM | MEM | NOSIZE, 0 },
	{ "XADD Eb,Gb", 1, 0xc0, 0, 0, 0, BYTE | MODRM | LOCK, 0 },
	{ "XADD Ev,Gv", 1, 0xc1, 0, 0, 0, MODRM | LOCK, 0 },
	{ "CMPXCHG Eb,Gb", 1, 0xb0, 0, 0, 0, BYTE | MODRM | LOCK, 0 },
	{ "CMPXCHG Ev,Gv", 1, 0xb1, 0, 0, 0, MODRM | LOCK, 0 },
	{ "CMPXCHG8B", 1, 0xc7, 0, 1, 0, MODRM | DIGIT | MEM | LOCK | NOSIZE | WIDE | ALIGN, 0 },
	{ "SETcc", 1, 0x90, 15, 0, 0, BYTE | MODRM, 0 },
	{ "CMOVcc", 1, 0x40, 15, 0, 0, MODRM, 0 },
	{ "PUSH Ev", 0, 0xff, 0, 6, 0, MODRM | DIGIT | MEM | STACK, 0 },
	{ "POP Ev", 0, 0x8f, 0, 0, 0, MODRM | DIGIT | MEM | STACK, 0 },
	{ "MOVSB", 0, 0xa4, 0, 0, 0, BYTE | STR, 0 },
	{ "MOVS", 0, 0xa5, 0, 0, 0, STR, 0 },
	{ "CMPSB", 0, 0xa6, 0, 0, 0, BYTE | STR | ANYREP, 0 },
	{ "CMPS", 0, 0xa7, 0, 0, 0, STR | ANYREP, 0 },
	{ "STOSB", 0, 0xaa, 0, 0, 0, BYTE | STR, 0 },
	{ "STOS", 0, 0xab, 0, 0, 0, STR, 0 },
	{ "LODSB", 0, 0xac, 0, 0, 0, BYTE | STR, 0 },
	{ "LODS", 0, 0xad, 0, 0, 0, STR, 0 },
	{ "SCASB", 0, 0xae, 0, 0, 0, BYTE | STR | ANYREP, 0 },
	{ "SCAS", 0, 0xaf, 0, 0, 0, STR | ANYREP, 0 },
	{ "MOVUPS load", 1, 0x10, 0, 0, 0, SSE_MOVE, 0 },
	{ "MOVUPS store", 1, 0x11, 0, 0, 0, SSE_MOVE, 0 },
	{ "MOVUPD load", 1, 0x10, 0, 0, 0x66, SSE_MOVE, 0 },
	{ "MOVUPD store", 1, 0x11, 0, 0, 0x66, SSE_MOVE, 0 },
	{ "MOVSS load", 1, 0x10, 0, 0, 0xf3, SSE_MOVE, 0 },
	{ "MOVSS store", 1, 0x11, 0, 0, 0xf3, SSE_MOVE, 0 },
	{ "MOVSD load", 1, 0x10, 0, 0, 0xf2, SSE_MOVE, 0 },
	{ "MOVSD store", 1, 0x11, 0, 0, 0xf2, SSE_MOVE, 0 },
	{ "MOVAPS load", 1, 0x28, 0, 0, 0, SSE_MOVE | ALIGN, 0 },
	{ "MOVAPS store", 1, 0x29, 0, 0, 0, SSE_MOVE | ALIGN, 0 },
	{ "MOVAPD load", 1, 0x28, 0, 0, 0x66, SSE_MOVE | ALIGN, 0 },
	{ "MOVAPD store", 1, 0x29, 0, 0, 0x66, SSE_MOVE | ALIGN, 0 },
	{ "MOVNTPS", 1, 0x2b, 0, 0, 0, SSE_MOVE | ALIGN, 0 },
	{ "MOVNTDQ", 1, 0xe7, 0, 0, 0x66, SSE_MOVE | ALIGN, 0 },
	{ "MOVDQA load", 1, 0x6f, 0, 0, 0x66, SSE_MOVE | ALIGN, 0 },
	{ "MOVDQA store", 1, 0x7f, 0, 0, 0x66, SSE_MOVE | ALIGN, 0 },
	{ "MOVDQU load", 1, 0x6f, 0, 0, 0xf3, SSE_MOVE, 0 },
	{ "MOVDQU store", 1, 0x7f, 0, 0, 0xf3, SSE_MOVE, 0 },
	{ "MOVD load", 1, 0x6e, 0, 0, 0x66, SSE_MOVE, 0 },
	{ "MOVD store", 1, 0x7e, 0, 0, 0x66, SSE_MOVE, 0 },
	{ "MOVQ load", 1, 0x7e, 0, 0, 0xf3, SSE_MOVE, 0 },
	{ "MOVQ store", 1, 0xd6, 0, 0, 0x66, SSE_MOVE, 0 },
};

#define NR_SINGLE	(sizeof(single) / sizeof(*single))
#define MAX_TEMPLATES	(NR_SINGLE + 256)

static struct template templates[MAX_TEMPLATES];
static unsigned int nr_templates;

static void add(const char *family, const char *operands, struct template t)
{
	snprintf(t.name, sizeof(t.name), "%s %s", family, operands);
	templates[nr_templates++] = t;
}

static void add_arithmetic(const char *name, u8 digit, u32 undefined, u32 lock)
{
	static const struct template forms[] = {
		{ "Eb,Gb", .opcode = 0, .flags = BYTE | MODRM | LOCK },
		{ "Ev,Gv", .opcode = 1, .flags = MODRM | LOCK },
		{ "Gb,Eb", .opcode = 2, .flags = BYTE | MODRM },
		{ "Gv,Ev", .opcode = 3, .flags = MODRM },
		{ "AL,Ib", .opcode = 4, .flags = BYTE | IMMZ },
		{ "eAX,Iz", .opcode = 5, .flags = IMMZ },
		{ "Eb,Ib", .opcode = 0x80, .flags = BYTE | MODRM | DIGIT | IMMZ | LOCK },
		{ "Ev,Iz", .opcode = 0x81, .flags = MODRM | DIGIT | IMMZ | LOCK },
		{ "Ev,Ib", .opcode = 0x83, .flags = MODRM | DIGIT | IMM8 | LOCK },
	};
	unsigned int i;

	for (i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct template t = forms[i];

		if (!(t.flags & DIGIT))
			t.opcode += digit << 3;
		t.digit = digit;
		t.undefined = undefined;
		t.flags &= lock | ~LOCK;
		add(name, forms[i].name, t);
	}
}

/* An opcode for bytes and the next one for the other sizes. */
static void add_pair(const char *name, const char *operands, u8 opcode, u8 digit, u32 flags,
		     u32 undefined)
{
	struct template t = { .opcode = opcode, .digit = digit, .undefined = undefined };

	t.flags = BYTE | MODRM | DIGIT | flags;
	add(name, operands, t);
	t.opcode++;
	t.flags &= ~BYTE;
	add(name, operands, t);
}

static void add_shift(const char *name, u8 digit)
{
	add_pair(name, "E,Ib", 0xc0, digit, IMM8 | SHIFT, 0);
	add_pair(name, "E,1", 0xd0, digit, SHIFT, 0);
	add_pair(name, "E,CL", 0xd2, digit, SHIFT, 0);
}

static void add_bit_test(const char *name, u8 opcode, u8 digit, u32 lock)
{
	struct template t = { .map = 1, .opcode = opcode, .undefined = BT_UNDEF };

	t.flags = MODRM | BITS | lock;
	add(name, "Ev,Gv", t);
	t.opcode = 0xba;
	t.digit = digit;
	t.flags = MODRM | DIGIT | IMM8 | lock;
	add(name, "Ev,Ib", t);
}

static void add_families(void)
{
	static const char *const arithmetic[] = { "ADD", "OR", "ADC", "SBB", "AND", "SUB", "XOR",
		"CMP" };
	static const char *const shifts[] = { "ROL", "ROR", "RCL", "RCR", "SHL", "SHR", "SAL",
		"SAR" };
	static const u32 undefined[] = { 0, EMU_AF, 0, 0, EMU_AF, 0, EMU_AF, 0 };
	unsigned int i;

	for (i = 0; i < 8; i++)
		add_arithmetic(arithmetic[i], i, undefined[i], i == 7 ? 0 : LOCK);
	for (i = 0; i < 8; i++)
		add_shift(shifts[i], i);
	add_pair("INC", "E", 0xfe, 0, LOCK, 0);
	add_pair("DEC", "E", 0xfe, 1, LOCK, 0);
	add_pair("NOT", "E", 0xf6, 2, LOCK, 0);
	add_pair("NEG", "E", 0xf6, 3, LOCK, 0);
	add_pair("MUL", "E", 0xf6, 4, 0, MUL_UNDEF);
	add_pair("IMUL", "E", 0xf6, 5, 0, MUL_UNDEF);
	add_pair("DIV", "E", 0xf6, 6, DIVIDE, EMU_ARITH);
	add_pair("IDIV", "E", 0xf6, 7, DIVIDE, EMU_ARITH);
	add_bit_test("BT", 0xa3, 4, 0);
	add_bit_test("BTS", 0xab, 5, LOCK);
	add_bit_test("BTR", 0xb3, 6, LOCK);
	add_bit_test("BTC", 0xbb, 7, LOCK);
	for (i = 0; i < NR_SINGLE; i++)
		templates[nr_templates++] = single[i];
}

#endif
