// SPDX-License-Identifier: GPL-2.0
#include <sys/ioctl.h>

#include "raw.h"

void raw_set_regs(struct vcpu *vcpu, struct kvm_regs regs)
{
	must(xioctl(vcpu->fd, KVM_SET_REGS, &regs));
}

struct kvm_regs raw_regs(struct vcpu *vcpu)
{
	struct kvm_regs regs;

	must(xioctl(vcpu->fd, KVM_GET_REGS, &regs));
	return regs;
}

void raw_load(struct vcpu *vcpu, const char *code, size_t size)
{
	struct kvm_regs regs = { .rip = RAW_GPA, .rflags = 2 };

	memcpy(vcpu->vm->mem + RAW_GPA, code, size);
	raw_set_regs(vcpu, regs);
}

struct vcpu *raw_create(const char *code, size_t size)
{
	struct vcpu *vcpu = vcpu_create(vm_create(), 0);

	vcpu_set_mode(vcpu, MODE_LONG);
	raw_load(vcpu, code, size);
	return vcpu;
}

int raw_run(struct vcpu *vcpu)
{
	int r = vcpu_run(vcpu);

	return r < 0 ? r : (int)vcpu->run->exit_reason;
}

bool raw_ended(const struct vcpu *vcpu)
{
	return vcpu->run->exit_reason == KVM_EXIT_IO && vcpu->run->io.port == 0x80;
}

int enable_cap(int fd, uint32_t cap, uint64_t arg)
{
	struct kvm_enable_cap enable = { .cap = cap, .args = { arg } };

	return xioctl(fd, KVM_ENABLE_CAP, &enable);
}

int raw_access_msr(struct vcpu *vcpu, uint32_t msr, bool write, uint64_t val)
{
	struct kvm_regs regs;

	if (write)
		raw_load_code(vcpu, WRMSR RAW_END);
	else
		raw_load_code(vcpu, RDMSR RAW_END);
	regs = raw_regs(vcpu);
	regs.rcx = msr;
	regs.rax = (uint32_t)val;
	regs.rdx = val >> 32;
	raw_set_regs(vcpu, regs);
	return raw_run(vcpu);
}
