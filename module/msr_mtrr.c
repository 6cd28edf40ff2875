// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's memory type range registers: kept and validated for the guest, without effect on
 * its memory (no device is mapped into it). The vCPU's mutex guards them. SDM "Memory Type
 * Range Registers (MTRRs)".
 */
#include "msr.h"

#define UM_MTRR_CAP_FIXED	BIT_ULL(8)
#define UM_MTRR_CAP_WC		BIT_ULL(10)
#define UM_MTRR_DEF_WRITABLE	(GENMASK_ULL(11, 10) | GENMASK_ULL(7, 0))
#define UM_MTRR_BASE_RESERVED	GENMASK_ULL(11, 8)
#define UM_MTRR_MASK_RESERVED	GENMASK_ULL(10, 0)
#define UM_MTRR_TYPES		0x73	/* UC (0), WC (1), WT (4), WP (5), WB (6) */

static bool um_mtrr_type_valid(u8 type)
{
	return type < 8 && (UM_MTRR_TYPES & BIT(type));
}

static bool um_mtrr_types_valid(u64 types)
{
	unsigned int i;

	for (i = 0; i < 64; i += 8)
		if (!um_mtrr_type_valid(types >> i))
			return false;
	return true;
}

static u64 *um_mtrr_fixed(struct um_msrs *m, u32 index)
{
	switch (index) {
	case MSR_MTRRfix64K_00000:
		return &m->mtrr_fixed[0];
	case MSR_MTRRfix16K_80000 ... MSR_MTRRfix16K_A0000:
		return &m->mtrr_fixed[1 + index - MSR_MTRRfix16K_80000];
	case MSR_MTRRfix4K_C0000 ... MSR_MTRRfix4K_F8000:
		return &m->mtrr_fixed[3 + index - MSR_MTRRfix4K_C0000];
	default:
		return NULL;
	}
}

static u64 *um_mtrr_variable(struct um_msrs *m, u32 index)
{
	u32 nr = (index - UM_MSR_MTRR_FIRST) / 2;

	if (index < UM_MSR_MTRR_FIRST || nr >= UM_NR_VAR_MTRR)
		return NULL;
	return index & 1 ? &m->mtrr_mask[nr] : &m->mtrr_base[nr];
}

static bool um_mtrr_variable_valid(struct um_vcpu *vcpu, u32 index, u64 val)
{
	if (val >> vcpu->maxphyaddr)
		return false;
	if (index & 1)
		return !(val & UM_MTRR_MASK_RESERVED);
	return !(val & UM_MTRR_BASE_RESERVED) && um_mtrr_type_valid(val);
}

int um_mtrr_read(struct um_vcpu *vcpu, u32 index, u64 *val)
{
	struct um_msrs *m = &vcpu->msr;
	const u64 *reg;

	if (index == MSR_MTRRcap) {
		*val = UM_MTRR_CAP_WC | UM_MTRR_CAP_FIXED | UM_NR_VAR_MTRR;
		return 0;
	}
	if (index == MSR_MTRRdefType) {
		*val = m->mtrr_def;
		return 0;
	}
	reg = um_mtrr_fixed(m, index);
	if (!reg)
		reg = um_mtrr_variable(m, index);
	if (!reg)
		return 1;
	*val = *reg;
	return 0;
}

int um_mtrr_write(struct um_vcpu *vcpu, u32 index, u64 val)
{
	struct um_msrs *m = &vcpu->msr;
	bool valid;
	u64 *reg;

	if (index == MSR_MTRRdefType) {
		reg = &m->mtrr_def;
		valid = !(val & ~UM_MTRR_DEF_WRITABLE) && um_mtrr_type_valid(val);
	} else if (um_mtrr_fixed(m, index)) {
		reg = um_mtrr_fixed(m, index);
		valid = um_mtrr_types_valid(val);
	} else {
		reg = um_mtrr_variable(m, index);
		valid = reg && um_mtrr_variable_valid(vcpu, index, val);
	}
	if (!valid)
		return 1;
	*reg = val;
	return 0;
}
