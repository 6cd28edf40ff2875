/* SPDX-License-Identifier: GPL-2.0 */
/* Protection keys: the host asks for PKRU and one access, the guest reports what came of it. */
#ifndef SELFTESTS_PKEYS_H
#define SELFTESTS_PKEYS_H

/* CR4.PKE, XCR0.PKRU and CR0.WP set; CPUID.OSPKE follows. */
#define PKEYS_ON	0
/* WRPKRU of arg[0], a word to the host, then result[0] = RDPKRU. */
#define PKEYS_ROUND	1
/* PKRU = arg[0], then an access at gva arg[1]; arg[2]: where PKEYS_COPY reads. */
#define PKEYS_READ	2
#define PKEYS_WRITE	3
#define PKEYS_COPY	4	/* one byte, by one instruction */

/* Of the accesses. */
#define PKEYS_FAULTED	0	/* result[]: 0 or 1, then the exception */
#define PKEYS_ERROR	1
#define PKEYS_CR2	2

#endif
