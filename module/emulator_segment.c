// SPDX-License-Identifier: GPL-2.0
/*
 * Segment registers and descriptor tables as the emulator's executor reaches them. Guarded by the
 * vCPU's mutex; vm->srcu is held for reading.
 */
#include "emulator.h"

#define TYPE_DATA	3	/* writable, accessed */
#define REAL_LIMIT	0xffff
#define ACCESSED_BYTE	5	/* of a descriptor */

void emul_segment(struct emu_ctx *c, unsigned int seg, struct emu_segment *s)
{
	struct um_vcpu *vcpu = container_of(c, struct um_emul, ctx)->vcpu;
	const struct kvm_segment *from = &vcpu->segs[seg];

	um_need(vcpu, UM_ST_SEGS);
	s->base = from->base;
	s->limit = from->limit;
	s->selector = from->selector;
	s->type = from->type;
	s->db = from->db;
	s->unusable = from->unusable;
}

/* Limit and rights stay, as in a processor; but what was unusable in protected mode is not here. */
void emul_set_selector(struct emu_ctx *c, unsigned int nr, u16 sel)
{
	struct um_vcpu *vcpu = container_of(c, struct um_emul, ctx)->vcpu;
	struct kvm_segment *seg = &vcpu->segs[nr];

	um_need(vcpu, UM_ST_SEGS);
	if (seg->unusable)
		*seg = (struct kvm_segment){ .limit = REAL_LIMIT, .type = TYPE_DATA, .s = 1,
					     .present = 1 };
	seg->selector = sel;
	seg->base = (u64)sel << 4;
	um_dirty(vcpu, UM_ST_SEGS);
}

/* SDM "Segment Descriptors". */
static struct kvm_segment from_descriptor(u16 sel, u64 desc)
{
	bool g = desc >> 55 & 1;
	u32 limit = (desc & 0xffff) | (desc >> 32 & 0xf0000);

	return (struct kvm_segment){
		.selector = sel,
		.base = (desc >> 16 & GENMASK(23, 0)) | (desc >> 32 & GENMASK(31, 24)),
		.limit = g ? limit << UM_PAGE_SHIFT | (UM_PAGE_SIZE - 1) : limit,
		.type = desc >> 40 & 0xf,
		.s = 1,
		.dpl = desc >> 45 & 3,
		.present = 1,
		.avl = desc >> 52 & 1,
		.l = desc >> 53 & 1,
		.db = desc >> 54 & 1,
		.g = g,
	};
}

/* A null SS still holds the privilege level. */
void emul_set_segment(struct emu_ctx *c, unsigned int nr, u16 sel, u64 desc)
{
	struct um_vcpu *vcpu = container_of(c, struct um_emul, ctx)->vcpu;

	um_need(vcpu, UM_ST_SEGS);
	if (desc)
		vcpu->segs[nr] = from_descriptor(sel, desc);
	else
		vcpu->segs[nr] = (struct kvm_segment){ .selector = sel, .dpl = c->cpl,
						       .unusable = 1 };
	um_dirty(vcpu, UM_ST_SEGS);
}

bool emul_table(struct emu_ctx *c, bool local, u64 *base, u32 *limit)
{
	struct um_vcpu *vcpu = container_of(c, struct um_emul, ctx)->vcpu;
	const struct kvm_segment *ldt = &vcpu->segs[UM_LDTR];

	um_need(vcpu, local ? UM_ST_SEGS : UM_ST_DTABLES);
	*base = local ? ldt->base : vcpu->gdt.base;
	*limit = local ? ldt->limit : vcpu->gdt.limit;
	return !local || !ldt->unusable;
}

/* @len bytes of a descriptor, in one page. */
static int read_part(struct um_emul *em, u64 la, void *data, unsigned int len)
{
	struct walk_result walk;
	int r = emul_walk_system(em, la, 0, &walk);

	if (r)
		return r;
	return um_read_guest(em->vcpu->vm, walk.gpa, data, len) ? EMU_FAIL : EMU_OK;
}

static int read_descriptor(struct um_emul *em, u64 la, u64 *desc)
{
	unsigned int first = min_t(unsigned int, sizeof(*desc), UM_PAGE_SIZE - um_page_offset(la));
	int r = read_part(em, la, desc, first);

	if (!r && first < sizeof(*desc))
		r = read_part(em, la + first, (void *)desc + first, sizeof(*desc) - first);
	return r;
}

/* The byte with the accessed flag is all that changes. */
static int write_accessed(struct um_emul *em, u64 la, u64 old, u64 new)
{
	u8 from = old >> 8 * ACCESSED_BYTE, to = new >> 8 * ACCESSED_BYTE;
	struct walk_result walk;
	int r = emul_walk_system(em, la + ACCESSED_BYTE, PFEC_W, &walk);

	return r ? r : emul_cmpxchg(em, walk.gpa, &from, &to, sizeof(from));
}

int emul_descriptor(struct emu_ctx *c, u64 la, const u64 *old, u64 *desc)
{
	struct um_emul *em = container_of(c, struct um_emul, ctx);

	return old ? write_accessed(em, la, *old, *desc) : read_descriptor(em, la, desc);
}
