// SPDX-License-Identifier: GPL-2.0
/* Port I/O exits: every width and direction, string forms with both directions, page crossing. */
#include <string.h>

#include "lib/vm.h"
#include "guest/pio.h"

#define FIRST_INPUT	0x80
#define LOG_SIZE	8192

/* What the device saw, or gave, since the operation began. */
struct device {
	uint8_t log[LOG_SIZE];
	size_t used;
	uint8_t next_input;
	unsigned int width;	/* required of every access; 0 = any */
	bool wrong;
};

static void device_access(struct device *dev, struct kvm_run *run)
{
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	size_t bytes = (size_t)run->io.size * run->io.count;
	size_t i;

	if ((dev->width && run->io.size != dev->width) || !bytes ||
	    run->io.data_offset + bytes > PAGE_SIZE * 2 || dev->used + bytes > LOG_SIZE) {
		tap_diag("io size %u count %u offset %#llx", run->io.size, run->io.count,
			 run->io.data_offset);
		dev->wrong = true;
		return;
	}
	for (i = 0; run->io.direction == KVM_EXIT_IO_IN && i < bytes; i++)
		data[i] = dev->next_input++;
	memcpy(dev->log + dev->used, data, bytes);
	dev->used += bytes;
}

/* Serves the guest until it is done. */
static bool serve(struct vcpu *vcpu, struct device *dev, uint64_t op)
{
	int outcome = guest_start_op(vcpu, op);

	while (outcome == GUEST_EXIT && vcpu->run->exit_reason == KVM_EXIT_IO && !dev->wrong) {
		device_access(dev, vcpu->run);
		outcome = guest_run(vcpu);
	}
	if (outcome != GUEST_DONE)
		guest_report(vcpu, outcome);
	return outcome == GUEST_DONE && !dev->wrong;
}

static void test_out(struct vcpu *vcpu, const char *mode)
{
	static const struct {
		uint16_t port;
		uint8_t size;
		uint32_t value;
	} want[] = {
		{ PIO_PORT, 1, 0x12 }, { PIO_PORT, 2, 0x3456 }, { PIO_PORT, 4, 0x789abcde },
		{ 0x7f, 1, 0x55 }, { 0x7f, 2, 0x6677 }, { 0x7f, 4, 0x8899aabb },
		{ 0xffff, 1, 0xee },
	};
	struct kvm_run *run = vcpu->run;
	size_t i;

	vcpu->shared->op = PIO_OUT;
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		int outcome = guest_run(vcpu);
		uint32_t value = 0;
		bool good = outcome == GUEST_EXIT && run->exit_reason == KVM_EXIT_IO &&
			    run->io.direction == KVM_EXIT_IO_OUT && run->io.count == 1 &&
			    run->io.port == want[i].port && run->io.size == want[i].size;

		if (good)
			memcpy(&value, (uint8_t *)run + run->io.data_offset, run->io.size);
		else
			guest_report(vcpu, outcome);
		tap_ok(good && value == want[i].value, "%s: OUT of %u bytes to %#x", mode,
		       want[i].size, want[i].port);
	}
	tap_eq(guest_run(vcpu), GUEST_DONE, "%s: OUT ends", mode);
}

static void test_in(struct vcpu *vcpu, const char *mode)
{
	struct device dev = { .next_input = FIRST_INPUT };

	tap_ok(serve(vcpu, &dev, PIO_IN), "%s: IN of every width", mode);
}

struct string_case {
	unsigned int width, count;
	uint64_t start;
	bool down, rep;
};

/* Element i of the transfer lives here. */
static uint64_t element(const struct string_case *c, unsigned int i)
{
	return c->down ? c->start - (uint64_t)i * c->width : c->start + (uint64_t)i * c->width;
}

static bool string_io(struct vcpu *vcpu, struct device *dev, const struct string_case *c,
		      uint64_t op)
{
	unsigned long long *arg = vcpu->shared->arg;

	arg[PIO_ARG_WIDTH] = c->width;
	arg[PIO_ARG_COUNT] = c->count;
	arg[PIO_ARG_START] = c->start;
	arg[PIO_ARG_DOWN] = c->down;
	arg[PIO_ARG_REP] = c->rep;
	dev->width = c->width;
	return serve(vcpu, dev, op);
}

static bool same_elements(const struct vm *vm, const struct device *dev,
			  const struct string_case *c, unsigned int moved)
{
	unsigned int i;

	for (i = 0; i < moved; i++)
		if (memcmp(vm->mem + element(c, i), dev->log + i * c->width, c->width))
			return false;
	return dev->used == (size_t)moved * c->width;
}

static void test_string(struct vcpu *vcpu, const char *mode, const struct string_case *c,
			uint64_t op)
{
	struct device dev = { .next_input = FIRST_INPUT };
	unsigned long long *res = vcpu->shared->result;
	unsigned int moved = c->rep ? c->count : 1;
	unsigned int i;
	bool good;

	for (i = 0; i < 2 * PAGE_SIZE; i++)
		vcpu->vm->mem[PIO_BOUNDARY - PAGE_SIZE + i] = i * 7 + c->width;
	good = string_io(vcpu, &dev, c, op) && same_elements(vcpu->vm, &dev, c, moved);
	if (good && (res[PIO_RES_INDEX] != element(c, moved) ||
		     res[PIO_RES_COUNT] != c->count - (c->rep ? moved : 0))) {
		tap_diag("index %#llx count %llu", res[PIO_RES_INDEX], res[PIO_RES_COUNT]);
		good = false;
	}
	tap_ok(good, "%s: %s%s of %u bytes, count %u, %s from %#llx", mode, c->rep ? "REP " : "",
	       op == PIO_OUTS ? "OUTS" : "INS", c->width, c->count, c->down ? "down" : "up",
	       (unsigned long long)c->start);
}

static void test_strings(struct vcpu *vcpu, const char *mode)
{
	static const unsigned int widths[] = { 1, 2, 4 };
	/* Inside a page, across the boundary, across it in the middle of an element. */
	static const struct string_case cases[] = {
		{ .count = 5, .start = PIO_BOUNDARY + 64 },
		{ .count = 5, .start = PIO_BOUNDARY + 64, .rep = true },
		{ .count = 0, .start = PIO_BOUNDARY + 64, .rep = true },
		{ .count = 40, .start = PIO_BOUNDARY - 32, .rep = true },
		{ .count = 40, .start = PIO_BOUNDARY - 31, .rep = true },
		{ .count = 900, .start = PIO_BOUNDARY - 1800, .rep = true },
		{ .count = 5, .start = PIO_BOUNDARY + 64, .down = true },
		{ .count = 40, .start = PIO_BOUNDARY + 32, .down = true, .rep = true },
		{ .count = 40, .start = PIO_BOUNDARY + 31, .down = true, .rep = true },
	};
	size_t i, w;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		for (w = 0; w < ARRAY_SIZE(widths); w++) {
			struct string_case c = cases[i];

			c.width = widths[w];
			test_string(vcpu, mode, &c, PIO_OUTS);
			test_string(vcpu, mode, &c, PIO_INS);
		}
	}
}

int main(void)
{
	static const enum guest_mode modes[] = {
		MODE_REAL, MODE_PROT, MODE_PSE, MODE_PAE, MODE_LONG,
	};
	size_t i;

	tap_start("pio", 300);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		struct vcpu *vcpu = guest_create("pio", modes[i]);
		const char *name = mode_name(modes[i]);

		test_out(vcpu, name);
		test_in(vcpu, name);
		test_strings(vcpu, name);
		guest_destroy(vcpu);
	}
	return tap_done();
}
