// SPDX-License-Identifier: GPL-2.0
/*
 * MMIO and port I/O that userspace serves: exits with KVM_EXIT_MMIO and KVM_EXIT_IO and what
 * follows at the next KVM_RUN. Guarded by the vCPU's mutex.
 */
#include "emulator.h"
#include "iobus.h"

/*
 * Userspace relies on RIP being past an OUT to this port at the exit
 * (KVM_X86_QUIRK_OUT_7E_INC_RIP).
 */
#define PORT_OUT_SKIPPED	0x7e

static void fill_io(struct um_vcpu *vcpu, u16 port, unsigned int size, unsigned int count, bool in)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_IO;
	run->io.direction = in ? KVM_EXIT_IO_IN : KVM_EXIT_IO_OUT;
	run->io.size = size;
	run->io.port = port;
	run->io.count = count;
	run->io.data_offset = KVM_PIO_PAGE_OFFSET * PAGE_SIZE;
}

/*
 * Userspace may have moved RIP meanwhile: then the instruction is no longer there to be completed.
 */
static int complete_out(struct um_vcpu *vcpu)
{
	if (um_rip(vcpu) != vcpu->pio.rip)
		return 1;
	return um_skip_insn(vcpu, vcpu->pio.insn_len);
}

static int complete_in(struct um_vcpu *vcpu)
{
	u64 val = vcpu->pio.size < 4 ? vcpu->gpr[UM_RAX] : 0;

	if (um_rip(vcpu) != vcpu->pio.rip)
		return 1;
	memcpy(&val, vcpu->pio_page, vcpu->pio.size);
	vcpu->gpr[UM_RAX] = val;
	return um_skip_insn(vcpu, vcpu->pio.insn_len);
}

/* Devices in the kernel come first. True: one answered. */
static noinline bool pio_in_kernel(struct um_vcpu *vcpu, u16 port, unsigned int size, bool in)
{
	int idx = srcu_read_lock(&vcpu->vm->srcu);
	u64 val = size < 4 ? vcpu->gpr[UM_RAX] : 0;
	bool done;

	if (in)
		done = um_bus_read(vcpu, UM_BUS_PIO, port, size, &val);
	else
		done = um_bus_write(vcpu, UM_BUS_PIO, port, size, &vcpu->gpr[UM_RAX]);
	srcu_read_unlock(&vcpu->vm->srcu, idx);
	if (done && in)
		vcpu->gpr[UM_RAX] = val;
	return done;
}

int um_pio(struct um_vcpu *vcpu, u16 port, unsigned int size, bool in, unsigned int insn_len)
{
	if (rcu_access_pointer(vcpu->vm->irq.bus[UM_BUS_PIO]) &&
	    pio_in_kernel(vcpu, port, size, in))
		return um_skip_insn(vcpu, insn_len);
	if (!in)
		memcpy(vcpu->pio_page, &vcpu->gpr[UM_RAX], size);
	if (!in && port == PORT_OUT_SKIPPED &&
	    !(vcpu->vm->policy.quirks_off & KVM_X86_QUIRK_OUT_7E_INC_RIP)) {
		um_skip_insn(vcpu, insn_len);
	} else {
		/* For um_skip_insn() at the completion, when the vCPU is not loaded. */
		um_need(vcpu, UM_ST_RIP | UM_ST_RFLAGS | UM_ST_INTR);
		vcpu->pio.rip = vcpu->rip;
		vcpu->pio.insn_len = insn_len;
		vcpu->pio.size = size;
		vcpu->complete = in ? complete_in : complete_out;
	}
	fill_io(vcpu, port, size, 1, in);
	return 0;
}

/* The next piece of @f, of at most 8 bytes. */
static int exit_mmio(struct um_emul *em, const struct emul_fragment *f, bool write,
		     int (*complete)(struct um_vcpu *vcpu))
{
	struct kvm_run *run = em->vcpu->run;

	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = um_gpa_plain(f->gpa) + em->done;
	run->mmio.len = min_t(unsigned int, f->len - em->done, EMUL_MMIO_BYTES);
	run->mmio.is_write = write;
	if (write)
		memcpy(run->mmio.data, &f->data[em->done], run->mmio.len);
	em->vcpu->complete = complete;
	return 0;
}

/* The length asked for; what userspace left in run->mmio.len is not looked at. */
static unsigned int piece(const struct um_emul *em, const struct emul_fragment *f)
{
	return min_t(unsigned int, f->len - em->done, EMUL_MMIO_BYTES);
}

