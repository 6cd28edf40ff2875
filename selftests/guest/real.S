/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Real mode from within: each part checks one kind of instruction or event and then says its letter
 * on REAL_PORT. Every check has a number, which fails as '!' with the number in AH.
 */
#include "real.h"

#define VEC_DE		0
#define VEC_DB		1
#define VEC_NMI		2
#define VEC_BP		3
#define VEC_OF		4
#define VEC_UD		6
#define VEC_SS		12
#define VEC_GP		13
#define VEC_SOFT	0x60
#define FLAG_TF		0x100
#define FLAG_IF		0x200
#define CR0_PE		1
#define MSR_SYSENTER_CS	0x174
#define OTHER_SEG	0x3000	/* free memory */

	.macro	say letter
	mov	$\letter, %al
	mov	$REAL_PORT, %dx
	out	%al, %dx
	.endm

	.set	check_number, 0
	/* Fails unless the condition holds. */
	.macro	check condition
	.set	check_number, check_number + 1
	j\condition	.Lgood\@
	mov	$check_number, %ah
	jmp	failed
.Lgood\@:
	.endm

	.macro	vector number, handler
	movw	$\handler, \number * 4
	movw	$0, \number * 4 + 2
	.endm

	.section .start, "ax"
	.code16
	.globl	_start
_start:
	cli
	cld
	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$REAL_STACK, %sp
	vector	VEC_DE, on_fault
	vector	VEC_DB, on_trap
	vector	VEC_NMI, on_event
	vector	VEC_BP, on_event
	vector	VEC_OF, on_event
	vector	VEC_UD, on_fault
	vector	VEC_SS, on_fault
	vector	VEC_GP, on_fault
	vector	VEC_SOFT, on_event
	vector	REAL_IRQ, on_event
	jmp	calls

failed:
	say	'!'
	hlt

/* An event that returns to where it came from. */
on_event:
	incw	events
	pushw	%bp
	mov	%sp, %bp
	mov	6(%bp), %ax
	mov	%ax, pushed_flags
	popw	%bp
	iretw

/* A fault: goes on at *resume. */
on_fault:
	incw	events
	pushw	%bp
	mov	%sp, %bp
	mov	2(%bp), %ax
	mov	%ax, fault_ip
	mov	resume, %ax
	mov	%ax, 2(%bp)
	popw	%bp
	iretw

on_trap:
	incw	traps
	iretw

near_double:
	pushw	%bp
	mov	%sp, %bp
	mov	4(%bp), %ax
	add	%ax, %ax
	leave
	ret	$2

far_seven:
	mov	$7, %ax
	lret	$4

calls:
	pushw	$21
	call	near_double
	cmp	$42, %ax
	check	e
	mov	$near_double, %bx
	pushw	$4
	call	*%bx
	cmp	$8, %ax
	check	e
	pushw	$5
	pushw	$5
	lcall	$0, $far_seven
	cmp	$7, %ax
	check	e
	pushw	$5
	pushw	$5
	lcall	*far_pointer
	cmp	$7, %ax
	check	e
	cmp	$REAL_STACK, %sp
	check	e
	mov	$5, %cx
	xor	%ax, %ax
1:	add	%cx, %ax
	loop	1b
	cmp	$15, %ax
	check	e
	jcxz	2f
	check	ne
2:	mov	$10, %cx
3:	cmp	$6, %cx
	loopne	3b
	cmp	$5, %cx
	check	e
	mov	$table, %bx
	jmp	*2(%bx)
	check	ne
4:	ljmp	*far_next
	check	ne
5:	say	'c'

