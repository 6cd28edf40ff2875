/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The benchmark guest, in 64-bit mode with the page tables of layout.h.
 *
 * In:  RDI operation, RSI count, RDX first gpa to touch.
 * Out: RAX what the operation read (a sum or the last value), RBX page faults; then HLT.
 * Every loop does its operation and nothing else, so that its cost is the operation's.
 */
#include "layout.h"

#define PF_VECTOR	14
#define GATE_INTERRUPT	0x8e00	/* present, DPL 0, 64-bit interrupt gate */
#define KERNEL_CS	0x10

	.text
	.globl	_start
_start:
	lidt	idt_pointer(%rip)
	xor	%eax, %eax
	xor	%ebx, %ebx
	test	%rsi, %rsi
	jz	1f
	lea	operations(%rip), %r8
	mov	(%r8, %rdi, 8), %r8
	movabs	$TEST_GVA, %rdi
	call	*%r8
1:	hlt
	jmp	1b

op_cpuid:
1:	xor	%eax, %eax
	cpuid
	dec	%rsi
	jnz	1b
	xor	%ebx, %ebx
	ret

op_vmcall:
1:	mov	$BENCH_HYPERCALL, %eax
	vmcall
	dec	%rsi
	jnz	1b
	ret

op_rdmsr:
	mov	$BENCH_MSR, %ecx
1:	rdmsr
	dec	%rsi
	jnz	1b
	shl	$32, %rdx
	or	%rdx, %rax
	ret

op_port_out:
1:	out	%al, $BENCH_PORT
	dec	%rsi
	jnz	1b
	ret

op_mmio_write:
	mov	$BENCH_MMIO_GPA, %edi
1:	mov	%esi, (%rdi)
	dec	%rsi
	jnz	1b
	ret

/* The sum shows that each read got the value that userspace gave to it. */
op_mmio_read:
	mov	$BENCH_MMIO_GPA, %edi
1:	add	(%rdi), %eax
	dec	%rsi
	jnz	1b
	ret

/* Writes to each page from RDX on; the pages left to write mark the page. */
op_touch:
1:	mov	%rsi, (%rdx)
	add	$0x1000, %rdx
	dec	%rsi
	jnz	1b
	ret

/* Reads each page from RDX on in space B, whose tables nobody has used yet. */
op_read_shared:
	mov	%cr3, %r8
	mov	$TEST_PML4_B, %r9d
	mov	%r9, %cr3
1:	mov	(%rdx), %rcx
	add	$0x1000, %rdx
	dec	%rsi
	jnz	1b
	mov	%r8, %cr3
	ret

/* The sum is of X in space A and Y in space B. */
op_switch_cr3:
	mov	%cr3, %r8
	mov	$TEST_PML4_B, %r9d
1:	mov	%r9, %cr3
	add	(%rdi), %rax
	mov	%r8, %cr3
	add	(%rdi), %rax
	dec	%rsi
	jnz	1b
	ret

/* The sum is of Y and X in turn. */
op_change_pte:
	mov	$(TEST_FRAME_Y | PTE_NEW), %r8d
	mov	$(TEST_FRAME_X | PTE_NEW), %r9d
	jmp	change_pte
op_change_young:
	mov	$(TEST_FRAME_Y | PTE_USED), %r8d
	mov	$(TEST_FRAME_X | PTE_USED), %r9d
change_pte:
	mov	$TEST_PT_A, %edx
1:	mov	%r8, (%rdx)
	invlpg	(%rdi)
	add	(%rdi), %rax
	xchg	%r8, %r9
	dec	%rsi
	jnz	1b
	ret

op_map_unmap:
	mov	$TEST_PT_A, %edx
	mov	$(TEST_FRAME_X | PTE_NEW), %r8d
	xor	%r9d, %r9d
1:	mov	%r8, (%rdx)
	add	(%rdi), %rax
	mov	%r9, (%rdx)
	invlpg	(%rdi)
	dec	%rsi
	jnz	1b
	ret

/* The page is absent: the handler skips the read. */
op_guest_fault:
	movq	$0, TEST_PT_A
	invlpg	(%rdi)
1:	mov	(%rdi), %ecx
	dec	%rsi
	jnz	1b
	ret

/* Map and unmap in turn two frames, with a read after each: as many faults as unmappings. */
op_check_unmap:
	mov	$TEST_PT_A, %edx
	mov	$(TEST_FRAME_X | PTE_NEW), %r8d
	mov	$(TEST_FRAME_Y | PTE_NEW), %r9d
1:	mov	%r8, (%rdx)
	add	(%rdi), %rax
	movq	$0, (%rdx)
	invlpg	(%rdi)
	mov	(%rdi), %ecx
	xchg	%r8, %r9
	dec	%rsi
	jnz	1b
	ret

/* Skip the faulting instruction: only the two bytes of `mov (%rdi), %ecx` may fault. */
page_fault:
	inc	%ebx
	add	$8, %rsp
	addq	$2, (%rsp)
	iretq

	.section .rodata
	.balign	8
operations:
	.quad	op_cpuid, op_vmcall, op_rdmsr, op_port_out, op_mmio_write, op_mmio_read
	.quad	op_touch, op_switch_cr3, op_change_pte, op_change_young, op_map_unmap
	.quad	op_guest_fault, op_check_unmap, op_read_shared

	.balign	16
idt:
	.fill	PF_VECTOR * 2, 8, 0
	.word	page_fault - _start, KERNEL_CS, GATE_INTERRUPT, GUEST_BASE >> 16
	.quad	0
idt_pointer:
	.word	idt_pointer - idt - 1
	.quad	idt

	.section .note.GNU-stack, "", @progbits
