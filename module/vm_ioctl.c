// SPDX-License-Identifier: GPL-2.0
/*
 * The VM's file: its ioctls. Each handler takes the lock it needs; a foreign process
 * and a dead VM get EIO.
 */
#include <linux/fs.h>
#include <linux/sched.h>

#include "ioctl.h"
#include "mmu.h"
#include "msr.h"
#include "umbra.h"

/* Three pages below 4 GiB, as KVM_SET_TSS_ADDR is documented. */
#define UM_TSS_ADDR_MAX		((unsigned int)(-3 * (int)UM_PAGE_SIZE))
#define UM_MIN_MMU_PAGES	64
#define UM_MMU_PERMILLE		20	/* shadow pages per thousand guest pages, by default */

static long vm_set_memory(void *owner, void *arg, unsigned long uarg)
{
	return um_slot_set(owner, arg);
}

/*
 * KVM_SET_USER_MEMORY_REGION2, which the headers of some supported kernels lack. There is no guest
 * memory without a mapping, so nothing looks at what follows the first fields.
 */
struct um_memory_region2 {
	struct kvm_userspace_memory_region region;
	u64 guest_memfd_offset;
	u32 guest_memfd, pad1;
	u64 pad2[14];
};

#define UM_SET_USER_MEMORY_REGION2	_IOW(KVMIO, 0x49, struct um_memory_region2)

static long vm_set_memory2(void *owner, void *arg, unsigned long uarg)
{
	const struct um_memory_region2 *r = arg;

	return um_slot_set(owner, &r->region);
}

static long vm_get_dirty_log(void *owner, void *arg, unsigned long uarg)
{
	return um_dirty_get_log(owner, arg);
}

static long vm_clear_dirty_log(void *owner, void *arg, unsigned long uarg)
{
	return um_dirty_clear_log(owner, arg);
}

static long vm_reset_dirty_rings(void *owner, void *arg, unsigned long uarg)
{
	return um_dirty_reset_rings(owner);
}

static long vm_create_vcpu(void *owner, void *arg, unsigned long id)
{
	return id < UM_MAX_VCPU_ID ? um_vcpu_create(owner, id) : -EINVAL;
}

static long vm_check_extension(void *owner, void *arg, unsigned long cap)
{
	return um_check_extension(cap);
}

/* The first vCPU has the backend's tables built: until then the choice is free. */
static long vm_choose_backend(struct um_vm *vm, const struct kvm_enable_cap *cap)
{
	u64 backend = cap->args[0];
	long ret = -EBUSY;

	if (cap->flags || cap->args[1] || cap->args[2] || cap->args[3])
		return -EINVAL;
	if (!backend || backend >= UM_NR_BACKENDS || !(um_backend_mask() & BIT(backend)))
		return -EINVAL;

	mutex_lock(&vm->lock);
	if (!vm->nr_vcpus) {
		vm->backend = backend;
		ret = 0;
	}
	mutex_unlock(&vm->lock);
	return ret;
}

static long vm_enable_cap(void *owner, void *arg, unsigned long uarg)
{
	const struct kvm_enable_cap *cap = arg;

	switch (cap->cap) {
	case UM_CAP_BACKEND:
		return vm_choose_backend(owner, cap);
	case KVM_CAP_DIRTY_LOG_RING:
	case KVM_CAP_DIRTY_LOG_RING_ACQ_REL:
		return um_dirty_ring_enable(owner, cap);
	case KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2:
		return um_dirty_set_manual(owner, cap);
	case KVM_CAP_SPLIT_IRQCHIP:
	case KVM_CAP_X2APIC_API:
		return um_irq_enable_cap(owner, cap);
	default:
		return um_policy_enable(owner, cap);
	}
}

static long vm_set_tss_addr(void *owner, void *arg, unsigned long gpa)
{
	struct um_vm *vm = owner;

	if (gpa > UM_TSS_ADDR_MAX)
		return -EINVAL;
	mutex_lock(&vm->lock);
	vm->tss_addr = gpa;
	mutex_unlock(&vm->lock);
	return 0;
}

