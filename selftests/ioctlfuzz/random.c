// SPDX-License-Identifier: GPL-2.0
/* Numbers that are likely to hit something. Each thread has a state of its own. */
#include "fuzz.h"
#include "../guest/apic.h"

uint64_t fuzz_random(struct fuzz_thread *t)
{
	t->random ^= t->random << 13;
	t->random ^= t->random >> 7;
	t->random ^= t->random << 17;
	return t->random * 0x2545f4914f6cdd1dULL >> 16;
}

uint64_t fuzz_number(struct fuzz_thread *t)
{
	static const uint64_t edges[] = {
		0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 4095, 4096, 4097,
		0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
		0x7fffffffffffffff, 0x8000000000000000, 0x7ffffffff000, 0x800000000000,
		0xffff800000000000, ~4095ULL, ~1ULL, ~0ULL,
	};

	switch (below(t, 6)) {
	case 0:
	case 1:
		return below(t, 16);
	case 2:
		return one_of(t, edges);
	case 3:
		return BIT_ULL(below(t, 64));
	case 4:
		return BIT_ULL(below(t, 64)) - 1;
	default:
		return fuzz_random(t) << 16 ^ fuzz_random(t);
	}
}

uint64_t fuzz_gpa(struct fuzz_thread *t)
{
	static const uint64_t bases[] = {
		0, SHARED_GPA, FUZZ_CODE, FUZZ_DATA, TABLES_GPA, GUEST_MEM_SIZE, FUZZ_SLOT_GPA,
		FUZZ_SLOT_GPA, FUZZ_SLOT_GPA, APIC_GPA, IOAPIC_GPA, DEVICE_GPA, TSS_GPA,
		IDENTITY_MAP_GPA, 1ULL << 32, 1ULL << 39, 1ULL << 52,
	};

	if (rarely(t, 8))
		return fuzz_number(t);
	return one_of(t, bases) + below(t, 8) * PAGE_SIZE + (rarely(t, 2) ? below(t, 64) * 8 : 0);
}

uint32_t fuzz_gsi(struct fuzz_thread *t)
{
	return rarely(t, 8) ? fuzz_number(t) : below(t, 32);
}

uint32_t fuzz_msr(struct fuzz_thread *t)
{
	static const uint32_t msrs[] = {
		0x0, 0x10, 0x11, 0x12, 0x17, 0x1b, 0x34, 0x3a, 0x3b, 0x48, 0x49, 0x8b, 0x9e, 0xc1,
		0xce, 0xfe, 0x10a, 0x10b, 0x122, 0x140, 0x174, 0x175, 0x176, 0x179, 0x17a, 0x17b,
		0x186, 0x198, 0x1a0, 0x1d9, 0x200, 0x20f, 0x250, 0x258, 0x268, 0x26f, 0x277, 0x280,
		0x2ff, 0x345, 0x38d, 0x38f, 0x400, 0x403, 0x41f, 0x47f, 0x480, 0x491, 0x600, 0x6e0,
		0x802, 0x808, 0x80d, 0x80f, 0x828, 0x830, 0x832, 0x838, 0x83e, 0x83f, 0xd90, 0xda0,
		0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101,
		0xc0000102, 0xc0000103, 0xc0010015, 0xc001001f, 0x4b564d00, 0x4b564d01, 0x4b564d02,
		0x4b564d03, 0x4b564d04, 0x4b564d05, 0x4b564d06, 0x4b564d07, 0x40000000, 0x40000105,
	};

	if (rarely(t, 8))
		return fuzz_number(t);
	return one_of(t, msrs) + (rarely(t, 4) ? below(t, 16) : 0);
}

/* Never this program's own memory: guests and calls write there. */
void *fuzz_hva(struct fuzz_thread *t)
{
	static const uint64_t outside[] = {
		0, 8, 4096, 0x7ffffffff000, 0x7fffffffeff8, 0x800000000000, 0xffff800000000000,
		0xffffffff81000000, ~0ULL, ~7ULL, ~4095ULL,
	};

	if (rarely(t, 16))
		return (void *)one_of(t, outside);
	return fuzz_arena + below(t, fuzz_arena_size / PAGE_SIZE) * PAGE_SIZE +
	       (rarely(t, 3) ? below(t, PAGE_SIZE) : 0);
}

void fuzz_mutate(struct fuzz_thread *t, void *bytes, size_t size)
{
	unsigned int n = 1 + below(t, 4);
	uint64_t number;
	size_t at, len;

	while (size && n--) {
		at = below(t, size);
		len = 1UL << below(t, 4);
		at &= ~(len - 1);
		if (len > size - at)
			len = size - at;
		number = fuzz_number(t);
		if (rarely(t, 2))
			((uint8_t *)bytes)[at] ^= 1 << below(t, 8);
		else
			memcpy((uint8_t *)bytes + at, &number, len);
	}
}
