#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The module's own life: loading, parameters, refusals, unloading, CPU hotplug. Needs two CPUs.
. "$LAB_LIB"
. ./tests.sh

ko=$LAB_JOB/umbra.ko
parameters=/sys/module/umbra/parameters

loaded() {
	[ -d /sys/module/umbra ]
}

# The last kernel message of the module names this.
dmesg_says() {
	dmesg | grep umbra | tail -n 3 | grep -q "$1" && return
	dmesg | tail -n 3 | sed 's/^/# /'
	return 1
}

# hold NAME=VALUE... -- ARGUMENT...: a process that has a VM, in the background; its id in $holder
hold() {
	env=
	while [ "$1" != -- ]; do
		env="$env $1"
		shift
	done
	shift
	env $env ./hold "$@" >hold.log &
	holder=$!
	tries=0
	until grep -q holding hold.log; do
		tries=$((tries + 1))
		[ $tries -lt 50 ] || return 1
		sleep 0.1
	done
}

release() {
	kill -9 $holder 2>/dev/null
	wait $holder 2>/dev/null
	sleep 0.2
}

runs_guest() {
	env "$@" ./hold once
}

test_load() {
	begin module load
	succeeds load_umbra
	check "it loads" $?
	[ -c /dev/umbra ] && [ -c /dev/umbra-ept ] && [ -c /dev/umbra-shadow ]
	check "three nodes appear" $?
	succeeds rmmod umbra
	check "it unloads" $?
	[ ! -e /dev/umbra ] && [ ! -e /dev/umbra-ept ] && [ ! -e /dev/umbra-shadow ]
	check "the nodes are gone" $?
	bad=0
	for i in 1 2 3 4 5 6 7 8 9 10; do
		load_umbra && rmmod umbra || bad=1
	done
	check "ten times more" $bad
	bad=0
	for i in 1 2 3; do
		load_umbra && runs_guest UMBRA_MMU=shadow && rmmod umbra || bad=1
	done
	check "three times with guests in between" $bad
	finish
}

test_parameters() {
	begin module parameters
	succeeds load_umbra mmu=shadow
	check "mmu=shadow" $?
	[ "$(cat $parameters/mmu)" = shadow ]
	check "can be read back" $?
	succeeds runs_guest
	check "guests run on it" $?
	echo ept >$parameters/mmu && [ "$(cat $parameters/mmu)" = ept ]
	check "mmu can be changed" $?
	fails sh -c "echo nonsense >$parameters/mmu"
	check "not to nonsense" $?
	[ "$(cat $parameters/mmu)" = ept ]
	check "which changes nothing" $?
	rmmod umbra
	fails insmod $ko mmu=nonsense
	check "mmu=nonsense does not load" $?
	loaded && rmmod umbra
	succeeds load_umbra devname=kvm
	check "devname=kvm" $?
	[ -c /dev/kvm ] && [ ! -e /dev/umbra ]
	check "makes it /dev/kvm" $?
	succeeds runs_guest UMBRA_DEV=/dev/kvm
	check "guests run there" $?
	rmmod umbra
	fails insmod $ko devname=a/b
	check "a bad devname does not load" $?
	finish
}

test_busy() {
	begin module in-use
	load_umbra
	for how in idle run; do
		succeeds hold UMBRA_DEV=/dev/umbra -- $how
		check "a process has a VM ($how)" $?
		fails rmmod umbra
		check "the module cannot be unloaded" $?
		[ -c /dev/umbra ]
		check "and stays as it is" $?
		release
	done
	succeeds rmmod umbra
	check "it can when the process is gone" $?
	finish
}

test_kvm() {
	begin module beside-kvm
	load_kvm ept=1
	succeeds hold UMBRA_DEV=/dev/kvm -- run
	check "KVM runs a guest" $?
	fails insmod $ko
	check "Umbra does not load then" $?
	dmesg_says kvm_intel
	check "and names kvm_intel in the log" $?
	kill -0 $holder
	check "KVM's guest lives on" $?
	release
	unload_kvm
	succeeds load_umbra
	check "Umbra loads once KVM is gone" $?
	succeeds runs_guest
	check "guests run" $?
	succeeds rmmod umbra
	check "it unloads" $?
	succeeds load_kvm ept=1
	check "KVM loads after it" $?
	succeeds runs_guest UMBRA_DEV=/dev/kvm
	check "and finds VMX as it left it" $?
	unload_kvm
	finish
}

test_hotplug() {
	begin module hotplug
	online=/sys/devices/system/cpu/cpu1/online
	if [ ! -w $online ]; then
		skip "CPU hotplug" "one CPU"
		finish
		return
	fi
	load_umbra
	for mmu in ept shadow; do
		succeeds hold UMBRA_DEV=/dev/umbra UMBRA_MMU=$mmu -- run
		check "a guest runs ($mmu)" $?
		bad=0
		for i in 1 2 3; do
			# The guest is on the CPU that goes, and comes back to it.
			taskset -p 2 $holder >taskset.log && sleep 0.1 || bad=1
			echo 0 >$online && echo 1 >$online || bad=1
		done
		check "its CPU goes and comes three times" $bad
		kill -0 $holder
		check "the guest lives on" $?
		release
	done
	echo 0 >$online
	succeeds rmmod umbra
	check "the module unloads with a CPU away" $?
	load_umbra
	echo 1 >$online
	succeeds runs_guest
	check "a CPU that comes after loading can be used" $?
	succeeds rmmod umbra
	check "and the module unloads" $?
	finish
}

test_load
test_parameters
test_busy
test_kvm
test_hotplug
