// SPDX-License-Identifier: GPL-2.0
/*
 * Multiplication and division with their double-width operands. Pure, no locks.
 * Source: SDM "MUL", "IMUL", "DIV", "IDIV".
 */
#include "emulate.h"

typedef unsigned __int128 u128;
typedef __int128 s128;

/* CF and OF say that the product does not fit; the others are undefined and stay. */
static void product_flags(u64 *flags, bool overflow)
{
	*flags = (*flags & ~(u64)(EMU_CF | EMU_OF)) | (overflow ? EMU_CF | EMU_OF : 0);
}

u64 emu_imul(u64 a, u64 b, unsigned int size, u64 *flags)
{
	s128 product = (s128)emu_sext(a, size) * emu_sext(b, size);
	u64 res = (u64)product & emu_mask(size);

	product_flags(flags, product != emu_sext(res, size));
	return res;
}

static void multiply(bool is_signed, u64 *hi, u64 *lo, u64 src, unsigned int size, u64 *flags)
{
	u128 product;
	bool overflow;

	if (is_signed) {
		product = (s128)emu_sext(*lo, size) * emu_sext(src, size);
		overflow = (s128)product != emu_sext((u64)product & emu_mask(size), size);
	} else {
		product = (u128)*lo * src;
		overflow = product >> (8 * size);
	}
	product_flags(flags, overflow);
	*lo = (u64)product & emu_mask(size);
	*hi = (u64)(product >> (8 * size)) & emu_mask(size);
}

/* 128 by 64 bits; the quotient must fit. C has no such division without a library. */
static u64 divide128(u64 hi, u64 lo, u64 by, u64 *remainder)
{
	u64 quotient;

	asm("divq %[by]" : "=a" (quotient), "=d" (*remainder) : "a" (lo), "d" (hi),
	    [by] "r" (by) : "cc");
	return quotient;
}

/*
 * hi:lo / src without signs. False: division by 0, or a quotient that needs more than @size bytes.
 */
static bool divide(u64 *hi, u64 *lo, u64 src, unsigned int size)
{
	u64 dividend = (size < 8 ? *hi << (8 * size) : 0) | *lo;

	if (*hi >= src)
		return false;
	if (size == 8) {
		*lo = divide128(*hi, *lo, src, hi);
	} else {
		*lo = dividend / src;
		*hi = dividend % src;
	}
	return true;
}

/* The remainder has the sign of the dividend. */
static bool divide_signed(u64 *hi, u64 *lo, u64 src, unsigned int size)
{
	u64 mask = emu_mask(size), top = BIT_ULL(8 * size - 1);
	bool negative = *hi & top, divisor_negative = src & top;
	bool same_sign = negative == divisor_negative;

	if (negative) {
		*lo = -*lo & mask;
		*hi = (~*hi + !*lo) & mask;
	}
	if (!divide(hi, lo, divisor_negative ? -src & mask : src, size))
		return false;
	if (*lo > top - same_sign)
		return false;
	if (!same_sign)
		*lo = -*lo & mask;
	if (negative)
		*hi = -*hi & mask;
	return true;
}

bool emu_muldiv(unsigned int op, u64 *hi, u64 *lo, u64 src, unsigned int size, u64 *flags)
{
	switch (op) {
	case EMU_DIV:
		return divide(hi, lo, src, size);
	case EMU_IDIV:
		return divide_signed(hi, lo, src, size);
	}
	multiply(op == EMU_IMUL, hi, lo, src, size, flags);
	return true;
}
