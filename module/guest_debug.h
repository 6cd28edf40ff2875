/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Userspace debugs the guest (KVM_SET_GUEST_DEBUG). The vCPU's mutex guards guest_debug,
 * guest_db and guest_dr7.
 */
#ifndef UM_GUEST_DEBUG_H
#define UM_GUEST_DEBUG_H

#include "umbra.h"

/* What KVM_CHECK_EXTENSION answers for KVM_CAP_SET_GUEST_DEBUG2. */
#define UM_GUESTDBG_VALID	(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | \
				 KVM_GUESTDBG_USE_HW_BP | KVM_GUESTDBG_USE_SW_BP | \
				 KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP | \
				 KVM_GUESTDBG_BLOCKIRQ)

/* Userspace steps the guest: RFLAGS.TF is its, and the guest does not see it. */
static inline bool um_debug_steps(const struct um_vcpu *vcpu)
{
	return unlikely(vcpu->guest_debug & KVM_GUESTDBG_SINGLESTEP);
}

/* Userspace steps the guest past what waits: NMIs, and interrupts that the kernel would inject. */
static inline bool um_debug_blocks(const struct um_vcpu *vcpu)
{
	return unlikely(vcpu->guest_debug & KVM_GUESTDBG_BLOCKIRQ);
}

/* The debug registers hold userspace's breakpoints instead of the guest's. */
static inline bool um_debug_breaks(const struct um_vcpu *vcpu)
{
	return unlikely(vcpu->guest_debug & KVM_GUESTDBG_USE_HW_BP);
}

/* A #DB belongs to userspace. */
static inline bool um_debug_owns_db(const struct um_vcpu *vcpu)
{
	return vcpu->guest_debug & (KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP);
}

/* As the CPU has them while the guest runs; needs UM_ST_DR7 where the guest's own count. */
static inline u64 um_debug_dr7(const struct um_vcpu *vcpu)
{
	return um_debug_breaks(vcpu) ? vcpu->guest_dr7 : vcpu->dr7;
}

static inline const u64 *um_debug_db(const struct um_vcpu *vcpu)
{
	return um_debug_breaks(vcpu) ? vcpu->guest_db : vcpu->db;
}

/*
 * Before an entry under single step: with TF, blocking by STI or MOV SS fails it (SDM "Checks on
 * Guest Non-Register State").
 */
static inline void um_debug_enter(struct um_vcpu *vcpu)
{
	um_need(vcpu, UM_ST_INTR);
	if (!vcpu->sti_block && !vcpu->movss_block)
		return;
	vcpu->sti_block = false;
	vcpu->movss_block = false;
	um_dirty(vcpu, UM_ST_INTR);
}

long um_ioc_set_guest_debug(void *owner, void *arg, unsigned long uarg);
/* Fills run with KVM_EXIT_DEBUG: 0. @bits: of DR6. The vCPU is loaded. */
int um_exit_debug(struct um_vcpu *vcpu, u32 vector, u64 bits);

#endif
