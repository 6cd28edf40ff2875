// SPDX-License-Identifier: GPL-2.0
/*
 * Addresses and faults of the instruction emulator: segment types and limits, canonical
 * addresses, address sizes, and the order of faults. Memory is one buffer at linear 0.
 */
#include "emulate/emulate.h"
#include "tap.h"

#define READ_ONLY	1	/* descriptor types */
#define READ_WRITE	3
#define EXPAND_DOWN	7
#define EXECUTE_ONLY	9
#define CODE_READ	11

static u64 gpr[UM_NR_GPRS];
static struct emu_segment segs[UM_NR_SEGS];
static u64 last_la;
static unsigned int reads, writes;

static int op_read(struct emu_ctx *c, u64 la, void *data, unsigned int len, bool rmw)
{
	last_la = la;
	reads++;
	memset(data, 0x5a, len);
	return EMU_OK;
}

static int op_write(struct emu_ctx *c, u64 la, const void *data, unsigned int len)
{
	last_la = la;
	writes++;
	return EMU_OK;
}

static int op_exchange(struct emu_ctx *c, u64 la, const void *old, const void *new,
		       unsigned int len)
{
	return EMU_RETRY;
}

static void op_segment(struct emu_ctx *c, unsigned int seg, struct emu_segment *s)
{
	*s = segs[seg];
}

static const struct emu_ops ops = {
	.read = op_read, .write = op_write, .exchange = op_exchange, .segment = op_segment,
};

static struct emu_ctx ctx;

/* Run the @len bytes of @code; its result. */
static int run(const char *code, unsigned int len, unsigned int bits)
{
	ctx = (struct emu_ctx){
		.ops = &ops, .gpr = gpr, .rip = 0x1000, .rflags = 2, .bits = bits, .va_bits = 48,
		.protected = true,
	};
	reads = 0;
	writes = 0;
	last_la = ~0ULL;
	if (emu_decode(&ctx.insn, (const u8 *)code, len, bits) != EMU_DECODED)
		return EMU_FAIL;
	return emu_exec(&ctx);
}

#define RUN(bits, code)	run(code, sizeof(code) - 1, bits)

static bool faults(int result, u8 vector)
{
	return result == EMU_FAULT && ctx.fault.vector == vector && ctx.fault.has_error &&
	       !ctx.fault.error && !reads && !writes;
}

static void flat(u8 type, u32 limit)
{
	unsigned int i;

	for (i = 0; i < UM_NR_SEGS; i++)
		segs[i] = (struct emu_segment){ .limit = limit, .type = type, .db = true };
	memset(gpr, 0, sizeof(gpr));
}

#define LOAD	"\x8b\x03"	/* mov (%ebx),%eax */
#define STORE	"\x89\x03"	/* mov %eax,(%ebx) */

static void test_types(void)
{
	flat(READ_ONLY, ~0u);
	ok(RUN(32, LOAD) == EMU_OK && reads == 1, "read-only data is read");
	ok(faults(RUN(32, STORE), UM_GP), "and not written: #GP(0)");
	ok(faults(RUN(32, "\x01\x03"), UM_GP), "nor read to be written");
	flat(CODE_READ, ~0u);
	ok(RUN(32, LOAD) == EMU_OK, "readable code is read");
	ok(faults(RUN(32, STORE), UM_GP), "and not written");
	flat(EXECUTE_ONLY, ~0u);
	ok(faults(RUN(32, LOAD), UM_GP), "execute-only code is not read");
	flat(READ_WRITE, ~0u);
	segs[UM_DS].unusable = true;
	ok(faults(RUN(32, LOAD), UM_GP), "a null segment has nothing");
	ok(RUN(32, "\x26" LOAD) == EMU_OK, "another segment by its prefix");
	segs[UM_SS_SEG].unusable = true;
	ok(faults(RUN(32, "\x8b\x45\x00"), UM_SS), "the stack segment raises #SS(0)");
	ok(RUN(64, LOAD) == EMU_OK && RUN(64, "\x8b\x45\x00") == EMU_OK,
	   "64-bit code has no segments but FS and GS");
}

