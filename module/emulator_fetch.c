// SPDX-License-Identifier: GPL-2.0
/*
 * From the guest's RIP to a decoded instruction. Guarded by the vCPU's mutex; vm->srcu is held for
 * reading.
 *
 * The translation of the last code page is kept together with the guest entries that it came from:
 * while those read the same, a walk would find the same. So are the last bytes together with what
 * they decoded to.
 */
#include <linux/uaccess.h>

#include "emulator.h"

/*
 * @words of code at @from, if the guest entries read as when the page was found. The memslots'
 * addresses were checked when the slots were made.
 */
static bool read_known(const struct emul_code *code, const u64 __user *from, u64 *to,
		       unsigned int words)
{
	const struct emul_gpte *e;
	u64 val;

	if (!user_read_access_begin(code->user_page, UM_PAGE_SIZE))
		return false;
	/* No index: where UBSAN checks those, it would be called with user access open. */
	for (e = code->gpte; e < code->gpte + code->nr_gptes; e++) {
		unsafe_get_user(val, e->where, changed);
		if (val != e->val)
			goto changed;
	}
	for (; words; words--)
		unsafe_get_user(*to++, from++, changed);
	user_read_access_end();
	return true;

changed:
	user_read_access_end();
	return false;
}

static bool code_current(const struct um_emul *em, u64 page, bool user)
{
	const struct emul_code *code = &em->code;
	const struct um_vcpu *vcpu = em->vcpu;

	return code->page == page && code->user == user && code->cr3 == vcpu->cr3 &&
	       code->cr4 == vcpu->cr4 && code->cr0 == vcpu->cr0 && code->efer == vcpu->efer &&
	       code->maxphyaddr == vcpu->maxphyaddr && code->generation == em->generation;
}

static void __user *gpa_user(struct um_vm *vm, gpa_t gpa)
{
	gfn_t gfn = gpa_to_gfn(gpa);
	struct um_memslot *slot = um_slot_find(vm, gfn);

	return slot ? (void __user *)(um_slot_hva(slot, gfn) + um_page_offset(gpa)) : NULL;
}

/*
 * 32-bit modes have entries of 4 bytes or PDPTE registers besides: not worth it, their code walks
 * each time.
 */
static bool remember_gptes(struct emul_code *code, struct um_vm *vm, const struct paging_desc *d,
			   u64 la, const struct walk_result *r)
{
	unsigned int level;

	code->nr_gptes = 0;
	if (d->mode == PAGING_NONE)
		return true;
	if (d->mode < PAGING_4LEVEL)
		return false;
	for (level = r->top; level >= r->level; level--) {
		struct emul_gpte *e = &code->gpte[code->nr_gptes++];

		e->val = r->gpte[level];
		e->where = gpa_user(vm, r->table[level] + walk_index(d, level, la) * sizeof(u64));
		if (!e->where)
			return false;
	}
	return true;
}

/* Not inlined, as walk_data(). */
static noinline int walk_code(struct um_emul *em, u64 la, bool user)
{
	struct um_vm *vm = em->vcpu->vm;
	struct emul_code *code = &em->code;
	struct walk_result walk;
	int r = emul_walk(em, la, PFEC_I, &walk);

	code->page = EMUL_NO_PAGE;
	if (r)
		return r;
	code->user_page = gpa_user(vm, walk.gpa & UM_PAGE_MASK);
	if (!code->user_page)
		return EMU_FAIL;
	code->cr0 = em->vcpu->cr0;
	code->cr3 = em->vcpu->cr3;
	code->cr4 = em->vcpu->cr4;
	code->efer = em->vcpu->efer;
	code->maxphyaddr = em->vcpu->maxphyaddr;
	code->user = user;
	code->generation = em->generation;
	if (remember_gptes(code, vm, emul_desc(em), la, &walk))
		code->page = la >> UM_PAGE_SHIFT;
	return EMU_OK;
}

