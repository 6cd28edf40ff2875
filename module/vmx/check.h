/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The checks that a VM entry makes on its controls and on the guest state, as a pure function over
 * what the VMCS held. Builds in userspace. Source: SDM "VM Entries".
 */
#ifndef UM_VMX_CHECK_H
#define UM_VMX_CHECK_H

#include "../types.h"

struct entry_seg {
	u16 sel;
	u64 base;
	u32 limit, ar;		/* access rights as the VMCS has them */
};

/* What the checks look at, by the SDM's names. */
struct entry_view {
	u32 pin, cpu, cpu2, entry, exit;
	u32 exceptions, intr_info, intr_error, insn_len;
	u64 eptp;
	u16 vpid;
	u64 cr0, cr3, cr4, efer, dr7, debugctl, rip, rflags, sysenter_esp, sysenter_eip;
	u64 pdpte[4];
	struct entry_seg seg[UM_NR_SEGS];
	u64 gdtr_base, idtr_base;
	u32 gdtr_limit, idtr_limit;
	u32 activity, intr_state;
	u64 pending_dbg, link;
	/* The machine's. */
	u64 cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	u8 maxphyaddr;
	bool zero_len;		/* IA32_VMX_MISC: software events of length 0 can be injected */
};

/**
 * struct entry_fault - a rule that the state breaks
 * @field: the VMCS field, as the SDM spells it
 * @section: the SDM section's title
 * @rule: what it demands
 */
struct entry_fault {
	const char *field, *section, *rule;
};

/* The first broken rule, in the SDM's order; false when none is found. */
bool vmx_check_entry(const struct entry_view *v, struct entry_fault *fault);

#endif
