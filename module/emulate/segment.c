// SPDX-License-Identifier: GPL-2.0
/*
 * Loading segment registers, and far transfers that stay at their privilege level; gates, tasks and
 * other levels are not emulated. All checks come before anything changes. Pure, no locks.
 * Source: SDM "Segment Descriptors", "MOV", "JMP", "CALL", "RET", "IRET".
 */
#include "exec.h"

#define SEL_RPL		3
#define SEL_LOCAL	BIT(2)
#define SEL_OFFSET	0xfff8U

/* A descriptor's bits. */
#define DESCR_ACCESSED		BIT_ULL(40)
#define DESCR_RW		BIT_ULL(41)	/* writable data, readable code */
#define DESCR_CONFORMING	BIT_ULL(42)	/* code */
#define DESCR_CODE		BIT_ULL(43)
#define DESCR_USER		BIT_ULL(44)	/* code or data, not a system segment */
#define DESCR_PRESENT		BIT_ULL(47)
#define DESCR_L			BIT_ULL(53)
#define DESCR_DB		BIT_ULL(54)
#define DESCR_G			BIT_ULL(55)

static unsigned int desc_dpl(u64 desc)
{
	return desc >> 45 & 3;
}

static u32 desc_limit(u64 desc)
{
	u32 limit = (desc & 0xffff) | (desc >> 32 & 0xf0000);

	return desc & DESCR_G ? limit << 12 | 0xfff : limit;
}

static int selector_fault(struct emu_ctx *c, u8 vector, u16 sel)
{
	return emu_fault_err(c, vector, sel & ~SEL_RPL);
}

static bool is_null(u16 sel)
{
	return !(sel & ~SEL_RPL);
}

static int descriptor_address(struct emu_ctx *c, u16 sel, u64 *la)
{
	u32 offset = sel & SEL_OFFSET, limit;
	u64 base;

	if (!c->ops->table(c, sel & SEL_LOCAL, &base, &limit) ||
	    offset + sizeof(u64) - 1 > limit)
		return selector_fault(c, UM_GP, sel);
	*la = base + offset;
	if (!c->long_mode)
		*la &= emu_mask(4);
	return EMU_OK;
}

static int read_descriptor(struct emu_ctx *c, u16 sel, u64 *desc)
{
	u64 la;
	int r = descriptor_address(c, sel, &la);

	return r ? r : c->ops->system(c, la, NULL, desc);
}

/* Only when nothing else can be wrong with the segment. */
static int mark_accessed(struct emu_ctx *c, u16 sel, u64 *desc)
{
	u64 la, old = *desc;
	int r;

	if (old & DESCR_ACCESSED)
		return EMU_OK;
	*desc |= DESCR_ACCESSED;
	r = descriptor_address(c, sel, &la);
	return r ? r : c->ops->system(c, la, &old, desc);
}

static bool stack_null_allowed(const struct emu_ctx *c, u16 sel)
{
	return c->bits == 64 && c->cpl < 3 && (sel & SEL_RPL) == c->cpl;
}

static int check_stack(struct emu_ctx *c, u16 sel, u64 *desc)
{
	int r;

	*desc = 0;
	if (is_null(sel))
		return stack_null_allowed(c, sel) ? EMU_OK : emu_fault_err(c, UM_GP, 0);
	r = read_descriptor(c, sel, desc);
	if (r)
		return r;
	if ((sel & SEL_RPL) != c->cpl || desc_dpl(*desc) != c->cpl ||
	    (*desc & (DESCR_USER | DESCR_CODE | DESCR_RW)) != (DESCR_USER | DESCR_RW))
		return selector_fault(c, UM_GP, sel);
	if (!(*desc & DESCR_PRESENT))
		return selector_fault(c, UM_SS, sel);
	return mark_accessed(c, sel, desc);
}

static int check_data(struct emu_ctx *c, u16 sel, u64 *desc)
{
	unsigned int dpl;
	int r;

	*desc = 0;
	if (is_null(sel))
		return EMU_OK;
	r = read_descriptor(c, sel, desc);
	if (r)
		return r;
	dpl = desc_dpl(*desc);
	if (!(*desc & DESCR_USER) || (*desc & (DESCR_CODE | DESCR_RW)) == DESCR_CODE)
		return selector_fault(c, UM_GP, sel);
	if ((*desc & (DESCR_CODE | DESCR_CONFORMING)) != (DESCR_CODE | DESCR_CONFORMING) &&
	    ((sel & SEL_RPL) > dpl || c->cpl > dpl))
		return selector_fault(c, UM_GP, sel);
	if (!(*desc & DESCR_PRESENT))
		return selector_fault(c, UM_NP, sel);
	return mark_accessed(c, sel, desc);
}

int emu_load_segment(struct emu_ctx *c, unsigned int seg, u16 sel)
{
	u64 desc;
	int r;

	if (seg == UM_CS)
		return emu_fault(c, UM_UD);
	if (!c->protected) {
		c->ops->set_selector(c, seg, sel);
		return EMU_OK;
	}
	r = seg == UM_SS_SEG ? check_stack(c, sel, &desc) : check_data(c, sel, &desc);
	if (!r)
		c->ops->set_segment(c, seg, sel, desc);
	return r;
}

