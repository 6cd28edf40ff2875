# SPDX-License-Identifier: GPL-2.0-only
# The kernel's style checker, taken out of Debian's package of the kernel source.
# The lock "checkpatch" guards $cache_dir/checkpatch.

checkpatch_dir=$cache_dir/checkpatch
checkpatch=$checkpatch_dir/scripts/checkpatch.pl
checkpatch_files='scripts/checkpatch.pl scripts/spelling.txt scripts/const_structs.checkpatch
	.clang-format'

unpack_checkpatch() {
	local source=$checkpatch_dir/deb/usr/src/linux-source-6.1.tar.xz
	# shellcheck disable=SC2086 # a list of names
	tar -xf "$source" -C "$checkpatch_dir" --strip-components=1 \
		$(printf 'linux-source-6.1/%s ' $checkpatch_files) &&
		rm -rf "$checkpatch_dir/deb"
}

prepare_checkpatch_locked() {
	[ -e "$checkpatch_dir/.done" ] && return
	say "fetching checkpatch (in the kernel source, 137 MB)"
	with_fresh_lists unpack_packages "$checkpatch_dir/deb" linux-source-6.1 ||
		die "linux-source-6.1 did not come"
	quietly checkpatch unpack_checkpatch || die "checkpatch does not unpack"
	: >"$checkpatch_dir/.done"
	say "checkpatch ready"
}

prepare_checkpatch() {
	with_lock checkpatch prepare_checkpatch_locked
}
