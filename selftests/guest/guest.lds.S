/* SPDX-License-Identifier: GPL-2.0 */
/* Lays a guest image out flat: .user first, if there is any, and the entry at its fixed place. */
#include "layout.h"

#ifdef GUEST16
#define START	IMAGE16_GPA
#define END	IMAGE_GPA
#else
#define START	ENTRY_GPA
#define END	IMAGE_END
#endif

ENTRY(_start)

SECTIONS
{
	. = USER_GPA;
	.user : { *(.user) }
	ASSERT(SIZEOF(.user) <= 0x1000, "user section too long")
	. = START;
	.text : { *(.start) *(.text .text.*) }
	.rodata : { *(.rodata .rodata.*) }
	.data : { *(.data .data.*) }
	.bss : { *(.bss .bss.*) *(COMMON) }
	ASSERT(. <= END, "guest image too long")
	/DISCARD/ : { *(.comment) *(.note*) *(.eh_frame*) }
}
