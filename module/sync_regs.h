/* SPDX-License-Identifier: GPL-2.0 */
/* KVM_CAP_SYNC_REGS: both sides run around KVM_RUN, with the vCPU's mutex held. */
#ifndef UM_SYNC_REGS_H
#define UM_SYNC_REGS_H

struct um_vcpu;

int um_sync_regs_in(struct um_vcpu *vcpu);	/* what userspace marked dirty; 0 or -EINVAL */
void um_sync_regs_out(struct um_vcpu *vcpu);	/* what userspace wants to see */

#endif
