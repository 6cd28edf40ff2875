# SPDX-License-Identifier: GPL-2.0-only
# A Linux guest that checks itself and is typed at: sourced by the jobs that boot one.

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

# Those that the job's first argument names.
backends() {
	[ "$1" = umbra ] && echo "ept shadow" || echo "$1"
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

# guest_result NAME CPUS LOG STATUS: what the client ended with, and what the guest printed.
guest_result() {
	result "$4" "the guest on $1 powers itself off"
	for line in "$2 processors" "exit codes add up to 36" "a pipe adds up to 500500" \
		"files agree" "the timer ticks" "heard hello from outside"; do
		grep -q "^guest: $line" "$3"
		result $? "on $1 it prints: $line"
	done
}

# with_typist NAME LOG COMMAND...: its input comes from somebody who reads LOG. Counts the machine's
# instructions up to the first thing that the guest's first process says.
with_typist() {
	name=$1 log=$2
	shift 2
	: >"$log"
	rm -f type said
	mkfifo type said
	type_words "$log" >type &
	typist=$!
	./until guest: <said >>"$log" 2>count &
	keeper=$!
	"$@" <type >said
	status=$?
	wait $keeper
	kill $typist
	sed "s/.*/# $name: & million instructions to its first process/" count
	return $status
}

# start_guests NAME, finish_guests NAME: the frame that the report of the tests looks for.
start_guests() {
	echo "#BEGIN $1 boot"
	build_initrd
}

finish_guests() {
	echo "1..$tests"
	echo "#END $1 boot $failures"
	[ $failures -eq 0 ]
}
