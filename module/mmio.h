/* SPDX-License-Identifier: GPL-2.0 */
/* Accesses where no memory is: what a vCPU remembers of the last one. Guarded by its mutex. */
#ifndef UM_MMIO_H
#define UM_MMIO_H

#include "types.h"

struct um_vcpu;

/*
 * Is @gpa in the page without memory that the vCPU touched last, with the same memslots? Then
 * neither they nor the backend need be asked. vm->srcu held.
 */
bool um_mmio_known(struct um_vcpu *vcpu, gpa_t gpa);

#endif
