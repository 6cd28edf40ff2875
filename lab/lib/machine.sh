# SPDX-License-Identifier: GPL-2.0-only
# One start of the emulated machine, in the directory $work of its own: configuration, run, verdict.

# tsc_early_khz agrees with the emulator's ips, so that a guest second is 100 M instructions; the
# emulated XSAVES area has a wrong size; the crypto self-tests cost 700 M instructions; an emulated
# MWAIT misses stores of other processors; an oops or panic ends the emulator by a triple fault.
kernel_words='console=ttyS0,115200 quiet nokaslr tsc=reliable tsc_early_khz=100000 noxsaves
	clearcpuid=xsavec nowatchdog cryptomgr.notests mitigations=off idle=halt
	oops=panic panic=-1 reboot=t'

complaints='BUG:|BUG [a-z]|WARNING:|Oops|Kernel panic|general protection fault|KASAN|UBSAN'
complaints="$complaints|Call Trace:|possible .* (locking|dependency)|suspicious RCU|soft lockup"
complaints="$complaints|detected .*stall|blocked for more than|unreferenced object|corruption"
complaints="$complaints|refcount_t:|non-static key|ODEBUG:|suspected memory leaks|non-responsive CSD"
# Not one: vmalloc() tells of the allocations that selftests/fault*.c have fail, the OOM killer of
# the processes that selftests/hostlimit leaves without memory, the kernel of the page that
# selftests/hostmap declares broken; and which mitigations it thinks little of, at its boot.
injected='/fault[a-z]*: vmalloc error:/,/<\/TASK>/d; /hostlimit invoked oom-killer:/,/<\/TASK>/d'
injected="$injected; /Sending SIGBUS to hostmap:/d; /] \(Spectre V2 \|RETBleed\): WARNING: /d"

# Bits of /proc/sys/kernel/tainted that say that the kernel found itself broken.
taint_bad_page=32 taint_die=128 taint_warn=512 taint_lockup=16384

machine_config() {
	cat <<END
display_library: nogui
plugin_ctrl: unmapped=1, biosdev=1, speaker=0
memory: guest=$mem, host=$((mem < 2048 ? mem : 2048))
romimage: file=$firmware_dir/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=$firmware_dir/usr/share/vgabios/vgabios.bin
cpu: model=$model, count=$cpus, quantum=16, ips=100000000, reset_on_triple_fault=0, ignore_bad_msrs=1
clock: sync=none, time0=local
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path=$work/boot.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$work/serial.txt
parport1: enabled=1, file=$work/result.tar
port_e9_hack: enabled=1
log: $work/bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
END
}

find_kernel() {
	[ ! -d "$kernel" ] || { kernel=$(cd "$kernel" && pwd -P); adopt_kernel "$kernel"; }
	kernel_base=$(kernel_root "$kernel")
	vmlinuz=$kernel_base/boot/vmlinuz-$(kernel_version "$kernel")
	[ -e "$vmlinuz" ] || die "the kernel '$kernel' is for compiling only"
}

