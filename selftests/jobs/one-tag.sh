#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Runs the tests that the arguments name on shadow paging whose roots share one tag.
. "$LAB_LIB"
. ./tests.sh

load_umbra root_tags=0 || fail "umbra.ko does not load"
run_tests umbra-shadow-onetag UMBRA_MMU=shadow -- "$@"
unload_umbra || fail "umbra does not unload"
