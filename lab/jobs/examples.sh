#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Each example must print what it promises. Files: the directory of the examples, umbra.ko. With
# the argument "kvm": on the kernel's own KVM.
. "$LAB_LIB"

tests=0 failures=0
# expect EXAMPLE LAST-LINE
expect() {
	tests=$((tests + 1))
	if ./examples/"$1" $device >"$1.out" 2>&1 && [ "$(tail -n 1 "$1.out")" = "$2" ]; then
		echo "ok $tests - $1"
	else
		echo "not ok $tests - $1"
		failures=$((failures + 1))
	fi
	sed 's/^/# /' "$1.out"
}

echo "1..4"
if [ "$1" = kvm ]; then
	device=/dev/kvm
	load_kvm ept=1 || fail "kvm_intel does not load"
else
	device=/dev/umbra
	load_umbra || fail "umbra.ko does not load: see dmesg"
fi
expect hello "hello from the guest"
expect mmio "the guest stored 10"
expect longmode "20! = 2432902008176640000"
if [ "$1" = kvm ]; then
	echo "ok 4 - twobackends # SKIP KVM has one backend for all VMs"
	unload_kvm || fail "kvm_intel does not unload"
else
	expect twobackends "shadow the guest wrote 4711 at 0x8000 and reads 4711 at 0x10000"
	unload_umbra || fail "umbra.ko does not unload"
fi
[ $failures -eq 0 ]
