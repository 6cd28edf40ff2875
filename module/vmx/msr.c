// SPDX-License-Identifier: GPL-2.0
/*
 * MSRs that the hardware switches or that live in the CPU while the guest is loaded, and the bitmap
 * of those that the guest may touch without an exit.
 */
#include "../cpuid.h"
#include "../msr.h"
#include "vmx.h"

/* SDM "MSR-Bitmap Address": read low, read high, write low, write high, 1 KiB each. */
static void pass(unsigned long *bitmap, u32 msr, bool write)
{
	unsigned int bit = msr & 0x1fff;

	if (msr >= 0xc0000000)
		bit += 0x400 * 8;
	if (write)
		bit += 0x800 * 8;
	__clear_bit(bit, bitmap);
}

static void pass_allowed(struct vmx_vcpu *vmx, u32 msr, bool write)
{
	u32 access = write ? KVM_MSR_FILTER_WRITE : KVM_MSR_FILTER_READ;

	if (um_msr_allowed(vmx->vcpu.vm, msr, access))
		pass(vmx->msr_bitmap, msr, write);
}

static void pass_speculation(struct vmx_vcpu *vmx)
{
	if (vmx_spec_ctrl_passes(vmx, false))
		pass_allowed(vmx, MSR_IA32_SPEC_CTRL, false);
	if (vmx_spec_ctrl_passes(vmx, true)) {
		pass_allowed(vmx, MSR_IA32_SPEC_CTRL, true);
		vmx->entry.flags |= VMX_SPEC_CTRL_PASSED;
	}
	if (vmx->passes_pred_cmd && vmx->vcpu.cpuid->ibpb)
		pass_allowed(vmx, MSR_IA32_PRED_CMD, true);
	if (vmx->passes_flush_cmd && vmx->vcpu.cpuid->flush_cmd)
		pass_allowed(vmx, MSR_IA32_FLUSH_CMD, true);
}

void hw_msr_intercepts(struct um_vcpu *vcpu)
{
	static const u32 passed[] = {
		MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE,
		MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
	};
	static const u32 cstates[] = {
		MSR_CORE_C1_RES, MSR_CORE_C3_RESIDENCY, MSR_CORE_C6_RESIDENCY,
		MSR_CORE_C7_RESIDENCY,
	};
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	unsigned int i;

	memset(vmx->msr_bitmap, 0xff, UM_PAGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(passed); i++) {
		pass_allowed(vmx, passed[i], false);
		pass_allowed(vmx, passed[i], true);
	}
	pass_allowed(vmx, MSR_IA32_TSC, false);
	if (vcpu->vm->policy.disabled_exits & KVM_X86_DISABLE_EXITS_CSTATE)
		for (i = 0; i < ARRAY_SIZE(cstates); i++)
			pass_allowed(vmx, cstates[i], false);
	pass_speculation(vmx);
	vmx_apicv_msrs(vmx);
}

/*
 * While switched in, the value is in the CPU; preemption must not take it away
 * between the test and the access.
 */
static u64 kernel_gs_read(struct vmx_vcpu *vmx)
{
	preempt_disable();
	if (vmx->host.switched)
		rdmsrl(MSR_KERNEL_GS_BASE, vmx->vcpu.msr.kernel_gs_base);
	preempt_enable();
	return vmx->vcpu.msr.kernel_gs_base;
}

static void kernel_gs_write(struct vmx_vcpu *vmx, u64 val)
{
	preempt_disable();
	vmx->vcpu.msr.kernel_gs_base = val;
	if (vmx->host.switched)
		wrmsrl(MSR_KERNEL_GS_BASE, val);
	preempt_enable();
}

static u64 *uret_slot(struct um_vcpu *vcpu, u32 index, unsigned int *slot)
{
	switch (index) {
	case MSR_STAR:
		*slot = URET_STAR;
		return &vcpu->msr.star;
	case MSR_LSTAR:
		*slot = URET_LSTAR;
		return &vcpu->msr.lstar;
	case MSR_CSTAR:
		*slot = URET_CSTAR;
		return &vcpu->msr.cstar;
	case MSR_SYSCALL_MASK:
		*slot = URET_SFMASK;
		return &vcpu->msr.sfmask;
	case MSR_TSC_AUX:
		*slot = URET_TSC_AUX;
		return &vcpu->msr.tsc_aux;
	default:
		return NULL;
	}
}

static u64 *sysenter_slot(struct um_vcpu *vcpu, u32 index)
{
	switch (index) {
	case MSR_IA32_SYSENTER_CS:
		return &vcpu->msr.sysenter_cs;
	case MSR_IA32_SYSENTER_ESP:
		return &vcpu->msr.sysenter_esp;
	case MSR_IA32_SYSENTER_EIP:
		return &vcpu->msr.sysenter_eip;
	default:
		return NULL;
	}
}

int hw_msr_get(struct um_vcpu *vcpu, u32 index, u64 *val)
{
	unsigned int slot;
	u64 *p = uret_slot(vcpu, index, &slot);

	if (!p) {
		p = sysenter_slot(vcpu, index);
		if (p)
			um_need(vcpu, UM_ST_SYSENTER);
	}
	if (p) {
		*val = *p;
		return 0;
	}
	switch (index) {
	case MSR_FS_BASE:
	case MSR_GS_BASE:
		um_need(vcpu, UM_ST_SEGS);
		*val = vcpu->segs[index == MSR_FS_BASE ? UM_FS : UM_GS].base;
		return 0;
	case MSR_KERNEL_GS_BASE:
		*val = kernel_gs_read(to_vmx(vcpu));
		return 0;
	case MSR_IA32_SPEC_CTRL:
		return vmx_spec_ctrl_get(to_vmx(vcpu), val);
	default:
		return 1;
	}
}

int hw_msr_set(struct um_vcpu *vcpu, u32 index, u64 val)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	unsigned int slot;
	u64 *p = uret_slot(vcpu, index, &slot);

	if (p) {
		preempt_disable();
		*p = val;
		if (vmx->host.switched)
			vmx_uret_set(slot, val);
		preempt_enable();
		return 0;
	}
	p = sysenter_slot(vcpu, index);
	if (p) {
		um_need(vcpu, UM_ST_SYSENTER);
		*p = val;
		um_dirty(vcpu, UM_ST_SYSENTER);
		return 0;
	}
	switch (index) {
	case MSR_FS_BASE:
	case MSR_GS_BASE:
		um_need(vcpu, UM_ST_SEGS);
		vcpu->segs[index == MSR_FS_BASE ? UM_FS : UM_GS].base = val;
		um_dirty(vcpu, UM_ST_SEGS);
		return 0;
	case MSR_KERNEL_GS_BASE:
		kernel_gs_write(vmx, val);
		return 0;
	case MSR_IA32_SPEC_CTRL:
		return vmx_spec_ctrl_set(vmx, val);
	case MSR_IA32_PRED_CMD:
	case MSR_IA32_FLUSH_CMD:
		return vmx_spec_command(vmx, index, val);
	default:
		return 1;
	}
}
