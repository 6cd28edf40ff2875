/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's clocks: its TSC (tsc.c) and the paravirtual clock of KVM (clock.c). vm->clock.lock
 * guards the VM's reference; the vCPU's mutex what belongs to a vCPU.
 */
#ifndef UM_CLOCK_H
#define UM_CLOCK_H

#include <linux/bits.h>
#include <linux/spinlock.h>

#include "types.h"

/* KVM_CAP_ADJUST_CLOCK */
#define UM_CLOCK_FLAGS	(KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC)

struct um_vcpu;
struct um_vm;

#define UM_TSC_FRACTION_BITS	48	/* of the multiplier; SDM "TSC Scaling" */
#define UM_TSC_RATIO_ONE	BIT_ULL(UM_TSC_FRACTION_BITS)

/* The clock of a VM: @ns nanoseconds at the host's TSC @tsc, from there on at the TSC's rate. */
struct um_vm_clock {
	spinlock_t lock;	/* guards these */
	u64 tsc, ns;
	u64 wall_gpa;		/* MSR_KVM_WALL_CLOCK as written */
};

/* A vCPU's paravirtual registers, as written. */
struct um_pv {
	u64 system_time, steal_time, poll_control;
	u64 eoi;		/* MSR_KVM_PV_EOI_EN */
	bool eoi_offered;	/* within KVM_RUN: what is in service may be ended in memory */
	u64 run_delay;		/* of the thread, when it was last added to the stolen time */
	bool enforce;		/* only what the guest's CPUID names is there */
	bool stopped;		/* KVM_KVMCLOCK_CTRL: tell the guest once */
};

/* tsc.c */
u64 um_guest_tsc(const struct um_vcpu *vcpu, u64 host_tsc);
void um_set_tsc_offset(struct um_vcpu *vcpu, u64 offset);
/* Userspace sets the TSC: vCPUs given about the same value share one offset. */
void um_tsc_sync(struct um_vcpu *vcpu, u64 tsc);
void um_tsc_init(struct um_vcpu *vcpu);		/* the VM's frequency, before um_tsc_sync() */
long um_tsc_check(long cap);			/* KVM_CHECK_EXTENSION of TSC control */
long um_ioc_set_tsc_khz(void *owner, void *arg, unsigned long khz);
long um_ioc_get_tsc_khz(void *owner, void *arg, unsigned long uarg);
long um_vm_set_tsc_khz(void *owner, void *arg, unsigned long khz);
long um_vm_get_tsc_khz(void *owner, void *arg, unsigned long uarg);
/* KVM_VCPU_TSC_CTRL */
long um_ioc_has_attr(void *owner, void *arg, unsigned long uarg);
long um_ioc_get_attr(void *owner, void *arg, unsigned long uarg);
long um_ioc_set_attr(void *owner, void *arg, unsigned long uarg);

/* clock.c */
void um_clock_init(struct um_vm *vm);
bool um_clock_offered(void);			/* the host's TSC can carry it */
u64 um_clock_now(struct um_vm *vm);		/* nanoseconds */
void um_clock_update(struct um_vcpu *vcpu);	/* UM_REQ_CLOCK: renew the guest's page. srcu */
void um_clock_write_wall(struct um_vm *vm, u64 gpa);
long um_clock_get(void *owner, void *arg, unsigned long uarg);	/* KVM_GET_CLOCK, KVM_SET_CLOCK */
long um_clock_set(void *owner, void *arg, unsigned long uarg);
long um_ioc_kvmclock_ctrl(void *owner, void *arg, unsigned long uarg);

#endif
