#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# `umbra run` and the tool's errors. Files: umbra, umbra.ko. With the argument "kvm": on the
# kernel's own KVM.
. "$LAB_LIB"

tests=0 failures=0
# expect STATUS TEXT DESCRIPTION COMMAND...: exit status, and a text that the output must hold
expect() {
	status=$1 text=$2 description=$3
	shift 3
	tests=$((tests + 1))
	"$@" >output 2>&1 </dev/null
	got=$?
	if [ $got -eq "$status" ] && { [ -z "$text" ] || grep -qF -e "$text" output; }; then
		echo "ok $tests - $description"
		return
	fi
	echo "not ok $tests - $description"
	echo "# status $got in place of $status, \"$text\" wanted in:"
	sed 's/^/# /' output
	failures=$((failures + 1))
}

# The same bytes in every mode: print "A" to ports 0xe9 and 0x3f8 (by dx), exit with status 7.
printf '\260\101\346\351\146\272\370\003\356\260\007\346\364\364' >protected.bin
printf '\260\101\346\351\272\370\003\356\260\007\346\364\364' >real.bin
printf '\364' >halt.bin
printf '\353\376' >spin.bin
printf '\017\013' >undefined.bin		# UD2, and no IDT: a triple fault

echo "1..15"
expect 125 "there is no /dev/nothing: load the module" "an absent device names the remedy" \
	./umbra run halt.bin --device /dev/nothing
expect 125 "does not speak the KVM ABI" "another device is refused" \
	./umbra run halt.bin --device /dev/null
if [ "$1" = kvm ]; then
	device=/dev/kvm
	load_kvm ept=1 || fail "kvm_intel does not load"
else
	device=/dev/umbra
	load_umbra || fail "umbra.ko does not load: see dmesg"
fi
run="./umbra run --device $device --timeout 5"
expect 7 AA "real mode: consoles and exit status" $run real.bin
expect 7 AA "32-bit: consoles and exit status" $run --entry 32 protected.bin
expect 7 AA "64-bit: consoles and exit status" $run --entry 64 protected.bin
expect 0 "" "HLT ends with status 0" $run halt.bin
expect 124 "still running after 2 s" "a spinning guest is stopped" $run --timeout 2 spin.bin
expect 125 "triple-faulted" "a triple fault is explained" $run --entry 64 undefined.bin
expect 125 "code at gpa 0x100000: 0f 0b" "and shows the instruction" $run --entry 64 undefined.bin
expect 125 "unknown backend" "a wrong backend is named" $run --mmu none halt.bin
expect 125 "--mem must be a number from 1 to 3072" "a wrong size is named" \
	$run --mem 4096 halt.bin
expect 125 "cannot open absent.bin" "an absent file is named" $run absent.bin
expect 125 "this is no bzImage" "boot refuses what is no kernel" \
	./umbra boot umbra --device $device
expect 0 "KVM API version" "info describes the device" ./umbra info --device $device
expect 125 "was not saved by umbra bench" "report refuses other files" ./umbra report halt.bin
if [ "$1" = kvm ]; then
	unload_kvm || fail "kvm_intel does not unload"
else
	unload_umbra || fail "umbra.ko does not unload"
fi
[ $failures -eq 0 ]
