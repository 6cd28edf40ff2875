/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The instruction emulator's interface: a decoder that turns bytes into data and an executor that
 * reaches the world through struct emu_ops alone. Pure: builds in the kernel and in userspace. No
 * locks; a context has one user.
 */
#ifndef EMU_EMULATE_H
#define EMU_EMULATE_H

#include "../types.h"

#define EMU_MAX_LEN	15	/* an instruction that is longer raises #GP(0) */

/* RFLAGS (SDM "EFLAGS Register"). */
#define EMU_CF		BIT(0)
#define EMU_PF		BIT(2)
#define EMU_AF		BIT(4)
#define EMU_ZF		BIT(6)
#define EMU_SF		BIT(7)
#define EMU_TF		BIT(8)
#define EMU_IF		BIT(9)
#define EMU_DF		BIT(10)
#define EMU_OF		BIT(11)
#define EMU_IOPL	(BIT(12) | BIT(13))
#define EMU_NT		BIT(14)
#define EMU_RF		BIT(16)
#define EMU_VM		BIT(17)
#define EMU_AC		BIT(18)
#define EMU_ID		BIT(21)
#define EMU_FIXED	BIT(1)		/* always set */
#define EMU_ARITH	(EMU_CF | EMU_PF | EMU_AF | EMU_ZF | EMU_SF | EMU_OF)

/*
 * What an instruction does. The arithmetic, shift and bit-test groups keep the order of their
 * encoding.
 */
enum emu_op {
	EMU_UNKNOWN,		/* not an instruction that is emulated */
	EMU_ADD, EMU_OR, EMU_ADC, EMU_SBB, EMU_AND, EMU_SUB, EMU_XOR, EMU_CMP,
	EMU_ROL, EMU_ROR, EMU_RCL, EMU_RCR, EMU_SHL, EMU_SHR, EMU_SAL, EMU_SAR,
	EMU_BT, EMU_BTS, EMU_BTR, EMU_BTC,
	EMU_TEST, EMU_INC, EMU_DEC, EMU_NOT, EMU_NEG,
	EMU_MUL, EMU_IMUL, EMU_DIV, EMU_IDIV,	/* on rDX:rAX */
	EMU_IMUL_REG,				/* on any register, with two or three operands */
	EMU_SHLD, EMU_SHRD, EMU_BSF, EMU_BSR,
	EMU_MOV, EMU_MOVZX, EMU_MOVSX, EMU_XCHG, EMU_XADD, EMU_CMPXCHG, EMU_CMPXCHG8B,
	EMU_SETCC, EMU_CMOVCC, EMU_PUSH, EMU_POP,
	EMU_MOVS, EMU_CMPS, EMU_STOS, EMU_LODS, EMU_SCAS, EMU_INS, EMU_OUTS,
	EMU_SSE_MOV, EMU_SSE_MOVA,	/* any address; aligned to their size */
	EMU_SSE_LOW, EMU_SSE_HIGH,	/* one half of a register, the other stays */
	EMU_MOVBE, EMU_UD,		/* architecturally undefined: #UD */
	EMU_JCC, EMU_LOOP, EMU_JMP, EMU_JMP_FAR,
	/* Those that use the stack. */
	EMU_CALL, EMU_RET, EMU_CALL_FAR, EMU_RET_FAR, EMU_INT, EMU_INT3, EMU_INTO, EMU_IRET,
	EMU_PUSHA, EMU_POPA, EMU_PUSHF, EMU_POPF, EMU_ENTER, EMU_LEAVE,
	EMU_LES, EMU_LCS, EMU_LSS, EMU_LDS, EMU_LFS, EMU_LGS,	/* in the order of enum um_seg */
	EMU_LEA, EMU_WIDEN, EMU_SIGN, EMU_SAHF, EMU_LAHF, EMU_FLAG, EMU_XLAT, EMU_BSWAP, EMU_NOP,
	EMU_NR_OPS,
	/* Not for emu_exec(): they concern more of the vCPU than an instruction's context has. */
	EMU_SYSTEM = EMU_NR_OPS,
	EMU_IN = EMU_SYSTEM, EMU_OUT, EMU_HLT, EMU_STI, EMU_CPUID, EMU_RDTSC, EMU_RDMSR, EMU_WRMSR,
	EMU_CR_READ, EMU_CR_WRITE, EMU_DR_READ, EMU_DR_WRITE, EMU_CLTS, EMU_LMSW, EMU_SMSW,
	EMU_SGDT, EMU_SIDT, EMU_LGDT, EMU_LIDT, EMU_INVLPG, EMU_RSM,
	EMU_WBINVD,
};

