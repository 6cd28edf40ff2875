#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The main job: the same guest on EPT and on shadow paging, compared. Files: umbra.ko, umbra.
. "$LAB_LIB"

wait_clock || fail "the clock is not the TSC"
load_umbra || fail "umbra.ko does not load: see dmesg"
./umbra compare "$@"
status=$?
unload_umbra || fail "umbra.ko does not unload"
exit $status
