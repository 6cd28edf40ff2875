// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction decoder: encodings written by hand in all three modes, prefixes that are wrong,
 too long or cut
 * short, and random bytes that end at a page without access, so that a read beyond them is a crash.
 *
 * decode_test [SEED [ROUNDS]]
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "emulate/emulate.h"
#include "tap.h"

#define NONE	EMU_REG_NONE

/* An operand as "kind reg size" in one number, for short tables. */
#define OPND(kind, reg, size)	((kind) << 16 | (reg) << 8 | (size))
#define REG(reg, size)		OPND(EMU_K_REG, reg, size)
#define HIGH(reg)		OPND(EMU_K_REG_HIGH, reg, 1)
#define MEM(size)		OPND(EMU_K_MEM, 0, size)
#define IMM(size)		OPND(EMU_K_IMM, 0, size)
#define XMM(reg, size)		OPND(EMU_K_XMM, reg, size)

struct encoding {
	const char *text;
	unsigned int bits;
	const char *hex;
	unsigned int op, size;
	u32 dst, src;
	unsigned int asize, seg, base, index, scale;
	s64 disp;
	u64 imm;
};

static const struct encoding encodings[] = {
	{ "mov %eax,(%rdi)", 64, "89 07",
	  EMU_MOV, 4, MEM(4), REG(UM_RAX, 4), 8, UM_DS, UM_RDI, NONE },
	{ "mov %al,(%rdi)", 64, "88 07",
	  EMU_MOV, 1, MEM(1), REG(UM_RAX, 1), 8, UM_DS, UM_RDI, NONE },
	{ "mov %ah,(%rdi)", 64, "88 27",
	  EMU_MOV, 1, MEM(1), HIGH(UM_RAX), 8, UM_DS, UM_RDI, NONE },
	{ "mov %spl,(%rdi)", 64, "40 88 27",
	  EMU_MOV, 1, MEM(1), REG(UM_RSP, 1), 8, UM_DS, UM_RDI, NONE },
	{ "mov %r15,-8(%r13,%r12,8)", 64, "4f 89 7c e5 f8",
	  EMU_MOV, 8, MEM(8), REG(UM_R15, 8), 8, UM_DS, UM_R13, UM_R12, 3, -8 },
	{ "mov (%rsp),%ax", 64, "66 8b 04 24",
	  EMU_MOV, 2, REG(UM_RAX, 2), MEM(2), 8, UM_SS_SEG, UM_RSP, NONE },
	{ "mov 0x12345678(%rip),%ecx", 64, "8b 0d 78 56 34 12",
	  EMU_MOV, 4, REG(UM_RCX, 4), MEM(4), 8, UM_DS, EMU_REG_RIP, NONE, 0, 0x12345678 },
	{ "mov 0x10,%ecx", 64, "8b 0c 25 10 00 00 00",
	  EMU_MOV, 4, REG(UM_RCX, 4), MEM(4), 8, UM_DS, NONE, NONE, 0, 0x10 },
	{ "mov %gs:(%eax),%edx", 64, "65 67 8b 10",
	  EMU_MOV, 4, REG(UM_RDX, 4), MEM(4), 4, UM_GS, UM_RAX, NONE },
	{ "mov %ds:(%rbp),%edx", 64, "3e 8b 55 00",
	  EMU_MOV, 4, REG(UM_RDX, 4), MEM(4), 8, UM_SS_SEG, UM_RBP, NONE },
	{ "movabs 0x1122334455667788,%rax", 64, "48 a1 88 77 66 55 44 33 22 11",
	  EMU_MOV, 8, REG(UM_RAX, 8), MEM(8), 8, UM_DS, NONE, NONE, 0, 0x1122334455667788 },
	{ "movabs $0x1122334455667788,%r9", 64, "49 b9 88 77 66 55 44 33 22 11",
	  EMU_MOV, 8, REG(UM_R9, 8), IMM(8), 8, UM_DS, NONE, NONE, 0, 0, 0x1122334455667788 },
	{ "movq $-2,(%rax)", 64, "48 c7 00 fe ff ff ff",
	  EMU_MOV, 8, MEM(8), IMM(8), 8, UM_DS, UM_RAX, NONE, 0, 0, -2 },
	{ "rex ignored before a prefix", 64, "48 66 89 07",
	  EMU_MOV, 2, MEM(2), REG(UM_RAX, 2), 8, UM_DS, UM_RDI, NONE },
	{ "movzbl (%rsi),%eax", 64, "0f b6 06",
	  EMU_MOVZX, 4, REG(UM_RAX, 4), MEM(1), 8, UM_DS, UM_RSI, NONE },
	{ "movslq (%rsi),%rax", 64, "48 63 06",
	  EMU_MOVSX, 8, REG(UM_RAX, 8), MEM(4), 8, UM_DS, UM_RSI, NONE },
	{ "lock orl $1,(%rbx)", 64, "f0 83 0b 01",
	  EMU_OR, 4, MEM(4), IMM(4), 8, UM_DS, UM_RBX, NONE, 0, 0, 1 },
	{ "cmpb $0x80,(%rbx)", 64, "80 3b 80",
	  EMU_CMP, 1, MEM(1), IMM(1), 8, UM_DS, UM_RBX, NONE, 0, 0, 0x80 },
	{ "cmpw $-128,(%rbx)", 64, "66 83 3b 80",
	  EMU_CMP, 2, MEM(2), IMM(2), 8, UM_DS, UM_RBX, NONE, 0, 0, 0xff80 },
	{ "lock cmpxchg16b (%rdi)", 64, "f0 48 0f c7 0f",
	  EMU_CMPXCHG8B, 16, MEM(16), 0, 8, UM_DS, UM_RDI, NONE },
	{ "btsl $3,(%rdi)", 64, "0f ba 2f 03",
	  EMU_BTS, 4, MEM(4), IMM(4), 8, UM_DS, UM_RDI, NONE, 0, 0, 3 },
	{ "sarl %cl,(%rdi)", 64, "d3 3f",
	  EMU_SAR, 4, MEM(4), REG(UM_RCX, 1), 8, UM_DS, UM_RDI, NONE },
	{ "pushq (%rdi)", 64, "ff 37",
	  EMU_PUSH, 8, 0, MEM(8), 8, UM_DS, UM_RDI, NONE },
	{ "popw (%rdi)", 64, "66 8f 07",
	  EMU_POP, 2, MEM(2), 0, 8, UM_DS, UM_RDI, NONE },
	{ "movups (%rdi),%xmm9", 64, "44 0f 10 0f",
	  EMU_SSE_MOV, 16, XMM(9, 16), MEM(16), 8, UM_DS, UM_RDI, NONE },
	{ "movdqa %xmm1,(%rdi)", 64, "66 0f 7f 0f",
	  EMU_SSE_MOVA, 16, MEM(16), XMM(1, 16), 8, UM_DS, UM_RDI, NONE },
	{ "movq %xmm1,(%rdi)", 64, "66 48 0f 7e 0f",
	  EMU_SSE_MOV, 8, MEM(8), XMM(1, 8), 8, UM_DS, UM_RDI, NONE },
	{ "movnti %eax,(%rdi)", 64, "0f c3 07",
	  EMU_MOV, 4, MEM(4), REG(UM_RAX, 4), 8, UM_DS, UM_RDI, NONE },
	{ "ud2", 64, "0f 0b",
	  EMU_UD, 4, 0, 0, 8, UM_DS, NONE, NONE },

	{ "mov %eax,(%edi)", 32, "89 07",
	  EMU_MOV, 4, MEM(4), REG(UM_RAX, 4), 4, UM_DS, UM_RDI, NONE },
	{ "mov %eax,0x1000", 32, "a3 00 10 00 00",
	  EMU_MOV, 4, MEM(4), REG(UM_RAX, 4), 4, UM_DS, NONE, NONE, 0, 0x1000 },
	{ "mov 0x1000,%ecx", 32, "8b 0d 00 10 00 00",
	  EMU_MOV, 4, REG(UM_RCX, 4), MEM(4), 4, UM_DS, NONE, NONE, 0, 0x1000 },
	{ "mov %cs:(%ebx),%al", 32, "2e 8a 03",
	  EMU_MOV, 1, REG(UM_RAX, 1), MEM(1), 4, UM_CS, UM_RBX, NONE },
	{ "mov (%bx,%si),%al", 32, "67 8a 00",
	  EMU_MOV, 1, REG(UM_RAX, 1), MEM(1), 2, UM_DS, UM_RBX, UM_RSI },
	{ "addl $1,(%ebp)", 32, "83 45 00 01",
	  EMU_ADD, 4, MEM(4), IMM(4), 4, UM_SS_SEG, UM_RBP, NONE, 0, 0, 1 },

	{ "mov %ax,(%di)", 16, "89 05",
	  EMU_MOV, 2, MEM(2), REG(UM_RAX, 2), 2, UM_DS, UM_RDI, NONE },
	{ "mov %eax,(%di)", 16, "66 89 05",
	  EMU_MOV, 4, MEM(4), REG(UM_RAX, 4), 2, UM_DS, UM_RDI, NONE },
	{ "mov %ax,(%edi)", 16, "67 89 07",
	  EMU_MOV, 2, MEM(2), REG(UM_RAX, 2), 4, UM_DS, UM_RDI, NONE },
	{ "mov %al,-2(%bp,%di)", 16, "88 43 fe",
	  EMU_MOV, 1, MEM(1), REG(UM_RAX, 1), 2, UM_SS_SEG, UM_RBP, UM_RDI, 0, -2 },
	{ "mov %al,0x8000", 16, "88 06 00 80",
	  EMU_MOV, 1, MEM(1), REG(UM_RAX, 1), 2, UM_DS, NONE, NONE, 0, -0x8000 },
	{ "mov %al,%es:(%bp)", 16, "26 88 46 00",
	  EMU_MOV, 1, MEM(1), REG(UM_RAX, 1), 2, UM_ES, UM_RBP, NONE },
	{ "mov %ds,(%bx)", 16, "8c 1f",
	  EMU_MOV, 2, MEM(2), OPND(EMU_K_SREG, UM_DS, 2), 2, UM_DS, UM_RBX, NONE },
	{ "movw $0x1234,(%bx)", 16, "c7 07 34 12",
	  EMU_MOV, 2, MEM(2), IMM(2), 2, UM_DS, UM_RBX, NONE, 0, 0, 0x1234 },
};

