#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# On a machine without VMX the module says so and does not load.
. "$LAB_LIB"
. ./tests.sh

begin no-vmx load
fails grep -qw vmx /proc/cpuinfo
check "this machine has no VMX" $?
fails insmod "$LAB_JOB/umbra.ko"
check "the module does not load" $?
dmesg | grep umbra | tail -n 1 | grep -qi 'vmx\|VT-x'
check "one line in the log says why" $?
[ ! -d /sys/module/umbra ] && [ ! -e /dev/umbra ]
check "nothing is left behind" $?
finish
