// SPDX-License-Identifier: GPL-2.0
/*
 * Guest-visible failures: queueing of exceptions, their merging into double and triple faults,
 * and the end of an emulated instruction. The vCPU's mutex guards vcpu->ev.
 */
#include "cr.h"
#include "event.h"
#include "guest_debug.h"
#include "umbra.h"

static void um_triple_fault(struct um_vcpu *vcpu)
{
	vcpu->ev.exc = (struct um_exception){};
	um_make_request(vcpu, UM_REQ_TRIPLE_FAULT);
}

static void um_queue(struct um_vcpu *vcpu, struct um_exception exc)
{
	const struct um_exception *first = &vcpu->ev.exc;

	if (first->pending || first->injected) {
		switch (um_exc_merge(first->vector, exc.vector)) {
		case UM_MERGE_TRIPLE:
			um_triple_fault(vcpu);
			return;
		case UM_MERGE_DOUBLE:
			exc = (struct um_exception){ .vector = UM_DF, .has_error = true };
			break;
		case UM_MERGE_REPLACE:
			break;
		}
	}
	exc.pending = true;
	vcpu->ev.exc = exc;
	um_make_request(vcpu, UM_REQ_EVENT);
}

void um_queue_exception(struct um_vcpu *vcpu, u8 vector)
{
	um_queue(vcpu, (struct um_exception){ .vector = vector });
}

void um_queue_soft(struct um_vcpu *vcpu, u8 vector, u8 insn_len)
{
	um_queue(vcpu, (struct um_exception){
		.vector = vector,
		.soft = true,
		.insn_len = insn_len,
	});
}

void um_queue_exception_err(struct um_vcpu *vcpu, u8 vector, u32 error)
{
	um_queue(vcpu, (struct um_exception){
		.vector = vector,
		.has_error = true,
		.error = error,
	});
}

void um_queue_pf(struct um_vcpu *vcpu, gva_t gva, u32 error)
{
	vcpu->stats.guest_faults_injected++;
	um_queue(vcpu, (struct um_exception){
		.vector = UM_PF,
		.has_error = true,
		.error = error,
		.has_payload = true,
		.payload = gva,
	});
}

void um_queue_db(struct um_vcpu *vcpu, u64 dr6_bits)
{
	um_queue(vcpu, (struct um_exception){
		.vector = UM_DB,
		.has_payload = true,
		.payload = dr6_bits,
	});
}

void um_queue_gp(struct um_vcpu *vcpu)
{
	um_queue_exception_err(vcpu, UM_GP, 0);
}

void um_exception_payload(struct um_vcpu *vcpu)
{
	struct um_exception *exc = &vcpu->ev.exc;

	if (!exc->has_payload)
		return;
	if (exc->vector == UM_PF)
		vcpu->cr2 = exc->payload;
	else if (exc->vector == UM_DB)
		vcpu->dr6 = um_dr6_after(vcpu->dr6, exc->payload);
	exc->has_payload = false;
	exc->payload = 0;
}

/*
 * Faults restart the instruction: RF keeps its own code breakpoint from hitting again. SDM
 * "Instruction-Breakpoint Exception Condition".
 */
static bool um_sets_rf(u8 vector)
{
	switch (vector) {
	case UM_DB:
	case UM_BP:
	case UM_OF:
	case UM_DF:
	case UM_MC:
		return false;
	default:
		return true;
	}
}

void um_exception_deliver(struct um_vcpu *vcpu)
{
	struct um_exception *exc = &vcpu->ev.exc;

	um_exception_payload(vcpu);
	if (um_sets_rf(exc->vector))
		um_set_rflags(vcpu, um_rflags(vcpu) | X86_EFLAGS_RF);
	if (exc->vector == UM_DB) {
		um_need(vcpu, UM_ST_DR7);
		if (vcpu->dr7 & UM_DR7_GD) {
			vcpu->dr7 &= ~UM_DR7_GD;
			um_dirty(vcpu, UM_ST_DR7);
		}
	}
	exc->pending = false;
	exc->injected = true;
}

/* Only a carry out of bit 31 can make the mode matter, and finding the mode costs a VMREAD. */
static u64 um_next_rip(struct um_vcpu *vcpu, u64 rip, unsigned int len)
{
	u64 next = rip + len;

	if (((next ^ rip) & BIT_ULL(32)) && !um_64bit(vcpu))
		next = (u32)next;
	return next;
}

int um_skip_insn(struct um_vcpu *vcpu, unsigned int len)
{
	um_need(vcpu, UM_ST_RIP | UM_ST_RFLAGS | UM_ST_INTR);
	um_set_rip(vcpu, um_next_rip(vcpu, vcpu->rip, len));
	if (vcpu->sti_block || vcpu->movss_block) {
		vcpu->sti_block = false;
		vcpu->movss_block = false;
		um_dirty(vcpu, UM_ST_INTR);
	}
	if (um_debug_steps(vcpu))
		um_make_request(vcpu, UM_REQ_STEPPED);
	else if (unlikely(vcpu->rflags & X86_EFLAGS_TF))
		um_queue_db(vcpu, UM_DR6_BS);
	return 1;
}