static int complete_mmio_read(struct um_vcpu *vcpu)
{
	struct um_emul *em = vcpu->emul;
	struct emul_fragment *f = &em->read[em->nr_read - 1];
	unsigned int len = piece(em, f);

	memcpy(&f->data[em->done], vcpu->run->mmio.data, len);
	em->done += len;
	if (em->done < f->len)
		return exit_mmio(em, f, false, complete_mmio_read);
	return emul_resume(em);
}

/* After the last thing that userspace had to see. */
static int output_done(struct um_emul *em)
{
	return em->input_pos < em->input_end ? emul_resume(em) : 1;
}

static int complete_mmio_write(struct um_vcpu *vcpu)
{
	struct um_emul *em = vcpu->emul;
	struct emul_fragment *f = &em->write[em->write_pos];

	em->done += piece(em, f);
	if (em->done == f->len) {
		em->done = 0;
		f++;
		if (++em->write_pos == em->nr_write) {
			em->nr_write = 0;
			return output_done(em);
		}
	}
	return exit_mmio(em, f, true, complete_mmio_write);
}

static int complete_string_out(struct um_vcpu *vcpu)
{
	return output_done(vcpu->emul);
}

int emul_exit_with_output(struct um_emul *em)
{
	if (em->output) {
		em->output = false;
		fill_io(em->vcpu, em->out_port, em->ctx.insn.size, 1, false);
		em->vcpu->complete = complete_string_out;
		return 0;
	}
	em->done = 0;
	em->write_pos = 0;
	return exit_mmio(em, &em->write[0], true, complete_mmio_write);
}

static int complete_string_in(struct um_vcpu *vcpu)
{
	struct um_emul *em = vcpu->emul;

	memcpy(em->input, vcpu->pio_page, em->input_end);
	return emul_resume(em);
}

int emul_exit_for_input(struct um_emul *em)
{
	unsigned int size = em->ctx.insn.size;

	if (em->ctx.insn.op == EMU_INS) {
		fill_io(em->vcpu, lower_16_bits(em->ctx.gpr[UM_RDX]), size, em->input_end / size,
			true);
		em->vcpu->complete = complete_string_in;
		return 0;
	}
	em->done = 0;
	return exit_mmio(em, &em->read[em->nr_read - 1], false, complete_mmio_read);
}

bool emul_mmio_answered(struct um_emul *em, gpa_t gpa, void *data, unsigned int len)
{
	const struct emul_fragment *f = &em->read[em->read_pos];

	if (f->gpa != gpa || f->len != len)
		return false;
	memcpy(data, f->data, len);
	em->read_pos++;
	return true;
}

int emul_mmio_ask(struct um_emul *em, gpa_t gpa, void *data, unsigned int len)
{
	struct emul_fragment *f = &em->read[em->read_pos];

	if (em->read_pos == ARRAY_SIZE(em->read))
		return EMU_FAIL;
	f->gpa = gpa;
	f->len = len;
	em->nr_read = em->read_pos + 1;
	/* A device in the kernel is asked once, however often the instruction starts over. */
	if (!um_mmio_read(em->vcpu, gpa, len, f->data))
		return EMU_EXIT;
	memcpy(data, f->data, len);
	em->read_pos++;
	return EMU_OK;
}

int emul_mmio_write(struct um_emul *em, gpa_t gpa, const void *data, unsigned int len)
{
	struct emul_fragment *f = &em->write[em->nr_write];

	if (um_mmio_write(em->vcpu, gpa, len, data))
		return EMU_OK;
	if (em->nr_write == ARRAY_SIZE(em->write))
		return EMU_FAIL;
	f->gpa = gpa;
	f->len = len;
	memcpy(f->data, data, len);
	em->nr_write++;
	return EMU_OK;
}

/* Single-stepped input comes element by element, so that none is left over at the trap. */
int emul_in(struct emu_ctx *c, u16 port, unsigned int size, unsigned int ahead, void *data)
{
	struct um_emul *em = container_of(c, struct um_emul, ctx);

	if (um_bus_read(em->vcpu, UM_BUS_PIO, port, size, data))
		return EMU_OK;
	if (em->input_pos < em->input_end) {
		memcpy(data, &em->input[em->input_pos], size);
		em->input_pos += size;
		return EMU_OK;
	}
	if (c->rflags & X86_EFLAGS_TF)
		ahead = 1;
	em->input_pos = 0;
	em->input_end = min_t(unsigned int, ahead, EMUL_INPUT_MAX / size) * size;
	return EMU_EXIT;
}

int emul_out(struct emu_ctx *c, u16 port, unsigned int size, const void *data)
{
	struct um_emul *em = container_of(c, struct um_emul, ctx);

	if (um_bus_write(em->vcpu, UM_BUS_PIO, port, size, data))
		return EMU_OK;
	memcpy(em->vcpu->pio_page, data, size);
	em->out_port = port;
	em->output = true;
	return EMU_OK;
}
