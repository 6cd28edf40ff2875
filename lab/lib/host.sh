# SPDX-License-Identifier: GPL-2.0-only
# LAB=host: the job runs on this very machine, in a directory of its own, as root.

host_tainted() {
	cat /proc/sys/kernel/tainted
}

host_marker="umbra lab $$: the job starts"

mark_kernel_log() {
	echo "$host_marker" | as_root tee /dev/kmsg >/dev/null
}

kernel_log_since_mark() {
	as_root dmesg | awk -v mark="$host_marker" 'seen { print } index($0, mark) { seen = 1 }'
}

run_on_host() {
	local status=0 before had_kvm=0
	grep -qw vmx /proc/cpuinfo ||
		die "this machine has no VT-x (no 'vmx' in /proc/cpuinfo): run without LAB=host to use the emulated one"
	[ ! -d /sys/module/kvm_intel ] || had_kvm=1
	mkdir -p "$work/job/out" "$work/result"
	stage_job "$work/job" "${files[@]}"
	before=$(host_tainted)
	mark_kernel_log
	(cd "$work/job" && as_root env LAB_LIB="$lab_dir/guest/lib.sh" LAB_JOB="$work/job" LAB_HOST=1 \
		timeout -k 5 "$limit" "./$(basename "${files[0]}")" "${job_args[@]}") || status=$?
	[ "$had_kvm" -eq 0 ] || [ -d /sys/module/kvm_intel ] || as_root modprobe kvm_intel || true
	kernel_log_since_mark >"$work/result/dmesg.txt"
	echo $(($(host_tainted) & ~before)) >"$work/result/tainted"
	mv "$work/job/out" "$work/result/out"
	[ "$status" -eq 124 ] || echo "$status" >"$work/result/status"
	verdict "$status"
}
