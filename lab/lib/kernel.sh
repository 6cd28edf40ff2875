# SPDX-License-Identifier: GPL-2.0-only
# Debian's kernels and their headers, unpacked below $cache_dir/kernel/NAME and never installed.
# The lock "kernel-NAME" guards each of them.

kernel_names='6.1-cloud 6.1 6.12-cloud'
built_kernel_names=debug	# lab/lib/debug_kernel.sh

kernel_root() {
	printf '%s/kernel/%s' "$cache_dir" "${1//\//_}"
}

# The metapackage whose dependency is the current kernel; one without an image serves compiling.
kernel_metapackage() {
	case $1 in
	6.1-cloud) echo linux-image-cloud-amd64 ;;
	6.1) echo linux-headers-amd64 ;;
	6.12-cloud) echo linux-image-6.12-cloud-amd64 ;;
	*) die "no kernel is called '$1' (there are: $kernel_names $built_kernel_names)" ;;
	esac
}

kernel_version() {
	cat "$(kernel_root "$1")/.version"
}

# Is it there, and made from what the tree says now?
kernel_ready() {
	[ -e "$(kernel_root "$1")/.done" ] || return
	[ "$1" != debug ] || debug_kernel_ready
}

kernel_build_dir() {
	printf '%s/lib/modules/%s/build\n' "$(kernel_root "$1")" "$(kernel_version "$1")"
}

# Prints "VERSION PACKAGE..." for one kernel. The headers are those of the very same version.
kernel_packages() {
	local meta concrete version headers
	meta=$(kernel_metapackage "$1")
	concrete=$(depends_of "$meta" '^linux-(image|headers)-[0-9]') || return
	version=${concrete#linux-image-}
	version=${version#linux-headers-}
	headers=linux-headers-$version
	echo "$version" "$concrete" "$headers" "$(depends_of "$headers" '-common')" \
		"$(depends_of "$headers" '^linux-kbuild-')"
}

# Headers point at absolute paths of the machine they are installed on: point them into the root.
relocate_headers() {
	local root=$1 version=$2 link
	sed -i "s#^include /usr/src/#include $root/usr/src/#" "$root"/usr/src/linux-headers-*/Makefile
	for link in "$root/lib/modules/$version"/build "$root/lib/modules/$version"/source; do
		ln -sfn "$root$(readlink "$link")" "$link"
	done
}

unpack_kernel() {
	local name=$1 root packages version
	root=$(kernel_root "$name")
	packages=$(kernel_packages "$name") || return
	version=${packages%% *}
	say "unpacking Linux $version for '$name' (not installed)"
	rm -rf "$root"
	# shellcheck disable=SC2046,SC2086 # a list of names
	unpack_packages "$root" $(printf '%s\n' ${packages#* } | sort -u) || return
	echo "$version" >"$root/.version"
}

prepare_kernel_locked() {
	local name=$1 root version
	root=$(kernel_root "$name")
	[ -e "$root/.done" ] && return
	with_fresh_lists unpack_kernel "$name" ||
		die "$(kernel_metapackage "$name") did not come: is this Debian 12 with its security updates?"
	version=$(kernel_version "$name")
	relocate_headers "$root" "$version"
	if [ -d "$root/lib/modules/$version/kernel" ]; then
		quietly "depmod-$name" /sbin/depmod -b "$root" "$version" || die "depmod fails"
	fi
	: >"$root/.done"
	say "kernel $name ready ($version)"
}

prepare_kernel() {
	if [ "$1" = debug ]; then
		with_lock kernel-debug prepare_debug_kernel_locked
		return
	fi
	kernel_metapackage "$1" >/dev/null
	with_lock "kernel-$1" prepare_kernel_locked "$1"
}

# adopt_build NAME DIR: what was built in DIR becomes the kernel NAME, unless it is already.
adopt_build() {
	local build=$2 root image version
	root=$(kernel_root "$1")
	image=$build/arch/x86/boot/bzImage
	[ -e "$image" ] || die "no kernel in $build (looked for $image)"
	version=$(cat "$build/include/config/kernel.release")
	[ "$root/.done" -nt "$image" ] && [ "$root/.done" -nt "$build/modules.order" ] && return
	rm -rf "$root"
	mkdir -p "$root/boot" "$root/lib/modules/$version"
	[ ! -s "$build/modules.order" ] ||
		quietly modules-install make -s -C "$build" INSTALL_MOD_PATH="$root" modules_install
	cp "$build"/modules.{builtin,builtin.modinfo,order} "$root/lib/modules/$version/"
	cp "$image" "$root/boot/vmlinuz-$version"
	echo "$version" >"$root/.version"
	: >"$root/.done"
}

# adopt_kernel DIR: a kernel built by hand serves like one of Debian's.
adopt_kernel() {
	with_lock "kernel-${1//\//_}" adopt_build "$1" "$1"
}
