#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Runs the tests that the arguments name on shadow paging where every page fault exits, and those of
# huge pages where no large leaf is executable; the audit watches. And those of the local APIC where
# the CPU could run it, and does not.
. "$LAB_LIB"
. ./tests.sh

load_umbra pf_filter=0 audit=64 || fail "umbra.ko does not load"
run_tests umbra-shadow-nofilter UMBRA_MMU=shadow -- "$@"
unload_umbra || fail "umbra does not unload"
load_umbra nx_huge_pages=on audit=1 || fail "umbra.ko does not load"
run_tests umbra-ept-nxhuge UMBRA_MMU=ept -- hugepages
run_tests umbra-shadow-nxhuge UMBRA_MMU=shadow -- hugepages
unload_umbra || fail "umbra does not unload"
load_umbra apicv=0 || fail "umbra.ko does not load"
for mmu in ept shadow; do
	run_tests umbra-$mmu-noapicv UMBRA_MMU=$mmu -- apic apicv irq
done
unload_umbra || fail "umbra does not unload"
