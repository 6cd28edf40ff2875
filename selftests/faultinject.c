// SPDX-License-Identifier: GPL-2.0
/*
 * Each allocation and each user copy of a call fails in turn: the call ends with an error or in
 * success, and the same call works afterwards. What is leaked or broken meanwhile, the debug kernel
 * finds; other kernels cannot inject failures.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/pgtable.h"
#include "guest/basic.h"

int vcpu_set_supported_cpuid(int vcpu_fd);

#define MAX_POINTS	3000
#define SLOT		5
#define SLOT_GPA	0x40000000UL
#define SLOT_SIZE	(4UL << 20)
#define DEBUGFS		"/sys/kernel/debug/"

static int nth_fd;

static void write_knob(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0)
		return;
	must(write(fd, value, strlen(value)));
	close(fd);
}

/* By default only atomic allocations may fail, and each failure fills the log. */
static bool injection_ready(void)
{
	static const char * const attrs[] = { "failslab", "fail_page_alloc", "fail_usercopy" };
	char path[100];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(attrs); i++) {
		snprintf(path, sizeof(path), DEBUGFS "%s/verbose", attrs[i]);
		write_knob(path, "0");
		snprintf(path, sizeof(path), DEBUGFS "%s/ignore-gfp-wait", attrs[i]);
		write_knob(path, "N");
	}
	write_knob(DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N");
	write_knob(DEBUGFS "fail_page_alloc/min-order", "0");
	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	return nth_fd >= 0;
}

/* The thread's nth possible failure from here on happens. */
static void arm(unsigned int nth)
{
	char text[16];

	must(pwrite(nth_fd, text, snprintf(text, sizeof(text), "%u", nth), 0));
}

/* True if the failure has happened; the copies that asking takes count too. */
static bool disarm(void)
{
	char text[16] = "1";
	bool failed = pread(nth_fd, text, sizeof(text) - 1, 0) > 0 && atoi(text) == 0;

	if (pwrite(nth_fd, "0", 1, 0) != 1)
		must(pwrite(nth_fd, "0", 1, 0));
	return failed;
}

/* What most calls below start from: a guest that has not run yet, a slot of untouched memory. */
struct setup {
	struct vcpu *vcpu;
	uint8_t *mem;
	int fd;			/* what the call opened */
};

static struct setup setup_create(void)
{
	struct setup s = { .vcpu = guest_create("basic", MODE_LONG), .fd = -1 };
	struct pgtable pt = { s.vcpu->vm, MODE_LONG, 0, TABLES_END - 16 * PAGE_SIZE };
	struct kvm_sregs sregs;
	uint64_t offset;

	must(xioctl(s.vcpu->fd, KVM_GET_SREGS, &sregs));
	pt.root = sregs.cr3;
	for (offset = 0; offset < SLOT_SIZE; offset += PAGE_SIZE)
		pt_map(&pt, SLOT_GPA + offset, SLOT_GPA + offset, PTE_P | PTE_W, 1);
	s.mem = host_pages(SLOT_SIZE);
	madvise(s.mem, SLOT_SIZE, MADV_NOHUGEPAGE);
	return s;
}

static void setup_destroy(struct setup *s)
{
	if (s->fd >= 0)
		close(s->fd);
	guest_destroy(s->vcpu);
	munmap(s->mem, SLOT_SIZE);
}

static int create_vm(struct setup *s)
{
	s->fd = xioctl_val(s->vcpu->vm->dev, KVM_CREATE_VM, 0);
	return s->fd < 0 ? s->fd : 0;
}

/* A VM without vCPUs, so that the backend can still be chosen. */
static void have_vm(struct setup *s)
{
	must(create_vm(s));
}

static int choose_mmu(struct setup *s)
{
	return vm_choose_mmu(s->fd, mmu_wanted() ? mmu_wanted() : MMU_EPT);
}

static int create_vcpu(struct setup *s)
{
	s->fd = xioctl_val(s->vcpu->vm->fd, KVM_CREATE_VCPU, 1);
	return s->fd < 0 ? s->fd : 0;
}

static int map_vcpu(struct setup *s)
{
	void *run = mmap(NULL, s->vcpu->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 s->vcpu->fd, 0);

	if (run == MAP_FAILED)
		return -errno;
	munmap(run, s->vcpu->run_size);
	return 0;
}

