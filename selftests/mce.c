// SPDX-License-Identifier: GPL-2.0
/* Machine checks: what a vCPU's banks are, errors that userspace reports, what the guest sees. */
#include <unistd.h>

#include "lib/irqs.h"
#include "guest/mce.h"

#define BANKS		10	/* of most guests here */
#define BANK		3

#define MCG_CTL_P	BIT(8)
#define MCG_EXT_P	BIT(9)	/* not offered */
#define MCG_CMCI_P	BIT(10)
#define MCG_SER_P	BIT(24)
#define MCG_LMCE_P	BIT(27)
#define MCG_ALL		(MCG_CTL_P | MCG_CMCI_P | MCG_SER_P | MCG_LMCE_P)
#define MCG_MCIP	BIT(2)
#define MCG_RIPV	BIT(0)

#define STATUS_VAL	BIT_ULL(63)
#define STATUS_OVER	BIT_ULL(62)
#define STATUS_UC	BIT_ULL(61)
#define STATUS_EN	BIT_ULL(60)
#define STATUS_S	BIT_ULL(56)
#define CORRECTED	(STATUS_VAL | 0x151)
#define UNCORRECTED	(STATUS_VAL | STATUS_UC | STATUS_EN | STATUS_S | 0x134)
#define NO_ACTION	(STATUS_VAL | STATUS_UC | STATUS_EN | 0x135)

#define CTL2_EN		BIT(30)
#define CTL2_THRESHOLD	0x7fff

#define MSR_FEAT_CTL	0x3a
#define FEAT_CTL_LOCKED	BIT(0)
#define FEAT_CTL_LMCE	BIT(20)
#define MSR_P5_TYPE	1
#define MSR_MCG_CAP	0x179
#define MSR_MCG_CTL	0x17b
#define MSR_MCG_EXT_CTL	0x4d0
#define MSR_CTL(bank)	(MCE_BASE + 4 * (bank))
#define MSR_STATUS(bank) (MCE_BASE + 4 * (bank) + 1)
#define MSR_ADDR(bank)	(MCE_BASE + 4 * (bank) + 2)
#define MSR_MISC(bank)	(MCE_BASE + 4 * (bank) + 3)
#define MSR_CTL2(bank)	(0x280 + (bank))

#define ALL_ERRORS	(~0ULL)
#define VEC_MC		18
#define VEC_GP		13
#define LVT_NMI		0x400
#define LVT_MASKED	0x10000
#define APIC_LVTS(n)	(0x50014 + ((n) - 6) * 0x10000U)

static struct vcpu *create(bool irqchip)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu;

	if (irqchip)
		must(xioctl_val(vm->fd, KVM_CREATE_IRQCHIP, 0));
	vcpu = vcpu_create(vm, 0);
	vcpu_set_mode(vcpu, MODE_LONG);
	vm_load(vm, "mce", MODE_LONG);
	irq_map_devices(&vcpu, 1);
	return vcpu;
}

static int setup(struct vcpu *vcpu, uint64_t cap)
{
	return xioctl(vcpu->fd, KVM_X86_SETUP_MCE, &cap);
}

static struct vcpu *create_with(uint64_t features)
{
	struct vcpu *vcpu = create(true);

	must(setup(vcpu, BANKS | features));
	return vcpu;
}

/* 1: done. */
static int host_msr(struct vcpu *vcpu, unsigned long request, uint32_t index, uint64_t *val)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msrs = { .head.nmsrs = 1, .entry = { .index = index, .data = *val } };
	int done = xioctl(vcpu->fd, request, &msrs);

	*val = msrs.entry.data;
	return done;
}

static uint64_t host_read(struct vcpu *vcpu, uint32_t index)
{
	uint64_t val = 0;

	return host_msr(vcpu, KVM_GET_MSRS, index, &val) == 1 ? val : 0xbad;
}

static bool host_write(struct vcpu *vcpu, uint32_t index, uint64_t val)
{
	return host_msr(vcpu, KVM_SET_MSRS, index, &val) == 1;
}

static void host_set(struct vcpu *vcpu, uint32_t index, uint64_t val)
{
	if (!host_write(vcpu, index, val))
		tap_bail("MSR %#x does not take %#llx", index, (unsigned long long)val);
}

static bool run_op(struct vcpu *vcpu, uint64_t op, int want)
{
	int outcome = guest_start_op(vcpu, op);

	if (outcome != want)
		guest_report(vcpu, outcome);
	return outcome == want;
}

