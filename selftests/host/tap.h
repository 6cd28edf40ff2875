/* SPDX-License-Identifier: GPL-2.0 */
/*
 * TAP for tests of pure code: ok() reports a case, tap_done() prints the plan and gives the
 * exit status.
 */
#ifndef HOST_TAP_H
#define HOST_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static unsigned int tap_count, tap_failed;

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

__printf(2, 3)
static inline bool ok(bool passed, const char *format, ...)
{
	va_list args;

	printf("%sok %u - ", passed ? "" : "not ", ++tap_count);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	tap_failed += !passed;
	return passed;
}

static inline int tap_done(void)
{
	printf("1..%u\n", tap_count);
	return tap_failed ? 1 : 0;
}

#endif
