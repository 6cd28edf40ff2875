// SPDX-License-Identifier: GPL-2.0
/*
 * The emulator's view of guest memory: linear addresses through the guest's own tables to memslots,
 * or to MMIO where there is none. vm->srcu is held for reading; may sleep.
 */
#include <linux/uaccess.h>

#include "emulator.h"
#include "mmio.h"
#include "mmu.h"

static enum walk_status walk(struct um_vcpu *vcpu, const struct paging_desc *d, gva_t gva, u32 pfec,
			     const struct walk_ops *ops, struct walk_result *r)
{
	bool smap_override = um_rflags(vcpu) & X86_EFLAGS_AC;
	enum walk_status status;

	do {
		status = walk_guest(d, gva, pfec, smap_override, ops, vcpu->vm, r);
	} while (status == WALK_RETRY);
	return status;
}

int um_gva_to_gpa(struct um_vcpu *vcpu, gva_t gva, u32 pfec, bool set_ad, gpa_t *gpa,
		  u32 *error_code)
{
	const struct walk_ops probe = { .read = um_walk_ops.read };
	enum walk_status status;
	struct paging_desc d;
	struct walk_result r;

	um_fill_paging_desc(vcpu, &d);
	status = walk(vcpu, &d, gva, pfec, set_ad ? &um_walk_ops : &probe, &r);
	*gpa = r.gpa;
	*error_code = r.error_code;
	return status;
}

bool um_mmio_known(struct um_vcpu *vcpu, gpa_t gpa)
{
	const struct um_emul *em = vcpu->emul;

	return em && em->device.gfn == gpa_to_gfn(gpa) &&
	       em->device.generation == um_slots(vcpu->vm)->generation;
}

const struct paging_desc *emul_desc(struct um_emul *em)
{
	if (!em->desc_valid) {
		um_fill_paging_desc(em->vcpu, &em->desc);
		em->desc_valid = true;
	}
	return &em->desc;
}

int emul_walk_system(struct um_emul *em, u64 la, u32 pfec, struct walk_result *r)
{
	if (walk(em->vcpu, emul_desc(em), la, pfec, &um_walk_ops, r) == WALK_OK)
		return EMU_OK;
	em->ctx.fault = (struct emu_fault){
		.vector = UM_PF,
		.has_error = true,
		.error = r->error_code,
		.cr2 = la,
	};
	return EMU_FAULT;
}

int emul_walk(struct um_emul *em, u64 la, u32 pfec, struct walk_result *r)
{
	return emul_walk_system(em, la, em->ctx.cpl == 3 ? pfec | PFEC_U : pfec, r);
}

/* The hardware translated the access that faulted: no second walk for it, if this is the one. */
static bool is_hinted(const struct um_emul *em, u64 la)
{
	return em->gpa_hint != UM_INVALID_GPA && !(em->ctx.insn.flags & EMU_TWO_MEM) &&
	       um_page_offset(em->gpa_hint) == um_page_offset(la);
}

/* Not inlined: its large result would be cleared on the paths that need no walk too. */
static noinline int walk_data(struct um_emul *em, u64 la, bool write, gpa_t *gpa)
{
	struct walk_result walk;
	int r = emul_walk(em, la, write ? PFEC_W : 0, &walk);

	*gpa = walk.gpa;
	return r;
}

static int translate_data(struct um_emul *em, u64 la, bool write, gpa_t *gpa)
{
	int r;

	if (em->xlat_page == la >> UM_PAGE_SHIFT && (em->xlat_write || !write)) {
		*gpa = em->xlat_gpa | um_page_offset(la);
		return EMU_OK;
	}
	if (is_hinted(em, la)) {
		*gpa = em->gpa_hint;
	} else {
		r = walk_data(em, la, write, gpa);
		if (r)
			return r;
	}
	em->xlat_page = la >> UM_PAGE_SHIFT;
	em->xlat_gpa = *gpa & UM_PAGE_MASK;
	em->xlat_write = write;
	return EMU_OK;
}

/* How much of an access at @la of @len bytes lies in the first page. */
static unsigned int in_page(u64 la, unsigned int len)
{
	return min_t(unsigned int, len, UM_PAGE_SIZE - um_page_offset(la));
}

/* The start of the next page; outside 64-bit mode linear addresses wrap at 4 GiB. */
static u64 next_page(const struct emu_ctx *c, u64 la)
{
	la = (la & UM_PAGE_MASK) + UM_PAGE_SIZE;
	return c->bits == 64 ? la : lower_32_bits(la);
}

/* Where the host has @gpa; NULL: nowhere, or not for writing. */
static void __user *gpa_user(struct um_emul *em, gpa_t gpa, bool write, struct um_memslot **slot)
{
	gfn_t gfn = gpa_to_gfn(gpa);

	if (emul_is_device(em, gfn))
		return NULL;
	*slot = um_slot_find(em->vcpu->vm, gfn);
	if (!*slot)
		em->device = (struct emul_device){ gfn, em->generation };
	if (!*slot || (write && ((*slot)->flags & KVM_MEM_READONLY)))
		return NULL;
	return (void __user *)(um_slot_hva(*slot, gfn) + um_page_offset(gpa));
}

