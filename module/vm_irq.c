// SPDX-License-Identifier: GPL-2.0
/*
 * The VM's ioctls for interrupts and for devices in the kernel. Each handler takes the lock that it
 * needs.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "iobus.h"
#include "ioctl.h"
#include "irqchip/irqchip.h"
#include "umbra.h"

static long create_irqchip(struct um_vm *vm, bool split, u32 reserved_pins)
{
	long ret;

	mutex_lock(&vm->lock);
	ret = um_irqchip_create(vm, split, reserved_pins);
	mutex_unlock(&vm->lock);
	return ret;
}

static long vm_create_irqchip(void *owner, void *arg, unsigned long uarg)
{
	return create_irqchip(owner, false, 0);
}

static long vm_get_irqchip(void *owner, void *arg, unsigned long uarg)
{
	return um_irqchip_get(owner, arg);
}

/* These two are encoded as if they gave something back. */
static long vm_set_irqchip(void *owner, void *arg, unsigned long uarg)
{
	struct kvm_irqchip *state = memdup_user((void __user *)uarg, sizeof(*state));
	long ret;

	if (IS_ERR(state))
		return PTR_ERR(state);
	ret = um_irqchip_set(owner, state);
	kfree(state);
	return ret;
}

static long vm_set_pit(void *owner, void *arg, unsigned long uarg)
{
	struct kvm_pit_state2 state = {};

	if (copy_from_user(state.channels, (void __user *)uarg, sizeof(struct kvm_pit_state)))
		return -EFAULT;
	return um_pit_set(owner, &state, false);
}

static long vm_get_pit(void *owner, void *arg, unsigned long uarg)
{
	struct kvm_pit_state *old = arg;
	struct kvm_pit_state2 state;
	long ret = um_pit_get(owner, &state);

	if (!ret)
		memcpy(old->channels, state.channels, sizeof(old->channels));
	return ret;
}

static long vm_get_pit2(void *owner, void *arg, unsigned long uarg)
{
	return um_pit_get(owner, arg);
}

static long vm_set_pit2(void *owner, void *arg, unsigned long uarg)
{
	return um_pit_set(owner, arg, true);
}

static long vm_create_pit(void *owner, void *arg, unsigned long uarg)
{
	return um_pit_create(owner, true);
}

static long vm_create_pit2(void *owner, void *arg, unsigned long uarg)
{
	const struct kvm_pit_config *config = arg;

	return um_pit_create(owner, config->flags & KVM_PIT_SPEAKER_DUMMY);
}

static long vm_reinject(void *owner, void *arg, unsigned long uarg)
{
	struct kvm_reinject_control control;

	if (copy_from_user(&control, (void __user *)uarg, sizeof(control)))
		return -EFAULT;
	return um_pit_reinject(owner, control.pit_reinject);
}

static long vm_irq_line(void *owner, void *arg, unsigned long uarg)
{
	struct kvm_irq_level *line = arg;
	struct um_vm *vm = owner;
	bool level = line->level;
	int status;

	if (!READ_ONCE(vm->irq.chip))
		return -ENXIO;
	status = um_irq_set(vm, UM_IRQ_USER, line->irq, level);
	line->status = status;
	return 0;
}

static long vm_set_routes(void *owner, void *arg, unsigned long uarg)
{
	return um_irq_set_routes(owner, (struct kvm_irq_routing __user *)uarg);
}

static long vm_signal_msi(void *owner, void *arg, unsigned long uarg)
{
	return um_irq_signal_msi(owner, arg);
}

static long vm_irqfd(void *owner, void *arg, unsigned long uarg)
{
	return um_irqfd(owner, arg);
}

static long vm_ioeventfd(void *owner, void *arg, unsigned long uarg)
{
	return um_ioeventfd(owner, arg);
}

static long vm_boot_cpu(void *owner, void *arg, unsigned long id)
{
	struct um_vm *vm = owner;
	long ret = -EBUSY;

	mutex_lock(&vm->lock);
	if (!vm->nr_vcpus) {
		vm->irq.boot_cpu = id;
		ret = 0;
	}
	mutex_unlock(&vm->lock);
	return ret;
}

static long set_x2apic_api(struct um_vm *vm, u64 flags)
{
	if (flags & ~(u64)UM_X2APIC_API_FLAGS)
		return -EINVAL;
	mutex_lock(&vm->lock);
	if (flags & KVM_X2APIC_API_USE_32BIT_IDS)
		vm->irq.wide_ids = true;
	if (flags & KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)
		vm->irq.no_broadcast_quirk = true;
	mutex_unlock(&vm->lock);
	return 0;
}

long um_irq_enable_cap(struct um_vm *vm, const struct kvm_enable_cap *cap)
{
	if (cap->flags)
		return -EINVAL;
	switch (cap->cap) {
	case KVM_CAP_SPLIT_IRQCHIP:
		if (cap->args[0] > UM_MAX_IRQ_ROUTES)
			return -EINVAL;
		return create_irqchip(vm, true, cap->args[0]);
	case KVM_CAP_X2APIC_API:
		return set_x2apic_api(vm, cap->args[0]);
	default:
		return -EINVAL;
	}
}

/* By frequency of use: the lookup is linear. */
static const struct um_ioctl vm_irq_ioctls[] = {
	{ KVM_IRQ_LINE, 0, vm_irq_line },
	{ KVM_IRQ_LINE_STATUS, 0, vm_irq_line },
	{ KVM_SIGNAL_MSI, 0, vm_signal_msi },
	{ KVM_SET_GSI_ROUTING, UM_IOC_RAW, vm_set_routes },
	{ KVM_IRQFD, 0, vm_irqfd },
	{ KVM_IOEVENTFD, 0, vm_ioeventfd },
	{ KVM_CREATE_IRQCHIP, 0, vm_create_irqchip },
	{ KVM_GET_IRQCHIP, 0, vm_get_irqchip },
	{ KVM_SET_IRQCHIP, UM_IOC_RAW, vm_set_irqchip },
	{ KVM_CREATE_PIT2, 0, vm_create_pit2 },
	{ KVM_CREATE_PIT, 0, vm_create_pit },
	{ KVM_GET_PIT, 0, vm_get_pit },
	{ KVM_SET_PIT, UM_IOC_RAW, vm_set_pit },
	{ KVM_GET_PIT2, 0, vm_get_pit2 },
	{ KVM_SET_PIT2, 0, vm_set_pit2 },
	{ KVM_REINJECT_CONTROL, UM_IOC_RAW, vm_reinject },
	{ KVM_SET_BOOT_CPU_ID, 0, vm_boot_cpu },
};

long um_vm_irq_ioctl(struct um_vm *vm, unsigned int cmd, unsigned long uarg)
{
	return um_ioctl_dispatch(vm_irq_ioctls, ARRAY_SIZE(vm_irq_ioctls), vm, cmd, uarg);
}

void um_vm_irq_stop(struct um_vm *vm)
{
	um_irqfd_stop(vm);
	um_pit_stop(vm);
}

void um_vm_irq_destroy(struct um_vm *vm)
{
	um_bus_destroy(vm);
	um_pit_destroy(vm);
	um_irqchip_destroy(vm);
}
