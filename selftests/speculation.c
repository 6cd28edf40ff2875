// SPDX-License-Identifier: GPL-2.0
/*
 * IA32_SPEC_CTRL, IA32_PRED_CMD and IA32_FLUSH_CMD: what CPUID offers works, all else is #GP, and
 * the host's own value is back after each exit.
 */
#include <cpuid.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/raw.h"

#define MSR_SPEC_CTRL	0x48
#define MSR_PRED_CMD	0x49
#define MSR_FLUSH_CMD	0x10b
#define SPEC_IBRS	BIT(0)
#define SPEC_STIBP	BIT(1)
#define SPEC_UNDEFINED	BIT(9)
#define COMMAND		BIT(0)

#define LEAF_SIZES	0x80000008	/* its EBX says the same on other vendors' CPUs */
#define LEAF_FEATURES	7
#define HAS_IBRS_IBPB	BIT(26)		/* EDX */
#define HAS_STIBP	BIT(27)
#define HAS_FLUSH	BIT(28)
#define HAS_SSBD	BIT(31)
#define HAS_ANY		(HAS_IBRS_IBPB | HAS_STIBP | HAS_FLUSH | HAS_SSBD)

#define CPUID_ENTRIES	256

/* One RDMSR or WRMSR in a new guest whose CPUID lacks the features in @without. */
struct attempt {
	uint32_t without;
	bool write;
	uint32_t msr;
	uint64_t val;
};

static uint32_t offered;	/* EDX of leaf 7 */

static struct kvm_cpuid2 *supported_cpuid(void)
{
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) +
					  CPUID_ENTRIES * sizeof(cpuid->entries[0]));
	int dev = dev_open();

	if (!cpuid)
		tap_bail("no memory");
	cpuid->nent = CPUID_ENTRIES;
	must(xioctl(dev, KVM_GET_SUPPORTED_CPUID, cpuid));
	close(dev);
	return cpuid;
}

/* The answer: how many MSRs were read or written, so 1 or 0. */
static int one_msr(struct vcpu *vcpu, unsigned long request, uint64_t *val)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msrs = { .head.nmsrs = 1, .entry = { .index = MSR_SPEC_CTRL, .data = *val } };
	int done = xioctl(vcpu->fd, request, &msrs);

	*val = msrs.entry.data;
	return done;
}

static int set_msr(struct vcpu *vcpu, uint64_t val)
{
	return one_msr(vcpu, KVM_SET_MSRS, &val);
}

static uint64_t get_msr(struct vcpu *vcpu)
{
	uint64_t val = 0;

	return one_msr(vcpu, KVM_GET_MSRS, &val) == 1 ? val : ~0ULL;
}

static struct kvm_cpuid_entry2 *find_leaf(struct kvm_cpuid2 *cpuid, uint32_t leaf)
{
	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == leaf && !cpuid->entries[i].index)
			return &cpuid->entries[i];
	return NULL;
}

static void hide_features(struct vcpu *vcpu, uint32_t features)
{
	struct kvm_cpuid2 *cpuid = supported_cpuid();
	struct kvm_cpuid_entry2 *entry = find_leaf(cpuid, LEAF_FEATURES);

	if (entry)
		entry->edx &= ~features;
	entry = find_leaf(cpuid, LEAF_SIZES);
	if (entry && features)
		entry->ebx = 0;
	must(xioctl(vcpu->fd, KVM_SET_CPUID2, cpuid));
	free(cpuid);
}

static int attempt(struct attempt a)
{
	struct vcpu *vcpu = raw_create_code(RAW_END);
	int reason;

	hide_features(vcpu, a.without);
	reason = raw_access_msr(vcpu, a.msr, a.write, a.val);
	guest_destroy(vcpu);
	return reason;
}

static void works(struct attempt a, const char *what)
{
	tap_eq(attempt(a), KVM_EXIT_IO, "%s: no fault", what);
}

static void faults(struct attempt a, const char *what)
{
	tap_eq(attempt(a), KVM_EXIT_SHUTDOWN, "%s is #GP", what);
}

/* Nothing is offered. */
static void test_hidden(void)
{
	const uint32_t all = HAS_ANY;

	faults((struct attempt){ all, false, MSR_SPEC_CTRL, 0 }, "hidden: RDMSR of SPEC_CTRL");
	faults((struct attempt){ all, true, MSR_SPEC_CTRL, 0 }, "WRMSR of SPEC_CTRL");
	faults((struct attempt){ all, true, MSR_SPEC_CTRL, SPEC_IBRS }, "with a value");
	faults((struct attempt){ all, false, MSR_PRED_CMD, 0 }, "RDMSR of PRED_CMD");
	faults((struct attempt){ all, true, MSR_PRED_CMD, COMMAND }, "WRMSR of PRED_CMD");
	faults((struct attempt){ all, false, MSR_FLUSH_CMD, 0 }, "RDMSR of FLUSH_CMD");
	faults((struct attempt){ all, true, MSR_FLUSH_CMD, COMMAND }, "WRMSR of FLUSH_CMD");
}

