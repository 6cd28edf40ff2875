// SPDX-License-Identifier: GPL-2.0
/* TSC offset and frequency, KVM_GET_CLOCK and KVM_SET_CLOCK, the guest's clock and stolen time. */
#include <sys/ioctl.h>
#include <linux/kvm_para.h>

#include "lib/pgtable.h"
#include "lib/raw.h"

#define MSR_TSC			0x10
#define RDTSC			"\x0f\x31"
#define SECOND			1000000000ULL
#define GUEST_STOPPED		2
#define STEAL_DATA		(RAW_DATA + 256)
#define FLUSH_GVA		0x40000000UL
#define FLUSH_GPA		0x300000UL	/* two pages */

struct clock_page {
	uint32_t version, pad;
	uint64_t tsc, ns;
	uint32_t mul;
	int8_t shift;
	uint8_t flags, pad2[2];
};

static int set_msr(struct vcpu *vcpu, uint32_t index, uint64_t val)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msrs = { .head.nmsrs = 1, .entry = { .index = index, .data = val } };

	return xioctl(vcpu->fd, KVM_SET_MSRS, &msrs);
}

static uint64_t guest_rdtsc(struct vcpu *vcpu)
{
	struct kvm_regs regs;

	raw_load_code(vcpu, RDTSC RAW_END);
	raw_run(vcpu);
	regs = raw_regs(vcpu);
	return regs.rdx << 32 | regs.rax;
}

static int tsc_attr(struct vcpu *vcpu, unsigned long request, uint64_t attr, uint64_t *offset)
{
	struct kvm_device_attr attribute = {
		.group = KVM_VCPU_TSC_CTRL,
		.attr = attr,
		.addr = (uintptr_t)offset,
	};

	return xioctl(vcpu->fd, request, &attribute);
}

static void test_offset(struct vcpu *vcpu)
{
	uint64_t offset = 0, back, before, after;

	tap_eq(tsc_attr(vcpu, KVM_HAS_DEVICE_ATTR, KVM_VCPU_TSC_OFFSET, NULL), 0,
	       "there is a TSC offset");
	tap_eq(tsc_attr(vcpu, KVM_HAS_DEVICE_ATTR, 7, NULL), -ENXIO, "and nothing else");
	tap_eq(tsc_attr(vcpu, KVM_SET_DEVICE_ATTR, 7, &offset), -ENXIO, "that could be set");
	tap_eq(tsc_attr(vcpu, KVM_GET_DEVICE_ATTR, KVM_VCPU_TSC_OFFSET, (uint64_t *)8), -EFAULT,
	       "it needs room");
	must(tsc_attr(vcpu, KVM_GET_DEVICE_ATTR, KVM_VCPU_TSC_OFFSET, &offset));
	before = guest_rdtsc(vcpu);
	offset += 1ULL << 50;
	tap_eq(tsc_attr(vcpu, KVM_SET_DEVICE_ATTR, KVM_VCPU_TSC_OFFSET, &offset), 0, "it is set");
	must(tsc_attr(vcpu, KVM_GET_DEVICE_ATTR, KVM_VCPU_TSC_OFFSET, &back));
	tap_eq(back, offset, "reads back");
	after = guest_rdtsc(vcpu);
	tap_ok(after - before >= 1ULL << 50 && after - before < 1ULL << 51, "and shifts the TSC");
}

/* Between two reads, the host doing nothing else. */
static uint64_t shortest_step(struct vcpu *vcpu)
{
	uint64_t shortest = -1ULL, first, step;
	int i;

	for (i = 0; i < 10; i++) {
		first = guest_rdtsc(vcpu);
		step = guest_rdtsc(vcpu) - first;
		if (step < shortest)
			shortest = step;
	}
	return shortest;
}

