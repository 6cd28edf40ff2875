// SPDX-License-Identifier: GPL-2.0
/*
 * Linear addresses of the emulator's operands, with the checks that come before paging. Pure, no
 * locks.
 * Source: SDM "Limit Checking", "Type Checking", "Canonical Addressing".
 */
#include "emulate.h"

/* Descriptor types of code and data segments. */
#define TYPE_CODE		BIT(3)
#define TYPE_EXPAND_DOWN	BIT(2)	/* data */
#define TYPE_WRITABLE		BIT(1)	/* data */
#define TYPE_READABLE		BIT(1)	/* code */

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

static int segment_fault(struct emu_ctx *c, unsigned int seg)
{
	return emu_fault_err(c, seg == UM_SS_SEG ? UM_SS : UM_GP, 0);
}

/* Those that must be aligned raise #GP instead, whoever asks for them. */
static bool always_aligned(const struct emu_insn *insn)
{
	return insn->op == EMU_SSE_MOVA || (insn->op == EMU_CMPXCHG8B && insn->size == 16);
}

/* The first part of a pointer with its segment or limit is what counts. */
static int aligned(struct emu_ctx *c, u64 la, unsigned int len)
{
	unsigned int unit = len < c->insn.size ? len : c->insn.size;

	if (!c->align_check || !(la & (unit - 1)) || always_aligned(&c->insn))
		return EMU_OK;
	return emu_fault_err(c, UM_AC, 0);
}

static int linear64(struct emu_ctx *c, unsigned int seg, u64 ea, unsigned int len, u64 *la)
{
	struct emu_segment s;

	if (seg == UM_FS || seg == UM_GS) {
		c->ops->segment(c, seg, &s);
		ea += s.base;
	}
	*la = ea;
	if (!emu_canonical(c, ea) || !emu_canonical(c, ea + len - 1))
		return segment_fault(c, seg);
	return aligned(c, ea, len);
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

int emu_linear_checked(struct emu_ctx *c, unsigned int seg, u64 ea, unsigned int len, bool write,
		       u64 *la)
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
	return aligned(c, *la, len);
}
