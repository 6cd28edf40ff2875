// SPDX-License-Identifier: GPL-2.0
/*
 * Guest MSRs as RDMSR and WRMSR or userspace sees them. The vCPU's mutex guards the values; the
 * vCPU is loaded. Called from the inner loop too: nothing here sleeps.
 */
#include <asm/mce.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#include "cpuid.h"
#include "cr.h"
#include "irqchip/irqchip.h"
#include "msr.h"
#include "pv.h"
#include "smm.h"
#include "umbra.h"

#define UM_APIC_BASE_X2APIC	BIT_ULL(10)
#define UM_APIC_BASE_MODE	(UM_APIC_BASE_X2APIC | MSR_IA32_APICBASE_ENABLE)
#define UM_APIC_BASE_RESERVED	(GENMASK_ULL(7, 0) | BIT_ULL(9))
#define UM_PAT_RESET		0x0007040600070406ULL	/* SDM "Programming the PAT" */
#define UM_UCODE_REV_RESET	BIT_ULL(32)
#define UM_DEBUGCTL_IGNORED	(DEBUGCTLMSR_LBR | DEBUGCTLMSR_BTF)
#define UM_MISC_ENABLE_RO	(MSR_IA32_MISC_ENABLE_BTS_UNAVAIL | \
				 MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL)
#define UM_MSR_K7_FIRST		MSR_K7_EVNTSEL0
#define UM_MSR_K7_LAST		MSR_K7_PERFCTR3

/* Legacy MSRs that operating systems read although CPUID promises none of them. */
#define UM_FSB_FREQ		3			/* in the encoding of the Core processors */
#define UM_EBC_FREQUENCY_ID	BIT_ULL(24)	/* core to bus ratio 1: nobody divides by 0 */
#define UM_PERF_STATUS		(1000 | 4ULL << 40)	/* TSC ticks a cycle, multiplier */
#define UM_BBL_CR_CTL3		0xbe702111ULL		/* an L2 cache, configured and enabled */

u64 um_arch_caps __ro_after_init;

/* Facts about the chip; nothing that promises an MSR. */
#define UM_ARCH_CAPS_PASSED	(ARCH_CAP_RDCL_NO | ARCH_CAP_RSBA | ARCH_CAP_SSB_NO | \
				 ARCH_CAP_MDS_NO | ARCH_CAP_TAA_NO | ARCH_CAP_SBDR_SSDP_NO | \
				 ARCH_CAP_FBSDP_NO | ARCH_CAP_PSDP_NO | ARCH_CAP_FB_CLEAR | \
				 ARCH_CAP_RRSBA | ARCH_CAP_PBRSB_NO | ARCH_CAP_GDS_NO | \
				 ARCH_CAP_RFDS_NO | ARCH_CAP_RFDS_CLEAR | ARCH_CAP_BHI_NO | \
				 ARCH_CAP_ITS_NO)

void __init um_msr_setup(void)
{
	u64 caps = 0;

	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl(MSR_IA32_ARCH_CAPABILITIES, caps);
	caps &= UM_ARCH_CAPS_PASSED |
		(boot_cpu_has(X86_FEATURE_SPEC_CTRL) ? ARCH_CAP_IBRS_ALL : 0);
	/* Huge executable pages are the backend's concern. */
	caps |= ARCH_CAP_PSCHANGE_MC_NO;
	if (!boot_cpu_has_bug(X86_BUG_CPU_MELTDOWN))
		caps |= ARCH_CAP_RDCL_NO;
	if (!boot_cpu_has_bug(X86_BUG_SPEC_STORE_BYPASS))
		caps |= ARCH_CAP_SSB_NO;
	if (!boot_cpu_has_bug(X86_BUG_MDS))
		caps |= ARCH_CAP_MDS_NO;
	if (!boot_cpu_has_bug(X86_BUG_GDS))
		caps |= ARCH_CAP_GDS_NO;
	if (!boot_cpu_has_bug(X86_BUG_RFDS))
		caps |= ARCH_CAP_RFDS_NO;
	if (!boot_cpu_has_bug(X86_BUG_ITS))
		caps |= ARCH_CAP_ITS_NO;
	if (!boot_cpu_has(X86_FEATURE_RTM))
		caps &= ~(u64)ARCH_CAP_TAA_NO;
	else if (!boot_cpu_has_bug(X86_BUG_TAA))
		caps |= ARCH_CAP_TAA_NO;
	um_arch_caps = caps;
}

