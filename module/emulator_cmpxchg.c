// SPDX-License-Identifier: GPL-2.0
/*
 * Compare and exchange in a process's memory, of any size that the processor can lock. No locks;
 * may sleep.
 */
#include <linux/uaccess.h>

#include "emulator.h"

#define CMPXCHG_USER(type)							\
static int cmpxchg_##type(void __user *user, const void *old, const void *new)	\
{										\
	type from, to;								\
										\
	memcpy(&from, old, sizeof(from));					\
	memcpy(&to, new, sizeof(to));						\
	return __try_cmpxchg_user((type __user *)user, &from, to, fault);	\
}

CMPXCHG_USER(u8)
CMPXCHG_USER(u16)
CMPXCHG_USER(u32)
CMPXCHG_USER(u64)

/* Aligned, or the processor raises #GP. */
static int cmpxchg_16_bytes(void __user *user, const void *old, const void *new)
{
	struct { u64 low, high; } from, to;
	bool equal;
	int err = 0;

	memcpy(&from, old, sizeof(from));
	memcpy(&to, new, sizeof(to));
	__uaccess_begin_nospec();
	asm volatile("1:	lock cmpxchg16b %[where]\n"
		     "2:\n"
		     _ASM_EXTABLE_TYPE_REG(1b, 2b, EX_TYPE_EFAULT_REG, %[err])
		     : [where] "+m" (*(__force typeof(from) *)user), [err] "+r" (err),
		       "+a" (from.low), "+d" (from.high), "=@ccz" (equal)
		     : "b" (to.low), "c" (to.high)
		     : "memory");
	__uaccess_end();
	return err ? err : !equal;
}

int emul_cmpxchg_user(void __user *user, const void *old, const void *new, unsigned int len)
{
	if (!access_ok(user, len))
		return -EFAULT;
	switch (len) {
	case 1:
		return cmpxchg_u8(user, old, new);
	case 2:
		return cmpxchg_u16(user, old, new);
	case 4:
		return cmpxchg_u32(user, old, new);
	case 8:
		return cmpxchg_u64(user, old, new);
	case 16:
		return cmpxchg_16_bytes(user, old, new);
	}
	return -EFAULT;
}
