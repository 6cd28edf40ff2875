/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Instruction sequences that run with TF set, each with the list of addresses where the trap must
 * be taken: after each instruction, up to the POPF that clears TF.
 */
#include "../step.h"

	/* The address behind it goes to the list. */
	.macro	T insn:vararg
	\insn
100:
	.pushsection .rodata.steps, "a"
	.quad	100b
	.popsection
	.endm

	.macro	SEQUENCE name
	.section .rodata.steps, "a"
	.globl	\name\()_ips
\name\()_ips:
	.text
	.globl	\name
\name:
	push	%rbx
	mov	$STEP_DEVICE_GPA, %edi
	mov	%ss, %esi
	pushf
	orl	$0x100, (%rsp)
	popf
	.endm

	.macro	END_SEQUENCE
	T pushf
	T andl	$~0x100, (%rsp)
	T popf
	pop	%rbx
	ret
	.section .rodata.steps, "a"
	.quad	0
	.endm

	SEQUENCE step_exits
	T nop
	T xor	%eax, %eax
	T cpuid
	T rdtsc
	T inb	$STEP_DEVICE_PORT, %al
	T mov	%cr0, %rax
	T mov	%rax, %cr0
	T mov	%cr3, %rax
	T mov	%rax, %cr3
	T mov	$0x174, %ecx
	T rdmsr
	T wrmsr
	T vmcall
	T outb	%al, $STEP_DEVICE_PORT
	END_SEQUENCE

	SEQUENCE step_mmio_read
	T mov	(%rdi), %eax
	T testb	$1, (%rdi)
	T movzbl (%rdi), %eax
	END_SEQUENCE

	SEQUENCE step_mmio_write
	T mov	%eax, (%rdi)
	T addl	$1, (%rdi)
	T stosl
	END_SEQUENCE

	/* MOV to SS holds the trap back over the next instruction. */
	SEQUENCE step_mov_ss
	T nop
	mov	%esi, %ss
	T nop
	mov	%esi, %ss
	T cpuid
	END_SEQUENCE
