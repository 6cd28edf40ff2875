# SPDX-License-Identifier: GPL-2.0-only
# Builds the kernel "debug" from Debian's source with lab/debug.config. As for the others, the lock
# "kernel-debug" guards $cache_dir/kernel/debug; it is built beside it and then adopted.

debug_build_dir=$cache_dir/debug-kernel
debug_config=$lab_dir/debug.config
debug_tools='flex:flex bison:bison bc:bc /usr/include/libelf.h:libelf-dev'

debug_kernel_inputs() {
	grep '^CONFIG_' "$debug_config" | sha256sum
}

debug_kernel_ready() {
	stamp_is "$debug_build_dir/.stamp" "$(debug_kernel_inputs)"
}

# Without what is large and never compiled: other architectures, most drivers, the documents.
unpack_debug_source() {
	rm -rf "$debug_build_dir"
	mkdir -p "$debug_build_dir"
	tar -xf "$source_tarball" -C "$debug_build_dir" --strip-components=1 --anchored \
		--exclude='*/Documentation/*/*' --exclude='*/sound/*.[ch]' \
		--exclude='*/drivers/gpu/*.[ch]' --exclude='*/drivers/net/*.[ch]' \
		--exclude='*/drivers/media/*.[ch]' --exclude='*/drivers/staging/*.[ch]' \
		--exclude='*/tools/testing/*/*' --exclude='*/arch/[!x]*/*.[chS]' \
		--exclude='*/arch/[!x]*/*.dts*'
}

# Every option asked for must have come out so: a dependency that is missing drops one silently.
configure_debug_kernel() {
	make -s -C "$debug_build_dir" KCONFIG_ALLCONFIG="$debug_config" allnoconfig || return
	! grep '^CONFIG_' "$debug_config" | grep -vxFf "$debug_build_dir/.config"
}

build_debug_kernel() {
	nice -n 10 make -s -C "$debug_build_dir" -j"$(nproc)" bzImage modules
}

prepare_debug_kernel_locked() {
	debug_kernel_ready && return
	prepare_source
	quietly debug-unpack unpack_debug_source || die "the kernel's source does not unpack"
	quietly debug-config configure_debug_kernel || die "lab/debug.config does not fit this kernel"
	say "building the debug kernel (10 to 20 minutes of processor time)"
	quietly debug-build build_debug_kernel || die "the debug kernel does not build"
	adopt_build debug "$debug_build_dir"
	debug_kernel_inputs >"$debug_build_dir/.stamp"
	say "kernel debug ready ($(kernel_version debug))"
}