static void guest_reads(struct vcpu *vcpu, uint32_t index, unsigned int vector, uint64_t val,
			const char *what)
{
	const unsigned long long *result = vcpu->shared->result;
	bool done;

	vcpu->shared->arg[0] = index;
	done = run_op(vcpu, MCE_READ, GUEST_DONE);
	if (result[MCE_RES_VALUE] != val)
		tap_diag("read %#llx", result[MCE_RES_VALUE]);
	tap_ok(done && result[MCE_RES_FAULT] == vector &&
	       (vector || result[MCE_RES_VALUE] == val), "guest reads %s: %s", what,
	       vector ? "#GP" : "its value");
}

static void guest_writes(struct vcpu *vcpu, uint32_t index, uint64_t val, unsigned int vector,
			 const char *what)
{
	bool done;

	vcpu->shared->arg[0] = index;
	vcpu->shared->arg[1] = val;
	done = run_op(vcpu, MCE_WRITE, GUEST_DONE);
	tap_ok(done && vcpu->shared->result[MCE_RES_FAULT] == vector &&
	       (vector || host_read(vcpu, index) == val), "guest writes %s: %s", what,
	       vector ? "#GP" : "done");
}

static int report(struct vcpu *vcpu, uint64_t status, uint64_t mcg_status, uint64_t where)
{
	struct kvm_x86_mce mce = { .status = status, .addr = where, .misc = where + 1,
				   .mcg_status = mcg_status, .bank = BANK };

	return xioctl(vcpu->fd, KVM_X86_SET_MCE, &mce);
}

static bool bank_holds(struct vcpu *vcpu, uint64_t status, uint64_t where)
{
	return host_read(vcpu, MSR_STATUS(BANK)) == status &&
	       host_read(vcpu, MSR_ADDR(BANK)) == where &&
	       host_read(vcpu, MSR_MISC(BANK)) == where + 1;
}

static void test_setup(void)
{
	struct vcpu *vcpu = create(true);
	uint64_t cap = 0;

	tap_eq(xioctl_val(vcpu->vm->dev, KVM_CHECK_EXTENSION, KVM_CAP_MCE), 32, "32 banks");
	tap_eq(xioctl(vcpu->vm->dev, KVM_X86_GET_MCE_CAP_SUPPORTED, &cap), 0, "GET_MCE_CAP");
	tap_eq(cap, MCG_ALL, "MCG_CTL, CMCI, SER and LMCE are offered");
	tap_eq(xioctl(vcpu->vm->dev, KVM_X86_GET_MCE_CAP_SUPPORTED, NULL), -EFAULT,
	       "GET_MCE_CAP: EFAULT");
	guest_reads(vcpu, MSR_MCG_CAP, 0, 32, "MCG_CAP before SETUP_MCE");
	tap_eq(setup(vcpu, 0), -EINVAL, "no bank");
	tap_eq(setup(vcpu, 33), -EINVAL, "33 banks");
	tap_eq(setup(vcpu, BANKS | MCG_EXT_P), -EINVAL, "a feature that is not offered");
	tap_eq(xioctl(vcpu->fd, KVM_X86_SETUP_MCE, NULL), -EFAULT, "SETUP_MCE: EFAULT");
	tap_eq(host_read(vcpu, MSR_MCG_CAP), 32, "a refused SETUP_MCE changes nothing");
	tap_eq(setup(vcpu, 32 | MCG_ALL | 0xff0000), 0, "all that is offered");
	tap_eq(host_read(vcpu, MSR_MCG_CAP), 32 | MCG_ALL | 0xff0000, "MCG_CAP as it was set");
	tap_eq(setup(vcpu, BANKS | MCG_ALL), 0, "SETUP_MCE again");
	guest_reads(vcpu, MSR_MCG_CAP, 0, BANKS | MCG_ALL, "MCG_CAP");
	tap_ok(!host_write(vcpu, MSR_MCG_CAP, BANKS), "MCG_CAP is no MSR to write");
	guest_destroy(vcpu);
}

