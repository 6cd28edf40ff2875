/* SPDX-License-Identifier: GPL-2.0 */
/* The guests' ELF images as bytes inside the tool. */
	.section .rodata
	.globl	bench_guest, bench_guest_end, demo_guest, demo_guest_end
	.globl	tlb_guest, tlb_guest_end
bench_guest:
	.incbin	"bench.elf"
bench_guest_end:
demo_guest:
	.incbin	"demo.elf"
demo_guest_end:
tlb_guest:
	.incbin	"tlb.elf"
tlb_guest_end:

	.section .note.GNU-stack, "", @progbits
