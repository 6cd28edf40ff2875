# SPDX-License-Identifier: GPL-2.0-only
# Shell functions for jobs, sourced as `. "$LAB_LIB"`: in the emulated machine and on a real host.

# fail WORDS...: end the job with one clear line.
fail() {
	echo "FAIL: $*"
	exit 1
}

need_vmx() {
	grep -qw vmx /proc/cpuinfo && return
	echo "this machine has no VT-x (no 'vmx' in /proc/cpuinfo): run without LAB=host to use the emulated one"
	return 1
}

# load_kvm ept=1|0 [PARAM=VALUE...]: the kernel's own KVM, afresh.
load_kvm() {
	need_vmx || return
	unload_kvm || return
	# The emulator's idea of posted interrupts is stricter than that of real CPUs.
	[ "$LAB_HOST" = 1 ] || set -- enable_apicv=0 "$@"
	modprobe kvm_intel "$@" && [ -c /dev/kvm ]
}

unload_kvm() {
	[ ! -d /sys/module/kvm_intel ] || modprobe -r kvm_intel
	[ ! -d /sys/module/kvm ] || rmmod kvm 2>/dev/null || true
}

# load_umbra [PARAM=VALUE...]
load_umbra() {
	need_vmx || return
	modprobe irqbypass 2>/dev/null
	insmod "$LAB_JOB/umbra.ko" "$@" || return
	# lab/lib/machine.sh names addresses of the module by this.
	[ -z "${LAB_TLB:-}" ] || echo "# umbra.ko is at $(cat /sys/module/umbra/sections/.text)"
}

unload_umbra() {
	[ ! -d /sys/module/umbra ] || rmmod umbra
}

# wait_clock: no measuring before the kernel has settled on the TSC.
wait_clock() {
	clock=/sys/devices/system/clocksource/clocksource0/current_clocksource
	for try in 1 2 3 4 5 6 7 8 9 10; do
		[ "$(cat $clock)" = tsc ] && return
		sleep 0.5
	done
	echo "the clock source is $(cat $clock), not tsc"
	return 1
}
