# SPDX-License-Identifier: GPL-2.0
# Sourced by jobs: runs test programs and frames their TAP for selftests/run-all.

# run_tests LABEL [NAME=VALUE...] -- TEST...
run_tests() {
	label=$1 env=
	shift
	while [ "$1" != -- ]; do
		env="$env $1"
		shift
	done
	shift
	for test; do
		echo "#BEGIN $label $test"
		env $env "./$test"
		echo "#END $label $test $?"
	done
}
