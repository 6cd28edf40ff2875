#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs the kernel's KVM selftests: kvm.sh COLUMN[,COLUMN...] TEST... Columns: kvm-ept1, kvm-ept0
# (the kernel's own KVM), umbra-ept, umbra-shadow (where ./kvm-tests.list says what must pass).
# Prints "RESULT COLUMN TEST pass|skip|fail|time SECONDS" for each, and TAP for Umbra's.
. "$LAB_LIB"

columns=$(echo "$1" | tr , ' ')
shift
limit=60	# seconds of the guest's clock for one test

# The tests ask the parameters of kvm_intel: those of Umbra are named here, in this machine alone.
fake_parameters() {
	mkdir -p parameters/kvm_intel/parameters parameters/kvm/parameters
	for pair in ept=Y unrestricted_guest=Y nested=N enable_pmu=N; do
		echo "${pair#*=}" >"parameters/kvm_intel/parameters/${pair%=*}"
	done
	echo never >parameters/kvm/parameters/nx_huge_pages
	mount --bind parameters /sys/module
}

load() {
	case $1 in
	kvm-ept1) load_kvm ept=1 ;;
	kvm-ept0) load_kvm ept=0 ;;
	umbra-*) load_umbra devname=kvm mmu="${1#umbra-}" && fake_parameters ;;
	*) false ;;
	esac || fail "$1 does not load"
}

unload() {
	case $1 in
	kvm-*) unload_kvm ;;
	umbra-*) umount /sys/module && unload_umbra ;;
	esac || fail "$1 does not unload"
}

result_of() {
	case $1 in
	0) echo pass ;;
	4) echo skip ;;
	124 | 137 | 143) echo time ;;
	*) echo fail ;;
	esac
}

# The line of a test names the backends on which it must pass.
must_pass() {
	grep -q "^$1[[:space:]].*\b${2#umbra-}\b" kvm-tests.list
}

# Some ask for more memory than there is, unless told otherwise.
args_of() {
	sed -n "s/^args[[:space:]]*$1[[:space:]]//p" kvm-tests.list
}

# One line of TAP: what the list names must pass; what it does not may do as it likes.
judge() {
	column=$1 test=$2 result=$3 reason=$4
	if must_pass "$test" "$column"; then
		[ "$result" = pass ] && echo "ok 1 - $test" || echo "not ok 1 - $test is listed: $result"
	elif [ "$result" = pass ]; then
		echo "ok 1 - $test # add it to kvm-tests.list"
	else
		echo "ok 1 - $test # SKIP $result: $reason"
	fi
	echo "1..1"
}

run() {
	column=$1 test=$2
	read -r before rest </proc/uptime
	# shellcheck disable=SC2046 # arguments
	timeout -s KILL $limit "./tests/$test" $(args_of "$test") >test.log 2>&1 </dev/null
	status=$?
	read -r after rest </proc/uptime
	result=$(result_of $status)
	echo "RESULT $column $test $result $((${after%.*} - ${before%.*}))"
	case $column in
	umbra-*)
		echo "#BEGIN $column $test"
		[ "$result" = pass ] || tail -n 12 test.log | cut -c 1-160 | sed 's/^/# /'
		judge "$column" "$test" "$result" "$(grep -m 1 -E 'SKIP|==== |skip' test.log | tr -d '#')"
		echo "#END $column $test $(must_pass "$test" "$column" && [ "$result" != pass ] && echo 1 || echo 0)"
		;;
	*)
		[ "$result" = pass ] || tail -n 6 test.log | cut -c 1-160 | sed 's/^/# /'
		;;
	esac
}

for column in $columns; do
	load "$column"
	for test; do
		run "$column" "$test"
	done
	unload "$column"
done