enum emu_kind {
	EMU_K_NONE,
	EMU_K_REG,
	EMU_K_REG_HIGH,		/* AH CH DH BH: bits 15:8 of gpr[reg] */
	EMU_K_MEM,		/* the ModRM or moffs address in struct emu_insn */
	EMU_K_IMM,
	EMU_K_XMM,
	EMU_K_SREG,		/* a selector */
	EMU_K_STRING,		/* [rSI] or [rDI] of a string instruction */
};

struct emu_operand {
	u8 kind;
	u8 reg;
	u8 size;		/* bytes: 1, 2, 4, 8, 16 or 32 */
};

#define EMU_REG_NONE	0xff
#define EMU_REG_RIP	0xfe	/* base of a RIP-relative address */

/* emu_insn.flags */
#define EMU_LOCK	BIT(0)
#define EMU_REPE	BIT(1)	/* F3 */
#define EMU_REPNE	BIT(2)	/* F2 */
#define EMU_USES_RSP	BIT(3)	/* reads or writes RSP */
#define EMU_TWO_MEM	BIT(4)	/* more than one memory operand */
#define EMU_HAS_IMM	BIT(5)	/* an immediate besides the two operands */
#define EMU_VEX		BIT(6)	/* a move that clears what it does not write of a register */
#define EMU_REP		(EMU_REPE | EMU_REPNE)

/**
 * struct emu_insn - a decoded instruction
 * @op: enum emu_op
 * @len: of the whole encoding in bytes
 * @size: operand size in bytes; @asize: address size in bytes
 * @flags: EMU_LOCK and so on
 * @cond: low four bits of the opcode: the condition of SETcc, CMOVcc and Jcc
 * @seg: segment of the memory operand (of the source for string instructions)
 * @base, @index, @scale, @disp: the effective address; scale is a shift count
 * @imm: the immediate, sign-extended to the operand size; the offset of a far pointer, whose
 *	selector is in @disp; the size of ENTER's frame, whose level is in @disp
 */
struct emu_insn {
	u8 op;
	u8 len;
	u8 size;
	u8 asize;
	u8 flags;
	u8 cond;
	u8 seg;
	u8 base;
	u8 index;
	u8 scale;
	struct emu_operand dst, src;
	s64 disp;
	u64 imm;
};

enum emu_decode_status {
	EMU_DECODED,
	EMU_DECODE_SHORT,	/* more bytes are needed than were given */
	EMU_DECODE_LONG,	/* over 15 bytes: #GP(0) */
	EMU_DECODE_UD,		/* prefixes that exclude each other: #UD */
	EMU_DECODE_UNKNOWN,
};

/**
 * emu_decode - decode one instruction
 * @insn: the result, wholly written on EMU_DECODED
 * @bytes: where it starts; @len of them may be read (more than 15 are not)
 * @bits: 16, 32 or 64: the default of the code segment
 */
enum emu_decode_status emu_decode(struct emu_insn *insn, const u8 *bytes, unsigned int len,
				  unsigned int bits);

/* A row of the opcode tables (opcode.c, opcode_sse.c). */
struct emu_opcode {
	u8 op;			/* enum emu_op; a group's or an SSE row's number with those flags */
	u8 dst, src;		/* enum emu_form */
	u16 flags;		/* EMU_OF_*, or EMU_SSE_* */
};

