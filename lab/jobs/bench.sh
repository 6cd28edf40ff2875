#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Umbra's backends and the kernel's own KVM, with EPT and without, in one boot.
. "$LAB_LIB"

wait_clock || fail "the clock is not stable"
load_umbra || fail "umbra.ko does not load: $(dmesg | grep umbra | tail -n 1)"
for ept in 1 0; do
	load_kvm ept=$ept || fail "kvm_intel ept=$ept does not load"
	echo "== against kvm_intel ept=$ept"
	./umbra bench --device /dev/kvm || fail "umbra bench with kvm_intel ept=$ept"
	unload_kvm || fail "kvm_intel does not unload"
done
unload_umbra || fail "umbra.ko does not unload"
