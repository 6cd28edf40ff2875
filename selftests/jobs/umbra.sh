#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Runs the tests that the arguments name on Umbra, on each backend.
. "$LAB_LIB"
. ./tests.sh

# Tests of memory run under the audit: a broken rule is a warning, which fails the job.
audit() {
	case $1 in
	dirtylog) every=512 ;;
	hostmem | memslots | paging | smm | smp | tables | twovms) every=64 ;;
	*) every=0 ;;
	esac
	echo $every >/sys/module/umbra/parameters/audit
}

load_umbra || fail "umbra.ko does not load"
for mmu in ept shadow; do
	for test; do
		audit "$test"
		run_tests umbra-$mmu UMBRA_MMU=$mmu -- "$test"
	done
done
unload_umbra || fail "umbra does not unload"
