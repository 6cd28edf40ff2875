// SPDX-License-Identifier: GPL-2.0
/*
 * The paravirtual MSRs and hypercalls of KVM, and the time that other tasks steal from a vCPU.
 * The vCPU's mutex guards vcpu->pv.
 */
#include <linux/bitfield.h>
#include <linux/sched/stat.h>
#include <linux/uaccess.h>

#include "cpuid.h"
#include "host.h"
#include "irqchip/irqchip.h"
#include "mmu.h"
#include "msr.h"
#include "pv.h"

u32 um_pv_features(void)
{
	u32 features = BIT(KVM_FEATURE_NOP_IO_DELAY) | BIT(KVM_FEATURE_PV_SCHED_YIELD) |
		       BIT(KVM_FEATURE_PV_SEND_IPI) | BIT(KVM_FEATURE_PV_EOI) |
		       BIT(KVM_FEATURE_PV_UNHALT);

	if (um_clock_offered())
		features |= BIT(KVM_FEATURE_CLOCKSOURCE) | BIT(KVM_FEATURE_CLOCKSOURCE2) |
			    BIT(KVM_FEATURE_CLOCKSOURCE_STABLE_BIT);
	if (sched_info_on())
		features |= BIT(KVM_FEATURE_STEAL_TIME) | BIT(KVM_FEATURE_PV_TLB_FLUSH);
	return features;
}

long um_ioc_vcpu_enable_cap(void *owner, void *arg, unsigned long uarg)
{
	const struct kvm_enable_cap *cap = arg;
	struct um_vcpu *vcpu = owner;

	if (cap->flags || cap->cap != KVM_CAP_ENFORCE_PV_FEATURE_CPUID)
		return -EINVAL;
	vcpu->pv.enforce = cap->args[0];
	return 0;
}

static bool um_pv_has(const struct um_vcpu *vcpu, unsigned int feature)
{
	return !vcpu->pv.enforce || (vcpu->cpuid->pv_features & BIT(feature));
}

/* The feature that brings an MSR; -1: there is no such MSR. */
static int um_pv_msr_feature(u32 index)
{
	switch (index) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_SYSTEM_TIME:
		return KVM_FEATURE_CLOCKSOURCE;
	case MSR_KVM_WALL_CLOCK_NEW:
	case MSR_KVM_SYSTEM_TIME_NEW:
		return KVM_FEATURE_CLOCKSOURCE2;
	case MSR_KVM_STEAL_TIME:
		return KVM_FEATURE_STEAL_TIME;
	case MSR_KVM_PV_EOI_EN:
		return KVM_FEATURE_PV_EOI;
	default:
		return -1;
	}
}

bool um_pv_msr_offered(u32 index)
{
	int feature = um_pv_msr_feature(index);

	return feature >= 0 && (um_pv_features() & BIT(feature));
}

static bool um_pv_msr_there(const struct um_vcpu *vcpu, u32 index)
{
	return um_pv_msr_offered(index) && um_pv_has(vcpu, um_pv_msr_feature(index));
}

int um_pv_msr_read(struct um_vcpu *vcpu, u32 index, u64 *val)
{
	if (!um_pv_msr_there(vcpu, index))
		return UM_MSR_UNKNOWN;
	switch (index) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
		*val = vcpu->vm->clock.wall_gpa;
		return 0;
	case MSR_KVM_STEAL_TIME:
		*val = vcpu->pv.steal_time;
		return 0;
	case MSR_KVM_PV_EOI_EN:
		*val = vcpu->pv.eoi;
		return 0;
	default:
		*val = vcpu->pv.system_time;
		return 0;
	}
}

static int um_steal_write(struct um_vcpu *vcpu, u64 val)
{
	if (val & KVM_STEAL_RESERVED_MASK)
		return 1;
	vcpu->pv.steal_time = val;
	vcpu->pv.run_delay = host_run_delay();
	um_make_request(vcpu, UM_REQ_STEAL);
	return 0;
}

int um_pv_msr_write(struct um_vcpu *vcpu, u32 index, u64 val)
{
	if (!um_pv_msr_there(vcpu, index))
		return UM_MSR_UNKNOWN;
	switch (index) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
		um_clock_write_wall(vcpu->vm, val);
		return 0;
	case MSR_KVM_STEAL_TIME:
		return um_steal_write(vcpu, val);
	case MSR_KVM_PV_EOI_EN:
		return um_pv_eoi_write(vcpu, val);
	default:
		vcpu->pv.system_time = val;
		um_make_request(vcpu, UM_REQ_CLOCK);
		return 0;
	}
}

