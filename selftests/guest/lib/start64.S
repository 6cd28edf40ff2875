/* SPDX-License-Identifier: GPL-2.0 */
/* Entry, exception stubs and the unwinding calls of a 64-bit guest. */
#include "../layout.h"

	.section .start, "ax"
	.globl _start
	/* The host sets flat segments, RSP and RDI = index of the vCPU. */
_start:
	xor	%ebp, %ebp
	call	guest_start
	ud2

	.text
	/* bool try_call(fn, arg): leaves the stack pointer to unwind to in *try_slot(). */
	.globl try_call
try_call:
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	pushf
	mov	%rsp, %rax
	and	$-STACK_SIZE, %rax
	push	(%rax)			/* an outer try_call's slot */
	mov	%rsp, (%rax)
	mov	%rdi, %rax
	mov	%rsi, %rdi
	sub	$8, %rsp
	cld
	call	*%rax
	add	$8, %rsp
	mov	$0, %eax
	jmp	try_return

	/* void try_unwind(sp, result): returns from the try_call or try_user that pushed sp. */
	.globl try_unwind
try_unwind:
	mov	%rdi, %rsp
	mov	%esi, %eax
try_return:
	mov	%rsp, %rbx
	and	$-STACK_SIZE, %rbx
	pop	(%rbx)
	popf
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret

	/* bool try_user_sp(fn, arg, user stack, tss sp0 slot) */
	.globl try_user_sp
try_user_sp:
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	pushf
	mov	%rsp, %rax
	and	$-STACK_SIZE, %rax
	push	(%rax)
	mov	%rsp, (%rax)
	mov	%rsp, (%rcx)		/* traps from CPL 3 land below this frame */
	pushf
	pop	%rax
	push	$SEL_UDATA
	push	%rdx
	push	%rax
	push	$SEL_UCODE
	push	%rdi
	mov	%rsi, %rdi
	iretq

	/* Where a user function returns to. */
	.section .user, "ax"
	.globl user_exit
user_exit:
	int	$VEC_USER_DONE

	.text
	/* 16 bytes for each vector; a dummy error code where the CPU pushes none. */
	.balign 16
	.globl trap_stubs
trap_stubs:
	.set	vec, 0
	.rept	256
	.balign 16
	.if !((vec == 8) || ((vec >= 10) && (vec <= 14)) || (vec == 17) || (vec == 21))
	push	$0
	.endif
	push	$vec
	jmp	trap_common
	.set	vec, vec + 1
	.endr

trap_common:
	push	%rax
	push	%rcx
	push	%rdx
	push	%rbx
	push	%rbp
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, %rdi
	mov	%rsp, %rbx
	and	$-16, %rsp
	cld
	call	guest_trap
	mov	%rbx, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rbp
	pop	%rbx
	pop	%rdx
	pop	%rcx
	pop	%rax
	add	$16, %rsp
	iretq
