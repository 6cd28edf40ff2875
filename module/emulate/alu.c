// SPDX-License-Identifier: GPL-2.0
/*
 * Integer arithmetic as the processor does it, with its flags. A flag that the SDM leaves undefined
 * is cleared or kept. Pure, no locks. Source: SDM "EFLAGS Cross-Reference".
 */
#include "emulate.h"

static bool parity_even(u8 val)
{
	val ^= val >> 4;
	return !((0x6996 >> (val & 0xf)) & 1);	/* a table of 16 bits: the parity of each nibble */
}

static bool sign(u64 val, unsigned int size)
{
	return (val >> (8 * size - 1)) & 1;
}

/* SF, ZF and PF follow from the result alone. */
static u64 result_flags(u64 res, unsigned int size)
{
	return (res ? 0 : EMU_ZF) | (sign(res, size) ? EMU_SF : 0) |
	       (parity_even(res) ? EMU_PF : 0);
}

static void set_flags(u64 *flags, u64 which, u64 val)
{
	*flags = (*flags & ~which) | (val & which);
}

/*
 * @a - @b is told from @a + @b by the carries: each bit of @carries is the carry (borrow) out of
 * that bit.
 */
static u64 add_sub_flags(u64 res, u64 carries, u64 overflow, unsigned int size)
{
	return result_flags(res, size) | (sign(carries, size) ? EMU_CF : 0) |
	       (carries & BIT(3) ? EMU_AF : 0) |
	       (sign(overflow, size) ? EMU_OF : 0);
}

static u64 add(u64 a, u64 b, bool carry, unsigned int size, u64 *flags)
{
	u64 res = (a + b + carry) & emu_mask(size);
	u64 carries = (a & b) | ((a | b) & ~res);

	set_flags(flags, EMU_ARITH, add_sub_flags(res, carries, ~(a ^ b) & (a ^ res), size));
	return res;
}

static u64 sub(u64 a, u64 b, bool borrow, unsigned int size, u64 *flags)
{
	u64 res = (a - b - borrow) & emu_mask(size);
	u64 borrows = (~a & b) | (~(a ^ b) & res);

	set_flags(flags, EMU_ARITH, add_sub_flags(res, borrows, (a ^ b) & (a ^ res), size));
	return res;
}

static u64 logic(u64 res, unsigned int size, u64 *flags)
{
	set_flags(flags, EMU_ARITH, result_flags(res, size));
	return res;
}

u64 emu_alu(unsigned int op, u64 dst, u64 src, unsigned int size, u64 *flags)
{
	switch (op) {
	case EMU_ADD:
		return add(dst, src, false, size, flags);
	case EMU_ADC:
		return add(dst, src, *flags & EMU_CF, size, flags);
	case EMU_SUB:
	case EMU_CMP:
		return sub(dst, src, false, size, flags);
	case EMU_SBB:
		return sub(dst, src, *flags & EMU_CF, size, flags);
	case EMU_OR:
		return logic(dst | src, size, flags);
	case EMU_XOR:
		return logic(dst ^ src, size, flags);
	}
	return logic(dst & src, size, flags);	/* AND and TEST */
}

/* INC and DEC leave CF alone. */
u64 emu_incdec(bool inc, u64 val, unsigned int size, u64 *flags)
{
	u64 all = *flags;
	u64 res = inc ? add(val, 1, false, size, &all) : sub(val, 1, false, size, &all);

	set_flags(flags, EMU_ARITH & ~EMU_CF, all);
	return res;
}

u64 emu_neg(u64 val, unsigned int size, u64 *flags)
{
	return sub(0, val, false, size, flags);
}

static u64 rotate_left(u64 val, unsigned int count, unsigned int bits, u64 mask)
{
	count %= bits;
	return count ? ((val << count) | (val >> (bits - count))) & mask : val;
}

