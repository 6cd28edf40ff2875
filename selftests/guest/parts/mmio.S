/* SPDX-License-Identifier: GPL-2.0 */
/* The instructions that mmio.c tries, and the table that describes them. */
#include "../mmio_forms.h"

#ifdef __x86_64__
#define DI	%rdi
#define SI	%rsi
#define AX	%rax
#define BX	%rbx
#define CX	%rcx
#define DX	%rdx
#define BP	%rbp
#define WORD	8
#define POINTER	.quad
#else
#define DI	%edi
#define SI	%esi
#define AX	%eax
#define BX	%ebx
#define CX	%ecx
#define DX	%edx
#define BP	%ebp
#define WORD	4
#define POINTER	.long
#endif

/* The flags that an instruction leaves defined. */
#define NONE	0
#define CARRY	FLAG_CF
#define PRODUCT	(FLAG_CF | FLAG_OF)
#define SHIFT	(FLAG_CF | FLAG_PF | FLAG_ZF | FLAG_SF)
#define LOGIC	(SHIFT | FLAG_OF)
#define ARITH	(LOGIC | FLAG_AF)

	/* Bytes of an access, reads, writes, flags, HOW_ bits: struct form. DI is the operand. */
	.macro	FORM name, width, reads, writes, flags, how, insn:vararg
	.text
code_\name:
	\insn
	ret
	.section .rodata.names, "a"
name_\name:
	.asciz	"\name"
	.section .rodata.forms, "a"
	POINTER	name_\name, code_\name
	.byte	\width, \reads, \writes, \how
	.long	\flags
	.endm

	/* A string instruction with source and destination exchanged. */
	.macro	SWAPPED insn:vararg
	xchg	DI, SI
	\insn
	xchg	DI, SI
	.endm

	.macro	PUSH_POP from, to
	push	\from
	pop	\to
	.endm

	.macro	NO_COUNT insn:vararg
	xor	%ecx, %ecx
	\insn
	.endm

	.section .rodata.forms, "a"
	.globl	forms
	.balign	8
