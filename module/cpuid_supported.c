// SPDX-License-Identifier: GPL-2.0
/*
 * The CPUID that the device offers (KVM_GET_SUPPORTED_CPUID): what the host has and the module
 * virtualises. Computed once at load, constant afterwards; no lock.
 */
#include <linux/uaccess.h>
#include <asm/fpu/xcr.h>

#include "cpuid.h"
#include "pv.h"
#include "umbra.h"

#define UM_MAX_BASIC		0x1f
#define UM_MAX_EXTENDED		0x80000008
#define UM_HV_SIGNATURE		0x40000000
#define UM_HV_FEATURES		0x40000001
#define UM_CACHE_TYPE_MASK	0x1f
#define UM_INITIAL_APIC_ID	GENMASK(31, 24)
#define UM_LINEAR_BITS		GENMASK(15, 8)
#define UM_INVARIANT_TSC	BIT(8)
#define UM_THERMAL_ARAT		BIT(2)

#define UM_XCR0_VIRTUALISED	(XFEATURE_MASK_FPSSE | XFEATURE_MASK_YMM | \
				 XFEATURE_MASK_AVX512 | XFEATURE_MASK_PKRU)
#define UM_XSAVE_LEGACY_BYTES	(512 + 64)	/* legacy region and header */
#define UM_XSAVE_ALIGNED	BIT(1)		/* leaf 0xd ECX: on 64 bytes if compacted */
#define UM_XSAVE_XFD		BIT(2)

u64 um_supported_xcr0 __ro_after_init;
static struct kvm_cpuid_entry2 um_offered[UM_MAX_CPUID_ENTRIES] __ro_after_init;
static unsigned int um_nr_offered __ro_after_init;
static struct {
	u32 size, offset;
	bool aligned;
} um_xstate[64] __ro_after_init;

#define F(feature)	BIT(X86_FEATURE_##feature & 31)

struct um_cpuid_mask {
	u32 leaf, subleaf;
	u8 reg;
	u8 word;	/* of boot_cpu_data.x86_capability: what the host kernel left enabled */
	u32 mask;
};

/*
 * Per register: what the module can virtualise. Left out although a host may have it: VMX, SGX,
 * MONITOR, PMU and debug stores, the TSC deadline (it takes an in-kernel APIC: userspace adds it),
 * and all that needs an MSR which is not virtualised (XSS, XFD, bus locks).
 */
static const struct um_cpuid_mask um_masks[] __initconst = {
	{ 1, 0, CPUID_ECX, CPUID_1_ECX,
	  F(XMM3) | F(PCLMULQDQ) | F(SSSE3) | F(FMA) | F(CX16) | F(PCID) | F(XMM4_1) |
	  F(XMM4_2) | F(MOVBE) | F(POPCNT) | F(AES) | F(XSAVE) | F(AVX) | F(F16C) |
	  F(RDRAND) },
	{ 1, 0, CPUID_EDX, CPUID_1_EDX,
	  F(FPU) | F(VME) | F(DE) | F(PSE) | F(TSC) | F(MSR) | F(PAE) | F(MCE) | F(CX8) |
	  F(APIC) | F(SEP) | F(MTRR) | F(PGE) | F(MCA) | F(CMOV) | F(PAT) | F(PSE36) |
	  F(CLFLUSH) | F(MMX) | F(FXSR) | F(XMM) | F(XMM2) | F(SELFSNOOP) },
	{ 7, 0, CPUID_EBX, CPUID_7_0_EBX,
	  F(FSGSBASE) | F(BMI1) | F(HLE) | F(AVX2) | F(FDP_EXCPTN_ONLY) | F(SMEP) |
	  F(BMI2) | F(ERMS) | F(INVPCID) | F(RTM) | F(ZERO_FCS_FDS) | F(AVX512F) |
	  F(AVX512DQ) | F(RDSEED) | F(ADX) | F(SMAP) | F(AVX512IFMA) | F(CLFLUSHOPT) |
	  F(CLWB) | F(AVX512PF) | F(AVX512ER) | F(AVX512CD) | F(SHA_NI) | F(AVX512BW) |
	  F(AVX512VL) },
	{ 7, 0, CPUID_ECX, CPUID_7_ECX,
	  F(AVX512VBMI) | F(PKU) | F(LA57) | F(RDPID) | F(AVX512_VPOPCNTDQ) | F(UMIP) |
	  F(AVX512_VBMI2) | F(GFNI) | F(VAES) | F(VPCLMULQDQ) | F(AVX512_VNNI) |
	  F(AVX512_BITALG) | F(CLDEMOTE) | F(MOVDIRI) | F(MOVDIR64B) },
	{ 7, 0, CPUID_EDX, CPUID_7_EDX,
	  F(AVX512_4VNNIW) | F(AVX512_4FMAPS) | F(MD_CLEAR) | F(AVX512_VP2INTERSECT) |
	  F(FSRM) | F(SERIALIZE) | F(AVX512_FP16) | F(SPEC_CTRL) | F(INTEL_STIBP) |
	  F(FLUSH_L1D) | F(SPEC_CTRL_SSBD) },
	{ 7, 1, CPUID_EAX, CPUID_7_1_EAX,
	  F(AVX_VNNI) | F(AVX512_BF16) },
	{ 0xd, 1, CPUID_EAX, CPUID_D_1_EAX,
	  F(XSAVEOPT) | F(XSAVEC) | F(XGETBV1) },
	{ 0x80000001, 0, CPUID_ECX, CPUID_8000_0001_ECX,
	  F(LAHF_LM) | F(ABM) | F(3DNOWPREFETCH) },
	{ 0x80000001, 0, CPUID_EDX, CPUID_8000_0001_EDX,
	  F(SYSCALL) | F(NX) | F(GBPAGES) | F(RDTSCP) | F(LM) },
};