/* How an operand is encoded. */
enum emu_form {
	EMU_FORM_NONE,
	EMU_FORM_E,		/* register or memory, by ModRM.rm */
	EMU_FORM_EB, EMU_FORM_EW, EMU_FORM_ED,	/* of 1, 2 or 4 bytes in any case */
	EMU_FORM_M,		/* memory alone */
	EMU_FORM_G,		/* register, by ModRM.reg */
	EMU_FORM_Z,		/* register, by the opcode's low bits */
	EMU_FORM_A,		/* rAX */
	EMU_FORM_CL,
	EMU_FORM_S,		/* segment register, by ModRM.reg */
	EMU_FORM_O,		/* memory at an absolute offset */
	EMU_FORM_I,		/* immediate of the operand size, at most 4 bytes */
	EMU_FORM_IB,		/* immediate of 1 byte, sign-extended */
	EMU_FORM_IQ,		/* immediate of the operand size */
	EMU_FORM_1,
	EMU_FORM_V,		/* XMM, by ModRM.reg */
	EMU_FORM_W,		/* memory operand of an XMM move */
	EMU_FORM_STR,		/* [rSI] or [rDI] */
	EMU_FORM_SO,		/* segment register, by the opcode */
	EMU_FORM_IW,		/* immediate of 2 bytes */
	EMU_FORM_P,		/* immediate far pointer */
	EMU_FORM_IWB,		/* immediates of 2 bytes and 1 byte */
};

#define EMU_OF_BYTE	BIT(0)	/* operand size 1 */
#define EMU_OF_MODRM	BIT(1)
#define EMU_OF_D64	BIT(2)	/* operand size 8 by default in 64-bit mode */
#define EMU_OF_GROUP	BIT(3)	/* @op numbers a group: ModRM.reg picks the row */
#define EMU_OF_REGOP	BIT(4)	/* ModRM.reg is added to @op */
#define EMU_OF_SSE	BIT(5)	/* @op numbers an SSE opcode: the prefix picks the row */
#define EMU_OF_IMM8	BIT(6)	/* a third operand: an immediate of 1 byte, sign-extended */
#define EMU_OF_IMM	BIT(7)	/* or of the operand size, at most 4 bytes */

#define EMU_OF_NEAR	BIT(8)	/* operand size 8 in 64-bit mode, whatever the prefix */
#define EMU_OF_NOT64	BIT(9)	/* none in 64-bit mode */
#define EMU_OF_DWORD	BIT(10)	/* operand size 4, or 8 with REX.W */

/* Rows of an SSE opcode say the size of the memory operand in their flags. */
#define EMU_SSE_16	0		/* or 32 with VEX.L */
#define EMU_SSE_8	1
#define EMU_SSE_4	2
#define EMU_SSE_DQ	3		/* 4, or 8 with REX.W */
#define EMU_SSE_SIZE	3
#define EMU_SSE_NO_VEX	BIT(2)
#define EMU_SSE_L0	BIT(3)		/* VEX.L must be 0 */

enum { EMU_MAP_1, EMU_MAP_0F, EMU_MAP_0F38, EMU_NR_MAPS };

extern const struct emu_opcode emu_opcodes[EMU_NR_MAPS][256];
extern const struct emu_opcode emu_groups[][8];
extern const struct emu_opcode emu_sse[][4];		/* by prefix: none, 66, F3, F2 */

/* The rows of emu_sse. */
enum {
	EMU_SSE_10, EMU_SSE_11, EMU_SSE_12, EMU_SSE_13, EMU_SSE_16H, EMU_SSE_17, EMU_SSE_28,
	EMU_SSE_29, EMU_SSE_2B, EMU_SSE_6E, EMU_SSE_6F, EMU_SSE_7E, EMU_SSE_7F, EMU_SSE_D6,
	EMU_SSE_E7, EMU_SSE_F0, EMU_SSE_38_2A,
};

/* What emu_exec() and the ops answer; negative: a host error to pass on. */
enum emu_result {
	EMU_OK,			/* done: the instruction retires */
	EMU_PARTIAL,		/* a REP instruction advanced and goes on: RIP stays */
	EMU_FAULT,		/* deliver emu_ctx.fault; only earlier iterations are committed */
	EMU_EXIT,		/* userspace first: then run the instruction again */
	EMU_RETRY,		/* a locked update lost a race: run the guest again */
	EMU_FAIL,		/* cannot be emulated */
};