forms:
	/* Moves of each width, named by the operand that is not memory. */
	.macro	MOVES s, width, a
	FORM	mov_load_\s, \width, 1, 0, NONE, HOW_ANYWHERE, mov\s (DI), \a
	FORM	mov_store_\s, \width, 0, 1, NONE, HOW_ANYWHERE, mov\s \a, (DI)
	FORM	mov_store_imm_\s, \width, 0, 1, NONE, HOW_ANYWHERE, mov\s $0x5a, (DI)
	FORM	xchg_\s, \width, 1, 1, NONE, 0, xchg\s \a, (DI)
	.endm
	MOVES	b, 1, %al
	MOVES	w, 2, %ax
	MOVES	l, 4, %eax
	FORM	mov_load_ah, 1, 1, 0, NONE, 0, movb (DI), %ah
	FORM	mov_store_ah, 1, 0, 1, NONE, 0, movb %ah, (DI)
	FORM	movzbw, 1, 1, 0, NONE, 0, movzbw (DI), %ax
	FORM	movzbl, 1, 1, 0, NONE, 0, movzbl (DI), %eax
	FORM	movzwl, 2, 1, 0, NONE, HOW_ANYWHERE, movzwl (DI), %eax
	FORM	movsbw, 1, 1, 0, NONE, 0, movsbw (DI), %ax
	FORM	movsbl, 1, 1, 0, NONE, 0, movsbl (DI), %eax
	FORM	movswl, 2, 1, 0, NONE, HOW_ANYWHERE, movswl (DI), %eax
	FORM	cmovc, 4, 1, 0, NONE, 0, cmovc (DI), %eax
	FORM	setc, 1, 0, 1, NONE, 0, setc (DI)
	FORM	push_mem, WORD, 1, 0, NONE, 0, PUSH_POP (DI), AX
	FORM	pop_mem, WORD, 0, 1, NONE, 0, PUSH_POP AX, (DI)

	/* Arithmetic and logic with two operands. */
	.macro	TWO_WIDTH op, flags, s, width, a
	FORM	\op\()_to_mem_\s, \width, 1, 1, \flags, HOW_ANYWHERE, \op\s \a, (DI)
	FORM	\op\()_from_mem_\s, \width, 1, 0, \flags, 0, \op\s (DI), \a
	.endm
	.macro	TWO op, flags
	TWO_WIDTH \op, \flags, b, 1, %al
	TWO_WIDTH \op, \flags, w, 2, %ax
	TWO_WIDTH \op, \flags, l, 4, %eax
	FORM	\op\()_imm_b, 1, 1, 1, \flags, 0, \op\()b $0x35, (DI)
	FORM	\op\()_imm_l, 4, 1, 1, \flags, 0, \op\()l $0x12345678, (DI)
	FORM	\op\()_imm8_l, 4, 1, 1, \flags, 0, \op\()l $-3, (DI)
	.endm
	TWO	add, ARITH
	TWO	adc, ARITH
	TWO	sub, ARITH
	TWO	sbb, ARITH
	TWO	and, LOGIC
	TWO	or, LOGIC
	TWO	xor, LOGIC

	.macro	REST s, width, a
	FORM	cmp_mem_reg_\s, \width, 1, 0, ARITH, 0, cmp\s \a, (DI)
	FORM	cmp_reg_mem_\s, \width, 1, 0, ARITH, 0, cmp\s (DI), \a
	FORM	cmp_imm_\s, \width, 1, 0, ARITH, 0, cmp\s $0x21, (DI)
	FORM	test_reg_\s, \width, 1, 0, LOGIC, 0, test\s \a, (DI)
	FORM	test_imm_\s, \width, 1, 0, LOGIC, 0, test\s $0x21, (DI)
	FORM	inc_\s, \width, 1, 1, ARITH, 0, inc\s (DI)
	FORM	dec_\s, \width, 1, 1, ARITH, 0, dec\s (DI)
	FORM	neg_\s, \width, 1, 1, ARITH, 0, neg\s (DI)
	FORM	not_\s, \width, 1, 1, NONE, 0, not\s (DI)
	.endm
	REST	b, 1, %al
	REST	w, 2, %ax
	REST	l, 4, %eax
	FORM	lock_add_l, 4, 1, 1, ARITH, 0, lock addl %eax, (DI)
	FORM	lock_or_b, 1, 1, 1, LOGIC, 0, lock orb $4, (DI)
	FORM	cmpxchg_l, 4, 1, 1, ARITH, 0, cmpxchgl %ecx, (DI)
	FORM	lock_cmpxchg_l, 4, 1, 1, ARITH, 0, lock cmpxchgl %ecx, (DI)
	FORM	xadd_l, 4, 1, 1, ARITH, 0, xaddl %eax, (DI)
	FORM	bt_imm, 4, 1, 0, CARRY, 0, btl $5, (DI)
	FORM	bts_imm, 4, 1, 1, CARRY, 0, btsl $5, (DI)
	FORM	btr_imm, 4, 1, 1, CARRY, 0, btrl $6, (DI)
	FORM	bts_reg, 4, 1, 1, CARRY, 0, btsl %ecx, (DI)
	FORM	shl_1, 4, 1, 1, LOGIC, 0, shll $1, (DI)
	FORM	shr_cl, 4, 1, 1, SHIFT, 0, shrl %cl, (DI)
	FORM	sar_imm, 1, 1, 1, SHIFT, 0, sarb $3, (DI)
	FORM	rol_imm, 2, 1, 1, CARRY, 0, rolw $3, (DI)
	FORM	imul, 4, 1, 0, PRODUCT, 0, imull (DI), %eax
	FORM	mul, 4, 1, 0, PRODUCT, 0, mull (DI)

	.macro	STRINGS s, width
	FORM	stos_\s, \width, 0, 1, NONE, 0, stos\s
	FORM	rep_stos_\s, \width, 0, 3, NONE, 0, rep stos\s
	FORM	rep_stos_none_\s, \width, 0, 0, NONE, 0, NO_COUNT rep stos\s
	FORM	lods_\s, \width, 1, 0, NONE, 0, SWAPPED lods\s
	FORM	movs_to_\s, \width, 0, 1, NONE, 0, movs\s
	FORM	movs_from_\s, \width, 1, 0, NONE, 0, SWAPPED movs\s
	FORM	rep_movs_to_\s, \width, 0, 3, NONE, 0, rep movs\s
	FORM	rep_movs_down_\s, \width, 0, 3, NONE, HOW_DOWN, rep movs\s
	FORM	rep_movs_from_\s, \width, 3, 0, NONE, 0, SWAPPED rep movs\s
	FORM	scas_\s, \width, 1, 0, ARITH, 0, scas\s
	FORM	cmps_\s, \width, 1, 0, ARITH, 0, cmps\s
	FORM	repne_scas_\s, \width, 3, 0, ARITH, 0, repne scas\s
	.endm
	STRINGS	b, 1
	STRINGS	w, 2
	STRINGS	l, 4

