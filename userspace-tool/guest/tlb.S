/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest of `umbra bench --tlb`, in 64-bit mode with the page tables of tlb_layout.h, which
 * tells what each operation takes in registers. It ends with HLT.
 */
#include "tlb_layout.h"

#define PF_VECTOR	14
#define GATE_INTERRUPT	0x8e00	/* present, DPL 0, 64-bit interrupt gate */
#define KERNEL_CS	0x10
#define GUEST_BASE	0x100000
#define PAGE		0x1000
#define CR4_PCIDE	17

	.text
	.globl	_start
_start:
	lidt	idt_pointer(%rip)
	xor	%eax, %eax
	xor	%ebx, %ebx
	test	%rsi, %rsi
	jz	1f
	lea	operations(%rip), %r10
	call	*(%r10, %rdi, 8)
1:	hlt
	jmp	1b

/* RAX is the offset at which to begin. */
op_chase:
1:	mov	(%rdx, %rax), %rax
	dec	%rsi
	jnz	1b
	ret

op_read:
	lea	(%rdx, %rcx), %r8
	mov	%rdx, %r9
1:	add	(%r9), %rax
	add	$TLB_LINE, %r9
	cmp	%r8, %r9
	cmovae	%rdx, %r9
	dec	%rsi
	jnz	1b
	ret

/* Adds the first word of RCX pages. */
read_pages:
	mov	%rcx, %r11
	mov	%rdx, %r12
2:	add	(%r12), %rax
	add	$PAGE, %r12
	dec	%r11
	jnz	2b
	ret

op_switch_pcid:
	mov	%cr4, %r10
	bts	$CR4_PCIDE, %r10
	mov	%r10, %cr4
	bts	$TLB_NO_FLUSH_BIT, %r8
	bts	$TLB_NO_FLUSH_BIT, %r9
op_switch:
1:	mov	%r8, %cr3
	call	read_pages
	mov	%r9, %cr3
	call	read_pages
	dec	%rsi
	jnz	1b
	ret

/* The handler maps; here all is unmapped again, as at the end of a process. */
op_fault:
	mov	%cr3, %r13
1:	mov	$TLB_PTS, %edi
	mov	%rcx, %r11
2:	movq	$0, (%rdi)
	add	$8, %rdi
	dec	%r11
	jnz	2b
	mov	%r13, %cr3
	call	read_pages
	dec	%rsi
	jnz	1b
	ret

/* Entry by entry the page and its neighbour change places. */
op_update:
	xor	%r11d, %r11d
1:	mov	%r11, %r12
	shl	$12, %r12
	mov	TLB_PTS(, %r11, 8), %r13
	xor	$PAGE, %r13
	mov	%r13, TLB_PTS(, %r11, 8)
	invlpg	(%rdx, %r12)
	add	(%rdx, %r12), %rax
	inc	%r11
	cmp	%rcx, %r11
	jb	2f
	xor	%r11d, %r11d
2:	dec	%rsi
	jnz	1b
	ret

/* Maps the page that was touched, of those from RDX on, to its own frame. */
page_fault:
	inc	%rbx
	mov	%cr2, %rdi
	sub	%rdx, %rdi
	shr	$12, %rdi
	mov	%rdi, %r10
	shl	$12, %r10
	add	$(TLB_WS_GPA | TLB_PTE), %r10
	mov	%r10, TLB_PTS(, %rdi, 8)
	add	$8, %rsp
	iretq

	.section .rodata
	.balign	8
operations:
	.quad	op_chase, op_read, op_switch, op_fault, op_update, op_switch_pcid

	.balign	16
idt:
	.fill	PF_VECTOR * 2, 8, 0
	.word	page_fault - _start, KERNEL_CS, GATE_INTERRUPT, GUEST_BASE >> 16
	.quad	0
idt_pointer:
	.word	idt_pointer - idt - 1
	.quad	idt

	.section .note.GNU-stack, "", @progbits
