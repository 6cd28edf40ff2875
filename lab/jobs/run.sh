#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The main job: the same guest on EPT and on shadow paging, compared. Files: umbra.ko, umbra,
# the directory of the examples.
. "$LAB_LIB"

wait_clock || fail "the clock is not the TSC"
load_umbra || fail "umbra.ko does not load: see dmesg"
for example in hello mmio longmode twobackends; do
	echo "--- examples/$example"
	./examples/$example || fail "the example $example"
done
echo "--- umbra compare"
./umbra compare "$@"
status=$?
unload_umbra || fail "umbra.ko does not unload"
exit $status
