#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The lab's verdict on a kernel's log: a report of any kind fails the job, what tests cause on purpose
# does not. The first twelve lines were recorded from a module that did all this to the debug kernel,
# the others are as the kernel's source has them.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd -P)
. "$top/lab/lib/machine.sh"
. "$top/selftests/jobs/tests.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/result"

# complains TAINT: about the log on standard input, between lines that are always there.
complains() {
	echo "$1" >"$work/result/tainted"
	{
		echo '[   77.191342] umbra: loading out-of-tree module taints kernel.'
		cat
		echo '[   99.000000] reboot: Power down'
	} >"$work/result/dmesg.txt"
	[ -n "$(kernel_complaint)" ]
}

reports() {
	cat <<'END'
KASAN, a freed object|BUG: KASAN: use-after-free in splat_init+0xc2/0x1000 [splat]
KASAN, out of bounds|BUG: KASAN: slab-out-of-bounds in splat_init+0x11f/0x1000 [splat]
UBSAN, an index|UBSAN: array-index-out-of-bounds in splat.c:24:5
UBSAN, a shift|UBSAN: shift-out-of-bounds in splat.c:26:13
sleeping in atomic context|BUG: sleeping function called from invalid context at splat.c:28
lockdep, the order of locks|WARNING: possible circular locking dependency detected
lockdep, a lock that it cannot know|INFO: trying to register non-static key.
RCU|WARNING: suspicious RCU usage
kmemleak|kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)
a reference count|refcount_t: addition on 0; use-after-free.
a list|list_del corruption. prev->next should be ffff8880049afec0, but was ffff8880049afec8.
WARN|WARNING: CPU: 0 PID: 38 at splat.c:38 splat_init+0x377/0x1000 [splat]
scheduling in atomic context|BUG: scheduling while atomic: insmod/38/0x00000002
lockdep, interrupts|WARNING: inconsistent lock state
lockdep, a lock held on return to userspace|WARNING: lock held when returning to user space!
RCU, a stall|rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:
RCU, a stall on this CPU|rcu: INFO: rcu_preempt self-detected stall on CPU
a life cycle|ODEBUG: free active (active state 0) object type: timer_list hint: 0x0
BUG|kernel BUG at mm/slub.c:435!
a page|BUG: Bad page state in process insmod  pfn:04bc0
a wild pointer|BUG: unable to handle page fault for address: ffffc90000000000
a bad address|general protection fault, probably for non-canonical address 0xdead000000000100: 0000 [#1]
a hung task|INFO: task hold:47 blocked for more than 120 seconds.
a CPU that does not answer|smp: csd: Detected non-responsive CSD lock (#1) on CPU#1, waiting 5000000032 ns
END
}

begin host complaints
complains 4096 </dev/null
[ $? -ne 0 ]
check "a clean log" $?
while IFS='|' read -r what line; do
	echo "[   77.396625] $line" | complains 0
	check "$what" $?
done < <(reports)
for taint in $taint_bad_page $taint_die $taint_warn $taint_lockup; do
	complains $((taint + 4096)) </dev/null
	check "no line, but taint flag $taint" $?
done
complains 4096 <<'END'
[  100.000001] faultinject: vmalloc error: size 4096, failed to allocate pages, mode:0x400dc0, nodemask=(null)
[  100.000002] Call Trace:
[  100.000003]  <TASK>
[  100.000004]  </TASK>
END
[ $? -ne 0 ]
check "vmalloc() tells of an injected failure" $?
complains 4096 <<'END'
[  100.000001] umbra: vmalloc error: size 4096, failed to allocate pages, mode:0x400dc0, nodemask=(null)
[  100.000002] Call Trace:
END
check "but of no other" $?
complains 4096 <<'END'
[    0.792430] RETBleed: WARNING: Spectre v2 mitigation leaves CPU vulnerable to RETBleed attacks, data leaks possible!
END
[ $? -ne 0 ]
check "the kernel's opinion of a mitigation" $?
finish
exit $failed