#define NR_ENCODINGS	(sizeof(encodings) / sizeof(*encodings))

static u32 opnd(const struct emu_operand *o)
{
	switch (o->kind) {
	case EMU_K_NONE:
		return 0;
	case EMU_K_MEM:
	case EMU_K_IMM:
		return OPND(o->kind, 0, o->size);
	}
	return OPND(o->kind, o->reg, o->size);
}

/* "89 07" as bytes; their number. */
static unsigned int parse(const char *hex, u8 *bytes)
{
	unsigned int n = 0;
	char *end;

	for (; *hex; hex = end + (*end == ' '))
		bytes[n++] = strtoul(hex, &end, 16);
	return n;
}

static enum emu_decode_status decode(struct emu_insn *insn, const char *hex, unsigned int bits)
{
	u8 bytes[32];
	unsigned int len = parse(hex, bytes);

	return emu_decode(insn, bytes, len, bits);
}

static unsigned int hex_len(const char *hex)
{
	return (strlen(hex) + 1) / 3;
}

static void test_encoding(const struct encoding *e)
{
	struct emu_insn i;
	enum emu_decode_status status = decode(&i, e->hex, e->bits);

	ok(status == EMU_DECODED && i.len == hex_len(e->hex) && i.op == e->op &&
	   i.size == e->size && opnd(&i.dst) == e->dst &&
	   opnd(&i.src) == e->src && i.asize == e->asize && i.seg == e->seg && i.base == e->base &&
	   i.index == e->index && i.scale == e->scale && i.disp == e->disp && i.imm == e->imm,
	   "%s in %u-bit code", e->text, e->bits);
}

