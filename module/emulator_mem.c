// SPDX-License-Identifier: GPL-2.0
/*
 * The emulator's view of guest memory: linear addresses through the guest's own tables to memslots, or to MMIO where
 * there is none. vm->srcu is held for reading; may sleep.
 */
#include "emulator.h"
#include "mmu.h"

static int walk(struct um_vcpu *vcpu, const struct paging_desc *d, gva_t gva, u32 pfec, bool set_ad,
		gpa_t *gpa, u32 *error_code)
{
	const struct walk_ops probe = { .read = um_walk_ops.read };
	bool smap_override = um_rflags(vcpu) & X86_EFLAGS_AC;
	struct walk_result r;
	enum walk_status status;

	do {
		status = walk_guest(d, gva, pfec, smap_override, set_ad ? &um_walk_ops : &probe, vcpu->vm, &r);
	} while (status == WALK_RETRY);
	*gpa = r.gpa;
	*error_code = r.error_code;
	return status;
}

int um_gva_to_gpa(struct um_vcpu *vcpu, gva_t gva, u32 pfec, bool set_ad, gpa_t *gpa, u32 *error_code)
{
	struct paging_desc d;

	um_fill_paging_desc(vcpu, &d);
	return walk(vcpu, &d, gva, pfec, set_ad, gpa, error_code);
}

static int page_fault(struct um_emul *em, u64 la, u32 error)
{
	em->ctx.fault = (struct emu_fault){ .vector = UM_PF, .has_error = true, .error = error, .cr2 = la };
	return EMU_FAULT;
}

static int translate(struct um_emul *em, u64 la, u32 pfec, gpa_t *gpa)
{
	u32 error;

	if (!em->desc_valid) {
		um_fill_paging_desc(em->vcpu, &em->desc);
		em->desc_valid = true;
	}
	if (um_cpl(em->vcpu) == 3)
		pfec |= PFEC_U;
	if (walk(em->vcpu, &em->desc, la, pfec, true, gpa, &error) == WALK_FAULT)
		return page_fault(em, la, error);
	return EMU_OK;
}

/* The hardware translated the access that faulted: no second walk for it, if this is the one. */
static bool is_hinted(const struct um_emul *em, u64 la)
{
	return em->gpa_hint != UM_INVALID_GPA && !(em->ctx.insn.flags & EMU_TWO_MEM) &&
	       um_page_offset(em->gpa_hint) == um_page_offset(la);
}

static int translate_data(struct um_emul *em, u64 la, bool write, gpa_t *gpa)
{
	int r = EMU_OK;

	if (em->xlat_page == la >> UM_PAGE_SHIFT && (em->xlat_write || !write)) {
		*gpa = em->xlat_gpa | um_page_offset(la);
		return EMU_OK;
	}
	if (is_hinted(em, la))
		*gpa = em->gpa_hint;
	else
		r = translate(em, la, write ? PFEC_W : 0, gpa);
	if (r)
		return r;
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

int emul_fetch(struct um_emul *em, u64 la, void *data, unsigned int len)
{
	gpa_t gpa;
	int r = translate(em, la, PFEC_I, &gpa);

	if (r)
		return r;
	return um_read_guest(em->vcpu->vm, gpa, data, len) ? EMU_FAIL : EMU_OK;
}

static int read_page(struct um_emul *em, u64 la, void *data, unsigned int len, bool rmw)
{
	struct um_vm *vm = em->vcpu->vm;
	gpa_t gpa;
	int r = translate_data(em, la, rmw, &gpa);

	if (r)
		return r;
	if (um_slot_find(vm, gpa_to_gfn(gpa)) && !um_read_guest(vm, gpa, data, len))
		return EMU_OK;
	return emul_mmio_read(em, gpa, data, len);
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

static bool writable(struct um_vm *vm, gpa_t gpa)
{
	struct um_memslot *slot = um_slot_find(vm, gpa_to_gfn(gpa));

	return slot && !(slot->flags & KVM_MEM_READONLY);
}

static int write_page(struct um_emul *em, u64 la, const void *data, unsigned int len)
{
	struct um_vm *vm = em->vcpu->vm;
	gpa_t gpa;
	int r = translate_data(em, la, true, &gpa);

	if (r)
		return r;
	if (!writable(vm, gpa) || um_write_guest(vm, gpa, data, len))
		return emul_mmio_write(em, gpa, data, len);
	um_mmu_gpa_written(vm, gpa, len);
	return EMU_OK;
}

int emul_probe(struct emu_ctx *c, u64 la, unsigned int len)
{
	struct um_emul *em = container_of(c, struct um_emul, ctx);
	gpa_t gpa;
	int r = EMU_OK;

	if (in_page(la, len) < len)
		r = translate_data(em, next_page(c, la), true, &gpa);
	return r ? r : translate_data(em, la, true, &gpa);
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

/* Bytes and words are exchanged as a part of the aligned 4 bytes around them. */
static int cmpxchg_narrow(struct um_vm *vm, gpa_t gpa, const void *old, const void *new, unsigned int len)
{
	unsigned int offset = gpa & 3;
	union {
		u32 val;
		u8 byte[4];
	} now, next;

	if (um_read_guest(vm, gpa - offset, &now, 4))
		return -EFAULT;
	if (memcmp(&now.byte[offset], old, len))
		return 1;
	next = now;
	memcpy(&next.byte[offset], new, len);
	return um_cmpxchg_guest(vm, gpa - offset, 4, now.val, next.val);
}

static int cmpxchg_gpa(struct um_vm *vm, gpa_t gpa, const void *old, const void *new, unsigned int len)
{
	u64 from = 0, to = 0;

	if (len < 4)
		return cmpxchg_narrow(vm, gpa, old, new, len);
	memcpy(&from, old, len);
	memcpy(&to, new, len);
	return um_cmpxchg_guest(vm, gpa, len, from, to);
}

/* MMIO, 16 bytes and misaligned operands are written without a lock: nothing in the ABI carries one. */
int emul_exchange(struct emu_ctx *c, u64 la, const void *old, const void *new, unsigned int len)
{
	struct um_emul *em = container_of(c, struct um_emul, ctx);
	struct um_vm *vm = em->vcpu->vm;
	gpa_t gpa;
	int r;

	if (len > 8 || (la & (len - 1)))
		return emul_write(c, la, new, len);
	r = translate_data(em, la, true, &gpa);
	if (r)
		return r;
	r = writable(vm, gpa) ? cmpxchg_gpa(vm, gpa, old, new, len) : -EFAULT;
	if (r < 0)
		return emul_mmio_write(em, gpa, new, len);
	if (r)
		return EMU_RETRY;
	um_mmu_gpa_written(vm, gpa, len);
	return EMU_OK;
}
