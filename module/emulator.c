// SPDX-License-Identifier: GPL-2.0
/*
 * Emulation of the instruction at the guest's RIP, and what its result means for the vCPU.
 * Guarded by the vCPU's mutex; vm->srcu is held for reading. The vCPU is loaded, but not when
 * userspace has answered.
 */
#include <linux/sched/signal.h>

#include "cr.h"
#include "emulator.h"
#include "mmu.h"

/* How often a write that cannot be emulated is given back to a guest that makes no progress. */
#define ZAP_TRIES	16

static struct um_emul *emul_of(struct emu_ctx *c)
{
	return container_of(c, struct um_emul, ctx);
}

static void emul_vec_get(struct emu_ctx *c, unsigned int reg, void *data, unsigned int len)
{
	um_vector_read(emul_of(c)->vcpu, reg, data, len);
}

static void emul_vec_set(struct emu_ctx *c, unsigned int reg, const void *data, unsigned int len,
			 bool clear)
{
	um_vector_write(emul_of(c)->vcpu, reg, data, len, clear);
}

/*
 * The hint held for the first element alone. Input that userspace has given must not be left
 * behind.
 */
static bool emul_pause(struct emu_ctx *c)
{
	struct um_emul *em = emul_of(c);

	em->gpa_hint = UM_INVALID_GPA;
	em->nr_read = 0;
	em->read_pos = 0;
	if (emul_has_output(em) || (c->rflags & X86_EFLAGS_TF))
		return true;
	return em->input_pos == em->input_end && (need_resched() || signal_pending(current));
}

static const struct emu_ops emul_ops = {
	.read = emul_read,
	.write = emul_write,
	.exchange = emul_exchange,
	.probe = emul_probe,
	.segment = emul_segment,
	.set_selector = emul_set_selector,
	.set_segment = emul_set_segment,
	.table = emul_table,
	.system = emul_descriptor,
	.in = emul_in,
	.out = emul_out,
	.vec_get = emul_vec_get,
	.vec_set = emul_vec_set,
	.pause = emul_pause,
};

#define XCR0_SSE_AVX	(XFEATURE_MASK_SSE | XFEATURE_MASK_YMM)

static bool vector_enabled(struct um_vcpu *vcpu, const struct emu_ctx *c)
{
	if (c->insn.flags & EMU_VEX)
		return c->protected && (um_cr4(vcpu) & X86_CR4_OSXSAVE) &&
		       (vcpu->xcr0 & XCR0_SSE_AVX) == XCR0_SSE_AVX;
	return !(um_cr0(vcpu) & X86_CR0_EM) && (um_cr4(vcpu) & X86_CR4_OSFXSR);
}

static u8 sse_fault(struct um_vcpu *vcpu, const struct emu_ctx *c)
{
	if (!vector_enabled(vcpu, c))
		return UM_UD;
	return um_cr0(vcpu) & X86_CR0_TS ? UM_NM : 0;
}

/*
 * What every attempt reads. One request for it all; and what um_skip_insn() reads is among it
 * because after an exit to userspace the vCPU is not loaded, and a read would have to load it.
 */
#define BEGIN_STATE	(UM_ST_RIP | UM_ST_RFLAGS | UM_ST_INTR | UM_ST_MODE | UM_ST_CR0 | \
			 UM_ST_CR3 | UM_ST_CR4)

static u8 code_bits(struct um_vcpu *vcpu)
{
	if (um_64bit(vcpu))
		return 64;
	um_need(vcpu, UM_ST_SEGS);
	return vcpu->segs[UM_CS].db ? 32 : 16;
}

/* An instruction of real mode may need any of these. */
static void begin_real(struct um_emul *em)
{
	struct um_vcpu *vcpu = em->vcpu;

	um_need(vcpu, UM_ST_DTABLES | UM_ST_RSP);
	em->ctx.idt_base = vcpu->idt.base;
	em->ctx.idt_limit = vcpu->idt.limit;
}

/* Start an attempt: the registers as they are now, no translation known. */
static void begin(struct um_emul *em)
{
	struct um_vcpu *vcpu = em->vcpu;
	struct emu_ctx *c = &em->ctx;

	um_need(vcpu, BEGIN_STATE);
	c->gpr = vcpu->gpr;
	c->rip = vcpu->rip;
	c->rflags = vcpu->rflags;
	c->bits = code_bits(vcpu);
	c->va_bits = vcpu->cr4 & X86_CR4_LA57 ? 57 : 48;
	c->cpl = um_cpl(vcpu);
	c->protected = (vcpu->cr0 & X86_CR0_PE) && !(c->rflags & X86_EFLAGS_VM);
	c->long_mode = um_long_mode(vcpu);
	c->align_check = c->cpl == 3 && (c->rflags & X86_EFLAGS_AC) && (vcpu->cr0 & X86_CR0_AM);
	c->jumped = false;
	em->stepped = c->rflags & X86_EFLAGS_TF;
	c->real = um_interpreted(vcpu);
	if (c->real)
		begin_real(em);
	em->generation = um_slots(vcpu->vm)->generation;
	em->desc_valid = false;
	em->xlat_page = EMUL_NO_PAGE;
	em->read_pos = 0;
	em->nr_write = 0;
	em->output = false;
}