static void test_registers(void)
{
	struct vcpu *vcpu = create_with(MCG_ALL);

	guest_reads(vcpu, MSR_P5_TYPE, 0, 0, "P5_MC_TYPE");
	guest_reads(vcpu, MSR_MCG_CTL, 0, ALL_ERRORS, "MCG_CTL");
	guest_reads(vcpu, MSR_CTL(BANKS - 1), 0, ALL_ERRORS, "the last CTL");
	guest_reads(vcpu, MSR_CTL2(BANKS - 1), 0, 0, "the last CTL2");
	guest_reads(vcpu, MSR_CTL(BANKS), VEC_GP, 0, "a CTL behind the last");
	guest_reads(vcpu, MSR_CTL2(BANKS), VEC_GP, 0, "a CTL2 behind the last");
	tap_ok(!host_write(vcpu, MSR_MISC(BANKS), 0), "host writes behind the last bank: refused");
	tap_ok(!host_write(vcpu, MSR_CTL2(BANKS), 0), "host writes behind the last CTL2: refused");
	guest_writes(vcpu, MSR_MCG_CTL, 0, 0, "MCG_CTL 0");
	guest_writes(vcpu, MSR_MCG_CTL, 1, VEC_GP, "MCG_CTL 1");
	guest_writes(vcpu, MSR_MCG_CTL, ALL_ERRORS, 0, "MCG_CTL all ones");
	guest_writes(vcpu, MCE_STATUS, MCG_RIPV, 0, "MCG_STATUS");
	guest_writes(vcpu, MSR_CTL(BANK), 0, 0, "CTL 0");
	guest_writes(vcpu, MSR_CTL(BANK), 2, VEC_GP, "CTL 2");
	guest_writes(vcpu, MSR_CTL(BANK), ~BIT_ULL(10), 0, "CTL without bit 10");
	guest_writes(vcpu, MSR_CTL(BANK), ~1ULL, 0, "CTL without bit 0");
	guest_writes(vcpu, MSR_CTL(BANK), ~2ULL, VEC_GP, "CTL without bit 1");
	guest_writes(vcpu, MSR_STATUS(BANK), STATUS_VAL, VEC_GP, "STATUS");
	tap_ok(host_write(vcpu, MSR_STATUS(BANK), CORRECTED), "host writes STATUS");
	guest_reads(vcpu, MSR_STATUS(BANK), 0, CORRECTED, "STATUS");
	guest_writes(vcpu, MSR_STATUS(BANK), 0, 0, "STATUS 0");
	guest_writes(vcpu, MSR_ADDR(BANK), 0x123456789ULL, 0, "ADDR");
	guest_writes(vcpu, MSR_MISC(BANK), 0x987654321ULL, 0, "MISC");
	guest_writes(vcpu, MSR_CTL2(BANK), CTL2_EN | CTL2_THRESHOLD, 0, "CTL2");
	guest_writes(vcpu, MSR_CTL2(BANK), BIT(15), VEC_GP, "CTL2 with a reserved bit");
	tap_ok(!host_write(vcpu, MSR_CTL2(BANK), BIT(31)), "host writes a reserved bit: refused");
	guest_destroy(vcpu);
}

static void test_absent_features(void)
{
	struct vcpu *vcpu = create_with(0);

	guest_reads(vcpu, MSR_MCG_CTL, VEC_GP, 0, "MCG_CTL that is not there");
	guest_writes(vcpu, MSR_MCG_CTL, 0, VEC_GP, "MCG_CTL that is not there");
	tap_ok(host_write(vcpu, MSR_MCG_CTL, 0), "host writes 0 there");
	tap_ok(!host_write(vcpu, MSR_MCG_CTL, ALL_ERRORS), "host writes ones there: refused");
	guest_reads(vcpu, MSR_CTL2(0), VEC_GP, 0, "CTL2 that is not there");
	guest_writes(vcpu, MSR_CTL2(0), 0, VEC_GP, "CTL2 that is not there");
	tap_ok(host_write(vcpu, MSR_CTL2(0), 0), "host writes 0 there");
	tap_ok(!host_write(vcpu, MSR_CTL2(0), CTL2_EN), "host writes CTL2.EN there: refused");
	tap_ok(run_op(vcpu, MCE_VERSION, GUEST_DONE) && vcpu->shared->result[0] == APIC_LVTS(6),
	       "without CMCI the local APIC has 6 LVT entries");
	must(setup(vcpu, BANKS | MCG_CMCI_P));
	tap_ok(run_op(vcpu, MCE_VERSION, GUEST_DONE) && vcpu->shared->result[0] == APIC_LVTS(7),
	       "with CMCI it has 7");
	guest_destroy(vcpu);
}

