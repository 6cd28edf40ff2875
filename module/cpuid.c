// SPDX-License-Identifier: GPL-2.0
/*
 * The CPUID that a vCPU shows: set by userspace, looked up on every CPUID exit. The vCPU's
 * mutex guards it, and a running vCPU holds that. Host CPUID is never executed here: nested, it
 * would exit.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "cpuid.h"
#include "msr_spec.h"
#include "irqchip/irqchip.h"
#include "pv.h"
#include "mmu.h"
#include "umbra.h"

#define UM_MAXPHYADDR_DEFAULT	36	/* without leaf 0x80000008. SDM "CPUID" */
#define UM_CLASS_HYPERVISOR	0x40000000u
#define UM_CLASS_EXTENDED	0x80000000u
#define UM_CLASS_CENTAUR	0xc0000000u

#define BIT_OF(feature)		BIT((feature) & 31)
#define UM_XSAVE_COMPACTED	(BIT_OF(X86_FEATURE_XSAVES) | BIT_OF(X86_FEATURE_XSAVEC))

static bool um_has(struct um_cpuid *c, u32 leaf, u32 subleaf, int reg, u32 mask)
{
	const struct kvm_cpuid_entry2 *e = um_cpuid_find(c, leaf, subleaf);

	return e && (um_cpuid_reg(e, reg) & mask);
}

bool um_cpuid_has(struct um_vcpu *vcpu, u32 leaf, u32 subleaf, int reg, u32 mask)
{
	return um_has(vcpu->cpuid, leaf, subleaf, reg, mask);
}

u64 um_cr4_guest_allowed(struct um_vcpu *vcpu)
{
	return vcpu->cpuid->cr4;
}

/* CR4 bits that hang on a feature: the guest's CPUID and the module must both offer it. */
static const struct {
	u64 cr4;
	u32 leaf, mask;
	u8 reg;
} um_cr4_features[] = {
	{ X86_CR4_PCIDE, 1, BIT_OF(X86_FEATURE_PCID), CPUID_ECX },
	{ X86_CR4_OSXSAVE, 1, BIT_OF(X86_FEATURE_XSAVE), CPUID_ECX },
	{ X86_CR4_FSGSBASE, 7, BIT_OF(X86_FEATURE_FSGSBASE), CPUID_EBX },
	{ X86_CR4_SMEP, 7, BIT_OF(X86_FEATURE_SMEP), CPUID_EBX },
	{ X86_CR4_SMAP, 7, BIT_OF(X86_FEATURE_SMAP), CPUID_EBX },
	{ X86_CR4_UMIP, 7, BIT_OF(X86_FEATURE_UMIP), CPUID_ECX },
	{ X86_CR4_PKE, 7, BIT_OF(X86_FEATURE_PKU), CPUID_ECX },
	{ X86_CR4_LA57, 7, BIT_OF(X86_FEATURE_LA57), CPUID_ECX },
};

#define UM_CR4_ALWAYS	(X86_CR4_VME | X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE | X86_CR4_PSE | \
			 X86_CR4_PAE | X86_CR4_MCE | X86_CR4_PGE | X86_CR4_PCE | \
			 X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT)

/* @c: NULL: before the first KVM_SET_CPUID2, when whatever the module offers may be set. */
static u64 um_cr4_offered(struct um_cpuid *c)
{
	u64 cr4 = UM_CR4_ALWAYS;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(um_cr4_features); i++) {
		typeof(um_cr4_features[0]) *f = &um_cr4_features[i];

		if ((!c || um_has(c, f->leaf, 0, f->reg, f->mask)) &&
		    um_cpuid_offered(f->leaf, 0, f->reg, f->mask))
			cr4 |= f->cr4;
	}
	return cr4;
}

static u64 um_efer_offered(struct um_cpuid *c)
{
	u64 efer = EFER_SCE;

	if (um_has(c, UM_CLASS_EXTENDED + 1, 0, CPUID_EDX, BIT_OF(X86_FEATURE_LM)))
		efer |= EFER_LME | EFER_LMA;
	if (um_has(c, UM_CLASS_EXTENDED + 1, 0, CPUID_EDX, BIT_OF(X86_FEATURE_NX)))
		efer |= EFER_NX;
	return efer;
}

static u8 um_maxphyaddr_offered(struct um_cpuid *c)
{
	const struct kvm_cpuid_entry2 *max = um_cpuid_find(c, UM_CLASS_EXTENDED, 0);
	const struct kvm_cpuid_entry2 *sizes = um_cpuid_find(c, UM_CLASS_EXTENDED + 8, 0);

	if (!max || max->eax < UM_CLASS_EXTENDED + 8 || !sizes)
		return UM_MAXPHYADDR_DEFAULT;
	return clamp_t(u32, sizes->eax & 0xff, 32, 52);
}

