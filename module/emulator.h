/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the emulator's binding share: the state of one emulated instruction, kept over
 * exits to userspace. Guarded by the vCPU's mutex; the vCPU is loaded.
 */
#ifndef UM_EMULATOR_H
#define UM_EMULATOR_H

#include "umbra.h"
#include "walk.h"
#include "emulate/exec.h"

#define EMUL_MMIO_BYTES	8	/* struct kvm_run carries no more */
#define EMUL_FETCH_BYTES 16	/* read at once: an instruction and one byte */
#define EMUL_INPUT_MAX	1024	/* bytes of string input asked of userspace at once */

/* A part of an access that lies in one page without memory. */
struct emul_fragment {
	gpa_t gpa;
	u8 len;
	u8 data[32];
};

/* A guest page-table entry as a walk found it, and where to look at it again. */
struct emul_gpte {
	const u64 __user *where;
	u64 val;
};

/* The page that code was last fetched from, and everything that this depended on. */
struct emul_code {
	u64 page;		/* linear, EMUL_NO_PAGE: none */
	bool user;		/* fetched at CPL 3 */
	u8 nr_gptes;
	u64 generation;		/* of the memslots */
	const void __user *user_page;
	struct emul_gpte gpte[UM_LEVEL_MAX];
	u64 cr0, cr3, cr4, efer;
	u8 maxphyaddr;
};

/* The page without memory that was touched last, and the memslots that said so. */
struct emul_device {
	gfn_t gfn;
	u64 generation;		/* 0, which no memslots have: none */
};

/**
 * struct um_emul - the instruction in flight
 * @ctx: what the executor works on; first, so that its callbacks find the rest
 * @generation: of the memslots when the attempt began, before any was looked at
 * @gpa_hint: where the access that brought us here went, UM_INVALID_GPA if unknown
 * @xlat_page, @xlat_gpa, @xlat_write: the last data translation of this attempt; writable if
 *	looked up for a write
 * @desc_valid: @desc is that of this attempt
 * @bytes, @nr_bytes: the instruction as fetched
 * @decoded_as: ctx.insn is what @bytes mean in code of so many bits; 0: it is not known
 * @move: ctx.insn is one for emul_move()
 * @code, @device: see there
 * @read: MMIO reads of this instruction in their order: those before @read_pos were used by
 *	this attempt, the first
 *	@nr_read are asked for, @done bytes of the last are there
 * @write: MMIO writes for userspace to see once the instruction has retired; @write_pos and
 *	@done say how far it got
 * @input: string input that userspace gave and the guest has not got yet
 * @output: a string output element lies in the PIO page for userspace
 * @out_port: its port
 * @stepped: TF was set when the instruction began
 * @zap_gpa, @zap_state, @zap_tries: the last write that could not be emulated and was given back
 *	to the guest, with what registers, and how often in a row
 */
struct um_emul {
	struct emu_ctx ctx;
	struct um_vcpu *vcpu;
	u64 generation;
	gpa_t gpa_hint;
	u64 xlat_page;
	gpa_t xlat_gpa;
	bool xlat_write;
	bool desc_valid;
	struct paging_desc desc;
	union {
		u8 bytes[EMUL_FETCH_BYTES];
		u64 raw[EMUL_FETCH_BYTES / sizeof(u64)];
	};
	u8 nr_bytes;
	u8 decoded_as;
	bool move;
	struct emul_code code;
	struct emul_device device;

	u8 nr_read, read_pos;
	u8 nr_write, write_pos;
	u8 done;
	struct emul_fragment read[4], write[2];

	bool output;
	u16 out_port;
	u16 input_pos, input_end;
	u8 input[EMUL_INPUT_MAX];

	bool stepped;
	gpa_t zap_gpa;
	u64 zap_state;
	unsigned int zap_tries;
};

#define EMUL_NO_PAGE	(~0ULL)

static inline bool emul_is_device(const struct um_emul *em, gfn_t gfn)
{
	return em->device.gfn == gfn && em->device.generation == em->generation;
}

/* emulator.c: run the decoded instruction again, now that userspace has answered. */
int emul_resume(struct um_emul *em);

/* What @result of the executor means for the vCPU: 1 go on, 0 to userspace, <0 errno. */
int emul_finish(struct um_emul *em, int result);
/* The vCPU's emulator with no instruction, to deliver an event; NULL: no memory. */
struct um_emul *emul_start_event(struct um_vcpu *vcpu);

