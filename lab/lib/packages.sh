# SPDX-License-Identifier: GPL-2.0-only
# Debian packages: installs what the build needs, downloads and unpacks what only the lab needs.
# The lock "apt" guards the system's package state.

# command or file : package that has it
host_tools='gcc:gcc g++:g++ make:make ld:binutils /usr/include/stdio.h:libc6-dev xorriso:xorriso
	cpio:cpio depmod:kmod xz:xz-utils patch:patch flock:util-linux gzip:gzip perl:perl-base
	gcc-12:gcc-12 /usr/lib/x86_64-linux-gnu/libelf.so.1:libelf1'

apt_quiet=(-q -o DPkg::Lock::Timeout=300 -o APT::Sandbox::User=root)

missing_packages() {
	local pair
	for pair in "$@"; do
		case $pair in
		/*) [ -e "${pair%%:*}" ] || printf '%s\n' "${pair#*:}" ;;
		*) PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%:*}" >/dev/null ||
			printf '%s\n' "${pair#*:}" ;;
		esac
	done
}

apt_update() {
	quietly apt-update as_root apt-get "${apt_quiet[@]}" update
}

install_packages() {
	say "installing Debian packages: $*"
	quietly apt-install as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get "${apt_quiet[@]}" install -y --no-install-recommends "$@"
}

# need_packages TOOL:PACKAGE...
need_packages() {
	local missing
	missing=$(missing_packages "$@" | sort -u)
	[ -z "$missing" ] && return
	command -v apt-get >/dev/null || die "install by hand: ${missing//$'\n'/ }"
	# shellcheck disable=SC2086 # a list of names
	with_fresh_lists with_lock apt install_packages $missing ||
		die "apt-get could not install: ${missing//$'\n'/ }"
}

download() {
	(cd "$1" && shift && apt-get "${apt_quiet[@]}" download "$@")
}

# unpack_packages DIR PACKAGE...: download by name and unpack below DIR; nothing is installed.
unpack_packages() {
	local root=$1 deb
	shift
	rm -rf "$root.debs"
	mkdir -p "$root.debs" "$root"
	quietly "download-$(basename "$root")" download "$root.debs" "$@" || return
	for deb in "$root.debs"/*.deb; do
		dpkg -x "$deb" "$root" || return
	done
	rm -rf "$root.debs"
}

# with_fresh_lists COMMAND...: apt's lists may name versions that the archive no longer has.
with_fresh_lists() {
	"$@" && return
	say "trying again with fresh package lists"
	with_lock apt apt_update
	"$@"
}

# depends_of PACKAGE PATTERN: the first dependency whose name matches.
depends_of() {
	apt-cache depends "$1" 2>/dev/null | sed -n 's/^ *Depends: //p' | grep -m 1 -E -- "$2"
}
