/* SPDX-License-Identifier: GPL-2.0 */
/* Load a flat or ELF image into guest RAM. */
#ifndef IMAGE_H
#define IMAGE_H

#include "cpu.h"

#define FLAT_REAL_GPA	0x7c00		/* where a BIOS puts a boot sector */
#define FLAT_GPA	0x100000

struct image {
	u64 entry;
	enum entry_mode mode;	/* what the image itself asks for; real if it is flat */
};

/* Dies if the image is malformed or does not fit; mode places a flat image. */
struct image image_load(struct vm *vm, const struct file *file, enum entry_mode mode);

#endif
