#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# fuzz.sh SECONDS SEED: random ioctls on the debug kernel, half of the time on each backend, then the
# search for what is leaked.
. "$LAB_LIB"
. ./tests.sh
. ./leaks.sh

export TEST_SLOWNESS=10

leaks_on
load_umbra || fail "umbra.ko does not load"
for mmu in ept shadow; do
	echo "#BEGIN fuzz-$mmu ioctlfuzz"
	UMBRA_MMU=$mmu ./ioctlfuzz $(($1 / 2)) "$2"
	echo "#END fuzz-$mmu ioctlfuzz $?"
done
leaks_report
