#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# On the debug kernel: runs the tests that the arguments name on each backend, then looks for
# memory that nobody owns any more. lab/run looks at the kernel's log.
. "$LAB_LIB"
. ./tests.sh
. ./leaks.sh

# The checks of this kernel take their time.
export TEST_SLOWNESS=10

leaks_on
load_umbra || fail "umbra.ko does not load"
for mmu in ept shadow; do
	run_tests debug-$mmu UMBRA_MMU=$mmu -- "$@"
done
leaks_report
