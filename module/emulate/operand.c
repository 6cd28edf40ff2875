// SPDX-License-Identifier: GPL-2.0
/*
 * Operands of the emulator: general registers by size, effective and linear addresses with the checks that come
 * before paging. Pure, no locks. Source: SDM "Limit Checking", "Type Checking", "Canonical Addressing".
 */
#include "emulate.h"

/* Descriptor types of code and data segments. */
#define TYPE_CODE		(1u << 3)
#define TYPE_EXPAND_DOWN	(1u << 2)	/* data */
#define TYPE_WRITABLE		(1u << 1)	/* data */
#define TYPE_READABLE		(1u << 1)	/* code */

int emu_fault(struct emu_ctx *c, u8 vector)
{
	c->fault = (struct emu_fault){ .vector = vector };
	return EMU_FAULT;
}

int emu_fault_err(struct emu_ctx *c, u8 vector, u32 error)
{
	c->fault = (struct emu_fault){ .vector = vector, .has_error = true, .error = error };
	return EMU_FAULT;
}

u64 emu_reg_read(const struct emu_ctx *c, unsigned int reg, unsigned int size)
{
	return c->gpr[reg] & emu_mask(size);
}

/* 4 bytes clear the upper half, 1 and 2 bytes leave the rest alone. */
void emu_reg_write(struct emu_ctx *c, unsigned int reg, unsigned int size, u64 val)
{
	u64 keep = size < 4 ? ~emu_mask(size) : 0;

	c->gpr[reg] = (c->gpr[reg] & keep) | (val & emu_mask(size));
}

u64 emu_effective_address(const struct emu_ctx *c)
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

static int segment_fault(struct emu_ctx *c, unsigned int seg)
{
	return emu_fault_err(c, seg == UM_SS_SEG ? UM_SS : UM_GP, 0);
}

static bool canonical(const struct emu_ctx *c, u64 la)
{
	unsigned int shift = 64 - c->va_bits;

	return (u64)((s64)(la << shift) >> shift) == la;
}

static int linear64(struct emu_ctx *c, unsigned int seg, u64 ea, unsigned int len, u64 *la)
{
	struct emu_segment s;

	if (seg == UM_FS || seg == UM_GS) {
		c->ops->segment(c, seg, &s);
		ea += s.base;
	}
	*la = ea;
	if (!canonical(c, ea) || !canonical(c, ea + len - 1))
		return segment_fault(c, seg);
	return EMU_OK;
}

static bool type_allows(const struct emu_segment *s, bool write)
{
	if (s->unusable)
		return false;
	if (s->type & TYPE_CODE)
		return !write && (s->type & TYPE_READABLE);
	return !write || (s->type & TYPE_WRITABLE);
}

static bool within_limit(const struct emu_segment *s, u64 first, u64 last)
{
	if ((s->type & (TYPE_CODE | TYPE_EXPAND_DOWN)) == TYPE_EXPAND_DOWN)
		return first > s->limit && last <= (s->db ? emu_mask(4) : emu_mask(2));
	return last <= s->limit;
}

int emu_linear(struct emu_ctx *c, unsigned int seg, u64 ea, unsigned int len, bool write, u64 *la)
{
	struct emu_segment s;

	if (c->bits == 64)
		return linear64(c, seg, ea, len, la);
	c->ops->segment(c, seg, &s);
	if (c->protected && !type_allows(&s, write))
		return segment_fault(c, seg);
	ea &= emu_mask(4);
	if (!within_limit(&s, ea, ea + len - 1))
		return segment_fault(c, seg);
	*la = (s.base + ea) & emu_mask(4);
	return EMU_OK;
}

int emu_mem_operand(struct emu_ctx *c, unsigned int len, bool write, u64 *la)
{
	return emu_linear(c, c->insn.seg, emu_effective_address(c), len, write, la);
}
