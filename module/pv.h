/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The paravirtual interface of KVM: MSRs and hypercalls that CPUID leaf 0x40000001 names. The
 * vCPU's mutex guards vcpu->pv.
 */
#ifndef UM_PV_H
#define UM_PV_H

#include <uapi/linux/kvm_para.h>
#include "clock.h"
#include "umbra.h"

/* EAX of leaf 0x40000001 as the device offers it; constant after load. */
u32 um_pv_features(void);
/* KVM_CAP_ENFORCE_PV_FEATURE_CPUID on a vCPU, for KVM_ENABLE_CAP: 0 or -EINVAL. */
long um_ioc_vcpu_enable_cap(void *owner, void *arg, unsigned long uarg);

bool um_pv_msr_offered(u32 index);	/* is it there for a guest that may have all? */
/* As um_msr_read() and um_msr_write(); vm->srcu is held. */
int um_pv_msr_read(struct um_vcpu *vcpu, u32 index, u64 *val);
int um_pv_msr_write(struct um_vcpu *vcpu, u32 index, u64 val);

/* The hypercall in the vCPU's registers: its answer. Inner loop: takes no lock, does not sleep. */
long um_hypercall(struct um_vcpu *vcpu, u64 nr, bool long_mode);
/* One that userspace is to answer, of @len bytes, loaded: true: to userspace. */
bool um_hypercall_exits(struct um_vcpu *vcpu, u64 nr, unsigned int len);

static inline bool um_steals(const struct um_vcpu *vcpu)
{
	return unlikely(vcpu->pv.steal_time & KVM_MSR_ENABLED);
}

/* UM_REQ_STEAL: add the time that the thread waited for a CPU. vm->srcu held; sleeps. */
void um_steal_update(struct um_vcpu *vcpu);
/* The thread loses its CPU, and the guest may know; atomic. */
void um_steal_preempted(struct um_vcpu *vcpu);

#endif
