/* SPDX-License-Identifier: GPL-2.0 */
/* The agreement between the benchmark's host side and its guests: operations and memory. */
#ifndef GUEST_LAYOUT_H
#define GUEST_LAYOUT_H

/* Operations of bench.S; the host puts one into RDI, the repeat count into RSI. */
#define OP_CPUID	0
#define OP_VMCALL	1
#define OP_RDMSR	2
#define OP_PORT_OUT	3
#define OP_MMIO_WRITE	4
#define OP_MMIO_READ	5
#define OP_TOUCH	6
#define OP_SWITCH_CR3	7
#define OP_CHANGE_PTE	8
#define OP_CHANGE_YOUNG	9
#define OP_MAP_UNMAP	10
#define OP_GUEST_FAULT	11
#define OP_CHECK_UNMAP	12
#define OP_READ_SHARED	13
#define OP_TOGGLE_WP	14
#define OP_TOGGLE_PGE	15
#define OP_TSC_ADJUST	16
#define OP_INTERRUPT	17	/* OUT to BENCH_PORT, with interrupts on */
/* With the interrupt controllers in the kernel. */
#define OP_APIC_INTERRUPT 18	/* the same */
#define OP_SELF_IPI	19
#define OP_EOI		20
#define OP_DEADLINE	21
#define OP_ARM_DEADLINE	22
#define OP_PIC_READ	23
#define OP_IOAPIC_READ	24
#define OP_IPI		25	/* RDX: ticks between two; RAX: ticks until they were taken */
#define OP_SPIN		26	/* what the second vCPU does, for ever */
#define OP_SLEEP	27

#define BENCH_PORT	0x10
#define BENCH_END_PORT	0x11	/* written when the operations are done */
#define BENCH_MMIO_GPA	0xd0000000	/* under 4 GiB and beyond all RAM */
#define BENCH_MSR	0x1b		/* IA32_APIC_BASE: no hypervisor passes it through */
#define BENCH_FAR_DEADLINE 0x7fff	/* upper half of the ticks */
#define BENCH_HYPERCALL	0x7fff		/* nobody's hypercall: answered with -KVM_ENOSYS */

/* Beside the boot tables of cpu.h: two address spaces that differ in one 4K page. */
#define TEST_GVA	0x100000000	/* the first byte after the identity map */
#define TEST_PD_A	0x8000
#define TEST_PT_A	0x9000
#define TEST_PML4_B	0xa000
#define TEST_PDPT_B	0xb000
#define TEST_PD_B	0xc000
#define TEST_PT_B	0xd000
#define TEST_FRAME_X	0x10000		/* what TEST_GVA shows in space A, */
#define TEST_FRAME_Y	0x11000		/* and in space B */
#define IPI_READY	0x12000		/* not 0: the second vCPU takes interrupts */
#define IPI_COUNT	0x12008		/* how many it took */
#define STACK_TOP	0x80000
#define STACK_TOP_2	0x90000		/* the second vCPU's */
#define GUEST_BASE	0x100000	/* where the guests are linked */
#define TOUCH_GPA	0x400000	/* untouched RAM from here on */
#define TOUCH_PT	0x20000		/* 4K tables that map it once more, at TOUCH_GVA */
#define TOUCH_PTS	26
#define TOUCH_GVA	(TEST_GVA + 0x200000)
#define TOUCH_PT_B	0x3a000		/* the same for space B */

#define VECTOR_EXTERNAL	0x40	/* its handler counts */
#define VECTOR_APIC	0x41	/* and tells the APIC */
#define VECTOR_IPI	0x42	/* the same, in IPI_COUNT */

#define PIC_MASK	0x5a	/* what OP_PIC_READ reads */
#define IOAPIC_VERSION	0x170011

#define PTE_NEW		0x03		/* present, writable: the CPU will set accessed */
#define PTE_USED	0x63		/* and accessed and dirty, as Linux writes it */

#endif
