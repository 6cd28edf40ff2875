// SPDX-License-Identifier: GPL-2.0
/*
 * The state-save area in SMRAM, in the layouts that KVM gives it: AMD64's where the guest has
 * 64-bit mode, else that of the P6 family. Pure; no locks.
 */
#include "smm.h"

/* How a value lies in struct um_smm_regs, and where in each layout; 0: not there. */
struct um_smm_field {
	u16 reg;
	u8 size;	/* in the area */
	u16 at;		/* from the start of the 512 bytes */
};

#define AREA(where)		((where) - 0x7e00)
#define FIELD(member, size, where) \
	{ offsetof(struct um_smm_regs, member), size, AREA(where) }

static const struct um_smm_field wide_fields[] = {
	FIELD(rip, 8, 0x7f78), FIELD(rflags, 8, 0x7f70), FIELD(dr6, 8, 0x7f68),
	FIELD(dr7, 8, 0x7f60), FIELD(cr0, 8, 0x7f58), FIELD(cr3, 8, 0x7f50),
	FIELD(cr4, 8, 0x7f48), FIELD(efer, 8, 0x7ed0),
	FIELD(gdt.base, 8, 0x7e68), FIELD(idt.base, 8, 0x7e88),
};

static const struct um_smm_field narrow_fields[] = {
	FIELD(cr0, 4, 0x7ffc), FIELD(cr3, 4, 0x7ff8), FIELD(rflags, 4, 0x7ff4),
	FIELD(rip, 4, 0x7ff0), FIELD(dr6, 4, 0x7fcc), FIELD(dr7, 4, 0x7fc8),
	FIELD(gdt.base, 4, 0x7f74), FIELD(idt.base, 4, 0x7f58), FIELD(cr4, 4, 0x7f14),
};

struct um_smm_layout {
	const struct um_smm_field *fields;
	u8 nr_fields, nr_gprs, gpr_size;
	s8 gpr_step;
	u16 gprs, gdt_limit, idt_limit, smbase, revision, shadow;
	u32 revision_id;
};

static const struct um_smm_layout layouts[] = {
	{
		.fields = narrow_fields,
		.nr_fields = ARRAY_SIZE(narrow_fields),
		.nr_gprs = 8,
		.gpr_size = 4,
		.gpr_step = 4,
		.gprs = AREA(0x7fd0),
		.gdt_limit = AREA(0x7f70),
		.idt_limit = AREA(0x7f54),
		.smbase = AREA(0x7ef8),
		.revision = AREA(0x7efc),
		.shadow = AREA(0x7f1a),
		.revision_id = 0x00020000,
	}, {
		.fields = wide_fields,
		.nr_fields = ARRAY_SIZE(wide_fields),
		.nr_gprs = 16,
		.gpr_size = 8,
		.gpr_step = -8,
		.gprs = AREA(0x7ff8),
		.gdt_limit = AREA(0x7e64),
		.idt_limit = AREA(0x7e84),
		.smbase = AREA(0x7f00),
		.revision = AREA(0x7efc),
		.shadow = AREA(0x7ecb),
		.revision_id = 0x00020064,
	},
};

static void put(u8 *at, unsigned int size, u64 val)
{
	memcpy(at, &val, size);
}

static u64 get(const u8 *at, unsigned int size)
{
	u64 val = 0;

	memcpy(&val, at, size);
	return val;
}

/* The high half of a descriptor, less its base and limit. SDM "Segment Descriptors". */
#define ATTR_TYPE	8
#define ATTR_S		12
#define ATTR_DPL	13
#define ATTR_P		15
#define ATTR_AVL	20
#define ATTR_L		21
#define ATTR_DB		22
#define ATTR_G		23

static u32 attributes(const struct kvm_segment *seg)
{
	return seg->type << ATTR_TYPE | seg->s << ATTR_S | seg->dpl << ATTR_DPL |
	       seg->present << ATTR_P | seg->avl << ATTR_AVL | seg->l << ATTR_L |
	       seg->db << ATTR_DB | (u32)seg->g << ATTR_G;
}

static void set_attributes(struct kvm_segment *seg, u32 attr)
{
	seg->type = attr >> ATTR_TYPE & 15;
	seg->s = attr >> ATTR_S & 1;
	seg->dpl = attr >> ATTR_DPL & 3;
	seg->present = attr >> ATTR_P & 1;
	seg->avl = attr >> ATTR_AVL & 1;
	seg->l = attr >> ATTR_L & 1;
	seg->db = attr >> ATTR_DB & 1;
	seg->g = attr >> ATTR_G & 1;
	seg->unusable = !seg->present;
	seg->padding = 0;
}