void um_msr_reset(struct um_vcpu *vcpu)
{
	struct um_msrs *m = &vcpu->msr;

	*m = (struct um_msrs){
		.pat = UM_PAT_RESET,
		.apic_base = UM_APIC_BASE_DEFAULT | MSR_IA32_APICBASE_ENABLE |
			     (vcpu->id == vcpu->vm->irq.boot_cpu ? MSR_IA32_APICBASE_BSP : 0),
		.misc_enable = UM_MISC_ENABLE_RO,
		.ucode_rev = UM_UCODE_REV_RESET,
		.smbase = UM_SMBASE_RESET,
		.arch_caps = um_arch_caps,
		.mcg_cap = UM_MCE_BANKS,
		.platform_info = MSR_PLATFORM_INFO_CPUID_FAULT,
	};
	um_dirty(vcpu, UM_ST_PAT | UM_ST_SYSENTER | UM_ST_DEBUGCTL);
}

/* Memory types by name: UC, WC, WT, WP, WB, UC-. SDM "Page Attribute Table (PAT)". */
bool um_pat_valid(u64 pat)
{
	unsigned int i;

	for (i = 0; i < 64; i += 8) {
		u8 type = pat >> i;

		if (type > 7 || type == 2 || type == 3)
			return false;
	}
	return true;
}

bool um_apic_base_valid(struct um_vcpu *vcpu, u64 apic_base)
{
	u64 reserved = UM_APIC_BASE_RESERVED;

	if (!vcpu->cpuid->x2apic)
		reserved |= UM_APIC_BASE_X2APIC;
	/* There is no x2APIC mode without the APIC. */
	if ((apic_base & UM_APIC_BASE_MODE) == UM_APIC_BASE_X2APIC)
		return false;
	return !(apic_base >> vcpu->maxphyaddr) && !(apic_base & reserved);
}

void um_set_apic_base(struct um_vcpu *vcpu, u64 apic_base)
{
	u64 changed = vcpu->msr.apic_base ^ apic_base;

	vcpu->msr.apic_base = apic_base;
	if (changed & MSR_IA32_APICBASE_ENABLE)
		um_cpuid_update(vcpu);
	if (vcpu->irq.lapic)
		um_lapic_base_changed(vcpu);
}

static int um_tsc_write(struct um_vcpu *vcpu, u64 tsc, bool host)
{
	u64 offset = tsc - (um_guest_tsc(vcpu, rdtsc()) - vcpu->tsc_offset);

	if (host) {
		um_tsc_sync(vcpu, tsc);
		return 0;
	}
	/* SDM "IA32_TSC_ADJUST": a write of one moves the other by as much. */
	vcpu->msr.tsc_adjust += offset - vcpu->tsc_offset;
	um_set_tsc_offset(vcpu, offset);
	return 0;
}

static int um_tsc_adjust_write(struct um_vcpu *vcpu, u64 adjust, bool host)
{
	if (!vcpu->cpuid->tsc_adjust)
		return 0;
	if (!host)
		um_set_tsc_offset(vcpu, vcpu->tsc_offset + adjust - vcpu->msr.tsc_adjust);
	vcpu->msr.tsc_adjust = adjust;
	return 0;
}

static int um_misc_enable_write(struct um_vcpu *vcpu, u64 val, bool host)
{
	u64 old = vcpu->msr.misc_enable;

	if (!host) {
		if ((old ^ val) & UM_MISC_ENABLE_RO)
			return 1;
		val = (val & ~MSR_IA32_MISC_ENABLE_EMON) | (old & MSR_IA32_MISC_ENABLE_EMON);
	}
	/* CPUID follows its bit for MWAIT, unless the quirk says that it never did. */
	if (((old ^ val) & MSR_IA32_MISC_ENABLE_MWAIT) &&
	    (vcpu->vm->policy.quirks_off & KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT) &&
	    !um_cpuid_has(vcpu, 1, 0, CPUID_ECX, BIT(X86_FEATURE_XMM3 & 31)))
		return 1;
	vcpu->msr.misc_enable = val;
	um_cpuid_update(vcpu);
	return 0;
}