/* KVM's leafs may have been moved up, behind those of another interface. SDM knows of none. */
static struct kvm_cpuid_entry2 *um_pv_entry(struct um_cpuid *c)
{
	const struct kvm_cpuid_entry2 *e;
	u32 leaf;

	for (leaf = UM_CLASS_HYPERVISOR; leaf < UM_CLASS_HYPERVISOR + 0x10000; leaf += 0x100) {
		e = um_cpuid_find(c, leaf, 0);
		if (e && !memcmp(&e->ebx, "KVMKVMKVM\0\0\0", 12))
			return um_cpuid_find(c, leaf + 1, 0);
	}
	return NULL;
}

static void um_derive_speculation(struct um_cpuid *c)
{
	const struct kvm_cpuid_entry2 *controls = um_cpuid_find(c, 7, 2);
	u32 edx = c->leaf7 ? c->leaf7->edx : 0;

	c->spec_ctrl = um_spec_ctrl_bits(edx, controls ? controls->edx : 0);
	c->ibpb = edx & UM_HAS_SPEC_CTRL;
	c->flush_cmd = edx & UM_HAS_FLUSH_CMD;
}

static void um_cpuid_derive(struct um_cpuid *c)
{
	const struct kvm_cpuid_entry2 *e = um_cpuid_find(c, 0xd, 0);
	const struct kvm_cpuid_entry2 *pv = um_pv_entry(c);

	c->xcr0 = e ? (e->eax | (u64)e->edx << 32) & um_supported_xcr0 : 0;
	c->cr4 = um_cr4_offered(c);
	c->efer = um_efer_offered(c);
	c->pv_features = pv ? pv->eax : 0;
	c->maxphyaddr = um_maxphyaddr_offered(c);
	c->pse36 = um_has(c, 1, 0, CPUID_EDX, BIT_OF(X86_FEATURE_PSE36));
	c->gbpages = um_has(c, UM_CLASS_EXTENDED + 1, 0, CPUID_EDX, BIT_OF(X86_FEATURE_GBPAGES));
	c->rdtscp = um_has(c, UM_CLASS_EXTENDED + 1, 0, CPUID_EDX, BIT_OF(X86_FEATURE_RDTSCP)) ||
		    um_has(c, 7, 0, CPUID_ECX, BIT_OF(X86_FEATURE_RDPID));
	c->tsc_adjust = um_has(c, 7, 0, CPUID_EBX, BIT_OF(X86_FEATURE_TSC_ADJUST));
	c->x2apic = um_has(c, 1, 0, CPUID_ECX, BIT_OF(X86_FEATURE_X2APIC));
	um_derive_speculation(c);
	c->arch_caps = um_has(c, 7, 0, CPUID_EDX, BIT_OF(X86_FEATURE_ARCH_CAPABILITIES));
}

/* Chains are built back to front, so that each runs in the order of the entries. */
static void um_cpuid_index(struct um_cpuid *c)
{
	unsigned int i, b;

	for (b = 0; b < UM_CPUID_BUCKETS; b++)
		c->head[b] = UM_CPUID_NONE;
	for (i = c->nent; i-- > 0;) {
		b = um_cpuid_bucket(c->entry[i].function);
		c->next[i] = c->head[b];
		c->head[b] = i;
	}
	c->leaf1 = um_cpuid_find(c, 1, 0);
	c->leaf7 = um_cpuid_find(c, 7, 0);
	c->xsave0 = um_cpuid_find(c, 0xd, 0);
	c->xsave1 = um_cpuid_find(c, 0xd, 1);
	um_cpuid_derive(c);
}

static void um_mirror_bit(u32 *reg, unsigned int feature, bool on)
{
	if (on)
		*reg |= BIT_OF(feature);
	else
		*reg &= ~BIT_OF(feature);
}

static void um_cpuid_mirror(struct um_cpuid *c, u64 cr4, u64 xcr0, u64 apic_base)
{
	if (c->leaf1) {
		um_mirror_bit(&c->leaf1->ecx, X86_FEATURE_OSXSAVE, cr4 & X86_CR4_OSXSAVE);
		um_mirror_bit(&c->leaf1->edx, X86_FEATURE_APIC,
			      apic_base & MSR_IA32_APICBASE_ENABLE);
	}
	if (c->leaf7)
		um_mirror_bit(&c->leaf7->ecx, X86_FEATURE_OSPKE, cr4 & X86_CR4_PKE);
	if (c->xsave0)
		c->xsave0->ebx = um_xstate_size(xcr0, false);
	if (c->xsave1 && (c->xsave1->eax & UM_XSAVE_COMPACTED))
		c->xsave1->ebx = um_xstate_size(xcr0, true);
}

