# SPDX-License-Identifier: GPL-2.0
# Sourced by jobs on the debug kernel, after tests.sh: memory that nobody owns any more.

leaks=/sys/kernel/debug/kmemleak

# What is found is printed. Objects younger than five seconds are passed over, and the first scan
# that finds an object reports it only if the next one agrees.
find_leaks() {
	sleep 6
	echo scan >$leaks && echo scan >$leaks || return
	sed 's/^/# /' $leaks
	! grep -q 'unreferenced object' $leaks
}

# Before the module is loaded.
leaks_on() {
	begin debug kernel
	echo scan=off >$leaks
	check "kmemleak is on" $?
	finish
}

# After the tests; unloads the module.
leaks_report() {
	begin debug leaks
	find_leaks
	check "nothing is leaked by the tests" $?
	unload_umbra || fail "umbra does not unload"
	find_leaks
	check "nor by unloading" $?
	finish
}
