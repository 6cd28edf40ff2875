/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The world in which diff_test.c runs an instruction twice: a window of memory with pages of
 * different rights, segments from the LDT, and the emulator's operations on a copy of it all.
 */
#ifndef HOST_DIFF_WORLD_H
#define HOST_DIFF_WORLD_H

#include <asm/prctl.h>

#include "cpu.h"
#include "emulate/emulate.h"
#include "rnd.h"

#define PAGE		4096u
#define WINDOW		0x10000u	/* what a 16-bit address reaches */
#define FIRST		(4 * PAGE)	/* two pages for reading and writing, one for reading */
#define READ_ONLY	(6 * PAGE)
#define LAST		(7 * PAGE)	/* all else has no access */
#define LOWEST		0x10000u
#define WINDOW_HVA	0x10000000u
#define CODE_HVA	0x18000000u
#define CODE_SIZE	0x10000u
#define CODE_AT		0x8000u		/* where the instruction is */

static u8 *window, *code;
static u8 copy[WINDOW];
static struct cpu_state emulated;
static struct emu_segment segs[UM_NR_SEGS], segs_before[UM_NR_SEGS];
static bool segments_changed;
static bool long_code;	/* where it is, or the last descriptor read, is 64-bit code */
static bool wild;	/* the emulator went where the CPU must not */

static bool one_in(unsigned int n)
{
	return !below(n);
}

/* The fault of one byte, or 0. */
static u32 rights(u64 offset, bool write)
{
	u32 error = PFEC_U | (write ? PFEC_W : 0);

	if (offset < FIRST || offset >= LAST)
		return error;
	return write && offset >= READ_ONLY ? error | PFEC_P : 0;
}

/* Whether an access there hits at most memory of the test's own; the lowest is never mapped. */
static bool harmless(u64 la)
{
	return la < LOWEST || la - (u64)window < WINDOW;
}

static int touch(struct emu_ctx *c, u64 la, unsigned int len, bool write)
{
	u64 offset = la - (u64)window;
	unsigned int i;

	for (i = 0; i < len; i++) {
		if (!harmless(la + i)) {
			wild = true;
			return EMU_FAIL;
		}
		if (!rights(offset + i, write))
			continue;
		c->fault = (struct emu_fault){ .vector = UM_PF, .has_error = true, .cr2 = la + i,
					       .error = rights(offset + i, write) };
		return EMU_FAULT;
	}
	return EMU_OK;
}

static int op_read(struct emu_ctx *c, u64 la, void *data, unsigned int len, bool rmw)
{
	int r = touch(c, la, len, rmw);

	if (!r)
		memcpy(data, copy + (la - (u64)window), len);
	return r;
}

static int op_write(struct emu_ctx *c, u64 la, const void *data, unsigned int len)
{
	int r = touch(c, la, len, true);

	if (!r)
		memcpy(copy + (la - (u64)window), data, len);
	return r;
}

static int op_exchange(struct emu_ctx *c, u64 la, const void *old, const void *new,
		       unsigned int len)
{
	return op_write(c, la, new, len);
}

static int op_probe(struct emu_ctx *c, u64 la, unsigned int len)
{
	return touch(c, la, len, true);
}

static void op_segment(struct emu_ctx *c, unsigned int seg, struct emu_segment *s)
{
	*s = segs[seg];
}

static void op_vec_get(struct emu_ctx *c, unsigned int reg, void *data, unsigned int len)
{
	memcpy(data, emulated.ymm[reg], len);
}

static void op_vec_set(struct emu_ctx *c, unsigned int reg, const void *data, unsigned int len,
		       bool clear)
{
	if (clear)
		memset(emulated.ymm[reg], 0, sizeof(emulated.ymm[reg]));
	memcpy(emulated.ymm[reg], data, len);
}

static bool op_pause(struct emu_ctx *c)
{
	return one_in(4);
}

/* Descriptors: the LDT's entry of a segment has its number. Others are there to be loaded. */

#define NR_LDT		16
#define LDT_SPARE	8
#define NR_GDT		16
#define GDT_BASE	0x1000u		/* of no meaning but to tell the two tables */
#define LDT_BASE	0x2000u

static u64 ldt[NR_LDT];
/* What Linux has there: code and data, and the number of the CPU; the rest cannot be loaded. */
static const u64 gdt[NR_GDT] = { 0, 0xcf9b000000ffff, 0xaf9b000000ffff, 0xcf93000000ffff,
	0xcffb000000ffff, 0xcff3000000ffff, 0xaffb000000ffff, [15] = 0x40f50000000000 };

static u64 raw_descriptor(const struct user_desc *d)
{
	u64 type = d->contents << 2 | !d->read_exec_only << 1 | 1;
	u64 high = type | 0x70 | !d->seg_not_present << 7 | (d->limit >> 16 & 15) << 8 |
		   d->useable << 12 | d->seg_32bit << 14 | d->limit_in_pages << 15;

	return (d->limit & 0xffff) | (u64)(d->base_addr & 0xffffff) << 16 | high << 40 |
	       (u64)(d->base_addr >> 24) << 56;
}

static void set_ldt(const struct user_desc *d)
{
	if (!cpu_set_ldt(d)) {
		perror("modify_ldt");
		exit(1);
	}
	ldt[d->entry_number] = raw_descriptor(d);
}

static void load_descriptor(unsigned int seg, u16 sel, u64 desc)
{
	u32 limit = (desc & 0xffff) | (desc >> 32 & 0xf0000);

	segs[seg] = (struct emu_segment){
		.base = (desc >> 16 & 0xffffff) | (desc >> 32 & 0xff000000), .selector = sel,
		.limit = desc >> 55 & 1 ? limit << 12 | 0xfff : limit, .type = desc >> 40 & 15,
		.db = desc >> 54 & 1, .unusable = !desc,
	};
}

