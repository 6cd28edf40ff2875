/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The two guest-physical address spaces of a VM (KVM_CAP_MULTI_ADDRESS_SPACE) as one: the second,
 * which a vCPU sees in system-management mode, lies above all that a guest can name. So one set of
 * slots, of tables and of reverse maps holds both, and no key needs a bit more. No locks.
 *
 * um_vcpu.space is 0 or UM_SPACE_SMM, and part of every gpa of the vCPU from where the hardware, a
 * page table or an MSR gave it; um_gpa_plain() takes it off for a device or for userspace.
 */
#ifndef UM_SPACE_H
#define UM_SPACE_H

#include "types.h"

#define UM_NR_SPACES	2
#define UM_SPACE_SHIFT	52	/* no processor has a wider physical address */
#define UM_SPACE_SMM	BIT_ULL(UM_SPACE_SHIFT)

/* The upper half of a slot's id in the ABI names its address space. */
#define UM_SLOT_SPACE_SHIFT	16

static inline gpa_t um_gpa_plain(gpa_t gpa)
{
	return gpa & ~UM_SPACE_SMM;
}

static inline gfn_t um_gfn_plain(gfn_t gfn)
{
	return gfn & ~gpa_to_gfn(UM_SPACE_SMM);
}

static inline unsigned int um_gfn_space(gfn_t gfn)
{
	return gfn >> (UM_SPACE_SHIFT - UM_PAGE_SHIFT);
}

/* Where the address space of the slot @id begins. */
static inline gpa_t um_slot_space(u32 id)
{
	return (gpa_t)(id >> UM_SLOT_SPACE_SHIFT) << UM_SPACE_SHIFT;
}

/* What the guest gave as an address, in an MSR, is one of the first space or none at all. */
static inline gpa_t um_gpa_given(u64 gpa)
{
	return gpa >> UM_SPACE_SHIFT ? UM_INVALID_GPA : gpa;
}

#endif
