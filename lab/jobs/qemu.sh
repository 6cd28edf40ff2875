#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Debian's QEMU, unmodified, boots a Debian kernel to a script in its userspace and to power-off, with the
# interrupt controllers in the kernel, split and in QEMU. Files: linux_guest.sh, until, vmlinuz, tree (made by
# `lab/prepare qemu`), umbra.ko. Arguments: umbra (or one of its backends, ept, shadow) or kvm, then the ways
# of the controllers (on split off).
. "$LAB_LIB"
. ./linux_guest.sh

qemu="tree/lib/ld-linux-x86-64.so.2 --library-path tree/lib tree/qemu -L tree/share"

# start NAME IRQCHIP
start() {
	log=out/qemu-$1-$2.txt
	with_typist "$1-$2" "$log" timeout 200 $qemu -M microvm -cpu host -accel kvm,kernel-irqchip="$2" -m 192 \
		-nodefaults -display none -no-reboot -serial stdio -kernel vmlinuz* -initrd initrd \
		-append "console=ttyS0,115200 quiet nokaslr panic=-1"
	guest_result "$1-$2" 1 "$log" $?
}

each_way() {
	for way in $ways; do
		start "$1" "$way"
	done
}

device=${1:-umbra}
[ $# -eq 0 ] || shift
ways=${*:-on split off}
start_guests qemu
$qemu --version | head -1 | sed 's/^/# /'
if [ "$device" = kvm ]; then
	for ept in 1 0; do
		load_kvm ept=$ept || fail "kvm_intel ept=$ept does not load"
		each_way kvm-ept$ept
	done
	unload_kvm
else
	for mmu in $(backends "$device"); do
		load_umbra devname=kvm mmu=$mmu || fail "umbra.ko does not load: see dmesg"
		each_way umbra-$mmu
		unload_umbra || fail "umbra.ko does not unload"
	done
fi
finish_guests qemu
