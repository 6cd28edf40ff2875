/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What /dev/umbra adds to the KVM ABI of <linux/kvm.h>: the choice of how a VM's memory is
 * virtualised.
 */
#ifndef UAPI_UMBRA_H
#define UAPI_UMBRA_H

#include <linux/kvm.h>

/*
 * UM_CAP_BACKEND - choose the memory backend of a VM
 *
 * KVM_CHECK_EXTENSION on the device or on a VM answers a mask: bit n is set if this CPU can run
 * backend number n. A device that is not Umbra's answers 0.
 *
 * KVM_ENABLE_CAP on a VM takes the number in args[0]; flags and the other args must be 0. It can be
 * repeated until the VM's first vCPU is created. A VM that does not ask has the backend that its
 * node names (/dev/umbra-ept, /dev/umbra-shadow), else the one that the module parameter mmu= named
 * at KVM_CREATE_VM.
 *
 * Errors: EINVAL: unknown backend, one that this CPU cannot run, flags or another argument not 0;
 * EBUSY: the VM has, or had, a vCPU.
 */
#define UM_CAP_BACKEND		0x554d0001

#define UM_BACKEND_EPT		1	/* extended page tables: two-dimensional, in hardware */
#define UM_BACKEND_SHADOW	2	/* shadow page tables: one-dimensional, in software */

#endif
