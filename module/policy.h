/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What userspace chose for a VM with KVM_ENABLE_CAP. Written under vm->lock, read without:
 * each field alone has a meaning.
 */
#ifndef UM_POLICY_H
#define UM_POLICY_H

#include <linux/types.h>

struct kvm_enable_cap;
struct um_vm;

/* The quirks that guests see; those not named have no effect here, as none of them is there. */
#define UM_QUIRKS	(KVM_X86_QUIRK_LINT0_REENABLED | KVM_X86_QUIRK_CD_NW_CLEARED | \
			 KVM_X86_QUIRK_LAPIC_MMIO_HOLE | KVM_X86_QUIRK_OUT_7E_INC_RIP | \
			 KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT | \
			 KVM_X86_QUIRK_FIX_HYPERCALL_INSN | \
			 KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS)

#define UM_USER_HYPERCALLS	BIT(KVM_HC_MAP_GPA_RANGE)
#define UM_HALT_POLL	BIT_ULL(32)

struct um_vm_policy {
	u64 quirks_off;			/* KVM_X86_QUIRK_* */
	u32 disabled_exits;		/* KVM_X86_DISABLE_EXITS_*: the CPU executes these */
	u32 user_msr;			/* KVM_MSR_EXIT_REASON_*: these go to userspace */
	u64 halt_poll;			/* UM_HALT_POLL | ns; 0: as the parameter says */
	u32 user_hypercalls;		/* BIT(KVM_HC_*): userspace answers these */
	u32 max_vcpu_id;		/* ids are below it; 0: not chosen */
	bool hide_platform_info;	/* from the guest */
	bool exit_on_emulation_failure;	/* also for user code */
	bool exception_payload;		/* vCPU events tell CR2 or DR6 of a pending one */
	bool triple_fault_event;	/* ... and of a triple fault */
};

/* KVM_ENABLE_CAP on the VM for what this file owns: 0 or -EINVAL. */
long um_policy_enable(struct um_vm *vm, const struct kvm_enable_cap *cap);
long um_policy_check(long cap);		/* KVM_CHECK_EXTENSION of the same */

#endif