static int um_pat_write(struct um_vcpu *vcpu, u64 pat)
{
	if (!um_pat_valid(pat))
		return 1;
	vcpu->msr.pat = pat;
	um_dirty(vcpu, UM_ST_PAT);
	return 0;
}

/* SDM "x2APIC State Transitions": out of x2APIC mode only by disabling, into it only enabled. */
static bool um_apic_mode_follows(u64 from, u64 to)
{
	from &= UM_APIC_BASE_MODE;
	to &= UM_APIC_BASE_MODE;
	if (from == UM_APIC_BASE_MODE)
		return to != MSR_IA32_APICBASE_ENABLE;
	return from || to != UM_APIC_BASE_MODE;
}

static int um_apic_base_write(struct um_vcpu *vcpu, u64 apic_base, bool host)
{
	if (!um_apic_base_valid(vcpu, apic_base) ||
	    (!host && !um_apic_mode_follows(vcpu->msr.apic_base, apic_base)))
		return 1;
	um_set_apic_base(vcpu, apic_base);
	return 0;
}

static int um_feature_control_write(struct um_vcpu *vcpu, u64 val, bool host)
{
	bool locked = vcpu->msr.feature_control & FEAT_CTL_LOCKED;
	u64 valid = FEAT_CTL_LOCKED;

	if (vcpu->msr.mcg_cap & UM_MCG_LMCE_P)
		valid |= FEAT_CTL_LMCE_ENABLED;
	if ((val & ~valid) || (locked && !host))
		return 1;
	vcpu->msr.feature_control = val;
	return 0;
}

static int um_address_write(struct um_vcpu *vcpu, u32 index, u64 val)
{
	return um_canonical(val, um_linear_bits(vcpu)) ? hw_msr_set(vcpu, index, val) : 1;
}

/* Userspace may restore what an AMD host let through: made canonical rather than refused. */
static int um_sysenter_write(struct um_vcpu *vcpu, u32 index, u64 val, bool host)
{
	if (index == MSR_IA32_SYSENTER_CS)
		return hw_msr_set(vcpu, index, (u32)val);
	if (host)
		val = um_sign_extend(val, um_linear_bits(vcpu));
	return um_address_write(vcpu, index, val);
}

static bool um_tsc_aux_offered(struct um_vcpu *vcpu, bool host)
{
	return hw_caps.rdtscp && (host || vcpu->cpuid->rdtscp);
}

/* Those of a family that is there refuse an access; others are unknown. */
static int um_msr_missing(u32 index)
{
	switch (index) {
	case UM_MSR_MTRR_FIRST ... UM_MSR_MTRR_LAST:
	case MSR_IA32_MC0_CTL ... MSR_IA32_MCx_MISC(UM_MCE_BANKS - 1):
	case MSR_IA32_MCG_CAP ... MSR_IA32_MCG_CTL:
	case MSR_MISC_FEATURES_ENABLES:
		return 1;
	default:
		return UM_MSR_UNKNOWN;
	}
}

/* MSRs whose value never changes. */
static int um_msr_read_fixed(u32 index, u64 *val)
{
	switch (index) {
	case MSR_IA32_PLATFORM_ID:
	case MSR_IA32_EBL_CR_POWERON:
	case MSR_IA32_LASTBRANCHFROMIP ... MSR_IA32_LASTINTTOIP:
	case MSR_IA32_PERF_CTL:
	case MSR_P6_PERFCTR0 ... MSR_P6_PERFCTR1:
	case MSR_P6_EVNTSEL0 ... MSR_P6_EVNTSEL1:
	case UM_MSR_K7_FIRST ... UM_MSR_K7_LAST:
	case MSR_RAPL_POWER_UNIT:
	case MSR_PKG_ENERGY_STATUS:
	case MSR_DRAM_ENERGY_STATUS:
	case MSR_PP0_ENERGY_STATUS:
	case MSR_PP1_ENERGY_STATUS:
		*val = 0;
		return 0;
	case MSR_FSB_FREQ:
		*val = UM_FSB_FREQ;
		return 0;
	case MSR_EBC_FREQUENCY_ID:
		*val = UM_EBC_FREQUENCY_ID;
		return 0;
	case MSR_IA32_PERF_STATUS:
		*val = UM_PERF_STATUS;
		return 0;
	case MSR_IA32_BBL_CR_CTL3:
		*val = UM_BBL_CR_CTL3;
		return 0;
	default:
		return 1;
	}
}