static void test_local(void)
{
	struct vcpu *vcpu = create_with(0);

	tap_ok(!host_write(vcpu, MSR_FEAT_CTL, FEAT_CTL_LMCE), "FEAT_CTL has no LMCE of itself");
	must(setup(vcpu, BANKS | MCG_LMCE_P));
	guest_reads(vcpu, MSR_MCG_EXT_CTL, VEC_GP, 0, "MCG_EXT_CTL before FEAT_CTL allows it");
	guest_writes(vcpu, MSR_MCG_EXT_CTL, 1, VEC_GP, "MCG_EXT_CTL before FEAT_CTL allows it");
	tap_ok(host_write(vcpu, MSR_MCG_EXT_CTL, 1), "host writes MCG_EXT_CTL");
	tap_ok(host_write(vcpu, MSR_FEAT_CTL, FEAT_CTL_LMCE | FEAT_CTL_LOCKED),
	       "host allows it in FEAT_CTL");
	guest_reads(vcpu, MSR_MCG_EXT_CTL, 0, 1, "MCG_EXT_CTL");
	guest_writes(vcpu, MSR_MCG_EXT_CTL, 0, 0, "MCG_EXT_CTL 0");
	guest_writes(vcpu, MSR_MCG_EXT_CTL, 2, VEC_GP, "MCG_EXT_CTL 2");
	guest_destroy(vcpu);
}

static void test_errno(void)
{
	struct vcpu *vcpu = create_with(MCG_ALL);
	struct kvm_x86_mce mce = { .status = CORRECTED, .bank = BANKS };

	tap_eq(xioctl(vcpu->fd, KVM_X86_SET_MCE, &mce), -EINVAL, "SET_MCE: no such bank");
	mce.bank = BANKS - 1;
	tap_eq(xioctl(vcpu->fd, KVM_X86_SET_MCE, &mce), 0, "SET_MCE: the last bank");
	tap_eq(report(vcpu, UNCORRECTED & ~STATUS_VAL, 0, 0), -EINVAL, "SET_MCE: not valid");
	tap_eq(xioctl(vcpu->fd, KVM_X86_SET_MCE, NULL), -EFAULT, "SET_MCE: EFAULT");
	guest_destroy(vcpu);
}

static void test_corrected(void)
{
	struct vcpu *vcpu = create_with(MCG_ALL);

	tap_ok(!report(vcpu, CORRECTED, MCG_RIPV, 0x1000) && bank_holds(vcpu, CORRECTED, 0x1000),
	       "a corrected error is in its bank");
	tap_eq(host_read(vcpu, MCE_STATUS), 0, "MCG_STATUS stays");
	tap_ok(!report(vcpu, CORRECTED + 1, 0, 0x2000) &&
	       bank_holds(vcpu, (CORRECTED + 1) | STATUS_OVER, 0x2000),
	       "the next takes its place, with OVER");
	host_set(vcpu, MSR_STATUS(BANK), NO_ACTION);
	tap_ok(!report(vcpu, CORRECTED, 0, 0x3000) &&
	       bank_holds(vcpu, NO_ACTION | STATUS_OVER, 0x2000),
	       "but not that of an uncorrected one");
	guest_destroy(vcpu);
}

/* The guest is out with CR4.MCE = @on when @status is reported; how it goes on, and what it saw. */
static int take(struct vcpu *vcpu, bool on, uint64_t status, uint64_t mcg_status)
{
	struct kvm_vcpu_events events;

	vcpu->shared->arg[0] = on;
	vcpu->shared->arg[1] = BANK;
	if (!run_op(vcpu, MCE_TAKE, GUEST_SYNC))
		return -1;
	must(report(vcpu, status, mcg_status, 0x5000));
	must(xioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events));
	if (events.exception.nr == VEC_MC && events.exception.injected)
		tap_diag("#MC is pending");
	return guest_run(vcpu);
}

static bool is_shutdown(struct vcpu *vcpu, int outcome)
{
	return outcome == GUEST_EXIT && vcpu->run->exit_reason == KVM_EXIT_SHUTDOWN;
}

static void test_uncorrected(void)
{
	struct vcpu *vcpu = create_with(MCG_ALL);
	const unsigned long long *result = vcpu->shared->result;
	int outcome = take(vcpu, true, UNCORRECTED, MCG_MCIP | MCG_RIPV);

	tap_ok(outcome == GUEST_DONE && result[MCE_RES_TAKEN] == 1, "an uncorrected error: #MC");
	tap_eq(result[MCE_RES_MCG], MCG_MCIP | MCG_RIPV, "MCG_STATUS in its handler");
	tap_eq(result[MCE_RES_STATUS], UNCORRECTED, "STATUS there");
	tap_eq(result[MCE_RES_ADDR], 0x5000, "ADDR there");
	tap_eq(result[MCE_RES_MISC], 0x5001, "MISC there");
	guest_writes(vcpu, MCE_STATUS, 0, 0, "MCG_STATUS 0");
	outcome = take(vcpu, true, UNCORRECTED, MCG_MCIP);
	tap_ok(outcome == GUEST_DONE && result[MCE_RES_STATUS] == (UNCORRECTED | STATUS_OVER),
	       "the next one finds its bank in use: OVER");
	outcome = take(vcpu, true, UNCORRECTED, MCG_MCIP);
	tap_ok(is_shutdown(vcpu, outcome), "one more with MCIP set: shutdown");
	guest_destroy(vcpu);
}

