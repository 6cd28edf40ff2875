// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's TSC: the host's, times a ratio where the CPU can scale, plus an offset. The vCPU's
 * mutex guards both; the VM's are shared and read as they are.
 */
#include <linux/math64.h>
#include <linux/uaccess.h>
#include <asm/tsc.h>

#include "clock.h"
#include "umbra.h"

#define UM_TSC_TOLERANCE_PPM	250
#define UM_TSC_RATIO_MAX	(1u << (64 - UM_TSC_FRACTION_BITS))

u64 um_guest_tsc(const struct um_vcpu *vcpu, u64 host_tsc)
{
	if (vcpu->tsc_ratio != UM_TSC_RATIO_ONE)
		host_tsc = mul_u64_u64_shr(host_tsc, vcpu->tsc_ratio, UM_TSC_FRACTION_BITS);
	return host_tsc + vcpu->tsc_offset;
}

void um_set_tsc_offset(struct um_vcpu *vcpu, u64 offset)
{
	vcpu->tsc_offset = offset;
	um_dirty(vcpu, UM_ST_TSC);
	um_make_request(vcpu, UM_REQ_CLOCK);
}

void um_tsc_sync(struct um_vcpu *vcpu, u64 tsc)
{
	u64 second = (u64)vcpu->tsc_khz * 1000;
	u64 offset = READ_ONCE(vcpu->vm->tsc_offset);
	u64 now = um_guest_tsc(vcpu, rdtsc()) - vcpu->tsc_offset;
	bool alike = vcpu->tsc_khz == READ_ONCE(vcpu->vm->tsc_khz);

	/*
	 * 0 starts a vCPU; otherwise what differs by less than a second was meant to be the
	 * same.
	 */
	if (!alike || !offset || (tsc && tsc - (now + offset) + second >= 2 * second)) {
		offset = tsc - now;
		if (alike)
			WRITE_ONCE(vcpu->vm->tsc_offset, offset);
	}
	um_set_tsc_offset(vcpu, offset);
}

/* Small differences are not worth scaling; without scaling no others can be had. */
static bool um_tsc_ratio(u32 khz, u64 *ratio)
{
	u64 difference = khz > tsc_khz ? khz - tsc_khz : tsc_khz - khz;

	*ratio = UM_TSC_RATIO_ONE;
	if (difference * 1000000 <= (u64)tsc_khz * UM_TSC_TOLERANCE_PPM)
		return true;
	if (!hw_caps.tsc_scaling)
		return false;
	*ratio = mul_u64_u32_div(UM_TSC_RATIO_ONE, khz, tsc_khz);
	return *ratio;
}

static bool um_tsc_khz_valid(u32 khz)
{
	u64 limit = min_t(u64, S32_MAX, (u64)tsc_khz * UM_TSC_RATIO_MAX);

	return !hw_caps.tsc_scaling || khz < limit;
}

static int um_tsc_set_khz(struct um_vcpu *vcpu, u32 khz)
{
	u64 ratio;

	if (!um_tsc_ratio(khz, &ratio))
		return -EINVAL;
	vcpu->tsc_khz = khz;
	vcpu->tsc_ratio = ratio;
	um_dirty(vcpu, UM_ST_TSC);
	um_make_request(vcpu, UM_REQ_CLOCK);
	return 0;
}

void um_tsc_init(struct um_vcpu *vcpu)
{
	um_tsc_set_khz(vcpu, READ_ONCE(vcpu->vm->tsc_khz));
}

long um_ioc_set_tsc_khz(void *owner, void *arg, unsigned long khz)
{
	if (!um_tsc_khz_valid(khz))
		return -EINVAL;
	return um_tsc_set_khz(owner, (u32)khz ? (u32)khz : tsc_khz);
}

long um_ioc_get_tsc_khz(void *owner, void *arg, unsigned long uarg)
{
	const struct um_vcpu *vcpu = owner;

	return vcpu->tsc_khz;
}

/* For vCPUs that are created from now on. */
long um_vm_set_tsc_khz(void *owner, void *arg, unsigned long khz)
{
	struct um_vm *vm = owner;
	u64 ratio;

	if (!um_tsc_khz_valid(khz))
		return -EINVAL;
	khz = (u32)khz ? (u32)khz : tsc_khz;
	if (!um_tsc_ratio(khz, &ratio))
		return -EINVAL;
	WRITE_ONCE(vm->tsc_khz, khz);
	return 0;
}

long um_vm_get_tsc_khz(void *owner, void *arg, unsigned long uarg)
{
	const struct um_vm *vm = owner;

	return READ_ONCE(vm->tsc_khz);
}

long um_tsc_check(long cap)
{
	switch (cap) {
	case KVM_CAP_TSC_CONTROL:
	case KVM_CAP_VM_TSC_CONTROL:
		return hw_caps.tsc_scaling;
	case KVM_CAP_GET_TSC_KHZ:
	case KVM_CAP_VCPU_ATTRIBUTES:
		return 1;
	default:
		return 0;
	}
}

static bool um_tsc_attr(const struct kvm_device_attr *attr)
{
	return attr->group == KVM_VCPU_TSC_CTRL && attr->attr == KVM_VCPU_TSC_OFFSET;
}

long um_ioc_has_attr(void *owner, void *arg, unsigned long uarg)
{
	return um_tsc_attr(arg) ? 0 : -ENXIO;
}

long um_ioc_get_attr(void *owner, void *arg, unsigned long uarg)
{
	const struct kvm_device_attr *attr = arg;
	const struct um_vcpu *vcpu = owner;

	if (!um_tsc_attr(attr))
		return -ENXIO;
	return put_user(vcpu->tsc_offset, (u64 __user *)(uintptr_t)attr->addr);
}

long um_ioc_set_attr(void *owner, void *arg, unsigned long uarg)
{
	const struct kvm_device_attr *attr = arg;
	struct um_vcpu *vcpu = owner;
	u64 offset;

	if (!um_tsc_attr(attr))
		return -ENXIO;
	if (get_user(offset, (u64 __user *)(uintptr_t)attr->addr))
		return -EFAULT;
	if (vcpu->tsc_khz == READ_ONCE(vcpu->vm->tsc_khz))
		WRITE_ONCE(vcpu->vm->tsc_offset, offset);
	um_set_tsc_offset(vcpu, offset);
	return 0;
}
