// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes at all through the decoder and the executor, under the sanitizers: in every mode, with
 * any registers, segments, descriptors and memory, and with operations that fail at any point.
 *
 * fuzz SECONDS [SEED]	random inputs
 * fuzz FILE...		the inputs of a fuzzer, one a file ("-": standard input)
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "emulate/emulate.h"

/* An input: what the world is like, then the code. The rest of it feeds the operations. */
struct input {
	u8 mode, cpl, flags, refuse;
	u64 rflags, rip;
	u8 code[EMU_MAX_LEN];
	u64 gpr[UM_NR_GPRS];
	u8 world[256];
};

static const struct input *in;
static unsigned int pos, refuse_after;

static u8 next_byte(void)
{
	return in->world[pos++ % sizeof(in->world)];
}

static void fail(const char *what)
{
	unsigned int i;

	fprintf(stderr, "%s, mode %u:", what, in->mode);
	for (i = 0; i < EMU_MAX_LEN; i++)
		fprintf(stderr, " %02x", in->code[i]);
	fprintf(stderr, "\n");
	abort();
}

static int outcome(struct emu_ctx *c)
{
	static const u8 other[] = { EMU_FAULT, EMU_EXIT, EMU_RETRY, EMU_FAIL };

	c->fault = (struct emu_fault){ .vector = UM_PF };
	return refuse_after-- ? EMU_OK : other[in->refuse % sizeof(other)];
}

static int fill(struct emu_ctx *c, void *data, unsigned int len)
{
	u8 *byte = data;
	int r = outcome(c);

	if (!len || len > 32)
		fail("an access of a size that nothing has");
	while (!r && len--)
		*byte++ = next_byte();
	return r;
}

static int drain(struct emu_ctx *c, const void *data, unsigned int len)
{
	static u8 sink[32];

	if (!len || len > sizeof(sink))
		fail("an access of a size that nothing has");
	memcpy(sink, data, len);	/* all of it is there */
	return outcome(c);
}

static int op_read(struct emu_ctx *c, u64 la, void *data, unsigned int len, bool rmw)
{
	return fill(c, data, len);
}

static int op_write(struct emu_ctx *c, u64 la, const void *data, unsigned int len)
{
	return drain(c, data, len);
}

static int op_exchange(struct emu_ctx *c, u64 la, const void *old, const void *new,
		       unsigned int len)
{
	return drain(c, old, len) || drain(c, new, len) ? EMU_RETRY : EMU_OK;
}

static int op_probe(struct emu_ctx *c, u64 la, unsigned int len)
{
	return outcome(c);
}

static void op_segment(struct emu_ctx *c, unsigned int seg, struct emu_segment *s)
{
	u8 what = next_byte();

	if (seg > UM_GS)
		fail("no such segment register");
	*s = (struct emu_segment){ .base = (u64)next_byte() << 12, .limit = what & 1 ? ~0u : 0xffff,
				   .type = what >> 4, .db = what & 2, .unusable = !(what & 12) };
}

static void op_set_selector(struct emu_ctx *c, unsigned int seg, u16 sel)
{
	if (seg > UM_GS || c->protected)
		fail("a segment register of real mode");
}

static void op_set_segment(struct emu_ctx *c, unsigned int seg, u16 sel, u64 desc)
{
	if (seg > UM_GS || !c->protected || (desc && !(desc >> 47 & 1)))
		fail("a descriptor that cannot be loaded");
}

static bool op_table(struct emu_ctx *c, bool local, u64 *base, u32 *limit)
{
	*base = 0;
	*limit = 0xffff;
	return next_byte() & 3;
}

static int op_system(struct emu_ctx *c, u64 la, const u64 *old, u64 *desc)
{
	return old ? drain(c, desc, sizeof(*desc)) : fill(c, desc, sizeof(*desc));
}

static int op_in(struct emu_ctx *c, u16 port, unsigned int size, unsigned int ahead, void *data)
{
	if (!ahead || ahead > UM_PAGE_SIZE)
		fail("elements that no page holds");
	return fill(c, data, size);
}

static int op_out(struct emu_ctx *c, u16 port, unsigned int size, const void *data)
{
	return drain(c, data, size);
}

static void op_vec_get(struct emu_ctx *c, unsigned int reg, void *data, unsigned int len)
{
	if (reg > 15 || (len != 16 && len != 32))
		fail("no such vector register");
	memset(data, next_byte(), len);
}

static void op_vec_set(struct emu_ctx *c, unsigned int reg, const void *data, unsigned int len,
		       bool clear)
{
	u8 vec[32];

	if (reg > 15 || (len != 16 && len != 32))
		fail("no such vector register");
	memcpy(vec, data, len);
}

static bool op_pause(struct emu_ctx *c)
{
	return next_byte() & 1;
}

static const struct emu_ops ops = {
	.read = op_read, .write = op_write, .exchange = op_exchange, .probe = op_probe,
	.segment = op_segment, .set_selector = op_set_selector, .set_segment = op_set_segment,
	.table = op_table, .system = op_system, .in = op_in, .out = op_out,
	.vec_get = op_vec_get, .vec_set = op_vec_set, .pause = op_pause,
};

