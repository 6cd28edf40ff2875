// SPDX-License-Identifier: GPL-2.0
/* A guest stops amid its work and goes on in a new VM, on the other backend where there is one. */
#include <errno.h>
#include <string.h>

#include "lib/vm.h"
#include "guest/state.h"

#define MAX_MSRS	512

static bool guest_avx;

struct msr_block {
	struct kvm_msrs head;
	struct kvm_msr_entry entry[MAX_MSRS];
};

/* Everything that userspace can save of a vCPU. */
struct saved {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_xsave xsave;
	struct kvm_xcrs xcrs;
	struct kvm_debugregs debugregs;
	struct kvm_vcpu_events events;
	struct kvm_mp_state mp_state;
	struct msr_block msrs;
};

static void get_msrs(struct vcpu *vcpu, struct msr_block *msrs)
{
	static struct {
		struct kvm_msr_list head;
		__u32 index[MAX_MSRS];
	} list;
	uint32_t i;

	list.head.nmsrs = MAX_MSRS;
	must(xioctl(vcpu->vm->dev, KVM_GET_MSR_INDEX_LIST, &list));
	msrs->head.nmsrs = list.head.nmsrs;
	for (i = 0; i < list.head.nmsrs; i++)
		msrs->entry[i].index = list.index[i];
	tap_eq(xioctl(vcpu->fd, KVM_GET_MSRS, msrs), list.head.nmsrs,
	       "every MSR of the list can be read");
}

static void save(struct vcpu *vcpu, struct saved *s)
{
	/* Completes the I/O instruction that the guest stands in. */
	vcpu->run->immediate_exit = 1;
	tap_eq(vcpu_run(vcpu), -EINTR, "the guest stands still");
	vcpu->run->immediate_exit = 0;
	must(xioctl(vcpu->fd, KVM_GET_REGS, &s->regs));
	must(xioctl(vcpu->fd, KVM_GET_SREGS, &s->sregs));
	must(xioctl(vcpu->fd, KVM_GET_XSAVE, &s->xsave));
	must(xioctl(vcpu->fd, KVM_GET_XCRS, &s->xcrs));
	must(xioctl(vcpu->fd, KVM_GET_DEBUGREGS, &s->debugregs));
	must(xioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &s->events));
	must(xioctl(vcpu->fd, KVM_GET_MP_STATE, &s->mp_state));
	get_msrs(vcpu, &s->msrs);
}

static void restore(struct vcpu *vcpu, struct saved *s)
{
	must(xioctl(vcpu->fd, KVM_SET_SREGS, &s->sregs));
	must(xioctl(vcpu->fd, KVM_SET_REGS, &s->regs));
	if (s->xcrs.nr_xcrs)	/* none where the CPU has no XSAVE */
		must(xioctl(vcpu->fd, KVM_SET_XCRS, &s->xcrs));
	must(xioctl(vcpu->fd, KVM_SET_XSAVE, &s->xsave));
	must(xioctl(vcpu->fd, KVM_SET_MSRS, &s->msrs));
	must(xioctl(vcpu->fd, KVM_SET_DEBUGREGS, &s->debugregs));
	must(xioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &s->events));
	must(xioctl(vcpu->fd, KVM_SET_MP_STATE, &s->mp_state));
}

static void test_move(int from, int to, const char *what)
{
	static struct saved saved;
	struct vm *old = vm_create_mmu(from), *new;
	struct vcpu *vcpu = vcpu_create(old, 0);

	vm_load(old, "state", MODE_LONG);
	vcpu_set_mode(vcpu, MODE_LONG);
	vcpu->shared->arg[0] = 42;
	vcpu->shared->arg[1] = guest_avx;
	tap_eq(guest_start_op(vcpu, STATE_SYNC), GUEST_SYNC, "%s: the guest fills its registers",
	       what);
	save(vcpu, &saved);
	new = vm_create_mmu(to);
	memcpy(new->mem, old->mem, old->mem_size);
	guest_destroy(vcpu);
	vcpu = vcpu_create(new, 0);
	restore(vcpu, &saved);
	tap_eq(guest_run(vcpu), GUEST_DONE, "%s: and finds them all in the new VM", what);
	guest_destroy(vcpu);
}

int main(void)
{
	tap_start("migrate", 120);
	guest_avx = cpuid_has(1, 0, CPUID_ECX, 26) && cpuid_has(1, 0, CPUID_ECX, 28);
	test_move(mmu_wanted(), mmu_wanted(), "same backend");
	if (dev_is_umbra() && !mmu_offered(MMU_EPT)) {
		tap_skip("the CPU has no EPT with unrestricted guest",
			 "a guest moves between backends");
	} else if (dev_is_umbra()) {
		test_move(MMU_EPT, MMU_SHADOW, "EPT to shadow");
		test_move(MMU_SHADOW, MMU_EPT, "shadow to EPT");
	} else {
		tap_skip("the backend choice is Umbra's", "a guest moves between backends");
	}
	return tap_done();
}