struct emu_fault {
	u8 vector;
	bool has_error;
	u32 error;
	u64 cr2;
};

/* A segment as address checks see it (SDM "Segment Descriptors"). */
struct emu_segment {
	u64 base;
	u32 limit;
	u16 selector;
	u8 type;		/* the descriptor's type of a code or data segment */
	bool db;
	bool unusable;
};

struct emu_ctx;

/**
 * struct emu_ops - how an instruction reaches memory, ports and the state that it rarely needs
 * @read: @len bytes at linear address @la; @rmw: they will be written, so the access is a
 *	write for the page tables
 * @write: the same outwards; a write that userspace must see may be queued until the
 *	instruction has retired
 * @exchange: replace @len bytes if they equal @old, atomically; EMU_RETRY if they do not
 * @probe: fault as a write of @len bytes would
 * @segment: fill *@s
 * @set_selector: real and virtual-8086 mode: load @sel into a segment register
 * @set_segment: protected mode: the same with its descriptor; 0: a null selector
 * @table: where the GDT or, if @local, the LDT is; false: there is none
 * @system: the 8 bytes of a descriptor at linear address @la, read as the processor itself reads
 *	them into *@desc; with @old, replaced by *@desc, or EMU_RETRY
 * @in: one element from @port; @ahead more may be asked of userspace at once (the element included)
 * @out: one element to @port, may be queued like a write
 * @vec_get, @vec_set: @len bytes of a vector register, 16 or 32; with @clear the rest of the
 *	register becomes 0
 * @pause: a REP instruction should stop here (a queued write, a pending signal)
 *
 * All return enum emu_result or a negative errno, and fill ctx->fault for EMU_FAULT.
 */
struct emu_ops {
	int (*read)(struct emu_ctx *c, u64 la, void *data, unsigned int len, bool rmw);
	int (*write)(struct emu_ctx *c, u64 la, const void *data, unsigned int len);
	int (*exchange)(struct emu_ctx *c, u64 la, const void *old, const void *new,
			unsigned int len);
	int (*probe)(struct emu_ctx *c, u64 la, unsigned int len);
	void (*segment)(struct emu_ctx *c, unsigned int seg, struct emu_segment *s);
	void (*set_selector)(struct emu_ctx *c, unsigned int seg, u16 sel);
	void (*set_segment)(struct emu_ctx *c, unsigned int seg, u16 sel, u64 desc);
	bool (*table)(struct emu_ctx *c, bool local, u64 *base, u32 *limit);
	int (*system)(struct emu_ctx *c, u64 la, const u64 *old, u64 *desc);
	int (*in)(struct emu_ctx *c, u16 port, unsigned int size, unsigned int ahead, void *data);
	int (*out)(struct emu_ctx *c, u16 port, unsigned int size, const void *data);
	void (*vec_get)(struct emu_ctx *c, unsigned int reg, void *data, unsigned int len);
	void (*vec_set)(struct emu_ctx *c, unsigned int reg, const void *data, unsigned int len,
			bool clear);
	bool (*pause)(struct emu_ctx *c);
};

/**
 * struct emu_ctx - the processor as one instruction sees it
 * @gpr: all general registers, updated in place once nothing can fault any more
 * @rip: of the instruction; not changed
 * @rflags: updated in place, as @gpr
 * @bits: 16, 32 or 64
 * @cpl: current privilege level
 * @va_bits: linear-address width in 64-bit mode
 * @protected: segments are protected-mode ones (neither real nor virtual-8086 mode)
 * @long_mode: 64-bit or compatibility mode
 * @align_check: misaligned accesses raise #AC
 * @sse_fault: the vector that this SSE or AVX instruction raises now (#UD, #NM), 0: none
 * @real: run real mode, where IDTR is @idt_base and @idt_limit
 * @jumped: the next instruction is at @target; false before the instruction runs
 */
struct emu_ctx {
	const struct emu_ops *ops;
	struct emu_insn insn;
	u64 *gpr;
	u64 rip;
	u64 rflags;
	u8 bits;
	u8 cpl;
	u8 va_bits;
	bool protected;
	bool long_mode;
	bool align_check;
	u8 sse_fault;
	bool real, jumped;
	u32 idt_limit;
	u64 idt_base;
	u64 target;
	struct emu_fault fault;
};

