/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What /dev/umbra adds to the KVM ABI of <linux/kvm.h>: the choice of how a VM's memory is virtualised.
 */
#ifndef UAPI_UMBRA_H
#define UAPI_UMBRA_H

#include <linux/kvm.h>

/**
 * UM_CAP_BACKEND - choose the memory backend of a VM
 *
 * KVM_CHECK_EXTENSION (on the device or a VM) returns a mask with bit n set for each backend number n that this CPU
 * can run; 0 on a device that is not Umbra's.
 *
 * KVM_ENABLE_CAP on the VM takes the backend number in args[0]; flags and the other args must be 0.
 * Errors: EINVAL for an unknown or unavailable backend, or non-zero flags; EBUSY once a vCPU exists.
 * A VM that does not ask gets the module parameter mmu= as sampled by KVM_CREATE_VM, or the one its node names
 * (/dev/umbra-ept, /dev/umbra-shadow).
 */
#define UM_CAP_BACKEND		0x554d0001

#define UM_BACKEND_EPT		1	/* extended page tables: two-dimensional, in hardware */
#define UM_BACKEND_SHADOW	2	/* shadow page tables: one-dimensional, in software */

#endif