static void queue_fault(struct um_emul *em)
{
	const struct emu_fault *f = &em->ctx.fault;

	if (f->vector == UM_PF)
		um_queue_pf(em->vcpu, f->cr2, f->error);
	else if (f->has_error)
		um_queue_exception_err(em->vcpu, f->vector, f->error);
	else
		um_queue_exception(em->vcpu, f->vector);
}

static struct um_emul *emul_get(struct um_vcpu *vcpu)
{
	struct um_emul *em = vcpu->emul;

	if (em)
		return em;
	em = kzalloc(sizeof(*em), GFP_KERNEL_ACCOUNT);
	if (!em)
		return NULL;
	em->ctx.ops = &emul_ops;
	em->vcpu = vcpu;
	em->zap_gpa = UM_INVALID_GPA;
	em->code.page = EMUL_NO_PAGE;
	vcpu->emul = em;
	return em;
}

/* Tells a guest that loops from one that makes no progress: all registers are the same then. */
static u64 fingerprint(const struct um_vcpu *vcpu)
{
	u64 sum = vcpu->rip;
	unsigned int i;

	for (i = 0; i < UM_NR_GPRS; i++)
		sum = sum * 31 + vcpu->gpr[i];
	return sum;
}

static bool no_progress(struct um_emul *em, gpa_t gpa)
{
	u64 now = fingerprint(em->vcpu);

	if (em->zap_gpa != gpa || em->zap_state != now)
		em->zap_tries = 0;
	em->zap_gpa = gpa;
	em->zap_state = now;
	return em->zap_tries++ == ZAP_TRIES;
}

/* It does not help when the table maps itself. */
bool um_give_back(struct um_vcpu *vcpu, gpa_t gpa)
{
	struct um_emul *em = emul_get(vcpu);
	struct um_vm *vm = vcpu->vm;
	struct um_memslot *slot;
	bool tracked;

	slot = um_slot_find(vm, gpa_to_gfn(gpa));
	if (!em || !slot || no_progress(em, gpa))
		return false;
	write_lock(&vm->mmu_lock);
	tracked = um_tracked(slot, gpa_to_gfn(gpa));
	if (tracked)
		um_mmu_zap_all(vm);
	write_unlock(&vm->mmu_lock);
	return tracked;
}

/* As KVM: user code gets #UD, for the kernel's userspace is told, with the bytes. */
static noinline int emulation_failed(struct um_emul *em)
{
	struct {
		u64 flags;
		u8 insn_size;
		u8 insn_bytes[EMU_MAX_LEN];
	} info = {
		.flags = em->nr_bytes ? KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES : 0,
		.insn_size = em->nr_bytes,
	};
	unsigned int ndata = em->nr_bytes ? sizeof(info) / sizeof(u64) : 1;

	if (em->gpa_hint != UM_INVALID_GPA && um_give_back(em->vcpu, em->gpa_hint))
		return 1;
	if (!em->vcpu->vm->policy.exit_on_emulation_failure) {
		um_queue_exception(em->vcpu, UM_UD);
		if (um_cpl(em->vcpu))
			return 1;
	}
	if (em->ctx.real)
		emul_real_failed(em);
	memcpy(info.insn_bytes, em->bytes, em->nr_bytes);
	return um_exit_internal_error(em->vcpu, KVM_INTERNAL_ERROR_EMULATION, ndata, (u64 *)&info);
}

/* More than the next instruction follows: a jump, another TF, or blocked events. */
static bool changes_flow(const struct emu_insn *insn)
{
	return insn->op >= EMU_JCC || insn->dst.kind == EMU_K_SREG;
}

/* As um_skip_insn(), for an instruction that may have jumped, changed TF or begun to block. */
static int retire_flow(struct um_emul *em, unsigned int len)
{
	const struct emu_insn *insn = &em->ctx.insn;
	struct um_vcpu *vcpu = em->vcpu;
	u64 next = em->ctx.jumped ? em->ctx.target : em->ctx.rip + len;

	um_set_rip(vcpu, em->ctx.bits == 64 ? next : lower_32_bits(next));
	vcpu->sti_block = false;
	vcpu->movss_block = insn->dst.kind == EMU_K_SREG && insn->dst.reg == UM_SS_SEG;
	if (insn->op == EMU_IRET)
		vcpu->nmi_block = false;
	um_dirty(vcpu, UM_ST_INTR);
	if (em->stepped && !vcpu->movss_block)
		um_queue_db(vcpu, UM_DR6_BS);
	return 1;
}

