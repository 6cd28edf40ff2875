// SPDX-License-Identifier: GPL-2.0
/* Switches protection keys on, sets PKRU, and reports how accesses end. */
#include "guest.h"
#include "pkeys.h"

#define CR0_WP		BIT(16)
#define CR4_OSXSAVE	BIT(18)
#define CR4_PKE		BIT(22)
#define XCR0_X87_PKRU	(BIT(0) | BIT(9))
#define CPUID_7_OSPKE	BIT(4)
#define VEC_PF		14

static void wrpkru(u32 pkru)
{
	asm volatile("wrpkru" : : "a"(pkru), "c"(0), "d"(0) : "memory");
}

static u32 rdpkru(void)
{
	u32 pkru, high;

	asm volatile("rdpkru" : "=a"(pkru), "=d"(high) : "c"(0));
	return pkru;
}

static bool ospke(void)
{
	u32 a, b, c, d;

	cpuid(7, 0, &a, &b, &c, &d);
	return c & CPUID_7_OSPKE;
}

static void switch_on(void)
{
	GUEST_CHECK(!ospke());
	write_cr0(read_cr0() | CR0_WP);
	write_cr4(read_cr4() | CR4_OSXSAVE | CR4_PKE);
	asm volatile("xsetbv" : : "c"(0), "a"(XCR0_X87_PKRU), "d"(0));
	GUEST_CHECK(ospke());
}

static void do_read(unsigned long gva)
{
	read8(gva);
}

static void do_write(unsigned long gva)
{
	write8(gva, 0x5a);
}

static void do_copy(unsigned long gva)
{
	unsigned long from = shared()->arg[2];

	asm volatile("movsb" : "+S"(from), "+D"(gva) : : "memory");
}

static void access(void (*fn)(unsigned long gva))
{
	const struct guest_trap *trap = &this_cpu()->trap;
	unsigned long long *result = shared()->result;

	wrpkru(shared()->arg[0]);
	result[PKEYS_FAULTED] = try_call(fn, shared()->arg[1]);
	wrpkru(0);
	GUEST_CHECK(!result[PKEYS_FAULTED] || trap->vector == VEC_PF);
	result[PKEYS_ERROR] = trap->error;
	result[PKEYS_CR2] = trap->cr2;
}

void guest_main(u64 op)
{
	switch (op) {
	case PKEYS_ON:
		switch_on();
		break;
	case PKEYS_ROUND:
		wrpkru(shared()->arg[0]);
		guest_sync();
		shared()->result[0] = rdpkru();
		break;
	case PKEYS_READ:
		access(do_read);
		break;
	case PKEYS_WRITE:
		access(do_write);
		break;
	case PKEYS_COPY:
		access(do_copy);
		break;
	}
}
