// SPDX-License-Identifier: GPL-2.0
/*
 * String instructions with their REP prefixes: one element is one step, registers advance after
 * each, so the instruction can stop and resume anywhere. Pure, no locks. Source: SDM "String
 * Operations".
 */
#include "exec.h"

/* Iterations before the guest runs again, so that interrupts get in. */
#define REP_CHUNK	1024

static u64 reg(const struct emu_ctx *c, unsigned int nr)
{
	return emu_reg_read(c, nr, c->insn.asize);
}

static void advance(struct emu_ctx *c, unsigned int nr)
{
	u64 step = c->insn.size;

	emu_reg_write(c, nr, c->insn.asize, c->gpr[nr] + (c->rflags & EMU_DF ? -step : step));
}

static int source(struct emu_ctx *c, u64 *la)
{
	return emu_linear(c, c->insn.seg, reg(c, UM_RSI), c->insn.size, false, la);
}

/* The destination is in ES whatever the prefix. */
static int destination(struct emu_ctx *c, bool write, u64 *la)
{
	return emu_linear(c, UM_ES, reg(c, UM_RDI), c->insn.size, write, la);
}

static int read_source(struct emu_ctx *c, u64 *val)
{
	u64 la;
	int r = source(c, &la);

	*val = 0;
	return r ? r : c->ops->read(c, la, val, c->insn.size, false);
}

static int read_destination(struct emu_ctx *c, u64 *val)
{
	u64 la;
	int r = destination(c, false, &la);

	*val = 0;
	return r ? r : c->ops->read(c, la, val, c->insn.size, false);
}

static int write_destination(struct emu_ctx *c, u64 val)
{
	u64 la;
	int r = destination(c, true, &la);

	if (!r)
		r = c->ops->write(c, la, &val, c->insn.size);
	if (!r)
		advance(c, UM_RDI);
	return r;
}

static int step_movs(struct emu_ctx *c)
{
	u64 val;
	int r = read_source(c, &val);

	if (!r)
		r = write_destination(c, val);
	if (!r)
		advance(c, UM_RSI);
	return r;
}

static int step_stos(struct emu_ctx *c)
{
	return write_destination(c, emu_reg_read(c, UM_RAX, c->insn.size));
}

static int step_lods(struct emu_ctx *c)
{
	u64 val;
	int r = read_source(c, &val);

	if (r)
		return r;
	emu_reg_write(c, UM_RAX, c->insn.size, val);
	advance(c, UM_RSI);
	return EMU_OK;
}

static int step_cmps(struct emu_ctx *c)
{
	u64 src, dst;
	int r = read_source(c, &src);

	if (!r)
		r = read_destination(c, &dst);
	if (r)
		return r;
	emu_alu(EMU_CMP, src, dst, c->insn.size, &c->rflags);
	advance(c, UM_RSI);
	advance(c, UM_RDI);
	return EMU_OK;
}

static int step_scas(struct emu_ctx *c)
{
	u64 dst;
	int r = read_destination(c, &dst);

	if (r)
		return r;
	emu_alu(EMU_CMP, emu_reg_read(c, UM_RAX, c->insn.size), dst, c->insn.size, &c->rflags);
	advance(c, UM_RDI);
	return EMU_OK;
}

/* How many elements could be asked for at once: to the end of the page, one at least. */
static unsigned int read_ahead(const struct emu_ctx *c, u64 la)
{
	u64 left = c->insn.flags & EMU_REP ? reg(c, UM_RCX) : 1;
	unsigned int offset = um_page_offset(la);
	u64 fit = (c->rflags & EMU_DF ? offset : UM_PAGE_SIZE - offset) / c->insn.size;

	if (fit > left)
		fit = left;
	return fit ? fit : 1;
}

/* The destination's faults come before the port is read: a read cannot be taken back. */
static int step_ins(struct emu_ctx *c)
{
	u64 la, val = 0;
	int r = destination(c, true, &la);

	if (!r)
		r = c->ops->probe(c, la, c->insn.size);
	if (!r)
		r = c->ops->in(c, emu_reg_read(c, UM_RDX, 2), c->insn.size, read_ahead(c, la),
			       &val);
	return r ? r : write_destination(c, val);
}

static int step_outs(struct emu_ctx *c)
{
	u64 val;
	int r = read_source(c, &val);

	if (!r)
		r = c->ops->out(c, emu_reg_read(c, UM_RDX, 2), c->insn.size, &val);
	if (!r)
		advance(c, UM_RSI);
	return r;
}

static int (*const step_table[])(struct emu_ctx *c) = {
	[EMU_MOVS - EMU_MOVS] = step_movs,
	[EMU_CMPS - EMU_MOVS] = step_cmps,
	[EMU_STOS - EMU_MOVS] = step_stos,
	[EMU_LODS - EMU_MOVS] = step_lods,
	[EMU_SCAS - EMU_MOVS] = step_scas,
	[EMU_INS - EMU_MOVS] = step_ins,
	[EMU_OUTS - EMU_MOVS] = step_outs,
};

/* REPE and REPNE end a comparison by its result; for the others both mean REP. */
static bool compare_ends(const struct emu_ctx *c)
{
	if (c->insn.op != EMU_CMPS && c->insn.op != EMU_SCAS)
		return false;
	return !(c->rflags & EMU_ZF) == !!(c->insn.flags & EMU_REPE);
}

static int exec_rep(struct emu_ctx *c, int (*step)(struct emu_ctx *c))
{
	unsigned int chunk = REP_CHUNK;
	int r;

	while (reg(c, UM_RCX)) {
		if (!chunk--)
			return EMU_PARTIAL;
		r = step(c);
		if (r)
			return r;
		emu_reg_write(c, UM_RCX, c->insn.asize, c->gpr[UM_RCX] - 1);
		if (compare_ends(c))
			break;
		if (reg(c, UM_RCX) && c->ops->pause(c))
			return EMU_PARTIAL;
	}
	return EMU_OK;
}

int emu_exec_string(struct emu_ctx *c)
{
	int (*step)(struct emu_ctx *c) = step_table[c->insn.op - EMU_MOVS];

	return c->insn.flags & EMU_REP ? exec_rep(c, step) : step(c);
}
