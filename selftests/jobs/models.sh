#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Runs tests on Umbra on another CPU model: models.sh BACKEND[,BACKEND...] TEST...
. "$LAB_LIB"
. ./tests.sh

backends=$1
shift
parameter=/sys/module/umbra/parameters/mmu

begin model load
if [ "$backends" = shadow ]; then
	fails load_umbra mmu=ept
	check "mmu=ept does not load" $?
	dmesg | grep umbra | tail -n 1 | grep -q mmu=shadow
	check "and the log names the remedy" $?
fi
succeeds load_umbra
check "it loads" $?
[ "$(cat $parameter)" = "${backends%%,*}" ]
check "the default is ${backends%%,*}" $?
finish

for mmu in $(echo "$backends" | tr , ' '); do
	run_tests umbra-$mmu UMBRA_MMU=$mmu -- "$@"
done
unload_umbra || fail "umbra does not unload"
