// SPDX-License-Identifier: GPL-2.0
/* Hypercalls by either vendor's instruction, and those that userspace answers. */
#include <errno.h>
#include <linux/kvm_para.h>

#include "lib/raw.h"

#define VMCALL		"\x0f\x01\xc1"
#define VMMCALL		"\x0f\x01\xd9"

static void test_instruction(void)
{
	struct vcpu *vcpu = raw_create_code(VMMCALL RAW_END);

	tap_ok(raw_run(vcpu) == KVM_EXIT_IO && raw_ended(vcpu), "VMMCALL works");
	tap_eq(vcpu->vm->mem[RAW_GPA + 2], 0xc1, "as it became VMCALL");
	must(enable_cap(vcpu->vm->fd, KVM_CAP_DISABLE_QUIRKS2, KVM_X86_QUIRK_FIX_HYPERCALL_INSN));
	raw_load_code(vcpu, VMMCALL RAW_END);
	tap_eq(raw_run(vcpu), KVM_EXIT_SHUTDOWN, "without the quirk it is #UD");
	tap_eq(vcpu->vm->mem[RAW_GPA + 2], 0xd9, "and stays what it is");
	guest_destroy(vcpu);
}

/* Answers what the guest asks with @ret, and leaves what is in its RAX then. */
static uint64_t ask(struct vcpu *vcpu, uint64_t gpa, uint64_t npages, uint64_t ret)
{
	struct kvm_regs regs = raw_regs(vcpu);
	struct kvm_run *run = vcpu->run;

	regs.rip = RAW_GPA;
	regs.rax = KVM_HC_MAP_GPA_RANGE;
	regs.rbx = gpa;
	regs.rcx = npages;
	regs.rdx = KVM_MAP_GPA_RANGE_ENCRYPTED;
	raw_set_regs(vcpu, regs);
	if (raw_run(vcpu) == KVM_EXIT_HYPERCALL) {
		tap_ok(run->hypercall.nr == KVM_HC_MAP_GPA_RANGE && run->hypercall.longmode &&
		       run->hypercall.args[0] == gpa && run->hypercall.args[1] == npages &&
		       run->hypercall.args[2] == KVM_MAP_GPA_RANGE_ENCRYPTED,
		       "it is told what for");
		run->hypercall.ret = ret;
		raw_run(vcpu);
	}
	tap_ok(raw_ended(vcpu), "the guest goes on");
	return raw_regs(vcpu).rax;
}

static void test_exit(void)
{
	struct vcpu *vcpu = raw_create_code(VMCALL RAW_END);
	int fd = vcpu->vm->fd;

	if (!xioctl_val(fd, KVM_CHECK_EXTENSION, KVM_CAP_EXIT_HYPERCALL)) {
		tap_skip("not offered", "hypercalls that userspace answers");
		guest_destroy(vcpu);
		return;
	}
	tap_eq(ask(vcpu, 0x1000, 1, 0), -KVM_ENOSYS, "unless userspace asks, it is unknown");
	tap_eq(enable_cap(fd, KVM_CAP_EXIT_HYPERCALL, 1 << KVM_HC_SEND_IPI), -EINVAL,
	       "userspace answers no other hypercall");
	tap_eq(enable_cap(fd, KVM_CAP_EXIT_HYPERCALL, 1 << KVM_HC_MAP_GPA_RANGE), 0,
	       "but MAP_GPA_RANGE");
	tap_eq(ask(vcpu, 0x1000, 2, 0x1234567890), 0x1234567890, "the answer is userspace's");
	tap_eq(ask(vcpu, 0x1001, 2, 0), -KVM_EINVAL, "half a page");
	tap_eq(ask(vcpu, 0x1000, 0, 0), -KVM_EINVAL, "no page");
	tap_eq(ask(vcpu, 0x1000, -1ULL, 0), -KVM_EINVAL, "too many pages");
	guest_destroy(vcpu);
}

int main(void)
{
	tap_start("hypercall", 60);
	test_instruction();
	test_exit();
	return tap_done();
}
