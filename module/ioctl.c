// SPDX-License-Identifier: GPL-2.0
/*
 * The dispatcher behind every ioctl table. No locks.
 */
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "ioctl.h"

/* Every fixed-size argument on a frequent path fits; only rare large ones are allocated. */
#define UM_IOC_STACK_BYTES	512

const struct um_ioctl *um_ioctl_find(const struct um_ioctl *table, unsigned int n, unsigned int cmd)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (table[i].cmd == cmd)
			return &table[i];
	return NULL;
}

/*
 * @buf holds _IOC_SIZE bytes. Zeroed unless copied in, so that no stale kernel byte can
 * be copied out.
 */
static long um_ioctl_copy_call(const struct um_ioctl *row, void *owner, void *buf,
			       unsigned long uarg)
{
	unsigned int size = _IOC_SIZE(row->cmd);
	unsigned int dir = _IOC_DIR(row->cmd);
	void __user *user = (void __user *)uarg;
	long ret;

	if (!(dir & _IOC_WRITE))
		memset(buf, 0, size);
	else if (copy_from_user(buf, user, size))
		return -EFAULT;

	ret = row->fn(owner, buf, uarg);
	if (ret >= 0 && (dir & _IOC_READ) && copy_to_user(user, buf, size))
		return -EFAULT;
	return ret;
}

static long um_ioctl_call_large(const struct um_ioctl *row, void *owner, unsigned long uarg)
{
	void *buf = kmalloc(_IOC_SIZE(row->cmd), GFP_KERNEL_ACCOUNT);
	long ret;

	if (!buf)
		return -ENOMEM;
	ret = um_ioctl_copy_call(row, owner, buf, uarg);
	kfree(buf);
	return ret;
}

static noinline long um_ioctl_call_small(const struct um_ioctl *row, void *owner,
					 unsigned long uarg)
{
	u64 buf[UM_IOC_STACK_BYTES / sizeof(u64)];

	return um_ioctl_copy_call(row, owner, buf, uarg);
}

long um_ioctl_call(const struct um_ioctl *row, void *owner, unsigned long uarg)
{
	if ((row->flags & UM_IOC_RAW) || _IOC_DIR(row->cmd) == _IOC_NONE)
		return row->fn(owner, NULL, uarg);
	if (_IOC_SIZE(row->cmd) > UM_IOC_STACK_BYTES)
		return um_ioctl_call_large(row, owner, uarg);
	return um_ioctl_call_small(row, owner, uarg);
}

long um_ioctl_dispatch(const struct um_ioctl *table, unsigned int n, void *owner, unsigned int cmd,
		       unsigned long uarg)
{
	const struct um_ioctl *row = um_ioctl_find(table, n, cmd);

	return row ? um_ioctl_call(row, owner, uarg) : -ENOTTY;
}
