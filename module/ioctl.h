/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Table dispatch of ioctls: one row per command; the argument is copied in and out as
 * the command's own encoding says. Takes no lock: the owner's file or the handler does.
 */
#ifndef UM_IOCTL_H
#define UM_IOCTL_H

#include <linux/bits.h>
#include <linux/types.h>

/*
 * The handler copies for itself: @arg is NULL and @uarg the user pointer (flexible
 * arrays, large buffers).
 */
#define UM_IOC_RAW	BIT(0)
/* Flags from this bit on belong to the table's owner. */
#define UM_IOC_OWNER_SHIFT	8

/**
 * struct um_ioctl - one command
 * @cmd: KVM_*
 * @flags: UM_IOC_*
 * @fn: the handler. @owner is the file's object; @arg the argument in kernel memory,
 *	_IOC_SIZE(@cmd) bytes: copied in for _IOC_WRITE, else zeroed, and copied out for _IOC_READ
 *	when the answer is >= 0; @uarg the raw ioctl argument
 */
struct um_ioctl {
	unsigned int cmd;
	unsigned int flags;
	long (*fn)(void *owner, void *arg, unsigned long uarg);
};

/* The row of @cmd in @table of @n rows, or NULL. */
const struct um_ioctl *um_ioctl_find(const struct um_ioctl *table, unsigned int n,
				     unsigned int cmd);
/* Copy in, call, copy out. -EFAULT, -ENOMEM or the handler's answer. */
long um_ioctl_call(const struct um_ioctl *row, void *owner, unsigned long uarg);
/* Both; -ENOTTY for an unknown command. */
long um_ioctl_dispatch(const struct um_ioctl *table, unsigned int n, void *owner,
		       unsigned int cmd, unsigned long uarg);

#endif
