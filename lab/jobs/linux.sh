#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A Debian kernel to a script in its userspace and to power-off, typed at over the serial port, with one
# and two vCPUs on each backend. Files: linux_guest.sh, until, umbra,
# vmlinuz, umbra.ko. Arguments: umbra (or one of its backends, ept, shadow) or kvm (the kernel's own,
# ept=1 and ept=0), then how many vCPUs there are in each run (1 2).
. "$LAB_LIB"
. ./linux_guest.sh

# start NAME CPUS OPTION...
start() {
	name=$1 cpus=$2 log=out/linux-$1.txt
	shift 2
	with_typist "$name" "$log" ./umbra boot vmlinuz* --initrd initrd --irqchip --cpus "$cpus" \
		--mem 192 --timeout 200 --append "console=ttyS0,115200 quiet nokaslr panic=-1" "$@"
	guest_result "$name" "$cpus" "$log" $?
}

each_count() {
	for cpus in $counts; do
		start "$1-$cpus" "$cpus" $2
	done
}

device=${1:-umbra}
[ $# -eq 0 ] || shift
counts=${*:-1 2}
start_guests linux
if [ "$device" = kvm ]; then
	for ept in 1 0; do
		load_kvm ept=$ept || fail "kvm_intel ept=$ept does not load"
		each_count kvm-ept$ept "--device /dev/kvm"
	done
	unload_kvm
else
	load_umbra || fail "umbra.ko does not load: see dmesg"
	for mmu in $(backends "$device"); do
		each_count "$mmu" "--mmu $mmu"
	done
	unload_umbra || fail "umbra.ko does not unload"
fi
finish_guests linux
