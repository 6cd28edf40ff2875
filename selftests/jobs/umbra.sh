#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Runs the tests that the arguments name on Umbra, on each backend.
. "$LAB_LIB"
. ./tests.sh

load_umbra || fail "umbra.ko does not load"
for mmu in ept shadow; do
	run_tests umbra-$mmu UMBRA_MMU=$mmu -- "$@"
done
unload_umbra || fail "umbra does not unload"
