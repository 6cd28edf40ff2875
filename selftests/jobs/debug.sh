#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# On the debug kernel: runs the tests that the arguments name on each backend, then looks for
# memory that nobody owns any more. lab/run looks at the kernel's log.
. "$LAB_LIB"
. ./tests.sh

leaks=/sys/kernel/debug/kmemleak
# The checks of this kernel take their time.
export TEST_SLOWNESS=10

# What is found is printed. Objects younger than five seconds are passed over, and the first scan
# that finds an object reports it only if the next one agrees.
find_leaks() {
	sleep 6
	echo scan >$leaks && echo scan >$leaks || return
	sed 's/^/# /' $leaks
	! grep -q 'unreferenced object' $leaks
}

begin debug kernel
echo scan=off >$leaks
check "kmemleak is on" $?
finish

load_umbra || fail "umbra.ko does not load"
for mmu in ept shadow; do
	run_tests debug-$mmu UMBRA_MMU=$mmu -- "$@"
done
# What the tests leak is still leaked then; a scan takes minutes.
echo "# umbra.ko was at $(cat /sys/module/umbra/sections/.text)"
begin debug leaks
unload_umbra || fail "umbra does not unload"
find_leaks
check "nothing is leaked by the tests, nor by unloading" $?
finish