static void test_limits(void)
{
	flat(READ_WRITE, 0xfff);
	gpr[UM_RBX] = 0xffc;
	ok(RUN(32, LOAD) == EMU_OK && last_la == 0xffc, "the last bytes within the limit");
	gpr[UM_RBX] = 0xffd;
	ok(faults(RUN(32, LOAD), UM_GP), "one byte beyond");
	gpr[UM_RBX] = 0xffffffff;
	ok(faults(RUN(32, LOAD), UM_GP), "an offset that wraps is beyond a limit of 4 KiB");
	flat(EXPAND_DOWN, 0xfff);
	gpr[UM_RBX] = 0x1000;
	ok(RUN(32, LOAD) == EMU_OK, "expand-down begins above its limit");
	gpr[UM_RBX] = 0xfff;
	ok(faults(RUN(32, LOAD), UM_GP), "and not below");
	gpr[UM_RBX] = 0xfffe;
	segs[UM_DS].db = false;
	ok(faults(RUN(32, LOAD), UM_GP), "and ends at 64 KiB with a 16-bit segment");
	flat(READ_WRITE, 0xffff);
	segs[UM_DS].base = 0xfffff000;
	gpr[UM_RBX] = 0x1234;
	ok(RUN(16, "\x8b\x07") == EMU_OK && last_la == 0x234, "a linear address wraps at 4 GiB");
	gpr[UM_RBX] = 0xffff;
	gpr[UM_RSI] = 3;
	segs[UM_DS].base = 0;
	ok(RUN(16, "\x8a\x00") == EMU_OK && last_la == 2, "a 16-bit address wraps at 64 KiB");
}

static void test_canonical(void)
{
	flat(READ_WRITE, 0);
	gpr[UM_RBX] = 0x7ffffffffffc;
	ok(RUN(64, LOAD) == EMU_OK, "the last canonical bytes below");
	gpr[UM_RBX] = 0x7ffffffffffd;
	ok(faults(RUN(64, LOAD), UM_GP), "an access that leaves them");
	gpr[UM_RBX] = 0xffff800000000000;
	ok(RUN(64, LOAD) == EMU_OK, "the first canonical bytes above");
	gpr[UM_RBX] = 0x800000000000;
	ok(faults(RUN(64, LOAD), UM_GP), "the first that are not");
	gpr[UM_RBP] = 0x800000000000;
	ok(faults(RUN(64, "\x8b\x45\x00"), UM_SS), "relative to RBP they raise #SS(0)");
	gpr[UM_RSP] = 0x800000000000;
	ok(faults(RUN(64, "\x8f\xc0"), UM_SS), "so does a POP");
	segs[UM_GS].base = 0x7fffffffffff;
	gpr[UM_RBX] = 1;
	ok(faults(RUN(64, "\x65" LOAD), UM_GP), "the base of GS counts");
	segs[UM_GS].base = 0xffff800000000000;
	ok(RUN(64, "\x65" LOAD) == EMU_OK && last_la == 0xffff800000000001, "in both halves");
	ok(RUN(64, "\x8b\x05\x10\x00\x00\x00") == EMU_OK && last_la == 0x1016,
	   "RIP-relative counts from the next instruction");
}

static void test_rules(void)
{
	flat(READ_WRITE, ~0u);
	gpr[UM_RBX] = 8;
	ok(faults(RUN(64, "\x0f\x28\x03"), UM_GP), "movaps wants 16-byte alignment");
	ok(faults(RUN(64, "\x48\x0f\xc7\x0b"), UM_GP), "so does cmpxchg16b");
	ok(RUN(64, "\x0f\x0b") == EMU_FAULT && ctx.fault.vector == UM_UD && !ctx.fault.has_error,
	   "ud2 raises #UD without an error code");
	gpr[UM_RDX] = ~0ULL;
	ok(RUN(64, "\xf7\x33") == EMU_FAULT && ctx.fault.vector == UM_DE,
	   "a quotient too large is #DE");
	gpr[UM_RAX] = 0x80000000;
	gpr[UM_RCX] = ~0ULL;
	ok(RUN(64, "\xf7\xf9") == EMU_FAULT && ctx.fault.vector == UM_DE,
	   "so is the smallest number by -1");
	gpr[UM_RAX] = 0x1234;
	ok(RUN(64, "\x87\x03") == EMU_RETRY && gpr[UM_RAX] == 0x1234,
	   "xchg is locked without a prefix, and changes nothing when it loses the race");
	ok(RUN(64, "\xf0\x01\x03") == EMU_RETRY && !(ctx.rflags & EMU_ARITH),
	   "a locked add leaves the flags alone then");
	gpr[UM_RCX] = 0;
	ok(RUN(64, "\xf3\xa4") == EMU_OK && !reads && !writes,
	   "rep with a count of 0 does nothing");
	gpr[UM_RBX] = 0x800000000000;
	ok(RUN(64, "\x0f\x4f\x03") == EMU_FAULT, "cmovcc faults whether or not it moves");
}

int main(void)
{
	test_types();
	test_limits();
	test_canonical();
	test_rules();
	return tap_done();
}