static void check_decoded(const struct emu_insn *i, unsigned int bits)
{
	if (!i->len || i->len > EMU_MAX_LEN || !i->op || i->op > EMU_WBINVD || i->seg > UM_GS ||
	    i->scale > 3 || i->size > 32 || i->dst.size > 32 || i->src.size > 32 ||
	    i->dst.reg >= UM_NR_GPRS || i->src.reg >= UM_NR_GPRS ||
	    (i->base >= UM_NR_GPRS && i->base < EMU_REG_RIP) ||
	    (i->index >= UM_NR_GPRS && i->index != EMU_REG_NONE))
		fail("decoded beyond bounds");
	if (bits != 64 && (i->asize == 8 || i->base == EMU_REG_RIP))
		fail("an address of another mode");
}

static void check_result(const struct emu_ctx *c, int r)
{
	if (r < EMU_OK || r > EMU_FAIL)
		fail("an unknown result");
	if (r == EMU_FAULT && c->fault.vector > UM_AC)
		fail("a fault of no kind");
	if (r == EMU_PARTIAL && !(c->insn.flags & EMU_REP))
		fail("only REP is partial");
	if (r == EMU_OK && c->jumped && c->bits != 64 && c->target >> 32 && !c->long_mode)
		fail("a jump beyond 4 GiB");
}

static bool run(const struct input *input)
{
	static const u8 bits[] = { 16, 32, 64, 64 };
	u64 *gpr = malloc(sizeof(input->gpr));
	u8 *bytes = malloc(EMU_MAX_LEN);	/* so that a read beyond it is seen */
	unsigned int len = input->flags & 1 ? EMU_MAX_LEN : input->refuse % (EMU_MAX_LEN + 1);
	struct emu_ctx c = {
		.ops = &ops, .gpr = gpr, .bits = bits[input->mode & 3], .va_bits = 48,
	};
	bool decoded;

	in = input;
	pos = 0;
	refuse_after = input->flags & 2 ? ~0u : input->refuse >> 4;
	memcpy(gpr, input->gpr, sizeof(input->gpr));
	if (gpr[UM_RCX] & 1)
		gpr[UM_RCX] &= 0xff;
	memcpy(bytes + EMU_MAX_LEN - len, input->code, len);
	decoded = emu_decode(&c.insn, bytes + EMU_MAX_LEN - len, len, c.bits) == EMU_DECODED;
	if (decoded) {
		check_decoded(&c.insn, c.bits);
		c.rip = input->rip;
		c.rflags = input->rflags | EMU_FIXED;
		c.long_mode = c.bits == 64 || (input->flags & 4);
		if (c.long_mode)
			c.rflags &= ~(u64)EMU_VM;
		c.protected = c.long_mode || ((input->flags & 8) && !(c.rflags & EMU_VM));
		c.real = !c.protected && (input->flags & 16);
		c.cpl = c.protected ? input->cpl & 3 : c.rflags & EMU_VM ? 3 : 0;
		c.align_check = input->flags & 32;
		c.sse_fault = input->flags & 64 ? 0 : UM_UD;
		c.idt_limit = 0x3ff;
		check_result(&c, emu_exec(&c));
	}
	free(bytes);
	free(gpr);
	return decoded;
}

static int run_file(const char *path)
{
	struct input input = { 0 };
	FILE *f = path[0] == '-' && !path[1] ? stdin : fopen(path, "rb");

	if (!f) {
		perror(path);
		return 1;
	}
	if (!fread(&input, 1, sizeof(input), f))
		fprintf(stderr, "%s: empty\n", path);
	fclose(f);
	run(&input);
	return 0;
}

static void randomize(struct input *input, u64 *seed)
{
	u64 *word = (u64 *)input;
	unsigned int i;

	for (i = 0; i < sizeof(*input) / sizeof(*word); i++) {
		*seed ^= *seed << 13;
		*seed ^= *seed >> 7;
		*seed ^= *seed << 17;
		word[i] = *seed * 0x2545f4914f6cdd1dULL;
	}
}

static int run_random(unsigned int seconds, u64 seed)
{
	unsigned long cases = 0, decoded = 0;
	time_t end = time(NULL) + seconds;
	static struct input input;

	printf("# seed %llu\n", (unsigned long long)seed);
	while (cases % 1024 || time(NULL) < end) {
		randomize(&input, &seed);
		decoded += run(&input);
		cases++;
	}
	printf("%lu inputs, %lu of them instructions: nothing found\n", cases, decoded);
	return 0;
}

int main(int argc, char **argv)
{
	int rc = 0, i;
	char *end;

	if (argc < 2) {
		fprintf(stderr, "usage: fuzz SECONDS [SEED] | FILE...\n");
		return 2;
	}
	strtoul(argv[1], &end, 0);
	if (!*end)
		return run_random(strtoul(argv[1], NULL, 0),
				  argc > 2 ? strtoull(argv[2], NULL, 0) : time(NULL) * 2 + 1);
	for (i = 1; i < argc; i++)
		rc |= run_file(argv[i]);
	return rc;
}
