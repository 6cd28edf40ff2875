#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What translation costs on Umbra and on the kernel's own KVM, one after the other in one boot. Files:
# umbra.ko, umbra. Arguments go to `umbra bench --tlb`.
. "$LAB_LIB"

status=0 columns=
# measure NAME ARGUMENT...
measure() {
	name=$1
	echo "measuring $name"
	shift
	./umbra bench --tlb --save "$name.tlb" "$@" >bench.log || { status=1; cat bench.log; }
	columns="$columns $name.tlb"
}

wait_clock || fail "the clock is not the TSC"
load_umbra || fail "umbra.ko does not load: see dmesg"
measure umbra "$@"
unload_umbra || fail "umbra.ko does not unload"
for ept in 1 0; do
	load_kvm ept=$ept || fail "kvm_intel ept=$ept does not load"
	measure kvm-ept$ept --device kvm-ept$ept=/dev/kvm "$@"
	unload_kvm || fail "kvm_intel does not unload"
done
load_umbra vpid=0 devname=umbra-vpid0 || fail "umbra.ko does not load with vpid=0: see dmesg"
measure umbra-vpid0 --device ept-vpid0=/dev/umbra-vpid0:ept \
	--device shadow-vpid0=/dev/umbra-vpid0:shadow "$@" --only switch
unload_umbra || fail "umbra.ko does not unload"
load_umbra root_tags=0 devname=umbra-1tag || fail "umbra.ko does not load with root_tags=0: see dmesg"
measure umbra-1tag --device shadow-1tag=/dev/umbra-1tag:shadow "$@" --only switch
unload_umbra || fail "umbra.ko does not unload"
cp ./*.tlb out/
./umbra report --tlb $columns || status=1
exit $status
