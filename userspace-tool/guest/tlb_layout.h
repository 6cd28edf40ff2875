/* SPDX-License-Identifier: GPL-2.0 */
/* The agreement between `umbra bench --tlb` and its guest: operations, registers, memory. */
#ifndef TLB_LAYOUT_H
#define TLB_LAYOUT_H

/* In: RDI operation, RSI count, RDX base gva, RCX bytes or pages, R8 and R9 as each needs. */
#define TLB_CHASE	0	/* follow offsets from RDX on; RAX: the last one */
#define TLB_READ	1	/* each line of RCX bytes; RAX: the sum */
#define TLB_SWITCH	2	/* CR3 = R8, read RCX pages, CR3 = R9, read them; RAX: the sum */
#define TLB_FAULT	3	/* read RCX absent pages that the guest then maps; RBX: faults */
#define TLB_UPDATE	4	/* remap and read RCX pages in turn; RAX: the sum */
#define TLB_SWITCH_PCID	5	/* as TLB_SWITCH, with CR4.PCIDE set: R8 and R9 hold PCIDs */

#define TLB_PCID_A	1
#define TLB_PCID_B	2
#define TLB_NO_FLUSH_BIT	63	/* of MOV to CR3 */

/* Beside the boot tables of cpu.h. */
#define TLB_PML4_B	0x9000
#define TLB_PDPT_B	0xa000
#define TLB_PD_B	0xb000
#define TLB_PT_B	0xc000
#define TLB_STACK_TOP	0x80000

/* The working set, mapped 1:1 with 2M pages and once more, from TLB_GVA on, with 4K pages. */
#define TLB_PDS		0x400000
#define TLB_PTS		0x600000
#define TLB_WS_GPA	0x1000000
#define TLB_GVA		0x100000000	/* the first byte after the identity map */

#define TLB_PTE		0x63	/* present, writable, accessed, dirty */
#define TLB_LINE	64

#endif
