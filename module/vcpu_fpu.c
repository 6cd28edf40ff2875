// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's FPU and extended state for userspace. Outside KVM_RUN it lives in memory, never
 * in the CPU. The vCPU's mutex guards it.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "cpuid.h"
#include "host.h"
#include "umbra.h"
#include "vcpu_state.h"

long um_ioc_get_fpu(void *owner, void *arg, unsigned long uarg)
{
	struct um_vcpu *vcpu = owner;
	const struct fxregs_state *fx = &vcpu->fpu.fpstate->regs.fxsave;
	struct kvm_fpu *fpu = arg;

	memcpy(fpu->fpr, fx->st_space, sizeof(fpu->fpr));
	memcpy(fpu->xmm, fx->xmm_space, sizeof(fpu->xmm));
	fpu->fcw = fx->cwd;
	fpu->fsw = fx->swd;
	fpu->ftwx = fx->twd;
	fpu->last_opcode = fx->fop;
	fpu->last_ip = fx->rip;
	fpu->last_dp = fx->rdp;
	return 0;
}

long um_ioc_set_fpu(void *owner, void *arg, unsigned long uarg)
{
	struct um_vcpu *vcpu = owner;
	struct fxregs_state *fx = &vcpu->fpu.fpstate->regs.fxsave;
	const struct kvm_fpu *fpu = arg;

	memcpy(fx->st_space, fpu->fpr, sizeof(fpu->fpr));
	memcpy(fx->xmm_space, fpu->xmm, sizeof(fpu->xmm));
	fx->cwd = fpu->fcw;
	fx->swd = fpu->fsw;
	fx->twd = fpu->ftwx;
	fx->fop = fpu->last_opcode;
	fx->rip = fpu->last_ip;
	fx->rdp = fpu->last_dp;
	return 0;
}

/* x87 and SSE can always be moved, even if the guest has no XSAVE. */
long um_ioc_get_xsave(void *owner, void *arg, unsigned long uarg)
{
	struct um_vcpu *vcpu = owner;
	struct kvm_xsave *xsave = arg;

	if (vcpu->fpu.uabi_size > sizeof(xsave->region))
		return -EINVAL;
	host_fpu_copy_to_uabi(&vcpu->fpu, xsave->region, sizeof(xsave->region),
			      vcpu->cpuid->xcr0 | XFEATURE_MASK_FPSSE, vcpu->pkru);
	return 0;
}

/* As much of it as KVM_CAP_XSAVE2 says. */
long um_ioc_get_xsave2(void *owner, void *arg, unsigned long uarg)
{
	struct um_vcpu *vcpu = owner;
	unsigned int size = vcpu->fpu.uabi_size;
	void *buf = kvzalloc(size, GFP_KERNEL_ACCOUNT);
	long r = 0;

	if (!buf)
		return -ENOMEM;
	host_fpu_copy_to_uabi(&vcpu->fpu, buf, size, vcpu->cpuid->xcr0 | XFEATURE_MASK_FPSSE,
			      vcpu->pkru);
	if (copy_to_user((void __user *)uarg, buf, size))
		r = -EFAULT;
	kvfree(buf);
	return r;
}

long um_ioc_set_xsave(void *owner, void *arg, unsigned long uarg)
{
	const struct kvm_xsave *xsave = arg;
	struct um_vcpu *vcpu = owner;

	return host_fpu_copy_from_uabi(&vcpu->fpu, xsave->region, um_supported_xcr0, &vcpu->pkru);
}

long um_ioc_get_xcrs(void *owner, void *arg, unsigned long uarg)
{
	struct um_vcpu *vcpu = owner;
	struct kvm_xcrs *xcrs = arg;

	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return 0;
	xcrs->nr_xcrs = 1;
	xcrs->xcrs[0].xcr = 0;
	xcrs->xcrs[0].value = vcpu->xcr0;
	return 0;
}

long um_ioc_set_xcrs(void *owner, void *arg, unsigned long uarg)
{
	const struct kvm_xcrs *xcrs = arg;
	struct um_vcpu *vcpu = owner;
	unsigned int i;

	if (!boot_cpu_has(X86_FEATURE_XSAVE) || xcrs->nr_xcrs > KVM_MAX_XCRS || xcrs->flags)
		return -EINVAL;
	for (i = 0; i < xcrs->nr_xcrs; i++)
		if (!xcrs->xcrs[i].xcr)
			return um_set_xcr0(vcpu, 0, xcrs->xcrs[i].value) ? -EINVAL : 0;
	return 0;
}
