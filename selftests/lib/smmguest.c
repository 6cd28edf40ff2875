// SPDX-License-Identifier: GPL-2.0
/* A guest with SMRAM of its own in the second address space. */
#include "smmguest.h"

uint8_t *smram;

void smm_set_handler(const char *code, size_t size)
{
	memcpy(smram + HANDLER, code, size);
}

uint64_t smm_msr(struct vcpu *vcpu, uint32_t index, const uint64_t *set)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} one = { .head.nmsrs = 1, .entry = { .index = index, .data = set ? *set : 0 } };

	if (xioctl(vcpu->fd, set ? KVM_SET_MSRS : KVM_GET_MSRS, &one) != 1)
		tap_bail("MSR %#x", index);
	return one.entry.data;
}

void smm_set_base(struct vcpu *vcpu, uint64_t smbase)
{
	smm_msr(vcpu, MSR_SMBASE, &smbase);
}

struct kvm_vcpu_events smm_events(struct vcpu *vcpu)
{
	struct kvm_vcpu_events e;

	must(xioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &e));
	return e;
}

struct kvm_sregs smm_sregs(struct vcpu *vcpu)
{
	struct kvm_sregs s;

	must(xioctl(vcpu->fd, KVM_GET_SREGS, &s));
	return s;
}

void smm_smi(struct vcpu *vcpu)
{
	must(xioctl_val(vcpu->fd, KVM_SMI, 0));
}

struct vcpu *smm_create(bool irqchip)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu;

	if (irqchip)
		must(xioctl_val(vm->fd, KVM_CREATE_IRQCHIP, 0));
	vcpu = vcpu_create(vm, 0);
	vcpu_set_mode(vcpu, MODE_LONG);
	raw_load_code(vcpu, LOOP);
	smram = host_pages(SMRAM_SIZE);
	must(vm_set_slot(vm, SMRAM_SLOT, 0, SMBASE, SMRAM_SIZE, smram));
	smm_set_base(vcpu, SMBASE);
	smm_handler(MARK);
	return vcpu;
}

bool smm_in_handler(struct vcpu *vcpu)
{
	return raw_run(vcpu) == KVM_EXIT_IO && vcpu->run->io.port == MARK_PORT &&
	       (vcpu->run->flags & KVM_RUN_X86_SMM);
}

uint32_t smm_told(struct vcpu *vcpu)
{
	return *(uint32_t *)((uint8_t *)vcpu->run + vcpu->run->io.data_offset);
}

bool smm_in_guest(struct vcpu *vcpu)
{
	return raw_run(vcpu) == KVM_EXIT_IO && raw_ended(vcpu) &&
	       !(vcpu->run->flags & KVM_RUN_X86_SMM);
}

void smm_settle(struct vcpu *vcpu)
{
	vcpu->run->immediate_exit = 1;
	vcpu_run(vcpu);
	vcpu->run->immediate_exit = 0;
}
