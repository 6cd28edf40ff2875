/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One guest that walks through the modes and back, twice: real, protection and paging at once,
 * protected, 2-level paging, PAE, long, compatibility, and the same way down. In each it says a
 * letter on MODES_PORT, after a check that only this mode passes.
 */
#include "modes.h"

#define CR0_PE		1
#define CR0_PG		0x80000000
#define CR4_PSE		0x10
#define CR4_PAE		0x20
#define MSR_EFER	0xc0000080
#define EFER_LME	0x100
#define PTE_LARGE	0x83	/* present, writable, large */
#define PTE_TABLE	0x03

/* In protected mode these would ask for CPL 3 and 2. */
#define SEL_ODD_CS	0x03
#define SEL_ODD_SS	0x06

#define ROOT32		0x20000
#define ROOT_PAE	0x21000
#define ROOT_LONG	0x22000
#define PDPT_LONG	0x23000
#define PD		0x24000	/* of PAE and long mode */

	.macro	say letter
	mov	$\letter, %al
	mov	$MODES_PORT, %dx
	out	%al, %dx
	.endm

	.section .start, "ax"
	.code16
	.globl	_start
_start:
	cli
	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$MODES_STACK, %sp
	movl	$2, rounds
again:
	/* Real mode: a segment is its number times 16, and INT goes through the table at 0. */
	movl	$0x12345678, 0x7000
	mov	$0x700, %ax
	mov	%ax, %es
	cmpl	$0x12345678, %es:0
	jne	bad16
	movw	$int_handler, 0x60 * 4
	movw	$0, 0x60 * 4 + 2
	xor	%bx, %bx
	int	$0x60
	cmp	$0x1d, %bx
	jne	bad16
	say	'R'

	/* Paging and protection in one MOV, with CS and SS of real mode, and back. */
	mov	$ROOT32 >> 4, %ax
	mov	%ax, %es
	movl	$PTE_LARGE, %es:0
	mov	%cr4, %eax
	or	$CR4_PSE, %eax
	mov	%eax, %cr4
	mov	$ROOT32, %eax
	mov	%eax, %cr3
	ljmp	$SEL_ODD_CS, $(odd - SEL_ODD_CS * 16)
odd:
	mov	$SEL_ODD_SS, %ax
	mov	%ax, %ss
	mov	$(MODES_STACK - SEL_ODD_SS * 16), %sp
	mov	%cr0, %eax
	or	$(CR0_PE | CR0_PG), %eax
	mov	%eax, %cr0
	push	%eax
	pop	%ecx
	mov	%cr0, %ebx
	cmp	%ebx, %ecx
	jne	bad16
	say	'B'
	and	$~(CR0_PE | CR0_PG), %ebx
	mov	%ebx, %cr0
	mov	%cs, %ax
	cmp	$SEL_ODD_CS, %ax
	jne	bad16
	mov	%ss, %ax
	cmp	$SEL_ODD_SS, %ax
	jne	bad16
	ljmp	$0, $even
even:
	xor	%ax, %ax
	mov	%ax, %ss
	mov	$MODES_STACK, %sp
	lgdtl	gdtr
	mov	%cr0, %eax
	or	$CR0_PE, %eax
	mov	%eax, %cr0
	ljmpl	$SEL_CODE32, $protected

int_handler:
	mov	$0x1d, %bx
	iret

bad16:
	say	'!'
	hlt

	.code32
bad32:
	say	'!'
	hlt

	.macro	flat_segments
	mov	$SEL_DATA, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	.endm

