// SPDX-License-Identifier: GPL-2.0
/* Wrong arguments of vCPU ioctls: the errno is KVM's and the registers stay as they were. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "lib/vm.h"
#include "guest/basic.h"

#define CR0_PE		BIT(0)
#define CR0_NW		BIT(29)
#define CR0_CD		BIT(30)
#define CR0_PG		BIT(31)
#define CR4_PAE		BIT(5)
#define CR4_VMXE_NEXT	BIT(15)	/* reserved */
#define EFER_LMA	BIT(10)
#define XCR0_X87	1
#define XCR0_AVX	4
#define MSR_NONE	0x8b00
#define EVENT_NMI	2

static void *bad_ptr;

static void expect(struct vcpu *vcpu, unsigned long request, void *arg, int want, const char *what)
{
	tap_eq(xioctl(vcpu->fd, request, arg), want, "%s", what);
}

static void test_efault(struct vcpu *vcpu)
{
	static const struct {
		unsigned long request;
		const char *name;
	} all[] = {
		{ KVM_GET_REGS, "GET_REGS" }, { KVM_SET_REGS, "SET_REGS" },
		{ KVM_GET_SREGS, "GET_SREGS" }, { KVM_SET_SREGS, "SET_SREGS" },
		{ KVM_GET_FPU, "GET_FPU" }, { KVM_SET_FPU, "SET_FPU" },
		{ KVM_GET_XSAVE, "GET_XSAVE" }, { KVM_SET_XSAVE, "SET_XSAVE" },
		{ KVM_GET_XCRS, "GET_XCRS" }, { KVM_SET_XCRS, "SET_XCRS" },
		{ KVM_GET_MSRS, "GET_MSRS" }, { KVM_SET_MSRS, "SET_MSRS" },
		{ KVM_GET_CPUID2, "GET_CPUID2" }, { KVM_SET_CPUID2, "SET_CPUID2" },
		{ KVM_GET_MP_STATE, "GET_MP_STATE" }, { KVM_SET_MP_STATE, "SET_MP_STATE" },
		{ KVM_GET_VCPU_EVENTS, "GET_VCPU_EVENTS" },
		{ KVM_SET_VCPU_EVENTS, "SET_VCPU_EVENTS" },
		{ KVM_GET_DEBUGREGS, "GET_DEBUGREGS" }, { KVM_SET_DEBUGREGS, "SET_DEBUGREGS" },
		{ KVM_INTERRUPT, "INTERRUPT" }, { KVM_TRANSLATE, "TRANSLATE" },
		{ KVM_SET_SIGNAL_MASK, "SET_SIGNAL_MASK" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(all); i++)
		tap_eq(xioctl(vcpu->fd, all[i].request, bad_ptr), -EFAULT, "%s: EFAULT",
		       all[i].name);
}

static void test_unknown(struct vcpu *vcpu)
{
	expect(vcpu, _IO(KVMIO, 0xfe), NULL, -EINVAL, "unknown vCPU ioctl");
	expect(vcpu, _IO('t', 0xfe), NULL, -EINVAL, "ioctl of another kind");
	expect(vcpu, KVM_CREATE_VCPU, NULL, -EINVAL, "a VM ioctl on a vCPU");
	expect(vcpu, KVM_RUN, (void *)1, -EINVAL, "RUN with an argument");
}

static void try_sregs(struct vcpu *vcpu, const struct kvm_sregs *bad, const char *what)
{
	struct kvm_sregs before, sregs = *bad;
	struct kvm_sregs after;

	must(xioctl(vcpu->fd, KVM_GET_SREGS, &before));
	expect(vcpu, KVM_SET_SREGS, &sregs, -EINVAL, what);
	must(xioctl(vcpu->fd, KVM_GET_SREGS, &after));
	tap_ok(!memcmp(&before, &after, sizeof(before)), "%s: nothing changed", what);
}

static void test_sregs(struct vcpu *vcpu)
{
	struct kvm_sregs good, bad;

	must(xioctl(vcpu->fd, KVM_GET_SREGS, &good));
	bad = good;
	bad.cr0 &= ~CR0_PE;
	try_sregs(vcpu, &bad, "SET_SREGS: PG without PE");
	bad = good;
	bad.cr0 = (bad.cr0 & ~CR0_CD) | CR0_NW;
	try_sregs(vcpu, &bad, "SET_SREGS: NW without CD");
	bad = good;
	bad.cr0 |= 1UL << 40;
	try_sregs(vcpu, &bad, "SET_SREGS: a high bit of CR0");
	bad = good;
	bad.cr4 |= CR4_VMXE_NEXT;
	try_sregs(vcpu, &bad, "SET_SREGS: a reserved bit of CR4");
	bad = good;
	bad.cr4 &= ~CR4_PAE;
	try_sregs(vcpu, &bad, "SET_SREGS: long mode without PAE");
	bad = good;
	bad.efer &= ~EFER_LMA;
	try_sregs(vcpu, &bad, "SET_SREGS: paging, LME, not LMA");
	bad = good;
	bad.cr3 |= 1UL << 62;
	try_sregs(vcpu, &bad, "SET_SREGS: CR3 beyond the physical address");
	bad = good;
	bad.apic_base |= 1UL << 62;
	try_sregs(vcpu, &bad, "SET_SREGS: a reserved bit of the APIC base");
}

static void test_msrs(struct vcpu *vcpu)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[3];
	} msrs = { .head.nmsrs = 3 };

	msrs.entry[0].index = 0x174;	/* SYSENTER_CS */
	msrs.entry[1].index = MSR_NONE;
	msrs.entry[2].index = 0x175;
	expect(vcpu, KVM_GET_MSRS, &msrs, 1, "GET_MSRS stops at one it does not know");
	expect(vcpu, KVM_SET_MSRS, &msrs, 1, "SET_MSRS stops at one it does not know");
	msrs.entry[0].index = MSR_NONE;
	expect(vcpu, KVM_GET_MSRS, &msrs, 0, "GET_MSRS of an unknown one first");
	msrs.head.nmsrs = 0;
	expect(vcpu, KVM_GET_MSRS, &msrs, 0, "GET_MSRS of none");
	msrs.head.nmsrs = 0xffffffff;
	expect(vcpu, KVM_GET_MSRS, &msrs, -E2BIG, "GET_MSRS of too many");
	expect(vcpu, KVM_SET_MSRS, &msrs, -E2BIG, "SET_MSRS of too many");
}

