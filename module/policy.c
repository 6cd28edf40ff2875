// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_ENABLE_CAP of a VM for choices that are a value to remember. vm->lock guards them while
 * they change.
 */
#include <linux/kvm_para.h>

#include "guest_debug.h"
#include "policy.h"
#include "umbra.h"

#define UM_USER_MSR	(KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN | \
			 KVM_MSR_EXIT_REASON_FILTER)

#define UM_CAP_USER_MEMORY2	231	/* KVM_CAP_USER_MEMORY2, unknown to older headers */

static const struct {
	u32 cap;
	u32 value;
} um_policy_caps[] = {
	{ KVM_CAP_DISABLE_QUIRKS, 1 },
	{ KVM_CAP_DISABLE_QUIRKS2, UM_QUIRKS },
	{ KVM_CAP_MSR_PLATFORM_INFO, 1 },
	{ KVM_CAP_EXIT_ON_EMULATION_FAILURE, 1 },
	{ KVM_CAP_EXCEPTION_PAYLOAD, 1 },
	{ KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1 },
	{ KVM_CAP_X86_USER_SPACE_MSR, 1 },
	{ KVM_CAP_X86_MSR_FILTER, 1 },
	{ KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1 },
	{ KVM_CAP_XSAVE2, sizeof(struct kvm_xsave) },
	{ KVM_CAP_SREGS2, 1 },
	{ KVM_CAP_EXIT_HYPERCALL, UM_USER_HYPERCALLS },
	{ KVM_CAP_HALT_POLL, 1 },
	{ KVM_CAP_INTR_SHADOW, 1 },
	{ KVM_CAP_NOP_IO_DELAY, 1 },
	{ KVM_CAP_X86_ROBUST_SINGLESTEP, 1 },
	{ UM_CAP_USER_MEMORY2, 1 },
	{ KVM_CAP_COALESCED_MMIO, KVM_COALESCED_MMIO_PAGE_OFFSET },
	{ KVM_CAP_COALESCED_PIO, 1 },
	{ KVM_CAP_SYNC_REGS, KVM_SYNC_X86_VALID_FIELDS },
	{ KVM_CAP_SET_GUEST_DEBUG, 1 },
	{ KVM_CAP_SET_GUEST_DEBUG2, UM_GUESTDBG_VALID },
};

/* MWAIT where it works, and where the host's timer goes on meanwhile. */
static u32 um_exits_to_disable(void)
{
	u32 exits = KVM_X86_DISABLE_EXITS_HLT | KVM_X86_DISABLE_EXITS_PAUSE |
		    KVM_X86_DISABLE_EXITS_CSTATE;

	if (boot_cpu_has(X86_FEATURE_MWAIT) && boot_cpu_has(X86_FEATURE_ARAT) &&
	    !boot_cpu_has_bug(X86_BUG_MONITOR))
		exits |= KVM_X86_DISABLE_EXITS_MWAIT;
	return exits;
}

long um_policy_check(long cap)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(um_policy_caps); i++)
		if (um_policy_caps[i].cap == cap)
			return um_policy_caps[i].value;
	if (cap == KVM_CAP_X86_DISABLE_EXITS)
		return um_exits_to_disable();
	if (cap == KVM_CAP_ADJUST_CLOCK)
		return um_clock_offered() ? UM_CLOCK_FLAGS : 0;
	if (cap == KVM_CAP_KVMCLOCK_CTRL || cap == KVM_CAP_CLOCKSOURCE)
		return um_clock_offered();
	return um_tsc_check(cap);
}

/* Chosen once; asking for the same again is no error. */
static long um_policy_max_id(struct um_vm_policy *p, u64 ids)
{
	if (ids > UM_MAX_VCPU_ID || (p->max_vcpu_id && p->max_vcpu_id != ids))
		return -EINVAL;
	p->max_vcpu_id = ids;
	return 0;
}

static long um_policy_set(struct um_vm_policy *p, u32 cap, u64 val)
{
	switch (cap) {
	case KVM_CAP_DISABLE_QUIRKS2:
		if (val & ~(u64)UM_QUIRKS)
			return -EINVAL;
		fallthrough;
	case KVM_CAP_DISABLE_QUIRKS:
		p->quirks_off = val;
		return 0;
	case KVM_CAP_MSR_PLATFORM_INFO:
		p->hide_platform_info = !val;
		return 0;
	case KVM_CAP_MAX_VCPU_ID:
		return um_policy_max_id(p, val);
	case KVM_CAP_EXIT_ON_EMULATION_FAILURE:
		if (val > 1)
			return -EINVAL;
		p->exit_on_emulation_failure = val;
		return 0;
	case KVM_CAP_EXCEPTION_PAYLOAD:
		p->exception_payload = val;
		return 0;
	case KVM_CAP_X86_TRIPLE_FAULT_EVENT:
		p->triple_fault_event = val;
		return 0;
	case KVM_CAP_X86_DISABLE_EXITS:
		if (val & ~(u64)KVM_X86_DISABLE_VALID_EXITS)
			return -EINVAL;
		p->disabled_exits |= val & um_exits_to_disable();
		return 0;
	case KVM_CAP_HALT_POLL:
		if (val > U32_MAX)
			return -EINVAL;
		WRITE_ONCE(p->halt_poll, UM_HALT_POLL | val);
		return 0;
	case KVM_CAP_EXIT_HYPERCALL:
		if (val & ~(u64)UM_USER_HYPERCALLS)
			return -EINVAL;
		p->user_hypercalls = val;
		return 0;
	case KVM_CAP_X86_USER_SPACE_MSR:
		if (val & ~(u64)UM_USER_MSR)
			return -EINVAL;
		p->user_msr = val;
		return 0;
	default:
		return -EINVAL;
	}
}

long um_policy_enable(struct um_vm *vm, const struct kvm_enable_cap *cap)
{
	long ret;

	if (cap->flags)
		return -EINVAL;
	mutex_lock(&vm->lock);
	ret = um_policy_set(&vm->policy, cap->cap, cap->args[0]);
	mutex_unlock(&vm->lock);
	return ret;
}
