/* SPDX-License-Identifier: GPL-2.0 */
/*
 * INVEPT and INVVPID on this CPU (SDM "VMX Instructions"). VMX operation is on and the
 * thread cannot migrate.
 */
#ifndef UM_VMX_INVALIDATE_H
#define UM_VMX_INVALIDATE_H

#include <asm/asm.h>
#include <asm/vmx.h>
#include "../types.h"

static inline void vmx_invept(unsigned long type, u64 eptp)
{
	struct { u64 eptp, zero; } desc = { eptp, 0 };

	asm volatile("1: invept %[desc], %[type]\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : : [type] "r" (type), [desc] "m" (desc) : "cc", "memory");
}

static inline void vmx_invvpid(unsigned long type, u16 vpid, gva_t gva)
{
	struct { u64 vpid, gva; } desc = { vpid, gva };

	asm volatile("1: invvpid %[desc], %[type]\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : : [type] "r" (type), [desc] "m" (desc) : "cc", "memory");
}

static inline void vmx_invvpid_all(void)
{
	vmx_invvpid(VMX_VPID_EXTENT_ALL_CONTEXT, 0, 0);
}

/* The EPT pointer for a root: memory type, walk length and A/D as this CPU does them. */
u64 vmx_eptp(hpa_t root);

#endif
