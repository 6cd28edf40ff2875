#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The random page-table exerciser for as long as one likes: exerciser.sh SEED SEEDS STEPS. With one
# CPU on each backend and on the real KVM, with more vCPUs that share memory on the backends alone.
. "$LAB_LIB"
. ./tests.sh

options="-s $1 -S $2 -n $3"
cpus=$(grep -c '^processor' /proc/cpuinfo)

# exercise LABEL NAME=VALUE OPTION...
exercise() {
	label=$1 variable=$2
	shift 2
	echo "#BEGIN $label exerciser"
	env "$variable" ./exerciser $options "$@"
	echo "#END $label exerciser $?"
}

if [ "$cpus" -eq 1 ]; then
	for ept in 1 0; do
		load_kvm ept=$ept || fail "kvm_intel ept=$ept does not load"
		exercise kvm-ept$ept UMBRA_DEV=/dev/kvm
	done
	unload_kvm
fi
load_umbra || fail "umbra.ko does not load"
for mmu in ept shadow; do
	if [ "$cpus" -eq 1 ]; then
		exercise umbra-$mmu UMBRA_MMU=$mmu
		exercise umbra-$mmu-storm UMBRA_MMU=$mmu -x
	else
		exercise umbra-$mmu-4 UMBRA_MMU=$mmu -c 4
		exercise umbra-$mmu-storm UMBRA_MMU=$mmu -c 4 -x
	fi
done
unload_umbra || fail "umbra does not unload"
[ "$cpus" -eq 1 ] || exit 0
load_umbra pf_filter=0 || fail "umbra.ko does not load with pf_filter=0"
exercise umbra-shadow-nofilter UMBRA_MMU=shadow
unload_umbra || fail "umbra does not unload"