static long vm_set_identity_map(void *owner, void *arg, unsigned long uarg)
{
	struct um_vm *vm = owner;
	long ret = -EINVAL;

	mutex_lock(&vm->lock);
	if (!vm->nr_vcpus) {
		vm->identity_map = *(u64 *)arg;
		ret = 0;
	}
	mutex_unlock(&vm->lock);
	return ret;
}

static long vm_set_mmu_pages(void *owner, void *arg, unsigned long pages)
{
	struct um_vm *vm = owner;

	if (pages < UM_MIN_MMU_PAGES)
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	WRITE_ONCE(vm->max_shadow_pages, pages);
	mutex_unlock(&vm->slots_lock);
	return 0;
}

static long vm_get_mmu_pages(void *owner, void *arg, unsigned long uarg)
{
	struct um_vm *vm = owner;
	u64 pages = READ_ONCE(vm->max_shadow_pages);

	if (!pages)
		pages = max_t(u64, um_slots_pages(vm) * UM_MMU_PERMILLE / 1000, UM_MIN_MMU_PAGES);
	return min_t(u64, pages, LONG_MAX);
}

static long vm_get_stats_fd(void *owner, void *arg, unsigned long uarg)
{
	return um_vm_stats_fd(owner);
}

static const struct um_ioctl vm_ioctls[] = {
	{ KVM_SET_USER_MEMORY_REGION, 0, vm_set_memory },
	{ UM_SET_USER_MEMORY_REGION2, 0, vm_set_memory2 },
	{ KVM_GET_DIRTY_LOG, 0, vm_get_dirty_log },
	{ KVM_CLEAR_DIRTY_LOG, 0, vm_clear_dirty_log },
	{ KVM_RESET_DIRTY_RINGS, 0, vm_reset_dirty_rings },
	{ KVM_CHECK_EXTENSION, 0, vm_check_extension },
	{ KVM_CREATE_VCPU, 0, vm_create_vcpu },
	{ KVM_ENABLE_CAP, 0, vm_enable_cap },
	{ KVM_SET_TSS_ADDR, 0, vm_set_tss_addr },
	{ KVM_REGISTER_COALESCED_MMIO, 0, um_coalesced_register },
	{ KVM_UNREGISTER_COALESCED_MMIO, 0, um_coalesced_unregister },
	{ KVM_GET_CLOCK, 0, um_clock_get },
	{ KVM_SET_CLOCK, 0, um_clock_set },
	{ KVM_SET_TSC_KHZ, 0, um_vm_set_tsc_khz },
	{ KVM_GET_TSC_KHZ, 0, um_vm_get_tsc_khz },
	{ KVM_X86_SET_MSR_FILTER, 0, um_msr_filter_set },
	{ KVM_SET_IDENTITY_MAP_ADDR, 0, vm_set_identity_map },
	{ KVM_SET_NR_MMU_PAGES, 0, vm_set_mmu_pages },
	{ KVM_GET_NR_MMU_PAGES, 0, vm_get_mmu_pages },
	{ KVM_GET_STATS_FD, 0, vm_get_stats_fd },
};

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long uarg)
{
	struct um_vm *vm = file->private_data;
	const struct um_ioctl *row;

	if (vm->mm != current->mm || READ_ONCE(vm->dead))
		return -EIO;
	row = um_ioctl_find(vm_ioctls, ARRAY_SIZE(vm_ioctls), cmd);
	if (row)
		return um_ioctl_call(row, vm, uarg);
	return um_vm_irq_ioctl(vm, cmd, uarg);
}

static int vm_release(struct inode *inode, struct file *file)
{
	um_vm_put(file->private_data);
	return 0;
}

const struct file_operations um_vm_fops = {
	.owner = THIS_MODULE,
	.release = vm_release,
	.unlocked_ioctl = vm_ioctl,
	.llseek = noop_llseek,
};