/* An access of a register's size is one access, as the guest's would be. 0 or -EFAULT. */
static int load(void *data, const void __user *user, unsigned int len)
{
	switch (len) {
	case 1:
		return get_user(*(u8 *)data, (const u8 __user *)user);
	case 2:
		return get_user(*(u16 *)data, (const u16 __user *)user);
	case 4:
		return get_user(*(u32 *)data, (const u32 __user *)user);
	case 8:
		return get_user(*(u64 *)data, (const u64 __user *)user);
	}
	return copy_from_user(data, user, len) ? -EFAULT : 0;
}

static int store(void __user *user, const void *data, unsigned int len)
{
	switch (len) {
	case 1:
		return put_user(*(const u8 *)data, (u8 __user *)user);
	case 2:
		return put_user(*(const u16 *)data, (u16 __user *)user);
	case 4:
		return put_user(*(const u32 *)data, (u32 __user *)user);
	case 8:
		return put_user(*(const u64 *)data, (u64 __user *)user);
	}
	return copy_to_user(user, data, len) ? -EFAULT : 0;
}

static int read_page(struct um_emul *em, u64 la, void *data, unsigned int len, bool rmw)
{
	struct um_memslot *slot;
	void __user *user;
	gpa_t gpa;
	int r = translate_data(em, la, rmw, &gpa);

	if (r)
		return r;
	if (em->read_pos < em->nr_read && emul_mmio_answered(em, gpa, data, len))
		return EMU_OK;
	user = gpa_user(em, gpa, false, &slot);
	if (user && !load(data, user, len))
		return EMU_OK;
	return emul_mmio_ask(em, gpa, data, len);
}

int emul_read(struct emu_ctx *c, u64 la, void *data, unsigned int len, bool rmw)
{
	struct um_emul *em = container_of(c, struct um_emul, ctx);
	unsigned int first = in_page(la, len);
	int r = read_page(em, la, data, first, rmw);

	if (!r && first < len)
		r = read_page(em, next_page(c, la), data + first, len - first, rmw);
	return r;
}

static int write_page(struct um_emul *em, u64 la, const void *data, unsigned int len)
{
	struct um_vm *vm = em->vcpu->vm;
	struct um_memslot *slot;
	void __user *user;
	gpa_t gpa;
	int r = translate_data(em, la, true, &gpa);

	if (r)
		return r;
	user = gpa_user(em, gpa, true, &slot);
	if (!user || store(user, data, len))
		return emul_mmio_write(em, gpa, data, len);
	um_mark_dirty(vm, em->vcpu, slot, gpa_to_gfn(gpa));
	um_mmu_gpa_written(vm, gpa, len);
	return EMU_OK;
}

int emul_probe(struct emu_ctx *c, u64 la, unsigned int len)
{
	struct um_emul *em = container_of(c, struct um_emul, ctx);
	gpa_t gpa;
	int r = translate_data(em, la, true, &gpa);

	if (!r && in_page(la, len) < len)
		r = translate_data(em, next_page(c, la), true, &gpa);
	return r;
}

int emul_write(struct emu_ctx *c, u64 la, const void *data, unsigned int len)
{
	struct um_emul *em = container_of(c, struct um_emul, ctx);
	unsigned int first = in_page(la, len);
	int r = EMU_OK;

	if (first < len)	/* the second page's fault comes before the first page's write */
		r = emul_probe(c, la, len);
	if (!r)
		r = write_page(em, la, data, first);
	if (!r && first < len)
		r = write_page(em, next_page(c, la), data + first, len - first);
	return r;
}

#define CACHE_LINE	64	/* within it, the processor locks any operand */

int emul_cmpxchg(struct um_emul *em, gpa_t gpa, const void *old, const void *new, unsigned int len)
{
	struct um_vm *vm = em->vcpu->vm;
	struct um_memslot *slot;
	void __user *user = gpa_user(em, gpa, true, &slot);
	int r;

	if (!user)
		return EMU_FAIL;
	r = emul_cmpxchg_user(user, old, new, len);
	if (r < 0)
		return EMU_FAIL;
	if (r)
		return EMU_RETRY;
	um_mark_dirty(vm, em->vcpu, slot, gpa_to_gfn(gpa));
	um_mmu_gpa_written(vm, gpa, len);
	return EMU_OK;
}

/*
 * MMIO, and what crosses cache lines, is written without a lock: nothing in the ABI carries one,
 * and a host may forbid the other.
 */
int emul_exchange(struct emu_ctx *c, u64 la, const void *old, const void *new, unsigned int len)
{
	struct um_emul *em = container_of(c, struct um_emul, ctx);
	gpa_t gpa;
	int r;

	if ((la & (CACHE_LINE - 1)) + len > CACHE_LINE)
		return emul_write(c, la, new, len);
	r = translate_data(em, la, true, &gpa);
	if (r)
		return r;
	r = emul_cmpxchg(em, gpa, old, new, len);
	return r == EMU_FAIL ? emul_mmio_write(em, gpa, new, len) : r;
}
