# SPDX-License-Identifier: GPL-2.0-only
# The kernel's source as Debian packages it: the style checker and the debug kernel come from it.
# The lock "source" guards $cache_dir/source.

source_dir=$cache_dir/source
source_tarball=$source_dir/usr/src/linux-source-6.1.tar.xz

prepare_source_locked() {
	[ -e "$source_dir/.done" ] && return
	say "fetching the kernel's source (137 MB)"
	with_fresh_lists unpack_packages "$source_dir" linux-source-6.1 ||
		die "linux-source-6.1 did not come"
	: >"$source_dir/.done"
}

prepare_source() {
	with_lock source prepare_source_locked
}
