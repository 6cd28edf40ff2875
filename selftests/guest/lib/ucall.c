// SPDX-License-Identifier: GPL-2.0
/* The guest's side of the protocol on UCALL_PORT: serve operations, report failed checks. */
#include "lib.h"

void guest_sync(void)
{
	outl(UCALL_PORT, UCALL_SYNC);
}

void guest_fail(const char *text, u64 line, u64 got, u64 want)
{
	struct guest_shared *sh = shared();
	size_t i;

	for (i = 0; text[i] && i < sizeof(sh->fail_text) - 1; i++)
		sh->fail_text[i] = text[i];
	sh->fail_text[i] = '\0';
	sh->fail_line = line;
	sh->fail_got = got;
	sh->fail_want = want;
	outl(UCALL_PORT, UCALL_FAIL);
}

void guest_start(unsigned long id)
{
	cpu_init(id);
	for (;;) {
		guest_main(shared()->op);
		outl(UCALL_PORT, UCALL_DONE);
	}
}

/* The compiler may call these by name. */
void *memset(void *dst, int c, size_t n)
{
	u8 *to = dst;

	while (n--) {
		*to++ = c;
		barrier();
	}
	return dst;
}

void *memcpy(void *dst, const void *src, size_t n)
{
	const u8 *from = src;
	u8 *to = dst;

	while (n--) {
		*to++ = *from++;
		barrier();
	}
	return dst;
}
