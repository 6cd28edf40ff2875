/* SPDX-License-Identifier: GPL-2.0 */
/* TAP output of one test program: numbered results, skips, diagnostics. Any thread may call. */
#ifndef SELFTESTS_TAP_H
#define SELFTESTS_TAP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>

/*
 * Also arms a watchdog that ends a program that hangs: seconds of wall clock, times TEST_SLOWNESS
 * of the environment.
 */
void tap_start(const char *name, unsigned int watchdog);
bool tap_ok(bool pass, const char *what, ...) __printf(2, 3);
bool tap_eq(uint64_t got, uint64_t want, const char *what, ...) __printf(3, 4);
void tap_skip(const char *reason, const char *what, ...) __printf(2, 3);
void tap_diag(const char *what, ...) __printf(1, 2);
/* Prints the plan; the program's exit status. */
int tap_done(void);
/* The test cannot go on at all, for instance because there is no device. */
noreturn void tap_bail(const char *what, ...) __printf(1, 2);

#endif