static void test_commands(void)
{
	if (!(offered & HAS_IBRS_IBPB)) {
		tap_skip("not in CPUID", "PRED_CMD");
	} else {
		works((struct attempt){ 0, true, MSR_PRED_CMD, COMMAND }, "PRED_CMD: IBPB");
		works((struct attempt){ 0, true, MSR_PRED_CMD, 0 }, "PRED_CMD: nothing");
		faults((struct attempt){ 0, true, MSR_PRED_CMD, 2 }, "PRED_CMD: an undefined bit");
		faults((struct attempt){ 0, false, MSR_PRED_CMD, 0 }, "PRED_CMD: reading");
	}
	if (!(offered & HAS_FLUSH)) {
		tap_skip("not in CPUID", "FLUSH_CMD");
	} else {
		works((struct attempt){ 0, true, MSR_FLUSH_CMD, COMMAND }, "FLUSH_CMD: L1D");
		works((struct attempt){ 0, true, MSR_FLUSH_CMD, 0 }, "FLUSH_CMD: nothing");
		faults((struct attempt){ 0, true, MSR_FLUSH_CMD, 2 }, "FLUSH_CMD: a bad bit");
		faults((struct attempt){ 0, false, MSR_FLUSH_CMD, 0 }, "FLUSH_CMD: reading");
	}
}

static uint64_t guest_reads(struct vcpu *vcpu)
{
	struct kvm_regs regs;

	if (raw_access_msr(vcpu, MSR_SPEC_CTRL, false, 0) != KVM_EXIT_IO)
		return ~0ULL;
	regs = raw_regs(vcpu);
	return regs.rdx << 32 | (uint32_t)regs.rax;
}

/* The CPU's own, by the kernel's msr driver; ~0: there is none. */
static uint64_t host_value(void)
{
	int fd = open("/dev/cpu/0/msr", O_RDONLY);
	uint64_t val;

	if (fd < 0 || pread(fd, &val, sizeof(val), MSR_SPEC_CTRL) != sizeof(val))
		val = ~0ULL;
	close(fd);
	return val;
}

static void guest_sets(struct vcpu *vcpu, uint64_t val)
{
	uint64_t host = host_value();

	tap_eq(raw_access_msr(vcpu, MSR_SPEC_CTRL, true, val), KVM_EXIT_IO, "the guest writes %lu",
	       val);
	tap_eq(guest_reads(vcpu), val, "and reads it");
	tap_eq(get_msr(vcpu), val, "and so does userspace");
	if (host == ~0ULL)
		tap_skip("no /dev/cpu/0/msr", "the host keeps its own");
	else
		tap_eq(host_value(), host, "the host keeps its own, %lu", host);
}

static void test_spec_ctrl(void)
{
	struct vcpu *vcpu = raw_create_code(RAW_END);

	if (!(offered & HAS_IBRS_IBPB)) {
		tap_skip("not in CPUID", "SPEC_CTRL");
		guest_destroy(vcpu);
		return;
	}
	tap_eq(guest_reads(vcpu), 0, "SPEC_CTRL is 0 at first");
	guest_sets(vcpu, SPEC_IBRS);
	guest_sets(vcpu, SPEC_IBRS | SPEC_STIBP);
	guest_sets(vcpu, 0);
	tap_eq(set_msr(vcpu, SPEC_STIBP), 1, "userspace sets it");
	tap_eq(guest_reads(vcpu), SPEC_STIBP, "and the guest reads that");
	tap_eq(raw_access_msr(vcpu, MSR_SPEC_CTRL, true, SPEC_UNDEFINED), KVM_EXIT_SHUTDOWN,
	       "an undefined bit is #GP");
	guest_destroy(vcpu);
	faults((struct attempt){ 0, true, MSR_SPEC_CTRL, SPEC_UNDEFINED }, "also at once");
	faults((struct attempt){ 0, true, MSR_SPEC_CTRL, 1ULL << 32 }, "as is the upper half");
}

static void test_cpuid(void)
{
	uint32_t eax, ebx, ecx, edx = 0;
	struct kvm_cpuid2 *cpuid = supported_cpuid();
	struct kvm_cpuid_entry2 *entry = find_leaf(cpuid, LEAF_FEATURES);

	__get_cpuid_count(LEAF_FEATURES, 0, &eax, &ebx, &ecx, &edx);
	offered = entry ? entry->edx : 0;
	free(cpuid);
	tap_eq(offered & HAS_ANY & ~edx, 0, "no feature is offered that the host lacks");
}

int main(void)
{
	tap_start("speculation", 60);
	test_cpuid();
	test_hidden();
	test_commands();
	test_spec_ctrl();
	return tap_done();
}
