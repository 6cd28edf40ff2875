// SPDX-License-Identifier: GPL-2.0
/*
 * Guest accesses to IA32_SPEC_CTRL, IA32_PRED_CMD and IA32_FLUSH_CMD. The vCPU's mutex guards the
 * values.
 */
#include <asm/msr-index.h>

#include "cpuid.h"
#include "msr.h"

int um_spec_msr_read(struct um_vcpu *vcpu, u32 index, u64 *val, bool host)
{
	if (index != MSR_IA32_SPEC_CTRL || (!host && !vcpu->cpuid->spec_ctrl))
		return 1;	/* the commands are written only */
	return hw_msr_get(vcpu, index, val);
}

/* What the guest may write; userspace may write what the CPU takes. */
static u64 um_spec_msr_allowed(const struct um_vcpu *vcpu, u32 index)
{
	switch (index) {
	case MSR_IA32_SPEC_CTRL:
		return vcpu->cpuid->spec_ctrl;
	case MSR_IA32_PRED_CMD:
		return vcpu->cpuid->ibpb ? PRED_CMD_IBPB : 0;
	default:
		return vcpu->cpuid->flush_cmd ? L1D_FLUSH : 0;
	}
}

int um_spec_msr_write(struct um_vcpu *vcpu, u32 index, u64 val, bool host)
{
	u64 allowed = um_spec_msr_allowed(vcpu, index);

	if (!host && (!allowed || (val & ~allowed)))
		return 1;
	return hw_msr_set(vcpu, index, val);
}