static int um_msr_read_rare(struct um_vcpu *vcpu, u32 index, u64 *val, bool host)
{
	struct um_msrs *m = &vcpu->msr;

	switch (index) {
	case MSR_IA32_UCODE_REV:
		*val = m->ucode_rev;
		return 0;
	case MSR_IA32_FEAT_CTL:
		*val = m->feature_control;
		return 0;
	case MSR_IA32_ARCH_CAPABILITIES:
		*val = m->arch_caps;
		return !host && !vcpu->cpuid->arch_caps;
	case MSR_IA32_DEBUGCTLMSR:
		*val = 0;
		return 0;
	case MSR_IA32_POWER_CTL:
		*val = m->power_ctl;
		return 0;
	case MSR_PLATFORM_INFO:
		*val = m->platform_info;
		return !host && vcpu->vm->policy.hide_platform_info;
	case MSR_MISC_FEATURES_ENABLES:
		*val = m->misc_features;
		return 0;
	case MSR_IA32_TSC_DEADLINE:
		*val = um_lapic_deadline(vcpu);
		return 0;
	case MSR_SMI_COUNT:
	case MSR_IA32_SMBASE:
		return um_smm_msr_read(vcpu, index, val, host);
	case UM_X2APIC_MSR_FIRST ... UM_X2APIC_MSR_LAST:
		return um_x2apic_read(vcpu, index, val);
	case MSR_IA32_SPEC_CTRL:
	case MSR_IA32_PRED_CMD:
	case MSR_IA32_FLUSH_CMD:
		return um_spec_msr_read(vcpu, index, val, host);
	default:
		if (!um_mtrr_read(vcpu, index, val) || !um_mce_read(vcpu, index, val, host))
			return 0;
		if (!um_msr_read_fixed(index, val))
			return 0;
		return um_pv_msr_read(vcpu, index, val) ? um_msr_missing(index) : 0;
	}
}

int um_msr_read(struct um_vcpu *vcpu, u32 index, u64 *val, bool host)
{
	struct um_msrs *m = &vcpu->msr;

	switch (index) {
	case MSR_IA32_TSC:
		*val = um_guest_tsc(vcpu, rdtsc());
		return 0;
	case MSR_IA32_TSC_ADJUST:
		*val = m->tsc_adjust;
		return 0;
	case MSR_EFER:
		*val = vcpu->efer;
		return 0;
	case MSR_IA32_CR_PAT:
		um_need(vcpu, UM_ST_PAT);
		*val = m->pat;
		return 0;
	case MSR_IA32_APICBASE:
		*val = m->apic_base;
		return 0;
	case MSR_IA32_MISC_ENABLE:
		*val = m->misc_enable;
		return 0;
	case MSR_TSC_AUX:
		return um_tsc_aux_offered(vcpu, host) ? hw_msr_get(vcpu, index, val) : 1;
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_KERNEL_GS_BASE:
	case MSR_IA32_SYSENTER_CS ... MSR_IA32_SYSENTER_EIP:
	case MSR_STAR ... MSR_SYSCALL_MASK:
		return hw_msr_get(vcpu, index, val);
	default:
		return um_msr_read_rare(vcpu, index, val, host);
	}
}

/* MSRs whose writes do nothing; those not named here and in the callers are #GP. */
static int um_msr_write_ignored(u32 index, u64 val)
{
	switch (index) {
	case MSR_IA32_UCODE_WRITE:
	case MSR_IA32_BBL_CR_CTL3:
	case MSR_P6_PERFCTR0 ... MSR_P6_PERFCTR1:
	case MSR_P6_EVNTSEL0 ... MSR_P6_EVNTSEL1:
	case UM_MSR_K7_FIRST ... UM_MSR_K7_LAST:
		return 0;
	default:
		return 1;
	}
}