static struct kvm_cpuid_entry2 *um_offered_find(u32 leaf, u32 subleaf)
{
	unsigned int i;

	for (i = 0; i < um_nr_offered; i++)
		if (um_offered[i].function == leaf && um_offered[i].index == subleaf)
			return &um_offered[i];
	return NULL;
}

bool um_cpuid_offered(u32 leaf, u32 subleaf, int reg, u32 mask)
{
	const struct kvm_cpuid_entry2 *e = um_offered_find(leaf, subleaf);

	return e && (um_cpuid_reg(e, reg) & mask);
}

u32 um_xstate_size(u64 xfeatures, bool compacted)
{
	u32 size = UM_XSAVE_LEGACY_BYTES;
	unsigned int i;

	for (i = 2; i < ARRAY_SIZE(um_xstate); i++) {
		u32 offset = um_xstate[i].offset;

		if (!(xfeatures & BIT_ULL(i)))
			continue;
		if (compacted)
			offset = um_xstate[i].aligned ? ALIGN(size, 64) : size;
		size = max(size, offset + um_xstate[i].size);
	}
	return size;
}

static bool __init um_leaf_is_indexed(u32 leaf)
{
	switch (leaf) {
	case 4:
	case 7:
	case 0xb:
	case 0xd:
	case 0xf:
	case 0x10:
	case 0x12:
	case 0x14:
	case 0x17:
	case 0x18:
	case 0x1d:
	case 0x1e:
	case 0x1f:
		return true;
	default:
		return false;
	}
}

static u32 __init *um_reg_of(struct kvm_cpuid_entry2 *e, u8 reg)
{
	switch (reg) {
	case CPUID_EAX:
		return &e->eax;
	case CPUID_EBX:
		return &e->ebx;
	case CPUID_ECX:
		return &e->ecx;
	default:
		return &e->edx;
	}
}

static struct kvm_cpuid_entry2 __init *um_offer_empty(u32 leaf, u32 subleaf)
{
	struct kvm_cpuid_entry2 *e = &um_offered[um_nr_offered];

	/*
	 * No host comes near; the last entry is then overwritten rather than the memory behind
	 * it.
	 */
	if (!WARN_ON_ONCE(um_nr_offered == ARRAY_SIZE(um_offered) - 1))
		um_nr_offered++;
	*e = (struct kvm_cpuid_entry2){ .function = leaf, .index = subleaf };
	if (um_leaf_is_indexed(leaf))
		e->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
	return e;
}