static void test_disabled(void)
{
	struct vcpu *vcpu = create_with(MCG_ALL);
	const unsigned long long *result = vcpu->shared->result;
	int outcome;

	host_set(vcpu, MSR_MCG_CTL, 0);
	outcome = take(vcpu, true, UNCORRECTED, MCG_MCIP);
	tap_ok(outcome == GUEST_DONE && !result[MCE_RES_TAKEN] &&
	       !host_read(vcpu, MSR_STATUS(BANK)), "MCG_CTL 0: an error is lost");
	host_set(vcpu, MSR_MCG_CTL, ALL_ERRORS);
	host_set(vcpu, MSR_CTL(BANK), 0);
	outcome = take(vcpu, true, UNCORRECTED, MCG_MCIP);
	tap_ok(outcome == GUEST_DONE && !result[MCE_RES_TAKEN] && !host_read(vcpu, MCE_STATUS),
	       "CTL 0: an error is lost");
	host_set(vcpu, MSR_CTL(BANK), ALL_ERRORS);
	outcome = take(vcpu, false, UNCORRECTED, MCG_MCIP);
	tap_ok(is_shutdown(vcpu, outcome), "CR4.MCE clear: shutdown");
	guest_destroy(vcpu);
}

/* An uncorrected error that asks for no action, with this LVT entry and CTL2. */
static bool signalled(struct vcpu *vcpu, uint32_t lvt, uint64_t ctl2, unsigned int interrupts,
		      unsigned int nmis)
{
	const unsigned long long *result = vcpu->shared->result;

	vcpu->shared->arg[0] = lvt;
	host_set(vcpu, MSR_CTL2(BANK), ctl2);
	if (!run_op(vcpu, MCE_CMCI, GUEST_SYNC))
		return false;
	must(report(vcpu, NO_ACTION, 0, 0x7000));
	return guest_run(vcpu) == GUEST_DONE && result[MCE_RES_TAKEN] == interrupts &&
	       result[MCE_RES_NMIS] == nmis && bank_holds(vcpu, NO_ACTION, 0x7000);
}

static void test_no_action(void)
{
	struct vcpu *vcpu = create_with(MCG_ALL);

	host_set(vcpu, MCE_STATUS, MCG_MCIP);
	tap_ok(signalled(vcpu, MCE_VEC, 0, 0, 0), "UCNA: recorded, not signalled");
	tap_eq(host_read(vcpu, MCE_STATUS), 0, "UCNA sets MCG_STATUS to its own, 0");
	tap_ok(signalled(vcpu, MCE_VEC, CTL2_EN, 1, 0), "UCNA with CTL2.EN: an interrupt");
	tap_ok(signalled(vcpu, MCE_VEC | LVT_MASKED, CTL2_EN, 0, 0), "LVT CMCI masked: none");
	tap_ok(signalled(vcpu, LVT_NMI, CTL2_EN, 0, 1), "LVT CMCI as NMI");
	host_set(vcpu, MSR_MCG_CTL, 0);
	tap_ok(signalled(vcpu, MCE_VEC, CTL2_EN, 1, 0), "MCG_CTL 0 does not matter to UCNA");
	guest_destroy(vcpu);
	vcpu = create_with(MCG_CTL_P);
	tap_ok(signalled(vcpu, MCE_VEC, 0, 0, 0), "UCNA without CMCI: recorded");
	guest_destroy(vcpu);
	vcpu = create(false);
	must(setup(vcpu, BANKS | MCG_ALL));
	host_set(vcpu, MSR_CTL2(BANK), CTL2_EN);
	tap_ok(!report(vcpu, NO_ACTION, 0, 0x7000) && bank_holds(vcpu, NO_ACTION, 0x7000),
	       "UCNA without an APIC in the kernel: recorded");
	guest_destroy(vcpu);
}

int main(void)
{
	tap_start("mce", 60);
	test_setup();
	test_registers();
	test_absent_features();
	test_local();
	test_errno();
	test_corrected();
	test_uncorrected();
	test_disabled();
	test_no_action();
	return tap_done();
}
