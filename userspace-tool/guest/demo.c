// SPDX-License-Identifier: GPL-2.0
/*
 * The demonstration guest of `umbra compare`: a tiny kernel that uses its paging hardware and
 * says what it sees. Nothing in it knows which backend is underneath.
 */
#include "layout.h"

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

#define CONSOLE_PORT	0xe9
#define EXIT_PORT	0xf4
#define PF_VECTOR	14
#define GATE_INTERRUPT	0x8e
#define KERNEL_CS	0x10
#define FRESH_PAGES	256
#define PAGE		0x1000UL
#define PTE_WRITABLE	2UL

struct gate {
	u16 offset_low, selector;
	u8 ist, type;
	u16 offset_middle;
	u32 offset_high, reserved;
};

struct frame;

static struct gate idt[PF_VECTOR + 1];
static u64 fault_gva, fault_code;

static void out(u16 port, u8 value)
{
	asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

/* Each access happens where it is written: page tables change between them. */
static u64 load(u64 gva)
{
	u64 value;

	asm volatile("mov (%1), %0" : "=r"(value) : "r"(gva) : "memory");
	return value;
}

static void store(u64 gva, u64 value)
{
	asm volatile("mov %1, (%0)" : : "r"(gva), "r"(value) : "memory");
}

static void print(const char *text)
{
	while (*text)
		out(CONSOLE_PORT, *text++);
}

static void print_number(u64 value, unsigned int base)
{
	char text[20];
	unsigned int used = 0;

	do {
		text[used++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (used)
		out(CONSOLE_PORT, text[--used]);
}

static void say(const char *text, u64 value, unsigned int base)
{
	print(text);
	print(base == 16 ? "0x" : "");
	print_number(value, base);
	print("\n");
}

/* Point the page at TEST_GVA elsewhere, 0 = nowhere. */
static void set_pte(u64 pte)
{
	store(TEST_PT_A, pte);
	asm volatile("invlpg (%0)" : : "r"(TEST_GVA) : "memory");
}

static void load_cr3(u64 root)
{
	asm volatile("mov %0, %%cr3" : : "r"(root) : "memory");
}

/* Demand paging by the guest itself: note the fault, map a frame, try again. */
__attribute__((interrupt)) static void page_fault(struct frame *frame, u64 code)
{
	u64 gva;

	(void)frame;
	asm volatile("mov %%cr2, %0" : "=r"(gva));
	fault_gva = gva;
	fault_code = code;
	store(TEST_PT_A, TEST_FRAME_X | PTE_USED);
}

static void load_idt(void)
{
	u64 base = (u64)idt;
	u16 pointer[5] = { sizeof(idt) - 1, base, base >> 16, base >> 32, base >> 48 };
	u64 handler = (u64)page_fault;

	idt[PF_VECTOR] = (struct gate){
		.offset_low = handler,
		.selector = KERNEL_CS,
		.type = GATE_INTERRUPT,
		.offset_middle = handler >> 16,
		.offset_high = handler >> 32,
	};
	asm volatile("lidt %0" : : "m"(pointer));
}

static u64 count_primes(u64 limit)
{
	u64 count = 0, divisor;

	for (u64 n = 2; n < limit; n++) {
		for (divisor = 2; divisor * divisor <= n && n % divisor; divisor++)
			;
		count += divisor * divisor > n;
	}
	return count;
}

static u64 touch_fresh_pages(void)
{
	u64 sum = 0;

	for (u64 i = 0; i < FRESH_PAGES; i++)
		store(TOUCH_GPA + i * PAGE, i);
	for (u64 i = 0; i < FRESH_PAGES; i++)
		sum += load(TOUCH_GPA + i * PAGE);
	return sum;
}

static void show_paging(void)
{
	u64 root;

	say("one gva, address space A:       ", load(TEST_GVA), 16);
	asm volatile("mov %%cr3, %0" : "=r"(root));
	load_cr3(TEST_PML4_B);
	say("the same gva, address space B:  ", load(TEST_GVA), 16);
	load_cr3(root);
	set_pte(TEST_FRAME_Y | PTE_USED);
	say("back in A, page mapped anew:    ", load(TEST_GVA), 16);
	set_pte(0);
	say("unmapped, read, own handler:    ", load(TEST_GVA), 16);
	say("  which saw a fault at gva      ", fault_gva, 16);
	say("  with the error code           ", fault_code, 16);
	set_pte((TEST_FRAME_X | PTE_USED) & ~PTE_WRITABLE);
	store(TEST_GVA, 0x7777);
	say("a read-only page was written:   ", load(TEST_GVA), 16);
	say("  after a fault with error code ", fault_code, 16);
}

void _start(void)
{
	u32 eax = 0, ebx, ecx, edx;

	load_idt();
	print("hello from a 64-bit guest\n");
	asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
	print("this CPU calls itself           ");
	for (int i = 0; i < 12; i++)
		out(CONSOLE_PORT, (i < 4 ? ebx : i < 8 ? edx : ecx) >> i % 4 * 8);
	print("\n");
	say("primes under 20,000:            ", count_primes(20000), 10);
	say("sum over 256 fresh pages:       ", touch_fresh_pages(), 10);
	show_paging();
	out(EXIT_PORT, 0);
	for (;;)
		asm volatile("hlt");
}