static void test_cpuid(struct vcpu *vcpu)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[256];
	} cpuid = { .head.nent = 0 };

	expect(vcpu, KVM_GET_CPUID2, &cpuid, -E2BIG, "GET_CPUID2 with no room");
	cpuid.head.nent = ARRAY_SIZE(cpuid.entry);
	expect(vcpu, KVM_GET_CPUID2, &cpuid, 0, "GET_CPUID2 with room");
	tap_ok(cpuid.entry[0].function == 0 && cpuid.entry[0].eax > 0, "it starts with leaf 0");
	cpuid.head.nent = 0x10000;
	expect(vcpu, KVM_SET_CPUID2, &cpuid, -E2BIG, "SET_CPUID2 of too many");
}

static void test_xstate(struct vcpu *vcpu)
{
	static uint32_t xsave[1024 * 16];
	struct kvm_xcrs xcrs;

	must(xioctl(vcpu->fd, KVM_GET_XCRS, &xcrs));
	if (!has_cap(vcpu->vm->dev, KVM_CAP_XCRS))
		tap_skip("the CPU has no XSAVE", "GET_XCRS gives XCR0");
	else
		tap_ok(xcrs.nr_xcrs == 1 && xcrs.xcrs[0].xcr == 0,
		       "GET_XCRS gives XCR0");
	xcrs.flags = 1;
	expect(vcpu, KVM_SET_XCRS, &xcrs, -EINVAL, "SET_XCRS with flags");
	xcrs.flags = 0;
	xcrs.nr_xcrs = KVM_MAX_XCRS + 1;
	expect(vcpu, KVM_SET_XCRS, &xcrs, -EINVAL, "SET_XCRS of too many");
	xcrs.nr_xcrs = 1;
	xcrs.xcrs[0].value = 0;
	expect(vcpu, KVM_SET_XCRS, &xcrs, -EINVAL, "XCR0 without x87");
	xcrs.xcrs[0].value = XCR0_X87 | XCR0_AVX;
	expect(vcpu, KVM_SET_XCRS, &xcrs, -EINVAL, "XCR0 with AVX without SSE");
	must(xioctl(vcpu->fd, KVM_GET_XSAVE, xsave));
	xsave[128] |= 1U << 30;		/* XSTATE_BV, 512 bytes in */
	expect(vcpu, KVM_SET_XSAVE, xsave, -EINVAL, "SET_XSAVE of an unknown component");
	xsave[128] = 1;
	xsave[6] = 0xffffffff;		/* MXCSR */
	expect(vcpu, KVM_SET_XSAVE, xsave, -EINVAL, "SET_XSAVE with reserved bits of MXCSR");
}

