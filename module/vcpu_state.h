/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ioctl handlers that move a vCPU's state; rows of the table in vcpu_ioctl.c. Each runs
 * with the vCPU's mutex held, and loaded or with vm->srcu held as its row says.
 */
#ifndef UM_VCPU_STATE_H
#define UM_VCPU_STATE_H

/* state.c */
long um_ioc_get_regs(void *owner, void *arg, unsigned long uarg);
long um_ioc_set_regs(void *owner, void *arg, unsigned long uarg);
long um_ioc_get_debugregs(void *owner, void *arg, unsigned long uarg);
long um_ioc_set_debugregs(void *owner, void *arg, unsigned long uarg);

/* sregs.c */
long um_ioc_get_sregs(void *owner, void *arg, unsigned long uarg);
long um_ioc_set_sregs(void *owner, void *arg, unsigned long uarg);
long um_ioc_get_sregs2(void *owner, void *arg, unsigned long uarg);
long um_ioc_set_sregs2(void *owner, void *arg, unsigned long uarg);

/* vcpu_fpu.c */
long um_ioc_get_fpu(void *owner, void *arg, unsigned long uarg);
long um_ioc_set_fpu(void *owner, void *arg, unsigned long uarg);
long um_ioc_get_xsave(void *owner, void *arg, unsigned long uarg);
long um_ioc_get_xsave2(void *owner, void *arg, unsigned long uarg);
long um_ioc_set_xsave(void *owner, void *arg, unsigned long uarg);
long um_ioc_get_xcrs(void *owner, void *arg, unsigned long uarg);
long um_ioc_set_xcrs(void *owner, void *arg, unsigned long uarg);

#endif