static int create_slot(struct setup *s)
{
	return vm_set_slot(s->vcpu->vm, SLOT, 0, SLOT_GPA, SLOT_SIZE, s->mem);
}

static void have_slot(struct setup *s)
{
	must(create_slot(s));
}

static int touch_slot(struct setup *s)
{
	int outcome;

	s->vcpu->shared->arg[0] = SLOT_GPA + SLOT_SIZE / 2 - 2 * PAGE_SIZE;
	s->vcpu->shared->arg[1] = SLOT_GPA + SLOT_SIZE / 2 + 2 * PAGE_SIZE;
	outcome = guest_start_op(s->vcpu, BASIC_TOUCH);
	return outcome == GUEST_DONE ? 0 : outcome;
}

/* The page tables that the slot's translations need are there, the backend's tables are not. */
static void have_touched_slot(struct setup *s)
{
	must(create_slot(s));
	must(touch_slot(s));
}

static int move_slot(struct setup *s)
{
	return vm_set_slot(s->vcpu->vm, SLOT, 0, SLOT_GPA + SLOT_SIZE, SLOT_SIZE, s->mem);
}

static int delete_slot(struct setup *s)
{
	return vm_set_slot(s->vcpu->vm, SLOT, 0, 0, 0, NULL);
}

static int log_slot(struct setup *s)
{
	return vm_set_slot(s->vcpu->vm, SLOT, KVM_MEM_LOG_DIRTY_PAGES, SLOT_GPA, SLOT_SIZE, s->mem);
}

static void have_logged_slot(struct setup *s)
{
	must(log_slot(s));
	must(touch_slot(s));
}

static int get_dirty_log(struct setup *s)
{
	static uint8_t bitmap[SLOT_SIZE / PAGE_SIZE / 8];
	struct kvm_dirty_log log = { .slot = SLOT, .dirty_bitmap = bitmap };

	return xioctl(s->vcpu->vm->fd, KVM_GET_DIRTY_LOG, &log);
}

static int first_run(struct setup *s)
{
	int outcome = guest_start_op(s->vcpu, BASIC_NOTHING);

	return outcome == GUEST_DONE ? 0 : outcome;
}

static void have_run(struct setup *s)
{
	must(first_run(s));
}

static void have_run_and_slot(struct setup *s)
{
	must(first_run(s));
	must(create_slot(s));
}

/* One read of unbacked memory, up to the exit and to its end. */
static int read_mmio(struct setup *s)
{
	int outcome;

	s->vcpu->shared->arg[0] = SLOT_GPA;
	outcome = guest_start_op(s->vcpu, BASIC_READ);
	if (outcome == GUEST_EXIT && s->vcpu->run->exit_reason == KVM_EXIT_MMIO)
		outcome = guest_run(s->vcpu);
	return outcome == GUEST_DONE ? 0 : outcome;
}

static int set_cpuid(struct setup *s)
{
	return vcpu_set_supported_cpuid(s->vcpu->fd);
}

static int get_cpuid(struct setup *s)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[256];
	} cpuid;

	cpuid.head.nent = ARRAY_SIZE(cpuid.entries);
	return xioctl(s->vcpu->vm->dev, KVM_GET_SUPPORTED_CPUID, &cpuid);
}

static int msr_list(struct setup *s)
{
	static struct {
		struct kvm_msr_list head;
		uint32_t indices[1024];
	} list;

	list.head.nmsrs = ARRAY_SIZE(list.indices);
	return xioctl(s->vcpu->vm->dev, KVM_GET_MSR_INDEX_LIST, &list);
}