void um_cpuid_update(struct um_vcpu *vcpu)
{
	struct um_cpuid *c = vcpu->cpuid;

	um_cpuid_mirror(c, um_cr4(vcpu), vcpu->xcr0, vcpu->msr.apic_base);
	if (c->leaf1 && (vcpu->vm->policy.quirks_off & KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT))
		um_mirror_bit(&c->leaf1->ecx, X86_FEATURE_MWAIT,
			      vcpu->msr.misc_enable & MSR_IA32_MISC_ENABLE_MWAIT);
}

int um_cpuid_init(struct um_vcpu *vcpu)
{
	struct um_cpuid *c = kzalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);

	if (!c)
		return -ENOMEM;
	um_cpuid_index(c);
	c->cr4 = um_cr4_offered(NULL);
	vcpu->cpuid = c;
	vcpu->maxphyaddr = c->maxphyaddr;
	return 0;
}

void um_cpuid_destroy(struct um_vcpu *vcpu)
{
	kvfree(vcpu->cpuid);
	vcpu->cpuid = NULL;
}

/* AMD answers 0 to leafs out of range; all others answer with the highest basic leaf. */
static bool um_vendor_is_amd(const struct kvm_cpuid_entry2 *basic)
{
	char vendor[12];

	memcpy(vendor, &basic->ebx, 4);
	memcpy(vendor + 4, &basic->edx, 4);
	memcpy(vendor + 8, &basic->ecx, 4);
	return !memcmp(vendor, "AuthenticAMD", 12) || !memcmp(vendor, "AMDisbetter!", 12) ||
	       !memcmp(vendor, "HygonGenuine", 12);
}

/*
 * The leaf whose EAX is the highest one of @leaf's class; hypervisors have a class in every
 * 0x100 leafs.
 */
static u32 um_cpuid_class(u32 leaf)
{
	if (leaf >= UM_CLASS_CENTAUR)
		return UM_CLASS_CENTAUR;
	if (leaf >= UM_CLASS_EXTENDED)
		return UM_CLASS_EXTENDED;
	if ((leaf & 0xf0000000) == UM_CLASS_HYPERVISOR)
		return leaf & ~0xffu;
	return 0;
}

/*
 * @leaf becomes the one that answers for it when it is out of range. SDM "CPUID-CPU
 * Identification".
 */
static struct kvm_cpuid_entry2 *um_cpuid_out_of_range(struct um_cpuid *c, u32 *leaf, u32 subleaf)
{
	const struct kvm_cpuid_entry2 *basic = um_cpuid_find(c, 0, 0);
	const struct kvm_cpuid_entry2 *class;

	if (!basic || um_vendor_is_amd(basic))
		return NULL;
	class = um_cpuid_find(c, um_cpuid_class(*leaf), 0);
	if (class && *leaf <= class->eax)
		return NULL;
	*leaf = basic->eax;
	return um_cpuid_find(c, *leaf, subleaf);
}

static void um_cpuid_show(u64 *gpr, const struct kvm_cpuid_entry2 *e)
{
	gpr[UM_RAX] = e->eax;
	gpr[UM_RBX] = e->ebx;
	gpr[UM_RCX] = e->ecx;
	gpr[UM_RDX] = e->edx;
}

/* Leafs without an entry; the topology leafs still give CL and the x2APIC id. */
static noinline void um_cpuid_missing(struct um_cpuid *c, u64 *gpr)
{
	u32 leaf = gpr[UM_RAX], subleaf = gpr[UM_RCX];
	const struct kvm_cpuid_entry2 *e = um_cpuid_out_of_range(c, &leaf, subleaf);
	const struct kvm_cpuid_entry2 none = {};

	um_cpuid_show(gpr, e ? e : &none);
	if (e || (leaf != 0xb && leaf != 0x1f))
		return;
	e = um_cpuid_find(c, leaf, 1);
	if (e) {
		gpr[UM_RCX] = subleaf & 0xff;
		gpr[UM_RDX] = e->edx;
	}
}

void um_cpuid(struct um_vcpu *vcpu)
{
	u64 *gpr = vcpu->gpr;
	const struct kvm_cpuid_entry2 *e = um_cpuid_find(vcpu->cpuid, gpr[UM_RAX], gpr[UM_RCX]);

	if (likely(e))
		um_cpuid_show(gpr, e);
	else
		um_cpuid_missing(vcpu->cpuid, gpr);
}

/* Linear addresses of other widths would break the canonical checks. */
static bool um_cpuid_acceptable(struct um_cpuid *c)
{
	const struct kvm_cpuid_entry2 *sizes = um_cpuid_find(c, UM_CLASS_EXTENDED + 8, 0);
	unsigned int bits = sizes ? (sizes->eax >> 8) & 0xff : 0;

	return !bits || bits == 48 || bits == 57;
}