static void test_debugregs(struct vcpu *vcpu)
{
	struct kvm_debugregs good, bad;

	must(xioctl(vcpu->fd, KVM_GET_DEBUGREGS, &good));
	bad = good;
	bad.flags = 1;
	expect(vcpu, KVM_SET_DEBUGREGS, &bad, -EINVAL, "SET_DEBUGREGS with flags");
	bad = good;
	bad.dr6 |= 1ULL << 32;
	expect(vcpu, KVM_SET_DEBUGREGS, &bad, -EINVAL, "SET_DEBUGREGS: a high bit of DR6");
	bad = good;
	bad.dr7 |= 1ULL << 32;
	expect(vcpu, KVM_SET_DEBUGREGS, &bad, -EINVAL, "SET_DEBUGREGS: a high bit of DR7");
}

static void test_events(struct vcpu *vcpu)
{
	struct kvm_vcpu_events good, bad;
	struct kvm_interrupt irq = { .irq = 256 };
	struct kvm_mp_state mp = { .mp_state = 0xff };

	must(xioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &good));
	bad = good;
	bad.flags = 0x80000000;
	expect(vcpu, KVM_SET_VCPU_EVENTS, &bad, -EINVAL, "SET_VCPU_EVENTS: unknown flag");
	bad = good;
	bad.exception.injected = 1;
	bad.exception.nr = 32;
	expect(vcpu, KVM_SET_VCPU_EVENTS, &bad, -EINVAL, "SET_VCPU_EVENTS: exception 32");
	bad.exception.nr = EVENT_NMI;
	expect(vcpu, KVM_SET_VCPU_EVENTS, &bad, -EINVAL, "SET_VCPU_EVENTS: NMI as an exception");
	expect(vcpu, KVM_INTERRUPT, &irq, -EINVAL, "INTERRUPT 256");
	expect(vcpu, KVM_SET_MP_STATE, &mp, -EINVAL, "SET_MP_STATE: unknown state");
	mp.mp_state = KVM_MP_STATE_HALTED;
	expect(vcpu, KVM_SET_MP_STATE, &mp, -EINVAL, "SET_MP_STATE: halted without an APIC");
	mp.mp_state = KVM_MP_STATE_RUNNABLE;
	expect(vcpu, KVM_SET_MP_STATE, &mp, 0, "SET_MP_STATE: runnable");
}

static void test_signal_mask(struct vcpu *vcpu)
{
	struct {
		struct kvm_signal_mask head;
		uint8_t set[16];
	} mask = { .head.len = 4 };

	expect(vcpu, KVM_SET_SIGNAL_MASK, &mask, -EINVAL, "SET_SIGNAL_MASK of 4 bytes");
	mask.head.len = 16;
	expect(vcpu, KVM_SET_SIGNAL_MASK, &mask, -EINVAL, "SET_SIGNAL_MASK of 16 bytes");
	mask.head.len = 8;
	expect(vcpu, KVM_SET_SIGNAL_MASK, &mask, 0, "SET_SIGNAL_MASK of 8 bytes");
	expect(vcpu, KVM_SET_SIGNAL_MASK, NULL, 0, "SET_SIGNAL_MASK: none");
}

int main(void)
{
	struct vcpu *vcpu;

	tap_start("errno_vcpu", 120);
	bad_ptr = mmap(NULL, PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	vcpu = guest_create("basic", MODE_LONG);
	test_efault(vcpu);
	test_unknown(vcpu);
	test_sregs(vcpu);
	test_msrs(vcpu);
	test_cpuid(vcpu);
	test_xstate(vcpu);
	test_debugregs(vcpu);
	test_events(vcpu);
	test_signal_mask(vcpu);
	guest_test(vcpu, BASIC_NOTHING, "the guest runs after all this");
	guest_destroy(vcpu);
	return tap_done();
}
