/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From a gfn to the host's page behind it: pfn.c, and hostpt.c, which reads the host's tables.
 * Included by umbra.h.
 */
#ifndef UM_PFN_H
#define UM_PFN_H

/**
 * struct um_pfn - a host page found for a gfn
 * @pfn: host frame
 * @level: the largest level at which the host maps it contiguously and aligned with the gfn
 *	inside its slot
 * @writable: the host page may be written through this mapping
 * @ram: the kernel's own memory, to be reached through its direct map
 * @page: reference held until um_pfn_put(), or NULL: the notifier alone guards the page
 * @seq: vm->mmu_seq sampled before the lookup
 */
struct um_pfn {
	u64 pfn;
	u8 level;
	bool writable;
	bool ram;
	struct page *page;
	unsigned long seq;
};

/*
 * Find (and let the host allocate) the page behind @gfn. Sleeps. 0, -EFAULT, -EHWPOISON, -EINTR,
 * -ENOENT (mm is gone). While @slot logs dirty pages, level is 4K; whether the guest may write is
 * for the caller to decide.
 */
int um_pfn_get(struct um_vm *vm, struct um_memslot *slot, gfn_t gfn, bool write,
	       struct um_pfn *out);
void um_pfn_put(struct um_pfn *pfn, bool dirtied);

/*
 * mmu_lock held: must the page found at @p->seq be thrown away because the host changed its
 * mapping of @gfn's hva?
 */
bool um_pfn_stale(struct um_vm *vm, struct um_memslot *slot, gfn_t gfn, const struct um_pfn *p);

/* What the host's tables have for an access. */
enum um_host_page {
	HOST_PAGE_READY,	/* a page that may be used at once, without a reference */
	HOST_PAGE_FAULTS,	/* nothing that allows the access: the host has to act first */
	HOST_PAGE_OTHER,	/* something that only get_user_pages() may judge */
};

/**
 * um_host_walk() - look @hva up in the host's page tables
 * @vm: whose memory
 * @hva: host virtual address
 * @write: is it to be written?
 * @p: seq, level, and unless the answer is HOST_PAGE_FAULTS pfn and writable, are filled in
 *
 * Never sleeps. What it found holds as long as um_pfn_stale() does not object.
 */
enum um_host_page um_host_walk(struct um_vm *vm, hva_t hva, bool write, struct um_pfn *p);

#endif
