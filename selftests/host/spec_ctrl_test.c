// SPDX-License-Identifier: GPL-2.0
/* Which bits of IA32_SPEC_CTRL follow from CPUID. */
#include "../../module/msr_spec.h"
#include "tap.h"

#define ALL_CONTROLS	(UM_HAS_PSFD | UM_HAS_IPRED_CTRL | UM_HAS_RRSBA_CTRL | UM_HAS_DDPD_U | \
			 UM_HAS_BHI_CTRL)

static void check(u32 edx0, u32 edx2, u64 want, const char *what)
{
	ok(um_spec_ctrl_bits(edx0, edx2) == want, "%s", what);
}

int main(void)
{
	check(0, 0, 0, "no feature, no MSR");
	check(0, ALL_CONTROLS, 0, "bits of subleaf 2 alone make no MSR");
	check(UM_HAS_FLUSH_CMD, 0, 0, "nor does FLUSH_CMD");
	check(UM_HAS_SPEC_CTRL, 0, UM_SPEC_IBRS | UM_SPEC_STIBP, "IBRS: STIBP is not reserved");
	check(UM_HAS_STIBP, 0, UM_SPEC_IBRS | UM_SPEC_STIBP, "STIBP: nor is IBRS");
	check(UM_HAS_SSBD, 0, UM_SPEC_SSBD, "SSBD alone");
	check(UM_HAS_SSBD, UM_HAS_PSFD, UM_SPEC_SSBD | UM_SPEC_PSFD, "PSFD");
	check(UM_HAS_SSBD, UM_HAS_IPRED_CTRL, UM_SPEC_SSBD | 0x18, "IPRED_DIS_U and _S");
	check(UM_HAS_SSBD, UM_HAS_RRSBA_CTRL, UM_SPEC_SSBD | 0x60, "RRSBA_DIS_U and _S");
	check(UM_HAS_SSBD, UM_HAS_DDPD_U, UM_SPEC_SSBD | 0x100, "DDPD_U");
	check(UM_HAS_SSBD, UM_HAS_BHI_CTRL, UM_SPEC_SSBD | 0x400, "BHI_DIS_S");
	check(~0U, ~0U, 0x5ff, "all: bit 9 and those above 10 stay reserved");
	return tap_done();
}
