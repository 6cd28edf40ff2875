// SPDX-License-Identifier: GPL-2.0
/* KVM_X86_SET_MSR_FILTER and MSR accesses that userspace answers. */
#include <sys/ioctl.h>

#include "lib/raw.h"

#define MSR_TSC		0x10
#define MSR_PAT		0x277
#define MSR_LSTAR	0xc0000082
#define MSR_NOBODYS	0x474f4f00
#define ANSWER		0x1122334455667788ULL
#define BITMAP_BYTES	0x600

static uint8_t none[BITMAP_BYTES + 8], all[BITMAP_BYTES];

static int set_filter(struct vcpu *vcpu, uint32_t flags, uint32_t access, uint32_t base,
		      uint32_t count, void *bitmap)
{
	struct kvm_msr_filter filter = {
		.flags = flags,
		.ranges[3] = { .flags = access, .nmsrs = count, .base = base, .bitmap = bitmap },
	};

	return xioctl(vcpu->vm->fd, KVM_X86_SET_MSR_FILTER, &filter);
}

static void test_bounds(void)
{
	const uint32_t both = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE;
	struct vcpu *vcpu = raw_create_code(RAW_END);

	tap_eq(set_filter(vcpu, 2, both, 0, 1, none), -EINVAL, "unknown flags are refused");
	tap_eq(set_filter(vcpu, 0, 4, 0, 1, none), -EINVAL, "as are those of a range");
	tap_eq(set_filter(vcpu, 0, 0, 0, 1, none), -EINVAL, "and a range for no access");
	tap_eq(set_filter(vcpu, 0, both, 0, BITMAP_BYTES * 8 + 1, none), -EINVAL,
	       "and one that is too long");
	tap_eq(set_filter(vcpu, 0, both, 0, ~0U, none), -EINVAL, "and the longest");
	tap_eq(set_filter(vcpu, 0, both, 0, 64, (void *)8), -EFAULT, "a bitmap must be there");
	tap_eq(set_filter(vcpu, KVM_MSR_FILTER_DEFAULT_DENY, both, 0, 0, NULL), -EINVAL,
	       "everything cannot be denied without a range");
	tap_eq(set_filter(vcpu, KVM_MSR_FILTER_DEFAULT_DENY, both, 0, BITMAP_BYTES * 8, all), 0,
	       "the longest range is taken");
	tap_eq(set_filter(vcpu, 0, both, 0, 0, NULL), 0, "no range at all allows everything");
	guest_destroy(vcpu);
}

/* Runs an access of this MSR up to its exit. */
static int access_msr(struct vcpu *vcpu, uint32_t msr, bool write, uint64_t val)
{
	/* What the last one asked of userspace ends first. */
	vcpu->run->immediate_exit = 1;
	vcpu_run(vcpu);
	vcpu->run->immediate_exit = 0;
	return raw_access_msr(vcpu, msr, write, val);
}

static void exits_as(struct vcpu *vcpu, uint32_t msr, bool write, uint32_t reason,
		     const char *what)
{
	const struct kvm_run *run = vcpu->run;
	int want = write ? KVM_EXIT_X86_WRMSR : KVM_EXIT_X86_RDMSR;

	if (!tap_eq(access_msr(vcpu, msr, write, ANSWER), want, "%s exits", what))
		return;
	tap_ok(run->msr.index == msr && run->msr.reason == reason && !run->msr.error &&
	       (!write || run->msr.data == ANSWER), "%s: with its index, reason and value", what);
}

static void test_filtered(struct vcpu *vcpu)
{
	struct kvm_regs regs;

	must(enable_cap(vcpu->vm->fd, KVM_CAP_X86_USER_SPACE_MSR, KVM_MSR_EXIT_REASON_FILTER));
	tap_eq(access_msr(vcpu, MSR_TSC, false, 0), KVM_EXIT_IO, "RDMSR of the TSC works");
	must(set_filter(vcpu, 0, KVM_MSR_FILTER_READ, MSR_TSC, 1, none));
	exits_as(vcpu, MSR_TSC, false, KVM_MSR_EXIT_REASON_FILTER, "a filtered RDMSR of the TSC");
	vcpu->run->msr.data = ANSWER;
	tap_eq(raw_run(vcpu), KVM_EXIT_IO, "it is completed");
	regs = raw_regs(vcpu);
	tap_eq(regs.rdx << 32 | regs.rax, ANSWER, "with userspace's value");
	tap_eq(access_msr(vcpu, MSR_TSC, true, 0), KVM_EXIT_IO, "writing it is not filtered");
	must(set_filter(vcpu, 0, KVM_MSR_FILTER_WRITE, MSR_LSTAR, 1, none));
	exits_as(vcpu, MSR_LSTAR, true, KVM_MSR_EXIT_REASON_FILTER, "a filtered WRMSR of LSTAR");
	tap_eq(raw_run(vcpu), KVM_EXIT_IO, "it is completed");
	tap_eq(access_msr(vcpu, MSR_LSTAR, false, 0), KVM_EXIT_IO, "reading it is not filtered");
	exits_as(vcpu, MSR_LSTAR, true, KVM_MSR_EXIT_REASON_FILTER, "once more");
	vcpu->run->msr.error = 1;
	tap_eq(raw_run(vcpu), KVM_EXIT_SHUTDOWN, "userspace's error is #GP");
}

static void test_reasons(void)
{
	struct vcpu *vcpu = raw_create_code(RAW_END);

	must(enable_cap(vcpu->vm->fd, KVM_CAP_X86_USER_SPACE_MSR,
			KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN));
	exits_as(vcpu, MSR_NOBODYS, false, KVM_MSR_EXIT_REASON_UNKNOWN, "RDMSR of an unknown MSR");
	exits_as(vcpu, MSR_NOBODYS, true, KVM_MSR_EXIT_REASON_UNKNOWN, "WRMSR of an unknown MSR");
	exits_as(vcpu, MSR_PAT, true, KVM_MSR_EXIT_REASON_INVAL, "WRMSR of a bad PAT");
	must(set_filter(vcpu, KVM_MSR_FILTER_DEFAULT_DENY, KVM_MSR_FILTER_READ, MSR_PAT, 1, all));
	tap_eq(access_msr(vcpu, MSR_PAT, false, 0), KVM_EXIT_IO, "a range can allow");
	tap_eq(access_msr(vcpu, MSR_TSC, false, 0), KVM_EXIT_SHUTDOWN,
	       "what the filter denies is #GP, if userspace asked for other reasons");
	guest_destroy(vcpu);
}

int main(void)
{
	struct vcpu *vcpu;

	tap_start("msrfilter", 60);
	memset(all, 0xff, sizeof(all));
	test_bounds();
	vcpu = raw_create_code(RAW_END);
	test_filtered(vcpu);
	guest_destroy(vcpu);
	test_reasons();
	return tap_done();
}