flags:
	stc
	check	c
	cmc
	check	nc
	std
	pushfw
	popw	%ax
	test	$0x400, %ax
	check	nz
	cld
	mov	$0xd5, %ah
	sahf
	check	c
	check	z
	check	s
	lahf
	cmp	$0xd7, %ah
	check	e
	sti
	pushfw
	popw	%ax
	test	$FLAG_IF, %ax
	check	nz
	cli
	pushfl
	popl	%eax
	orl	$0x240000, %eax		/* AC and ID */
	pushl	%eax
	popfl
	pushfl
	popl	%ecx
	xorl	%ecx, %eax
	check	e
	pushw	$2
	popfw
	say	'f'

interrupts:
	movw	$0, events
	sti
	int	$VEC_SOFT
	cmpw	$1, events
	check	e
	testw	$FLAG_IF, pushed_flags
	check	nz
	pushfw
	popw	%ax
	test	$FLAG_IF, %ax
	check	nz
	cli
	int3
	cmpw	$2, events
	check	e
	mov	$0x7f, %al
	add	$1, %al
	into
	cmpw	$3, events
	check	e
	xor	%al, %al
	into
	cmpw	$3, events
	check	e
	/* The table elsewhere. */
	mov	$OTHER_SEG, %ax
	mov	%ax, %es
	movw	$on_event, %es:(VEC_SOFT * 4)
	movw	$0, %es:(VEC_SOFT * 4 + 2)
	lidt	idt_other
	int	$VEC_SOFT
	lidt	idt_normal
	cmpw	$4, events
	check	e
	sidt	scratch
	cmpw	$0x3ff, scratch
	check	e
	say	'i'

strings:
	mov	$OTHER_SEG, %ax
	mov	%ax, %es
	mov	$message, %si
	xor	%di, %di
	mov	$message_size, %cx
	rep	movsb
	mov	$message, %si
	xor	%di, %di
	mov	$message_size, %cx
	repe	cmpsb
	check	e
	xor	%di, %di
	mov	$'n', %al
	mov	$message_size, %cx
	repne	scasb
	check	e
	cmpb	$'n', %es:-1(%di)
	check	e
	mov	$0x1234, %ax
	mov	$0xfffe, %di
	stosw
	test	%di, %di
	check	z
	cmpw	$0x1234, %es:0xfffe
	check	e
	say	's'

exceptions:
	movw	$0, events
	movw	$1f, resume
	xor	%cl, %cl
	mov	$1, %ax
0:	div	%cl
	check	ne
1:	cmpw	$0b, fault_ip
	check	e
	movw	$1f, resume
0:	ud2
1:	cmpw	$0b, fault_ip
	check	e
	movw	$1f, resume
0:	mov	0xffff, %ax
1:	cmpw	$0b, fault_ip
	check	e
	cmpw	$3, events
	check	e
	/* A trap after each instruction with TF set. */
	movw	$0, traps
	pushfw
	orw	$FLAG_TF, (REAL_STACK - 2)
	popfw
	nop
	nop
	pushfw
	andw	$~FLAG_TF, (REAL_STACK - 2)
	popfw
	cmpw	$5, traps
	check	e
	say	'x'

registers:
	movl	$0x123456f0, %eax
	cbtw
	cmpw	$0xfff0, %ax
	check	e
	cwtd
	cmpw	$0xffff, %dx
	check	e
	cwtl
	cmpl	$0xfffffff0, %eax
	check	e
	cltd
	cmpl	$-1, %edx
	check	e
	movl	$0x11223344, %ebx
	bswap	%ebx
	cmpl	$0x44332211, %ebx
	check	e
	movl	$0x100, %esi
	leal	8(%ebx, %esi, 4), %ecx
	cmpl	$0x44332619, %ecx
	check	e
	mov	$5, %bx
	mov	$3, %si
	lea	1(%bx, %si), %cx
	cmp	$9, %cx
	check	e
	mov	$xlat_table, %bx
	mov	$2, %al
	xlat
	cmp	$0x2c, %al
	check	e
	mov	$1, %ax
	mov	$2, %cx
	xchg	%cx, %ax
	cmp	$2, %ax
	check	e
	mov	%sp, %bp
	pushaw
	mov	$9, %ax
	mov	$9, %cx
	popaw
	cmp	$2, %ax
	check	e
	cmp	%bp, %sp
	check	e
	inc	%cx
	dec	%ax
	cmp	%ax, %bx
	check	ne
	push	%ds
	pop	%fs
	push	%cs
	pop	%gs
	les	far_data, %di
	cmp	$0x5678, %di
	check	e
	mov	%es, %ax
	cmp	$0x1234, %ax
	check	e
	push	%ss
	pop	%ss
	say	'r'

