#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Runs the tests that the arguments name on EPT, without page-modification logging.
. "$LAB_LIB"
. ./tests.sh

load_umbra pml=0 || fail "umbra.ko does not load"
run_tests umbra-ept-nopml UMBRA_MMU=ept -- "$@"
unload_umbra || fail "umbra does not unload"
