// SPDX-License-Identifier: GPL-2.0
/*
 * Real mode on a CPU without the unrestricted guest: every instruction is interpreted, and events
 * are delivered through the interrupt vector table by hand. Guarded by the vCPU's mutex; the vCPU
 * is loaded, vm->srcu is held for reading.
 */
#define pr_fmt(fmt) "umbra: " fmt

#include <linux/ratelimit.h>

#include "cr.h"
#include "emulator.h"
#include "event.h"
#include "host.h"
#include "smm.h"

#define BASE24		GENMASK(23, 0)
#define BATCH		64	/* instructions between two looks at what else there is to do */

void emul_real_failed(const struct um_emul *em)
{
	pr_warn_ratelimited("no unrestricted guest: cannot interpret %*ph at %04x:%04llx\n",
			    em->nr_bytes, em->bytes, em->vcpu->segs[UM_CS].selector, em->ctx.rip);
}

static void set_edx_eax(struct um_vcpu *vcpu, u64 val)
{
	vcpu->gpr[UM_RAX] = lower_32_bits(val);
	vcpu->gpr[UM_RDX] = upper_32_bits(val);
}

static int do_msr(struct um_emul *em, bool write, u32 index)
{
	struct um_vcpu *vcpu = em->vcpu;
	u64 val = (u32)vcpu->gpr[UM_RAX] | vcpu->gpr[UM_RDX] << 32;

	if (write ? um_msr_write(vcpu, index, val, false) : um_msr_read(vcpu, index, &val, false))
		return emu_fault_err(&em->ctx, UM_GP, 0);
	if (!write)
		set_edx_eax(vcpu, val);
	return EMU_OK;
}

static int write_cr(struct um_emul *em, unsigned int cr, u32 val)
{
	struct um_vcpu *vcpu = em->vcpu;
	int bad = 0;

	switch (cr) {
	case 0:
		bad = um_set_cr0(vcpu, val);
		break;
	case 2:
		vcpu->cr2 = val;
		break;
	case 3:
		bad = um_set_cr3(vcpu, val);
		break;
	case 4:
		bad = um_set_cr4(vcpu, val);
		break;
	default:
		return emu_fault(&em->ctx, UM_UD);
	}
	return bad ? emu_fault_err(&em->ctx, UM_GP, 0) : EMU_OK;
}

static int read_cr(struct um_emul *em, unsigned int cr, unsigned int reg)
{
	struct um_vcpu *vcpu = em->vcpu;
	u32 val;

	switch (cr) {
	case 0:
		val = um_cr0(vcpu);
		break;
	case 2:
		val = vcpu->cr2;
		break;
	case 3:
		val = um_cr3(vcpu);
		break;
	case 4:
		val = um_cr4(vcpu);
		break;
	default:
		return emu_fault(&em->ctx, UM_UD);
	}
	vcpu->gpr[reg] = val;
	return EMU_OK;
}

static int write_dr(struct um_emul *em, unsigned int dr, u32 val)
{
	switch (um_set_dr(em->vcpu, dr, val)) {
	case 0:
		return EMU_OK;
	case 1:
		return emu_fault_err(&em->ctx, UM_GP, 0);
	default:
		return emu_fault(&em->ctx, UM_UD);
	}
}

struct dtable_image {
	u16 limit;
	u32 base;
} __packed;

static int store_dtable(struct emu_ctx *c, const struct kvm_dtable *dt)
{
	struct dtable_image image = { .limit = dt->limit, .base = dt->base };
	u64 la;
	int r = emu_mem_operand(c, sizeof(image), true, &la);

	return r ? r : c->ops->write(c, la, &image, sizeof(image));
}

static int load_dtable(struct um_emul *em, struct kvm_dtable *dt)
{
	struct emu_ctx *c = &em->ctx;
	struct dtable_image image;
	u64 la;
	int r = emu_mem_operand(c, sizeof(image), false, &la);

	if (!r)
		r = c->ops->read(c, la, &image, sizeof(image), false);
	if (r)
		return r;
	dt->limit = image.limit;
	dt->base = c->insn.size == 2 ? image.base & BASE24 : image.base;
	um_dirty(em->vcpu, UM_ST_DTABLES);
	return EMU_OK;
}

static int do_lmsw(struct um_emul *em)
{
	static const u64 low = X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS;
	struct emu_place src;
	int r = emu_read_operand(&em->ctx, &em->ctx.insn.src, false, &src);

	return r ? r : write_cr(em, 0, (um_cr0(em->vcpu) & ~low) | (src.val & low));
}

static int do_smsw(struct um_emul *em)
{
	const struct emu_operand *dst = &em->ctx.insn.dst;
	u64 la = 0;
	int r = EMU_OK;

	if (dst->kind == EMU_K_MEM)
		r = emu_mem_operand(&em->ctx, dst->size, true, &la);
	return r ? r : emu_write_operand(&em->ctx, dst, la, um_cr0(em->vcpu));
}

