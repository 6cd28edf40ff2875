#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Runs the tests that the arguments name on the kernel's own KVM, with EPT and then without.
. "$LAB_LIB"
. ./tests.sh

for ept in 1 0; do
	load_kvm ept=$ept || fail "kvm_intel ept=$ept does not load"
	run_tests kvm-ept$ept UMBRA_DEV=/dev/kvm -- "$@"
done
