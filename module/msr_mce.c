// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's machine-check registers and the errors that userspace puts there. The vCPU's
 * mutex guards them. SDM "Machine-Check Architecture".
 */
#include <linux/nospec.h>
#include <asm/mce.h>

#include "irqchip/irqchip.h"
#include "msr.h"

#define UM_BANK_REGS	4	/* CTL, STATUS, ADDR, MISC */
#define UM_ALL_ERRORS	(~0ULL)

enum { UM_BANK_CTL, UM_BANK_STATUS, UM_BANK_ADDR, UM_BANK_MISC };

/* Every MCG_CAP has its banks <= UM_MCE_BANKS. */
static unsigned int um_mce_banks(const struct um_vcpu *vcpu)
{
	return vcpu->msr.mcg_cap & MCG_BANKCNT_MASK;
}

static u64 *um_mce_bank_reg(struct um_vcpu *vcpu, u32 index)
{
	u32 nr = index - MSR_IA32_MC0_CTL;
	u32 limit = um_mce_banks(vcpu) * UM_BANK_REGS;

	if (index < MSR_IA32_MC0_CTL || nr >= limit)
		return NULL;
	return &vcpu->msr.mce_banks[array_index_nospec(nr, limit)];
}

#define UM_CTL2_DEFINED	(MCI_CTL2_CMCI_EN | MCI_CTL2_CMCI_THRESHOLD_MASK)

static u64 *um_mce_ctl2(struct um_vcpu *vcpu, u32 index)
{
	u32 nr = index - MSR_IA32_MC0_CTL2;

	if (index < MSR_IA32_MC0_CTL2 || nr >= um_mce_banks(vcpu))
		return NULL;
	return &vcpu->msr.mce_ctl2[array_index_nospec(nr, UM_MCE_BANKS)];
}

/* Without CMCI the CTL2 registers do not exist; userspace may save and restore zeros. */
static int um_mce_ctl2_write(struct um_msrs *m, u64 *reg, u64 val, bool host)
{
	if (!(m->mcg_cap & MCG_CMCI_P) && (val || !host))
		return 1;
	if (val & ~(u64)UM_CTL2_DEFINED)
		return 1;
	*reg = val;
	return 0;
}

/* Firmware decides whether errors may be signalled to one CPU alone. */
static bool um_lmce_enabled(const struct um_msrs *m)
{
	return m->feature_control & FEAT_CTL_LMCE_ENABLED;
}

int um_mce_read(struct um_vcpu *vcpu, u32 index, u64 *val, bool host)
{
	struct um_msrs *m = &vcpu->msr;
	const u64 *reg;

	switch (index) {
	case MSR_IA32_P5_MC_ADDR:
	case MSR_IA32_P5_MC_TYPE:
		*val = 0;
		return 0;
	case MSR_IA32_MCG_CAP:
		*val = m->mcg_cap;
		return 0;
	case MSR_IA32_MCG_STATUS:
		*val = m->mcg_status;
		return 0;
	case MSR_IA32_MCG_CTL:
		*val = m->mcg_ctl;
		return !host && !(m->mcg_cap & MCG_CTL_P);
	case MSR_IA32_MCG_EXT_CTL:
		*val = m->mcg_ext_ctl;
		return !host && !um_lmce_enabled(m);
	}
	reg = um_mce_ctl2(vcpu, index);
	if (reg) {
		*val = *reg;
		return !host && !(m->mcg_cap & MCG_CMCI_P);
	}
	reg = um_mce_bank_reg(vcpu, index);
	if (!reg)
		return 1;
	*val = *reg;
	return 0;
}

/*
 * CTL takes all ones or 0, where Linux may clear bit 10 and others bit 0 to work round chips;
 * the guest can only clear STATUS.
 */
static bool um_mce_bank_valid(u32 index, u64 val, bool host)
{
	switch ((index - MSR_IA32_MC0_CTL) % UM_BANK_REGS) {
	case UM_BANK_CTL:
		return !val || (val | BIT_ULL(10) | BIT_ULL(0)) == UM_ALL_ERRORS;
	case UM_BANK_STATUS:
		return host || !val;
	default:
		return true;
	}
}

static int um_mcg_ctl_write(struct um_msrs *m, u64 val, bool host)
{
	if (!(m->mcg_cap & MCG_CTL_P) && (val || !host))
		return 1;
	if (val && val != UM_ALL_ERRORS)
		return 1;
	m->mcg_ctl = val;
	return 0;
}

static int um_mcg_ext_ctl_write(struct um_msrs *m, u64 val, bool host)
{
	if ((!host && !um_lmce_enabled(m)) || (val & ~MCG_EXT_CTL_LMCE_EN))
		return 1;
	m->mcg_ext_ctl = val;
	return 0;
}