static void test_string(void)
{
	struct emu_insn i;

	ok(decode(&i, "f3 48 a5", 64) == EMU_DECODED && i.op == EMU_MOVS && i.size == 8 &&
	   i.flags == (EMU_REPE | EMU_TWO_MEM) && i.seg == UM_DS, "rep movsq");
	ok(decode(&i, "f2 f3 64 6e", 32) == EMU_DECODED && i.op == EMU_OUTS && i.size == 1 &&
	   i.flags == EMU_REPE && i.seg == UM_FS,
	   "the last of F2 and F3 counts; outs takes a segment");
	ok(decode(&i, "48 6d", 64) == EMU_DECODED && i.size == 4, "ins has no 8-byte form");
	ok(decode(&i, "66 f2 0f 10 07", 64) == EMU_DECODED && i.op == EMU_SSE_MOV &&
	   i.size == 8, "f2 goes before 66 as a mandatory prefix");
	ok(decode(&i, "89 24 25 00 00 00 00", 64) == EMU_DECODED &&
	   (i.flags & EMU_USES_RSP), "a store of RSP is told");
}

static enum emu_decode_status status_of(const u8 *bytes, unsigned int len, unsigned int bits)
{
	struct emu_insn i;

	return emu_decode(&i, bytes, len, bits);
}

static enum emu_decode_status status(unsigned int bits, const char *hex)
{
	struct emu_insn i;

	return decode(&i, hex, bits);
}

