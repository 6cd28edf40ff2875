/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The benchmark guest, in 64-bit mode with the page tables of layout.h.
 *
 * In:  RDI operation, RSI count, RDX first gpa to touch.
 * Out: RAX what the operation read (a sum or the last value), RBX page faults and interrupts; then
 *      OUT to BENCH_END_PORT.
 * Every loop does its operation and nothing else, so that its cost is the operation's.
 */
#include "layout.h"

#define PF_VECTOR	14
#define GATE_INTERRUPT	0x8e00	/* present, DPL 0, 64-bit interrupt gate */
#define KERNEL_CS	0x10

#define CR0_WP_BIT	16
#define CR4_PGE_BIT	7

#define MSR_APIC_BASE	0x1b
#define APIC_X2APIC	0xc00		/* enabled, in x2APIC mode */
#define MSR_TSC_ADJUST	0x3b
#define MSR_DEADLINE	0x6e0
#define X2APIC_EOI	0x80b
#define X2APIC_SPURIOUS	0x80f
#define SPURIOUS_ON	0x1ff
#define X2APIC_ICR	0x830
#define ICR_ASSERT	0x4000
#define X2APIC_TIMER	0x832
#define TIMER_DEADLINE	0x40000
#define X2APIC_SELF_IPI	0x83f
#define PIC_DATA_PORT	0x21
#define IOAPIC_SELECT	0xfec00000
#define IOAPIC_WINDOW	0x10
#define IOAPIC_REG_VERSION 1

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
1:	out	%al, $BENCH_END_PORT
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

/* Reads the page after each change, since a hypervisor may do its work only then. */
op_toggle_wp:
	mov	%cr0, %r8
	mov	%r8, %r9
	btc	$CR0_WP_BIT, %r9
1:	mov	%r9, %cr0
	add	(%rdi), %rax
	mov	%r8, %cr0
	add	(%rdi), %rax
	dec	%rsi
	jnz	1b
	ret

op_toggle_pge:
	mov	%cr4, %r8
	mov	%r8, %r9
	btc	$CR4_PGE_BIT, %r9
1:	mov	%r9, %cr4
	add	(%rdi), %rax
	mov	%r8, %cr4
	add	(%rdi), %rax
	dec	%rsi
	jnz	1b
	ret

op_tsc_adjust:
	mov	$MSR_TSC_ADJUST, %ecx
	xor	%edx, %edx
1:	mov	%esi, %eax
	wrmsr
	dec	%rsi
	jnz	1b
	rdmsr
	ret

/* At each OUT the host asks for an interrupt. */
op_apic_interrupt:
	call	enable_apic
op_interrupt:
	sti
1:	out	%al, $BENCH_PORT
	dec	%rsi
	jnz	1b
	ret

op_self_ipi:
	call	enable_apic
	sti
1:	mov	$X2APIC_SELF_IPI, %ecx
	mov	$VECTOR_APIC, %eax
	xor	%edx, %edx
	wrmsr
	dec	%rsi
	jnz	1b
	xor	%eax, %eax
	ret

op_eoi:
	call	enable_apic
	mov	$X2APIC_EOI, %ecx
1:	wrmsr
	dec	%rsi
	jnz	1b
	ret

/* Due at once; the loop goes on when the interrupt was taken. */
op_deadline:
	call	enable_apic
	sti
1:	lea	1(%rbx), %edi
	rdtsc
	mov	$MSR_DEADLINE, %ecx
	wrmsr
2:	cmp	%edi, %ebx
	jne	2b
	dec	%rsi
	jnz	1b
	xor	%eax, %eax
	ret

/* Never due: another moment in the far future each time, and none in the end. */
op_arm_deadline:
	call	enable_apic
	mov	$MSR_DEADLINE, %ecx
	mov	$BENCH_FAR_DEADLINE, %edx
1:	mov	%esi, %eax
	wrmsr
	dec	%rsi
	jnz	1b
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr
	ret

op_pic_read:
	mov	$PIC_MASK, %eax
	out	%al, $PIC_DATA_PORT
	xor	%eax, %eax
1:	in	$PIC_DATA_PORT, %al
	dec	%rsi
	jnz	1b
	ret

op_ioapic_read:
	mov	$IOAPIC_SELECT, %edi
	movl	$IOAPIC_REG_VERSION, (%rdi)
1:	mov	IOAPIC_WINDOW(%rdi), %eax
	dec	%rsi
	jnz	1b
	ret

/* R9 ticks to wait, R10 interrupts so far, R11 when one was sent, R8 the sum of what they took. */
op_ipi:
	mov	%rdx, %r9
	xor	%r8d, %r8d
	call	enable_apic
	mov	IPI_COUNT, %r10
1:	cmpq	$0, IPI_READY
	je	1b
1:	call	now
	lea	(%rax, %r9), %r11
2:	call	now
	cmp	%r11, %rax
	jb	2b
	mov	%rax, %r11
	inc	%r10
	mov	$X2APIC_ICR, %ecx
	mov	$(ICR_ASSERT | VECTOR_IPI), %eax
	mov	$1, %edx			/* the second vCPU's APIC ID */
	wrmsr
2:	cmp	%r10, IPI_COUNT
	jne	2b
	call	now
	sub	%r11, %rax
	add	%rax, %r8
	dec	%rsi
	jnz	1b
	mov	%r8, %rax
	ret

op_spin:
	call	enable_apic
	movq	$1, IPI_READY
	sti
1:	jmp	1b

op_sleep:
	call	enable_apic
	movq	$1, IPI_READY
1:	sti
	hlt
	jmp	1b

now:
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	ret

/* In x2APIC mode, its timer by deadline; RAX, RCX and RDX are lost. */
enable_apic:
	mov	$MSR_APIC_BASE, %ecx
	rdmsr
	or	$APIC_X2APIC, %eax
	wrmsr
	xor	%edx, %edx
	mov	$X2APIC_SPURIOUS, %ecx
	mov	$SPURIOUS_ON, %eax
	wrmsr
	mov	$X2APIC_TIMER, %ecx
	mov	$(TIMER_DEADLINE | VECTOR_APIC), %eax
	wrmsr
	xor	%eax, %eax
	ret

external_interrupt:
	inc	%ebx
	iretq

apic_interrupt:
	inc	%ebx
end_interrupt:
	push	%rax
	push	%rcx
	push	%rdx
	mov	$X2APIC_EOI, %ecx
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr
	pop	%rdx
	pop	%rcx
	pop	%rax
	iretq

ipi:
	incq	IPI_COUNT
	jmp	end_interrupt

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
	.quad	op_guest_fault, op_check_unmap, op_read_shared, op_toggle_wp, op_toggle_pge
	.quad	op_tsc_adjust, op_interrupt, op_apic_interrupt, op_self_ipi, op_eoi
	.quad	op_deadline, op_arm_deadline, op_pic_read, op_ioapic_read, op_ipi
	.quad	op_spin, op_sleep

	.macro	gate handler
	.word	\handler - _start, KERNEL_CS, GATE_INTERRUPT, GUEST_BASE >> 16
	.quad	0
	.endm

	.balign	16
idt:
	.fill	PF_VECTOR * 2, 8, 0
	gate	page_fault
	.fill	(VECTOR_EXTERNAL - PF_VECTOR - 1) * 2, 8, 0
	gate	external_interrupt
	gate	apic_interrupt
	gate	ipi
idt_pointer:
	.word	idt_pointer - idt - 1
	.quad	idt

	.section .note.GNU-stack, "", @progbits