/* Run ctx->insn; enum emu_result or a negative errno. */
int emu_exec(struct emu_ctx *c);

/* flow.c: enter the handler of @vector in real mode, as INT does; it returns to @rip. */
int emu_interrupt(struct emu_ctx *c, u8 vector, u64 rip);

/* operand.c */
int emu_linear_checked(struct emu_ctx *c, unsigned int seg, u64 ea, unsigned int len, bool write,
		       u64 *la);
int emu_fault(struct emu_ctx *c, u8 vector);			/* no error code */
int emu_fault_err(struct emu_ctx *c, u8 vector, u32 error);

/*
 * alu.c, muldiv.c: results and arithmetic flags; @flags holds the old RFLAGS on entry, the new ones
 * on return
 */
u64 emu_alu(unsigned int op, u64 dst, u64 src, unsigned int size, u64 *flags);
u64 emu_incdec(bool inc, u64 val, unsigned int size, u64 *flags);
u64 emu_neg(u64 val, unsigned int size, u64 *flags);
u64 emu_shift(unsigned int op, u64 val, unsigned int count, unsigned int size, u64 *flags);
/* The double-width product or quotient in *@hi:*@lo. False: #DE. */
bool emu_muldiv(unsigned int op, u64 *hi, u64 *lo, u64 src, unsigned int size, u64 *flags);
u64 emu_imul(u64 a, u64 b, unsigned int size, u64 *flags);
/* SHLD and SHRD: @fill supplies the bits that enter. */
u64 emu_shift_double(bool left, u64 val, u64 fill, unsigned int count, unsigned int size,
		     u64 *flags);
bool emu_condition(unsigned int cond, u64 flags);

static inline u64 emu_mask(unsigned int size)
{
	return size >= 8 ? ~0ULL : (1ULL << (8 * size)) - 1;
}

static inline s64 emu_sext(u64 val, unsigned int size)
{
	unsigned int shift = 64 - 8 * size;

	return (s64)(val << shift) >> shift;
}

static inline u64 emu_reg_read(const struct emu_ctx *c, unsigned int reg, unsigned int size)
{
	return c->gpr[reg] & emu_mask(size);
}

/* 4 bytes clear the upper half, 1 and 2 bytes leave the rest alone. */
static inline void emu_reg_write(struct emu_ctx *c, unsigned int reg, unsigned int size, u64 val)
{
	u64 keep = size < 4 ? ~emu_mask(size) : 0;

	c->gpr[reg] = (c->gpr[reg] & keep) | (val & emu_mask(size));
}

static inline u64 emu_effective_address(const struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	u64 ea = insn->disp;

	if (insn->base == EMU_REG_RIP)
		ea += c->rip + insn->len;
	else if (insn->base != EMU_REG_NONE)
		ea += c->gpr[insn->base];
	if (insn->index != EMU_REG_NONE)
		ea += c->gpr[insn->index] << insn->scale;
	return ea & emu_mask(insn->asize);
}

static inline bool emu_canonical(const struct emu_ctx *c, u64 la)
{
	u64 above = (s64)la >> (c->va_bits - 1);	/* all 0, or all 1 */

	return above + 1 <= 1;
}

/* Check @ea in @seg for an access of @len bytes and give its linear address. */
static inline int emu_linear(struct emu_ctx *c, unsigned int seg, u64 ea, unsigned int len,
			     bool write, u64 *la)
{
	*la = ea;
	if (c->bits == 64 && seg < UM_FS && !c->align_check && emu_canonical(c, ea) &&
	    emu_canonical(c, ea + len - 1))
		return EMU_OK;
	return emu_linear_checked(c, seg, ea, len, write, la);
}

/* The linear address of the ModRM operand. */
static inline int emu_mem_operand(struct emu_ctx *c, unsigned int len, bool write, u64 *la)
{
	return emu_linear(c, c->insn.seg, emu_effective_address(c), len, write, la);
}

#endif