static gpa_t um_steal_gpa(const struct um_vcpu *vcpu, size_t offset)
{
	return um_gpa_given((vcpu->pv.steal_time & KVM_STEAL_VALID_BITS) + offset);
}

/* Other vCPUs of the guest may at the same time ask for a flush, instead of sending an IPI. */
static bool um_steal_running(struct um_vcpu *vcpu)
{
	gpa_t gpa = um_steal_gpa(vcpu, offsetof(struct kvm_steal_time, preempted));
	u32 old;
	int r;

	do {
		if (um_read_guest(vcpu->vm, gpa, &old, sizeof(old)))
			return false;
		r = um_cmpxchg_guest(vcpu->vm, gpa, sizeof(old), old, old & ~(u32)U8_MAX);
	} while (r > 0);
	if (!r && (old & KVM_VCPU_FLUSH_TLB)) {
		if (vcpu->mmu->invlpg)
			vcpu->mmu->invlpg(vcpu, 0, true, false);
		um_make_request(vcpu, UM_REQ_TLB_FLUSH);
	}
	return !r;
}

static int um_steal_version(struct um_vcpu *vcpu, u32 version)
{
	gpa_t gpa = um_steal_gpa(vcpu, offsetof(struct kvm_steal_time, version));

	return um_write_guest(vcpu->vm, gpa, &version, sizeof(version));
}

/* The version is odd while the time changes: the guest reads again. */
void um_steal_update(struct um_vcpu *vcpu)
{
	struct kvm_steal_time st;
	u64 delay;

	if (!um_steals(vcpu) || !um_steal_running(vcpu) ||
	    um_read_guest(vcpu->vm, um_steal_gpa(vcpu, 0), &st, sizeof(st)))
		return;
	delay = host_run_delay();
	st.version = (st.version + 1) | 1;
	st.steal += delay - vcpu->pv.run_delay;
	vcpu->pv.run_delay = delay;
	if (um_steal_version(vcpu, st.version))
		return;
	smp_wmb();	/* pairs with the guest's read barriers */
	um_write_guest(vcpu->vm, um_steal_gpa(vcpu, offsetof(typeof(st), steal)), &st.steal,
		       sizeof(st.steal));
	smp_wmb();	/* as above */
	um_steal_version(vcpu, st.version + 1);
}

void um_steal_preempted(struct um_vcpu *vcpu)
{
	gpa_t gpa = um_steal_gpa(vcpu, offsetof(struct kvm_steal_time, preempted));
	static const u8 preempted = KVM_VCPU_PREEMPTED;
	struct um_memslot *slot;
	hva_t hva;
	int idx;

	/* Not from a thread of another process, which has no part in the guest's memory. */
	if (vcpu->vm->mm != current->mm)
		return;
	idx = srcu_read_lock(&vcpu->vm->srcu);
	slot = um_slot_find(vcpu->vm, gpa_to_gfn(gpa));
	if (slot && !(slot->flags & KVM_MEM_READONLY)) {
		hva = um_slot_hva(slot, gpa_to_gfn(gpa)) + um_page_offset(gpa);
		/*
		 * The scheduler's lock is held, below which no other may be taken, as a ring's. The
		 * update before the next entry writes this page, too, and is logged there.
		 */
		if (!copy_to_user_nofault((void __user *)hva, &preempted, sizeof(preempted)) &&
		    !vcpu->ring)
			um_mark_dirty(vcpu->vm, vcpu, slot, gpa_to_gfn(gpa));
	}
	srcu_read_unlock(&vcpu->vm->srcu, idx);
}

/* SDM "Interrupt Command Register (ICR)": what the hypercall leaves of it. */
#define UM_ICR_VECTOR		GENMASK(7, 0)
#define UM_ICR_DELIVERY		GENMASK(10, 8)
#define UM_ICR_ASSERT		BIT(14)
#define UM_ICR_LEVEL		BIT(15)
#define UM_ICR_REFUSED		(BIT(11) | GENMASK(19, 18))	/* logical, shorthands */

/*
 * To the APICs whose ids are the bits of two words, the first of which is @first. How many. Out of
 * line, so that other hypercalls need not save the registers that it uses.
 */