/* Selector, attributes, limit and base, 16 bytes each. */
static const u16 wide_segments[UM_NR_SEGS] = {
	[UM_ES] = AREA(0x7e00), [UM_CS] = AREA(0x7e10), [UM_SS_SEG] = AREA(0x7e20),
	[UM_DS] = AREA(0x7e30), [UM_FS] = AREA(0x7e40), [UM_GS] = AREA(0x7e50),
	[UM_TR] = AREA(0x7e90), [UM_LDTR] = AREA(0x7e70),
};

static void save_wide(const struct kvm_segment *seg, u8 *at)
{
	put(at, 2, seg->selector);
	put(at + 2, 2, attributes(seg) >> ATTR_TYPE);
	put(at + 4, 4, seg->limit);
	put(at + 8, 8, seg->base);
}

static void restore_wide(struct kvm_segment *seg, const u8 *at)
{
	seg->selector = get(at, 2);
	set_attributes(seg, get(at + 2, 2) << ATTR_TYPE);
	seg->limit = get(at + 4, 4);
	seg->base = get(at + 8, 8);
}

/* Attributes, limit and base, 12 bytes; the selector elsewhere. */
struct um_smm_narrow_segment {
	u16 at, selector;
};

static const struct um_smm_narrow_segment narrow_segments[UM_NR_SEGS] = {
	[UM_ES] = { AREA(0x7f84), AREA(0x7fa8) }, [UM_CS] = { AREA(0x7f90), AREA(0x7fac) },
	[UM_SS_SEG] = { AREA(0x7f9c), AREA(0x7fb0) }, [UM_DS] = { AREA(0x7f2c), AREA(0x7fb4) },
	[UM_FS] = { AREA(0x7f38), AREA(0x7fb8) }, [UM_GS] = { AREA(0x7f44), AREA(0x7fbc) },
	[UM_TR] = { AREA(0x7f5c), AREA(0x7fc4) }, [UM_LDTR] = { AREA(0x7f78), AREA(0x7fc0) },
};

static void save_narrow(const struct kvm_segment *seg, u8 *area, unsigned int nr)
{
	u8 *at = area + narrow_segments[nr].at;

	put(area + narrow_segments[nr].selector, 4, seg->selector);
	put(at, 4, attributes(seg));
	put(at + 4, 4, seg->limit);
	put(at + 8, 4, seg->base);
}

static void restore_narrow(struct kvm_segment *seg, const u8 *area, unsigned int nr)
{
	const u8 *at = area + narrow_segments[nr].at;

	seg->selector = get(area + narrow_segments[nr].selector, 4);
	set_attributes(seg, get(at, 4));
	seg->limit = get(at + 4, 4);
	seg->base = get(at + 8, 4);
}

void um_smm_save(const struct um_smm_regs *r, u8 *area, bool wide)
{
	const struct um_smm_layout *l = &layouts[wide];
	const struct um_smm_field *f;
	unsigned int i;

	for (f = l->fields; f < l->fields + l->nr_fields; f++)
		put(area + f->at, f->size, *(const u64 *)((const u8 *)r + f->reg));
	for (i = 0; i < l->nr_gprs; i++)
		put(area + l->gprs + (int)i * l->gpr_step, l->gpr_size, r->gpr[i]);
	for (i = 0; i < UM_NR_SEGS; i++) {
		if (wide)
			save_wide(&r->segs[i], area + wide_segments[i]);
		else
			save_narrow(&r->segs[i], area, i);
	}
	put(area + l->gdt_limit, 4, r->gdt.limit);
	put(area + l->idt_limit, 4, r->idt.limit);
	put(area + l->smbase, 4, r->smbase);
	put(area + l->revision, 4, l->revision_id);
	area[l->shadow] = r->shadow;
}

void um_smm_restore(struct um_smm_regs *r, const u8 *area, bool wide)
{
	const struct um_smm_layout *l = &layouts[wide];
	const struct um_smm_field *f;
	unsigned int i;

	for (f = l->fields; f < l->fields + l->nr_fields; f++)
		*(u64 *)((u8 *)r + f->reg) = get(area + f->at, f->size);
	for (i = 0; i < l->nr_gprs; i++)
		r->gpr[i] = get(area + l->gprs + (int)i * l->gpr_step, l->gpr_size);
	for (i = 0; i < UM_NR_SEGS; i++) {
		if (wide)
			restore_wide(&r->segs[i], area + wide_segments[i]);
		else
			restore_narrow(&r->segs[i], area, i);
	}
	r->gdt.limit = get(area + l->gdt_limit, 4);
	r->idt.limit = get(area + l->idt_limit, 4);
	r->smbase = get(area + l->smbase, 4);
	r->shadow = area[l->shadow];
}
