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
		read -r before rest </proc/uptime
		env $env "./$test"
		status=$?
		read -r after rest </proc/uptime
		echo "# took $((${after%.*} - ${before%.*})) s"
		echo "#END $label $test $status"
	done
}

# Results of shell tests: begin LABEL NAME; check WHAT STATUS; skip WHAT REASON; finish
begin() {
	framed="$1 $2" count=0 failed=0
	echo "#BEGIN $framed"
}

check() {
	count=$((count + 1))
	if [ "$2" -eq 0 ]; then
		echo "ok $count - $1"
	else
		failed=1
		echo "not ok $count - $1"
	fi
}

skip() {
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

finish() {
	echo "1..$count"
	echo "#END $framed $failed"
}

# succeeds COMMAND..., fails COMMAND...: the status as check wants it, the output as diagnostics.
succeeds() {
	"$@" >command.log 2>&1
	status=$?
	[ $status -eq 0 ] || sed 's/^/# /' command.log
	return $status
}

fails() {
	! "$@" >command.log 2>&1
}
