// SPDX-License-Identifier: GPL-2.0
/*
 * VPIDs as hardware tags, handed out in turn. A CPU may still hold what it cached under a tag for
 * who had it before: a new root's tag is flushed where it is loaded, and a CPU that a vCPU comes to
 * is flushed in any case. tag_lock guards the bitmap.
 */
#include <linux/bitmap.h>
#include <linux/mutex.h>
#include "vmx.h"

#define NR_TAGS	BIT(16)

static DEFINE_MUTEX(tag_lock);
static unsigned long *taken;	/* tag 0 is never given out */
static unsigned int next_tag = 1;

int vmx_tags_init(void)
{
	taken = bitmap_zalloc(NR_TAGS, GFP_KERNEL);
	if (!taken)
		return -ENOMEM;
	__set_bit(0, taken);
	return 0;
}

void vmx_tags_exit(void)
{
	bitmap_free(taken);
	taken = NULL;
}

u16 hw_tag_alloc(void)
{
	unsigned int tag;

	if (!hw_caps.vpid)
		return 0;
	mutex_lock(&tag_lock);
	tag = find_next_zero_bit(taken, NR_TAGS, next_tag);
	if (tag >= NR_TAGS)
		tag = find_next_zero_bit(taken, NR_TAGS, 0);
	if (tag < NR_TAGS) {
		__set_bit(tag, taken);
		next_tag = tag + 1;
	} else {
		tag = 0;
	}
	mutex_unlock(&tag_lock);
	return tag;
}

void hw_tag_free(u16 tag)
{
	if (!tag)
		return;
	mutex_lock(&tag_lock);
	__clear_bit(tag, taken);
	mutex_unlock(&tag_lock);
}
