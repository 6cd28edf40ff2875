#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A Debian kernel to a script in its userspace and to power-off, typed at over the serial port, with one
# and two vCPUs on each backend. Files: umbra, vmlinuz, umbra.ko. Arguments: umbra or kvm (the kernel's
# own, ept=1 and ept=0), then how many vCPUs there are in each run (1 2).
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

# The guest's first process. What it prints after "guest:" is the result that is looked for.
build_initrd() {
	mkdir -p guest/bin guest/proc guest/dev guest/tmp
	cp /bin/busybox guest/bin/
	cat >guest/init <<-'END'
		#!/bin/busybox sh
		/bin/busybox --install -s /bin
		export PATH=/bin
		mount -t proc proc /proc
		mount -t devtmpfs dev /dev
		mount -t tmpfs tmp /tmp
		echo "guest: $(nproc) processors"
		# A process each, several at a time, and their exit status.
		sum=0
		for i in 1 2 3 4 5 6 7 8; do
			sh -c "exit $i" &
			wait $! || sum=$((sum + $?))
		done
		echo "guest: exit codes add up to $sum"
		seq 1000 | awk '{ s += $1 } END { print "guest: a pipe adds up to " s }'
		# What is written is read back, by another process and after a copy.
		dd if=/dev/urandom of=/tmp/a bs=64k count=32 2>/dev/null
		cp /tmp/a /tmp/b
		cmp /tmp/a /tmp/b && [ "$(md5sum </tmp/a)" = "$(cat /tmp/b | md5sum)" ] && echo "guest: files agree"
		before=$(awk '/timer/ { s += $2 } END { print s }' /proc/interrupts)
		sleep 1
		after=$(awk '/timer/ { s += $2 } END { print s }' /proc/interrupts)
		[ "$after" -gt "$before" ] && echo "guest: the timer ticks"
		echo "guest: say something"
		read -r line
		echo "guest: heard $line"
		poweroff -f
	END
	chmod +x guest/init
	(cd guest && find . | cpio -o -H newc 2>/dev/null) >initrd
}

# The words are typed once the guest asks; a guest that never asks is not typed at.
type_words() {
	for try in $(seq 1 200); do
		grep -q 'say something' "$1" 2>/dev/null && break
		sleep 1
	done
	echo "hello from outside"
	sleep 100
}

# start NAME CPUS OPTION...
start() {
	name=$1 cpus=$2
	shift 2
	log=out/linux-$name.txt
	: >"$log"
	mkfifo "type-$name"
	type_words "$log" >"type-$name" &
	typist=$!
	./umbra boot vmlinuz --initrd initrd --irqchip --cpus "$cpus" --mem 192 --timeout 200 \
		--append "console=ttyS0,115200 quiet nokaslr panic=-1" "$@" <"type-$name" >"$log"
	result $? "the guest on $name powers itself off"
	kill $typist
	for line in "$cpus processors" "exit codes add up to 36" "a pipe adds up to 500500" \
		"files agree" "the timer ticks" "heard hello from outside"; do
		grep -q "^guest: $line" "$log"
		result $? "on $name it prints: $line"
	done
}

each_count() {
	for cpus in $counts; do
		start "$1-$cpus" "$cpus" $2
	done
}

device=${1:-umbra}
[ $# -eq 0 ] || shift
counts=${*:-1 2}
build_initrd
if [ "$device" = kvm ]; then
	for ept in 1 0; do
		load_kvm ept=$ept || fail "kvm_intel ept=$ept does not load"
		each_count kvm-ept$ept "--device /dev/kvm"
	done
	unload_kvm
else
	load_umbra || fail "umbra.ko does not load: see dmesg"
	each_count ept "--mmu ept"
	each_count shadow "--mmu shadow"
	unload_umbra || fail "umbra.ko does not unload"
fi
echo "1..$tests"
[ $failures -eq 0 ]
