/* SPDX-License-Identifier: GPL-2.0 */
/* APICv: the CPU runs a vCPU's local APIC while the guest runs. */
#ifndef UM_APICV_H
#define UM_APICV_H

#include "umbra.h"

/*
 * Before an entry, loaded: what was posted becomes a request of the APIC, and the CPU takes the
 * APIC over or gives it back, as its mode and userspace's choices allow.
 */
void um_apicv_serve(struct um_vcpu *vcpu);

#endif
