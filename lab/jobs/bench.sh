#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Umbra against the kernel's own KVM, one after the other in one boot. Files: umbra.ko (without it
# only KVM is measured), umbra. Arguments go to `umbra bench`.
. "$LAB_LIB"

status=0 columns=
measure() {
	echo "measuring $1"
	shift
	./umbra bench "$@" >bench.log || { status=1; cat bench.log; }
}

wait_clock || fail "the clock is not the TSC"
if [ -e umbra.ko ]; then
	load_umbra || fail "umbra.ko does not load: see dmesg"
	measure umbra --save umbra.bench "$@"
	columns=umbra.bench
	unload_umbra || fail "umbra.ko does not unload"
fi
for ept in 1 0; do
	load_kvm ept=$ept || fail "kvm_intel ept=$ept does not load"
	measure "kvm-intel ept=$ept" --device kvm-ept$ept=/dev/kvm --save kvm-ept$ept.bench "$@"
	columns="$columns kvm-ept$ept.bench"
	unload_kvm || fail "kvm_intel does not unload"
done
cp ./*.bench out/
./umbra report --csv out/bench.csv $columns || status=1
exit $status
