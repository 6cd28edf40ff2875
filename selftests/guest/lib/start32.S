/* SPDX-License-Identifier: GPL-2.0 */
/* Entry, exception stubs and the unwinding calls of a 32-bit guest. */
#include "../layout.h"

	.section .start, "ax"
	.globl _start
	/* The host sets flat segments, ESP and EDI = index of the vCPU. */
_start:
	xor	%ebp, %ebp
	push	%edi
	call	guest_start
	ud2

	.text
	/* bool try_call(fn, arg) */
	.globl try_call
try_call:
	mov	4(%esp), %ecx
	mov	8(%esp), %edx
	push	%ebp
	push	%ebx
	push	%esi
	push	%edi
	pushf
	mov	%esp, %eax
	and	$-STACK_SIZE, %eax
	push	(%eax)			/* an outer try_call's slot */
	mov	%esp, (%eax)
	push	%edx
	cld
	call	*%ecx
	pop	%edx
	mov	$0, %eax
	jmp	try_return

	/* void try_unwind(sp, result): returns from the try_call or try_user that pushed sp. */
	.globl try_unwind
try_unwind:
	mov	8(%esp), %eax
	mov	4(%esp), %esp
try_return:
	mov	$SEL_KDATA, %ecx	/* a trap from CPL 3 leaves the user's segments */
	mov	%ecx, %ds
	mov	%ecx, %es
	mov	%esp, %ecx
	and	$-STACK_SIZE, %ecx
	pop	(%ecx)
	popf
	pop	%edi
	pop	%esi
	pop	%ebx
	pop	%ebp
	ret

	/* bool try_user_sp(fn, arg, user stack, tss sp0 slot) */
	.globl try_user_sp
try_user_sp:
	push	%ebp
	push	%ebx
	push	%esi
	push	%edi
	pushf
	mov	24(%esp), %ecx
	mov	32(%esp), %edx
	mov	36(%esp), %ebx
	mov	%esp, %eax
	and	$-STACK_SIZE, %eax
	push	(%eax)
	mov	%esp, (%eax)
	mov	%esp, (%ebx)		/* traps from CPL 3 land below this frame */
	mov	$SEL_UDATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	pushf
	pop	%eax
	push	$SEL_UDATA
	push	%edx
	push	%eax
	push	$SEL_UCODE
	push	%ecx
	iret

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
	push	%ds
	push	%es
	pusha
	mov	$SEL_KDATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%esp, %ebx
	cld
	push	%ebx
	call	guest_trap
	mov	%ebx, %esp
	popa
	pop	%es
	pop	%ds
	add	$8, %esp
	iret
