# SPDX-License-Identifier: GPL-2.0
# What the host's mitigations cost on Umbra and on KVM, from files of `umbra bench --save`, and what
# `umbra info` says of them (first file). TAP: nowhere fewer than KVM's, and info tells the truth.
# -v only=ROW,...: which rows.

function result(good, text) {
	printf "%sok %d - %s\n", good ? "" : "not ", ++tests, text
}

# Interrupts and the task switches that they bring have some of their own.
function no_fewer(ours, theirs, row, what,    a, b) {
	a = count[ours, row, what] + 0
	b = count[theirs, row, what] + 0
	result(a >= b - 0.05 - b / 8, sprintf("%s, %s: %s %.2f, KVM %.2f", ours, row, what, a, b))
}

function is_on(name) {
	return info[name] != "" && info[name] !~ /^(off|never)/
}

function truth(name, on, text) {
	result(is_on(name) == on, sprintf("info: mitigation_%s %s: %s", name, info[name], text))
}

FNR == 1 { column = "" }
$1 ~ /^mitigation_/ { sub(/^mitigation_/, "", $1); name = $1; $1 = ""; info[name] = substr($0, 2) }
$1 == "column" { column = $2 }
$1 == "failed" { print "# " column ": " $0; failed++ }
$1 == "hardware" { count[column, $2, $3] = $4 }
$1 == "cost" { cost[column, $2] = $3 }

END {
	rows = split(only, row, ",")
	kinds = split("VERW PRED_CMD FLUSH_CMD RSB_CALL BHB_JUMP", kind, " ")
	result(!failed, "every row gave the right results")
	for (r = 1; r <= rows; r++)
		for (k = 1; k <= kinds; k++) {
			no_fewer("umbra-ept", "kvm-ept1", row[r], kind[k])
			no_fewer("umbra-shadow", "kvm-ept0", row[r], kind[k])
		}
	truth("verw", count["umbra-ept", "cpuid", "VERW"] > 0.5, "VERW before each entry")
	truth("rsb", count["umbra-ept", "cpuid", "RSB_CALL"] > 0.5, "fills after each exit")
	truth("bhi", count["umbra-ept", "cpuid", "BHB_JUMP"] > 0.5, "loops after each exit")
	truth("ibrs", count["umbra-ept", "cpuid", "SPEC_CTRL"] > 0.5, "SPEC_CTRL after each exit")
	truth("ibpb", count["umbra-ept", "two_vms", "PRED_CMD"] > 0.5, "IBPB between two VMs")
	truth("vmscape", count["umbra-ept", "pio", "PRED_CMD"] > 0.5, "IBPB on the way to userspace")
	if (info["l1d_flush"] ~ /reading/)
		result(cost["umbra-ept", "pio"] > cost["umbra-shadow", "pio"] + 2000,
		       "info: mitigation_l1d_flush " info["l1d_flush"] ": pages are read")
	else
		truth("l1d_flush", count["umbra-ept", "pio", "FLUSH_CMD"] > 0.5, "FLUSH_CMD")
	print "1.." tests
}
