/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's CPUID: its entries, their index and what follows from them. The vCPU's mutex
 * guards it; the entries that the device offers are constant after load.
 */
#ifndef UM_CPUID_H
#define UM_CPUID_H

#include <asm/cpufeature.h>
#include <asm/fpu/types.h>
#include <asm/processor.h>

#include "umbra.h"

#define UM_MAX_CPUID_ENTRIES	256
#define UM_CPUID_BUCKETS	64
#define UM_CPUID_NONE		UM_MAX_CPUID_ENTRIES

/*
 * Entries in the order of userspace, and chains through them, one per hash bucket. A chain
 * keeps that order too, so the first match is the one that a scan of the entries would find.
 */
struct um_cpuid {
	unsigned int nent;
	u16 head[UM_CPUID_BUCKETS];
	u16 next[UM_MAX_CPUID_ENTRIES];
	/* Entries that follow CR4, XCR0 and the APIC base; NULL if absent. */
	struct kvm_cpuid_entry2 *leaf1, *leaf7, *xsave0, *xsave1;
	/* What follows from the entries and is asked for often. */
	u64 cr4;		/* bits that the guest may set */
	u64 efer;
	u64 xcr0;		/* components offered to the guest; 0: no XSAVE */
	u8 maxphyaddr;		/* clamped to 32..52 */
	u32 pv_features;	/* EAX of KVM's leaf of features */
	u64 spec_ctrl;		/* bits of IA32_SPEC_CTRL; 0: no such MSR */
	bool ibpb, flush_cmd;
	bool pse36, gbpages, rdtscp, tsc_adjust, arch_caps, x2apic;
	struct kvm_cpuid_entry2 entry[];
};

/* Leafs 0..0x1f, 0x80000000..0x8000001f and 0x40000000.. fall into buckets of their own, nearly. */
static inline unsigned int um_cpuid_bucket(u32 leaf)
{
	return (leaf + (leaf >> 26)) % UM_CPUID_BUCKETS;
}

static inline struct kvm_cpuid_entry2 *um_cpuid_find(struct um_cpuid *c, u32 leaf, u32 subleaf)
{
	unsigned int i;

	for (i = c->head[um_cpuid_bucket(leaf)]; i != UM_CPUID_NONE; i = c->next[i]) {
		struct kvm_cpuid_entry2 *e = &c->entry[i];

		if (e->function == leaf &&
		    (e->index == subleaf || !(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX)))
			return e;
	}
	return NULL;
}

static inline u32 um_cpuid_reg(const struct kvm_cpuid_entry2 *e, int reg)
{
	switch (reg) {
	case CPUID_EAX:
		return e->eax;
	case CPUID_EBX:
		return e->ebx;
	case CPUID_ECX:
		return e->ecx;
	default:
		return e->edx;
	}
}

static inline u64 um_efer_guest_allowed(struct um_vcpu *vcpu)
{
	return vcpu->cpuid->efer;
}

/* CR4, XCR0 or the APIC base changed: renew the bits that mirror them. */
void um_cpuid_update(struct um_vcpu *vcpu);

long um_ioc_set_cpuid(void *owner, void *arg, unsigned long uarg);
long um_ioc_set_cpuid2(void *owner, void *arg, unsigned long uarg);
long um_ioc_get_cpuid2(void *owner, void *arg, unsigned long uarg);

/* cpuid_supported.c: what this host and this module can offer. */
extern u64 um_supported_xcr0;
void um_cpuid_setup(void);	/* at load, after hw_init() */
bool um_cpuid_offered(u32 leaf, u32 subleaf, int reg, u32 mask);
u32 um_xstate_size(u64 xfeatures, bool compacted);

#endif
