# SPDX-License-Identifier: GPL-2.0-only
# Debian's QEMU with all it loads, as one folder that a job can take along: $cache_dir/qemu/tree.
# Nothing is installed. The lock "qemu" guards $cache_dir/qemu.

qemu_root=$cache_dir/qemu/root
qemu_tree=$cache_dir/qemu/tree
qemu_files='bios-microvm.bin bios-256k.bin linuxboot_dma.bin multiboot_dma.bin pvh.bin kvmvapic.bin'

# The package, and what it needs that this machine has not.
qemu_packages() {
	apt-get install -s --no-install-recommends qemu-system-x86 2>/dev/null |
		sed -n 's/^Inst \([^ ]*\).*/\1/p'
	echo qemu-system-x86 qemu-system-data seabios
}

unpack_qemu() {
	# shellcheck disable=SC2046 # a list of names
	unpack_packages "$qemu_root" $(qemu_packages | tr ' ' '\n' | sort -u)
}

# The libraries that the loader finds, in the unpacked packages first.
qemu_libraries() {
	LD_LIBRARY_PATH=$(find "$qemu_root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:) \
		ldd "$qemu_root/usr/bin/qemu-system-x86_64" >"$1" || return
	! grep 'not found' "$1" || return
	sed -n 's/.* => \(\/[^ ]*\).*/\1/p; s/^\t\(\/[^ ]*\) (.*/\1/p' "$1"
}

build_qemu_tree() {
	local new=$qemu_tree.new file
	rm -rf "$new"
	mkdir -p "$new/lib" "$new/share"
	qemu_libraries "$cache_dir/qemu/ldd" >"$cache_dir/qemu/libraries" || return
	while read -r file; do
		cp -L "$file" "$new/lib/" || return
	done <"$cache_dir/qemu/libraries"
	cp "$qemu_root/usr/bin/qemu-system-x86_64" "$new/qemu" || return
	strip "$new/qemu" "$new"/lib/*
	for file in $qemu_files; do
		cp -L "$(find "$qemu_root/usr/share" -name "$file" | head -1)" "$new/share/" || return
	done
	rm -rf "$qemu_tree" "$qemu_root"
	mv "$new" "$qemu_tree"
}

prepare_qemu_locked() {
	[ ! -d "$qemu_tree" ] || return 0
	say "fetching QEMU"
	mkdir -p "$cache_dir/qemu"
	with_fresh_lists unpack_qemu || die "QEMU's packages cannot be had"
	quietly qemu-tree build_qemu_tree || die "QEMU's libraries are not complete"
}

prepare_qemu() {
	with_lock qemu prepare_qemu_locked
}