/* @len bytes at @la, all in one page. */
static int read_code(struct um_emul *em, u64 la, void *data, unsigned int len)
{
	bool user = um_cpl(em->vcpu) == 3;
	int r = EMU_OK;

	if (!code_current(em, la >> UM_PAGE_SHIFT, user) || !read_known(&em->code, NULL, NULL, 0))
		r = walk_code(em, la, user);
	if (r)
		return r;
	return copy_from_user(data, em->code.user_page + um_page_offset(la), len) ? EMU_FAIL :
										    EMU_OK;
}

/* All that an instruction may need, in one page; cheap where the last one was met there. */
static int read_whole(struct um_emul *em, u64 la, u64 raw[2])
{
	if (code_current(em, la >> UM_PAGE_SHIFT, um_cpl(em->vcpu) == 3) &&
	    read_known(&em->code, em->code.user_page + um_page_offset(la), raw, 2))
		return EMU_OK;
	return read_code(em, la, raw, EMUL_FETCH_BYTES);
}

/* How many bytes from RIP on may be instruction bytes: 15, or fewer where the code segment ends. */
static unsigned int fetch_window(struct um_emul *em, u64 *la)
{
	const struct kvm_segment *cs = &em->vcpu->segs[UM_CS];
	u64 rip = em->ctx.rip;

	if (em->ctx.bits == 64) {
		*la = rip;
		return EMU_MAX_LEN;
	}
	*la = lower_32_bits(cs->base + rip);
	if (rip > cs->limit)
		return 0;
	return min_t(u64, EMU_MAX_LEN, cs->limit - rip + 1);
}

static int decode(struct um_emul *em)
{
	struct emu_ctx *c = &em->ctx;

	em->decoded_as = 0;
	em->move = false;
	switch (emu_decode(&c->insn, em->bytes, em->nr_bytes, c->bits)) {
	case EMU_DECODED:
		if (em->nr_bytes == EMU_MAX_LEN)
			em->decoded_as = c->bits;
		em->move = emul_is_move(c);
		return EMU_OK;
	case EMU_DECODE_UD:
		return emu_fault(c, UM_UD);
	case EMU_DECODE_SHORT:
	case EMU_DECODE_LONG:
		return emu_fault_err(c, UM_GP, 0);
	default:
		return EMU_FAIL;
	}
}

static int fetch_whole(struct um_emul *em, u64 la)
{
	u64 raw[2];
	int r = read_whole(em, la, raw);

	if (r)
		return r;
	if (em->decoded_as == em->ctx.bits && raw[0] == em->raw[0] && raw[1] == em->raw[1])
		return EMU_OK;
	em->raw[0] = raw[0];
	em->raw[1] = raw[1];
	em->nr_bytes = EMU_MAX_LEN;
	return decode(em);
}

/* The second page is fetched only when the instruction reaches into it. */
static int fetch_split(struct um_emul *em, u64 la, unsigned int window)
{
	unsigned int first = min_t(unsigned int, window, UM_PAGE_SIZE - um_page_offset(la));
	int r;

	em->nr_bytes = 0;
	r = read_code(em, la, em->bytes, first);
	if (r)
		return r;
	em->nr_bytes = first;
	if (first == window ||
	    emu_decode(&em->ctx.insn, em->bytes, first, em->ctx.bits) != EMU_DECODE_SHORT)
		return decode(em);
	la += first;
	r = read_code(em, em->ctx.bits == 64 ? la : lower_32_bits(la), em->bytes + first,
		      window - first);
	if (r)
		return r;
	em->nr_bytes = window;
	return decode(em);
}

int emul_fetch(struct um_emul *em)
{
	u64 la;
	unsigned int window = fetch_window(em, &la);

	if (window == EMU_MAX_LEN && um_page_offset(la) <= UM_PAGE_SIZE - EMUL_FETCH_BYTES)
		return fetch_whole(em, la);
	return fetch_split(em, la, window);
}
