// SPDX-License-Identifier: GPL-2.0
/*
 * Absent entries under doubt. Userspace and its threads write guest tables unseen, as a loader or a
 * device does; the guest's fault on an entry noted absent would go on without an exit. So after
 * each return to userspace, and once in a tick of the host's, a vCPU's faults exit again; some of
 * the guest's own later everything noted absent is forgotten, and they need no exit any more.
 * The vCPU's thread alone calls this; entries belong to vm->mmu_lock, held for write.
 */
#include <linux/jiffies.h>
#include "shadow.h"

/* So many faults cost about as much as to forget. */
#define SHADOW_DOUBTS	4

void shadow_doubt(struct um_vcpu *vcpu, bool tick)
{
	struct shadow_vcpu *sv = shadow_vcpu(vcpu);

	if (vcpu->mmu_ctl.pf_bit || !READ_ONCE(shadow_vm(vcpu->vm)->absent))
		return;
	if (tick && !time_after(jiffies, sv->doubted))
		return;
	sv->doubted = jiffies;
	sv->doubts = SHADOW_DOUBTS;
	shadow_set_controls(vcpu);
}

static void forget_all_absent(struct um_vm *vm)
{
	struct shadow_page *sp;

	write_lock(&vm->mmu_lock);
	list_for_each_entry(sp, &shadow_vm(vm)->pages, link)
		shadow_forget_absent(vm, sp);
	WRITE_ONCE(shadow_vm(vm)->absent, false);
	write_unlock(&vm->mmu_lock);
}

/* A fault turned out to be the guest's own; mmu_lock not held. */
void shadow_settle(struct um_vcpu *vcpu)
{
	struct shadow_vcpu *sv = shadow_vcpu(vcpu);

	if (!sv->doubts || --sv->doubts)
		return;
	forget_all_absent(vcpu->vm);
	shadow_set_controls(vcpu);
}
