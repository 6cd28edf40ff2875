// SPDX-License-Identifier: GPL-2.0
/*
 * RDMSR and WRMSR as the guest executes them: the VM's filter, and accesses that userspace
 * answers. vm->lock guards the filter, readers hold vm->srcu; it never changes once published.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "hw.h"
#include "irqchip/irqchip.h"
#include "msr.h"
#include "umbra.h"

#define UM_X2APIC_FIRST		0x800
#define UM_X2APIC_LAST		0x8ff
#define UM_FILTER_BITMAP_BYTES	0x600	/* KVM_MSR_FILTER_MAX_BITMAP_SIZE */

struct um_msr_range {
	u32 flags;		/* KVM_MSR_FILTER_READ, _WRITE */
	u32 base, count;
	unsigned long *allowed;	/* one bit for each MSR */
};

struct um_msr_filter {
	bool deny;		/* what no range names */
	unsigned int count;
	struct um_msr_range range[KVM_MSR_FILTER_MAX_RANGES];
};

static void um_filter_free(struct um_msr_filter *filter)
{
	unsigned int i;

	if (!filter)
		return;
	for (i = 0; i < filter->count; i++)
		kfree(filter->range[i].allowed);
	kfree(filter);
}

static long um_filter_add(struct um_msr_filter *filter, const struct kvm_msr_filter_range *user)
{
	const u32 both = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE;
	size_t bytes = BITS_TO_LONGS((u64)user->nmsrs) * sizeof(long);
	void *allowed;

	if (!user->nmsrs)
		return 0;
	if (!user->flags || (user->flags & ~both) || bytes > UM_FILTER_BITMAP_BYTES)
		return -EINVAL;
	allowed = memdup_user((void __user *)user->bitmap, bytes);
	if (IS_ERR(allowed))
		return PTR_ERR(allowed);
	filter->range[filter->count++] = (struct um_msr_range){
		.flags = user->flags,
		.base = user->base,
		.count = user->nmsrs,
		.allowed = allowed,
	};
	return 0;
}

static struct um_msr_filter *um_filter_new(const struct kvm_msr_filter *user)
{
	struct um_msr_filter *filter = kzalloc(sizeof(*filter), GFP_KERNEL_ACCOUNT);
	unsigned int i;
	long r = 0;

	if (!filter)
		return ERR_PTR(-ENOMEM);
	filter->deny = user->flags & KVM_MSR_FILTER_DEFAULT_DENY;
	for (i = 0; !r && i < ARRAY_SIZE(user->ranges); i++)
		r = um_filter_add(filter, &user->ranges[i]);
	if (!r && filter->deny && !filter->count)
		r = -EINVAL;
	if (!r)
		return filter;
	um_filter_free(filter);
	return ERR_PTR(r);
}

long um_msr_filter_set(void *owner, void *arg, unsigned long uarg)
{
	const struct kvm_msr_filter *user = arg;
	struct um_msr_filter *filter, *old;
	struct um_vm *vm = owner;

	if (user->flags & ~KVM_MSR_FILTER_DEFAULT_DENY)
		return -EINVAL;
	filter = um_filter_new(user);
	if (IS_ERR(filter))
		return PTR_ERR(filter);
	mutex_lock(&vm->lock);
	old = rcu_replace_pointer(vm->msr_filter, filter, lockdep_is_held(&vm->lock));
	synchronize_srcu_expedited(&vm->srcu);
	um_request_all(vm, UM_REQ_MSR_FILTER, true);
	mutex_unlock(&vm->lock);
	um_filter_free(old);
	return 0;
}

void um_msr_filter_destroy(struct um_vm *vm)
{
	um_filter_free(rcu_dereference_protected(vm->msr_filter, true));
}

bool um_msr_allowed(struct um_vm *vm, u32 index, u32 access)
{
	const struct um_msr_filter *filter = srcu_dereference(vm->msr_filter, &vm->srcu);
	const struct um_msr_range *range;
	unsigned int i;

	if (!filter || (index >= UM_X2APIC_FIRST && index <= UM_X2APIC_LAST))
		return true;
	for (i = 0; i < filter->count; i++) {
		range = &filter->range[i];
		if (index - range->base < range->count && (range->flags & access))
			return test_bit(index - range->base, range->allowed);
	}
	return !filter->deny;
}

