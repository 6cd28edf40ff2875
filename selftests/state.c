// SPDX-License-Identifier: GPL-2.0
/* What SET puts in, GET gives back and the guest sees. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/vm.h"
#include "guest/state.h"

#define MAX_MSRS	512
#define MSR_TSC		0x10

static bool guest_avx;

struct msr_block {
	struct kvm_msrs head;
	struct kvm_msr_entry entry[MAX_MSRS];
};

struct cpuid_block {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entry[256];
};

static struct vcpu *new_guest(void)
{
	struct vcpu *vcpu = guest_create("state", MODE_LONG);

	vcpu->shared->arg[0] = 42;
	vcpu->shared->arg[1] = guest_avx;
	return vcpu;
}

/* GET twice into differently filled memory: whatever it leaves unwritten differs. */
static void test_all_written(struct vcpu *vcpu)
{
	static const struct {
		unsigned long request;
		size_t size;
		const char *name;
	} gets[] = {
		{ KVM_GET_REGS, sizeof(struct kvm_regs), "REGS" },
		{ KVM_GET_SREGS, sizeof(struct kvm_sregs), "SREGS" },
		{ KVM_GET_FPU, sizeof(struct kvm_fpu), "FPU" },
		{ KVM_GET_XSAVE, sizeof(struct kvm_xsave), "XSAVE" },
		{ KVM_GET_XCRS, sizeof(struct kvm_xcrs), "XCRS" },
		{ KVM_GET_DEBUGREGS, sizeof(struct kvm_debugregs), "DEBUGREGS" },
		{ KVM_GET_VCPU_EVENTS, sizeof(struct kvm_vcpu_events), "VCPU_EVENTS" },
		{ KVM_GET_MP_STATE, sizeof(struct kvm_mp_state), "MP_STATE" },
	};
	static uint8_t a[8192], b[8192];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(gets); i++) {
		memset(a, 0xaa, sizeof(a));
		memset(b, 0x55, sizeof(b));
		must(xioctl(vcpu->fd, gets[i].request, a));
		must(xioctl(vcpu->fd, gets[i].request, b));
		tap_ok(!memcmp(a, b, gets[i].size), "GET_%s writes all of its structure",
		       gets[i].name);
		tap_ok(a[gets[i].size] == 0xaa && b[gets[i].size] == 0x55, "and no more");
	}
}

static void test_regs(struct vcpu *vcpu)
{
	struct kvm_regs old, set, got;
	unsigned long long *word = (void *)&set;
	size_t i;

	must(xioctl(vcpu->fd, KVM_GET_REGS, &old));
	for (i = 0; i < sizeof(set) / 8; i++)
		word[i] = 0x1111111111111111ULL * (i & 15) + i;
	set.rflags = 0x246;
	set.rip = 0x123456;
	must(xioctl(vcpu->fd, KVM_SET_REGS, &set));
	must(xioctl(vcpu->fd, KVM_GET_REGS, &got));
	tap_ok(!memcmp(&set, &got, sizeof(set)), "REGS");
	must(xioctl(vcpu->fd, KVM_SET_REGS, &old));
}

static void test_sregs(struct vcpu *vcpu)
{
	struct kvm_sregs old, set, got;

	must(xioctl(vcpu->fd, KVM_GET_SREGS, &old));
	set = old;
	set.fs.base = 0x7f0011223344;
	set.gs.base = 0xffff800011223344;
	set.fs.selector = 0x23;
	set.gs.limit = 0xfffff;
	set.gs.g = 0;
	set.gdt = (struct kvm_dtable) { .base = 0x11000, .limit = 0x7f };
	set.idt = (struct kvm_dtable) { .base = 0x12000, .limit = 0xfff };
	set.ldt.unusable = 1;
	set.cr2 = 0x123456789abc;
	set.cr8 = 7;
	must(xioctl(vcpu->fd, KVM_SET_SREGS, &set));
	must(xioctl(vcpu->fd, KVM_GET_SREGS, &got));
	tap_ok(got.fs.base == set.fs.base && got.fs.selector == 0x23, "SREGS: FS");
	tap_ok(got.gs.base == set.gs.base && got.gs.limit == 0xfffff && !got.gs.g, "SREGS: GS");
	tap_ok(!memcmp(&got.gdt, &set.gdt, 10) && !memcmp(&got.idt, &set.idt, 10),
	       "SREGS: GDT and IDT");
	tap_ok(got.ldt.unusable && !got.cs.unusable, "SREGS: unusable segments");
	tap_eq(got.cr2, set.cr2, "SREGS: CR2");
	tap_eq(got.cr8, 7, "SREGS: CR8");
	tap_ok(got.cr0 == set.cr0 && got.cr3 == set.cr3 && got.cr4 == set.cr4 &&
	       got.efer == set.efer, "SREGS: CR0, CR3, CR4, EFER");
	must(xioctl(vcpu->fd, KVM_SET_SREGS, &old));
}