/* RCL by @count of @bits bits and CF together; *@carry is CF before and after. */
static u64 rotate_carry_left(u64 val, unsigned int count, unsigned int bits, bool *carry)
{
	while (count--) {
		bool out = (val >> (bits - 1)) & 1;

		val = ((val << 1) | *carry) & emu_mask(bits / 8);
		*carry = out;
	}
	return val;
}

static u64 rotate(unsigned int op, u64 val, unsigned int count, unsigned int size, u64 *flags)
{
	unsigned int bits = 8 * size;
	bool carry = *flags & EMU_CF, overflow, left = op == EMU_ROL || op == EMU_RCL;
	u64 res;

	if (op == EMU_ROL || op == EMU_ROR) {
		res = rotate_left(val, left ? count : bits - count % bits, bits, emu_mask(size));
		carry = left ? res & 1 : sign(res, size);
	} else {
		count %= bits + 1;
		if (!count)
			return val;
		res = rotate_carry_left(val, left ? count : bits + 1 - count, bits, &carry);
	}
	overflow = left ? sign(res, size) ^ carry : ((res >> (bits - 1)) ^ (res >> (bits - 2))) & 1;
	set_flags(flags, EMU_CF | EMU_OF, (carry ? EMU_CF : 0) | (overflow ? EMU_OF : 0));
	return res;
}

static u64 shift(unsigned int op, u64 val, unsigned int count, unsigned int size, u64 *flags)
{
	unsigned int bits = 8 * size;
	bool carry, overflow = false;
	u64 res;

	if (op == EMU_SHL || op == EMU_SAL) {
		res = (val << count) & emu_mask(size);
		carry = count <= bits && (val >> (bits - count)) & 1;
		overflow = sign(res, size) ^ carry;
	} else if (op == EMU_SHR) {
		res = val >> count;
		carry = (val >> (count - 1)) & 1;
		overflow = sign(val, size);
	} else {
		res = (u64)(emu_sext(val, size) >> count) & emu_mask(size);
		carry = (emu_sext(val, size) >> (count - 1)) & 1;
	}
	set_flags(flags, EMU_ARITH,
		  result_flags(res, size) | (carry ? EMU_CF : 0) | (overflow ? EMU_OF : 0));
	return res;
}

u64 emu_shift(unsigned int op, u64 val, unsigned int count, unsigned int size, u64 *flags)
{
	count &= size == 8 ? 63 : 31;
	if (!count)
		return val;
	if (op <= EMU_RCR)
		return rotate(op, val, count, size, flags);
	return shift(op, val, count, size, flags);
}

/* A count beyond the operand (16 bits) leaves everything undefined. */
u64 emu_shift_double(bool left, u64 val, u64 fill, unsigned int count, unsigned int size,
		     u64 *flags)
{
	unsigned int bits = 8 * size;
	bool carry;
	u64 res;

	count &= size == 8 ? 63 : 31;
	if (!count)
		return val;
	if (count > bits)
		count -= bits;
	if (left) {
		res = (val << count | fill >> (bits - count)) & emu_mask(size);
		carry = (val >> (bits - count)) & 1;
	} else {
		res = (val >> count | fill << (bits - count)) & emu_mask(size);
		carry = (val >> (count - 1)) & 1;
	}
	set_flags(flags, EMU_ARITH, result_flags(res, size) | (carry ? EMU_CF : 0) |
		  (sign(res ^ val, size) ? EMU_OF : 0));
	return res;
}

bool emu_condition(unsigned int cond, u64 flags)
{
	bool less = !(flags & EMU_SF) != !(flags & EMU_OF);
	bool val;

	switch (cond >> 1) {
	case 0:
		val = flags & EMU_OF;
		break;
	case 1:
		val = flags & EMU_CF;
		break;
	case 2:
		val = flags & EMU_ZF;
		break;
	case 3:
		val = flags & (EMU_CF | EMU_ZF);
		break;
	case 4:
		val = flags & EMU_SF;
		break;
	case 5:
		val = flags & EMU_PF;
		break;
	case 6:
		val = less;
		break;
	default:
		val = less || (flags & EMU_ZF);
		break;
	}
	return val != (cond & 1);
}
