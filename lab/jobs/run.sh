#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The main job: one module, the same guests on EPT and on shadow paging, and what each cost.
. "$LAB_LIB"

wait_clock || fail "the clock is not stable"
load_umbra || fail "umbra.ko does not load: $(dmesg | grep umbra | tail -n 1)"
./umbra info || fail "umbra info"
for example in examples/*; do
	[ -x "$example" ] || continue
	echo
	echo "== $example"
	"./$example" || fail "$example ended with status $?"
done
echo
./umbra bench || fail "umbra bench"
unload_umbra || fail "umbra.ko does not unload"