static u32 __init um_mask_value(const struct um_cpuid_mask *m)
{
	return m->mask & boot_cpu_data.x86_capability[m->word];
}

/* The host's values, feature words masked. */
static struct kvm_cpuid_entry2 __init *um_offer_host(u32 leaf, u32 subleaf)
{
	struct kvm_cpuid_entry2 *e = um_offer_empty(leaf, subleaf);
	unsigned int i;

	cpuid_count(leaf, subleaf, &e->eax, &e->ebx, &e->ecx, &e->edx);
	for (i = 0; i < ARRAY_SIZE(um_masks); i++)
		if (um_masks[i].leaf == leaf && um_masks[i].subleaf == subleaf)
			*um_reg_of(e, um_masks[i].reg) &= um_mask_value(&um_masks[i]);
	return e;
}

static void __init um_offer_caches(void)
{
	unsigned int i;

	for (i = 0; i < 16; i++)
		if (!(um_offer_host(4, i)->eax & UM_CACHE_TYPE_MASK))
			break;
}

static void __init um_offer_leaf7(void)
{
	struct kvm_cpuid_entry2 *e;
	bool la57, more;

	e = um_offer_host(7, 0);
	/* The host need not use five levels itself. */
	la57 = cpuid_ecx(7) & F(LA57);
	e->ecx |= la57 ? F(LA57) : 0;
	if (!boot_cpu_has(X86_FEATURE_OSPKE))
		e->ecx &= ~F(PKU);
	if (!hw_caps.rdtscp)
		e->ecx &= ~F(RDPID);
	if (!hw_caps.invpcid)
		e->ebx &= ~F(INVPCID);
	/* Emulated. */
	e->ebx |= F(TSC_ADJUST);
	e->edx |= F(ARCH_CAPABILITIES);
	more = e->eax >= 1;
	e->eax = more;
	if (!more)
		return;
	e = um_offer_host(7, 1);
	e->ebx = 0;
	e->ecx = 0;
	e->edx = 0;
}

static void __init um_offer_xsave(void)
{
	struct kvm_cpuid_entry2 *e = um_offer_empty(0xd, 0);
	unsigned int i;

	if (!um_supported_xcr0)
		return;
	e->eax = um_supported_xcr0;
	e->edx = um_supported_xcr0 >> 32;
	e->ebx = um_xstate_size(um_supported_xcr0, false);
	e->ecx = e->ebx;

	e = um_offer_host(0xd, 1);
	e->ebx = e->eax & F(XSAVEC) ? um_xstate_size(um_supported_xcr0, true) : 0;
	e->ecx = 0;
	e->edx = 0;
	for (i = 2; i < 64; i++) {
		if (!(um_supported_xcr0 & BIT_ULL(i)))
			continue;
		e = um_offer_host(0xd, i);
		e->ecx &= ~UM_XSAVE_XFD;
		e->edx = 0;
	}
}

static void __init um_offer_basic(u32 leaf, u32 max_basic)
{
	struct kvm_cpuid_entry2 *e;

	switch (leaf) {
	case 0:
		um_offer_host(0, 0)->eax = max_basic;
		break;
	case 1:
		e = um_offer_host(1, 0);
		e->ebx &= ~UM_INITIAL_APIC_ID;
		e->ecx |= F(X2APIC);	/* the module's own */
		break;
	case 2:
		um_offer_host(2, 0);
		break;
	case 4:
		um_offer_caches();
		break;
	case 6:
		e = um_offer_empty(6, 0);
		e->eax = UM_THERMAL_ARAT;
		break;
	case 7:
		um_offer_leaf7();
		break;
	case 0xd:
		um_offer_xsave();
		break;
	default:
		um_offer_empty(leaf, 0);
	}
}

