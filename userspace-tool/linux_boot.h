/* SPDX-License-Identifier: GPL-2.0 */
/* The Linux x86 boot protocol: place a bzImage, its command line and initrd in guest RAM. */
#ifndef LINUX_BOOT_H
#define LINUX_BOOT_H

#include "cpu.h"

struct linux_image {
	struct file kernel;
	struct file initrd;	/* size 0: none */
	const char *append;
};

/* Leaves the vCPU at the kernel's first instruction; dies if the image cannot be booted. */
void linux_boot(struct vm *vm, const struct linux_image *image, enum entry_mode mode);

#endif
