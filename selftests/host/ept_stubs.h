/* SPDX-License-Identifier: GPL-2.0 */
/* The core's functions that the EPT backend calls and that its tests need nothing of. */
#ifndef EPT_STUBS_H
#define EPT_STUBS_H

#include "ept/ept.h"

void read_unlock(rwlock_t *lock)
{
	lock->readers--;
}

void ept_audit(struct um_audit *a)
{
}

void um_pfn_put(struct um_pfn *pfn, bool dirtied)
{
}

void um_make_request(struct um_vcpu *v, enum um_request req)
{
}

void hw_tag_free(u16 tag)
{
}

void hw_get(struct um_vcpu *v, u32 mask)
{
}

void hw_flush(struct um_vcpu *v, enum hw_flush what, u16 tag, gva_t gva)
{
}

#endif
