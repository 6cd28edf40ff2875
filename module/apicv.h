/* SPDX-License-Identifier: GPL-2.0 */
/* APICv: the CPU runs a vCPU's local APIC while the guest runs. */
#ifndef UM_APICV_H
#define UM_APICV_H

#include "umbra.h"

/*
 * The page at which EPT shows the guest its local APIC in xAPIC mode: the CPU does not touch it but
 * serves the access itself, or exits (SDM "Virtualizing Memory-Mapped APIC Accesses"). init: before
 * the VM's first vCPU, vm->lock held; 0 or -ENOMEM.
 */
int um_apicv_vm_init(struct um_vm *vm);
void um_apicv_vm_destroy(struct um_vm *vm);	/* after its tables */

/*
 * Before an entry, loaded: what was posted becomes a request of the APIC, and the CPU takes the
 * APIC over or gives it back, as its mode and userspace's choices allow.
 */
void um_apicv_serve(struct um_vcpu *vcpu);

/* Before an entry that makes the vCPU's mode visible: something was posted, and is to be served. */
static inline bool um_apicv_posted(struct um_vcpu *vcpu)
{
	if (!vcpu->irq.posted || likely(!test_bit(0, vcpu->irq.posted)))
		return false;
	um_make_request(vcpu, UM_REQ_EVENT);
	return true;
}

#endif