int um_mce_write(struct um_vcpu *vcpu, u32 index, u64 val, bool host)
{
	u64 *reg;

	if (index == MSR_IA32_MCG_STATUS) {
		vcpu->msr.mcg_status = val;
		return 0;
	}
	if (index == MSR_IA32_MCG_CTL)
		return um_mcg_ctl_write(&vcpu->msr, val, host);
	if (index == MSR_IA32_MCG_EXT_CTL)
		return um_mcg_ext_ctl_write(&vcpu->msr, val, host);
	reg = um_mce_ctl2(vcpu, index);
	if (reg)
		return um_mce_ctl2_write(&vcpu->msr, reg, val, host);
	reg = um_mce_bank_reg(vcpu, index);
	if (!reg || !um_mce_bank_valid(index, val, host))
		return 1;
	*reg = val;
	return 0;
}

long um_ioc_setup_mce(void *owner, void *arg, unsigned long uarg)
{
	struct um_vcpu *vcpu = owner;
	u64 cap = *(u64 *)arg;
	unsigned int i, banks = cap & MCG_BANKCNT_MASK;

	if (!banks || banks > UM_MCE_BANKS)
		return -EINVAL;
	if (cap & ~(UM_MCE_CAP | MCG_BANKCNT_MASK | MCG_EXT_CNT_MASK))
		return -EINVAL;
	vcpu->msr.mcg_cap = cap;
	if (cap & MCG_CTL_P)
		vcpu->msr.mcg_ctl = UM_ALL_ERRORS;
	for (i = 0; i < banks; i++) {
		vcpu->msr.mce_banks[i * UM_BANK_REGS + UM_BANK_CTL] = UM_ALL_ERRORS;
		vcpu->msr.mce_ctl2[i] = 0;
	}
	if (vcpu->irq.lapic)
		um_lapic_set_cmci(vcpu, cap & MCG_CMCI_P);
	return 0;
}

static void um_mce_record(struct um_vcpu *vcpu, u64 *bank, const struct kvm_x86_mce *mce)
{
	u64 lost = bank[UM_BANK_STATUS] & MCI_STATUS_VAL ? MCI_STATUS_OVER : 0;

	bank[UM_BANK_STATUS] = mce->status | lost;
	bank[UM_BANK_ADDR] = mce->addr;
	bank[UM_BANK_MISC] = mce->misc;
}

/* An uncorrected error that asks for no action: recorded, not signalled. */
static bool um_mce_is_ucna(const struct kvm_x86_mce *mce)
{
	return !mce->mcg_status && (mce->status & MCI_STATUS_UC) &&
	       !(mce->status & (MCI_STATUS_PCC | MCI_STATUS_S | MCI_STATUS_AR));
}

static void um_mce_raise(struct um_vcpu *vcpu, u64 *bank, const struct kvm_x86_mce *mce)
{
	struct um_msrs *m = &vcpu->msr;

	if ((m->mcg_cap & MCG_CTL_P) && m->mcg_ctl != UM_ALL_ERRORS)
		return;
	if (bank[UM_BANK_CTL] != UM_ALL_ERRORS)
		return;
	if ((m->mcg_status & MCG_STATUS_MCIP) || !(um_cr4(vcpu) & X86_CR4_MCE)) {
		um_make_request(vcpu, UM_REQ_TRIPLE_FAULT);
		return;
	}
	um_mce_record(vcpu, bank, mce);
	m->mcg_status = mce->mcg_status;
	um_queue_exception(vcpu, UM_MC);
}

static void um_mce_signal(struct um_vcpu *vcpu, unsigned int nr)
{
	u64 ctl2 = vcpu->msr.mce_ctl2[array_index_nospec(nr, UM_MCE_BANKS)];

	if (vcpu->irq.lapic && (vcpu->msr.mcg_cap & MCG_CMCI_P) && (ctl2 & MCI_CTL2_CMCI_EN))
		um_lapic_cmci(vcpu);
}

long um_ioc_set_mce(void *owner, void *arg, unsigned long uarg)
{
	const struct kvm_x86_mce *mce = arg;
	struct um_vcpu *vcpu = owner;
	unsigned int banks = um_mce_banks(vcpu);
	u64 *bank;

	if (mce->bank >= banks || !(mce->status & MCI_STATUS_VAL))
		return -EINVAL;
	bank = &vcpu->msr.mce_banks[array_index_nospec(mce->bank, banks) * UM_BANK_REGS];

	if (um_mce_is_ucna(mce)) {
		bank[UM_BANK_STATUS] = mce->status;
		bank[UM_BANK_ADDR] = mce->addr;
		bank[UM_BANK_MISC] = mce->misc;
		vcpu->msr.mcg_status = 0;
		um_mce_signal(vcpu, mce->bank);
	} else if (mce->status & MCI_STATUS_UC) {
		um_mce_raise(vcpu, bank, mce);
	} else if ((~bank[UM_BANK_STATUS]) & (MCI_STATUS_VAL | MCI_STATUS_UC)) {
		um_mce_record(vcpu, bank, mce);
	} else {
		bank[UM_BANK_STATUS] |= MCI_STATUS_OVER;
	}
	return 0;
}