static void test_fpu(struct vcpu *vcpu)
{
	struct kvm_fpu old, set, got;

	must(xioctl(vcpu->fd, KVM_GET_FPU, &old));
	tap_eq(old.fcw, 0x37f, "FPU: control word after reset");
	set = old;
	memset(set.xmm, 0x5b, sizeof(set.xmm));
	set.fpr[3][2] = 0x77;
	set.fcw = 0x27f;
	set.ftwx = 0x80;
	must(xioctl(vcpu->fd, KVM_SET_FPU, &set));
	must(xioctl(vcpu->fd, KVM_GET_FPU, &got));
	tap_ok(!memcmp(set.xmm, got.xmm, sizeof(set.xmm)), "FPU: XMM registers");
	tap_ok(!memcmp(set.fpr, got.fpr, sizeof(set.fpr)), "FPU: x87 registers");
	tap_ok(got.fcw == set.fcw && got.fsw == set.fsw && got.ftwx == set.ftwx,
	       "FPU: control, status and tag words");
	must(xioctl(vcpu->fd, KVM_SET_FPU, &old));
}

static void test_xsave(struct vcpu *vcpu)
{
	static struct kvm_xsave old, set, got;
	uint64_t *bv = (uint64_t *)&set.region[128];

	must(xioctl(vcpu->fd, KVM_GET_XSAVE, &old));
	set = old;
	memset(&set.region[40], 0x3c, 256);	/* XMM registers */
	*bv |= 3;
	if (guest_avx) {
		memset(&set.region[144], 0x7e, 256);	/* the upper halves of YMM */
		*bv |= 4;
	}
	must(xioctl(vcpu->fd, KVM_SET_XSAVE, &set));
	must(xioctl(vcpu->fd, KVM_GET_XSAVE, &got));
	tap_ok(!memcmp(&set.region[40], &got.region[40], 256), "XSAVE: XMM registers");
	tap_ok(!guest_avx || !memcmp(&set.region[144], &got.region[144], 256), "XSAVE: YMM");
	must(xioctl(vcpu->fd, KVM_SET_XSAVE, &old));
	must(xioctl(vcpu->fd, KVM_GET_XSAVE, &got));
	tap_ok(!memcmp(&old.region[40], &got.region[40], 256), "XSAVE: and back");
}

static void test_xcrs(struct vcpu *vcpu)
{
	struct kvm_xcrs old, set, got;

	if (!has_cap(vcpu->vm->dev, KVM_CAP_XCRS)) {
		tap_skip("the CPU has no XSAVE", "XCRS");
		return;
	}
	must(xioctl(vcpu->fd, KVM_GET_XCRS, &old));
	tap_ok(old.nr_xcrs == 1 && old.xcrs[0].value == 1, "XCRS: after reset");
	set = old;
	set.xcrs[0].value = 3;
	must(xioctl(vcpu->fd, KVM_SET_XCRS, &set));
	must(xioctl(vcpu->fd, KVM_GET_XCRS, &got));
	tap_eq(got.xcrs[0].value, 3, "XCRS: set");
	must(xioctl(vcpu->fd, KVM_SET_XCRS, &old));
}

static void test_debugregs(struct vcpu *vcpu)
{
	struct kvm_debugregs old, set, got;
	int i;

	must(xioctl(vcpu->fd, KVM_GET_DEBUGREGS, &old));
	tap_ok(old.dr7 == 0x400 && old.dr6 == 0xffff0ff0, "DEBUGREGS: after reset");
	set = old;
	for (i = 0; i < 4; i++)
		set.db[i] = 0x1000 * (i + 1) + i;
	set.dr6 = 0xffff4ff1;
	set.dr7 = 0x401;
	must(xioctl(vcpu->fd, KVM_SET_DEBUGREGS, &set));
	must(xioctl(vcpu->fd, KVM_GET_DEBUGREGS, &got));
	tap_ok(!memcmp(&set, &got, sizeof(set)), "DEBUGREGS: set");
	must(xioctl(vcpu->fd, KVM_SET_DEBUGREGS, &old));
}

static void test_cpuid(struct vcpu *vcpu)
{
	static struct cpuid_block set = { .head.nent = 3 }, got;

	set.entry[0] = (struct kvm_cpuid_entry2) { .function = 0, .eax = 7, .ebx = 1, .ecx = 2 };
	set.entry[1] = (struct kvm_cpuid_entry2) { .function = 7, .index = 0, .flags = 1 };
	set.entry[2] = (struct kvm_cpuid_entry2) { .function = 0x80000000, .eax = 0x80000000 };
	must(xioctl(vcpu->fd, KVM_SET_CPUID2, &set));
	got.head.nent = 3;
	must(xioctl(vcpu->fd, KVM_GET_CPUID2, &got));
	tap_ok(got.head.nent == 3 && !memcmp(set.entry, got.entry, 3 * sizeof(set.entry[0])),
	       "CPUID2: what was set");
}