static bool um_cpuid_same(const struct um_cpuid *a, const struct um_cpuid *b)
{
	unsigned int i;

	if (a->nent != b->nent)
		return false;
	for (i = 0; i < a->nent; i++)
		if (memcmp(&a->entry[i], &b->entry[i], offsetof(struct kvm_cpuid_entry2, padding)))
			return false;
	return true;
}

/* Takes @c over. A vCPU that has run keeps what it showed: the MMU's tables were built for it. */
/* A guest whose HLT does not exit cannot be woken by a hypercall. */
static void um_cpuid_limit_pv(const struct um_vcpu *vcpu, struct um_cpuid *c)
{
	struct kvm_cpuid_entry2 *pv = um_pv_entry(c);

	if (!pv || !(vcpu->vm->policy.disabled_exits & KVM_X86_DISABLE_EXITS_HLT))
		return;
	pv->eax &= ~BIT(KVM_FEATURE_PV_UNHALT);
	c->pv_features = pv->eax;
}

static long um_cpuid_install(struct um_vcpu *vcpu, struct um_cpuid *c)
{
	long ret = 0;

	um_cpuid_index(c);
	um_cpuid_limit_pv(vcpu, c);
	um_cpuid_mirror(c, um_cr4(vcpu), vcpu->xcr0, vcpu->msr.apic_base);
	if (vcpu->stats.entries) {
		if (!um_cpuid_same(vcpu->cpuid, c))
			ret = -EINVAL;
	} else if (!um_cpuid_acceptable(c)) {
		ret = -EINVAL;
	} else {
		swap(vcpu->cpuid, c);
		vcpu->maxphyaddr = vcpu->cpuid->maxphyaddr;
		if (vcpu->irq.lapic)
			um_lapic_cpuid_changed(vcpu);
		/* Controls follow the features offered. */
		um_dirty(vcpu, UM_ST_MMU);
		vcpu->mmu->paging_changed(vcpu, UM_PG_CPUID);
	}
	kvfree(c);
	return ret;
}

static struct um_cpuid *um_cpuid_alloc(u32 nent)
{
	struct um_cpuid *c;

	if (nent > UM_MAX_CPUID_ENTRIES)
		return ERR_PTR(-E2BIG);
	c = kvzalloc(struct_size(c, entry, nent), GFP_KERNEL_ACCOUNT);
	if (!c)
		return ERR_PTR(-ENOMEM);
	c->nent = nent;
	return c;
}

long um_ioc_set_cpuid2(void *owner, void *arg, unsigned long uarg)
{
	struct kvm_cpuid2 __user *user = (void __user *)uarg;
	struct um_cpuid *c;
	u32 nent;

	if (get_user(nent, &user->nent))
		return -EFAULT;
	c = um_cpuid_alloc(nent);
	if (IS_ERR(c))
		return PTR_ERR(c);
	if (copy_from_user(c->entry, user->entries, array_size(nent, sizeof(c->entry[0])))) {
		kvfree(c);
		return -EFAULT;
	}
	return um_cpuid_install(owner, c);
}

long um_ioc_set_cpuid(void *owner, void *arg, unsigned long uarg)
{
	struct kvm_cpuid __user *user = (void __user *)uarg;
	struct kvm_cpuid_entry e;
	struct um_cpuid *c;
	u32 nent, i;

	if (get_user(nent, &user->nent))
		return -EFAULT;
	c = um_cpuid_alloc(nent);
	if (IS_ERR(c))
		return PTR_ERR(c);
	for (i = 0; i < nent; i++) {
		if (copy_from_user(&e, &user->entries[i], sizeof(e))) {
			kvfree(c);
			return -EFAULT;
		}
		c->entry[i] = (struct kvm_cpuid_entry2){
			.function = e.function,
			.eax = e.eax,
			.ebx = e.ebx,
			.ecx = e.ecx,
			.edx = e.edx,
		};
	}
	return um_cpuid_install(owner, c);
}

long um_ioc_get_cpuid2(void *owner, void *arg, unsigned long uarg)
{
	struct kvm_cpuid2 __user *user = (void __user *)uarg;
	struct um_vcpu *vcpu = owner;
	struct um_cpuid *c = vcpu->cpuid;
	struct kvm_cpuid2 head;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.nent < c->nent)
		return -E2BIG;
	head.nent = c->nent;
	if (copy_to_user(user->entries, c->entry, array_size(c->nent, sizeof(c->entry[0]))) ||
	    copy_to_user(user, &head, sizeof(head)))
		return -EFAULT;
	return 0;
}