static void test_frequency(struct vcpu *vcpu)
{
	int khz = xioctl_val(vcpu->fd, KVM_GET_TSC_KHZ, 0), slow;
	uint64_t first, fast;

	tap_ok(khz > 0, "the TSC has a frequency");
	tap_eq(xioctl_val(vcpu->fd, KVM_SET_TSC_KHZ, khz), 0, "it can be set to what it is");
	if (!has_cap(vcpu->vm->fd, KVM_CAP_TSC_CONTROL)) {
		tap_skip("the CPU cannot scale it", "another frequency");
		return;
	}
	tap_eq(xioctl_val(vcpu->fd, KVM_SET_TSC_KHZ, 0xffffffff), -EINVAL, "4 THz are refused");
	slow = khz / 64;
	must(set_msr(vcpu, MSR_TSC, 0));
	fast = shortest_step(vcpu);
	tap_eq(xioctl_val(vcpu->fd, KVM_SET_TSC_KHZ, slow), 0, "a 64th of it is taken");
	tap_eq(xioctl_val(vcpu->fd, KVM_GET_TSC_KHZ, 0), slow, "and told");
	must(set_msr(vcpu, MSR_TSC, 1ULL << 40));
	first = guest_rdtsc(vcpu);
	tap_ok(first >> 32 == 1ULL << 8, "a TSC that is set counts on");
	tap_ok(shortest_step(vcpu) < fast / 8, "slowly");
	must(xioctl_val(vcpu->fd, KVM_SET_TSC_KHZ, khz));
	must(set_msr(vcpu, MSR_TSC, 0));
}

static struct kvm_clock_data get_clock(struct vm *vm)
{
	struct kvm_clock_data data;

	memset(&data, 0xaa, sizeof(data));
	must(xioctl(vm->fd, KVM_GET_CLOCK, &data));
	return data;
}

static void test_clock(struct vm *vm)
{
	struct kvm_clock_data set = { .flags = 1U << 20 }, got;

	tap_eq(xioctl(vm->fd, KVM_SET_CLOCK, &set), -EINVAL, "unknown flags are refused");
	set = (struct kvm_clock_data){ .clock = 1000 * SECOND };
	tap_eq(xioctl(vm->fd, KVM_SET_CLOCK, &set), 0, "the clock is set");
	got = get_clock(vm);
	tap_ok(got.clock >= 1000 * SECOND && got.clock < 1600 * SECOND, "and runs on");
	if (tap_ok(got.flags & KVM_CLOCK_REALTIME, "it comes with the wall's time")) {
		set = (struct kvm_clock_data){
			.flags = KVM_CLOCK_REALTIME,
			.clock = got.clock,
			.realtime = got.realtime - 5000 * SECOND,
		};
		must(xioctl(vm->fd, KVM_SET_CLOCK, &set));
		tap_ok(get_clock(vm).clock >= got.clock + 5000 * SECOND,
		       "time that passed elsewhere is added");
	}
}

static uint64_t page_now(const struct clock_page *page, uint64_t tsc)
{
	uint64_t delta = tsc - page->tsc;

	delta = page->shift < 0 ? delta >> -page->shift : delta << page->shift;
	return page->ns + (uint64_t)((__uint128_t)delta * page->mul >> 32);
}

static void test_page(struct vcpu *vcpu)
{
	struct clock_page *page = (void *)(vcpu->vm->mem + RAW_DATA);
	uint64_t before, tsc, after;
	uint32_t version;

	tap_eq(xioctl_val(vcpu->fd, KVM_KVMCLOCK_CTRL, 0), -EINVAL,
	       "KVMCLOCK_CTRL wants a clock that is on");
	memset((void *)page, 0, sizeof(*page));
	tap_eq(set_msr(vcpu, MSR_KVM_SYSTEM_TIME_NEW, RAW_DATA | 1), 1, "the clock is turned on");
	before = get_clock(vcpu->vm).clock;
	tsc = guest_rdtsc(vcpu);
	after = get_clock(vcpu->vm).clock;
	version = page->version;
	tap_ok(version && !(version & 1), "its page has an even version");
	tap_ok(page_now(page, tsc) >= before && page_now(page, tsc) <= after,
	       "and says the time that userspace sees");
	tap_eq(xioctl_val(vcpu->fd, KVM_KVMCLOCK_CTRL, 0), 0, "KVMCLOCK_CTRL");
	guest_rdtsc(vcpu);
	tap_ok(page->flags & GUEST_STOPPED, "the guest learns that it was stopped");
	tap_ok(page->version > version, "by a new version");
	tap_eq(set_msr(vcpu, MSR_KVM_SYSTEM_TIME_NEW, (1ULL << 45) | 1), 1,
	       "a page that is nowhere is taken");
	guest_rdtsc(vcpu);
	tap_eq(vcpu->run->exit_reason, KVM_EXIT_IO, "and harms nobody");
	must(set_msr(vcpu, MSR_KVM_SYSTEM_TIME_NEW, 0));
}

