/* SPDX-License-Identifier: GPL-2.0 */
/* Lays a guest image out flat; its entry is its first byte. */
#include "layout.h"

ENTRY(_start)

SECTIONS
{
#ifdef GUEST16
	. = IMAGE16_GPA;
#else
	. = IMAGE_GPA;
#endif
	.text : { *(.start) *(.text .text.*) }
	.rodata : { *(.rodata .rodata.*) }
	.data : { *(.data .data.*) }
#ifndef GUEST16
	.bss : { *(.bss .bss.*) *(COMMON) }
	ASSERT(. <= USER_GPA, "guest image too long")
	. = USER_GPA;
	.user : { *(.user) }
	ASSERT(. <= USER_STACK_TOP - 0x1000, "user section too long")
#else
	.bss : { *(.bss .bss.*) *(COMMON) }
	ASSERT(. <= 0x10000, "real-mode image too long")
#endif
	/DISCARD/ : { *(.comment) *(.note*) *(.eh_frame*) }
}
