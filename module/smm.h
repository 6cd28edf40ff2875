/* SPDX-License-Identifier: GPL-2.0 */
/*
 * System-management mode. The vCPU's mutex guards it; a pending SMI is a request (UM_REQ_SMI) until
 * the vCPU's thread sees it.
 */
#ifndef UM_SMM_H
#define UM_SMM_H

#include "umbra.h"

#define UM_SMBASE_RESET	0x30000

static inline bool um_in_smm(const struct um_vcpu *vcpu)
{
	return unlikely(vcpu->space);
}

/* Enter SMM for a pending SMI if nothing comes before it. Loaded, before an entry; sleeps. */
void um_smi_serve(struct um_vcpu *vcpu);
/* An SMI waits, and the vCPU would take it. */
bool um_smi_wakes(const struct um_vcpu *vcpu);

/* RSM. Loaded, vm->srcu held; sleeps. 1: go on, with the registers of before; 0: to userspace. */
int um_rsm(struct um_vcpu *vcpu);

/* Userspace puts the vCPU into SMM or takes it out, and all else by other means. Loaded. */
void um_smm_set(struct um_vcpu *vcpu, bool smm);

/* As um_msr_read() and um_msr_write(): the base of SMRAM and the number of SMIs. */
int um_smm_msr_read(struct um_vcpu *vcpu, u32 index, u64 *val, bool host);
int um_smm_msr_write(struct um_vcpu *vcpu, u32 index, u64 val, bool host);

long um_ioc_smi(void *owner, void *arg, unsigned long uarg);

/* smm_state.c: the registers in the state-save area */
#define UM_SMRAM_STATE	0xfe00	/* from the base of SMRAM on */
#define UM_SMRAM_BYTES	512

struct um_smm_regs {
	u64 gpr[UM_NR_GPRS];
	u64 rip, rflags, dr6, dr7;
	u64 cr0, cr3, cr4, efer;
	struct kvm_segment segs[UM_NR_SEGS];
	struct kvm_dtable gdt, idt;
	u32 smbase;
	bool shadow;	/* STI or MOV SS blocks interrupts */
};

/* @area is 0; @wide: the layout of a processor with 64-bit mode. */
void um_smm_save(const struct um_smm_regs *r, u8 *area, bool wide);
/* What the area does not hold stays as it is in @r. */
void um_smm_restore(struct um_smm_regs *r, const u8 *area, bool wide);

#endif
