/* SPDX-License-Identifier: GPL-2.0 */
/* MSRs by which software controls speculation: what CPUID says of them. Pure. */
#ifndef UM_MSR_SPEC_H
#define UM_MSR_SPEC_H

#include "types.h"

/* SDM "CPUID", leaf 07H: EDX of subleaf 0. */
#define UM_HAS_SPEC_CTRL	BIT(26)		/* with IBPB */
#define UM_HAS_STIBP		BIT(27)
#define UM_HAS_FLUSH_CMD	BIT(28)
#define UM_HAS_SSBD		BIT(31)
/* Of subleaf 2. */
#define UM_HAS_PSFD		BIT(0)
#define UM_HAS_IPRED_CTRL	BIT(1)
#define UM_HAS_RRSBA_CTRL	BIT(2)
#define UM_HAS_DDPD_U		BIT(3)
#define UM_HAS_BHI_CTRL		BIT(4)

/* SDM "IA32_SPEC_CTRL". */
#define UM_SPEC_IBRS		BIT_ULL(0)
#define UM_SPEC_STIBP		BIT_ULL(1)
#define UM_SPEC_SSBD		BIT_ULL(2)
#define UM_SPEC_IPRED_DIS	(BIT_ULL(3) | BIT_ULL(4))
#define UM_SPEC_RRSBA_DIS	(BIT_ULL(5) | BIT_ULL(6))
#define UM_SPEC_PSFD		BIT_ULL(7)
#define UM_SPEC_DDPD_U		BIT_ULL(8)
#define UM_SPEC_BHI_DIS_S	BIT_ULL(10)

/* The bits of IA32_SPEC_CTRL that a CPU has; 0: there is no such MSR. */
static inline u64 um_spec_ctrl_bits(u32 edx0, u32 edx2)
{
	u64 bits = 0;

	/* Each of the first two is ignored, rather than reserved, where only the other is there. */
	if (edx0 & (UM_HAS_SPEC_CTRL | UM_HAS_STIBP))
		bits |= UM_SPEC_IBRS | UM_SPEC_STIBP;
	if (edx0 & UM_HAS_SSBD)
		bits |= UM_SPEC_SSBD;
	if (!bits)
		return 0;
	if (edx2 & UM_HAS_PSFD)
		bits |= UM_SPEC_PSFD;
	if (edx2 & UM_HAS_IPRED_CTRL)
		bits |= UM_SPEC_IPRED_DIS;
	if (edx2 & UM_HAS_RRSBA_CTRL)
		bits |= UM_SPEC_RRSBA_DIS;
	if (edx2 & UM_HAS_DDPD_U)
		bits |= UM_SPEC_DDPD_U;
	if (edx2 & UM_HAS_BHI_CTRL)
		bits |= UM_SPEC_BHI_DIS_S;
	return bits;
}

#endif