static int check_code_desc(struct emu_ctx *c, u16 sel, u64 desc)
{
	unsigned int dpl = desc_dpl(desc);

	if (!(desc & DESCR_USER))
		return EMU_FAIL;	/* a gate or a task */
	if (!(desc & DESCR_CODE))
		return selector_fault(c, UM_GP, sel);
	if (desc & DESCR_CONFORMING ? dpl > c->cpl : (sel & SEL_RPL) > c->cpl || dpl != c->cpl)
		return selector_fault(c, UM_GP, sel);
	if (c->long_mode && (desc & (DESCR_L | DESCR_DB)) == (DESCR_L | DESCR_DB))
		return selector_fault(c, UM_GP, sel);
	return desc & DESCR_PRESENT ? EMU_OK : selector_fault(c, UM_NP, sel);
}

bool emu_code_is_64bit(const struct emu_ctx *c, const struct emu_code *code)
{
	return c->long_mode && (code->desc & DESCR_L);
}

static int check_target(struct emu_ctx *c, struct emu_code *code)
{
	bool bad = code->target > desc_limit(code->desc);

	if (emu_code_is_64bit(c, code))
		bad = !emu_canonical(c, code->target);
	return bad ? emu_fault_err(c, UM_GP, 0) : EMU_OK;
}

static int check_real(struct emu_ctx *c, struct emu_code *code)
{
	struct emu_segment cs;

	c->ops->segment(c, UM_CS, &cs);
	return code->target > cs.limit ? emu_fault_err(c, UM_GP, 0) : EMU_OK;
}

int emu_check_code(struct emu_ctx *c, u16 sel, u64 target, bool returns, struct emu_code *code)
{
	int r;

	*code = (struct emu_code){ .sel = sel, .target = target & emu_mask(c->insn.size) };
	if (!c->protected)
		return check_real(c, code);
	if (is_null(sel))
		return emu_fault_err(c, UM_GP, 0);
	r = read_descriptor(c, sel, &code->desc);
	if (r)
		return r;
	if (returns && (sel & SEL_RPL) < c->cpl)
		return selector_fault(c, UM_GP, sel);
	if (returns && (sel & SEL_RPL) > c->cpl)
		return EMU_FAIL;
	r = check_code_desc(c, sel, code->desc);
	if (!r)
		r = check_target(c, code);
	code->sel = (sel & ~SEL_RPL) | c->cpl;
	return r ? r : mark_accessed(c, sel, &code->desc);
}

void emu_enter_code(struct emu_ctx *c, const struct emu_code *code)
{
	if (c->protected)
		c->ops->set_segment(c, UM_CS, code->sel, code->desc);
	else
		c->ops->set_selector(c, UM_CS, code->sel);
	c->target = code->target;
	c->jumped = true;
}

static int iret_allowed(struct emu_ctx *c)
{
	if (c->rflags & EMU_VM)
		return EMU_FAIL;
	if (c->protected && (c->rflags & EMU_NT))
		return c->long_mode ? emu_fault_err(c, UM_GP, 0) : EMU_FAIL;
	return EMU_OK;
}

/* What IRET pops; 64-bit mode pops the stack even at the same level. */
enum { FRAME_RIP, FRAME_CS, FRAME_FLAGS, FRAME_RSP, FRAME_SS, FRAME_WORDS };

static int pop_frame(struct emu_ctx *c, u64 *frame, u64 *rsp)
{
	unsigned int i, nr = c->bits == 64 ? FRAME_WORDS : FRAME_RSP;
	int r = EMU_OK;

	*rsp = c->gpr[UM_RSP];
	for (i = 0; !r && i < nr; i++)
		r = emu_pop(c, rsp, &frame[i], c->insn.size);
	if (c->bits == 64)
		*rsp = frame[FRAME_RSP];
	if (!r && (frame[FRAME_FLAGS] & EMU_VM) && c->protected && !c->cpl && !c->long_mode)
		r = EMU_FAIL;
	return r;
}

/* How much of RSP is loaded depends on where it returns to. */
static void set_returned_rsp(struct emu_ctx *c, u64 rsp, u64 code, u64 stack)
{
	unsigned int size = stack & DESCR_DB ? 4 : 2;

	if (c->bits != 64)
		emu_set_rsp(c, rsp);
	else
		emu_reg_write(c, UM_RSP, code & DESCR_L ? 8 : size, rsp);
}

int emu_exec_iret(struct emu_ctx *c)
{
	u64 frame[FRAME_WORDS] = { 0 }, stack = 0, rsp;
	struct emu_code code;
	int r = iret_allowed(c);

	if (!r)
		r = pop_frame(c, frame, &rsp);
	if (!r)
		r = emu_check_code(c, frame[FRAME_CS], frame[FRAME_RIP], true, &code);
	if (!r && c->bits == 64)
		r = check_stack(c, frame[FRAME_SS], &stack);
	if (r)
		return r;
	set_returned_rsp(c, rsp, code.desc, stack);
	c->rflags = emu_loaded_flags(c, frame[FRAME_FLAGS]);
	if (c->bits == 64)
		c->ops->set_segment(c, UM_SS_SEG, frame[FRAME_SS], stack);
	emu_enter_code(c, &code);
	return EMU_OK;
}
