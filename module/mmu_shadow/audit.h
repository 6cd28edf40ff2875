/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the shadow backend's audit share: one look, under vm->mmu_lock.
 */
#ifndef UM_SHADOW_AUDIT_H
#define UM_SHADOW_AUDIT_H

#include "../audit.h"
#include "shadow.h"

/* What a look has counted so far; both ends of each kind of reference are counted. */
struct shadow_audit {
	struct um_audit *a;
	struct um_vm *vm;
	struct shadow_vm *sh;
	u64 pages, unsync, tracked;
	u64 leaves, mapped;	/* leaves in tables; in the reverse map */
	u64 links, parents;	/* links in tables; in the lists of parents */
	u64 root_refs;		/* that pages in use count */
	u64 huge, rmap_bytes;	/* 1 GiB leaves; reverse map and lists */
};

/* audit_guest.c: @sp is synced. Does it agree with the guest's table? */
void shadow_audit_guest(struct shadow_audit *s, struct shadow_page *sp);

/* Rights that a leaf may have where the guest grants @granted. */
bool shadow_audit_access(const struct shadow_page *sp, u8 have, u8 granted);

#endif
