/* SPDX-License-Identifier: GPL-2.0 */
/*
 * native_enter(): load every register from native_state, go to the code at native_code, which ends
 * with a jump to native_leave, and store every register again. See native.h.
 */
#define GPR(nr)	native_state+8*(nr)(%rip)
#define RFLAGS	native_state+128(%rip)
#define XMM(nr)	native_state+136+16*(nr)(%rip)

	.text
	.globl native_enter
native_enter:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, native_saved_rsp(%rip)
	movdqu	XMM(0), %xmm0
	movdqu	XMM(1), %xmm1
	movdqu	XMM(2), %xmm2
	movdqu	XMM(3), %xmm3
	movdqu	XMM(4), %xmm4
	movdqu	XMM(5), %xmm5
	movdqu	XMM(6), %xmm6
	movdqu	XMM(7), %xmm7
	movdqu	XMM(8), %xmm8
	movdqu	XMM(9), %xmm9
	movdqu	XMM(10), %xmm10
	movdqu	XMM(11), %xmm11
	movdqu	XMM(12), %xmm12
	movdqu	XMM(13), %xmm13
	movdqu	XMM(14), %xmm14
	movdqu	XMM(15), %xmm15
	pushq	RFLAGS
	popfq
	mov	GPR(0), %rax
	mov	GPR(1), %rcx
	mov	GPR(2), %rdx
	mov	GPR(3), %rbx
	mov	GPR(5), %rbp
	mov	GPR(6), %rsi
	mov	GPR(7), %rdi
	mov	GPR(8), %r8
	mov	GPR(9), %r9
	mov	GPR(10), %r10
	mov	GPR(11), %r11
	mov	GPR(12), %r12
	mov	GPR(13), %r13
	mov	GPR(14), %r14
	mov	GPR(15), %r15
	mov	GPR(4), %rsp
	jmp	*native_code(%rip)

	.globl native_leave
native_leave:
	mov	%rax, GPR(0)
	mov	%rcx, GPR(1)
	mov	%rdx, GPR(2)
	mov	%rbx, GPR(3)
	mov	%rsp, GPR(4)
	mov	%rbp, GPR(5)
	mov	%rsi, GPR(6)
	mov	%rdi, GPR(7)
	mov	%r8, GPR(8)
	mov	%r9, GPR(9)
	mov	%r10, GPR(10)
	mov	%r11, GPR(11)
	mov	%r12, GPR(12)
	mov	%r13, GPR(13)
	mov	%r14, GPR(14)
	mov	%r15, GPR(15)
	mov	native_saved_rsp(%rip), %rsp
	pushfq
	popq	RFLAGS
	cld
	movdqu	%xmm0, XMM(0)
	movdqu	%xmm1, XMM(1)
	movdqu	%xmm2, XMM(2)
	movdqu	%xmm3, XMM(3)
	movdqu	%xmm4, XMM(4)
	movdqu	%xmm5, XMM(5)
	movdqu	%xmm6, XMM(6)
	movdqu	%xmm7, XMM(7)
	movdqu	%xmm8, XMM(8)
	movdqu	%xmm9, XMM(9)
	movdqu	%xmm10, XMM(10)
	movdqu	%xmm11, XMM(11)
	movdqu	%xmm12, XMM(12)
	movdqu	%xmm13, XMM(13)
	movdqu	%xmm14, XMM(14)
	movdqu	%xmm15, XMM(15)
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

	.section .note.GNU-stack, "", @progbits