void um_msr_filter_serve(struct um_vcpu *vcpu)
{
	int idx = srcu_read_lock(&vcpu->vm->srcu);

	hw_msr_intercepts(vcpu);
	srcu_read_unlock(&vcpu->vm->srcu, idx);
}

static u32 um_msr_reason(int r)
{
	return r == UM_MSR_UNKNOWN ? KVM_MSR_EXIT_REASON_UNKNOWN : KVM_MSR_EXIT_REASON_INVAL;
}

static void um_set_edx_eax(struct um_vcpu *vcpu, u64 val)
{
	vcpu->gpr[UM_RAX] = (u32)val;
	vcpu->gpr[UM_RDX] = val >> 32;
}

static int um_complete_wrmsr(struct um_vcpu *vcpu)
{
	if (!READ_ONCE(vcpu->run->msr.error))
		return um_skip_insn(vcpu, vcpu->pio.insn_len);
	um_queue_gp(vcpu);
	return 1;
}

static int um_complete_rdmsr(struct um_vcpu *vcpu)
{
	if (!READ_ONCE(vcpu->run->msr.error))
		um_set_edx_eax(vcpu, READ_ONCE(vcpu->run->msr.data));
	return um_complete_wrmsr(vcpu);
}

/* To userspace, if it wants to know about accesses that fail for @reason; else #GP. */
static int um_msr_refused(struct um_vcpu *vcpu, bool write, u32 index, u64 val, u32 reason,
			  unsigned int len)
{
	struct kvm_run *run = vcpu->run;

	if (!(READ_ONCE(vcpu->vm->policy.user_msr) & reason)) {
		um_queue_gp(vcpu);
		return 1;
	}
	/* For um_skip_insn() at the completion, when the vCPU is not loaded. */
	um_need(vcpu, UM_ST_RIP | UM_ST_RFLAGS | UM_ST_INTR);
	vcpu->pio.insn_len = len;
	run->exit_reason = write ? KVM_EXIT_X86_WRMSR : KVM_EXIT_X86_RDMSR;
	run->msr.error = 0;
	memset(run->msr.pad, 0, sizeof(run->msr.pad));
	run->msr.reason = reason;
	run->msr.index = index;
	run->msr.data = val;
	vcpu->complete = write ? um_complete_wrmsr : um_complete_rdmsr;
	return 0;
}

int um_rdmsr(struct um_vcpu *vcpu, unsigned int len)
{
	u32 index = vcpu->gpr[UM_RCX], reason = KVM_MSR_EXIT_REASON_FILTER;
	u64 val;
	int r;

	um_pv_eoi_settle(vcpu);
	if (um_msr_allowed(vcpu->vm, index, KVM_MSR_FILTER_READ)) {
		r = um_msr_read(vcpu, index, &val, false);
		if (!r) {
			um_set_edx_eax(vcpu, val);
			return um_skip_insn(vcpu, len);
		}
		reason = um_msr_reason(r);
	}
	return um_msr_refused(vcpu, false, index, 0, reason, len);
}

int um_wrmsr(struct um_vcpu *vcpu, unsigned int len)
{
	u32 index = vcpu->gpr[UM_RCX], reason = KVM_MSR_EXIT_REASON_FILTER;
	u64 val = (u32)vcpu->gpr[UM_RAX] | vcpu->gpr[UM_RDX] << 32;
	int r;

	um_pv_eoi_settle(vcpu);
	if (um_msr_allowed(vcpu->vm, index, KVM_MSR_FILTER_WRITE)) {
		r = um_msr_write(vcpu, index, val, false);
		if (!r)
			return um_skip_insn(vcpu, len);
		reason = um_msr_reason(r);
	}
	return um_msr_refused(vcpu, true, index, val, reason, len);
}
