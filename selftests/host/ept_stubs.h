/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of the EPT backend share: random numbers, and the core's functions that it calls
 * and that the tests need nothing of.
 */
#ifndef EPT_STUBS_H
#define EPT_STUBS_H

#include "ept/ept.h"

bool um_nx_huge;

static u64 rnd_state = 0x2545f4914f6cdd1d;

static u64 rnd(void)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return rnd_state;
}

void read_unlock(rwlock_t *lock)
{
	lock->readers--;
}

void write_lock(rwlock_t *lock)
{
	lock->writers++;
}

void write_unlock(rwlock_t *lock)
{
	lock->writers--;
}

void ept_audit(struct um_audit *a)
{
}

void um_pfn_put(struct um_pfn *pfn, bool dirtied)
{
}

bool um_apicv_page_here(const struct um_vm *v, gfn_t gfn)
{
	return false;
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