static void __init um_offer_extended(u32 leaf)
{
	struct kvm_cpuid_entry2 *e;

	switch (leaf) {
	case 0x80000001:
		e = um_offer_host(leaf, 0);
		e->ebx = 0;
		if (!hw_caps.rdtscp)
			e->edx &= ~F(RDTSCP);
		break;
	case 0x80000002 ... 0x80000006:
		um_offer_host(leaf, 0);
		break;
	case 0x80000007:
		e = um_offer_empty(leaf, 0);
		e->edx = boot_cpu_data.x86_power & UM_INVARIANT_TSC;
		break;
	case 0x80000008:
		/*
		 * Not wider than the host's own: a shadow guest's frames are mapped by the
		 * host's entries.
		 */
		e = um_offer_empty(leaf, 0);
		e->eax = boot_cpu_data.x86_phys_bits | (cpuid_eax(leaf) & UM_LINEAR_BITS);
		break;
	default:
		um_offer_empty(leaf, 0);
	}
}

static void __init um_offer_hypervisor(void)
{
	static const char signature[12] __initconst = "KVMKVMKVM";
	struct kvm_cpuid_entry2 *e = um_offer_empty(UM_HV_SIGNATURE, 0);

	e->eax = UM_HV_FEATURES;
	memcpy(&e->ebx, signature, 4);
	memcpy(&e->ecx, signature + 4, 4);
	memcpy(&e->edx, signature + 8, 4);
	um_offer_empty(UM_HV_FEATURES, 0)->eax = um_pv_features();
}

static void __init um_xstate_setup(void)
{
	u32 eax, ebx, ecx, edx;
	unsigned int i;

	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return;
	um_supported_xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK) & UM_XCR0_VIRTUALISED;
	if (!boot_cpu_has(X86_FEATURE_OSPKE))
		um_supported_xcr0 &= ~(u64)XFEATURE_MASK_PKRU;
	for (i = 2; i < ARRAY_SIZE(um_xstate); i++) {
		if (!(um_supported_xcr0 & BIT_ULL(i)))
			continue;
		cpuid_count(0xd, i, &eax, &ebx, &ecx, &edx);
		um_xstate[i].size = eax;
		um_xstate[i].offset = ebx;
		um_xstate[i].aligned = ecx & UM_XSAVE_ALIGNED;
	}
}

void __init um_cpuid_setup(void)
{
	u32 max_basic = min_t(u32, cpuid_eax(0), UM_MAX_BASIC);
	u32 max_extended = min_t(u32, cpuid_eax(0x80000000), UM_MAX_EXTENDED);
	u32 leaf;

	um_xstate_setup();
	for (leaf = 0; leaf <= max_basic; leaf++)
		um_offer_basic(leaf, max_basic);
	um_offer_empty(0x80000000, 0)->eax = max_extended;
	for (leaf = 0x80000001; leaf <= max_extended; leaf++)
		um_offer_extended(leaf);
	um_offer_hypervisor();
}

long um_get_supported_cpuid(struct kvm_cpuid2 __user *user)
{
	struct kvm_cpuid2 head;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.nent < um_nr_offered)
		return -E2BIG;
	head.nent = um_nr_offered;
	if (copy_to_user(user->entries, um_offered, um_nr_offered * sizeof(um_offered[0])) ||
	    copy_to_user(user, &head, sizeof(head)))
		return -EFAULT;
	return 0;
}

static bool um_padding_is_clear(struct kvm_cpuid2 __user *user, u32 nent)
{
	struct kvm_cpuid_entry2 e;
	u32 i;

	for (i = 0; i < min_t(u32, nent, UM_MAX_CPUID_ENTRIES); i++) {
		if (copy_from_user(&e, &user->entries[i], sizeof(e)))
			return false;
		if (memchr_inv(e.padding, 0, sizeof(e.padding)))
			return false;
	}
	return true;
}

/* Nothing is emulated that the host lacks: leaf 0 alone, saying so. */
long um_get_emulated_cpuid(struct kvm_cpuid2 __user *user)
{
	struct kvm_cpuid_entry2 none = {};
	struct kvm_cpuid2 head;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.nent < 1)
		return -E2BIG;
	if (!um_padding_is_clear(user, head.nent))
		return -EINVAL;
	head.nent = 1;
	if (copy_to_user(user->entries, &none, sizeof(none)) ||
	    copy_to_user(user, &head, sizeof(head)))
		return -EFAULT;
	return 0;
}
