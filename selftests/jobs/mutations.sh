#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Runs tests under mutations of the module. Arguments: NUMBER:NAME:BACKEND:AUDIT:TEST[,TEST...], a TEST
# with what it is called with behind a "=".
. "$LAB_LIB"

leaks=/sys/kernel/debug/kmemleak
limit=120
[ ! -w $leaks ] || limit=200

# What nobody owns any more, on the debug kernel.
leaked() {
	[ -w $leaks ] || return
	sleep 6
	echo scan >$leaks
	echo scan >$leaks
	grep -A 12 'unreferenced object' $leaks | grep -m 1 -o 'um_[a-z_]*\|[a-z_]*+0x.*umbra' |
		sed 's/^/kmemleak: unreferenced object of /'
	echo clear >$leaks
}

# Lines of the audit and of the kernel's complaints since the last call.
complaints() {
	dmesg -c | sed -n 's/.*umbra: audit: \([a-z]*: [^(]*\) (.*/\1/p; s/.*\(WARNING: .*\)/\1/p; s/.*\(BUG: .*\)/\1/p' |
		sort -u | head -n 8 | tr '\n' ';'
}

# run BACKEND TEST: its status; what it printed is in test.txt.
run() {
	# shellcheck disable=SC2046 # a program and its argument
	UMBRA_MMU=$1 TEST_SLOWNESS=10 timeout $limit ./$(echo "$2" | tr = ' ') >test.txt 2>&1
}

# Was the test ended by its limit, as it is without the mutation?
slow_anyway() {
	[ "$status" -ge 124 ] && [ "$failed" -eq 0 ] || return
	echo 0 >/sys/module/umbra/parameters/mutation
	run "$backend" "$1"
	again=$?
	echo "$nr" >/sys/module/umbra/parameters/mutation
	[ $again -eq "$status" ]
}

try() {
	IFS=: read -r nr name backend audit tests <<-END
		$1
	END
	echo "$audit" >/sys/module/umbra/parameters/audit
	echo "$nr" >/sys/module/umbra/parameters/mutation
	found=
	for test in $(echo "$tests" | tr , ' '); do
		run "$backend" "$test"
		status=$?
		failed=$(grep -c '^not ok' test.txt)
		! slow_anyway "$test" || continue
		[ "$status" -eq 0 ] || found="$found$test: status $status, $failed failed;"
		[ "$failed" -eq 0 ] || found="$found $(grep -m 2 '^not ok' test.txt | tr '\n' ';')"
	done
	found="$found$(complaints)"
	# A scan takes minutes.
	[ -n "$found" ] || found=$(leaked)
	echo 0 >/sys/module/umbra/parameters/mutation
	[ -n "$found" ] && verdict=noticed || verdict=UNSEEN
	echo "RESULT $verdict $1 $found"
}

[ ! -w $leaks ] || echo scan=off >$leaks
load_umbra || fail "umbra.ko does not load"
dmesg -c >/dev/null
for run; do
	try "$run"
done
