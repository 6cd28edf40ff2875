# SPDX-License-Identifier: GPL-2.0-only
# The initial RAM disk: a base per kernel, cached and locked as "image-NAME", and one archive per job.

guest_modules='irqbypass kvm kvm_intel msr cpuid'

# archive DIR FILE: DIR as a compressed cpio archive that the kernel unpacks.
archive() {
	(cd "$1" && find . -mindepth 1 | cpio --quiet -o -H newc -R 0:0) | gzip -1 >"$2"
}

install_busybox() {
	local applet
	install -D "$firmware_dir/bin/busybox" "$1/bin/busybox"
	for applet in $("$firmware_dir/bin/busybox" --list); do
		[ "$applet" = busybox ] || ln -s busybox "$1/bin/$applet"
	done
	ln -s bin "$1/sbin"
}

# The modules a job may load, with what they depend on. They are uncompressed, as busybox reads no
# xz, and lose what is slow to load: checking the signature of kvm.ko takes 270 M instructions.
install_modules() {
	local from=$1 to=$2 version=$3 name file
	for name in $guest_modules; do
		/sbin/modprobe -d "$from" -S "$version" --show-depends "$name" 2>/dev/null || true
	done | sed -n 's/^insmod //p' | awk '{ print $1 }' | sort -u | while read -r file; do
		name=$to${file#"$from"}
		install -D -m 644 "$file" "$name"
		[ "${name%.xz}" = "$name" ] || xz -d "$name"
		objcopy --strip-debug -R .BTF "${name%.xz}"
	done
	cp "$from/lib/modules/$version"/modules.{order,builtin,builtin.modinfo} \
		"$to/lib/modules/$version"
	/sbin/depmod -b "$to" "$version"
}

build_base_image() {
	local root=$1 version=$2 stage=$root/image
	rm -rf "$stage"
	mkdir -p "$stage"/{proc,sys,dev,tmp,root,etc,job,lab}
	install_busybox "$stage"
	install_modules "$root" "$stage" "$version"
	gcc -static -O2 -Wall -Wextra -s -o "$stage/lab/labio" "$lab_dir/guest/labio.c"
	install "$lab_dir/guest/init" "$stage/init"
	install -m 644 "$lab_dir/guest/lib.sh" "$stage/lab.sh"
	archive "$stage" "$root/image.gz.new"
	mv "$root/image.gz.new" "$root/image.gz"
	rm -rf "$stage"
}

image_inputs() {
	cat "$lab_dir"/guest/* "$lab_dir/lib/image.sh" "$1/.version" | sha256sum
}

prepare_image_locked() {
	local root=$1 inputs
	inputs=$(image_inputs "$root")
	stamp_is "$root/.image-stamp" "$inputs" && return
	quietly "image-$(basename "$root")" build_base_image "$root" "$(cat "$root/.version")" ||
		die "the base image does not build"
	printf '%s\n' "$inputs" >"$root/.image-stamp"
}

# prepare_image NAME: $(kernel_root NAME)/image.gz is up to date.
prepare_image() {
	with_lock "image-$(basename "$1")" prepare_image_locked "$1"
}

# job_image DIR JOB FILE...: DIR/job.gz holds JOB and the FILEs below /job, and the command to run.
job_image() {
	local dir=$1 stage=$1/stage
	shift
	mkdir -p "$stage/job" "$stage/lab"
	stage_job "$stage/job" "$@"
	guest_command "$1" >"$stage/lab/command"
	archive "$stage" "$dir/job.gz"
}

# stage_job DIR JOB FILE...: copies; modules lose their debug information.
stage_job() {
	local dir=$1 file
	shift
	for file in "$@"; do
		[ -e "$file" ] || die "no such file: $file"
		cp -RL "$file" "$dir/"
		[ "${file%.ko}" = "$file" ] || strip --strip-debug "$dir/$(basename "$file")"
	done
	chmod +x "$dir/$(basename "$1")"
}

guest_command() {
	printf 'export LAB_LIB=/lab.sh LAB_JOB=/job LAB_HOST=0\n'
	printf 'exec ./%q' "$(basename "$1")"
	[ ${#job_args[@]} -eq 0 ] || printf ' %q' "${job_args[@]}"
	printf '\n'
}

# boot_disk DIR VMLINUZ BASE WORDS: DIR/boot.iso starts the kernel with both archives.
boot_disk() {
	local dir=$1 kernel=$2 base=$3 words=$4
	mkdir -p "$dir/disk"
	install -m 644 "$firmware_dir/usr/lib/ISOLINUX/isolinux.bin" "$dir/disk/"
	install -m 644 "$firmware_dir/usr/lib/syslinux/modules/bios/ldlinux.c32" "$dir/disk/"
	printf 'DEFAULT lab\nLABEL lab\n KERNEL /linux\n INITRD /base,/job\n APPEND %s\n' \
		"$words" >"$dir/disk/isolinux.cfg"
	xorriso -as mkisofs -quiet -o "$dir/boot.iso" -b isolinux.bin -c boot.cat -no-emul-boot \
		-boot-load-size 4 -boot-info-table -graft-points /="$dir/disk" /linux="$kernel" \
		/base="$base" /job="$dir/job.gz" >"$dir/disk.log" 2>&1 || { cat "$dir/disk.log" >&2; return 1; }
}
