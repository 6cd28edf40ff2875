# SPDX-License-Identifier: GPL-2.0-only
# Builds Bochs 3.0 from Debian's source package with lab/bochs.patch and lab/instrument, and unpacks
# its firmware. A binary's name tells what it was made from, so trees that differ share a cache.
# The lock "emulator" guards $cache_dir/emulator.

emulator_dir=$cache_dir/emulator
firmware_dir=$emulator_dir/firmware
bochs_sha256=78f6c73d4a6472d5130a87ab9dc306d02c7c71ed8e25b3a8ef642e2a7acd282b
bochs_flags='-O3 -fomit-frame-pointer -pipe'
bochs_options='--with-nogui --enable-smp --enable-cpu-level=6 --enable-x86-64 --enable-vmx=2
	--enable-avx --enable-evex --enable-all-optimizations --enable-pci
	--enable-long-phy-address --enable-memtype --enable-cet --enable-protection-keys
	--enable-repeat-speedups --enable-fast-function-calls --enable-handlers-chaining
	--enable-trace-linking --enable-iodebug --disable-debugger --disable-debugger-gui
	--disable-plugins --disable-docbook --disable-readline --disable-show-ips
	--enable-instrumentation=instrument/umbra'

emulator_inputs() {
	printf '%s\n' "$bochs_sha256 $bochs_flags" "$bochs_options"
	cat "$lab_dir/bochs.patch" "$lab_dir"/instrument/*
}

bochs=$emulator_dir/bochs-$(emulator_inputs | sha256sum | cut -c 1-12)

# Debian trixie's source index is read with a private apt state, so the system's own stays as it is.
fetch_bochs_source() {
	local apt=$emulator_dir/apt uri
	uri=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' \
		'Component: main' 'Created-By: Packages' | sort -u | head -n 1)
	[ -n "$uri" ] || { echo "apt knows no 'bookworm main': is this Debian 12?"; return 1; }
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
	echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri trixie main" \
		>"$apt/sources.list"
	local options=(-o Dir::Etc::SourceList="$apt/sources.list"
		-o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$apt/lists"
		-o Dir::Cache="$apt/cache" -o APT::Sandbox::User=root)
	apt-get "${options[@]}" update &&
		cd "$emulator_dir" &&
		apt-get "${options[@]}" source --download-only --tar-only bochs &&
		echo "$bochs_sha256 $(ls bochs_3.0*.orig.tar.*)" | sha256sum -c
}

unpack_bochs() {
	rm -rf "$emulator_dir/src" "$emulator_dir/build"
	mkdir -p "$emulator_dir/src" "$emulator_dir/build"
	tar -xf "$emulator_dir"/bochs_3.0*.orig.tar.* -C "$emulator_dir/src" --strip-components=1 &&
		patch -d "$emulator_dir/src" -p1 <"$lab_dir/bochs.patch" &&
		patch -d "$emulator_dir/src" -p1 <"$lab_dir/instrument/hooks.patch" &&
		cp -R "$lab_dir/instrument" "$emulator_dir/src/instrument/umbra"
}

build_bochs() {
	cd "$emulator_dir/build" || return
	# shellcheck disable=SC2086 # a list of options
	CFLAGS=$bochs_flags CXXFLAGS=$bochs_flags ../src/configure $bochs_options &&
		make -j"$(nproc)" &&
		strip -o "$bochs.new" bochs &&
		mv "$bochs.new" "$bochs"
}

prepare_firmware() {
	[ -e "$firmware_dir/.done" ] && return
	say "unpacking the emulator's firmware and boot loader"
	with_fresh_lists unpack_packages "$firmware_dir" bochsbios vgabios isolinux syslinux-common \
		busybox-static || die "the firmware packages did not come"
	: >"$firmware_dir/.done"
}

prepare_emulator_locked() {
	mkdir -p "$emulator_dir"
	prepare_firmware
	[ ! -x "$bochs" ] || return 0
	if ! [ -e "$emulator_dir/.fetched" ]; then
		say "fetching the source of Bochs 3.0 (14 MB with the package index)"
		quietly bochs-fetch fetch_bochs_source || die "the source of Bochs did not come"
		: >"$emulator_dir/.fetched"
	fi
	quietly bochs-unpack unpack_bochs || die "a patch of Bochs does not apply"
	say "building Bochs (2 to 4 minutes of processor time)"
	quietly bochs-build build_bochs || die "Bochs does not build"
	rm -rf "$emulator_dir/src" "$emulator_dir/build"
	say "emulator ready"
}

prepare_emulator() {
	with_lock emulator prepare_emulator_locked
}
