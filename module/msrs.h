/* SPDX-License-Identifier: GPL-2.0 */
/* The values of a vCPU's MSRs. Its mutex guards them. */
#ifndef UM_MSRS_H
#define UM_MSRS_H

#include <linux/types.h>

/* Guest MSRs that live in memory here rather than in the VMCS. */
struct um_msrs {
	u64 star, lstar, cstar, sfmask, kernel_gs_base, tsc_aux;
	u64 pat, apic_base, misc_enable, tsc_adjust, tsc_deadline, debugctl;
	u64 arch_caps, platform_info, misc_features, power_ctl;
	u64 sysenter_cs, sysenter_esp, sysenter_eip;
	u64 mtrr_fixed[11], mtrr_base[8], mtrr_mask[8], mtrr_def;
	u64 mcg_status, mcg_ctl, mce_banks[4 * 32], mce_ctl2[32];
	u64 xss, feature_control, smbase, smi_count, ucode_rev;
	u64 mcg_cap, mcg_ext_ctl;
};

#endif