/* Instructions that only change state of the vCPU. */
static int system_insn(struct um_emul *em)
{
	const struct emu_insn *insn = &em->ctx.insn;
	struct um_vcpu *vcpu = em->vcpu;

	switch (insn->op) {
	case EMU_CPUID:
		um_cpuid(vcpu);
		return EMU_OK;
	case EMU_RDTSC:
		return do_msr(em, false, MSR_IA32_TSC);
	case EMU_RDMSR:
	case EMU_WRMSR:
		return do_msr(em, insn->op == EMU_WRMSR, vcpu->gpr[UM_RCX]);
	case EMU_CR_READ:
		return read_cr(em, insn->src.reg, insn->dst.reg);
	case EMU_CR_WRITE:
		return write_cr(em, insn->dst.reg, vcpu->gpr[insn->src.reg]);
	case EMU_DR_READ:
		vcpu->gpr[insn->dst.reg] = (u32)um_get_dr(vcpu, insn->src.reg);
		return EMU_OK;
	case EMU_DR_WRITE:
		return write_dr(em, insn->dst.reg, vcpu->gpr[insn->src.reg]);
	case EMU_CLTS:
		return write_cr(em, 0, um_cr0(vcpu) & ~X86_CR0_TS);
	case EMU_LMSW:
		return do_lmsw(em);
	case EMU_SMSW:
		return do_smsw(em);
	case EMU_SGDT:
		return store_dtable(&em->ctx, &vcpu->gdt);
	case EMU_SIDT:
		return store_dtable(&em->ctx, &vcpu->idt);
	case EMU_LGDT:
		return load_dtable(em, &vcpu->gdt);
	case EMU_LIDT:
		return load_dtable(em, &vcpu->idt);
	case EMU_INVLPG:	/* nothing is paged, */
	case EMU_WBINVD:	/* and no cache of the host's is for the guest to flush */
		return EMU_OK;
	}
	return EMU_FAIL;
}

static int do_pio(struct um_emul *em)
{
	const struct emu_insn *insn = &em->ctx.insn;
	struct um_vcpu *vcpu = em->vcpu;
	u16 port = insn->src.kind == EMU_K_IMM ? (u8)insn->imm : vcpu->gpr[UM_RDX];

	return um_pio(vcpu, port, insn->size, insn->op == EMU_IN, insn->len);
}

/* Interrupts wait for one instruction more. */
static int do_sti(struct um_emul *em)
{
	struct um_vcpu *vcpu = em->vcpu;
	bool was_off = !(vcpu->rflags & X86_EFLAGS_IF);
	int r;

	um_set_rflags(vcpu, vcpu->rflags | X86_EFLAGS_IF);
	r = um_skip_insn(vcpu, em->ctx.insn.len);
	vcpu->sti_block = was_off;
	um_dirty(vcpu, UM_ST_INTR);
	return r;
}

static int do_hlt(struct um_emul *em)
{
	um_skip_insn(em->vcpu, em->ctx.insn.len);
	return um_hlt(em->vcpu);
}

int emul_system(struct um_emul *em)
{
	switch (em->ctx.insn.op) {
	case EMU_IN:
	case EMU_OUT:
		return do_pio(em);
	case EMU_STI:
		return do_sti(em);
	case EMU_HLT:
		return do_hlt(em);
	case EMU_RSM:
		if (um_in_smm(em->vcpu))
			return um_rsm(em->vcpu);
		return emul_finish(em, emu_fault(&em->ctx, UM_UD));
	default:
		return emul_finish(em, system_insn(em));
	}
}

/* Through the vector table. 1: go on, also when that faulted; 0: to userspace; <0: errno. */
static int deliver(struct um_vcpu *vcpu, u8 vector, unsigned int skip)
{
	struct um_emul *em = emul_start_event(vcpu);
	int r;

	if (!em)
		return -ENOMEM;
	r = emu_interrupt(&em->ctx, vector, em->ctx.rip + skip);
	return emul_finish(em, r);
}

static bool nmi_allowed(const struct um_vcpu *vcpu)
{
	return !vcpu->nmi_block && !vcpu->sti_block && !vcpu->movss_block;
}

/* A fault of the delivery merges with the event, so this is forgotten only afterwards. */
static int deliver_exception(struct um_vcpu *vcpu)
{
	struct um_exception *exc = &vcpu->ev.exc;
	int r;

	if (exc->pending)
		um_exception_deliver(vcpu);
	r = deliver(vcpu, exc->vector, exc->soft ? exc->insn_len : 0);
	exc->injected = false;
	return r;
}

int um_interpret_event(struct um_vcpu *vcpu)
{
	struct um_events *ev = &vcpu->ev;

	if (ev->exc.injected || (ev->exc.pending && !ev->irq_injected && !ev->nmi_injected))
		return deliver_exception(vcpu);
	if (ev->irq_injected) {
		ev->irq_injected = false;
		return deliver(vcpu, ev->irq_vector, ev->irq_soft ? ev->irq_insn_len : 0);
	}
	um_need(vcpu, UM_ST_INTR);
	if (!ev->nmi_injected && !(ev->nmi_pending && nmi_allowed(vcpu)))
		return 1;
	if (!ev->nmi_injected)
		ev->nmi_pending--;
	ev->nmi_injected = false;
	vcpu->nmi_block = true;
	um_dirty(vcpu, UM_ST_INTR);
	return deliver(vcpu, UM_NMI, 0);
}

static bool other_work(struct um_vcpu *vcpu)
{
	return !um_interpreted(vcpu) || um_request_pending(vcpu) || vcpu->ev.nmi_pending ||
	       vcpu->run->request_interrupt_window || vcpu->irq.window || host_guest_work_pending();
}

/* Bounded, since whoever changes the memslots waits for vm->srcu. */
int um_interpret(struct um_vcpu *vcpu)
{
	unsigned int left = BATCH;
	int r;

	do {
		r = um_emulate(vcpu, 0, false);
	} while (r > 0 && --left && !other_work(vcpu));
	return r;
}