static void op_set_segment(struct emu_ctx *c, unsigned int seg, u16 sel, u64 desc)
{
	load_descriptor(seg, sel, desc);
	segments_changed = true;
}

static bool op_table(struct emu_ctx *c, bool local, u64 *base, u32 *limit)
{
	*base = local ? LDT_BASE : GDT_BASE;
	*limit = local ? sizeof(ldt) - 1 : sizeof(gdt) - 1;
	return true;
}

static int op_system(struct emu_ctx *c, u64 la, const u64 *old, u64 *desc)
{
	if (la >= LDT_BASE)
		*desc = ldt[(la - LDT_BASE) / 8];
	else
		*desc = gdt[(la - GDT_BASE) / 8];
	long_code = *desc >> 53 & 1;
	return EMU_OK;
}

static const struct emu_ops world_ops = {
	.read = op_read, .write = op_write, .exchange = op_exchange, .probe = op_probe,
	.segment = op_segment, .set_segment = op_set_segment, .table = op_table,
	.system = op_system, .vec_get = op_vec_get, .vec_set = op_vec_set, .pause = op_pause,
};

static void set_segment(unsigned int seg, const struct user_desc *d)
{
	set_ldt(d);
	load_descriptor(seg, CPU_LDT(d->entry_number), ldt[d->entry_number]);
}

/* Absent ones, code that cannot be read, code of either size. */
static void spare_descriptors(void)
{
	unsigned int i;

	for (i = LDT_SPARE; i < NR_LDT; i++) {
		struct user_desc d = { .entry_number = i, .base_addr = (u64)code,
				       .limit = below(CODE_SIZE), .seg_32bit = below(2),
				       .contents = below(4), .read_exec_only = below(2),
				       .seg_not_present = one_in(4), .useable = 1 };

		d.seg_not_present |= d.contents == 3;	/* Linux wants it so */
		set_ldt(&d);
	}
}

static void random_data(unsigned int seg, bool writable)
{
	struct user_desc d = {
		.entry_number = seg + 1, .base_addr = (u64)window, .limit = WINDOW - 1,
		.seg_32bit = below(2), .useable = 1,
	};

	switch (below(6)) {
	case 0:
		d.limit = 0xfffff;
		d.limit_in_pages = 1;
		break;
	case 1:
		d.limit = FIRST + below(LAST - FIRST);
		break;
	case 2:
		d.contents = 1;
		d.limit = FIRST + below(LAST - FIRST);
		break;
	case 3:
		d.read_exec_only = !writable;
		break;
	case 4:
		d.contents = writable ? 0 : 2;
		break;
	}
	set_segment(seg, &d);
}

static void flat_segment(unsigned int seg, u16 selector, u8 type)
{
	segs[seg] = (struct emu_segment){ .limit = ~0u, .selector = selector, .type = type,
					  .db = true };
}

static u64 fs_base(void)
{
	u64 base;

	syscall(SYS_arch_prctl, ARCH_GET_FS, &base);
	return base;
}

/* Draw all segments anew; @bits: of the code. */
static void random_segments(unsigned int bits)
{
	struct user_desc cs = {
		.entry_number = UM_CS + 1, .base_addr = (u64)code, .limit = CODE_SIZE - 1,
		.seg_32bit = bits == 32, .contents = 2, .read_exec_only = below(2), .useable = 1,
	};

	if (one_in(2))
		cs.limit = CODE_AT + 0x100 + below(0x4000);
	random_data(UM_DS, false);
	random_data(UM_ES, false);
	random_data(UM_GS, false);
	segs[UM_FS] = (struct emu_segment){ .base = bits == 64 ? fs_base() : 0, .unusable = true };
	spare_descriptors();
	if (bits == 64) {
		flat_segment(UM_CS, CPU_CS64, 11);
		flat_segment(UM_SS_SEG, CPU_SS, 3);
	} else {
		set_segment(UM_CS, &cs);
		random_data(UM_SS_SEG, true);
	}
	memcpy(segs_before, segs, sizeof(segs));
}

/* After an instruction that loaded others. */
static void reset_segments(void)
{
	memcpy(segs, segs_before, sizeof(segs));
	cpu_cs = segs[UM_CS].selector;
	cpu_ss = segs[UM_SS_SEG].selector;
	cpu_load_data(segs[UM_DS].selector, segs[UM_ES].selector, segs[UM_GS].selector);
	segments_changed = false;
}

/* Always at the same place, so that a seed repeats its cases. */
static void *map_low(u64 hva, size_t size, int prot)
{
	void *p = mmap((void *)hva, size, prot,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return p;
}

/* Memory holds places in the code, for jumps, beside anything else. */
static void fill_memory(void)
{
	unsigned int i;

	mprotect(window + FIRST, LAST - FIRST, PROT_READ | PROT_WRITE);
	for (i = FIRST; i < LAST; i += 8) {
		u64 val = one_in(2) ? rnd() : below(CODE_SIZE) + (one_in(2) ? (u64)code : 0);

		memcpy(window + i, &val, 8);
	}
	memcpy(copy + FIRST, window + FIRST, LAST - FIRST);
	mprotect(window + READ_ONLY, LAST - READ_ONLY, PROT_READ);
}

static void make_world(void)
{
	code = map_low(CODE_HVA, CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC);
	memset(code, 0xcc, CODE_SIZE);	/* INT3 wherever a jump goes */
	window = map_low(WINDOW_HVA, WINDOW, PROT_NONE);
	fill_memory();
	cpu_init();
}

#endif
