# SPDX-License-Identifier: GPL-2.0-only
# Builds the KVM selftests of Debian's kernel source, unmodified and static. The lock
# "kvm-selftests" guards $cache_dir/kvm-selftests.

kvm_selftests_dir=$cache_dir/kvm-selftests
kvm_selftests_source=$cache_dir/kvm-selftests-source
kvm_selftests_tools='rsync:rsync'

# A later 6.1 renamed an assertion in the library alone, and takes a header from the kernel's own.
kvm_selftests_flags="-DTEST_ASSERT_EQ=ASSERT_EQ
	-include $kvm_selftests_source/usr/include/linux/stddef.h"

unpack_kvm_selftests() {
	rm -rf "$kvm_selftests_source"
	mkdir -p "$kvm_selftests_source"
	tar -xf "$source_tarball" -C "$kvm_selftests_source" --strip-components=1 --anchored \
		linux-source-6.1/{Makefile,Kconfig,Kbuild,arch/x86,include,scripts,virt,lib,usr} \
		linux-source-6.1/{tools/scripts,tools/build,tools/arch/x86,tools/include,tools/lib} \
		linux-source-6.1/tools/testing/selftests/{lib.mk,Makefile,kselftest.h} \
		linux-source-6.1/tools/testing/selftests/{kselftest_harness.h,kvm,rseq}
}

# The tests of nested VMX and of AMD do no harm; a test that does not build is missing in the table.
build_kvm_selftests() {
	make -s -C "$kvm_selftests_source" headers || return
	LDFLAGS=-static EXTRA_CFLAGS=$(echo $kvm_selftests_flags) \
		make -k -j"$(nproc)" -C "$kvm_selftests_source/tools/testing/selftests" TARGETS=kvm
}

install_kvm_selftests() {
	local file

	rm -rf "$kvm_selftests_dir"
	mkdir -p "$kvm_selftests_dir/tests"
	find "$kvm_selftests_source/tools/testing/selftests/kvm" -maxdepth 2 -type f -perm -u+x \
		! -name '*.sh' ! -name '*.o' | while read -r file; do
		strip -o "$kvm_selftests_dir/tests/$(basename "$file")" "$file" || return
	done
	[ -e "$kvm_selftests_dir/tests/set_sregs_test" ]
}

prepare_kvm_selftests_locked() {
	[ -e "$kvm_selftests_dir/.done" ] && return
	prepare_source
	say "building the KVM selftests of linux-source-6.1"
	quietly kvm-selftests-unpack unpack_kvm_selftests || die "the KVM selftests do not unpack"
	quietly kvm-selftests-build build_kvm_selftests || die "the KVM selftests do not build"
	quietly kvm-selftests-install install_kvm_selftests || die "the KVM selftests are not there"
	rm -rf "$kvm_selftests_source"
	: >"$kvm_selftests_dir/.done"
	say "KVM selftests ready"
}

prepare_kvm_selftests() {
	with_lock kvm-selftests prepare_kvm_selftests_locked
}