prepare_lab() {
	local wanted=()
	[ -x "$bochs" ] && [ -e "$firmware_dir/.done" ] || wanted+=(emulator)
	[ -d "$kernel" ] || kernel_ready "$kernel" || wanted+=(kernel "$kernel")
	[ ${#wanted[@]} -eq 0 ] || "$lab_dir/prepare" "${wanted[@]}" || exit 125
}

last_lines() {
	[ ! -s "$1" ] || { echo "--- the end of $2:"; tail -n "$3" "$1"; echo '---'; } >&2
}

keep_results() {
	[ -n "$out" ] || return 0
	mkdir -p "$out"
	cp -R "$work/result/out/." "$out/" 2>/dev/null || true
	cp "$work/result/dmesg.txt" "$work/serial.txt" "$out/" 2>/dev/null || true
}

kernel_complaint() {
	local log tainted
	for log in "$work/result/dmesg.txt" "$work/serial.txt"; do
		[ -e "$log" ] || continue
		sed "$injected" "$log" | grep -a -m 1 -E "$complaints" && return
	done
	tainted=$(cat "$work/result/tainted" 2>/dev/null || echo 0)
	[ $((tainted & (taint_bad_page | taint_die | taint_warn | taint_lockup))) -eq 0 ] ||
		echo "tainted: $tainted"
}

fail_run() {
	local status=$1
	shift
	last_lines "$work/serial.txt" "the kernel's console" 40
	printf 'lab: FAILED after %d s: %s\n' "$SECONDS" "$*" >&2
	exit "$status"
}

# The emulator's own exit status says nothing: what the guest sent back decides.
verdict() {
	local ended=$1 status complaint
	mkdir -p "$work/result"
	tar -xf "$work/result.tar" -C "$work/result" 2>/dev/null || true
	keep_results
	grep -sa '^lab: port ' "$work/bochs.err" >&2 || true
	complaint=$(kernel_complaint)
	[ -z "$complaint" ] || fail_run 126 "the kernel complained: $complaint"
	complaint=$(grep -a -m 1 '^STALE ' "$work/console.txt" || true)
	[ -z "$complaint" ] || fail_run 126 "a stale translation was used: $complaint"
	[ "$ended" -ne 124 ] || fail_run 124 "no end within $limit s"
	if ! [ -s "$work/result/status" ]; then
		last_lines "$work/bochs.err" "the emulator's errors" 10
		last_lines "$work/bochs.log" "the emulator's log" 10
		fail_run 125 "the machine stopped before the job ended"
	fi
	status=$(cat "$work/result/status")
	[ "$status" -eq 0 ] || say "the job ended with status $status"
	exit "$status"
}

# The emulator begins with a banner of five lines.
skip_banner() {
	local line
	for line in 1 2 3 4 5; do
		read -r line || return 0
	done
	cat
}

# name_address HEX: the module's function that it lies in, nothing for other addresses.
name_address() {
	local offset=$(($1 - module_base))
	[ $module_base -ne 0 ] && [ $offset -ge 0 ] && [ $offset -lt $module_window ] || return 0
	objdump -t -j .text "$module_file" | awk -v offset=$offset '
		function number(hex, n, i) {
			for (i = 1; i <= length(hex); i++)
				n = n * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
			return n
		}
		/ F \.text/ && (at = number($1)) <= offset && at >= best { best = at; name = $NF }
		END { if (name) printf " in %s()", name }'
}

# Beside who wrote to a table, the function.
name_writers() {
	local line module_base=0 module_window=$((1 << 24)) rip
	while IFS= read -r line || [ -n "$line" ]; do
		case $line in
		"# umbra.ko is at 0x"*) module_base=${line##* } module_base=$((${module_base%$'\r'})) ;;
		"# written by CPU "*) rip=${line##* } line="$line$(name_address "${rip%$'\r'}")" ;;
		esac
		printf '%s\n' "$line"
	done
}

find_module() {
	local file
	module_file=''
	for file in "${files[@]}"; do
		[ "${file##*/}" != umbra.ko ] || module_file=$file
	done
}

stop_emulator() {
	kill "$emulator_pid" 2>/dev/null || true
	exit 143
}

# In the background, so that a signal to lab/run ends the emulator too.
emulate() {
	local console_pid ended=0 named=cat
	find_module
	[ "$tlb" != stale ] || [ -z "$module_file" ] || named=name_writers
	mkfifo "$work/console"
	skip_banner <"$work/console" | $named | tee "$work/console.txt" &
	console_pid=$!
	UMBRA_LAB_TLB=$tlb timeout --foreground -k 5 "$limit" "$bochs" -q -f "$work/bochsrc" \
		>"$work/console" 2>"$work/bochs.err" </dev/null &
	emulator_pid=$!
	trap stop_emulator INT TERM HUP
	wait "$emulator_pid" || ended=$?
	wait "$console_pid" || true
	trap - INT TERM HUP
	return "$ended"
}

run_emulated() {
	local ended=0
	prepare_lab
	find_kernel
	prepare_image "$kernel_base"
	job_image "$work" "${files[@]}"
	boot_disk "$work" "$vmlinuz" "$kernel_base/image.gz" \
		"$(echo $kernel_words)${tlb:+ LAB_TLB=${tlb%%=*}} $append" || die "the boot disk does not build"
	machine_config >"$work/bochsrc"
	emulate || ended=$?
	verdict "$ended"
}
