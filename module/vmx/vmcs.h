/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The VMCS of one vCPU and access to the fields of the current one. A VMCS is current on
 * one CPU at a time: callers have the vCPU loaded. Field encodings are the kernel's (SDM
 * "Field Encoding in VMCS").
 */
#ifndef UM_VMX_VMCS_H
#define UM_VMX_VMCS_H

#include <asm/asm.h>
#include <asm/vmx.h>
#include <linux/build_bug.h>
#include "../types.h"

/* Bits 14:13 of an encoding give the field's width; l is the natural one. */
#define VMCS_WIDTH(field)	(((field) >> 13) & 3)
enum vmcs_width { VMCS_WIDTH_16, VMCS_WIDTH_64, VMCS_WIDTH_32, VMCS_WIDTH_l };

void vmx_vmwrite_error(unsigned long field, u64 val);

/* A fault means that VMX was turned off under us (reboot); the value does not matter any more. */
static __always_inline unsigned long vmcs_read_raw(unsigned long field)
{
	unsigned long val = 0;

	asm volatile("1: vmread %[field], %[val]\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : [val] "+r" (val) : [field] "r" (field) : "cc");
	return val;
}

static __always_inline void vmcs_write_raw(unsigned long field, unsigned long val)
{
	asm goto("1: vmwrite %[val], %[field]\n"
		 "jna %l[fail]\n"
		 _ASM_EXTABLE(1b, %l[off])
		 : : [field] "r" (field), [val] "rm" (val) : "cc" : fail, off);
off:
	return;
fail:
	vmx_vmwrite_error(field, val);
}

#define VMCS_ACCESSORS(name, type)						\
static __always_inline type vmcs_read##name(unsigned long field)		\
{										\
	BUILD_BUG_ON(__builtin_constant_p(field) &&				\
		     VMCS_WIDTH(field) != VMCS_WIDTH_##name);			\
	return vmcs_read_raw(field);						\
}										\
static __always_inline void vmcs_write##name(unsigned long field, type val)	\
{										\
	BUILD_BUG_ON(__builtin_constant_p(field) &&				\
		     VMCS_WIDTH(field) != VMCS_WIDTH_##name);			\
	vmcs_write_raw(field, val);						\
}

VMCS_ACCESSORS(16, u16)
VMCS_ACCESSORS(32, u32)
VMCS_ACCESSORS(64, u64)
VMCS_ACCESSORS(l, unsigned long)

struct vmcs_hdr {
	u32 revision;
	u32 abort;
};

/* Memory for a VMCS or a VMXON region, revision filled in; NULL without memory. */
struct vmcs_hdr *vmcs_alloc(int node, gfp_t gfp);
void vmcs_free(struct vmcs_hdr *vmcs);

#endif
