#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Runs the tests that the arguments name, twice: the second module finds what the first left cached
# under the tags that it hands out anew.
. "$LAB_LIB"
. ./tests.sh

for time in first second; do
	load_umbra || fail "umbra.ko does not load"
	for test; do
		run_tests umbra-shadow-$time UMBRA_MMU=shadow -- "$test"
	done
	unload_umbra || fail "umbra does not unload"
done