#ifdef __x86_64__
	MOVES	q, 8, %rax
	TWO_WIDTH add, ARITH, q, 8, %rax
	TWO_WIDTH or, LOGIC, q, 8, %rax
	REST	q, 8, %rax
	STRINGS	q, 8
	FORM	mov_store_r8, 4, 0, 1, NONE, 0, mov %r8d, (DI)
	FORM	mov_load_r9b, 1, 1, 0, NONE, 0, movb (DI), %r9b
	FORM	mov_store_sil, 1, 0, 1, NONE, 0, movb %sil, (DI)
	FORM	mov_sib, 4, 1, 0, NONE, 0, movl -8(%rdi, %r10, 4), %eax
	FORM	mov_disp32, 4, 0, 1, NONE, 0, movl %eax, 0x100(%rdi)
	FORM	movslq, 4, 1, 0, NONE, 0, movslq (%rdi), %rax
	FORM	movzbq, 1, 1, 0, NONE, 0, movzbq (%rdi), %rax
	FORM	and_imm_q, 8, 1, 1, LOGIC, 0, andq $-16, (%rdi)
	FORM	lock_cmpxchg_q, 8, 1, 1, ARITH, 0, lock cmpxchgq %rcx, (%rdi)
	FORM	movnti, 8, 0, 1, NONE, 0, movnti %rax, (%rdi)
#endif

	.section .rodata.forms, "a"
	.globl	forms_end
forms_end:

	.text
	.globl	run_code
	/* void run_code(struct regs *regs, const void *code): code may use all but BX and BP. */
run_code:
	push	BX
	push	BP
	push	SI
	push	DI
#ifdef __x86_64__
	mov	%rdi, BX
	mov	%rsi, BP
	mov	$0x8182838485868788, %r8
	mov	%r8, %r9
	mov	$2, %r10d
#else
	mov	20(%esp), BX
	mov	24(%esp), BP
#endif
	mov	REGS_A(BX), AX
	mov	REGS_C(BX), CX
	mov	REGS_D(BX), DX
	mov	REGS_SI(BX), SI
	mov	REGS_DI(BX), DI
	push	REGS_FLAGS(BX)
	popf
	call	*BP
	pushf
	pop	REGS_FLAGS(BX)
	cld
	mov	AX, REGS_A(BX)
	mov	CX, REGS_C(BX)
	mov	DX, REGS_D(BX)
	mov	SI, REGS_SI(BX)
	mov	DI, REGS_DI(BX)
#ifdef __x86_64__
	mov	%r9, REGS_R9(BX)
#endif
	pop	DI
	pop	SI
	pop	BP
	pop	BX
	ret