static noinline long um_send_ipi(struct um_vcpu *vcpu, bool long_mode)
{
	u64 *gpr = vcpu->gpr, mask = long_mode ? ~0ULL : U32_MAX;
	u64 bits[2] = { gpr[UM_RBX] & mask, gpr[UM_RCX] & mask };
	u32 first = gpr[UM_RDX], icr = gpr[UM_RSI];
	unsigned int word, bit, width = long_mode ? 64 : 32;
	struct irq_msg msg = {
		.vector = icr & UM_ICR_VECTOR,
		.delivery = FIELD_GET(UM_ICR_DELIVERY, icr),
		.assert = icr & UM_ICR_ASSERT,
		.level = icr & UM_ICR_LEVEL,
		.ipi = true,
	};
	int taken;
	long count = 0;

	if (!vcpu->irq.lapic || (icr & UM_ICR_REFUSED))
		return -KVM_EINVAL;
	for (word = 0; word < ARRAY_SIZE(bits); word++) {
		for (bit = 0; bit < width; bit++) {
			if (!(bits[word] & BIT_ULL(bit)))
				continue;
			msg.dest = first + word * width + bit;
			taken = um_irq_deliver(vcpu->vm, &msg, vcpu);
			count += max(taken, 0);
		}
	}
	return count;
}

/* The vCPU whose APIC has this id wakes up from HLT, whether or not an interrupt could do that. */
static void um_kick_cpu(struct um_vcpu *vcpu, u32 apic_id)
{
	struct irq_msg msg = { .delivery = IRQ_REMOTE_READ, .dest = apic_id, .ipi = true };

	if (vcpu->irq.lapic)
		um_irq_deliver(vcpu->vm, &msg, vcpu);
}

static int um_complete_hypercall(struct um_vcpu *vcpu)
{
	u64 ret = READ_ONCE(vcpu->run->hypercall.ret);

	vcpu->gpr[UM_RAX] = um_64bit(vcpu) ? ret : (u32)ret;
	return um_skip_insn(vcpu, vcpu->pio.insn_len);
}

/* Was the guest in 64-bit mode? Newer kernels have flags there, of which this is bit 0. */
#ifdef KVM_EXIT_HYPERCALL_LONG_MODE
#define hypercall_long_mode	hypercall.flags
#else
#define hypercall_long_mode	hypercall.longmode
#endif

static bool um_gpa_range_valid(u64 gpa, u64 npages)
{
	gfn_t gfn = gpa_to_gfn(gpa);

	return !um_page_offset(gpa) && gfn + npages > gfn;
}

bool um_hypercall_exits(struct um_vcpu *vcpu, u64 nr, unsigned int len)
{
	u64 *gpr = vcpu->gpr, mask = um_64bit(vcpu) ? ~0ULL : U32_MAX;
	struct kvm_run *run = vcpu->run;

	if (nr != KVM_HC_MAP_GPA_RANGE ||
	    !(READ_ONCE(vcpu->vm->policy.user_hypercalls) & BIT(KVM_HC_MAP_GPA_RANGE)) ||
	    !um_gpa_range_valid(gpr[UM_RBX] & mask, gpr[UM_RCX] & mask))
		return false;
	/* For the completion, when the vCPU is not loaded. */
	um_need(vcpu, UM_ST_RIP | UM_ST_RFLAGS | UM_ST_INTR);
	vcpu->pio.insn_len = len;
	vcpu->complete = um_complete_hypercall;
	memset(&run->hypercall, 0, sizeof(run->hypercall));
	run->exit_reason = KVM_EXIT_HYPERCALL;
	run->hypercall.nr = nr;
	run->hypercall.args[0] = gpr[UM_RBX] & mask;
	run->hypercall.args[1] = gpr[UM_RCX] & mask;
	run->hypercall.args[2] = gpr[UM_RDX] & mask;
	run->hypercall_long_mode = um_64bit(vcpu);
	return true;
}

long um_hypercall(struct um_vcpu *vcpu, u64 nr, bool long_mode)
{
	switch (nr) {
	case KVM_HC_VAPIC_POLL_IRQ:
		return 0;
	case KVM_HC_SCHED_YIELD:
		/* A hint: the vCPU that is named runs when its thread gets a CPU. */
		return um_pv_has(vcpu, KVM_FEATURE_PV_SCHED_YIELD) ? 0 : -KVM_ENOSYS;
	case KVM_HC_KICK_CPU:
		if (!um_pv_has(vcpu, KVM_FEATURE_PV_UNHALT))
			return -KVM_ENOSYS;
		um_kick_cpu(vcpu, vcpu->gpr[UM_RCX]);
		return 0;
	case KVM_HC_SEND_IPI:
		return um_pv_has(vcpu, KVM_FEATURE_PV_SEND_IPI) ? um_send_ipi(vcpu, long_mode) :
								  -KVM_ENOSYS;
	case KVM_HC_MAP_GPA_RANGE:
		return READ_ONCE(vcpu->vm->policy.user_hypercalls) ? -KVM_EINVAL : -KVM_ENOSYS;
	default:
		return -KVM_ENOSYS;
	}
}