/* Not all of the structures that the vCPU's state consists of: one for each way of copying. */
static int state(struct setup *s)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msrs = { .head.nmsrs = 1, .entry.index = 0x277 };
	struct kvm_vcpu_events events;
	struct kvm_sregs sregs;
	struct kvm_xsave xsave;
	struct kvm_regs regs;
	struct kvm_fpu fpu;
	int fd = s->vcpu->fd;
	int err = 0;

	err = err ?: xioctl(fd, KVM_GET_REGS, &regs);
	err = err ?: xioctl(fd, KVM_SET_REGS, &regs);
	err = err ?: xioctl(fd, KVM_GET_SREGS, &sregs);
	err = err ?: xioctl(fd, KVM_SET_SREGS, &sregs);
	err = err ?: xioctl(fd, KVM_GET_FPU, &fpu);
	err = err ?: xioctl(fd, KVM_SET_FPU, &fpu);
	err = err ?: xioctl(fd, KVM_GET_XSAVE, &xsave);
	err = err ?: xioctl(fd, KVM_SET_XSAVE, &xsave);
	err = err ?: xioctl(fd, KVM_GET_VCPU_EVENTS, &events);
	err = err ?: xioctl(fd, KVM_SET_VCPU_EVENTS, &events);
	/* Their answer is a count; one that fell short is told by errno or by the count. */
	if (!err && xioctl(fd, KVM_GET_MSRS, &msrs) != 1)
		err = -EFAULT;
	if (!err && xioctl(fd, KVM_SET_MSRS, &msrs) != 1)
		err = -EFAULT;
	return err;
}

static int vm_stats(struct setup *s)
{
	s->fd = xioctl_val(s->vcpu->vm->fd, KVM_GET_STATS_FD, 0);
	return s->fd < 0 ? s->fd : 0;
}

static int vcpu_stats(struct setup *s)
{
	s->fd = xioctl_val(s->vcpu->fd, KVM_GET_STATS_FD, 0);
	return s->fd < 0 ? s->fd : 0;
}

static const struct call {
	const char *what;
	void (*before)(struct setup *s);
	int (*call)(struct setup *s);
} calls[] = {
	{ "create a VM", NULL, create_vm },
	{ "choose the backend", have_vm, choose_mmu },
	{ "create a vCPU", NULL, create_vcpu },
	{ "map a vCPU", NULL, map_vcpu },
	{ "create a slot", NULL, create_slot },
	{ "move a slot", have_touched_slot, move_slot },
	{ "delete a slot", have_touched_slot, delete_slot },
	{ "log writes to a slot", have_touched_slot, log_slot },
	{ "get the dirty log", have_logged_slot, get_dirty_log },
	{ "the first run", NULL, first_run },
	{ "run to fresh pages", have_slot, touch_slot },
	{ "run to fresh pages later", have_run_and_slot, touch_slot },
	{ "run to unbacked memory", have_run, read_mmio },
	{ "set CPUID", NULL, set_cpuid },
	{ "get the supported CPUID", NULL, get_cpuid },
	{ "get the list of MSRs", NULL, msr_list },
	{ "get and set the state", NULL, state },
	{ "open a VM's statistics", NULL, vm_stats },
	{ "open a vCPU's statistics", NULL, vcpu_stats },
};

/* Fails point nth of one call on a fresh VM. False: there are not so many, or it went wrong. */
static bool try_point(const struct call *c, unsigned int nth, bool *good)
{
	struct setup s = setup_create();
	bool injected;
	int ret;

	if (c->before)
		c->before(&s);
	arm(nth);
	ret = c->call(&s);
	injected = disarm();
	*good = !ret || (injected && (ret == -ENOMEM || ret == -EFAULT));
	if (!*good)
		tap_diag("%s: failure %u: result %d", c->what, nth, ret);
	if (*good && ret) {
		ret = c->call(&s);
		*good = !ret;
		if (ret)
			tap_diag("%s: after failure %u: result %d", c->what, nth, ret);
	}
	if (!*good)
		guest_report(s.vcpu, ret);
	setup_destroy(&s);
	return injected && *good;
}

static void test_call(const struct call *c)
{
	unsigned int nth = 1;
	bool good;

	while (nth < MAX_POINTS && try_point(c, nth, &good))
		nth++;
	tap_ok(good && nth < MAX_POINTS, "%s", c->what);
	tap_diag("%u possible failures", nth - 1);
}

int main(void)
{
	size_t i;

	tap_start("faultinject", 3600);
	if (!injection_ready()) {
		tap_skip("this kernel has no fault injection", "calls whose allocations fail");
		return tap_done();
	}
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		test_call(&calls[i]);
	return tap_done();
}
