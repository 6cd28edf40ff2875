# SPDX-License-Identifier: GPL-2.0
# Reads what jobs print (TAP framed by #BEGIN and #END lines), prints failures in full, counts.
# -v want=N: how many framed tests there must be. -v job=NAME. Last line: "COUNT pass fail skip".

function fault(text) {
	print "FAIL " job ": " where text
	fail++
}

function begin() {
	if (where)
		fault("did not end")
	where = $2 " " $3 ": "
	results = 0
	bad = 0
	plan = -1
	held = ""
	framed++
}

function end() {
	if (plan != results)
		fault("plan " plan ", results " results ", status " $4)
	else if (!results)
		fault("no result")
	else if ($4 != 0 && !bad)
		fault("status " $4)
	where = ""
}

function result(good) {
	results++
	showing = 0
	if (!good) {
		printf "%s", held
		print "FAIL " job ": " where $0
		fail++
		bad++
		showing = 1
	} else if (/# SKIP/) {
		print "skip " job ": " where $0
		skip++
	} else {
		pass++
	}
	held = ""
}

{ sub(/\r$/, "") }
/^#BEGIN / { begin(); next }
/^#END / { end(); next }
/^ok / { result(1); next }
/^not ok / { result(0); next }
/^1\.\.[0-9]+$/ { plan = substr($0, 4) + 0; next }
/^Bail out!/ { fault($0); bad++; next }
/^STALE / { fault($0); bad++; showing = 1; next }
/^FAIL: / { fault($0); next }
/^#/ { if (showing) print "  " $0; else held = held "  " $0 "\n" }

END {
	if (where)
		fault("did not end")
	if (framed < want)
		fault("ran " framed + 0 " of " want " tests")
	print "COUNT", pass + 0, fail + 0, skip + 0
}
