# SPDX-License-Identifier: GPL-2.0-only
# What every lab command shares: paths, progress lines, locks, quiet logs. Sourced by bash scripts.

LAB=${LAB:-}
lab_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
top_dir=$(dirname "$lab_dir")
cache_dir=$(realpath -m "${UMBRA_CACHE:-$top_dir/.cache}")
default_kernel=6.1-cloud

say() {
	printf 'lab: [%3d s] %s\n' "$SECONDS" "$*" >&2
}

die() {
	printf 'lab: error: %s\n' "$*" >&2
	exit "${die_status:-125}"
}

# Run a step that may take long: its output goes to a log that is shown only when it fails.
quietly() {
	local log=$cache_dir/log/$1.log
	shift
	mkdir -p "$cache_dir/log"
	if ! "$@" >"$log" 2>&1 </dev/null; then
		printf 'lab: this failed: %s\nlab: the end of %s:\n' "$*" "$log" >&2
		tail -n 30 "$log" >&2
		return 1
	fi
}

# with_lock NAME COMMAND...: one holder per cache, whatever number of lab commands run at once.
with_lock() {
	local name=$1
	shift
	mkdir -p "$cache_dir/lock"
	(
		flock -n 9 || { say "waiting for another lab command ($name)"; flock 9; }
		"$@"
	) 9>"$cache_dir/lock/$name"
}

# stamp_is FILE TEXT: was the thing beside FILE made from the inputs that TEXT names?
stamp_is() {
	[ -f "$1" ] && [ "$(cat "$1")" = "$2" ]
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "root is needed for: $* (run as root, or install sudo)"
	fi
}
