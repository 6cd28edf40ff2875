#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Shows that the lab works: the kernel's own KVM loads, with and without EPT.
. "$LAB_LIB"

uname -r
for ept in 1 0; do
	load_kvm ept=$ept || fail "kvm_intel ept=$ept does not load"
	[ -c /dev/kvm ] || fail "no /dev/kvm"
	echo "ept=$ept: /dev/kvm is there, ept parameter $(cat /sys/module/kvm_intel/parameters/ept)"
	unload_kvm || fail "kvm_intel does not unload"
done
wait_clock || fail "no TSC"
echo "processors: $(grep -c ^processor /proc/cpuinfo)" | tee out/cpus
echo "arguments: $*"