static void get_msrs(struct vcpu *vcpu, struct msr_block *msrs)
{
	static struct {
		struct kvm_msr_list head;
		__u32 index[MAX_MSRS];
	} list;
	uint32_t i;

	list.head.nmsrs = MAX_MSRS;
	must(xioctl(vcpu->vm->dev, KVM_GET_MSR_INDEX_LIST, &list));
	msrs->head.nmsrs = list.head.nmsrs;
	for (i = 0; i < list.head.nmsrs; i++)
		msrs->entry[i].index = list.index[i];
	tap_eq(xioctl(vcpu->fd, KVM_GET_MSRS, msrs), list.head.nmsrs,
	       "every MSR of the list can be read");
}

/* KVM's own MSRs may need an APIC in the kernel: leave them out of what is written back. */
static void drop_paravirtual(struct msr_block *msrs)
{
	uint32_t i, kept = 0;

	for (i = 0; i < msrs->head.nmsrs; i++)
		if (msrs->entry[i].index >> 8 != 0x4b564d)
			msrs->entry[kept++] = msrs->entry[i];
	msrs->head.nmsrs = kept;
}

static void test_msrs(struct vcpu *vcpu)
{
	static const uint32_t some[] = {
		0x174, 0x175, 0x176, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000102,
		0xc0000100, 0xc0000101,
	};
	static struct msr_block all, set, got;
	uint32_t n = ARRAY_SIZE(some), i;
	int done;

	get_msrs(vcpu, &all);
	drop_paravirtual(&all);
	done = xioctl(vcpu->fd, KVM_SET_MSRS, &all);
	if (!tap_eq(done, all.head.nmsrs, "and written back with what was read"))
		tap_diag("not MSR %#x = %#llx", all.entry[done].index, all.entry[done].data);
	set.head.nmsrs = n;
	for (i = 0; i < n; i++) {
		set.entry[i].index = some[i];
		set.entry[i].data = 0x12340000 + i;
	}
	got = set;
	tap_eq(xioctl(vcpu->fd, KVM_SET_MSRS, &set), n, "MSRs: set");
	tap_eq(xioctl(vcpu->fd, KVM_GET_MSRS, &got), n, "MSRs: get");
	for (i = 0; i < n; i++)
		tap_eq(got.entry[i].data, set.entry[i].data, "MSR %#x", some[i]);
	must(xioctl(vcpu->fd, KVM_SET_MSRS, &all));
	set.head.nmsrs = 1;
	set.entry[0] = (struct kvm_msr_entry) { .index = 0xc0000082, .data = 1ULL << 63 };
	tap_eq(xioctl(vcpu->fd, KVM_SET_MSRS, &set), 0, "LSTAR: not canonical, not taken");
	set.entry[0] = (struct kvm_msr_entry) { .index = 0x277, .data = 0x0202020202020202 };
	tap_eq(xioctl(vcpu->fd, KVM_SET_MSRS, &set), 0, "PAT: a reserved type, not taken");
}

static void test_tsc(struct vcpu *vcpu)
{
	struct msr_block *msr = calloc(1, sizeof(*msr));
	uint64_t first;

	msr->head.nmsrs = 1;
	msr->entry[0].index = MSR_TSC;
	must(xioctl(vcpu->fd, KVM_GET_MSRS, msr));
	first = msr->entry[0].data;
	must(xioctl(vcpu->fd, KVM_GET_MSRS, msr));
	tap_ok(msr->entry[0].data > first, "the TSC goes on");
	msr->entry[0].data = 1ULL << 50;
	tap_eq(xioctl(vcpu->fd, KVM_SET_MSRS, msr), 1, "the TSC can be set");
	must(xioctl(vcpu->fd, KVM_GET_MSRS, msr));
	tap_ok(msr->entry[0].data >= 1ULL << 50 && msr->entry[0].data < BIT_ULL(50) + BIT_ULL(40),
	       "and goes on from there");
	free(msr);
}

int main(void)
{
	struct vcpu *vcpu;

	tap_start("state", 120);
	guest_avx = cpuid_has(1, 0, CPUID_ECX, 26) && cpuid_has(1, 0, CPUID_ECX, 28);
	vcpu = new_guest();
	test_all_written(vcpu);
	test_fpu(vcpu);
	test_xcrs(vcpu);
	test_debugregs(vcpu);
	test_regs(vcpu);
	test_sregs(vcpu);
	test_xsave(vcpu);
	test_msrs(vcpu);
	test_tsc(vcpu);
	test_cpuid(vcpu);
	guest_destroy(vcpu);
	return tap_done();
}
