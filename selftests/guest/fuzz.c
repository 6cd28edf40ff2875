// SPDX-License-Identifier: GPL-2.0
/*
 * A guest that does anything, without end: memory, devices, ports, MSRs, control registers, its own
 * page tables, random code. Nothing is checked; its host changes all of it meanwhile.
 */
#include "guest.h"
#include "fuzz.h"

#define VEC_NMI		2
#define VEC_FIRST	32
#define APIC_EOI	0xb0
#define CR0_TOGGLES	0x60050008UL	/* TS, WP, AM, NW, CD */
#define CR4_TOGGLES	0x003306ffUL	/* without SMEP and SMAP, VMXE and LA57 */
#define CPUID_HYPERVISOR	0x40000000
#define PTE_TOGGLES	0x1ff

static u32 state[MAX_VCPUS];

static u32 random32(void)
{
	u32 *x = &state[this_id() % MAX_VCPUS];

	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

static unsigned long window(void)
{
	return FUZZ_WINDOW + random32() % FUZZ_PAGES * 4096 + random32() % 4096;
}

static unsigned long data(void)
{
	return FUZZ_DATA + random32() % FUZZ_DATA_PAGES * 4096 + random32() % 4096;
}

static unsigned long anywhere(void)
{
	switch (random32() % 8) {
	case 0:
		return random32();
	case 1:
	case 2:
		return data();
	default:
		return window();
	}
}

static void access_memory(unsigned long how)
{
	unsigned long gva = anywhere(), other = data(), count = how >> 8 & 63;

	switch (how % 8) {
	case 0:
		write8(gva, how);
		break;
	case 1:
		write32(gva, how);
		break;
	case 2:
		write64(gva, how);
		break;
	case 3:
		asm volatile("lock xaddl %%eax, (%0)" : : "r"(gva), "a"(how) : "memory");
		break;
	case 4:
		asm volatile("rep movsb" : "+S"(gva), "+D"(other), "+c"(count) : : "memory");
		break;
	case 5:
		asm volatile("movups %%xmm0, (%0); movups (%0), %%xmm1" : : "r"(gva) : "memory");
		break;
	case 6:
		asm volatile("lock cmpxchg8b (%0)" : : "r"(gva), "a"(how), "d"(0), "b"(1), "c"(2)
			     : "memory");
		break;
	default:
		read32(gva);
	}
}

static void access_port(unsigned long how)
{
	static const u16 ports[] = {
		0x20, 0x21, 0xa0, 0xa1, 0x40, 0x42, 0x43, 0x61, 0x4d0, 0x4d1, 0x70, 0x80, 0x200,
		0x3f8, 0xcf8, 0xffff,
	};
	u16 port = ports[how % ARRAY_SIZE(ports)];
	unsigned long gva = data(), count = how % 32;

	switch (how >> 8 & 7) {
	case 0:
		outb(port, how >> 16);
		break;
	case 1:
		outl(port, how);
		break;
	case 2:
		inb(port);
		break;
	case 3:
		inl(port);
		break;
	case 4:
		asm volatile("rep outsb" : "+S"(gva), "+c"(count) : "d"(port) : "memory");
		break;
	case 5:
		asm volatile("rep insw" : "+D"(gva), "+c"(count) : "d"(port) : "memory");
		break;
	default:
		outw(port, how >> 16);
	}
}

static void access_msr(unsigned long how)
{
	static const u32 msrs[] = {
		0x10, 0x1b, 0x3a, 0x3b, 0x8b, 0xfe, 0x122, 0x174, 0x175, 0x176, 0x179, 0x17b, 0x186,
		0x198, 0x1a0, 0x1d9, 0x200, 0x250, 0x277, 0x2ff, 0x345, 0x38f, 0x400, 0x401, 0x480,
		0x6e0, 0x802, 0x808, 0x80b, 0x80f, 0x830, 0x832, 0x838, 0x83e, 0x83f, 0xda0,
		0xc0000080, 0xc0000081, 0xc0000082, 0xc0000084, 0xc0000100, 0xc0000101,
		0xc0000102, 0xc0000103, 0x11, 0x12, 0x4b564d00, 0x4b564d01, 0x4b564d02, 0x4b564d03,
		0x4b564d04, 0x4b564d05, 0x4b564d06, 0x4b564d07, 0x40000000,
	};
	u32 msr = msrs[how % ARRAY_SIZE(msrs)] + (random32() % 16 ? 0 : random32() % 16);
	u64 value = rdmsr(msr);

	if (how & 0x100)
		value = data() & ~63UL;
	if (how & 0x200)
		value ^= 1ULL << (how >> 10) % 64;
	wrmsr(msr, value);
}

static void change_control(unsigned long how)
{
	unsigned long bit = 1UL << (how >> 8) % 32;

	switch (how % 6) {
	case 0:
		write_cr0(read_cr0() ^ (bit & CR0_TOGGLES));
		break;
	case 1:
	case 2:
		write_cr4(read_cr4() ^ (bit & CR4_TOGGLES));
		break;
	case 3:
		asm volatile("clts; fninit" : : : "memory");
		break;
	case 4:
		asm volatile("xsetbv" : : "a"(how >> 8 & 0xff), "d"(0), "c"(0));
		break;
	default:
		write_cr3(read_cr3());
	}
}

static void change_pte(unsigned long how)
{
	unsigned int page = how % FUZZ_DATA_PAGES, size = shared()->arg[2];
	unsigned long entry = shared()->arg[1];

	if (!entry || (size != 4 && size != 8))
		return;
	entry += page * size;
	write_entry(entry, read_entry(entry, size) ^ (BIT(how >> 8 & 15) & PTE_TOGGLES), size);
	if (how & BIT(20))
		flush_gva(FUZZ_DATA + page * 4096);
	access_memory(how >> 12);
}

static void raise(unsigned long how)
{
	switch (how % 8) {
	case 0:
		asm volatile("int3");
		break;
	case 1:
		asm volatile("int $0x50");
		break;
	case 2:
		asm volatile("ud2");
		break;
	case 3:
		write_flags(read_flags() | X86_FLAGS_TF);
		asm volatile("nop; nop; nop" : : : "memory");
		break;
	case 4:
		asm volatile("sti; hlt; cli" : : : "memory");
		break;
	case 5:
		asm volatile("sti; nop; nop; cli" : : : "memory");
		break;
	case 6:
		asm volatile("hlt");
		break;
	default:
		asm volatile("mov %0, %%dr0; mov %1, %%dr7" : : "r"(data()), "r"(how & 0xffffUL));
	}
}

static void call_host(unsigned long how)
{
	static const u8 others[] = { 1, 5, 9, 10, 11, 12, 0 };
	u32 a, b, c, d;

	switch (how % 6) {
	case 0:
		cpuid((how >> 16 & 31) | (how & BIT(8) ? 0 : CPUID_HYPERVISOR), 0, &a, &b, &c, &d);
		break;
	case 1:
	case 2:
		asm volatile("vmcall" : : "a"(others[(how >> 8) % sizeof(others)]), "b"(how >> 16),
			     "c"(random32()), "d"(random32() & 0xff), "S"(0) : "memory");
		break;
	case 3:
		asm volatile("wbinvd; pause; rdtsc; rdpmc" : : "c"(how >> 8 & 7) : "eax", "edx");
		break;
	case 4:
		asm volatile("monitor; mwait" : : "a"(data()), "c"(0), "d"(0) : "memory");
		break;
	default:
		asm volatile("sgdt (%0); vmxoff" : : "r"(data()) : "memory");
	}
}

/* Bytes that nobody chose. */
static void run_code(unsigned long how)
{
	unsigned long code = FUZZ_CODE + this_id() * 4096 + how % 4096, i;

	for (i = 0; i < 16; i++)
		write8(code + i, random32());
	write8(code + i, 0xc3);
	((void (*)(void))code)();
}

static void one(unsigned long how)
{
	static void (* const acts[])(unsigned long how) = {
		access_memory, access_memory, access_memory, access_port, access_port, access_msr,
		change_control, change_pte, change_pte, raise, call_host, run_code,
	};

	acts[random32() % ARRAY_SIZE(acts)](how);
}

/* At the local APIC, in whichever mode it is. */
static void end_of_interrupt(unsigned long how)
{
	(void)how;
	write32(FUZZ_WINDOW + APIC_EOI, 0);
}

static void on_interrupt(struct trap_frame *frame)
{
	(void)frame;
	try_call(end_of_interrupt, 0);
}

static void on_nmi(struct trap_frame *frame)
{
	(void)frame;
}

void guest_main(u64 op)
{
	unsigned int i;

	for (i = VEC_FIRST; i < 256; i++)
		trap_hooks[i] = on_interrupt;
	trap_hooks[VEC_NMI] = on_nmi;
	state[this_id() % MAX_VCPUS] = shared()->arg[0] | 1;
	for (i = 0; i < 1000; i++)
		try_call(one, random32());
	(void)op;
}
