#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A Debian kernel on each backend up to its memory set-up, the same text from both. Files: umbra,
# vmlinuz, umbra.ko. With the argument "kvm": on the kernel's own KVM, ept=1 and ept=0.
. "$LAB_LIB"

tests=0 failures=0
result() {
	tests=$((tests + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tests - $2"
	else
		echo "not ok $tests - $2"
		failures=$((failures + 1))
	fi
}

# boot NAME OPTION...
boot() {
	name=$1
	shift
	./umbra boot vmlinuz --append "earlyprintk=ttyS0,115200 nokaslr" \
		--until "Booting paravirtualized" --timeout 120 "$@" >"out/boot-$name.txt"
	result $? "the kernel starts on $name"
	grep -q '^.*Linux version ' "out/boot-$name.txt"
	result $? "its version banner appears on $name"
	[ "$(grep -c 'BIOS-e820: .* usable' "out/boot-$name.txt")" -eq 2 ]
	result $? "its memory map appears on $name"
}

echo "1..7"
if [ "$1" = kvm ]; then
	for ept in 1 0; do
		load_kvm ept=$ept || fail "kvm_intel ept=$ept does not load"
		boot kvm-ept$ept --device /dev/kvm
	done
	unload_kvm
	set -- kvm-ept1 kvm-ept0
else
	load_umbra || fail "umbra.ko does not load: see dmesg"
	boot ept --mmu ept
	boot shadow --mmu shadow
	unload_umbra || fail "umbra.ko does not unload"
	set -- ept shadow
fi
grep -E 'Linux version|Command line|BIOS-e820' "out/boot-$1.txt" | tee banner-1
grep -E 'Linux version|Command line|BIOS-e820' "out/boot-$2.txt" >banner-2
cmp banner-1 banner-2
result $? "banner and memory map are the same on $1 and $2"
[ $failures -eq 0 ]
