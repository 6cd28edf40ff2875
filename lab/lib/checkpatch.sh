# SPDX-License-Identifier: GPL-2.0-only
# The kernel's style checker, taken out of Debian's package of the kernel source.
# The lock "checkpatch" guards $cache_dir/checkpatch.

checkpatch_dir=$cache_dir/checkpatch
checkpatch=$checkpatch_dir/scripts/checkpatch.pl
checkpatch_files='scripts/checkpatch.pl scripts/spelling.txt scripts/const_structs.checkpatch
	.clang-format'

unpack_checkpatch() {
	mkdir -p "$checkpatch_dir"
	# shellcheck disable=SC2046,SC2086 # a list of names
	tar -xf "$source_tarball" -C "$checkpatch_dir" --strip-components=1 \
		$(printf 'linux-source-6.1/%s ' $checkpatch_files)
}

prepare_checkpatch_locked() {
	[ -e "$checkpatch_dir/.done" ] && return
	prepare_source
	quietly checkpatch unpack_checkpatch || die "checkpatch does not unpack"
	: >"$checkpatch_dir/.done"
	say "checkpatch ready"
}

prepare_checkpatch() {
	with_lock checkpatch prepare_checkpatch_locked
}
