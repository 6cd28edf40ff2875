#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What the mitigations of this boot's command line do around VM entry and exit, counted by the
# emulator, on Umbra and on KVM. Files: umbra.ko, umbra, mitigations.awk, tests.sh, speculation.
. "$LAB_LIB"
. ./tests.sh

rows=cpuid,pio,two_vms

wait_clock || fail "the clock is not the TSC"
load_umbra || fail "umbra.ko does not load"
grep ^mitigation_ /sys/kernel/debug/umbra/info | sed 's/:/ /' >info
./umbra bench --only $rows --iterations 400 --save umbra.bench >/dev/null
modprobe msr
run_tests umbra-ept UMBRA_MMU=ept -- speculation
run_tests umbra-shadow UMBRA_MMU=shadow -- speculation
unload_umbra || fail "umbra.ko does not unload"
for ept in 1 0; do
	load_kvm ept=$ept || fail "kvm_intel ept=$ept does not load"
	./umbra bench --only $rows --iterations 400 --device kvm-ept$ept=/dev/kvm \
		--save kvm-ept$ept.bench >/dev/null
	run_tests kvm-ept$ept UMBRA_DEV=/dev/kvm -- speculation
	unload_kvm || fail "kvm_intel does not unload"
done
echo "#BEGIN mitigations $1"
awk -v only=$rows -f mitigations.awk info umbra.bench kvm-ept1.bench kvm-ept0.bench
echo "#END mitigations $1 $?"