protected:
	flat_segments
	mov	$MODES_STACK, %esp
	/* Protected mode: a flat segment reaches above 1 MiB. */
	movl	$0x9abcdef0, 0x200000
	cmpl	$0x9abcdef0, 0x200000
	jne	bad32
	say	'P'

	/* Two levels: one 4M page maps all, another shows it again at 1 GiB. */
	movl	$PTE_LARGE, ROOT32
	movl	$PTE_LARGE, ROOT32 + (0x40000000 >> 22) * 4
	mov	%cr4, %eax
	or	$CR4_PSE, %eax
	mov	%eax, %cr4
	mov	$ROOT32, %eax
	mov	%eax, %cr3
	mov	%cr0, %eax
	or	$CR0_PG, %eax
	mov	%eax, %cr0
	cmpl	$0x9abcdef0, 0x40200000
	jne	bad32
	say	'2'

	/* Paging off, PAE on, paging on again. */
	mov	%cr0, %eax
	and	$~CR0_PG, %eax
	mov	%eax, %cr0
	movl	$PTE_LARGE, PD
	movl	$0, PD + 4
	movl	$(0x200000 | PTE_LARGE), PD + 8
	movl	$0, PD + 12
	movl	$(PD | 1), ROOT_PAE
	movl	$0, ROOT_PAE + 4
	movl	$(PD | 1), ROOT_PAE + 8
	movl	$0, ROOT_PAE + 12
	mov	%cr4, %eax
	or	$CR4_PAE, %eax
	mov	%eax, %cr4
	mov	$ROOT_PAE, %eax
	mov	%eax, %cr3
	mov	%cr0, %eax
	or	$CR0_PG, %eax
	mov	%eax, %cr0
	cmpl	$0x9abcdef0, 0x40200000
	jne	bad32
	say	'A'

	/* Long mode can only be entered with paging off. */
	mov	%cr0, %eax
	and	$~CR0_PG, %eax
	mov	%eax, %cr0
	movl	$(PDPT_LONG | PTE_TABLE), ROOT_LONG
	movl	$(PD | PTE_TABLE), PDPT_LONG
	movl	$(PD | PTE_TABLE), PDPT_LONG + 8
	mov	$ROOT_LONG, %eax
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$EFER_LME, %eax
	wrmsr
	mov	%cr0, %eax
	or	$CR0_PG, %eax
	mov	%eax, %cr0
	/* Compatibility mode, until a 64-bit code segment is loaded. */
	cmpl	$0x9abcdef0, 0x40200000
	jne	bad32
	say	'C'
	ljmp	$SEL_CODE64, $long_mode

	.code64
long_mode:
	mov	$0x123456789abcdef0, %rax
	mov	%rax, %r15
	shr	$32, %r15
	cmp	$0x12345678, %r15d
	jne	bad64
	cmpl	$0x9abcdef0, 0x40200000
	jne	bad64
	say	'L'
	mov	$to_compatibility, %eax
	ljmpl	*(%rax)
bad64:
	say	'!'
	hlt

	.code32
compatibility:
	flat_segments
	say	'c'
	/* Down: paging off leaves long mode, then LME goes, then PAE and PSE, then PE. */
	mov	%cr0, %eax
	and	$~CR0_PG, %eax
	mov	%eax, %cr0
	mov	$MSR_EFER, %ecx
	rdmsr
	and	$~EFER_LME, %eax
	wrmsr
	mov	%cr4, %eax
	and	$~(CR4_PAE | CR4_PSE), %eax
	mov	%eax, %cr4
	cmpl	$0x9abcdef0, 0x200000
	jne	bad32
	say	'p'
	ljmp	$SEL_CODE16, $protected16

	.code16
protected16:
	mov	$SEL_DATA16, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	%cr0, %eax
	and	$~CR0_PE, %eax
	mov	%eax, %cr0
	ljmp	$0, $real
real:
	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %ss
	mov	$MODES_STACK, %sp
	say	'r'
	decl	rounds
	jnz	again
	say	'.'
	hlt

	.balign	8
gdt:
	.quad	0
	.quad	0x00cf9b000000ffff	/* SEL_CODE32 */
	.quad	0x00cf93000000ffff	/* SEL_DATA */
	.quad	0x00af9b000000ffff	/* SEL_CODE64 */
	.quad	0x00009b000000ffff	/* SEL_CODE16 */
	.quad	0x000093000000ffff	/* SEL_DATA16 */
gdtr:
	.word	. - gdt - 1
	.long	gdt
to_compatibility:
	.long	compatibility
	.word	SEL_CODE32
rounds:
	.long	0
