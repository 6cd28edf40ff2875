/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guest MSRs: what the files behind um_msr_read() and um_msr_write() share. The vCPU's mutex
 * guards all values.
 */
#ifndef UM_MSR_H
#define UM_MSR_H

#include "umbra.h"

#define UM_MCE_BANKS		32
#define UM_NR_VAR_MTRR		8
#define UM_MAX_IO_MSRS		256	/* of one KVM_GET_MSRS or KVM_SET_MSRS */

#define UM_MCG_CTL_P		BIT_ULL(8)
#define UM_MCG_CMCI_P		BIT_ULL(10)
#define UM_MCG_SER_P		BIT_ULL(24)
#define UM_MCG_LMCE_P		BIT_ULL(27)
/* What KVM_X86_SETUP_MCE takes besides the bank count. */
#define UM_MCE_CAP		(UM_MCG_CTL_P | UM_MCG_CMCI_P | UM_MCG_SER_P | UM_MCG_LMCE_P)

/* um_msr_read(), um_msr_write(): no such MSR, rather than a bad access to one. */
#define UM_MSR_UNKNOWN		2

#define UM_MSR_MTRR_FIRST	0x200
#define UM_MSR_MTRR_LAST	0x2ff

/* 0, or 1: not such an MSR, or a bad value. */
int um_spec_msr_read(struct um_vcpu *vcpu, u32 index, u64 *val, bool host);
int um_spec_msr_write(struct um_vcpu *vcpu, u32 index, u64 val, bool host);
int um_mtrr_read(struct um_vcpu *vcpu, u32 index, u64 *val);
int um_mtrr_write(struct um_vcpu *vcpu, u32 index, u64 val);
int um_mce_read(struct um_vcpu *vcpu, u32 index, u64 *val, bool host);
int um_mce_write(struct um_vcpu *vcpu, u32 index, u64 val, bool host);
long um_ioc_setup_mce(void *owner, void *arg, unsigned long uarg);
long um_ioc_set_mce(void *owner, void *arg, unsigned long uarg);

bool um_pat_valid(u64 pat);
#define UM_APIC_BASE_DEFAULT	0xfee00000ULL	/* where an xAPIC is after RESET */
bool um_apic_base_valid(struct um_vcpu *vcpu, u64 apic_base);
void um_set_apic_base(struct um_vcpu *vcpu, u64 apic_base);

extern u64 um_arch_caps;	/* IA32_ARCH_CAPABILITIES offered to guests; constant after load */
void um_msr_setup(void);	/* at load */
void um_msr_reset(struct um_vcpu *vcpu);

/* msr_exit.c */
long um_msr_filter_set(void *owner, void *arg, unsigned long uarg);
void um_msr_filter_destroy(struct um_vm *vm);
void um_msr_filter_serve(struct um_vcpu *vcpu);	/* UM_REQ_MSR_FILTER */
/* May the guest do @access (KVM_MSR_FILTER_*)? vm->srcu held */
bool um_msr_allowed(struct um_vm *vm, u32 index, u32 access);
/*
 * The instructions, of @len bytes: the filter, the access, and userspace if that asked for
 * those that fail. 1: go on, 0: to userspace. vm->srcu held; loaded.
 */
int um_rdmsr(struct um_vcpu *vcpu, unsigned int len);
int um_wrmsr(struct um_vcpu *vcpu, unsigned int len);

/* msr_io.c */
long um_ioc_get_msrs(void *owner, void *arg, unsigned long uarg);
long um_ioc_set_msrs(void *owner, void *arg, unsigned long uarg);

#endif