static void test_refused(void)
{
	u8 flood[20];
	unsigned int n;
	bool cut = true;

	ok(status(64, "f0 89 07") == EMU_DECODE_UD, "lock mov is undefined");
	ok(status(64, "f0 01 c0") == EMU_DECODE_UD, "lock add to a register is undefined");
	ok(status(64, "f0 03 07") == EMU_DECODE_UD, "lock add from memory is undefined");
	ok(status(64, "f0 38 07") == EMU_DECODE_UD, "lock cmp is undefined");
	ok(status(64, "f0 83 3f 00") == EMU_DECODE_UD, "lock cmp with an immediate is undefined");
	ok(status(64, "f0 0f a3 07") == EMU_DECODE_UD, "lock bt is undefined");
	ok(status(64, "f0 0f ba 27 00") == EMU_DECODE_UD, "lock bt with an immediate is undefined");
	ok(status(64, "f0 ff 37") == EMU_DECODE_UD, "lock push is undefined");
	ok(status(64, "f0 f3 a4") == EMU_DECODE_UD, "lock rep movs is undefined");
	ok(status(64, "f0 d1 07") == EMU_DECODE_UD, "lock rol is undefined");
	ok(status(64, "f0 87 07") == EMU_DECODED, "lock xchg is not");
	ok(status(64, "82 07 00") == EMU_DECODE_UNKNOWN, "82 is no instruction in 64-bit code");
	ok(status(32, "82 07 00") == EMU_DECODED, "and one in 32-bit code");
	ok(status(32, "63 07") == EMU_DECODE_UNKNOWN, "63 is ARPL in 32-bit code");
	ok(status(64, "0f c7 cf") == EMU_DECODE_UNKNOWN, "cmpxchg8b has no register form");

	memset(flood, 0x66, sizeof(flood));
	ok(status_of(flood, sizeof(flood), 64) == EMU_DECODE_LONG, "prefixes alone fill 15 bytes");
	flood[13] = 0x89;
	flood[14] = 0x07;
	ok(status_of(flood, sizeof(flood), 64) == EMU_DECODED, "15 bytes are an instruction");
	flood[13] = 0x66;
	flood[14] = 0x89;
	flood[15] = 0x07;
	ok(status_of(flood, sizeof(flood), 64) == EMU_DECODE_LONG, "16 bytes are none");
	for (n = 0; n < 15; n++)
		cut &= status_of(flood, n, 64) == EMU_DECODE_SHORT;
	ok(cut, "an instruction cut short says so");
}

static u64 seed;

static u8 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * 0x2545f4914f6cdd1dULL >> 56;
}

/* Whatever is decoded must lie within bounds that the executor relies on. */
static bool sane(const struct emu_insn *i, unsigned int len, unsigned int bits)
{
	return i->len >= 1 && i->len <= len && i->len <= EMU_MAX_LEN && i->op > EMU_UNKNOWN &&
	       i->op <= EMU_WBINVD &&
	       (i->base < UM_NR_GPRS || i->base == EMU_REG_NONE || i->base == EMU_REG_RIP) &&
	       (i->index < UM_NR_GPRS || i->index == EMU_REG_NONE) && i->scale < 4 &&
	       i->seg <= UM_GS &&
	       i->dst.reg < UM_NR_GPRS && i->src.reg < UM_NR_GPRS && i->size <= 32 &&
	       i->dst.size <= 32 && i->src.size <= 32 &&
	       (bits == 64 || i->size != 8 || i->op >= EMU_SSE_MOV || i->op == EMU_CMPXCHG8B);
}

/* @end is followed by a page without access. */
static void test_random(u8 *end, unsigned int bits, unsigned long rounds)
{
	unsigned long decoded = 0, i;
	struct emu_insn insn;

	for (i = 0; i < rounds; i++) {
		unsigned int len = rnd() % 17;
		enum emu_decode_status status;
		u8 *byte;

		for (byte = end - len; byte < end; byte++)
			*byte = rnd();
		memset(&insn, 0xff, sizeof(insn));
		status = emu_decode(&insn, end - len, len, bits);
		if (status == EMU_DECODED && !sane(&insn, len, bits))
			break;
		if (status == EMU_DECODE_SHORT && len >= EMU_MAX_LEN)
			break;
		decoded += status == EMU_DECODED;
	}
	ok(i == rounds && decoded > rounds / 8, "random bytes as %u-bit code: %lu of %lu decoded",
	   bits, decoded, i);
}

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 0) : 300000;
	unsigned int i;
	u8 *page;

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (u64)time(NULL) * 2 + 1;
	printf("# seed %llu\n", (unsigned long long)seed);
	page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED || mprotect(page + 4096, 4096, PROT_NONE)) {
		perror("mmap");
		return 1;
	}
	for (i = 0; i < NR_ENCODINGS; i++)
		test_encoding(&encodings[i]);
	test_string();
	test_refused();
	for (i = 16; i <= 64; i *= 2)
		test_random(page + 4096, i, rounds);
	return tap_done();
}
