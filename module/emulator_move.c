// SPDX-License-Identifier: GPL-2.0
/*
 * Loads and stores of 64-bit code at a device, one operand being a register: what drivers do,
 * instruction by instruction. The processor has computed, checked and translated the address before
 * it exited, so userspace can be asked at once. Guarded by the vCPU's mutex.
 */
#include "emulator.h"
#include "iobus.h"

/* Reads its memory operand first, and nothing else. */
static bool is_load(const struct emu_insn *insn)
{
	if (insn->dst.kind != EMU_K_REG || insn->src.kind != EMU_K_MEM)
		return false;
	return insn->op == EMU_MOV || (insn->op >= EMU_ADD && insn->op <= EMU_CMP);
}

static bool is_store(const struct emu_insn *insn)
{
	if (insn->dst.kind != EMU_K_MEM || insn->op != EMU_MOV)
		return false;
	return insn->src.kind == EMU_K_REG || insn->src.kind == EMU_K_IMM;
}

bool emul_is_move(const struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;

	return c->bits == 64 && !insn->flags && insn->seg < UM_FS &&
	       (is_load(insn) || is_store(insn));
}

/* RF, which the exit has set, holds for this instruction alone. */
static int moved(struct um_vcpu *vcpu, unsigned int len)
{
	u64 rflags = um_rflags(vcpu);

	if (rflags & X86_EFLAGS_RF)
		um_set_rflags(vcpu, rflags & ~X86_EFLAGS_RF);
	vcpu->stats.insn_emulated++;
	return um_skip_insn(vcpu, len);
}

/* Userspace may have moved RIP meanwhile: then the instruction is no longer there. */
static int complete_move(struct um_vcpu *vcpu)
{
	struct um_emul *em = vcpu->emul;
	const struct emu_insn *insn = &em->ctx.insn;
	u64 val;

	if (um_rip(vcpu) != em->ctx.rip)
		return 1;
	memcpy(&val, vcpu->run->mmio.data, sizeof(val));
	emu_reg_write(&em->ctx, insn->dst.reg, insn->size, val);
	return moved(vcpu, insn->len);
}

/* The executor finds the answer where it will ask for it. */
static int complete_load(struct um_vcpu *vcpu)
{
	struct um_emul *em = vcpu->emul;
	struct emul_fragment *f = &em->read[0];

	f->gpa = em->gpa_hint;
	f->len = em->ctx.insn.size;
	memcpy(f->data, vcpu->run->mmio.data, EMUL_MMIO_BYTES);
	em->nr_read = 1;
	return emul_resume(em);
}

static u64 stored(const struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	u64 val = insn->src.kind == EMU_K_IMM ? insn->imm : c->gpr[insn->src.reg];

	return val & emu_mask(insn->size);
}

/* A device in the kernel takes part, and this form of access is simple enough. */
static bool moved_in_kernel(struct um_emul *em)
{
	struct emu_ctx *c = &em->ctx;
	const struct emu_insn *insn = &c->insn;
	u64 val;

	if (insn->dst.kind == EMU_K_MEM) {
		val = stored(c);
		return um_mmio_write(em->vcpu, em->gpa_hint, insn->size, &val);
	}
	if (insn->op != EMU_MOV ||
	    !um_mmio_read(em->vcpu, em->gpa_hint, insn->size, &val))
		return false;
	emu_reg_write(c, insn->dst.reg, insn->size, val);
	return true;
}

static bool has_devices(const struct um_vcpu *vcpu)
{
	return vcpu->irq.lapic || rcu_access_pointer(vcpu->vm->irq.bus[UM_BUS_MMIO]);
}

static void store(struct um_vcpu *vcpu, const struct emu_ctx *c)
{
	const struct emu_insn *insn = &c->insn;
	u64 val = stored(c);

	memcpy(vcpu->run->mmio.data, &val, sizeof(val));
	moved(vcpu, insn->len);
}

/*
 * The access that exited may have been to a page table, or the second half of one that crosses
 * pages: then the offsets in the page differ.
 */
int emul_move(struct um_emul *em)
{
	unsigned int offset = um_page_offset(em->gpa_hint);
	const struct emu_ctx *c = &em->ctx;
	struct um_vcpu *vcpu = em->vcpu;
	struct kvm_run *run = vcpu->run;

	if (offset != um_page_offset(emu_effective_address(c)) ||
	    offset + c->insn.size > UM_PAGE_SIZE || (c->rflags & X86_EFLAGS_TF) ||
	    !emul_is_device(em, gpa_to_gfn(em->gpa_hint)))
		return EMUL_NOT_MOVED;
	if (has_devices(vcpu)) {
		if (moved_in_kernel(em))
			return moved(vcpu, c->insn.len);
		if (c->insn.op != EMU_MOV)
			return EMUL_NOT_MOVED;
	}

	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = um_gpa_plain(em->gpa_hint);
	run->mmio.len = c->insn.size;
	run->mmio.is_write = c->insn.dst.kind == EMU_K_MEM;
	if (run->mmio.is_write)
		store(vcpu, c);
	else
		vcpu->complete = c->insn.op == EMU_MOV ? complete_move : complete_load;
	return 0;
}