static void test_wall(struct vcpu *vcpu)
{
	uint32_t *wall = (void *)(vcpu->vm->mem + RAW_DATA + 128);
	struct kvm_clock_data now = get_clock(vcpu->vm);
	uint64_t boot = now.realtime - now.clock;

	wall[0] = 0;
	tap_eq(set_msr(vcpu, MSR_KVM_WALL_CLOCK_NEW, RAW_DATA + 128), 1, "the wall clock is asked");
	tap_ok(wall[0] && !(wall[0] & 1), "it has an even version");
	boot /= SECOND;
	tap_ok(wall[1] + 2 >= boot && wall[1] <= boot + 2, "and the right second");
}

static void test_steal(struct vcpu *vcpu)
{
	uint64_t *st = (void *)(vcpu->vm->mem + STEAL_DATA);
	uint32_t *version = (void *)(st + 1);

	if (!cpuid_has(KVM_CPUID_FEATURES, 0, CPUID_EAX, KVM_FEATURE_STEAL_TIME)) {
		tap_skip("the host's kernel does not count it", "stolen time");
		return;
	}
	tap_eq(set_msr(vcpu, MSR_KVM_STEAL_TIME, STEAL_DATA | 2), 0, "reserved bits are refused");
	memset((void *)st, 0, 64);
	tap_eq(set_msr(vcpu, MSR_KVM_STEAL_TIME, STEAL_DATA | 1), 1, "stolen time is turned on");
	guest_rdtsc(vcpu);
	tap_ok(*version && !(*version & 1), "it has an even version");
	must(set_msr(vcpu, MSR_KVM_STEAL_TIME, 0));
}

/*
 * The guest changes a page table and leaves the flush of a vCPU that does not run to who runs it
 * next.
 */
static void test_flush(void)
{
	/* mov (%rbx), %eax; mov %rdx, (%rcx); out %al, $0x80; mov (%rbx), %eax; out %al, $0x80 */
	struct vcpu *vcpu = raw_create_code("\x8b\x03\x48\x89\x11" RAW_END "\x8b\x03" RAW_END);
	struct kvm_steal_time *st = (void *)(vcpu->vm->mem + STEAL_DATA);
	struct pgtable pt = { vcpu->vm, MODE_LONG, 0, TABLES_END - 16 * PAGE_SIZE };
	uint64_t flags = PTE_P | PTE_W | PTE_A | PTE_D, entry;
	struct kvm_sregs sregs;

	must(xioctl(vcpu->fd, KVM_GET_SREGS, &sregs));
	pt.root = sregs.cr3;
	entry = pt_map(&pt, FLUSH_GVA, FLUSH_GPA, flags, 1);
	vm_write32(vcpu->vm, FLUSH_GPA, 1);
	vm_write32(vcpu->vm, FLUSH_GPA + PAGE_SIZE, 2);
	raw_set_regs(vcpu, (struct kvm_regs){
		.rip = RAW_GPA,
		.rflags = 2,
		.rbx = FLUSH_GVA,
		.rcx = entry,
		.rdx = (FLUSH_GPA + PAGE_SIZE) | flags,
	});
	memset(st, 0, sizeof(*st));
	must(set_msr(vcpu, MSR_KVM_STEAL_TIME, STEAL_DATA | 1));
	tap_ok(raw_run(vcpu) == KVM_EXIT_IO && raw_regs(vcpu).rax == 1, "a page is read");
	st->preempted = KVM_VCPU_PREEMPTED | KVM_VCPU_FLUSH_TLB;
	tap_ok(raw_run(vcpu) == KVM_EXIT_IO && raw_regs(vcpu).rax == 2,
	       "after a flush by way of the stolen time it is another");
	tap_ok(!(st->preempted & KVM_VCPU_FLUSH_TLB), "and the flush is done");
	guest_destroy(vcpu);
}

int main(void)
{
	struct vcpu *vcpu;

	tap_start("pvclock", 120);
	vcpu = raw_create_code(RAW_END);
	test_offset(vcpu);
	test_frequency(vcpu);
	if (has_cap(vcpu->vm->fd, KVM_CAP_ADJUST_CLOCK)) {
		test_clock(vcpu->vm);
		test_page(vcpu);
		test_wall(vcpu);
	} else {
		tap_skip("the host's TSC is not constant", "the clock");
	}
	test_steal(vcpu);
	if (cpuid_has(KVM_CPUID_FEATURES, 0, CPUID_EAX, KVM_FEATURE_PV_TLB_FLUSH))
		test_flush();
	else
		tap_skip("not offered", "a flush by way of the stolen time");
	guest_destroy(vcpu);
	return tap_done();
}