/* Past @len bytes; userspace sees what the instruction wrote. */
static int retire(struct um_emul *em, unsigned int len)
{
	struct um_vcpu *vcpu = em->vcpu;
	bool flow = em->ctx.real || changes_flow(&em->ctx.insn);
	int r = flow ? retire_flow(em, len) : um_skip_insn(vcpu, len);

	vcpu->stats.insn_emulated++;
	em->nr_read = 0;
	if (!emul_has_output(em))
		return r;
	return emul_exit_with_output(em);
}

/* Registers in the vCPU are current already; RFLAGS and the knowledge that RSP changed are not. */
static void commit(struct um_emul *em)
{
	struct um_vcpu *vcpu = em->vcpu;

	if (em->ctx.rflags != vcpu->rflags)
		um_set_rflags(vcpu, em->ctx.rflags);
	if (em->ctx.real || (em->ctx.insn.flags & EMU_USES_RSP))
		um_dirty(vcpu, UM_ST_RSP);
}

/*
 * A REP instruction that goes on later: RF keeps its breakpoint from hitting again (SDM "Resume
 * Flag").
 */
static int retire_partly(struct um_emul *em)
{
	int r = retire(em, 0);

	um_set_rflags(em->vcpu, um_rflags(em->vcpu) | X86_EFLAGS_RF);
	return r;
}

/* It holds for one instruction, unless that loads it. */
static void end_resume_flag(struct um_emul *em)
{
	struct um_vcpu *vcpu = em->vcpu;

	if (unlikely(vcpu->rflags & X86_EFLAGS_RF) && em->ctx.insn.op != EMU_IRET)
		um_set_rflags(vcpu, vcpu->rflags & ~X86_EFLAGS_RF);
}

static int finish(struct um_emul *em, int result)
{
	switch (result) {
	case EMU_OK:
		end_resume_flag(em);
		return retire(em, em->ctx.insn.len);
	case EMU_PARTIAL:
		return retire_partly(em);
	case EMU_FAULT:
		queue_fault(em);
		return 1;
	case EMU_EXIT:
		return emul_exit_for_input(em);
	case EMU_RETRY:
		return 1;
	case EMU_FAIL:
		return emulation_failed(em);
	}
	return result;
}

int emul_finish(struct um_emul *em, int result)
{
	commit(em);
	return finish(em, result);
}

static int execute(struct um_emul *em)
{
	struct emu_ctx *c = &em->ctx;

	if (c->insn.op >= EMU_SYSTEM)
		return c->real ? emul_system(em) : finish(em, EMU_FAIL);
	if (c->insn.flags & EMU_USES_RSP)
		um_need(em->vcpu, UM_ST_RSP);
	if (c->insn.op >= EMU_SSE_MOV && c->insn.op <= EMU_SSE_HIGH)
		c->sse_fault = sse_fault(em->vcpu, c);
	return emul_finish(em, emu_exec(&em->ctx));
}

/*
 * Userspace may have moved RIP meanwhile: then the instruction is no longer there to be completed.
 */
int emul_resume(struct um_emul *em)
{
	if (um_rip(em->vcpu) != em->ctx.rip)
		return 1;
	begin(em);
	return execute(em);
}

static struct um_emul *start(struct um_vcpu *vcpu, gpa_t gpa_hint)
{
	struct um_emul *em = emul_get(vcpu);

	if (!em)
		return NULL;
	em->gpa_hint = gpa_hint;
	em->nr_read = 0;
	em->input_pos = 0;
	em->input_end = 0;
	begin(em);
	return em;
}

struct um_emul *emul_start_event(struct um_vcpu *vcpu)
{
	struct um_emul *em = start(vcpu, UM_INVALID_GPA);

	if (!em)
		return NULL;
	em->decoded_as = 0;
	em->move = false;
	em->nr_bytes = 0;
	em->stepped = false;
	em->ctx.insn = (struct emu_insn){ .flags = EMU_USES_RSP };
	return em;
}

int um_emulate(struct um_vcpu *vcpu, gpa_t fault_gpa, bool gpa_valid)
{
	struct um_emul *em = start(vcpu, gpa_valid ? fault_gpa : UM_INVALID_GPA);
	int r;

	if (!em)
		return -ENOMEM;
	r = emul_fetch(em);
	if (r)
		return finish(em, r);
	if (em->move) {
		r = emul_move(em);
		if (r != EMUL_NOT_MOVED)
			return r;
	}
	return execute(em);
}

void um_emul_destroy(struct um_vcpu *vcpu)
{
	kfree(vcpu->emul);
	vcpu->emul = NULL;
}