/* emulator_segment.c: ops */
void emul_segment(struct emu_ctx *c, unsigned int seg, struct emu_segment *s);
void emul_set_selector(struct emu_ctx *c, unsigned int nr, u16 sel);
void emul_set_segment(struct emu_ctx *c, unsigned int nr, u16 sel, u64 desc);
bool emul_table(struct emu_ctx *c, bool local, u64 *base, u32 *limit);
int emul_descriptor(struct emu_ctx *c, u64 la, const u64 *old, u64 *desc);

/* emulator_real.c */
int emul_system(struct um_emul *em);		/* ops from EMU_SYSTEM on; as emul_finish() */
void emul_real_failed(const struct um_emul *em);	/* one line in the log */

/* emulator_mem.c: ops */
int emul_read(struct emu_ctx *c, u64 la, void *data, unsigned int len, bool rmw);
int emul_write(struct emu_ctx *c, u64 la, const void *data, unsigned int len);
int emul_exchange(struct emu_ctx *c, u64 la, const void *old, const void *new, unsigned int len);
int emul_probe(struct emu_ctx *c, u64 la, unsigned int len);
/* The guest's paging state at this attempt. */
const struct paging_desc *emul_desc(struct um_emul *em);
/* Translate with the rights of the current privilege level: EMU_OK or EMU_FAULT. */
int emul_walk(struct um_emul *em, u64 la, u32 pfec, struct walk_result *r);
/* The same for what the processor does by itself, whatever the level. */
int emul_walk_system(struct um_emul *em, u64 la, u32 pfec, struct walk_result *r);
/* Replace @old by @new in guest memory: EMU_OK, EMU_RETRY, or EMU_FAIL where there is none. */
int emul_cmpxchg(struct um_emul *em, gpa_t gpa, const void *old, const void *new, unsigned int len);

/* emulator_cmpxchg.c: 0, 1 if @len (1 to 16) bytes at @user are not @old, or -EFAULT. */
int emul_cmpxchg_user(void __user *user, const void *old, const void *new, unsigned int len);

/* emulator_fetch.c: the instruction at RIP into ctx.insn. EMU_OK, EMU_FAULT or EMU_FAIL. */
int emul_fetch(struct um_emul *em);

/* emulator_move.c */
bool emul_is_move(const struct emu_ctx *c);
#define EMUL_NOT_MOVED	(-1)
/*
 * Run such an instruction, if the access went to a known device: 1, or 0: userspace has to go on.
 * EMUL_NOT_MOVED: nothing is done, emu_exec() can do it.
 */
int emul_move(struct um_emul *em);

/* emulator_io.c */
int emul_in(struct emu_ctx *c, u16 port, unsigned int size, unsigned int ahead, void *data);
int emul_out(struct emu_ctx *c, u16 port, unsigned int size, const void *data);
/*
 * Userspace's answer to the read at this point of the instruction, which holds whatever the
 * memslots are by now. False: it was not asked for this.
 */
bool emul_mmio_answered(struct um_emul *em, gpa_t gpa, void *data, unsigned int len);
/* EMU_EXIT, EMU_FAIL, or EMU_OK: a device in the kernel answered. */
int emul_mmio_ask(struct um_emul *em, gpa_t gpa, void *data, unsigned int len);
int emul_mmio_write(struct um_emul *em, gpa_t gpa, const void *data, unsigned int len);
/*
 * Fill vcpu->run with what the instruction needs (EMU_EXIT) or has written, and arrange for the
 * rest.
 */
int emul_exit_for_input(struct um_emul *em);
int emul_exit_with_output(struct um_emul *em);

static inline bool emul_has_output(const struct um_emul *em)
{
	return em->nr_write || em->output;
}

/*
 * xmm.c: the first @len (16 or 32) bytes of a vector register of the guest, which is in the CPU
 * or in the current task's FPU state. @clear: the rest of it becomes 0.
 */
void um_vector_read(struct um_vcpu *vcpu, unsigned int nr, void *data, unsigned int len);
void um_vector_write(struct um_vcpu *vcpu, unsigned int nr, const void *data, unsigned int len,
		     bool clear);

#endif
