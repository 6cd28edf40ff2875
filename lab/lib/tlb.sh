# SPDX-License-Identifier: GPL-2.0-only
# The modes of lab/run --tlb (Documentation/tlb.rst).

tlb_geometries=$(sed -n 's/^\t\t"\(.*\)",$/\1/p' "$lab_dir/instrument/geometry.cc")
tlb_default=skylake-x

# What the instrumentation is told in UMBRA_LAB_TLB.
tlb_mode() {
	case $1 in
	'' | stale)
		echo "$1"
		;;
	cost)
		echo "cost=$tlb_default"
		;;
	cost=*)
		grep -qxF -e "${1#cost=}" <<<"$tlb_geometries" ||
			die "there is no geometry '${1#cost=}' (there are: $(echo $tlb_geometries))"
		echo "$1"
		;;
	*)
		die "there is no TLB model '$1' (there are: stale, cost, $(printf 'cost=%s ' $tlb_geometries))"
		;;
	esac
}