/* CPUID faulting. SDM "CPUID Faulting" */
static int um_misc_features_write(struct um_msrs *m, u64 val)
{
	if (val & ~(u64)MSR_MISC_FEATURES_ENABLES_CPUID_FAULT)
		return 1;
	if (val && !(m->platform_info & MSR_PLATFORM_INFO_CPUID_FAULT))
		return 1;
	m->misc_features = val;
	return 0;
}

/* Only userspace writes it, and not so that faulting that is on would not be there. */
static int um_platform_info_write(struct um_msrs *m, u64 val, bool host)
{
	if (!host || (m->misc_features && !(val & MSR_PLATFORM_INFO_CPUID_FAULT)))
		return 1;
	m->platform_info = val;
	return 0;
}

static int um_msr_write_rare(struct um_vcpu *vcpu, u32 index, u64 val, bool host)
{
	int r;

	switch (index) {
	case MSR_IA32_UCODE_REV:
		if (host)
			vcpu->msr.ucode_rev = val;
		return 0;
	case MSR_IA32_FEAT_CTL:
		return um_feature_control_write(vcpu, val, host);
	case MSR_IA32_ARCH_CAPABILITIES:
		if (!host)
			return 1;
		vcpu->msr.arch_caps = val;
		return 0;
	case MSR_IA32_POWER_CTL:
		vcpu->msr.power_ctl = val;
		return 0;
	case MSR_PLATFORM_INFO:
		return um_platform_info_write(&vcpu->msr, val, host);
	case MSR_MISC_FEATURES_ENABLES:
		return um_misc_features_write(&vcpu->msr, val);
	case MSR_IA32_TSC_DEADLINE:
		um_lapic_set_deadline(vcpu, val);
		return 0;
	case MSR_SMI_COUNT:
	case MSR_IA32_SMBASE:
		return um_smm_msr_write(vcpu, index, val, host);
	case UM_X2APIC_MSR_FIRST ... UM_X2APIC_MSR_LAST:
		return um_x2apic_write(vcpu, index, val);
	case MSR_IA32_SPEC_CTRL:
	case MSR_IA32_PRED_CMD:
	case MSR_IA32_FLUSH_CMD:
		return um_spec_msr_write(vcpu, index, val, host);
	case MSR_IA32_DEBUGCTLMSR:
		return !!(val & ~(u64)UM_DEBUGCTL_IGNORED);
	default:
		if (!um_mtrr_write(vcpu, index, val) || !um_mce_write(vcpu, index, val, host))
			return 0;
		if (!um_msr_write_ignored(index, val))
			return 0;
		r = um_pv_msr_write(vcpu, index, val);
		return r == UM_MSR_UNKNOWN ? um_msr_missing(index) : r;
	}
}

int um_msr_write(struct um_vcpu *vcpu, u32 index, u64 val, bool host)
{
	switch (index) {
	case MSR_IA32_TSC:
		return um_tsc_write(vcpu, val, host);
	case MSR_IA32_TSC_ADJUST:
		return um_tsc_adjust_write(vcpu, val, host);
	case MSR_EFER:
		return host ? um_set_efer_host(vcpu, val) : um_set_efer(vcpu, val);
	case MSR_IA32_CR_PAT:
		return um_pat_write(vcpu, val);
	case MSR_IA32_APICBASE:
		return um_apic_base_write(vcpu, val, host);
	case MSR_IA32_MISC_ENABLE:
		return um_misc_enable_write(vcpu, val, host);
	case MSR_TSC_AUX:
		if (!um_tsc_aux_offered(vcpu, host) || val >> 32)
			return 1;
		return hw_msr_set(vcpu, index, val);
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_KERNEL_GS_BASE:
	case MSR_LSTAR:
	case MSR_CSTAR:
		return um_address_write(vcpu, index, val);
	case MSR_IA32_SYSENTER_CS ... MSR_IA32_SYSENTER_EIP:
		return um_sysenter_write(vcpu, index, val, host);
	case MSR_STAR:
	case MSR_SYSCALL_MASK:
		return hw_msr_set(vcpu, index, val);
	default:
		return um_msr_write_rare(vcpu, index, val, host);
	}
}
