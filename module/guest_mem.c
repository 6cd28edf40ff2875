// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory read and written by gpa, through the VM's own address space. The caller
 * holds vm->srcu and runs in the VM's mm; no other lock.
 */
#include <linux/uaccess.h>

#include "mmu.h"

/* Where the host has @gpa, NULL: nowhere, or not for writing. @slot is filled in. */
static void __user *um_gpa_user(struct um_vm *vm, gpa_t gpa, bool write, struct um_memslot **slot)
{
	gfn_t gfn = gpa_to_gfn(gpa);

	*slot = um_slot_find(vm, gfn);
	if (!*slot || (write && ((*slot)->flags & KVM_MEM_READONLY)))
		return NULL;
	return (void __user *)(um_slot_hva(*slot, gfn) + um_page_offset(gpa));
}

/* What of @len bytes at @gpa lies in its page. */
static size_t um_page_part(gpa_t gpa, size_t len)
{
	return min_t(size_t, len, UM_PAGE_SIZE - um_page_offset(gpa));
}

int um_read_guest(struct um_vm *vm, gpa_t gpa, void *data, size_t len)
{
	struct um_memslot *slot;
	void __user *user;
	size_t part;

	for (; len; len -= part, gpa += part, data += part) {
		part = um_page_part(gpa, len);
		user = um_gpa_user(vm, gpa, false, &slot);
		if (!user || copy_from_user(data, user, part))
			return -EFAULT;
	}
	return 0;
}

int um_read_guest_atomic(struct um_vm *vm, gpa_t gpa, void *data, size_t len)
{
	struct um_memslot *slot;
	void __user *user;
	size_t part, left;

	for (; len; len -= part, gpa += part, data += part) {
		part = um_page_part(gpa, len);
		user = um_gpa_user(vm, gpa, false, &slot);
		if (!user || !access_ok(user, part))
			return -EFAULT;
		pagefault_disable();
		left = __copy_from_user_inatomic(data, user, part);
		pagefault_enable();
		if (left)
			return -EFAULT;
	}
	return 0;
}

int um_write_guest(struct um_vm *vm, gpa_t gpa, const void *data, size_t len)
{
	struct um_memslot *slot;
	void __user *user;
	size_t part;

	for (; len; len -= part, gpa += part, data += part) {
		part = um_page_part(gpa, len);
		user = um_gpa_user(vm, gpa, true, &slot);
		if (!user || copy_to_user(user, data, part))
			return -EFAULT;
		um_mark_dirty(vm, NULL, slot, gpa_to_gfn(gpa));
	}
	return 0;
}

static int um_cmpxchg_user32(u32 __user *user, u32 old, u32 new)
{
	return __try_cmpxchg_user(user, &old, new, fault);
}

static int um_cmpxchg_user64(u64 __user *user, u64 old, u64 new)
{
	return __try_cmpxchg_user(user, &old, new, fault);
}

int um_cmpxchg_guest(struct um_vm *vm, gpa_t gpa, unsigned int size, u64 old, u64 new)
{
	struct um_memslot *slot;
	void __user *user = um_gpa_user(vm, gpa, true, &slot);
	int ret;

	/* An aligned operand cannot leave its page. */
	if (!user || (gpa & (size - 1)) || !access_ok(user, size))
		return -EFAULT;
	if (size == sizeof(u32))
		ret = um_cmpxchg_user32(user, old, new);
	else
		ret = um_cmpxchg_user64(user, old, new);
	if (!ret)
		um_mark_dirty(vm, NULL, slot, gpa_to_gfn(gpa));
	return ret;
}

/* One load, so that an entry which another vCPU changes is seen old or new, never torn. */
static int um_walk_read(void *ctx, gpa_t gpa, unsigned int size, u64 *val)
{
	struct um_memslot *slot;
	void __user *user = um_gpa_user(ctx, gpa, false, &slot);
	u32 low;

	if (!user)
		return -EFAULT;
	if (size == sizeof(u64))
		return get_user(*val, (u64 __user *)user);
	if (get_user(low, (u32 __user *)user))
		return -EFAULT;
	*val = low;
	return 0;
}

static int um_walk_cmpxchg(void *ctx, gpa_t gpa, unsigned int size, u64 old, u64 new)
{
	return um_cmpxchg_guest(ctx, gpa, size, old, new);
}

const struct walk_ops um_walk_ops = {
	.read = um_walk_read,
	.cmpxchg = um_walk_cmpxchg,
};
