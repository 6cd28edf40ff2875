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

	.macro	BIT_NR nr, insn:vararg
	mov	$\nr, %ecx
	\insn
	.endm

	.macro	WITH_BX insn:vararg
	push	BX
	mov	DX, BX
	\insn
	pop	BX
	.endm

	.macro	XLAT
	push	BX
	lea	-0x88(DI), BX
	xlatb
	pop	BX
	.endm

	/* A jump through the operand to the next instruction; CALL leaves its return address. */
	.macro	TO_LABEL insn
#ifdef __x86_64__
	lea	1f(%rip), %rax
#else
	mov	$1f, %eax
#endif
	mov	AX, (DI)
	push	BP
	mov	%esp, %ebp
	\insn	*(DI)
1:	mov	%ebp, %esp
	pop	BP
	.endm

	.macro	SREG to
	mov	\to, (DI)
	mov	(DI), \to
	.endm

	/* Between the operand and RAM, through one register. */
	.macro	LOAD_XMM insn
	movups	(SI), %xmm1
	\insn	(DI), %xmm1
	movups	%xmm1, (SI)
	.endm

	.macro	STORE_XMM insn
	movups	(SI), %xmm1
	\insn	%xmm1, (DI)
	.endm

	.macro	LOAD_YMM insn
	vmovups	(SI), %ymm9
	\insn	(DI), %ymm9
	vmovups	%ymm9, (SI)
	.endm

	.macro	STORE_YMM insn
	vmovups	(SI), %ymm9
	\insn	%ymm9, (DI)
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

	FORM	shld_imm, 4, 1, 1, SHIFT, 0, shldl $5, %eax, (DI)
	FORM	shrd_cl, 4, 1, 1, SHIFT, 0, shrdl %cl, %eax, (DI)
	FORM	rcl_1, 4, 1, 1, CARRY, 0, rcll $1, (DI)
	FORM	rcr_imm, 2, 1, 1, CARRY, 0, rcrw $3, (DI)
	FORM	ror_cl, 1, 1, 1, CARRY, 0, rorb %cl, (DI)
	FORM	btc_imm, 4, 1, 1, CARRY, 0, btcl $7, (DI)
	FORM	bt_beyond, 4, 1, 0, CARRY, 0, BIT_NR 70, btl %ecx, (DI)
	FORM	lock_bts_below, 4, 1, 1, CARRY, 0, BIT_NR -35, lock btsl %ecx, (DI)
	FORM	bsf, 4, 1, 0, FLAG_ZF, 0, bsfl (DI), %eax
	FORM	bsr, 4, 1, 0, FLAG_ZF, 0, bsrl (DI), %eax
	FORM	lock_xadd_w, 2, 1, 1, ARITH, 0, lock xaddw %ax, (DI)
	FORM	lock_not_b, 1, 1, 1, NONE, 0, lock notb (DI)
	FORM	lock_dec_l, 4, 1, 1, ARITH, 0, lock decl (DI)
	FORM	cmpxchg8b, 8, 1, 1, FLAG_ZF, 0, WITH_BX cmpxchg8b (DI)
	FORM	lock_cmpxchg8b, 8, 1, 1, FLAG_ZF, 0, WITH_BX lock cmpxchg8b (DI)
	FORM	xlat, 1, 1, 0, NONE, 0, XLAT
	FORM	jmp_mem, WORD, 1, 1, NONE, 0, TO_LABEL jmp
	FORM	call_mem, WORD, 1, 1, NONE, 0, TO_LABEL call
	FORM	mov_from_sreg, 2, 0, 1, NONE, 0, mov %ds, (DI)
	FORM	mov_to_sreg, 2, 1, 1, NONE, 0, SREG %es
	FORM	mov_to_ss, 2, 1, 1, NONE, 0, SREG %ss

	/* Vector registers: 16 bytes are two exits. Those that KVM has not are ours alone. */
	.macro	VECTOR name, width, count, how, insn
	FORM	\name\()_load, \width, \count, 0, NONE, \how, LOAD_XMM \insn
	FORM	\name\()_store, \width, 0, \count, NONE, \how, STORE_XMM \insn
	.endm
	VECTOR	movups, 8, 2, HOW_ANYWHERE, movups
	VECTOR	movupd, 8, 2, 0, movupd
	VECTOR	movaps, 8, 2, 0, movaps
	VECTOR	movdqa, 8, 2, 0, movdqa
	VECTOR	movdqu, 8, 2, HOW_ANYWHERE, movdqu
	VECTOR	movss, 4, 1, HOW_OURS, movss
	VECTOR	movsd, 8, 1, HOW_OURS, movsd
	VECTOR	movd, 4, 1, HOW_OURS, movd
	VECTOR	movlps, 8, 1, HOW_OURS, movlps
	VECTOR	movhps, 8, 1, HOW_OURS, movhps
	FORM	movntps, 8, 0, 2, NONE, 0, STORE_XMM movntps
	FORM	movntdq, 8, 0, 2, NONE, 0, STORE_XMM movntdq

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
	FORM	repe_scas_\s, \width, 1, 0, ARITH, 0, repe scas\s
	FORM	repne_cmps_\s, \width, 3, 0, ARITH, 0, repne cmps\s
	FORM	repe_cmps_from_\s, \width, 1, 0, ARITH, 0, SWAPPED repe cmps\s
	FORM	rep_lods_\s, \width, 3, 0, NONE, 0, SWAPPED rep lods\s
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
	FORM	cmpxchg16b, 8, 2, 2, FLAG_ZF, HOW_OURS, WITH_BX cmpxchg16b (%rdi)
	FORM	lock_cmpxchg16b, 8, 2, 2, FLAG_ZF, HOW_OURS, WITH_BX lock cmpxchg16b (%rdi)
	VECTOR	vmovups_16, 8, 2, HOW_AVX, vmovups
	VECTOR	vmovaps_16, 8, 2, HOW_AVX, vmovaps
	FORM	vmovups_32_load, 8, 4, 0, NONE, HOW_AVX, LOAD_YMM vmovups
	FORM	vmovups_32_store, 8, 0, 4, NONE, HOW_AVX, STORE_YMM vmovups
	FORM	vmovdqu_32_load, 8, 4, 0, NONE, HOW_AVX|HOW_ANYWHERE, LOAD_YMM vmovdqu
	FORM	vmovdqa_32_store, 8, 0, 4, NONE, HOW_AVX, STORE_YMM vmovdqa
	FORM	vmovntdq_32, 8, 0, 4, NONE, HOW_AVX, STORE_YMM vmovntdq
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
