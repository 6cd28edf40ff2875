// SPDX-License-Identifier: GPL-2.0
/*
 * Undefined instructions that the module takes care of: the hypercall of another vendor's
 * processors, RSM, MONITOR and MWAIT. The vCPU is loaded.
 */
#include <asm/cpufeature.h>
#include "../smm.h"
#include "vmx.h"

/* VMMCALL differs from VMCALL in its last byte. */
static const u8 vmmcall[] = { 0x0f, 0x01, 0xd9 };
#define VMCALL_LAST_BYTE	0xc1

static const u8 rsm[] = { 0x0f, 0xaa };

static int code_gpa(struct um_vcpu *vcpu, gva_t gva, u32 pfec, gpa_t *gpa, u32 *error)
{
	if (um_cpl(vcpu) == 3)
		pfec |= PFEC_U;
	return um_gva_to_gpa(vcpu, gva, pfec, true, gpa, error);
}

static gva_t linear_rip(struct um_vcpu *vcpu)
{
	um_need(vcpu, UM_ST_RIP | UM_ST_SEGS);
	return um_64bit(vcpu) ? vcpu->rip : (u32)(vcpu->segs[UM_CS].base + vcpu->rip);
}

static bool code_is(struct um_vcpu *vcpu, gva_t gva, const u8 *bytes, unsigned int len)
{
	unsigned int i;
	u32 error;
	gpa_t gpa;
	u8 byte;

	for (i = 0; i < len; i++) {
		if (code_gpa(vcpu, gva + i, PFEC_I, &gpa, &error) != WALK_OK ||
		    um_read_guest(vcpu->vm, gpa, &byte, 1) || byte != bytes[i])
			return false;
	}
	return true;
}

/*
 * KVM_X86_QUIRK_FIX_HYPERCALL_INSN: a guest that was made on another vendor's processor gets this
 * one's instruction written over its own, and executes that.
 */
static int fix_hypercall(struct um_vcpu *vcpu, gva_t gva)
{
	static const u8 last = VMCALL_LAST_BYTE;
	u32 error;
	gpa_t gpa;

	if (code_gpa(vcpu, gva, PFEC_W, &gpa, &error) != WALK_OK)
		um_queue_pf(vcpu, gva, error);
	else if (um_write_guest(vcpu->vm, gpa, &last, 1))
		um_queue_exception(vcpu, UM_UD);
	else
		um_mmu_gpa_written(vcpu->vm, gpa, 1);
	return 1;
}

int exit_undefined(struct vmx_vcpu *vmx)
{
	struct um_vcpu *vcpu = &vmx->vcpu;
	gva_t gva = linear_rip(vcpu);

	if (!(READ_ONCE(vcpu->vm->policy.quirks_off) & KVM_X86_QUIRK_FIX_HYPERCALL_INSN) &&
	    code_is(vcpu, gva, vmmcall, sizeof(vmmcall)))
		return fix_hypercall(vcpu, gva + sizeof(vmmcall) - 1);
	if (um_in_smm(vcpu) && code_is(vcpu, gva, rsm, sizeof(rsm)))
		return um_rsm(vcpu);
	um_queue_exception(vcpu, UM_UD);
	return 1;
}

/* They do nothing, but where userspace asked for the #UD of a CPU that has none of them. */
int exit_mwait(struct vmx_vcpu *vmx)
{
	struct um_vcpu *vcpu = &vmx->vcpu;

	if ((READ_ONCE(vcpu->vm->policy.quirks_off) & KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS) &&
	    !um_cpuid_has(vcpu, 1, 0, CPUID_ECX, BIT(X86_FEATURE_MWAIT & 31)))
		return exit_ud(vmx);
	return vmx_skip(vcpu);
}
