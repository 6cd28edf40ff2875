// SPDX-License-Identifier: GPL-2.0
/*
 * VPIDs as hardware tags: given out once each, and again only after every CPU has dropped what it
 * cached under them. tag_lock guards both bitmaps.
 */
#include <linux/bitmap.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include "invalidate.h"
#include "vmx.h"

#define NR_TAGS	BIT(16)

static DEFINE_MUTEX(tag_lock);
/* in use, or retired and not yet flushed; tag 0 is never given out */
static unsigned long *taken;
static unsigned long *retired;
static unsigned int next_tag = 1;

int vmx_tags_init(void)
{
	taken = bitmap_zalloc(NR_TAGS, GFP_KERNEL);
	retired = bitmap_zalloc(NR_TAGS, GFP_KERNEL);
	if (!taken || !retired) {
		vmx_tags_exit();
		return -ENOMEM;
	}
	__set_bit(0, taken);
	return 0;
}

void vmx_tags_exit(void)
{
	bitmap_free(taken);
	bitmap_free(retired);
	taken = NULL;
	retired = NULL;
}

static void flush_all_tags(void *unused)
{
	vmx_invvpid_all();
}

static void recycle(void)
{
	on_each_cpu(flush_all_tags, NULL, true);
	bitmap_andnot(taken, taken, retired, NR_TAGS);
	bitmap_zero(retired, NR_TAGS);
	next_tag = 1;
}

u16 hw_tag_alloc(void)
{
	unsigned int tag;

	if (!hw_caps.vpid)
		return 0;
	mutex_lock(&tag_lock);
	tag = find_next_zero_bit(taken, NR_TAGS, next_tag);
	if (tag >= NR_TAGS) {
		recycle();
		tag = find_next_zero_bit(taken, NR_TAGS, next_tag);
	}
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
	__set_bit(tag, retired);
	mutex_unlock(&tag_lock);
}