machine:
	mov	%cr0, %eax
	test	$CR0_PE, %eax
	check	z
	smsw	%bx
	cmp	%ax, %bx
	check	e
	mov	%eax, %ecx
	or	$8, %cx			/* TS */
	mov	%ecx, %cr0
	smsw	%dx
	cmp	%cx, %dx
	check	e
	clts
	smsw	%dx
	cmp	%ax, %dx
	check	e
	mov	$0x12345, %ebx
	mov	%ebx, %cr2
	mov	%cr2, %ecx
	cmp	%ecx, %ebx
	check	e
	mov	%ebx, %dr0
	mov	%dr0, %ecx
	cmp	%ecx, %ebx
	check	e
	mov	$MSR_SYSENTER_CS, %ecx
	mov	$0x1230, %eax
	xor	%edx, %edx
	wrmsr
	xor	%eax, %eax
	rdmsr
	cmp	$0x1230, %ax
	check	e
	xor	%eax, %eax
	cpuid
	cmp	$0x756e6547, %ebx
	check	e
	rdtsc
	mov	%eax, %ebx
	rdtsc
	sub	%ebx, %eax
	check	ns
	sgdt	scratch
	wbinvd
	say	'm'

/* A segment keeps the limit that it got in protected mode. */
big_real:
	lgdtl	gdtr
	mov	%cr0, %eax
	or	$CR0_PE, %al
	mov	%eax, %cr0
	jmp	1f
1:	mov	$REAL_SEL_BIG, %bx
	mov	%bx, %es
	and	$~CR0_PE, %al
	mov	%eax, %cr0
	jmp	1f
1:	movl	$REAL_BIG_GPA, %edi
	movl	$0x9abcdef0, %es:(%edi)
	cmpl	$0x9abcdef0, %es:(%edi)
	check	e
	xor	%ax, %ax
	mov	%ax, %es
	cmpl	$0x9abcdef0, %es:(%edi)
	check	e
	say	'b'

events_from_outside:
	movw	$0, events
	sti
	say	'I'			/* userspace sends REAL_IRQ */
	nop
	cmpw	$1, events
	check	e
	testw	$FLAG_IF, pushed_flags
	check	nz
	cli
	say	'N'			/* an NMI */
	nop
	cmpw	$2, events
	check	e
	say	'W'			/* REAL_IRQ as soon as the window opens */
	nop
	cmpw	$2, events
	check	e
	sti
	nop
	nop
	cmpw	$3, events
	check	e
	cli
	say	'E'
	fld1
	say	REAL_X87
	hlt

	.balign	8
table:
	.word	failed, 4b
far_pointer:
	.word	far_seven, 0
far_next:
	.word	5b, 0
far_data:
	.word	0x5678, 0x1234
idt_other:
	.word	0x3ff
	.long	OTHER_SEG * 16
idt_normal:
	.word	0x3ff
	.long	0
gdt:
	.quad	0
	.quad	0x00cf93000000ffff	/* REAL_SEL_BIG */
gdtr:
	.word	. - gdt - 1
	.long	gdt
scratch:
	.skip	6
events:
	.word	0
traps:
	.word	0
resume:
	.word	0
fault_ip:
	.word	0
pushed_flags:
	.word	0
xlat_table:
	.byte	0x0a, 0x1b, 0x2c
message:
	.ascii	"strings go from segment to segment"
	.set	message_size, . - message
