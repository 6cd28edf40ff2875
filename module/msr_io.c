// SPDX-License-Identifier: GPL-2.0
/*
 * MSRs in bulk: KVM_GET_MSRS, KVM_SET_MSRS and the lists of indices. The lists are constant;
 * the vCPU's mutex guards its values.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/msr.h>

#include "msr.h"
#include "pv.h"

#define MTRR_BASE(n)	(UM_MSR_MTRR_FIRST + 2 * (n))
#define MTRR_MASK(n)	(UM_MSR_MTRR_FIRST + 2 * (n) + 1)

/*
 * What a migration has to carry besides the other state ioctls; each can be read and written
 * back.
 */
static const u32 um_saved_msrs[] = {
	MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
	MSR_STAR, MSR_CSTAR, MSR_KERNEL_GS_BASE, MSR_SYSCALL_MASK, MSR_LSTAR,
	MSR_IA32_TSC, MSR_IA32_CR_PAT, MSR_IA32_FEAT_CTL,
	MSR_IA32_TSC_ADJUST, MSR_IA32_TSC_DEADLINE, MSR_IA32_ARCH_CAPABILITIES,
	MSR_IA32_MISC_ENABLE,
	MSR_IA32_MCG_STATUS, MSR_IA32_MCG_CTL, MSR_IA32_MCG_EXT_CTL,
	MSR_PLATFORM_INFO, MSR_MISC_FEATURES_ENABLES,
	MSR_IA32_UCODE_REV, MSR_IA32_POWER_CTL, MSR_IA32_SMBASE, MSR_SMI_COUNT,
	MSR_MTRRdefType, MSR_MTRRfix64K_00000, MSR_MTRRfix16K_80000, MSR_MTRRfix16K_A0000,
	MSR_MTRRfix4K_C0000, MSR_MTRRfix4K_C8000, MSR_MTRRfix4K_D0000, MSR_MTRRfix4K_D8000,
	MSR_MTRRfix4K_E0000, MSR_MTRRfix4K_E8000, MSR_MTRRfix4K_F0000, MSR_MTRRfix4K_F8000,
	MTRR_BASE(0), MTRR_MASK(0), MTRR_BASE(1), MTRR_MASK(1),
	MTRR_BASE(2), MTRR_MASK(2), MTRR_BASE(3), MTRR_MASK(3),
	MTRR_BASE(4), MTRR_MASK(4), MTRR_BASE(5), MTRR_MASK(5),
	MTRR_BASE(6), MTRR_MASK(6), MTRR_BASE(7), MTRR_MASK(7),
	/* These as far as they are there: um_msr_is_saved(). */
	MSR_TSC_AUX, MSR_IA32_SPEC_CTRL, MSR_KVM_STEAL_TIME, MSR_KVM_PV_EOI_EN,
	MSR_KVM_WALL_CLOCK, MSR_KVM_SYSTEM_TIME, MSR_KVM_WALL_CLOCK_NEW, MSR_KVM_SYSTEM_TIME_NEW,
};

static bool um_msr_is_saved(u32 index)
{
	switch (index) {
	case MSR_TSC_AUX:
		return hw_caps.rdtscp;
	case MSR_IA32_SPEC_CTRL:
		return boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL);
	case MSR_KVM_WALL_CLOCK ... MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_WALL_CLOCK_NEW ... MSR_KVM_STEAL_TIME:
		return um_pv_msr_offered(index);
	default:
		return true;
	}
}

/* What describes the module rather than a vCPU. */
static const u32 um_feature_msrs[] = {
	MSR_IA32_UCODE_REV, MSR_IA32_ARCH_CAPABILITIES,
};

static int um_feature_msr_read(struct um_vcpu *vcpu, u32 index, u64 *val)
{
	switch (index) {
	case MSR_IA32_UCODE_REV:
		return rdmsrl_safe(index, val) ? 1 : 0;
	case MSR_IA32_ARCH_CAPABILITIES:
		*val = um_arch_caps;
		return 0;
	default:
		return 1;
	}
}

static int um_host_msr_read(struct um_vcpu *vcpu, u32 index, u64 *val)
{
	return um_msr_read(vcpu, index, val, true);
}

static int um_host_msr_write(struct um_vcpu *vcpu, u32 index, u64 *val)
{
	return um_msr_write(vcpu, index, *val, true);
}

typedef int (*um_msr_fn)(struct um_vcpu *vcpu, u32 index, u64 *val);

/* The answer is how many were done; the first that cannot be ends it. */
static long um_msr_io(struct um_vcpu *vcpu, struct kvm_msrs __user *user, um_msr_fn fn,
		      bool copy_back)
{
	struct kvm_msr_entry *entries;
	struct kvm_msrs head;
	size_t size;
	long done;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.nmsrs >= UM_MAX_IO_MSRS)
		return -E2BIG;
	size = array_size(head.nmsrs, sizeof(*entries));
	entries = memdup_user(user->entries, size);
	if (IS_ERR(entries))
		return PTR_ERR(entries);

	for (done = 0; done < head.nmsrs; done++)
		if (fn(vcpu, entries[done].index, &entries[done].data))
			break;
	if (copy_back && copy_to_user(user->entries, entries, size))
		done = -EFAULT;
	kfree(entries);
	return done;
}

long um_ioc_get_msrs(void *owner, void *arg, unsigned long uarg)
{
	return um_msr_io(owner, (struct kvm_msrs __user *)uarg, um_host_msr_read, true);
}

long um_ioc_set_msrs(void *owner, void *arg, unsigned long uarg)
{
	return um_msr_io(owner, (struct kvm_msrs __user *)uarg, um_host_msr_write, false);
}

long um_get_feature_msrs(struct kvm_msrs __user *user)
{
	return um_msr_io(NULL, user, um_feature_msr_read, true);
}

static u32 um_saved_list(u32 *list)
{
	u32 i, n = 0;

	for (i = 0; i < ARRAY_SIZE(um_saved_msrs); i++)
		if (um_msr_is_saved(um_saved_msrs[i]))
			list[n++] = um_saved_msrs[i];
	return n;
}

long um_get_msr_index_list(struct kvm_msr_list __user *user, bool feature)
{
	u32 saved[ARRAY_SIZE(um_saved_msrs)];
	u32 n = feature ? ARRAY_SIZE(um_feature_msrs) : um_saved_list(saved);
	const u32 *list = feature ? um_feature_msrs : saved;
	struct kvm_msr_list head;
	u32 room;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	room = head.nmsrs;
	head.nmsrs = n;
	if (copy_to_user(user, &head, sizeof(head)))
		return -EFAULT;
	if (room < n)
		return -E2BIG;
	return copy_to_user(user->indices, list, array_size(n, sizeof(*list))) ? -EFAULT : 0;
}
