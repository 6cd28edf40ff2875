# SPDX-License-Identifier: GPL-2.0-only
# The commands of Umbra. The module's own object lists are in Kbuild.

KERNEL	?= 6.1-cloud
PREFIX	?= /usr/local
# Of make bench-tlb: the CPU that is modelled, the largest working set in MiB.
GEOMETRY ?= skylake-x
LIMIT	?= 128
MAKEFLAGS += --no-print-directory
# Of make fuzz-ioctls; bash counts in the variable of that name.
unexport SECONDS

running_headers	:= $(wildcard /lib/modules/$(shell uname -r)/build)
# LAB=host works on this machine, so with its kernel.
lab_kernel	:= $(if $(filter host,$(LAB)),$(running_headers),$(KERNEL))
lab_module	:= build/$(if $(filter host,$(LAB)),host,$(KERNEL))
sudo		:= $(if $(filter 0,$(shell id -u)),,sudo)

# The lab is prepared before anything is compiled: that installs the compiler.
prepared	:= $(if $(filter host,$(LAB)),,lab)
.NOTPARALLEL:
.PHONY: help modules tool examples selftests lab-module lab run check check-debug check-models \
	check-exerciser check-tlb check-flushes check-kvm check-linux \
	fuzz-ioctls bench bench-tlb lint insmod rmmod install clean

help:
	@echo 'On this machine, with real VT-x:'
	@echo '  make modules [KDIR=DIR]  build umbra.ko for the running kernel, or the one built in DIR'
	@echo '  make insmod, make rmmod  load umbra.ko (ARGS="mmu=shadow"), unload it'
	@echo '  make install             install umbra.ko and the umbra tool (PREFIX=$(PREFIX))'
	@echo 'In the emulated VT-x machine (LAB=host: on this machine):'
	@echo '  make run                 the same guests on EPT and on shadow paging, compared'
	@echo '  make check               every test; ends with "N passed, N failed, N skipped"'
	@echo '  make check-debug         the same on a kernel that checks itself (KASAN, lockdep, leaks, failures)'
	@echo '  make check-models        the same on other CPU models: without EPT, VPID or unrestricted guest'
	@echo '  make check-exerciser     random page tables, SEEDS=10 STEPS=10000, from SEED=1 on'
	@echo '  make check-tlb           the same, and no guest may use a stale translation'
	@echo '  make fuzz-ioctls         random ioctls on that kernel for SECONDS=60 (of its clock), from SEED=1 on'
	@echo '  make check-flushes       take each invalidation out of the module: a test has to notice'
	@echo '  make check-kvm           the KVM selftests of the kernel, on KVM and on Umbra'
	@echo '  make check-linux         Linux to its userspace: by the tool, on 2 vCPUs, and by QEMU'
	@echo '  make bench               the cost per operation, against the real KVM, then bench-tlb'
	@echo '  make bench-tlb           what translation costs, GEOMETRY=skylake-x LIMIT=128 (MiB)'
	@echo '  make lab                 prepare the emulator and the kernel $(KERNEL) (others do so by themselves)'
	@echo 'Anywhere:'
	@echo '  make tool examples selftests   build the programs, into build/'
	@echo '  make lint                layers, style, warnings on every supported kernel, sparse'
	@echo '  make clean               remove what was built; the lab in .cache/ stays'

modules:
	@kdir='$(or $(KDIR),$(running_headers))'; [ -n "$$kdir" ] || kdir=$$(lab/kdir $(KERNEL)) && \
	$(MAKE) -C "$$kdir" M='$(CURDIR)' CONFIG_DEBUG_INFO_BTF_MODULES= modules && \
	echo "umbra.ko is built for Linux $$(PATH=$$PATH:/sbin modinfo -F vermagic umbra.ko | cut -d' ' -f1)"

tool:
	@$(MAKE) -C userspace-tool

examples:
	@$(MAKE) -C examples

selftests:
	@$(MAKE) -C selftests

lab:
	@lab/prepare emulator kernel $(KERNEL)

lab-module:
	@[ -n '$(lab_kernel)' ] || { echo 'no headers of the running kernel: install linux-headers-$(shell uname -r)'; exit 1; }
	@lab/build-module $(lab_kernel) $(lab_module) -j2

run: $(prepared) lab-module tool examples
	@lab/run --kernel $(KERNEL) lab/jobs/run.sh $(lab_module)/umbra.ko build/umbra build/examples && \
	echo 'run: the same guests ran on EPT and on shadow paging' || \
	{ echo 'run: FAILED'; exit 1; }

bench: $(prepared) lab-module tool
	@lab/run --kernel $(KERNEL) --timeout 1200 lab/jobs/bench.sh $(lab_module)/umbra.ko build/umbra && \
	lab/run --kernel $(KERNEL) --timeout 1200 --cpus 2 lab/jobs/bench.sh $(lab_module)/umbra.ko build/umbra \
		-- --only ipi_running,ipi_halted && \
	echo 'bench: done' || { echo 'bench: FAILED'; exit 1; }
	@$(MAKE) bench-tlb

# Without ERMS the kernel clears pages eight bytes at a time: each access goes through the model.
bench-tlb: $(prepared) lab-module tool
	@lab/run --kernel $(KERNEL) --timeout 2400 --mem $$((640 + $(LIMIT) * 5 / 4)) --tlb cost=$(GEOMETRY) \
		--append clearcpuid=xsavec,erms lab/jobs/bench-tlb.sh $(lab_module)/umbra.ko build/umbra -- --limit $(LIMIT) && \
	echo 'bench-tlb: done' || { echo 'bench-tlb: FAILED'; exit 1; }

check:
	@selftests/run-all

check-models:
	@selftests/run-all --only models

check-exerciser:
	@SEED='$(SEED)' SEEDS='$(SEEDS)' STEPS='$(STEPS)' selftests/run-all --only exerciser

check-tlb:
	@selftests/run-all --only tlb,tlb-smp

check-flushes:
	@selftests/remove-flushes

check-linux:
	@selftests/run-all --only linux,linux-smp,qemu

check-kvm:
	@selftests/run-all --only kvm,kvm-oracle

fuzz-ioctls:
	@FUZZ_SECONDS='$(SECONDS)' SEED='$(SEED)' selftests/run-all --only fuzz

check-debug:
	@selftests/run-all --only debug,debug-smp,debug-module

lint:
	@lab/lint

insmod:
	@[ -e umbra.ko ] || { echo 'no umbra.ko: make modules first'; exit 1; }
	@$(sudo) insmod umbra.ko $(ARGS) && echo 'umbra is loaded' || \
	{ $(sudo) dmesg | grep umbra | tail -n 1; exit 1; }

rmmod:
	@$(sudo) rmmod umbra && echo 'umbra is unloaded'

install: modules tool
	@kdir='$(or $(KDIR),$(running_headers))' && \
	$(sudo) $(MAKE) -C "$$kdir" M='$(CURDIR)' modules_install && \
	$(sudo) install -D build/umbra '$(PREFIX)/bin/umbra' && \
	echo 'umbra.ko and $(PREFIX)/bin/umbra are installed (depmod -a, then modprobe umbra)'

clean:
	@rm -rf build modules.order Module.symvers umbra.ko umbra.o umbra.mod umbra.mod.o umbra.mod.c \
		.*.cmd .tmp_versions
	@find module -name '*.o' -delete -o -name '.*.cmd' -delete
	@echo 'clean: the built files are gone, the lab in .cache/ stays'
