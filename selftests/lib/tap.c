// SPDX-License-Identifier: GPL-2.0
/* Counts and prints TAP results; the counters are guarded by tap_lock. */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tap.h"

static pthread_mutex_t tap_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned int tap_count, tap_failed;

static unsigned int slowness(void)
{
	const char *factor = getenv("TEST_SLOWNESS");

	return factor ? atoi(factor) : 1;
}

void tap_start(const char *name, unsigned int watchdog)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n# %s\n", name);
	alarm(watchdog * slowness());
}

static void tap_result(bool pass, const char *reason, const char *what, va_list args)
{
	pthread_mutex_lock(&tap_lock);
	tap_failed += !pass;
	printf("%sok %u - ", pass ? "" : "not ", ++tap_count);
	vprintf(what, args);
	if (reason)
		printf(" # SKIP %s", reason);
	printf("\n");
	pthread_mutex_unlock(&tap_lock);
}

bool tap_ok(bool pass, const char *what, ...)
{
	va_list args;

	va_start(args, what);
	tap_result(pass, NULL, what, args);
	va_end(args);
	return pass;
}

bool tap_eq(uint64_t got, uint64_t want, const char *what, ...)
{
	va_list args;

	va_start(args, what);
	tap_result(got == want, NULL, what, args);
	va_end(args);
	if (got != want)
		tap_diag("got %#llx (%lld), expected %#llx (%lld)", (unsigned long long)got,
			 (long long)got, (unsigned long long)want, (long long)want);
	return got == want;
}

void tap_skip(const char *reason, const char *what, ...)
{
	va_list args;

	va_start(args, what);
	tap_result(true, reason, what, args);
	va_end(args);
}

void tap_diag(const char *what, ...)
{
	va_list args;

	va_start(args, what);
	pthread_mutex_lock(&tap_lock);
	printf("# ");
	vprintf(what, args);
	printf("\n");
	pthread_mutex_unlock(&tap_lock);
	va_end(args);
}

int tap_done(void)
{
	printf("1..%u\n", tap_count);
	return tap_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

void tap_bail(const char *what, ...)
{
	va_list args;

	va_start(args, what);
	printf("Bail out! ");
	vprintf(what, args);
	printf("\n");
	va_end(args);
	exit(EXIT_FAILURE);
}
